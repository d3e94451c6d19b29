"""The streams of the bus, for commands that can do without."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from graph_api.domain.errors import UpstreamUnavailable
from graph_api.live.bus import Bus
from graph_api.live.streams import Streams


@asynccontextmanager
async def streams_if_any(bus_url: str | None) -> AsyncIterator[Streams | None]:
    """None where no bus is named, or it does not answer."""
    try:
        bus = await Bus.connect(bus_url) if bus_url else None
    except UpstreamUnavailable:
        bus = None
    try:
        yield Streams(bus) if bus else None
    finally:
        if bus is not None:
            await bus.close()
