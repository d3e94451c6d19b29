"""The graph engines that are measured, started for a run in a scratch folder."""

import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple
from unittest.mock import patch

import httpx
import msgspec

from deskgraph.engines.arcadedb import FOLDER, embedded_graph
from deskgraph.engines.folder import EngineFolder
from deskgraph.engines.ports import LOOPBACK, reserved_port
from graph_api.settings import EmbeddedSettings
from graph_api.store import migrations
from graph_api.store.address import GraphAddress
from graph_api.store.graph import Graph
from tests.real.neo4j import start_neo4j

ENGINES: Final = ("embedded", "neo4j")
TIMEOUT_S: Final = 300.0
_HEAP_MB: Final = 1024


class Engine(NamedTuple):
    """An engine that runs.

    Args:
        fresh: A way to an empty, migrated graph in it, as often as one likes, one at a time.
        pid: Its process.
    """

    fresh: Callable[[], AbstractAsyncContextManager[Graph]]
    pid: int


def now() -> datetime:
    """The clock of a run."""
    return datetime.now(UTC)


@asynccontextmanager
async def scratch_graph(engine: str) -> AsyncIterator[Graph]:
    """An empty, migrated graph of ``engine`` with one gigabyte of heap, gone after the block.

    Raises: Unavailable where a Neo4j cannot be started.
    """
    async with _started(engine) as (address, _), _migrated(address) as graph:
        yield graph


@asynccontextmanager
async def warm_engine(engine: str) -> AsyncIterator[Engine]:
    """One engine for many graphs: what its Java has learned from one serves the next.

    Raises: Unavailable where a Neo4j cannot be started.
    """
    if engine == "neo4j":
        async with _started(engine) as (address, pid):
            yield Engine(partial(_emptied, address), pid)
        return
    with reserved_port(0, setting="") as port, _engine_listens_to_http_on(port):
        async with _started(engine) as (address, pid):
            yield Engine(partial(_own_database, address, port), pid)


@asynccontextmanager
async def _started(engine: str) -> AsyncIterator[tuple[GraphAddress, int]]:
    with TemporaryDirectory(prefix="deskgraph-bench-") as folder:
        settings = EmbeddedSettings(heap_mb=_HEAP_MB)
        starting = (
            embedded_graph(Path(folder), settings, query_timeout_s=TIMEOUT_S)
            if engine == "embedded"
            else start_neo4j(Path(folder), warm=False)
        )
        async with starting as address:
            note = EngineFolder(Path(folder), FOLDER if engine == "embedded" else engine).note()
            assert note is not None
            yield address, note.pid


@asynccontextmanager
async def _migrated(address: GraphAddress) -> AsyncIterator[Graph]:
    graph = await Graph.open(address, query_timeout_s=TIMEOUT_S)
    try:
        await migrations.migrate(graph, now=now())
        yield graph
    finally:
        await graph.close()


@asynccontextmanager
async def _own_database(address: GraphAddress, port: int) -> AsyncIterator[Graph]:
    """A database of its own: this engine takes milliseconds to delete one node."""
    name = f"fresh_{secrets.token_hex(4)}"
    async with httpx.AsyncClient(
        base_url=f"http://{LOOPBACK}:{port}", auth=(address.user, address.password), timeout=60
    ) as http:

        async def command(text: str) -> None:
            (await http.post("/api/v1/server", json={"command": text})).raise_for_status()

        await command(f"create database {name}")
        try:
            async with _migrated(msgspec.structs.replace(address, database=name)) as graph:
                yield graph
        finally:
            await command(f"drop database {name}")


@asynccontextmanager
async def _emptied(address: GraphAddress) -> AsyncIterator[Graph]:
    """The one database that the community's Neo4j has, with nothing in it."""
    async with _migrated(address) as graph:
        left = 1
        while left:
            (row,) = await graph.run_alone(
                "MATCH (n) WHERE NOT n:Migration WITH n LIMIT 10000 DETACH DELETE n "
                "RETURN count(*) AS left"
            )
            left = row["left"]
        yield graph


@contextmanager
def _engine_listens_to_http_on(port: int) -> Iterator[None]:
    """The product leaves HTTP to chance, since it never asks; only this variable overrides it."""
    option = f"-Darcadedb.server.httpIncomingPort={port}"
    with patch.dict(os.environ, {"_JAVA_OPTIONS": option}):
        yield


async def size(graph: Graph) -> tuple[int, int, int]:
    """How many nodes, properties of nodes, and relationships there are, bookkeeping left out."""
    (nodes,) = await graph.run_alone(
        "MATCH (n) WHERE NOT n:Migration AND NOT n:Lease AND NOT n:Checkpoint "
        "RETURN count(n) AS n, sum(size(keys(n))) AS properties"
    )
    (ties,) = await graph.run_alone("MATCH ()-[r]->() RETURN count(r) AS n")
    return nodes["n"], nodes["properties"], ties["n"]
