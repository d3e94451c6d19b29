"""Blocks of a node into the graph, end to end, beside Ponder on the same node and machine.

``python -m bench indexing [--engine embedded|neo4j]`` fills a chain of anvil with transfers of one
token and has it read by ``ingest backfill``, by ``ingest follow`` (which keeps what undoes each
block and announces each transfer) and by Ponder (into its own embedded database), each from an
empty database, in turn, round by round. Prints medians: seconds from the start of the process until
one block is there, which is the starting of programs, and until all are; the transfers per second
of the difference; and that as a ratio to Ponder.

Ponder keeps transfers, holdings and flows of the token, from its logs. The graph has those and
what else a block says: all transactions with their receipts, the blocks, wallets and tokens.
"""

import argparse
import asyncio
import os
import shutil
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import httpx
import msgspec

from bench.engines import ENGINES, scratch_graph
from bench.logs import fill
from bench.output import Table, write_json
from deskgraph.engines.ports import LOOPBACK, reserved_port
from graph_api.store.graph import Graph
from scripts.node import with_node
from tests.conftest import empty
from tests.ingest.loading import ended
from tests.ingest.sources.evm_chain import Chain
from tests.real.anvil import Anvil
from tests.real.node_packages import packages

PONDER: Final = Path(__file__).parent / "ponder"
PEER: Final = "Ponder"
#: Blocks on top of those that count, so that these are final and nobody has to watch them.
_ON_TOP: Final = 300
_PATIENCE_S: Final = 900.0

#: Reads the first so many blocks into an empty database.
Way = Callable[[int], Awaitable["Took"]]


class Took(NamedTuple):
    """Seconds from the start of the process until all is there, and how many transfers are."""

    seconds: float
    transfers: int


class Figure(msgspec.Struct):
    """One way, in one round: seconds for a single block, and for all of them."""

    way: str
    one_block_s: float
    all_s: float


def main(arguments: list[str]) -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(prog="python -m bench indexing", description=__doc__)
    parser.add_argument("--engine", choices=ENGINES, default="embedded")
    parser.add_argument("--blocks", type=int, default=200)
    parser.add_argument("--logs", type=int, default=100, help="in each block")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args(arguments)
    figures = asyncio.run(_measured(chosen.engine, chosen.blocks, chosen.logs, chosen.rounds))
    write_json(chosen.json, figures)
    _tell(figures, transfers=chosen.blocks * chosen.logs)


async def _measured(engine: str, blocks: int, logs: int, rounds: int) -> list[Figure]:
    figures: list[Figure] = []
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(TemporaryDirectory(prefix="deskgraph-indexing-")))
        node = await stack.enter_async_context(Anvil(home / "node"))
        coin = await fill(await Chain.on(node), blocks, logs)
        await node.call("anvil_mine", hex(_ON_TOP))
        graph = await stack.enter_async_context(scratch_graph(engine))
        project = _project(home / "ponder")
        ways: dict[str, Way] = {
            "ingest backfill": lambda last: _backfilled(graph, home / "graph", node.url, last),
            "ingest follow": lambda last: _followed(graph, home / "graph", node.url, last),
            PEER: lambda last: _by_ponder(project, node.url, coin, last),
        }
        for _ in range(rounds):
            for way, read in ways.items():
                # The first block deploys the token, which is one transfer.
                one = await _timed(read, 1, transfers=1)
                whole = await _timed(read, blocks + 1, transfers=blocks * logs + 1)
                figures.append(Figure(way, one, whole))
    return figures


async def _timed(read: Way, last: int, *, transfers: int) -> float:
    took = await read(last)
    assert took.transfers == transfers, f"{took.transfers} transfers instead of {transfers}"
    return took.seconds


# The graph


async def _backfilled(graph: Graph, home: Path, node: str, last: int) -> Took:
    return await _ingested(graph, home, "backfill", node, ("--from", "0", "--to", str(last)))


async def _followed(graph: Graph, home: Path, node: str, last: int) -> Took:
    return await _ingested(graph, home, "follow", node, ("--from", "0", "--until", str(last)))


async def _ingested(graph: Graph, home: Path, how: str, node: str, span: Sequence[str]) -> Took:
    await empty(graph)
    begun = time.perf_counter()
    done = await ended(graph.address, home, "ingest", how, "ethereum", "--node", node, *span)
    seconds = time.perf_counter() - begun
    assert done.code == 0, done.err
    (row,) = await graph.run_alone("MATCH (t:Transfer) RETURN count(t) AS transfers")
    return Took(seconds, row["transfers"])


# Ponder


def _project(folder: Path) -> Path:
    """A copy of Ponder's project with its packages beside it."""
    shutil.copytree(PONDER, folder, ignore=shutil.ignore_patterns("node_modules"))
    (folder / "node_modules").symlink_to(packages(PONDER) / "node_modules")
    return folder


async def _by_ponder(project: Path, node: str, coin: str, last: int) -> Took:
    with TemporaryDirectory(dir=project) as database, reserved_port(0, setting="") as port:
        settings = {
            "BENCH_DATABASE": database,
            "BENCH_NODE": node,
            "BENCH_COIN": coin,
            "BENCH_END": str(last),
            "NODE_ENV": "production",
            "PONDER_TELEMETRY_DISABLED": "true",
        }
        program = project / "node_modules" / ".bin" / "ponder"
        place = ("--hostname", LOOPBACK, "--port", str(port), "--schema", "bench")
        begun = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            str(program),
            *("start", "--log-level", "error", *place),
            cwd=project,
            env={**with_node(os.environ), **settings},
            stdout=sys.stderr,
        )
        try:
            async with httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{port}") as client:
                transfers = await asyncio.wait_for(_ready(process, client), _PATIENCE_S)
                return Took(time.perf_counter() - begun, transfers)
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            await process.wait()


async def _ready(process: asyncio.subprocess.Process, client: httpx.AsyncClient) -> int:
    """How many transfers Ponder has when it says that it has read all."""
    while True:
        assert process.returncode is None, "Ponder ended; its last words are above."
        try:
            if (await client.get("/ready")).status_code == 200:
                return int((await client.get("/transfers")).json()["count"])
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.02)


def _tell(figures: list[Figure], *, transfers: int) -> None:
    table = Table("way", "s for one block", "s for all", "transfers/s", "to Ponder")
    rounds = {
        way: [one for one in figures if one.way == way]
        for way in dict.fromkeys(one.way for one in figures)
    }
    rates = {way: _rate(of, transfers) for way, of in rounds.items()}
    for way, of in rounds.items():
        table.row(
            way,
            f"{median(one.one_block_s for one in of):.1f}",
            f"{median(one.all_s for one in of):.1f}",
            f"{rates[way]:.0f}",
            f"{rates[way] / rates[PEER]:.2f}x",
        )


def _rate(rounds: Sequence[Figure], transfers: int) -> float:
    """Transfers per second, without the starting of programs."""
    reading_s = median(one.all_s for one in rounds) - median(one.one_block_s for one in rounds)
    assert reading_s > 0, "The chain is too short to be measured; give more --blocks."
    return transfers / reading_s
