"""Fixtures of the whole suite: both graph engines, each emptied and migrated for a test."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from graph_api.store import migrations
from graph_api.store.address import GraphAddress, ReaderName
from graph_api.store.graph import Graph
from graph_api.vault.home import default_url
from graph_api.vault.vault import Vault
from tests.given import Ledger

pytest_plugins = ["tests.engines_fixtures"]

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)


def reader() -> ReaderName:
    """Who asks reads: ``TEST_READER=driver`` runs the same tests through the official driver."""
    return "driver" if os.environ.get("TEST_READER") == "driver" else "lean"


@pytest.fixture(scope="session", params=["embedded", "neo4j"])
def graph_address(request: pytest.FixtureRequest) -> GraphAddress:
    """Each engine in turn."""
    address: GraphAddress = request.getfixturevalue(f"{request.param}_address")
    return address


@pytest_asyncio.fixture(scope="session")
async def open_graph(graph_address: GraphAddress) -> AsyncIterator[Graph]:
    """A migrated graph, shared by the session."""
    graph = await Graph.open(graph_address, pool_size=20, query_timeout_s=60, reader=reader())
    await migrations.migrate(graph, now=NOW)
    yield graph
    await graph.close()


@pytest_asyncio.fixture
async def graph(open_graph: Graph) -> Graph:
    """An empty, migrated graph."""
    await empty(open_graph)
    return open_graph


@pytest_asyncio.fixture
async def ledger(graph: Graph) -> AsyncIterator[Ledger]:
    """A writer on an empty graph."""
    async with Ledger.open(graph) as ledger:
        yield ledger


@pytest_asyncio.fixture
async def vault(tmp_path: Path) -> AsyncIterator[Vault]:
    """An empty, migrated vault in a file."""
    async with await Vault.open(default_url(tmp_path)) as vault:
        await vault.migrate(now=NOW)
        yield vault


async def empty(graph: Graph) -> None:
    """Remove everything but the migrations."""
    left = 1
    while left:
        rows = await graph.run_alone(
            "MATCH (n) WHERE NOT n:Migration WITH n LIMIT 5000 DETACH DELETE n "
            "RETURN count(*) AS left"
        )
        left = rows[0]["left"]
