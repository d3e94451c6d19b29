"""The best paths in time over generated transfers with a hub, beside a plain Cypher way.

``python -m bench paths [--source embedded|neo4j|memory] [--transfers 1000000] [--hub 0.33]`` makes
seeded payments between wallets of which one takes part in every third, loads them the way of
``deskgraph ingest load`` (or keeps them in memory), and asks for the five best paths of up to six
hops: between random wallets, by each order, and with the hub at an end. The plain way is one
variable-length pattern whose times grow, for the five of the fewest hops, with a time limit. All
answers of the graph are compared with those of the same transfers in memory. CPU is that of this
process and the engine's together, for one question: a busy machine disturbs it less than times.
"""

import argparse
import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import msgspec

from bench.cpu import cpu_s
from bench.engines import ENGINES, now, warm_engine
from bench.output import Table, write_json
from bench.paths_world import ETHEREUM, HUB, MemorySource, World, account, last_moment, token
from graph_api.analysis.paths.wishes import PathOrder
from graph_api.domain.errors import TooCostly, UpstreamUnavailable
from graph_api.domain.ids import ChainId
from graph_api.services.as_of import AsOf
from graph_api.services.timed_paths.answers import PathsAnswer, PathsEnded
from graph_api.services.timed_paths.ends import Wallets
from graph_api.services.timed_paths.judging import Judge
from graph_api.services.timed_paths.questions import PathEnd, PathsQuestion
from graph_api.services.timed_paths.running import AT_ONCE, best, searched
from graph_api.store.graph import Graph
from ingest.jobs.loading import load_paths
from ingest.sources.files.format import Options

HEAD: Final = (
    "source",
    "kind",
    "questions",
    "p50 ms",
    "p95 ms",
    "max ms",
    "CPU ms",
    "found",
    "complete",
)
_WARM: Final = 10
PLAIN: Final = """
MATCH p = (a:Wallet {id: $start})-[:SENT|REACHED*2..12]->(b:Wallet {id: $end})
WITH [n IN nodes(p) WHERE n:Transfer] AS hops
WHERE all(i IN range(1, size(hops) - 1) WHERE hops[i - 1].block_time < hops[i].block_time)
RETURN [hop IN hops | hop.id] AS ids ORDER BY size(hops) LIMIT 5
"""

Ask = Callable[[PathsQuestion], Awaitable[PathsAnswer | None]]


class Disagree(Exception):
    """The graph and the memory answer differently."""


class Figure(msgspec.Struct, kw_only=True):
    """How long the questions of one kind took, and how they ended.

    ``cpu_ms`` is the mean of what one cost of CPU, in this process and the engine's.
    """

    source: str
    transfers: int
    kind: str
    questions: int
    p50_ms: float
    p95_ms: float
    longest_ms: float
    cpu_ms: float
    found: int
    complete: int


def questions(world: World, count: int, *, seed: int) -> dict[str, list[PathsQuestion]]:
    """So many questions of each kind; the same arguments give the same.

    Every other one is between wallets that some walk in time leads between, the rest between any.
    """
    chance = random.Random(seed)
    busy = world.busy().tolist()
    ways = world.walks(count * len(PathOrder), chance)

    def asked(by: PathOrder, start: int, end: int) -> PathsQuestion:
        return PathsQuestion(
            start=PathEnd(wallet=account(start)),
            end=PathEnd(wallet=account(end)),
            by=by,
            token=token(0) if by is PathOrder.AMOUNT else None,
        )

    found = {
        by.value: [
            asked(by, *(chance.sample(busy, 2) if number % 2 else next(ways)))
            for number in range(count)
        ]
        for by in PathOrder
    }
    found["from the hub"] = [asked(PathOrder.HOPS, HUB, chance.choice(busy)) for _ in range(count)]
    found["to the hub"] = [
        asked(PathOrder.LATEST_DEPARTURE, chance.choice(busy), HUB) for _ in range(count)
    ]
    return found


def from_memory(world: World) -> Ask:
    """Answers from sorted arrays."""
    source = MemorySource(world)
    as_of = AsOf(chain=ChainId(ETHEREUM.id), block=None, at=last_moment(world))

    async def ask(asked: PathsQuestion) -> PathsAnswer:
        ends = [
            Wallets(frozenset([end.wallet]), cut=False)
            for end in (asked.start, asked.end)
            if end.wallet is not None
        ]
        judge = Judge(asked, as_of, tells_all_times=True)
        return await searched(source, asked, judge, starts=ends[0], ends=ends[1], budget=AT_ONCE)

    return ask


def from_graph(graph: Graph) -> Ask:
    """Answers from a graph that holds the same."""

    async def ask(asked: PathsQuestion) -> PathsAnswer | None:
        return await best(graph, asked, now=now())

    return ask


class Place(NamedTuple):
    """Where questions are asked; ``pid`` is the engine's process, if there is one."""

    name: str
    world: World
    pid: int | None = None

    def cpu_ms(self) -> float:
        """What this process and the engine have used so far."""
        engine = 0.0 if self.pid is None else cpu_s(self.pid)
        return (time.process_time() + engine) * 1_000


