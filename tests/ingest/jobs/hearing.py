"""Events as whoever reads the bus hears them."""

import asyncio
from contextlib import aclosing

from graph_api.domain.events import Event, Line
from graph_api.live.cursors import Cursor
from graph_api.live.reading import read
from graph_api.live.streams import Streams


async def heard(
    streams: Streams, line: Line, count: int, *, chain: str = "eip155:1"
) -> list[Event]:
    """The next ``count`` events of ``line``."""
    found: list[Event] = []
    async with (
        asyncio.timeout(120),
        aclosing(read(streams, Cursor({}), lines=[line])) as batches,
    ):
        async for batch in batches:
            found += [event for event in batch.events if event.chain == chain]
            if len(found) >= count:
                break
    return found
