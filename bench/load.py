"""How fast files become a graph, against a bare ``UNWIND`` loop that writes the same.

``python -m bench load [--engine embedded|neo4j] [--data FOLDER]`` loads each case through the path
of ``deskgraph ingest load``: files are read and checked, what is there already is looked up, totals
are kept exact, every batch stands with its checkpoint. Then the loop of ``bench.loop`` writes the
same nodes, relationships, properties and indexed keys from rows that lie ready in memory, and once
more the facts alone: no flows, no holdings. All in turn on the same warm engine, each on an emptied
graph; the order changes from round to round.
"""

import argparse
import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import msgspec
import pyarrow.parquet as pq

from bench import loop
from bench.cpu import cpu_s
from bench.engines import ENGINES, Engine, now, size, warm_engine
from bench.loop import TOTALS, Recording, Spent
from bench.output import Table, write_json
from bench.synthetic import write_transfers
from graph_api.domain.chains import chain_of
from graph_api.store.graph import Graph
from ingest.jobs.loading import load_paths
from ingest.pipelines.load import BATCH, Summary
from ingest.sources.files.format import Options
from tests.real.available import Unavailable


class Case(NamedTuple):
    """Files that are loaded together."""

    name: str
    paths: tuple[Path, ...]
    chains: tuple[str, ...]


class Cost(msgspec.Struct, frozen=True):
    """What one way of writing took, in seconds: of the clock, and of CPU in either process."""

    clock: float
    python: float
    engine: float

    @property
    def cpu(self) -> float:
        """Of both processes."""
        return self.python + self.engine


@contextmanager
def metered(pid: int) -> Iterator[list[Cost]]:
    """The cost of the block, in the list once it has ended; ``pid`` is the engine's."""
    costs: list[Cost] = []
    clock, python, engine = time.perf_counter(), time.process_time(), cpu_s(pid)
    yield costs
    costs.append(
        Cost(time.perf_counter() - clock, time.process_time() - python, cpu_s(pid) - engine)
    )


async def load(graph: Graph, case: Case, *, batch: int) -> int:
    """Rows read by the whole of ``deskgraph ingest load``."""
    options = Options(chains=tuple(map(chain_of, case.chains)))
    with TemporaryDirectory() as rejects:
        outcomes = load_paths(
            graph, case.paths, options, clock=now, rejects=Path(rejects), batch=batch
        )
        return sum([one.read async for one in outcomes if isinstance(one, Summary)])


class Figures(msgspec.Struct, kw_only=True):
    """One case on one engine, medians of all rounds. ``ours`` is the load, the others are loops."""

    engine: str
    case: str
    rows: int
    ours: Cost
    same: Cost
    facts: Cost
    statements: dict[str, Spent]


async def measure(name: str, engine: Engine, case: Case, *, rounds: int, batch: int) -> Figures:
    """Load ``case`` ours and by the loops, in turns."""
    recording, rows = await _record(engine, case, batch=batch)
    same, facts = recording.batches(), recording.batches(without=TOTALS)
    costs: dict[str, list[Cost]] = {"ours": [], "same": [], "facts": []}
    ways: dict[str, Callable[[Graph], Awaitable[Any]]] = {
        "ours": partial(load, case=case, batch=batch),
        "same": partial(loop.write, batches=same),
        "facts": partial(loop.write, batches=facts),
    }
    sizes = {}
    for number in range(rounds):
        for way in list(ways)[:: 1 if number % 2 else -1]:
            async with engine.fresh() as graph:
                with metered(engine.pid) as cost:
                    await ways[way](graph)
                costs[way] += cost
                sizes[way] = await size(graph)
    if sizes["ours"] != sizes["same"]:
        raise AssertionError(f"{case.name}: {sizes['ours']} by load, {sizes['same']} by the loop.")
    return Figures(
        engine=name,
        case=case.name,
        rows=rows,
        **{way: _median(some) for way, some in costs.items()},
        statements=dict(sorted(recording.spent.items(), key=lambda one: -one[1].seconds)),
    )


