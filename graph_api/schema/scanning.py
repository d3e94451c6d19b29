"""Chains that are followed: how far, how fast, through how many reorganisations, by which nodes."""

from datetime import datetime

import msgspec
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


@strawberry.type(description="Why a chain is not followed at the moment, or was not for a while.")
class FollowTrouble:
    """The error, and when it is tried again."""

    error: str = strawberry.field(description="What is wrong, and what to do, in a sentence.")
    at: datetime = strawberry.field(description="Since when.")
    again_in_s: float | None = strawberry.field(
        description="When it is tried again, in seconds; null when not by itself."
    )
    remedy: str | None = strawberry.field(
        description="What to do about it, node by node; null where the error says it."
    )

    @classmethod
    def of(cls, found: Trouble) -> "FollowTrouble":
        """As clients see it."""
        return cls(error=found.error, at=found.at, again_in_s=found.again_in_s, remedy=found.remedy)


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """How following one chain goes, and when that was asked."""

    found: Followed
    now: datetime


@strawberry.type(description="How following one chain goes.")
class Scanner:
    """What the graph knows, and what the follower said last."""

    chain_id: ChainId = strawberry.field(description="The chain, CAIP-2.")
    block: BigInt | None = strawberry.field(
        description="The newest block whose facts are in the graph; null before the first."
    )
    block_hash: str | None = strawberry.field(description="Its hash.")
    block_time: datetime | None = strawberry.field(description="When it was made.")
    head: BigInt | None = strawberry.field(
        description="The newest block that nodes have told of; null before the first."
    )
    lag: BigInt | None = strawberry.field(description="Blocks between the two.")
    lag_s: float | None = strawberry.field(
        description="How old the newest block of the graph is, seconds."
    )
    final: BigInt | None = strawberry.field(
        description="The newest block that was announced as final; null before the first."
    )
    reorgs: int = strawberry.field(description="How often blocks were taken back.")
    deepest_reorg: int = strawberry.field(description="How many blocks at once at most.")
    gaps: list[BlockSpan] = strawberry.field(
        description="What was never fetched between blocks that were; up to 100 stretches."
    )
    started_at: datetime | None = strawberry.field(description="When following began.")
    updated_at: datetime | None = strawberry.field(description="When a block was last written.")
    told_at: datetime | None = strawberry.field(
        description="When the follower last said how it goes; null where no bus has heard of it."
    )
    blocks_per_s: float | None = strawberry.field(description="Blocks a second, of late.")
    records_per_s: float | None = strawberry.field(description="New records a second, of late.")
    rejected: int | None = strawberry.field(
        description="What could not be decoded since the follower was started."
    )
    trouble: FollowTrouble | None = strawberry.field(
        description="What is wrong now; null if nothing."
    )
    last_trouble: FollowTrouble | None = strawberry.field(
        description="What was wrong last, also when it is over; null if nothing since the start."
    )
    nodes: list[ChainNode] = strawberry.field(description="The nodes that it asks.")

    @classmethod
    def of(cls, row: Look) -> "Scanner":
        """As clients see it."""
        found, said = row.found, row.found.said
        scanner = found.scanner
        return cls(
            chain_id=found.chain,
            block=BigInt(scanner.block) if scanner else None,
            block_hash=scanner.hash if scanner else None,
            block_time=found.block_time,
            head=BigInt(scanner.head) if scanner else None,
            lag=None if found.lag is None else BigInt(found.lag),
            lag_s=found.lag_s(row.now),
            final=None if scanner is None or scanner.final is None else BigInt(scanner.final),
            reorgs=scanner.reorgs if scanner else 0,
            deepest_reorg=scanner.deepest if scanner else 0,
            gaps=[
                BlockSpan(first=BigInt(first), last=BigInt(last))
                for first, last in (scanner.gaps[:_MOST_GAPS] if scanner else ())
            ],
            started_at=scanner.started_at if scanner else None,
            updated_at=scanner.updated_at if scanner else None,
            told_at=said.at if said else None,
            blocks_per_s=said.blocks_per_s if said else None,
            records_per_s=said.records_per_s if said else None,
            rejected=said.rejected if said else None,
            trouble=_trouble(said.trouble if said else None),
            last_trouble=_trouble(said.last_trouble if said else None),
            nodes=[ChainNode.of(one) for one in found.endpoints],
        )


def _trouble(found: Trouble | None) -> FollowTrouble | None:
    return FollowTrouble.of(found) if found else None


_MOST_GAPS = 100


async def _followed(context: Context) -> list[Look]:
    found = await scanning.followed(context.graph, context.part_if_any(Streams))
    return [Look(found=one, now=context.now) for one in found]


@strawberry.type
class ScannerQuery:
    """Chains that are followed."""

    scanners: list[Scanner] = root(
        _followed,
        of=Scanner.of,
        description="How following goes, for every chain that is followed.",
        fresh=True,
    )
