"""What is taken for OTC, told as it is detected and taken back."""

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final, NamedTuple

import strawberry

from graph_api.domain.events import Line, Topic
from graph_api.domain.ids import AccountId, ChainId, TokenId, TransferId
from graph_api.domain.otc import Reason
from graph_api.domain.principals import Principal
from graph_api.domain.records import ActorType
from graph_api.live.hub import Told
from graph_api.live.interests import CHAIN, Interest
from graph_api.schema.context import Context
from graph_api.schema.feeds import Argument, feed
from graph_api.schema.labels import Actor
from graph_api.schema.ledger import Transfer
from graph_api.schema.paging import Connection
from graph_api.schema.scalars import BigInt
from graph_api.schema.steps import batched, root
from graph_api.schema.subscriptions import (
    MOST,
    LiveEvent,
    Names,
    at_least,
    interest,
    names,
    transfer_of,
)
from graph_api.schema.watching import MOST_LISTS, watched
from graph_api.services import prices
from graph_api.services.telling import ACTOR_TYPES, ASSET
from graph_api.store import actors, otc, transfers
from graph_api.store.otc import DetectionFilter, DetectionRow

strawberry.enum(
    Reason,
    name="OtcReason",
    description=(
        "Why a transfer is taken for OTC. DESK: an OTC desk, market maker or prop firm takes part. "
        "EXCHANGE: besides, the same transaction moves another token the other way. LARGE: few "
        "transfers of its token were as large in the days before."
    ),
)


@strawberry.type(description="Who deals over the counter.")
class OtcDealer:
    """A desk that takes part."""

    actor_id: str = strawberry.field(description="Id of the actor.")
    type: ActorType = strawberry.field(description="What it does.")

    actor: Actor | None = batched(
        actors.by_ids, key="actor_id", of=Actor.of, description="The actor."
    )


@strawberry.interface(description="A transfer that is taken for OTC, or was.")
class OtcNews(LiveEvent):
    """What all of them have."""

    transfer: Transfer = strawberry.field(
        description="What moved; `usd` is what it was worth when it was detected."
    )
    reasons: list[Reason] = strawberry.field(description="Why it is taken for OTC.")
    dealers: list[OtcDealer] = strawberry.field(
        description="The desks that take part; none where only its size is the reason."
    )
    counter_id: str | None = strawberry.field(
        description="Id of the transfer that went the other way in the same transaction."
    )
    counter_key: strawberry.Private[TransferId | None]

    counter: Transfer | None = batched(
        transfers.by_ids,
        key="counter_key",
        of=Transfer.of,
        description="That transfer; null where there is none.",
    )


@strawberry.type(description="A transfer is taken for OTC.")
class OtcDetected(OtcNews):
    """It may be taken back."""


@strawberry.type(description="A transfer that was taken for OTC is no part of its chain any more.")
class OtcRetracted(OtcNews):
    """Who heard that it was detected hears of this."""


OtcEvent = Annotated[
    OtcDetected | OtcRetracted,
    strawberry.union("OtcEvent", description="What became of a transfer that is taken for OTC."),
]

_KINDS: Final[dict[Topic, type[OtcDetected] | type[OtcRetracted]]] = {
    Topic.OTC_DETECTED: OtcDetected,
    Topic.OTC_RETRACTED: OtcRetracted,
}


@strawberry.type(description="A transfer that is taken for OTC.")
class OtcTransfer:
    """What was detected, and when."""

    transfer_id: str = strawberry.field(description="Id of the transfer.")
    transfer_key: strawberry.Private[TransferId]
    reasons: list[Reason] = strawberry.field(description="Why it is taken for OTC.")
    dealers: list[OtcDealer] = strawberry.field(
        description="The desks that take part; none where only its size is the reason."
    )
    usd: float | None = strawberry.field(
        description="What it was worth when it was detected, US dollars; null without a price."
    )
    detected_at: datetime = strawberry.field(description="When it was detected.")
    counter_id: str | None = strawberry.field(
        description="Id of the transfer that went the other way in the same transaction."
    )
    counter_key: strawberry.Private[TransferId | None]

    transfer: Transfer | None = batched(
        transfers.by_ids, key="transfer_key", of=Transfer.of, description="The transfer."
    )
    counter: Transfer | None = batched(
        transfers.by_ids,
        key="counter_key",
        of=Transfer.of,
        description="The transfer that went the other way; null where there is none.",
    )

    @classmethod
    def of(cls, row: DetectionRow) -> "OtcTransfer":
        """As clients see it."""
        return cls(
            transfer_id=row.id,
            transfer_key=row.id,
            reasons=[Reason(one) for one in row.reasons],
            dealers=_dealers(row.actors, row.actor_types),
            usd=row.usd,
            detected_at=row.detected_at,
            counter_id=row.counter,
            counter_key=row.counter,
        )


@strawberry.input(
    name="OtcFilter", description="Which transfers are wanted; all conditions must hold."
)
class OtcFilterInput:
    """Conditions of a list of what is taken for OTC."""

    actor: str | None = strawberry.field(
        default=None, description="Only where this desk takes part; id of an actor."
    )
    reason: Reason | None = strawberry.field(default=None, description="Only for this reason.")
    min_usd: Decimal | None = strawberry.field(
        default=None, description="Worth at least so many US dollars when it was detected."
    )

    def asked(self) -> DetectionFilter:
        """The conditions."""
        return DetectionFilter(actor=self.actor, reason=self.reason, min_usd=self.min_usd)


def _chain(chain: ChainId) -> ChainId:
    return chain


