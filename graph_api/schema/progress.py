"""How following chains goes, told as it changes."""

import msgspec
import strawberry

from graph_api.domain.events import ANY_CHAIN, Event, Line
from graph_api.domain.ids import ChainId
from graph_api.live.hub import Told
from graph_api.live.interests import CHAIN, Interest
from graph_api.live.streams import Streams
from graph_api.schema.context import Context
from graph_api.schema.feeds import feed
from graph_api.schema.scanning import FollowTrouble, Look, Scanner
from graph_api.schema.steps import batched
from graph_api.schema.subscriptions import LiveEvent
from graph_api.services import scanning
from graph_api.services.scanning import Said


async def _scanners(context: Context, chains: list[ChainId]) -> dict[ChainId, Look]:
    found = await scanning.followed(context.graph, context.part_if_any(Streams))
    return {one.chain: Look(found=one, now=context.now) for one in found if one.chain in chains}


@strawberry.type(description="A follower said how it goes.")
class IngestProgress(LiveEvent):
    """What it said; the rest is a look away."""

    chain_id: ChainId = strawberry.field(description="The chain that it follows, CAIP-2.")
    blocks_per_s: float = strawberry.field(description="Blocks a second, of late.")
    records_per_s: float = strawberry.field(description="New records a second, of late.")
    rejected: int = strawberry.field(
        description="What could not be decoded since the follower was started."
    )
    trouble: FollowTrouble | None = strawberry.field(
        description="What is wrong now; null if nothing."
    )

    scanner: Scanner | None = batched(
        _scanners,
        key="chain_id",
        of=Scanner.of,
        cost=3,
        description="All that is known of how it goes.",
        fresh=True,
    )

    @classmethod
    def of(cls, told: Told) -> "IngestProgress":
        """As clients see it."""
        event = told.event
        said = msgspec.convert({**event.body, "at": told.at}, Said)
        return cls(
            cursor=told.cursor_text,
            at=told.at,
            chain_id=ChainId(event.chain),
            blocks_per_s=said.blocks_per_s,
            records_per_s=said.records_per_s,
            rejected=said.rejected,
            trouble=FollowTrouble.of(said.trouble) if said.trouble else None,
        )


def _of_followers(event: Event) -> bool:
    return event.chain != ANY_CHAIN


async def _progress(context: Context, *, chain: ChainId | None = None) -> Interest:
    return said_on(Line.PROGRESS, context, chain)


def said_on(line: Line, context: Context, chain: ChainId | None) -> Interest:
    """What followers say on ``line``: at first as they said it last."""
    streams = context.part_if_any(Streams)

    async def present() -> list[Event]:
        return await scanning.newest_said(streams, line, chain=chain) if streams else []

    return Interest(
        line=line,
        fields=(CHAIN,),
        values=None if chain is None else frozenset([chain]),
        test=_of_followers,
        present=present,
    )


@strawberry.type
class ProgressSubscription:
    """Following chains."""

    ingest_progress: IngestProgress = feed(
        _progress,
        of=IngestProgress.of,
        arguments={"chain": "Only of this chain; of all that are followed when not given."},
        description="How following goes: at first as it was said last, then whenever it changes.",
    )