async def _record(engine: Engine, case: Case, *, batch: int) -> tuple[Recording, int]:
    """What a load of ``case`` does, and how many rows it reads; this one is not timed."""
    recording = Recording()
    async with engine.fresh() as graph:
        with recording.running():
            rows = await load(graph, case, batch=batch)
    return recording, rows


def _median(costs: list[Cost]) -> Cost:
    return Cost(*(median(getattr(cost, part) for cost in costs) for part in Cost.__struct_fields__))


@asynccontextmanager
async def cases(data: Path | None, *, rows: int) -> AsyncIterator[list[Case]]:
    """The made-up case, and the real files below ``data``; at most ``rows`` of each."""
    with TemporaryDirectory(prefix="deskgraph-bench-files-") as name:
        folder = Path(name)
        made = write_transfers(
            folder / "erc20", transfers=min(rows, 50_000), wallets=max(200, min(rows, 50_000) // 10)
        )
        found = [Case("erc20", tuple(made), ("ethereum",))]
        if data is not None:
            sample = folder / "transfers.parquet"
            pq.write_table(
                pq.read_table(data / "hop_transfers" / "transfers.parquet").slice(0, rows), sample
            )
            found += [
                Case("eth_tx_2017", (data / "eth_tx_2017",), ("ethereum",)),
                Case("hop_transfers", (sample,), ("polygon", "gnosis")),
                Case("btc_2009", (data / "btc_2009",), ("bitcoin",)),
            ]
        yield found


async def run(options: argparse.Namespace) -> list[Figures]:
    """Measure what the options ask for."""
    figures = []
    table = Table(
        "engine", "case", "rows", "rows/s", "of the loop", "of the loop of facts",
        "CPU: of the loop", "of the loop of facts", "µs of Python a row", "µs of engine a row",
    )  # fmt: skip
    async with cases(options.data, rows=options.rows) as found:
        wanted = [case for case in found if not options.case or case.name in options.case]
        for name in options.engine or ENGINES:
            try:
                async with warm_engine(name) as engine:
                    await measure(name, engine, wanted[0], rounds=1, batch=options.batch)
                    for case in wanted:
                        one = await measure(
                            name, engine, case, rounds=options.rounds, batch=options.batch
                        )
                        figures.append(one)
                        table.row(*_cells(one))
            except Unavailable as reason:
                print(reason, flush=True)
    if options.profile:
        for one in figures:
            _print_statements(one)
    return figures


def _cells(figures: Figures) -> list[str]:
    ours, rows = figures.ours, figures.rows
    others = (figures.same, figures.facts)
    return [
        figures.engine,
        figures.case,
        f"{rows:,}",
        f"{rows / ours.clock:,.0f}",
        *(f"{other.clock / ours.clock:.2f}" for other in others),
        *(f"{other.cpu / ours.cpu:.2f}" for other in others),
        f"{ours.python / rows * 1e6:,.0f}",
        f"{ours.engine / rows * 1e6:,.0f}",
    ]


def _print_statements(figures: Figures) -> None:
    print(f"\nWhere {figures.case} spends its time on {figures.engine}\n")
    table = Table("statement", "calls", "rows", "s", "µs per row")
    for name, spent in figures.statements.items():
        each = f"{spent.seconds / spent.rows * 1e6:,.0f}" if spent.rows else ""
        table.row(name, spent.calls, f"{spent.rows:,}", f"{spent.seconds:.2f}", each)


def main(arguments: list[str]) -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m bench load", description=__doc__)
    parser.add_argument("--engine", action="append", choices=ENGINES, help="default: both")
    parser.add_argument("--data", type=Path, help="folder with the real datasets")
    parser.add_argument("--case", action="append", help="only this case; may be given again")
    parser.add_argument("--rows", type=int, default=100_000, help="most rows of a case")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=BATCH)
    parser.add_argument("--profile", action="store_true", help="also time by statement")
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args(arguments)
    figures = asyncio.run(run(options))
    write_json(options.json, figures)
