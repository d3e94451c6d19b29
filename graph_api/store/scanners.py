"""How far each chain is followed; written in the transaction of the blocks that it speaks of."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from graph_api.domain.ids import ChainId
from graph_api.store.graph import Graph, Writing


class Scanner(msgspec.Struct, frozen=True, kw_only=True):
    """Where following one chain stands.

    Args:
        block, hash: The newest block whose facts are in the graph.
        final: The newest block that was announced as final; None before the first.
        head: The newest block that nodes have told of.
        reorgs, deepest: How often blocks were taken back, and how many at once at most.
        ranges: First and last block of everything that was fetched from nodes, ascending:
            ``first, last, first, last, …``. What lies between is a gap.
    """

    chain: ChainId
    block: int
    hash: str
    final: int | None = None
    head: int
    reorgs: int = 0
    deepest: int = 0
    ranges: Sequence[int] = ()
    started_at: datetime
    updated_at: datetime

    @property
    def gaps(self) -> list[tuple[int, int]]:
        """First and last block of what was never fetched between blocks that were."""
        edges = self.ranges[1:-1]
        return [(last + 1, first - 1) for last, first in zip(edges[::2], edges[1::2], strict=True)]


def covered(ranges: Iterable[int], first: int, last: int) -> tuple[int, ...]:
    """``ranges`` with the blocks ``first..last`` added; what touches is joined."""
    edges = list(ranges)
    kept: list[tuple[int, int]] = []
    for low, high in zip(edges[::2], edges[1::2], strict=True):
        if high + 1 < first or low - 1 > last:
            kept.append((low, high))
        else:
            first, last = min(first, low), max(last, high)
    return tuple(edge for pair in sorted([*kept, (first, last)]) for edge in pair)


def uncovered(ranges: Iterable[int], number: int) -> tuple[int, ...]:
    """``ranges`` without ``number`` and everything above it in the same range."""
    edges = list(ranges)
    pairs = zip(edges[::2], edges[1::2], strict=True)
    left = [
        (low, number - 1 if low <= number <= high else high) for low, high in pairs if low != number
    ]
    return tuple(edge for pair in left for edge in pair)


async def by_chain(graph: Graph, chain: ChainId) -> Scanner | None:
    """The scanner of ``chain``, or None when it has never been followed."""
    return await graph.read_one("scanners/by_chain", Scanner, chain=chain)


async def everything(graph: Graph) -> list[Scanner]:
    """The scanners of all chains, in the order of their ids."""
    return await graph.read("scanners/everything", Scanner)


async def put(writing: Writing, scanner: Scanner) -> None:
    """Remember where a scanner stands."""
    row = msgspec.structs.asdict(scanner) | {"ranges": list(scanner.ranges)}
    for moment in ("started_at", "updated_at"):
        row[moment] = _milliseconds(row[moment])
    await writing.run("scanners/put", row=row)


async def cover(writing: Writing, chain: ChainId, first: int, last: int) -> None:
    """Add the blocks ``first..last`` to what was fetched, if ``chain`` is followed at all."""
    for row in await writing.run("scanners/ranges", chain=chain):
        ranges = covered(row["ranges"] or (), first, last)
        await writing.run("scanners/cover", chain=chain, ranges=list(ranges))


async def stands_at(writing: Writing, chain: ChainId) -> tuple[int, str] | None:
    """Number and hash of the newest followed block, as this transaction sees it."""
    rows = await writing.run("scanners/place", chain=chain)
    return (rows[0]["block"], rows[0]["hash"]) if rows else None


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
