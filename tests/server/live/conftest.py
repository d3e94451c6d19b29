"""A bus for subscriptions: the embedded one, emptied for each test."""

from collections.abc import AsyncIterator

import pytest

from graph_api.live import bus as doors
from graph_api.live.streams import Streams
from tests.server.live.serving import Bus


@pytest.fixture
async def bus(embedded_bus_url: str) -> AsyncIterator[Bus]:
    """An empty bus, and who tells on it."""
    door = await doors.Bus.connect(embedded_bus_url, timeout_s=2.0)
    async with door.speaking() as client:
        await client.flushall()
    yield Bus(Streams(door))
    await door.close()
