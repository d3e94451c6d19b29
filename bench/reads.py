"""The read shapes of a graph API: the bare driver, Deskgraph, and the usual Node stack.

``python -m bench reads [--engine embedded|neo4j]`` puts one generated graph into one database,
starts every server on it, checks that they answer alike, and asks them in turn: cell by cell, round
by round, all servers within a round one after another, so that a machine that is busy for a while
is so for all. Prints requests per second and the CPU time of the server's process per request, both
as a ratio to graphql-yoga too, and where our own CPU goes. The load comes from a process of its
own; for the bare driver, the CPU is that of the process that uses it.
"""

import argparse
import asyncio
import os
import statistics
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import httpx
import msgspec

from bench.client import Load, Measured
from bench.cpu import cpu_s
from bench.engines import ENGINES, now, scratch_graph
from bench.output import Table, write_json
from bench.shapes import Shape, choose, shapes
from bench.split import Split, split
from bench.synthetic import write_transfers
from deskgraph.connect import migrate_vault
from graph_api.domain.chains import chain_of
from graph_api.settings import Settings
from graph_api.store.address import GraphAddress
from graph_api.store.graph import Graph
from ingest.jobs.loading import load_paths
from ingest.sources.files.format import Options
from scripts.node import with_node
from tests.real.node_packages import packages

PEERS: Final = ("yoga", "apollo")
OURS: Final = ("standard", "compiled")
SHAPES: Final = "Q1,Q2,Q2hub,Q3,Q3plain,Q4,Q4plain,Q5,Q6"
PEER_FOLDER: Final = Path(__file__).with_name("peers")


class Server(NamedTuple):
    """A server under load."""

    name: str
    port: int
    pid: int


class Cell(msgspec.Struct):
    """What one server did with one shape at one number of connections: medians of the rounds."""

    shape: str
    connections: int
    server: str
    requests_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float


class Part(msgspec.Struct):
    """Where our CPU of one shape goes, milliseconds of one request."""

    shape: str
    http: float
    inside: Split


@asynccontextmanager
async def ours(
    address: GraphAddress, home: Path, executor: str, **more: str
) -> AsyncIterator[Server]:
    """Deskgraph's API in one process; every answer is made anew unless ``more`` says otherwise."""
    await migrate_vault(Settings(home=home))
    environment = os.environ | {
        "DESKGRAPH_HOME": str(home),
        "DESKGRAPH_PROFILE": "production",
        "DESKGRAPH_NEO4J__URL": address.url,
        "DESKGRAPH_NEO4J__USER": address.user,
        "DESKGRAPH_NEO4J__PASSWORD": address.password,
        "DESKGRAPH_NEO4J__DATABASE": address.database,
        "DESKGRAPH_EXECUTOR": executor,
        "DESKGRAPH_HTTP__PORT": "0",
        "DESKGRAPH_CACHE__LIFE_S": "0",
        **more,
    }
    async with started([sys.executable, "-m", "graph_api"], environment) as (process, line):
        port = int(line.split(":")[-1].split("/")[0])
        yield Server(executor, port, process.pid)


@asynccontextmanager
async def peer(address: GraphAddress, name: str, folder: Path) -> AsyncIterator[Server]:
    """The Node stack in production mode."""
    environment = with_node(os.environ) | {
        "NODE_ENV": "production",
        "PEER": name,
        "BOLT_URL": address.url,
        "BOLT_USER": address.user,
        "BOLT_PASSWORD": address.password,
        "BOLT_DATABASE": address.database,
    }
    script = folder / "server.mjs"
    script.write_bytes((PEER_FOLDER / "server.mjs").read_bytes())
    async with started(["node", str(script)], environment) as (process, line):
        yield Server(name, int(line), process.pid)


