"""Answers that are kept, against a bare Starlette endpoint that sends the same bytes.

``python -m bench cached [--engine embedded|neo4j]`` asks one question of a generated graph, gives
the bytes of its answer to the bare endpoint, and measures all servers in turn, round by round, so
that a machine that is busy for a while is so for all. Prints the medians of requests per second, as
a ratio to the bare endpoint, and of the CPU time of a server's process per request. The shelf on
the bus stands on an embedded one; the server ``asked`` keeps nothing.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import httpx
import msgspec

from bench.client import Load
from bench.cpu import cpu_s
from bench.engines import ENGINES, scratch_graph
from bench.output import Table, write_json
from bench.reads import Server, load_graph, measure, ours, started
from bench.shapes import choose, shapes
from deskgraph.engines.valkey import embedded_bus
from graph_api.settings import RedisSettings

WAYS: Final = ("POST", "GET", "304")
_LIFE: Final = {"DESKGRAPH_CACHE__LIFE_S": "3600"}


class Round(NamedTuple):
    """What a server did in one round."""

    requests_per_s: float
    cpu_ms: float


class Cell(msgspec.Struct):
    """Medians of one server over all rounds."""

    shape: str
    way: str
    server: str
    bytes: int
    requests_per_s: float
    to_bare: float
    cpu_ms: float
    cpu_to_bare: float


@asynccontextmanager
async def bare(body: bytes) -> AsyncIterator[Server]:
    """The bare endpoint with ``body``."""
    with TemporaryDirectory(prefix="deskgraph-bare-") as folder:
        path = Path(folder) / "body"
        path.write_bytes(body)
        command = ["sh", "-c", 'exec "$0" -m bench.bare < "$1"', sys.executable, str(path)]
        async with started(command, {}) as (process, line):
            yield Server("bare", int(line), process.pid)


async def run(arguments: argparse.Namespace) -> None:
    """All cells."""
    figures: list[Cell] = []
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="dg-")))
        graph = await stack.enter_async_context(scratch_graph(arguments.engine))
        await load_graph(graph, folder / "data", transfers=20_000, wallets=4_000)
        bus = await stack.enter_async_context(embedded_bus(folder / "bus", RedisSettings()))
        on_bus = {"DESKGRAPH_CACHE__SHELF": "bus", "DESKGRAPH_REDIS__URL": bus}
        servers = []
        for name, more in (("process", _LIFE), ("bus", _LIFE | on_bus), ("asked", {})):
            server = await stack.enter_async_context(
                ours(graph.address, folder / name, "compiled", **more)
            )
            servers.append(server._replace(name=name))
        table = Table("shape", "bytes", "way", "server", "requests/s", "to bare", "CPU ms", "CPU")
        for name, shape in shapes(await choose(graph)).items():
            if name not in arguments.shapes.split(","):
                continue
            body, etag = await _answer(servers[0], shape.ours)
            async with bare(body) as endpoint:
                for way in WAYS:
                    cells = await _cells(
                        [endpoint, *servers], shape.ours, way, etag=etag, arguments=arguments
                    )
                    for cell in cells:
                        cell.shape, cell.bytes = name, len(body)
                        table.row(
                            name,
                            len(body),
                            way,
                            cell.server,
                            f"{cell.requests_per_s:.0f}",
                            f"{cell.to_bare:.2f}",
                            f"{cell.cpu_ms:.3f}",
                            f"{cell.cpu_to_bare:.2f}",
                        )
                    figures += cells
    write_json(arguments.json, figures)


async def _cells(
    servers: Sequence[Server], query: str, way: str, *, etag: str, arguments: argparse.Namespace
) -> list[Cell]:
    """Each server's medians; what sends no tag of its own is asked without one."""
    rounds: dict[str, list[Round]] = {server.name: [] for server in servers}
    for _ in range(arguments.rounds):
        for server in servers:
            load = Load(server.port, query, arguments.connections, arguments.seconds)
            load.method = "POST" if way == "POST" else "GET"
            load.etag = etag if way == "304" else None
            before = cpu_s(server.pid)
            measured = await measure(load)
            spent_ms = (cpu_s(server.pid) - before) * 1000 / measured.requests
            rounds[server.name].append(Round(measured.requests / measured.seconds, spent_ms))
    return [_cell(way, server.name, rounds[server.name], rounds["bare"]) for server in servers]


def _cell(way: str, server: str, rounds: Sequence[Round], of_bare: Sequence[Round]) -> Cell:
    pairs = list(zip(rounds, of_bare, strict=True))
    return Cell(
        shape="",
        way=way,
        server=server,
        bytes=0,
        requests_per_s=median(one.requests_per_s for one in rounds),
        to_bare=median(one.requests_per_s / other.requests_per_s for one, other in pairs),
        cpu_ms=median(one.cpu_ms for one in rounds),
        cpu_to_bare=median(one.cpu_ms / other.cpu_ms for one, other in pairs),
    )


async def _answer(server: Server, query: str) -> tuple[bytes, str]:
    async with httpx.AsyncClient(timeout=60) as client:
        answer = await client.get(
            f"http://127.0.0.1:{server.port}/graphql",
            params={"query": query},
            headers={"accept": "application/json"},
        )
    if answer.json().get("errors"):
        raise RuntimeError(answer.text)
    return answer.content, answer.headers["etag"]


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench cached", description=__doc__)
    parser.add_argument("--engine", choices=ENGINES, default="embedded")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--shapes", default="Q1,Q2hub,Q6")
    parser.add_argument("--json", type=Path)
    asyncio.run(run(parser.parse_args(arguments)))
