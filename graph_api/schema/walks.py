"""Following value along flows: what they are, and the shortest path between two wallets."""

from datetime import datetime
from enum import Enum
from typing import Annotated, ClassVar, Final

import strawberry

from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId, TokenId
from graph_api.schema.ledger import Token, Wallet
from graph_api.schema.made import Made
from graph_api.schema.scalars import BigInt
from graph_api.schema.steps import batched, root
from graph_api.services import paths
from graph_api.services.paths import Ending, PathQuestion, StoppedAt
from graph_api.services.walks import HUB, Stop
from graph_api.store import tokens, walks, wallets
from graph_api.store.flows import FlowRow
from graph_api.store.transfers import Direction
from graph_api.store.walks import Hop

_MOST_HOPS: Final = 8
_BIGGEST_HUB: Final = 10_000

strawberry.enum(
    Stop,
    name="WalkStop",
    description=(
        "Why a walk did not go on from a wallet: it is a SERVICE, where money of many mixes; a HUB "
        "with more flows than may be passed; the BUDGET of flows to read was spent; it has more "
        "EDGES than are shown; or the DEPTH was reached."
    ),
)
strawberry.enum(
    Ending,
    name="PathEnding",
    description=(
        "How a search ended. FOUND: no path that may be taken has fewer hops. EXHAUSTED: there is "
        "no path, of any length, that passes none of the wallets where it stopped. MAX_HOPS: none "
        "of so few hops. BUDGET: it had read as many flows as one search may, and cannot tell."
    ),
)


@strawberry.enum(description="Which flows of a wallet are the strongest.")
class FlowOrder(Enum):
    """What decides when not all can be shown."""

    TRANSFERS = "transfers"
    AMOUNT = "amount"


@strawberry.type(
    description="Totals of what one wallet sent to another, of one token: one edge of a walk."
)
class Flow:
    """All transfers of an ordered pair and a token."""

    flow_id: str = strawberry.field(description="Stable: the same pair and token have it always.")
    sender_id: AccountId = strawberry.field(description="CAIP-10 id of who sent.")
    recipient_id: AccountId = strawberry.field(description="CAIP-10 id of who received.")
    token_id: TokenId | None = strawberry.field(
        description="CAIP-19 id of the token; null for transfers that name none."
    )
    transfers: int = strawberry.field(description="How many transfers.")
    amount_raw: BigInt | None = strawberry.field(
        description="Exact sum in base units; null where one of them has no known amount."
    )
    amount: float | None = strawberry.field(
        description="The sum in whole units, rounded, to chart; null where it is unknown."
    )
    usd: float | None = strawberry.field(
        description="Sum in US dollars of those that are priced; null until one is."
    )
    first_at: datetime | None = strawberry.field(description="Time of the earliest, where known.")
    last_at: datetime | None = strawberry.field(description="Time of the latest, where known.")

    sender: Wallet | None = batched(
        wallets.by_ids, key="sender_id", of=Wallet.of, description="Who sent."
    )
    recipient: Wallet | None = batched(
        wallets.by_ids, key="recipient_id", of=Wallet.of, description="Who received."
    )
    token: Token | None = batched(
        tokens.by_ids, key="token_id", of=Token.of, description="What flowed; null where unknown."
    )

    of: ClassVar[Made[FlowRow, "Flow"]] = Made(
        FlowRow,
        flow_id="id",
        sender_id="sender",
        recipient_id="recipient",
        token_id="token",  # noqa: S106
        transfers="transfers",
        amount_raw="amount_raw",  # decimal text there and here
        amount="amount",
        usd="usd",
        first_at="first_at",
        last_at="last_at",
    )


@strawberry.type(description="Two neighbours of a path, and what flowed between them.")
class PathHop:
    """One step of the way."""

    from_id: AccountId = strawberry.field(description="CAIP-10 id of the wallet it begins at.")
    to_id: AccountId = strawberry.field(description="CAIP-10 id of the wallet it ends at.")
    hop: strawberry.Private[Hop]

    flows: list[Flow] = batched(
        walks.flows_of_hops,
        key="hop",
        of=Flow.of,
        cost=2,
        description="What flowed the way that was asked for, by token, the most transfers first.",
    )

    @classmethod
    def of(cls, hop: Hop) -> "PathHop":
        """As clients see it."""
        return cls(from_id=hop.start, to_id=hop.end, hop=hop)


