"""Finds the graph that settings speak of: a given URL, the one that runs, or one to start."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from deskgraph.engines.arcadedb import embedded_graph, running_graph, running_graph_to_read
from deskgraph.engines.supervise import OnTrouble
from graph_api.domain.errors import BadInput
from graph_api.server.main import graph_address as server_address
from graph_api.settings import Settings
from graph_api.store import migrations
from graph_api.store.graph import Graph, GraphAddress


def now() -> datetime:
    """The clock of everything that the launcher starts."""
    return datetime.now(UTC)


@asynccontextmanager
async def graph_address(
    settings: Settings, *, kept_up: OnTrouble | None = None
) -> AsyncIterator[GraphAddress]:
    """Where the graph is; the embedded one is started when it does not run yet.

    With ``kept_up`` an engine that was started here and dies is started again.
    """
    address = given_address(settings) or running_graph(settings.home)
    if address is not None:
        yield address
        return
    async with embedded_graph(
        settings.home,
        settings.embedded,
        query_timeout_s=settings.neo4j.query_timeout_s,
        on_trouble=kept_up,
    ) as started:
        yield started


@asynccontextmanager
async def open_graph(settings: Settings) -> AsyncIterator[Graph]:
    """The graph as it is, whatever its schema."""
    async with graph_address(settings) as address:
        graph = await Graph.open(
            address,
            pool_size=settings.neo4j.pool_size,
            query_timeout_s=settings.neo4j.query_timeout_s,
        )
        try:
            yield graph
        finally:
            await graph.close()


@asynccontextmanager
async def current_graph(settings: Settings) -> AsyncIterator[Graph]:
    """The graph at the schema of this program.

    Our own embedded graph is migrated on the way. Somebody else's server is not touched before
    its owner says so.

    Raises: SchemaUnknown when the schema is another.
    """
    async with open_graph(settings) as graph:
        if settings.neo4j.url is None:
            await migrations.migrate(graph, now=now())
        await migrations.require_current(graph)
        yield graph


@asynccontextmanager
async def graph_to_read(settings: Settings) -> AsyncIterator[Graph]:
    """The running graph with a login that cannot write, where the engine knows such logins.

    Raises: BadInput when no graph runs.
    """
    address = given_address(settings) or running_graph_to_read(settings.home)
    if address is None:
        raise BadInput(
            f"No graph runs for {settings.home}; start one with `deskgraph up` or set "
            "DESKGRAPH_NEO4J__URL."
        )
    graph = await Graph.open(address, query_timeout_s=settings.neo4j.query_timeout_s)
    try:
        yield graph
    finally:
        await graph.close()


def given_address(settings: Settings) -> GraphAddress | None:
    """The server of ``DESKGRAPH_NEO4J__URL``, if one is set."""
    return None if settings.neo4j.url is None else server_address(settings)
