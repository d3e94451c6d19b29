"""How watching prices goes: what the watcher said last of its sources, and what assets cost."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from graph_api.domain.errors import GraphApiError
from graph_api.domain.events import ANY_CHAIN, Lane, Line, News, Topic
from graph_api.live.streams import Streams
from graph_api.services.scanning import newest
from graph_api.store import prices
from graph_api.store.graph import Graph
from graph_api.store.prices import AssetRow
from graph_api.store.records import moment


class SourceState(msgspec.Struct, frozen=True, kw_only=True):
    """A source of prices since its watcher was started.

    ``answers`` and ``failures`` count how often it was asked, ``refused`` quotes of it that were
    not used. ``succeeded_at`` is when it last answered (epoch ms).
    """

    name: str
    answers: int = 0
    failures: int = 0
    refused: int = 0
    succeeded_at: int | None = None


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """Prices as they are watched; ``said_at`` is None while nobody watches or no bus tells."""

    assets: tuple[AssetRow, ...]
    sources: tuple[SourceState, ...] = ()
    said_at: datetime | None = None


async def tell(
    streams: Streams, sources: Sequence[SourceState], *, now: datetime, epoch: str
) -> None:
    """Say how the sources do. Raises: UpstreamUnavailable."""
    body = {"sources": msgspec.to_builtins(sources)}
    news = News(topic=Topic.PROVIDER_STATUS, body=body)
    await streams.tell(ANY_CHAIN, [news], now=now, epoch=epoch)


async def watched(graph: Graph, streams: Streams | None) -> Watched:
    """Prices now. A bus that is away costs what the watcher says. Raises: UpstreamUnavailable."""
    assets = tuple(await prices.assets(graph))
    try:
        event = await newest(streams, Lane(Line.PROVIDERS, ANY_CHAIN)) if streams else None
    except GraphApiError:
        event = None
    if event is None:
        return Watched(assets=assets)
    told: list[Any] = event.body.get("sources", [])
    sources = msgspec.convert(told, tuple[SourceState, ...])
    return Watched(assets=assets, sources=sources, said_at=moment(event.at))
