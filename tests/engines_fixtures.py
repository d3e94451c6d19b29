"""Session-scoped real servers: name this module in ``pytest_plugins`` to have them."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from deskgraph.engines.valkey import embedded_bus
from graph_api.settings import RedisSettings
from graph_api.store.address import GraphAddress
from tests.real.available import Unavailable, skip
from tests.real.embedded import start_embedded
from tests.real.neo4j import start_neo4j
from tests.real.redis import start_redis


@pytest_asyncio.fixture(scope="session")
async def embedded_address(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[GraphAddress]:
    """The embedded graph engine."""
    async with start_embedded(tmp_path_factory.mktemp("embedded")) as address:
        yield address


@pytest_asyncio.fixture(scope="session")
async def neo4j_address(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GraphAddress]:
    """A real Neo4j; tests that want it are skipped, loudly, where there is no Java or Maven."""
    try:
        async with start_neo4j(tmp_path_factory.mktemp("neo4j")) as address:
            yield address
    except Unavailable as reason:
        skip(reason)


@pytest_asyncio.fixture(scope="session")
async def redis_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A real Redis on a TCP port."""
    try:
        async with start_redis(tmp_path_factory.mktemp("redis")) as url:
            yield url
    except Unavailable as reason:
        skip(reason)


@pytest_asyncio.fixture(scope="session")
async def embedded_bus_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The embedded bus."""
    async with embedded_bus(tmp_path_factory.mktemp("bus"), RedisSettings()) as url:
        yield url
