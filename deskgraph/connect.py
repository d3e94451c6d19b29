"""Finds the graph that settings speak of: a given URL, the one that runs, or one to start."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from deskgraph.engines.arcadedb import embedded_graph, running_graph_to_read
from deskgraph.engines.sharing import shared_graph
from deskgraph.engines.supervise import OnTrouble
from deskgraph.engines.valkey import running_bus
from graph_api.domain.errors import BadInput
from graph_api.settings import Settings
from graph_api.store import migrations
from graph_api.store.address import GraphAddress
from graph_api.store.graph import Graph
from graph_api.vault.vault import Vault


def now() -> datetime:
    """The clock of everything that the launcher starts."""
    return datetime.now(UTC)


@asynccontextmanager
async def graph_address(settings: Settings) -> AsyncIterator[GraphAddress]:
    """Where the graph is for one command; the embedded one is started when it does not run."""
    address = settings.neo4j.address
    if address is not None:
        yield address
        return
    async with shared_graph(
        settings.home, settings.embedded, query_timeout_s=settings.neo4j.query_timeout_s
    ) as shared:
        yield shared


@asynccontextmanager
async def kept_up_graph(
    settings: Settings, *, on_trouble: OnTrouble
) -> AsyncIterator[GraphAddress]:
    """Where the graph is for as long as the block lasts; an embedded one that dies comes back.

    Raises: AlreadyRunning when the embedded graph of this data folder runs elsewhere.
    """
    address = settings.neo4j.address
    if address is not None:
        yield address
        return
    async with embedded_graph(
        settings.home,
        settings.embedded,
        query_timeout_s=settings.neo4j.query_timeout_s,
        on_trouble=on_trouble,
    ) as started:
        yield started


@asynccontextmanager
async def opened(address: GraphAddress, settings: Settings) -> AsyncIterator[Graph]:
    """The graph that answers at ``address``, asked in the way that settings say."""
    graph = await Graph.open(
        address,
        pool_size=settings.neo4j.pool_size,
        query_timeout_s=settings.neo4j.query_timeout_s,
        reader=settings.neo4j.reader,
    )
    try:
        yield graph
    finally:
        await graph.close()


@asynccontextmanager
async def open_graph(settings: Settings) -> AsyncIterator[Graph]:
    """The graph as it is, whatever its schema."""
    async with graph_address(settings) as address, opened(address, settings) as graph:
        yield graph


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
    address = settings.neo4j.address or running_graph_to_read(settings.home)
    if address is None:
        raise BadInput(
            f"No graph runs for {settings.home}; start one with `deskgraph up` or set "
            "DESKGRAPH_NEO4J__URL."
        )
    async with opened(address, settings) as graph:
        yield graph


def bus_url(settings: Settings) -> str | None:
    """Where the bus is: the one of settings, else the embedded one where it runs."""
    url = settings.redis.url
    return url.get_secret_value() if url is not None else running_bus(settings.home)


async def migrate_vault(settings: Settings) -> list[str]:
    """Bring the vault to the newest revision; what was applied."""
    if settings.vault.url is None:
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    async with await Vault.open(settings.vault_url) as vault:
        return await vault.migrate(now=now())
