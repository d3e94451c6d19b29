"""How following goes: what the graph knows of each chain, and what its follower said last."""

import asyncio
from datetime import datetime
from typing import Any, Final

import msgspec

from graph_api.domain.errors import GraphApiError
from graph_api.domain.events import ANY_CHAIN, Event, Lane, Line
from graph_api.domain.ids import ChainId
from graph_api.live.streams import Streams
from graph_api.store import blocks, scanners
from graph_api.store.graph import Graph
from graph_api.store.records import moment
from graph_api.store.scanners import Scanner

#: What a node may be: asked, left alone because it failed, or because it said what is not true.
NODE_STATES: Final = ("healthy", "resting", "quarantined")


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A node of a chain as its follower knows it; ``fault`` is the last one, with its remedy."""

    name: str
    state: str
    free_in_s: float = 0.0
    answers: int = 0
    faults: int = 0
    latency_ms: float | None = None
    head: int | None = None
    fault: str | None = None
    fault_text: str | None = None
    remedy: str | None = None


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Why a chain was not followed for a moment; None for ``again_in_s``: not again by itself.

    ``remedy`` is what a person can do, where ``error`` does not say it.
    """

    error: str
    at: datetime
    again_in_s: float | None = None
    remedy: str | None = None


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a follower said last, and when; ``trouble`` is over when it is None."""

    at: datetime
    blocks_per_s: float = 0.0
    records_per_s: float = 0.0
    rejected: int = 0
    trouble: Trouble | None = None
    last_trouble: Trouble | None = None


class Followed(msgspec.Struct, frozen=True, kw_only=True):
    """One chain that is followed.

    Args:
        scanner: Where it stands; None before the first block.
        block_time: When the newest block of the graph was made.
        said: None while the bus has nothing of its follower.
    """

    chain: ChainId
    scanner: Scanner | None
    block_time: datetime | None
    said: Said | None
    endpoints: tuple[Endpoint, ...]

    @property
    def lag(self) -> int | None:
        """Blocks between the graph and the newest one that nodes have told of."""
        return max(0, self.scanner.head - self.scanner.block) if self.scanner else None

    def lag_s(self, now: datetime) -> float | None:
        """How old the newest block of the graph is, seconds."""
        return max(0.0, (now - self.block_time).total_seconds()) if self.block_time else None


async def followed(graph: Graph, streams: Streams | None) -> list[Followed]:
    """Every chain that is followed, in the order of their ids; also one without a block so far.

    A bus that is away costs what followers say, not what the graph knows.
    """
    found = {scanner.chain: scanner for scanner in await scanners.everything(graph)}
    times = await blocks.times(graph, [(chain, one.block) for chain, one in found.items()])
    try:
        telling = await _telling(streams) if streams else []
    except GraphApiError:
        streams, telling = None, []
    chains = sorted({*found, *telling})
    said = await asyncio.gather(*(_said(streams, chain) for chain in chains))
    return [
        Followed(
            chain=chain,
            scanner=found.get(chain),
            block_time=times.get(chain),
            said=progress,
            endpoints=endpoints,
        )
        for chain, (progress, endpoints) in zip(chains, said, strict=True)
    ]


async def newest_said(streams: Streams, line: Line, *, chain: ChainId | None) -> list[Event]:
    """What followers said last on a line: of one chain, or of all. Raises: UpstreamUnavailable."""
    chains = await _telling(streams) if chain is None else [chain]
    found = [await newest(streams, Lane(line, one)) for one in chains]
    return [event for event in found if event is not None]


async def _telling(streams: Streams) -> list[ChainId]:
    """The chains of which followers have said anything."""
    lanes = await streams.lanes([Line.PROGRESS])
    return [ChainId(lane.chain) for lane in lanes if lane.chain != ANY_CHAIN]


async def _said(
    streams: Streams | None, chain: ChainId
) -> tuple[Said | None, tuple[Endpoint, ...]]:
    if streams is None:
        return None, ()
    try:
        progress = await newest(streams, Lane(Line.PROGRESS, chain))
        providers = await newest(streams, Lane(Line.PROVIDERS, chain))
    except GraphApiError:
        return None, ()
    said = None
    if progress is not None:
        said = msgspec.convert({**progress.body, "at": moment(progress.at)}, Said)
    endpoints: list[Any] = providers.body["endpoints"] if providers is not None else []
    return said, tuple(msgspec.convert(endpoints, list[Endpoint]))


async def newest(streams: Streams, lane: Lane) -> Event | None:
    """What was said last on a lane. Raises: UpstreamUnavailable."""
    for state in await streams.survey([lane]):
        for entry in await streams.after(lane, state.last - 1, limit=1):
            return entry.event
    return None
