"""One worker against several: the CPU time that a request costs, and who answers how much.

``python -m bench workers [--engine embedded|neo4j]`` starts the API on one generated graph once
with each number of workers, and asks them in turn, round by round, so that a machine that is busy
for a while is so for all. Prints medians: the CPU time of all processes of a server per request,
that as a ratio to the server of one worker in the same round, and the busiest worker's share of it
(0.50 where two share evenly). More requests per second only come where client and database have
cores of their own.
"""

import argparse
import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import msgspec

from bench.client import Load
from bench.cpu import cpu_s
from bench.engines import ENGINES, scratch_graph
from bench.output import Table, write_json
from bench.reads import Server, load_graph, measure, ours
from bench.shapes import choose, shapes

_WARM_S: Final = 1.0


class Round(NamedTuple):
    """What a server did in one round."""

    requests_per_s: float
    cpu_ms: float
    busiest: float


class Cell(msgspec.Struct):
    """Medians of one server over all rounds."""

    shape: str
    connections: int
    workers: int
    requests_per_s: float
    cpu_ms: float
    cpu_to_one: float
    busiest: float


async def run(arguments: argparse.Namespace) -> None:
    """All cells."""
    figures: list[Cell] = []
    counts = sorted({1, *map(int, arguments.workers.split(","))})
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="deskgraph-workers-")))
        graph = await stack.enter_async_context(scratch_graph(arguments.engine))
        await load_graph(graph, folder / "data", transfers=20_000, wallets=4_000)
        servers = {
            count: await stack.enter_async_context(
                ours(
                    graph.address,
                    folder / str(count),
                    "compiled",
                    DESKGRAPH_HTTP__WORKERS=str(count),
                )
            )
            for count in counts
        }
        asked = shapes(await choose(graph))
        table = Table(
            "shape", "connections", "workers", "requests/s", "CPU ms", "CPU to one", "busiest"
        )
        for name in arguments.shapes.split(","):
            for connections in map(int, arguments.connections.split(",")):
                load = Load(0, asked[name].ours, connections, arguments.seconds)
                for cell in await _cells(name, servers, load, rounds=arguments.rounds):
                    table.row(
                        name,
                        connections,
                        cell.workers,
                        f"{cell.requests_per_s:.0f}",
                        f"{cell.cpu_ms:.3f}",
                        f"{cell.cpu_to_one:.2f}",
                        f"{cell.busiest:.2f}",
                    )
                    figures.append(cell)
    write_json(arguments.json, figures)


async def _cells(shape: str, servers: dict[int, Server], load: Load, *, rounds: int) -> list[Cell]:
    for server in servers.values():
        await _round(server, msgspec.structs.replace(load, seconds=_WARM_S))
    taken = [
        {count: await _round(server, load) for count, server in servers.items()}
        for _ in range(rounds)
    ]
    return [
        Cell(
            shape=shape,
            connections=load.connections,
            workers=count,
            requests_per_s=median(one[count].requests_per_s for one in taken),
            cpu_ms=median(one[count].cpu_ms for one in taken),
            cpu_to_one=median(one[count].cpu_ms / one[1].cpu_ms for one in taken),
            busiest=median(one[count].busiest for one in taken),
        )
        for count in servers
    ]


async def _round(server: Server, load: Load) -> Round:
    before = _spent_s(server.pid)
    measured = await measure(msgspec.structs.replace(load, port=server.port))
    spent = {pid: now - before[pid] for pid, now in _spent_s(server.pid).items()}
    whole = sum(spent.values())
    return Round(
        measured.requests / measured.seconds,
        whole * 1000 / measured.requests,
        max(spent.values()) / whole,
    )


def _spent_s(pid: int) -> dict[int, float]:
    """The CPU time so far of a server's processes: the one that was started, and its workers."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {one: cpu_s(one) for one in (pid, *map(int, children))}


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench workers", description=__doc__)
    parser.add_argument("--engine", choices=ENGINES, default="embedded")
    parser.add_argument("--workers", default="2", help="beside one, such as 2,4")
    parser.add_argument("--connections", default="16,64")
    parser.add_argument("--shapes", default="Q1,Q2hub,Q6")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each server in a round")
    parser.add_argument("--json", type=Path)
    asyncio.run(run(parser.parse_args(arguments)))
