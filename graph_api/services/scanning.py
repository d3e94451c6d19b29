"""How following goes: what the graph knows of each chain, and what its follower said last."""

import asyncio
from datetime import datetime
from typing import Any

import msgspec

from graph_api.domain.errors import GraphApiError
from graph_api.domain.events import Event, Lane, Line
from graph_api.live.streams import Streams
from graph_api.store import scanners
from graph_api.store.graph import Graph, moment
from graph_api.store.scanners import Scanner


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
    """Why a chain is not followed at the moment; None for ``again_in_s``: not by itself."""

    error: str
    at: datetime
    again_in_s: float | None = None


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a follower said last, and when."""

    at: datetime
    blocks_per_s: float = 0.0
    records_per_s: float = 0.0
    rejected: int = 0
    trouble: Trouble | None = None


class Followed(msgspec.Struct, frozen=True, kw_only=True):
    """One chain that is followed. ``said`` is None while the bus has nothing of its follower."""

    scanner: Scanner
    said: Said | None
    endpoints: tuple[Endpoint, ...]


async def followed(graph: Graph, streams: Streams | None) -> list[Followed]:
    """Every chain that is followed, in the order of their ids.

    A bus that is away costs what followers say, not what the graph knows.
    """
    found = await scanners.everything(graph)
    said = await asyncio.gather(*(_said(streams, scanner.chain) for scanner in found))
    return [
        Followed(scanner=scanner, said=progress, endpoints=endpoints)
        for scanner, (progress, endpoints) in zip(found, said, strict=True)
    ]


async def _said(streams: Streams | None, chain: str) -> tuple[Said | None, tuple[Endpoint, ...]]:
    if streams is None:
        return None, ()
    try:
        progress = await _newest(streams, Lane(Line.PROGRESS, chain))
        providers = await _newest(streams, Lane(Line.PROVIDERS, chain))
    except GraphApiError:
        return None, ()
    said = None
    if progress is not None:
        said = msgspec.convert({**progress.body, "at": moment(progress.at)}, Said)
    endpoints: list[Any] = providers.body["endpoints"] if providers is not None else []
    return said, tuple(msgspec.convert(endpoints, list[Endpoint]))


async def _newest(streams: Streams, lane: Lane) -> Event | None:
    for state in await streams.survey([lane]):
        for entry in await streams.after(lane, state.last - 1, limit=1):
            return entry.event
    return None