@asynccontextmanager
async def started(
    command: list[str], environment: dict[str, str]
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    process = await asyncio.create_subprocess_exec(
        *command,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    drain: asyncio.Task[bytes] | None = None
    try:
        assert process.stdout is not None
        line = ""
        # The access log and the announcement share standard output.
        while not line or line.startswith("{"):
            read = await asyncio.wait_for(process.stdout.readline(), 60)
            if not read:
                raise RuntimeError(f"{' '.join(command)} ended before it answered.")
            line = read.decode().strip()
        drain = asyncio.create_task(process.stdout.read())
        yield process, line
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        if drain is not None:
            await drain


async def _ask(server: Server, query: str) -> Any:
    async with httpx.AsyncClient(timeout=60) as client:
        answer = await client.post(f"http://127.0.0.1:{server.port}/graphql", json={"query": query})
    body = answer.json()
    if body.get("errors"):
        raise RuntimeError(f"{server.name}: {body['errors'][0]['message']}")
    return body["data"]


async def load_graph(graph: Graph, folder: Path, *, transfers: int, wallets: int) -> None:
    """Load generated transfers, as files are loaded."""
    paths = write_transfers(folder, transfers=transfers, wallets=wallets)
    options = Options(chains=(chain_of("ethereum"),))
    async for _ in load_paths(graph, paths, options, clock=now, rejects=folder / "rejects"):
        pass


async def run(arguments: argparse.Namespace) -> None:
    """All cells."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="deskgraph-reads-")))
        graph = await stack.enter_async_context(scratch_graph(arguments.engine))
        await load_graph(
            graph, folder / "data", transfers=arguments.transfers, wallets=arguments.wallets
        )
        print(f"\nEngine {graph.engine}, {arguments.transfers:,} transfers, one worker each.")
        write_json(arguments.json, await compare(graph, folder, arguments))


async def compare(graph: Graph, folder: Path, arguments: argparse.Namespace) -> list[Cell | Part]:
    """Measure on a graph that is loaded, and print."""
    figures: list[Cell | Part] = []
    async with AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(ours(graph.address, folder / name, name))
            for name in OURS
        ]
        peers = [name for name in PEERS if name in arguments.peers.split(",")]
        for name in peers:
            node = packages(PEER_FOLDER)
            servers.append(await stack.enter_async_context(peer(graph.address, name, node)))
        wanted = arguments.shapes.split(",")
        asked = {name: one for name, one in shapes(await choose(graph)).items() if name in wanted}
        print()
        for name, shape in asked.items():
            print(f"- {name}: {shape.about}; {await agreed(name, shape, servers)} rows.")
        for connections in map(int, arguments.connections.split(",")):
            print(f"\n{connections} connections\n")
            figures += await _table(graph.address, asked, servers, connections, arguments)
        print("\nWhere the CPU of the compiled server goes, ms of one request\n")
        figures += await _parts(graph, asked, [one for one in figures if isinstance(one, Cell)])
    return figures


async def _table(
    address: GraphAddress,
    asked: dict[str, Shape],
    servers: Sequence[Server],
    connections: int,
    arguments: argparse.Namespace,
) -> list[Cell]:
    table = Table(
        "shape", "server", "requests/s", "to yoga", "p50 ms", "p99 ms", "CPU ms", "to yoga"
    )
    figures: list[Cell] = []
    for name, shape in asked.items():
        rounds = [
            await _round(address, name, shape, servers, connections, arguments.seconds)
            for _ in range(arguments.rounds)
        ]
        cells = [_median(same) for same in zip(*rounds, strict=True)]
        yoga = next((cell for cell in cells if cell.server == "yoga"), None)
        for cell in cells:
            table.row(
                name,
                cell.server,
                f"{cell.requests_per_s:.0f}",
                f"{cell.requests_per_s / yoga.requests_per_s:.2f}" if yoga else "",
                f"{cell.p50_ms:.1f}",
                f"{cell.p99_ms:.1f}",
                f"{cell.cpu_ms:.2f}",
                f"{cell.cpu_ms / yoga.cpu_ms:.2f}" if yoga else "",
            )
        figures += cells
    return figures


async def _parts(graph: Graph, asked: dict[str, Shape], cells: Sequence[Cell]) -> list[Part]:
    table = Table("shape", "all", "HTTP", "door", "driver", "records and maps", "JSON")
    found = []
    for name, shape in asked.items():
        whole = min(
            cell.cpu_ms for cell in cells if (cell.shape, cell.server) == (name, "compiled")
        )
        inside = await split(graph, shape.ours)
        part = Part(name, max(whole - inside.inside, 0.0), inside)
        found.append(part)
        figures = (whole, part.http, inside.door, inside.driver, inside.shape, inside.encode)
        table.row(name, *(f"{figure:.2f}" for figure in figures))
    return found


async def agreed(name: str, shape: Shape, servers: Sequence[Server]) -> int:
    """How many rows everybody answers. Raises: RuntimeError where they do not agree."""
    counts = {
        server.name: shape.counted(await _ask(server, _words(shape, server))) for server in servers
    }
    if min(counts.values()) < max(1, max(counts.values()) * (1 - shape.spread)):
        raise RuntimeError(f"{name} is answered with different numbers of rows: {counts}.")
    return max(counts.values())


def _words(shape: Shape, server: Server) -> str:
    return shape.peers if server.name in PEERS else shape.ours


async def _round(
    address: GraphAddress,
    name: str,
    shape: Shape,
    servers: Sequence[Server],
    connections: int,
    seconds: float,
) -> list[Cell]:
    bolt = (address.url, address.user, address.password, address.database)
    load = Load(0, shape.cypher, connections, seconds, parameters=shape.parameters, bolt=bolt)
    cells = [_cell(name, connections, "driver", found := await measure(load), found.cpu_s)]
    for server in servers:
        query = _words(shape, server)
        await measure(Load(server.port, query, connections, min(1.0, seconds / 3)))
        before = cpu_s(server.pid)
        found = await measure(Load(server.port, query, connections, seconds))
        cells.append(_cell(name, connections, server.name, found, cpu_s(server.pid) - before))
    return cells


def _cell(shape: str, connections: int, server: str, found: Measured, spent_s: float) -> Cell:
    return Cell(
        shape,
        connections,
        server,
        requests_per_s=found.requests / found.seconds,
        p50_ms=found.p50_ms,
        p99_ms=found.p99_ms,
        cpu_ms=spent_s / max(found.requests, 1) * 1000,
    )


def _median(cells: Sequence[Cell]) -> Cell:
    figures = {
        name: statistics.median(getattr(cell, name) for cell in cells)
        for name in ("requests_per_s", "p50_ms", "p99_ms", "cpu_ms")
    }
    return msgspec.structs.replace(cells[0], **figures)


async def measure(load: Load) -> Measured:
    """Ask as ``load`` says, from a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.client",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate(msgspec.json.encode(load))
    return msgspec.json.decode(out, type=Measured)


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    asyncio.run(run(parser().parse_args(arguments)))


def parser() -> argparse.ArgumentParser:
    """The options."""
    options = argparse.ArgumentParser(prog="python -m bench reads", description=__doc__)
    options.add_argument("--engine", choices=ENGINES, default="embedded")
    options.add_argument("--transfers", type=int, default=100_000)
    options.add_argument("--wallets", type=int, default=20_000)
    options.add_argument("--seconds", type=float, default=3.0, help="of each server in a round")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--connections", default="1,16,64")
    options.add_argument("--shapes", default=SHAPES)
    options.add_argument("--peers", default=",".join(PEERS), help="empty: none")
    options.add_argument("--json", type=Path)
    return options
