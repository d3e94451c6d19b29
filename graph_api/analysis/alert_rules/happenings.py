"""What happens, as rules see it: transfers, those taken for OTC, prices, and freezes."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

import msgspec

from graph_api.domain.events import Event, Topic
from graph_api.domain.ids import AccountId, ChainId, TokenId, TransferId
from graph_api.domain.positions import order_key
from graph_api.domain.prices import Price

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer."""

    id: TransferId
    chain: ChainId
    position: str
    sender: AccountId | None
    recipient: AccountId
    token: TokenId | None
    amount_raw: int | None
    at: datetime | None
    block_number: int | None
    block_hash: str | None

    @property
    def wallets(self) -> tuple[AccountId, ...]:
        """Sender and recipient, once each."""
        if self.sender is None or self.sender == self.recipient:
            return (self.recipient,)
        return (self.sender, self.recipient)

    @property
    def order(self) -> str:
        """Sorts the transfers of a chain, the newest first."""
        return order_key(self.id, block_number=self.block_number, position=self.position)


class Dealt(Moved, frozen=True, kw_only=True):
    """A transfer that is taken for OTC; ``score`` is None where nobody has scored it."""

    reasons: tuple[str, ...]
    score: float | None


class Ticked(msgspec.Struct, frozen=True, kw_only=True):
    """An asset has a new price."""

    price: Price
    symbol: str

    wallets: tuple[AccountId, ...] = ()
    token: TokenId | None = None

    @property
    def at(self) -> datetime:
        """Since when it holds."""
        return moment(self.price.at)


class Freeze(StrEnum):
    """What an issuer did to a wallet."""

    FROZEN = "frozen"
    FREED = "freed"
    SEIZED = "seized"


class Froze(msgspec.Struct, frozen=True, kw_only=True):
    """An issuer froze a wallet, freed it, or destroyed what it held."""

    id: str
    chain: ChainId
    what: Freeze
    wallet: AccountId
    token: TokenId
    issuer: str | None
    amount_raw: int | None
    at: datetime | None
    block_number: int | None
    block_hash: str | None

    @property
    def wallets(self) -> tuple[AccountId, ...]:
        """The one it is about."""
        return (self.wallet,)


Happening = Moved | Dealt | Ticked | Froze

_FREEZES: Final = {
    Topic.WALLET_FROZEN: Freeze.FROZEN,
    Topic.WALLET_FREED: Freeze.FREED,
    Topic.WALLET_SEIZED: Freeze.SEIZED,
}
_RETRACTIONS: Final = {
    Topic.TRANSFER_RETRACTED: Topic.TRANSFER_SEEN,
    Topic.OTC_RETRACTED: Topic.OTC_DETECTED,
}


def happening_of(event: Event) -> Happening | None:
    """What ``event`` tells; None where it is nothing that a rule judges."""
    body = event.body
    match event.topic:
        case Topic.TRANSFER_SEEN:
            return Moved(**_moved(event))
        case Topic.OTC_DETECTED:
            reasons = tuple(body.get("reasons") or ())
            return Dealt(**_moved(event), reasons=reasons, score=body.get("score"))
        case Topic.PRICE_TICKED:
            price = Price(
                asset=body["asset"], usd=Decimal(body["usd"]), at=body["at"], source=body["source"]
            )
            return Ticked(price=price, symbol=body["symbol"])
        case Topic.WALLET_FROZEN | Topic.WALLET_FREED | Topic.WALLET_SEIZED:
            return _froze(event)
        case _:
            return None


def cause_of(event: Event) -> str | None:
    """What an alert on ``event`` hangs on: the same when its chain takes that back; else None."""
    topic = event.topic
    if topic is Topic.WALLET_RETRACTED:
        topic = Topic(event.body["was"])
    topic = _RETRACTIONS.get(topic, topic)
    if topic in _FREEZES or topic in _RETRACTIONS.values():
        return f"{topic}:{event.body['id']}@{event.body.get('block_hash') or ''}"
    return None


def is_retraction(event: Event) -> bool:
    """Whether it takes back what an earlier event told."""
    return event.topic in _RETRACTIONS or event.topic is Topic.WALLET_RETRACTED


def moment(epoch_ms: int) -> datetime:
    """Epoch milliseconds as an aware moment, exact."""
    return _EPOCH + timedelta(milliseconds=epoch_ms)


def milliseconds(at: datetime) -> int:
    """A moment as epoch milliseconds."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def _moved(event: Event) -> dict[str, Any]:
    body = event.body
    return {
        "id": TransferId(body["id"]),
        "chain": ChainId(event.chain),
        "position": body["position"],
        "sender": body["sender"],
        "recipient": body["recipient"],
        "token": body["token"],
        "amount_raw": _whole(body["amount_raw"]),
        "at": _moment(body["block_time"]),
        "block_number": body["block_number"],
        "block_hash": body.get("block_hash"),
    }


def _froze(event: Event) -> Froze:
    body = event.body
    return Froze(
        id=body["id"],
        chain=ChainId(event.chain),
        what=_FREEZES[event.topic],
        wallet=body["wallet"],
        token=body["token"],
        issuer=body.get("issuer"),
        amount_raw=_whole(body.get("amount_raw")),
        at=_moment(body.get("block_time")),
        block_number=body.get("block_number"),
        block_hash=body.get("block_hash"),
    )


def _whole(text: str | None) -> int | None:
    return None if text is None else int(text)


def _moment(epoch_ms: int | None) -> datetime | None:
    return None if epoch_ms is None else moment(epoch_ms)
