"""Streams on both kinds of server: a real Redis, and the Valkey that is embedded."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from graph_api.live.bus import Bus
from graph_api.live.streams import Streams
from tests.real.available import Unavailable, skip
from tests.real.redis import Server, redis_program, valkey_program


@pytest.fixture(scope="session", params=["redis", "valkey"])
def program(request: pytest.FixtureRequest) -> Path:
    """The server to run."""
    try:
        return redis_program() if request.param == "redis" else valkey_program()
    except Unavailable as reason:
        skip(reason)


@pytest_asyncio.fixture(scope="session")
async def shared_server(
    program: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Server]:
    """A server for all tests that do it no harm."""
    async with Server(program, tmp_path_factory.mktemp("live")) as server:
        yield server


@pytest_asyncio.fixture
async def bus(shared_server: Server) -> AsyncIterator[Bus]:
    """An empty bus."""
    bus = await Bus.connect(shared_server.url, timeout_s=2.0)
    async with bus.speaking() as client:
        await client.flushall()
    yield bus
    await bus.close()


@pytest.fixture
def streams(bus: Bus) -> Streams:
    """Streams on an empty bus."""
    return Streams(bus)