@strawberry.type(description="A wallet that a search met and did not pass.")
class PathStop:
    """Where it stopped, and why."""

    account_id: AccountId = strawberry.field(description="CAIP-10 id of the wallet.")
    stop: Stop = strawberry.field(description="Why it was not passed: SERVICE or HUB.")
    flows: int = strawberry.field(description="How many flows it has, both ways.")

    wallet: Wallet | None = batched(
        wallets.by_ids, key="account_id", of=Wallet.of, description="The wallet itself."
    )

    @classmethod
    def of(cls, found: StoppedAt) -> "PathStop":
        """As clients see it."""
        return cls(account_id=found.wallet, stop=found.stop, flows=found.flows)


@strawberry.type(description="A wallet on a path.")
class PathWallet:
    """One of those that a path leads through."""

    account_id: AccountId = strawberry.field(description="CAIP-10 id of the wallet.")

    wallet: Wallet | None = batched(
        wallets.by_ids, key="account_id", of=Wallet.of, description="The wallet itself."
    )


@strawberry.type(
    description=(
        "A search for the path of the fewest hops along flows, and what it cost. Flows are totals: "
        "that the first hop happened before the second is not checked."
    )
)
class PathSearch:
    """The path, or why there is none."""

    ending: Ending = strawberry.field(description="How the search ended.")
    hop_count: int | None = strawberry.field(
        description="How many hops the path has; null where none was found."
    )
    wallets: list[PathWallet] = strawberry.field(
        description="The wallets of the path from beginning to end; empty where none was found. "
        "Among paths of the same length, one that avoids busy wallets."
    )
    hops: list[PathHop] = strawberry.field(description="What flowed from each to the next.")
    stopped_at: list[PathStop] = strawberry.field(
        description="Wallets that the search met and did not pass, the nearest first, up to 100."
    )
    stopped_count: int = strawberry.field(description="How many there were.")
    wallets_seen: int = strawberry.field(description="How many wallets the search saw.")
    flows_read: int = strawberry.field(
        description=f"How many flows it read, at most {paths.BUDGET:,}."
    )

    @classmethod
    def of(cls, found: paths.PathSearch) -> "PathSearch":
        """As clients see it."""
        return cls(
            ending=found.ending,
            hop_count=len(found.hops) if found.hops else None,
            wallets=[PathWallet(account_id=one) for one in found.wallets],
            hops=[PathHop.of(hop) for hop in found.hops],
            stopped_at=[PathStop.of(one) for one in found.stopped_at],
            stopped_count=found.stopped,
            wallets_seen=found.wallets_seen,
            flows_read=found.flows_read,
        )


def _path(
    from_: Annotated[
        AccountId,
        strawberry.argument(name="from", description="Where the path begins."),
    ],
    to: AccountId,
    max_hops: int = 6,
    direction: Direction = Direction.OUT,
    token: TokenId | None = None,
    hub: int = HUB,
    through_services: bool = False,
) -> PathQuestion:
    return PathQuestion(
        start=from_,
        end=to,
        max_hops=within("maxHops", max_hops, _MOST_HOPS),
        direction=direction,
        token=token,
        hub=within("hub", hub, _BIGGEST_HUB),
        through_services=through_services,
    )


def within(name: str, asked: int, most: int) -> int:
    """A number that was asked for. Raises: BadInput where it is too small or too large."""
    if not 1 <= asked <= most:
        raise BadInput(f"{name} is a number of 1 to {most:,}, not {asked}.")
    return asked


THROUGH: Final = "Pass wallets that labels call services, too."
ONLY: Final = "Only flows of this token."


@strawberry.type
class WalkQuery:
    """Where walks along flows begin."""

    shortest_path: PathSearch | None = root(
        paths.shortest,
        key=_path,
        of=PathSearch.of,
        cost=50,
        arguments={
            "to": "Where the path ends.",
            "max_hops": f"How many hops it may have: 1 to {_MOST_HOPS}.",
            "direction": (
                "OUT: value could have come from `from` to `to`; IN: from `to` to `from`; BOTH: "
                "along each flow either way."
            ),
            "token": ONLY,
            "hub": f"Wallets with more flows are not passed: 1 to {_BIGGEST_HUB:,}.",
            "through_services": THROUGH,
        },
        description=(
            "The path of the fewest hops between two wallets of a chain. It passes neither "
            "services nor hubs, and says where it stopped; null when one of the wallets is not "
            "loaded."
        ),
    )
