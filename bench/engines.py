"""The graph engines that are measured, started for a run in a scratch folder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from deskgraph.engines.arcadedb import embedded_graph
from graph_api.settings import EmbeddedSettings
from graph_api.store import migrations
from graph_api.store.graph import Graph
from tests.real.neo4j import start_neo4j

ENGINES: Final = ("embedded", "neo4j")
TIMEOUT_S: Final = 300.0
_HEAP_MB: Final = 1024


def now() -> datetime:
    """The clock of a run."""
    return datetime.now(UTC)


@asynccontextmanager
async def scratch_graph(engine: str) -> AsyncIterator[Graph]:
    """An empty, migrated graph of ``engine`` with one gigabyte of heap, gone after the block.

    Raises: Unavailable where a Neo4j cannot be started.
    """
    with TemporaryDirectory(prefix="deskgraph-bench-") as folder:
        starting = (
            embedded_graph(
                Path(folder), EmbeddedSettings(heap_mb=_HEAP_MB), query_timeout_s=TIMEOUT_S
            )
            if engine == "embedded"
            else start_neo4j(Path(folder), warm=False)
        )
        async with starting as address:
            graph = await Graph.open(address, query_timeout_s=TIMEOUT_S)
            try:
                await migrations.migrate(graph, now=now())
                yield graph
            finally:
                await graph.close()


async def empty(graph: Graph) -> None:
    """Remove everything but the record of migrations."""
    # The embedded engine looks through all relationships of a node to remove one of them: what
    # has most of them goes first, whole, and leaves the short ends for the rest.
    for match in (
        "MATCH (n:Token)",
        "MATCH (n:Wallet) WHERE n.flows_in + n.flows_out > 500",
        "MATCH (n) WHERE NOT n:Migration",
    ):
        left = 1
        while left:
            (row,) = await graph.run_alone(
                f"{match} WITH n LIMIT 10000 DETACH DELETE n RETURN count(*) AS left"
            )
            left = row["left"]


async def size(graph: Graph) -> tuple[int, int]:
    """How many nodes and relationships there are, bookkeeping left out."""
    (nodes,) = await graph.run_alone(
        "MATCH (n) WHERE NOT n:Migration AND NOT n:Lease AND NOT n:Checkpoint RETURN count(n) AS n"
    )
    (ties,) = await graph.run_alone("MATCH ()-[r]->() RETURN count(r) AS n")
    return nodes["n"], ties["n"]