async def measure(
    place: Place, ask: Ask, count: int, *, seed: int, memory: Ask | None
) -> list[Figure]:
    """Every kind of question, one after another. Raises: Disagree."""
    world = place.world
    table = Table(*HEAD)
    warm = questions(world, _WARM, seed=seed + 1)
    for some in warm.values():
        for asked in some:
            await ask(asked)
    figures = []
    for kind, some in questions(world, count, seed=seed).items():
        spent, answers = [], []
        cpu = place.cpu_ms()
        for asked in some:
            began = time.perf_counter()
            answer = await ask(asked)
            spent.append((time.perf_counter() - began) * 1_000)
            assert answer is not None
            answers.append(answer)
        cpu = (place.cpu_ms() - cpu) / len(some)
        for asked, answer in zip(some, answers, strict=True):
            if memory is not None and _said(answer) != _said(await memory(asked)):
                raise Disagree(f"{place.name} and the memory: {asked}")
        found = sum(bool(answer.paths) for answer in answers)
        complete = sum(answer.ended is PathsEnded.COMPLETE for answer in answers)
        figures.append(_figure(place, kind, spent, cpu_ms=cpu, found=found, complete=complete))
        table.row(*_cells(figures[-1]))
    return figures


async def measure_plain(
    place: Place, graph: Graph, count: int, *, seed: int, limit_s: float
) -> Figure:
    """The plain way: how long it takes, and how often it ends in time."""
    spent, found, ended = [], 0, 0
    limited = await Graph.open(graph.address, query_timeout_s=limit_s)
    cpu = place.cpu_ms()
    for asked in questions(place.world, count, seed=seed)[PathOrder.HOPS.value]:
        ends = {"start": asked.start.wallet, "end": asked.end.wallet}
        began = time.perf_counter()
        with suppress(TooCostly, UpstreamUnavailable):
            _, rows = await limited.read_values(PLAIN, ends)
            ended += 1
            found += bool(rows)
        spent.append((time.perf_counter() - began) * 1_000)
    cpu = (place.cpu_ms() - cpu) / count
    await limited.close()
    return _figure(place, "plain Cypher", spent, cpu_ms=cpu, found=found, complete=ended)


def _said(answer: PathsAnswer | None) -> object:
    if answer is None:
        return None
    paths = [[hop.transfer for hop in path.hops] for path in answer.paths]
    return answer.ended, answer.searched_hops, paths


def _figure(
    place: Place, kind: str, spent: Sequence[float], *, cpu_ms: float, found: int, complete: int
) -> Figure:
    return Figure(
        source=place.name,
        transfers=place.world.count,
        kind=kind,
        questions=len(spent),
        p50_ms=round(statistics.median(spent), 1),
        p95_ms=round(_percentile(spent, 0.95), 1),
        longest_ms=round(max(spent), 1),
        cpu_ms=round(cpu_ms, 1),
        found=found,
        complete=complete,
    )


def _percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def _cells(figure: Figure) -> list[object]:
    return [
        figure.source,
        figure.kind,
        figure.questions,
        figure.p50_ms,
        figure.p95_ms,
        figure.longest_ms,
        figure.cpu_ms,
        figure.found,
        figure.complete,
    ]


async def load(graph: Graph, world: World) -> None:
    """The way of ``deskgraph ingest load``."""
    with TemporaryDirectory(prefix="deskgraph-bench-") as folder:
        paths = world.write(Path(folder) / "data")
        options = Options(chains=(ETHEREUM,))
        async for _ in load_paths(graph, paths, options, clock=now, rejects=Path(folder)):
            pass


async def run(asked: argparse.Namespace) -> list[Figure]:
    """Make the payments, and measure where they are asked for."""
    world = World(asked.transfers, wallets=asked.wallets, hub=asked.hub, seed=asked.seed)
    memory = from_memory(world)
    count, seed = asked.questions, asked.seed
    if asked.source == "memory":
        return await measure(Place("memory", world), memory, count, seed=seed, memory=None)
    async with warm_engine(asked.source) as engine, engine.fresh() as graph:
        place = Place(asked.source, world, engine.pid)
        began = time.perf_counter()
        await load(graph, world)
        print(f"loaded in {time.perf_counter() - began:.0f} s", flush=True)
        figures = await measure(place, from_graph(graph), count, seed=seed, memory=memory)
        plain = await measure_plain(
            place, graph, asked.plain, seed=seed, limit_s=asked.plain_timeout
        )
    Table(*HEAD).row(*_cells(plain))
    return [*figures, plain]


def main(arguments: Sequence[str]) -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m bench paths", description=__doc__)
    parser.add_argument("--source", choices=[*ENGINES, "memory"], default="embedded")
    parser.add_argument("--transfers", type=int, default=1_000_000)
    parser.add_argument("--wallets", type=int, default=100_000)
    parser.add_argument("--hub", type=float, default=1 / 3, help="share of transfers of the hub")
    parser.add_argument("--questions", type=int, default=100, help="of each kind")
    parser.add_argument("--plain", type=int, default=20, help="questions to the plain way")
    parser.add_argument("--plain-timeout", type=float, default=5.0, help="seconds")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    write_json(asked.json, asyncio.run(run(asked)))
