"""What can be subscribed to: transfers as they are seen, taken back and made final."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Final, NamedTuple

import strawberry
from msgspec.structs import replace

from graph_api.domain.errors import BadInput
from graph_api.domain.events import Event, Line, Topic
from graph_api.domain.ids import AccountId, ChainId, TokenId
from graph_api.domain.principals import Principal
from graph_api.domain.records import ActorType
from graph_api.live.hub import Told
from graph_api.live.interests import CHAIN, Interest
from graph_api.schema.context import Context
from graph_api.schema.feeds import Argument, feed
from graph_api.schema.ledger import Transfer
from graph_api.schema.scalars import BigInt
from graph_api.schema.watching import MOST_LISTS, watched
from graph_api.services import prices
from graph_api.services.telling import ACTOR_TYPES, ASSET, USD
from graph_api.store.records import moment
from graph_api.store.transfers import TransferRow

#: How many wallets, tokens or chains one filter may name.
MOST: Final = 1_000


@strawberry.enum(
    description=(
        "When a transfer is told: INSTANT as soon as it is seen, and it may be taken back later; "
        "FINALIZED when its block is final, after which it is never taken back."
    )
)
class Delivery(Enum):
    """Which line is listened to."""

    INSTANT = Line.TRANSFERS
    FINALIZED = Line.FINALIZED


@strawberry.interface(description="Something that happened.")
class LiveEvent:
    """What all items of subscriptions have."""

    cursor: str = strawberry.field(
        description="Give it back as `after` to go on behind this item, without loss or double."
    )
    at: datetime = strawberry.field(description="When it was learned.")


@strawberry.type(description="A transfer was seen.")
class TransferSeen(LiveEvent):
    """It may be taken back."""

    transfer: Transfer = strawberry.field(description="What moved.")


@strawberry.type(description="A transfer was taken back: its block is no part of the chain.")
class TransferRetracted(LiveEvent):
    """Who heard that it was seen hears of this."""

    transfer: Transfer = strawberry.field(description="As it had been told.")


@strawberry.type(description="A transfer is final.")
class TransferFinalized(LiveEvent):
    """It will not be taken back."""

    transfer: Transfer = strawberry.field(description="What moved.")


TransferEvent = Annotated[
    TransferSeen | TransferRetracted | TransferFinalized,
    strawberry.union("TransferEvent", description="What became of a transfer."),
]

TransferNews = TransferSeen | TransferRetracted | TransferFinalized

_KINDS: Final[dict[Topic, type[TransferNews]]] = {
    Topic.TRANSFER_SEEN: TransferSeen,
    Topic.TRANSFER_RETRACTED: TransferRetracted,
    Topic.TRANSFER_FINALIZED: TransferFinalized,
}


def transfer_event(told: Told) -> TransferNews:
    """What clients see of an event of a transfer."""
    kind = _KINDS[told.event.topic]
    return kind(cursor=told.cursor_text, at=told.at, transfer=transfer_of(told.event))


def transfer_of(event: Event) -> Transfer:
    """The transfer that an event tells of."""
    body = event.body
    row = TransferRow(
        id=body["id"],
        chain=ChainId(event.chain),
        transaction=body["transaction"],
        position=body["position"],
        sender=body["sender"],
        recipient=body["recipient"],
        token=body["token"],
        amount_raw=body["amount_raw"],
        amount=body["amount"],
        block_number=body["block_number"],
        block_time=None if (time := body["block_time"]) is None else moment(time),
        derived=body["derived"],
        usd=body.get("usd"),
    )
    return Transfer.of(row)


@strawberry.input(
    name="TransferEventFilter",
    description=f"Which transfers are told; all conditions must hold. Lists take up to {MOST:,}.",
)
class TransferEventFilterInput:
    """Conditions of a subscription to transfers."""

    chains: list[ChainId] | None = strawberry.field(
        default=None, description="Only on these chains."
    )
    wallets: list[AccountId] | None = strawberry.field(
        default=None, description="Only those that one of these sends or receives."
    )
    watchlists: list[str] | None = strawberry.field(
        default=None,
        description=(
            f"Only those that touch what is on one of these watchlists, up to {MOST_LISTS}: a "
            "wallet on it sends or receives, or one of an actor on it, or a token on it moves. "
            "Changes of the lists are followed while the subscription lasts."
        ),
    )
    tokens: list[TokenId] | None = strawberry.field(default=None, description="Only of these.")
    assets: list[str] | None = strawberry.field(
        default=None,
        description=(
            "Only of tokens that stand for one of these: ids or symbols, such as `usd-coin` or "
            "`USDC` on every chain; up to 100."
        ),
    )
    actor_types: list[ActorType] | None = strawberry.field(
        default=None,
        description=(
            "Only where the sender or the recipient belongs to an actor of one of these types, as "
            "far as labels and the desk registry know when it is told."
        ),
    )
    min_amount_raw: BigInt | None = strawberry.field(
        default=None, description="At least so many base units (wei, satoshi)."
    )
    min_amount: Decimal | None = strawberry.field(
        default=None, description="At least so many whole units, of tokens with known decimals."
    )
    min_usd: Decimal | None = strawberry.field(
        default=None,
        description=(
            "Worth at least so many US dollars at the time of its block, by the prices that are "
            "known when it is told; what has no price is left out."
        ),
    )

    def asked(self) -> "TransferWish":
        """The conditions. Raises: BadInput."""
        return TransferWish(
            chains=names("chains", self.chains),
            wallets=names("wallets", self.wallets),
            watchlists=names("watchlists", self.watchlists),
            tokens=names("tokens", self.tokens),
            assets=names("assets", self.assets),
            actor_types=names("actorTypes", self.actor_types),
            min_raw=None if self.min_amount_raw is None else int(self.min_amount_raw),
            min_units=self.min_amount,
            min_usd=self.min_usd,
        )


Names = tuple[str, ...] | None


class TransferWish(NamedTuple):
    """Conditions that must all hold; None leaves one out."""

    chains: Names = None
    wallets: Names = None
    watchlists: Names = None
    tokens: Names = None
    assets: Names = None
    actor_types: Names = None
    min_raw: int | None = None
    min_units: Decimal | None = None
    min_usd: Decimal | None = None


async def _transfers(
    context: Context,
    *,
    filter: TransferWish | None = None,
    delivery: Delivery = Delivery.INSTANT,
    principal: Principal,
) -> Interest:
    wish = filter or TransferWish()
    assets = None
    if wish.assets is not None:
        assets = await prices.ids_of(context.graph, wish.assets)
    tests = at_least(raw=wish.min_raw, units=wish.min_units, usd=wish.min_usd)

    def build(on_lists: Collection[str] | None, fields: tuple[str, ...]) -> Interest:
        named = (
            (wish.wallets, ("sender", "recipient")),
            (on_lists, fields),
            (wish.actor_types, (ACTOR_TYPES,)),
            (wish.tokens, ("token",)),
            (assets, (ASSET,)),
            (wish.chains, (CHAIN,)),
        )
        found = interest(delivery.value, named, tests)
        return found if wish.min_usd is None else replace(found, looks_at=(*found.looks_at, USD))

    return await watched(context, wish.watchlists, principal=principal, build=build)


def interest(
    line: Line,
    named: Sequence[tuple[Collection[str] | None, tuple[str, ...]]],
    tests: list[Callable[[Event], bool]],
) -> Interest:
    """Events of ``line`` that meet everything: values of fields, narrow ones first, and tests.

    What is named most narrowly is looked up in an index; what else was named is tested.
    """
    found = [
        Interest(line=line, fields=fields, values=frozenset(values))
        for values, fields in named
        if values is not None
    ]
    if not found:
        return Interest(line=line, test=_all(tests))
    first, *others = found
    looks_at = tuple(field for one in others for field in one.fields)
    test = _all([*(one.wants for one in others), *tests])
    return replace(first, test=test, looks_at=looks_at)


def at_least(
    *, raw: int | None, units: Decimal | None, usd: Decimal | None
) -> list[Callable[[Event], bool]]:
    """Tests of how much moved: base units, whole units, US dollars; what is unknown fails them."""
    tests: list[Callable[[Event], bool]] = []
    if raw is not None:
        tests.append(lambda event: int(event.body["amount_raw"] or -1) >= raw)
    if units is not None:
        least = float(units)
        tests.append(lambda event: (event.body["amount"] or -1.0) >= least)
    if usd is not None:
        tests.append(lambda event: _dollars(event) >= usd)
    return tests


def _dollars(event: Event) -> Decimal:
    """What it is worth: a multiple of a millionth, as the shortest text of the number says."""
    usd = event.body.get(USD)
    return Decimal(-1) if usd is None else Decimal(str(usd))


def _all(tests: list[Callable[[Event], bool]]) -> Callable[[Event], bool] | None:
    if not tests:
        return None
    return lambda event: all(test(event) for test in tests)


def names(what: str, given: list[Any] | None) -> Names:
    """What a list of a filter names, each once. Raises: BadInput when these are too many."""
    if given is not None and len(given) > MOST:
        raise BadInput(f"`{what}` takes up to {MOST:,}; subscribe several times.")
    return None if given is None else tuple(sorted(set(given)))


@strawberry.type
class LedgerSubscription:
    """What happens on the ledger."""

    transfers: TransferEvent = feed(
        _transfers,
        of=transfer_event,
        arguments={
            "filter": Argument(
                "Conditions that all must hold; all transfers when not given.",
                type=TransferEventFilterInput | None,
            ),
            "delivery": "When they are told.",
        },
        facts={"usd": USD},
        shared=True,
        description="Transfers as they are seen and taken back, or as they become final.",
    )
