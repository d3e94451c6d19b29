"""Chains that are followed: how far, how fast, through how many reorganisations, by which nodes."""

from datetime import datetime

import strawberry

from graph_api.domain.ids import ChainId
from graph_api.live.streams import Streams
from graph_api.schema.context import Context
from graph_api.schema.scalars import BigInt
from graph_api.schema.steps import root
from graph_api.services import scanning
from graph_api.services.scanning import Endpoint, Followed, Trouble


@strawberry.type(description="A stretch of blocks.")
class BlockSpan:
    """First and last block, both of them within."""

    first: BigInt = strawberry.field(description="Its first block.")
    last: BigInt = strawberry.field(description="Its last block.")


@strawberry.type(description="A node of a chain, as the follower of the chain knows it.")
class ChainNode:
    """Its health."""

    name: str = strawberry.field(description="Its name or host; never its whole address.")
    state: str = strawberry.field(
        description="`healthy`, `resting` (it failed) or `quarantined` (it said what is not true)."
    )
    head: BigInt | None = strawberry.field(description="The newest block that it told of.")
    answers: BigInt = strawberry.field(description="How often it answered.")
    faults: BigInt = strawberry.field(description="How often it did not, or not rightly.")
    latency_ms: float | None = strawberry.field(description="Time of an answer, milliseconds.")
    asked_again_in_s: float = strawberry.field(
        description="When it is asked again, in seconds; 0 when at once."
    )
    fault: str | None = strawberry.field(description="Kind of its last fault.")
    fault_text: str | None = strawberry.field(description="Its last fault in a sentence.")
    remedy: str | None = strawberry.field(description="What to do about that.")

    @classmethod
    def of(cls, found: Endpoint) -> "ChainNode":
        """As clients see it."""
        return cls(
            name=found.name,
            state=found.state,
            head=None if found.head is None else BigInt(found.head),
            answers=BigInt(found.answers),
            faults=BigInt(found.faults),
            latency_ms=found.latency_ms,
            asked_again_in_s=found.free_in_s,
            fault=found.fault,
            fault_text=found.fault_text,
            remedy=found.remedy,
        )


@strawberry.type(description="Why a chain is not followed at the moment.")
class FollowTrouble:
    """The error, and when it is tried again."""

    error: str = strawberry.field(description="What is wrong, and what to do, in a sentence.")
    at: datetime = strawberry.field(description="Since when.")
    again_in_s: float | None = strawberry.field(
        description="When it is tried again, in seconds; null when not by itself."
    )

    @classmethod
    def of(cls, found: Trouble) -> "FollowTrouble":
        """As clients see it."""
        return cls(error=found.error, at=found.at, again_in_s=found.again_in_s)


@strawberry.type(description="How following one chain goes.")
class Scanner:
    """What the graph knows, and what the follower said last."""

    chain_id: ChainId = strawberry.field(description="The chain, CAIP-2.")
    block: BigInt = strawberry.field(description="The newest block whose facts are in the graph.")
    block_hash: str = strawberry.field(description="Its hash.")
    head: BigInt = strawberry.field(description="The newest block that nodes have told of.")
    lag: BigInt = strawberry.field(description="Blocks between the two.")
    final: BigInt | None = strawberry.field(
        description="The newest block that was announced as final; null before the first."
    )
    reorgs: int = strawberry.field(description="How often blocks were taken back.")
    deepest_reorg: int = strawberry.field(description="How many blocks at once at most.")
    gaps: list[BlockSpan] = strawberry.field(
        description="What was never fetched between blocks that were; up to 100 stretches."
    )
    started_at: datetime = strawberry.field(description="When following began.")
    updated_at: datetime = strawberry.field(description="When a block was last written.")
    told_at: datetime | None = strawberry.field(
        description="When the follower last said how it goes; null where no bus has heard of it."
    )
    blocks_per_s: float | None = strawberry.field(description="Blocks a second, of late.")
    records_per_s: float | None = strawberry.field(description="New records a second, of late.")
    rejected: int | None = strawberry.field(
        description="What could not be decoded since the follower was started."
    )
    trouble: FollowTrouble | None = strawberry.field(description="What is wrong; null if nothing.")
    nodes: list[ChainNode] = strawberry.field(description="The nodes that it asks.")

    @classmethod
    def of(cls, found: Followed) -> "Scanner":
        """As clients see it."""
        scanner, said = found.scanner, found.said
        return cls(
            chain_id=scanner.chain,
            block=BigInt(scanner.block),
            block_hash=scanner.hash,
            head=BigInt(scanner.head),
            lag=BigInt(max(0, scanner.head - scanner.block)),
            final=None if scanner.final is None else BigInt(scanner.final),
            reorgs=scanner.reorgs,
            deepest_reorg=scanner.deepest,
            gaps=[
                BlockSpan(first=BigInt(first), last=BigInt(last))
                for first, last in scanner.gaps[:_MOST_GAPS]
            ],
            started_at=scanner.started_at,
            updated_at=scanner.updated_at,
            told_at=said.at if said else None,
            blocks_per_s=said.blocks_per_s if said else None,
            records_per_s=said.records_per_s if said else None,
            rejected=said.rejected if said else None,
            trouble=FollowTrouble.of(said.trouble) if said and said.trouble else None,
            nodes=[ChainNode.of(one) for one in found.endpoints],
        )


_MOST_GAPS = 100


async def _followed(context: Context) -> list[Followed]:
    return await scanning.followed(context.graph, context.part_if_any(Streams))


@strawberry.type
class ScannerQuery:
    """Chains that are followed."""

    scanners: list[Scanner] = root(
        _followed,
        of=Scanner.of,
        description="How following goes, for every chain that is followed.",
        fresh=True,
    )
