"""From times to blocks: lists are kept by block, people ask for days."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import msgspec

from graph_api.domain.chains import Family, chain_of
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import ChainId
from graph_api.domain.positions import block_bounds, page_key
from graph_api.store import chains
from graph_api.store.chains import ChainRow
from graph_api.store.graph import Graph
from graph_api.store.streams import END, Span

#: How many blocks one statement looks up between the bounds of what it searches.
_POINTS: Final = 15
#: Miners may set a Bitcoin block's time up to two hours off, and never before the median of
#: the eleven blocks behind it.
_SLACK: Final = {Family.UTXO: timedelta(hours=3)}


#: Rows without a block begin here; digits sort before it.
_NO_BLOCK: Final = "~"


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """What part of a chain is asked for; None leaves a side open."""

    since: datetime | None = None
    until: datetime | None = None
    from_block: int | None = None
    to_block: int | None = None


async def spans(
    graph: Graph, wanted: Iterable[ChainId], window: Window
) -> dict[ChainId, Sequence[Span]]:
    """Which parts of any list of a chain may hold rows of ``window``, in the order of lists.

    Rows without a block stand last. No range of blocks holds them, but they may have a time, so a
    window of time looks at all of them.

    Raises: BadInput when a window of time is asked for where nobody knows any time.
    """
    ids = list(dict.fromkeys(wanted))
    blocks_only = Blocks(window.from_block, window.to_block)
    if window.since is None and window.until is None:
        return {chain: _spans(blocks_only) for chain in ids}
    rows = await _timed(graph, ids)
    between = await asyncio.gather(*(_between(graph, row, window) for row in rows))
    found: dict[ChainId, Sequence[Span]] = {}
    for row, blocks in zip(rows, between, strict=True):
        parts = _spans(blocks)
        found[row.id] = parts if blocks_only != _ANY else [*parts, Span(_NO_BLOCK, END)]
    return found


async def highest_until(graph: Graph, chain: ChainId, moment: datetime) -> int | None:
    """The newest block that may be of ``moment`` or earlier; None where nothing is loaded.

    Raises: BadInput where nobody knows any time.
    """
    (row,) = await _timed(graph, [chain])
    between = await _between(graph, row, Window(until=moment))
    return row.last_block if between.highest is None else between.highest


def slack(chain: ChainId) -> timedelta:
    """How far the time of a later block may lie before that of an earlier one."""
    return _SLACK.get(chain_of(chain).family, timedelta())


async def require_times(graph: Graph, wanted: Iterable[ChainId]) -> None:
    """Raises: BadInput where nobody knows the time of anything that is loaded of these chains."""
    await _timed(graph, list(dict.fromkeys(wanted)))


async def _timed(graph: Graph, ids: list[ChainId]) -> list[ChainRow]:
    rows = list((await chains.by_ids(graph, ids)).values())
    loaded = [row for row in rows if not row.is_empty]
    if loaded and not any(row.tells_times for row in loaded):
        names = ", ".join(chain_of(row.id).name for row in loaded)
        raise BadInput(f"Nothing that is loaded of {names} has a known time; ask without one.")
    return rows


class Blocks(NamedTuple):
    """Blocks from ``lowest`` to ``highest``; None leaves a side open."""

    lowest: int | None
    highest: int | None


_ANY: Final = Blocks(None, None)


def _spans(blocks: Blocks) -> list[Span]:
    if blocks == _ANY:
        return [Span()]
    first, last = block_bounds("", lowest=blocks.lowest, highest=blocks.highest)
    digest = len(page_key("", ""))
    return [Span(first[digest:], min(last[digest:], _NO_BLOCK))]


async def _between(graph: Graph, chain: ChainRow, window: Window) -> Blocks:
    """The blocks that may hold rows of ``window``; a moment's bound never leaves one out."""
    apart = slack(chain.id)
    lowest, highest = window.from_block, window.to_block
    if window.since is not None:
        before, _ = await _narrowed(graph, chain, window.since - apart, inclusive=False)
        lowest = before + 1 if lowest is None else max(lowest, before + 1)
    if window.until is not None:
        _, behind = await _narrowed(graph, chain, window.until + apart, inclusive=True)
        highest = behind - 1 if highest is None else min(highest, behind - 1)
    return Blocks(lowest, highest)


async def _narrowed(
    graph: Graph, chain: ChainRow, moment: datetime, *, inclusive: bool
) -> tuple[int, int]:
    """The last block before ``moment`` (at it too, if ``inclusive``) and the first behind it.

    Times grow with blocks; fifteen blocks a statement are looked at, until none lies between.
    """
    low = -1 if chain.first_block is None else chain.first_block - 1
    high = 0 if chain.last_block is None else chain.last_block + 1

    def early(time: datetime) -> bool:
        return time <= moment if inclusive else time < moment

    while points := _points(low, high):
        between = (low, high)
        for asked, (block, time) in zip(points, await _times(graph, chain.id, points), strict=True):
            if block is None or (time is not None and early(time)):
                low = max(low, asked)
            elif time is not None:
                high = min(high, block)
        if (low, high) == between:
            break
    return low, high


def _points(low: int, high: int) -> list[int]:
    """Up to fifteen blocks that divide what lies between two."""
    step = (high - low) / (_POINTS + 1)
    points = {low + round(step * number) for number in range(1, _POINTS + 1)}
    return sorted(point for point in points if low < point < high)


class _Time(msgspec.Struct, frozen=True):
    chain: ChainId
    number: int
    block_number: int | None
    block_time: datetime | None


async def _times(
    graph: Graph, chain: ChainId, blocks: Sequence[int]
) -> list[tuple[int | None, datetime | None]]:
    """Block and time of the newest transfer at or below each of ``blocks``."""
    branches = []
    for number, block in enumerate(blocks):
        after, end = block_bounds(chain, lowest=0, highest=block)
        branches.append({"chain": chain, "number": number, "after": after, "end": end})
    rows = await graph.read_each("blocks/times_at", _Time, branches)
    found = {row.number: (row.block_number, row.block_time) for row in rows}
    return [found.get(number, (None, None)) for number in range(len(blocks))]


class _Block(msgspec.Struct, frozen=True):
    chain: ChainId
    number: int
    hash: str | None
    time: datetime | None


async def hashes(graph: Graph, chain: ChainId, numbers: Iterable[int]) -> dict[int, str]:
    """Hashes of those of the blocks ``numbers`` that are in the graph with one."""
    rows = await _blocks(graph, [(chain, number) for number in numbers])
    return {row.number: row.hash for row in rows if row.hash is not None}


async def times(graph: Graph, wanted: Iterable[tuple[ChainId, int]]) -> dict[ChainId, datetime]:
    """When one block of each chain was made; a block without a known time is left out."""
    rows = await _blocks(graph, wanted)
    return {row.chain: row.time for row in rows if row.time is not None}


async def _blocks(graph: Graph, wanted: Iterable[tuple[ChainId, int]]) -> list[_Block]:
    ids = [f"{chain}:{number}" for chain, number in wanted]
    return await graph.read("blocks/hashes", _Block, ids=ids) if ids else []
