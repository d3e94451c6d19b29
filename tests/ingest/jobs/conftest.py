"""A bus that commands find by the environment, and what is heard on it."""

from collections.abc import AsyncIterator

import pytest

from graph_api.live.bus import Bus
from graph_api.live.streams import Streams


@pytest.fixture
async def streams(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Streams]:
    """Streams on an empty bus that processes are told of."""
    bus = await Bus.connect(redis_url)
    async with bus.speaking() as client:
        await client.flushall()
    monkeypatch.setenv("DESKGRAPH_REDIS__URL", redis_url)
    yield Streams(bus)
    await bus.close()
