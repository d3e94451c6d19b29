"""Opens what prices come from, as settings name it; watches prices as long as a process runs."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import structlog

from graph_api.domain.assets import ASSETS, Asset, of_tokens
from graph_api.domain.errors import BadInput, GraphApiError
from graph_api.domain.ids import parse_token
from graph_api.domain.prices import Rules
from graph_api.domain.thinning import Keeping
from graph_api.settings import PriceSettings
from graph_api.store.graph import Graph
from ingest.pipelines.pricing import Market
from ingest.pipelines.ticking import Pace, Tell, work
from ingest.providers.endpoints import Endpoints, EndpointSettings
from ingest.sources.prices.exchanges import Exchange
from ingest.sources.prices.listings import Listings
from ingest.sources.prices.source import PriceSource

log: Final = structlog.get_logger("deskgraph.ingest")


@asynccontextmanager
async def market(settings: PriceSettings) -> AsyncIterator[Market]:
    """Everything that settings name. Raises: BadInput."""
    assets = assets_of(settings)
    named = exchanges_of(settings)
    async with AsyncExitStack() as stack:
        services: list[PriceSource] = []
        if settings.service is not None:
            services.append(_service(settings, settings.service))
            stack.push_async_callback(services[0].close)
        exchanges: list[PriceSource] = []
        for name, url in named:
            exchanges.append(Exchange.open(name, url=url))
            stack.push_async_callback(exchanges[-1].close)
        yield Market(
            assets=assets,
            services=tuple(services),
            exchanges=tuple(exchanges),
            rules=Rules(
                max_age_ms=round(settings.max_age_s * 1000),
                deviation=Decimal(str(settings.deviation)),
                least=settings.sources,
            ),
            tolerance_ms=round(settings.tolerance_s * 1000),
        )


def watching(
    graph: Graph, settings: PriceSettings, *, clock: Callable[[], datetime]
) -> Callable[[Callable[[], None], Tell], Coroutine[Any, Any, None]] | None:
    """What watches prices for ever; None where settings want none.

    Raises: BadInput where settings cannot be read.
    """
    assets_of(settings)
    if not settings.every_s or not (exchanges_of(settings) or settings.service):
        return None
    pace = Pace(
        every=timedelta(seconds=settings.every_s),
        keep=timedelta(seconds=settings.keep_every_s),
        look_back=timedelta(hours=settings.look_back_h),
        keeping=keeping_of(settings),
    )

    async def watch(changed: Callable[[], None], tell: Tell) -> None:
        try:
            async with market(settings) as opened:
                await work(graph, opened, clock=clock, pace=pace, changed=changed, tell=tell)
        except GraphApiError as error:
            await log.aerror("prices are not watched", error=str(error))

    return watch


def keeping_of(settings: PriceSettings) -> Keeping | None:
    """How prices in time are thinned out; None where all are kept for good."""
    if not settings.keep_days:
        return None
    return Keeping(all_days=settings.keep_days, hourly_days=settings.hourly_days)


def assets_of(settings: PriceSettings) -> tuple[Asset, ...]:
    """The assets of our table, and those of settings in their place or behind. Raises: BadInput."""
    named = {asset.id: asset for asset in ASSETS}
    own = [_asset(name.lower().replace("_", "-"), text) for name, text in settings.assets.items()]
    claimed = {token for asset in own for token in asset.tokens}
    for asset in named.values():
        left = tuple(token for token in asset.tokens if token not in claimed)
        named[asset.id] = msgspec.structs.replace(asset, tokens=left)
    found = tuple((named | {asset.id: asset for asset in own}).values())
    of_tokens(found)
    return found


def exchanges_of(settings: PriceSettings) -> list[tuple[str, str | None]]:
    """Names of exchanges, and mirrors of their addresses. Raises: BadInput."""
    found: dict[str, str | None] = {}
    for text in settings.exchanges.replace(",", " ").split():
        name, _, url = text.partition("=")
        if url and urlsplit(url).scheme not in ("http", "https"):
            raise BadInput(f"The mirror of {name[:40]} needs an address that begins with https://.")
        found[name.lower()] = url or None
    return list(found.items())


def _asset(id: str, text: str) -> Asset:
    words = text.split()
    listing = next((word[8:] for word in words if word.startswith("listing=")), None)
    rest = [word for word in words if not word.startswith("listing=")]
    if len(rest) < 2:
        raise BadInput(
            f"The asset {id[:60]} needs a symbol and a token, such as "
            f"`MKR listing=maker ethereum:0x…`."
        )
    tokens = tuple(parse_token(word) for word in rest[1:])
    return Asset(id=id, symbol=rest[0], tokens=tokens, listing=listing)


def _service(settings: PriceSettings, url: str) -> Listings:
    host = urlsplit(url).netloc.rpartition("@")[2]
    if not host:
        raise BadInput("The service of prices needs an address that begins with https://.")
    endpoints = Endpoints.open(
        _name(host),
        [EndpointSettings(url=url, requests_per_s=settings.service_requests_per_s)],
    )
    return Listings(endpoints, key=settings.service_key, key_header=settings.service_key_header)


def _name(host: str) -> str:
    """What a service is called where it is a source: ``coingecko`` of api.coingecko.com."""
    parts = host.partition(":")[0].split(".")
    return parts[-2] if len(parts) > 1 and not parts[-1].isdecimal() else host