@strawberry.type
class OtcQuery:
    """What was taken for OTC."""

    otc_transfers: Connection[OtcTransfer] | None = root(
        otc.of_chains,
        key=_chain,
        of=OtcTransfer.of,
        order="otc_transfers",
        cost=2,
        arguments={
            "chain": "On this chain: a slug such as `ethereum`, or a CAIP-2 id.",
            "filter": Argument(
                "Conditions that all must hold; everything when not given. Where little meets "
                "them, a page may stop early: see `pageInfo.stopped`.",
                type=OtcFilterInput | None,
            ),
        },
        description=(
            "Transfers of a chain that are taken for OTC, the newest first; `otcEvents` tells of "
            "them as they are detected."
        ),
    )


def otc_event(told: Told) -> OtcDetected | OtcRetracted:
    """What clients see of it."""
    body = told.event.body
    return _KINDS[told.event.topic](
        cursor=told.cursor_text,
        at=told.at,
        transfer=transfer_of(told.event),
        reasons=[Reason(one) for one in body["reasons"]],
        dealers=_dealers(body["actors"], body["actor_types"]),
        counter_id=body["counter"],
        counter_key=body["counter"],
    )


def _dealers(ids: Sequence[str], types: Sequence[str]) -> list[OtcDealer]:
    pairs = zip(ids, types, strict=True)
    return [OtcDealer(actor_id=id, type=ActorType(type)) for id, type in pairs]


class OtcWish(NamedTuple):
    """Conditions that must all hold; None leaves one out."""

    chains: Names = None
    wallets: Names = None
    watchlists: Names = None
    actors: Names = None
    actor_types: Names = None
    tokens: Names = None
    assets: Names = None
    reasons: Names = None
    min_raw: int | None = None
    min_units: Decimal | None = None
    min_usd: Decimal | None = None


@strawberry.input(
    name="OtcEventFilter",
    description=f"What is told of OTC; all conditions must hold. Lists take up to {MOST:,}.",
)
class OtcEventFilterInput:
    """Conditions of a subscription to OTC."""

    chains: list[ChainId] | None = strawberry.field(
        default=None, description="Only on these chains."
    )
    wallets: list[AccountId] | None = strawberry.field(
        default=None, description="Only what one of these sends or receives."
    )
    watchlists: list[str] | None = strawberry.field(
        default=None,
        description=(
            f"Only what touches something on one of these watchlists, up to {MOST_LISTS}: a wallet "
            "on it sends or receives, a desk on it takes part, or a token on it moves. Changes of "
            "the lists are followed while the subscription lasts."
        ),
    )
    actors: list[str] | None = strawberry.field(
        default=None, description="Only where one of these desks takes part; ids of actors."
    )
    actor_types: list[ActorType] | None = strawberry.field(
        default=None,
        description="Only where a desk of one of these types takes part: OTC_DESK, MARKET_MAKER, "
        "PROP_TRADING.",
    )
    tokens: list[TokenId] | None = strawberry.field(default=None, description="Only of these.")
    assets: list[str] | None = strawberry.field(
        default=None,
        description="Only of tokens that stand for one of these: ids or symbols; up to 100.",
    )
    reasons: list[Reason] | None = strawberry.field(
        default=None, description="Only for one of these reasons."
    )
    min_amount_raw: BigInt | None = strawberry.field(
        default=None, description="At least so many base units (wei, satoshi)."
    )
    min_amount: Decimal | None = strawberry.field(
        default=None, description="At least so many whole units, of tokens with known decimals."
    )
    min_usd: Decimal | None = strawberry.field(
        default=None,
        description="Worth at least so many US dollars when it was detected; what has no price is "
        "left out.",
    )

    def asked(self) -> OtcWish:
        """The conditions. Raises: BadInput."""
        return OtcWish(
            chains=names("chains", self.chains),
            wallets=names("wallets", self.wallets),
            watchlists=names("watchlists", self.watchlists),
            actors=names("actors", self.actors),
            actor_types=names("actorTypes", self.actor_types),
            tokens=names("tokens", self.tokens),
            assets=names("assets", self.assets),
            reasons=names("reasons", self.reasons),
            min_raw=None if self.min_amount_raw is None else int(self.min_amount_raw),
            min_units=self.min_amount,
            min_usd=self.min_usd,
        )


async def _otc(
    context: Context, *, filter: OtcWish | None = None, principal: Principal
) -> Interest:
    wish = filter or OtcWish()
    assets = None
    if wish.assets is not None:
        assets = await prices.ids_of(context.graph, wish.assets)
    tests = at_least(raw=wish.min_raw, units=wish.min_units, usd=wish.min_usd)

    def build(on_lists: Collection[str] | None, fields: tuple[str, ...]) -> Interest:
        named = (
            (wish.wallets, ("sender", "recipient")),
            (on_lists, fields),
            (wish.actors, ("actors",)),
            (wish.tokens, ("token",)),
            (assets, (ASSET,)),
            (wish.actor_types, (ACTOR_TYPES,)),
            (wish.reasons, ("reasons",)),
            (wish.chains, (CHAIN,)),
        )
        return interest(Line.OTC, named, tests)

    return await watched(context, wish.watchlists, principal=principal, build=build)


@strawberry.type
class OtcSubscription:
    """Deals over the counter."""

    otc_events: OtcEvent = feed(
        _otc,
        of=otc_event,
        arguments={
            "filter": Argument(
                "Conditions that all must hold; everything when not given.",
                type=OtcEventFilterInput | None,
            )
        },
        description=(
            "Transfers that are taken for OTC, as they are detected and taken back: those of "
            "desks, and those that are rarely as large."
        ),
        shared=True,
    )
