"""``ingest load`` without the rest of the launcher: a process that starts fast, to be killed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from graph_api.settings import Settings
from graph_api.store.graph import Graph, GraphAddress
from ingest.jobs import commands


@asynccontextmanager
async def door(settings: Settings) -> AsyncIterator[Graph]:
    """The graph of the settings, at whatever schema."""
    given = settings.neo4j
    assert given.url is not None
    assert given.password is not None
    address = GraphAddress(
        url=given.url,
        user=given.user,
        password=given.password.get_secret_value(),
        database=given.database,
    )
    graph = await Graph.open(address)
    try:
        yield graph
    finally:
        await graph.close()


if __name__ == "__main__":
    commands.group(door)(obj=Settings())
