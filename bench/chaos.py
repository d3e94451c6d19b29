"""Loads that are killed again and again: what is left at the end equals one clean load.

``python -m bench chaos [--engine embedded|neo4j] [--rounds 20] [--minutes 15]`` loads files that
overlap, bad rows among them, in one to three processes at once. It ends these with SIGKILL (or, now
and then, SIGTERM) at random moments, until the deaths of the round are used up and one process may
come to its end. Then graph, rejects files and checkpoints are compared with those of a clean load.
A seed makes the files and the plan of a round, the machine its moments. It ends by itself, when the
rounds or the minutes are over.
"""

import argparse
import asyncio
import secrets
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec

from bench.engines import ENGINES, scratch_graph
from bench.output import Table, write_json
from graph_api.store.graph import Graph
from tests.conftest import empty
from tests.given import difference, snapshot
from tests.ingest.export import csv_file, export, transfer_rows, written
from tests.ingest.loading import load_apart, loader
from tests.real.available import Unavailable

_SIGNALS: Final = (*[signal.SIGKILL] * 4, signal.SIGTERM)
#: How long after a batch a death may come; batches take about as long.
_MOST_LATE_S: Final = 0.2


class Refuted(Exception):
    """A load that was killed has left something else than a clean one."""


class Round(msgspec.Struct, kw_only=True):
    """What was done to one load, and how long it took."""

    engine: str
    seed: int
    deaths: dict[str, int]
    seconds: float


class Left(msgspec.Struct, frozen=True):
    """What a load leaves: the graph, the rejects files by name, the counts of its checkpoints."""

    graph: dict[str, Sequence[Any]]
    rejects: dict[str, bytes]
    counts: list[dict[str, Any]]


def write_files(folder: Path, *, seed: int) -> list[str]:
    """Tables of a small chain, and two files of transfers that overlap; the arguments to load."""
    written(folder / "tables", export(seed, transactions=60))
    rows = list(transfer_rows(seed, rows=900))
    for number in range(0, len(rows), 7):
        rows[number] = rows[number] | {"to_address": "0x123"}
    csv_file(folder / "first.csv", rows[:600])
    csv_file(folder / "second.csv", rows[300:])
    paths = [folder / name for name in ("tables", "first.csv", "second.csv")]
    return [*map(str, paths), "--chain", "ethereum", "--batch", "30", "--json"]


async def left(graph: Graph, home: Path) -> Left:
    """What loads have left in graph and home."""
    counts = await graph.run_alone(
        "MATCH (c:Checkpoint) RETURN c.id AS id, c.row AS row, c.read AS read, c.done AS done, "
        "c.rejected AS rejected ORDER BY c.id"
    )
    rejects = {file.name: file.read_bytes() for file in (home / "rejects").iterdir()}
    return Left(await snapshot(graph), rejects, counts)


async def torment(
    graph: Graph, home: Path, arguments: Sequence[str], *, random: Random
) -> Counter[str]:
    """Load while processes die; returns how often each signal has struck."""
    deaths: Counter[str] = Counter()
    budget = random.randint(1, 8)

    async def suffer() -> None:
        async with loader(graph.address, home, *arguments) as running:
            if await running.batches(random.randint(0, 6)):
                await asyncio.sleep(random.uniform(0, _MOST_LATE_S))
                if deaths.total() < budget:
                    number = random.choice(_SIGNALS)
                    running.send(number)
                    deaths[number.name] += 1
            ended = await running.ended()
            if ended.code not in (0, -signal.SIGKILL, 128 + signal.SIGTERM):
                raise Refuted(f"A load ended with {ended.code}: {ended.err[-2_000:]}")

    while deaths.total() < budget:
        before = deaths.total()
        await asyncio.gather(*(suffer() for _ in range(random.randint(1, 3))))
        if deaths.total() == before:
            break  # all of it is loaded
    last = await load_apart(graph.address, home, *arguments)
    if last.code:
        raise Refuted(f"The last load ended with {last.code}: {last.err[-2_000:]}")
    return deaths


def compare(got: Left, clean: Left) -> None:
    """Raises: Refuted."""
    wrong = difference(clean.graph, got.graph)
    if wrong:
        raise Refuted(f"The graph differs from that of a clean load: {wrong}")
    if got.rejects != clean.rejects:
        raise Refuted("The rejects files differ from those of a clean load.")
    if got.counts != clean.counts:
        raise Refuted(f"Checkpoints: {got.counts}, after a clean load {clean.counts}.")


async def play(engine: str, options: argparse.Namespace, *, table: Table) -> list[Round]:
    """All rounds on one engine. Raises: Refuted, with the round's seed."""
    rounds: list[Round] = []
    end = time.monotonic() + 60 * options.minutes
    with TemporaryDirectory(prefix="deskgraph-chaos-") as folder:
        async with scratch_graph(engine) as graph:
            for seed in range(options.seed, options.seed + options.rounds):
                if time.monotonic() > end:
                    break
                begin = time.perf_counter()
                place = Path(folder) / str(seed)
                arguments = write_files(place / "data", seed=seed)
                first = await load_apart(graph.address, place / "clean", *arguments)
                if first.code:
                    raise Refuted(f"Seed {seed}: a clean load fails: {first.err}")
                clean = await left(graph, place / "clean")
                await empty(graph)
                try:
                    deaths = await torment(graph, place / "home", arguments, random=Random(seed))
                    compare(await left(graph, place / "home"), clean)
                except Refuted as reason:
                    raise Refuted(f"{engine}, seed {seed}: {reason}") from None
                await empty(graph)
                done = Round(
                    engine=engine,
                    seed=seed,
                    deaths=dict(deaths),
                    seconds=round(time.perf_counter() - begin, 1),
                )
                rounds.append(done)
                struck = ", ".join(f"{count} {name}" for name, count in sorted(deaths.items()))
                table.row(engine, seed, struck or "none in time", "equal", done.seconds)
    return rounds


async def run(options: argparse.Namespace) -> list[Round]:
    """All engines in turn."""
    table, rounds = Table("engine", "seed", "deaths", "left", "s"), list[Round]()
    for engine in options.engine or ENGINES:
        try:
            rounds += await play(engine, options, table=table)
        except Unavailable as reason:
            print(f"{engine} is left out: {reason}")
    return rounds


def main(arguments: list[str]) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench chaos", description=__doc__)
    parser.add_argument("--engine", action="append", choices=ENGINES, help="default: both")
    parser.add_argument("--rounds", type=int, default=20, help="of each engine")
    parser.add_argument("--minutes", type=float, default=15, help="at most, on each engine")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="of the first")
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args(arguments)
    try:
        rounds = asyncio.run(run(options))
    except Refuted as reason:
        sys.exit(f"REFUTED: {reason}")
    deaths = sum(sum(one.deaths.values()) for one in rounds)
    print(f"\n{len(rounds)} rounds, {deaths} deaths: every graph equals that of a clean load.")
    write_json(options.json, rounds)
