"""How fast files become a graph, against a bare ``UNWIND`` loop that writes the same.

``python -m bench load [--engine embedded|neo4j] [--data FOLDER]`` loads each case through the path
of ``deskgraph ingest load``, and then writes what it ended with blindly, from rows that lie ready
in memory, in batches of the same size, twice: the facts alone (wallets, tokens, blocks,
transactions, transfers and their relationships), and everything, totals included. All three in
turn on the same warm engine, each on an emptied graph.
"""

import argparse
import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple
from unittest.mock import patch

import msgspec
import neo4j
import pyarrow.parquet as pq

from bench.cpu import cpu_s
from bench.engines import ENGINES, Engine, now, size, warm_engine
from bench.output import Table, write_json
from bench.synthetic import write_transfers
from cypher import statement
from graph_api.domain.chains import chain_of
from graph_api.store.graph import Graph, Row, Writing
from ingest.jobs.loading import load_paths
from ingest.pipelines.load import BATCH, Summary
from ingest.sources.files.format import Options
from tests.real.available import Unavailable

#: The name of a rank in a flow's row.
_RANKS: Final = {
    "ledger/rank_flows_by_sender": "sender_rank",
    "ledger/rank_flows_by_recipient": "recipient_rank",
}
#: What changes from batch to batch, and the statement that a blind writer uses once instead.
_LATER: Final = {
    "ledger/set_wallets": "ledger/create_wallets",
    "ledger/set_flows": "ledger/create_flows",
    "ledger/set_holdings": "ledger/create_holdings",
    **dict.fromkeys(_RANKS, "ledger/create_flows"),
}
_TOTALS: Final = frozenset({"ledger/create_flows", "ledger/create_holdings", "ledger/set_chain"})
#: Statements that get one row for each id, with the newest values.
_MERGED: Final = frozenset(
    {"ledger/set_tokens", "ledger/set_blocks", "ledger/set_outputs", "ledger/set_chain"}
) | frozenset(_LATER.values())


class Case(NamedTuple):
    """Files that are loaded together."""

    name: str
    paths: tuple[Path, ...]
    chains: tuple[str, ...]


class Spent(msgspec.Struct):
    """What one statement cost in a load."""

    calls: int = 0
    rows: int = 0
    seconds: float = 0.0


class Recording:
    """Every statement of a load: its time, and the rows that it wrote."""

    def __init__(self) -> None:
        self.spent: dict[str, Spent] = {}
        self._written: list[tuple[str, list[Row]]] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Listen to the writer's statements; it does not know."""
        original = Writing.run

        async def run(writing: Writing, name: str, /, **parameters: Any) -> list[Row]:
            begin = time.perf_counter()
            answer = await original(writing, name, **parameters)
            self._note(name, parameters, seconds=time.perf_counter() - begin)
            return answer

        commit = neo4j.AsyncTransaction.commit

        async def timed_commit(transaction: neo4j.AsyncTransaction) -> None:
            begin = time.perf_counter()
            await commit(transaction)
            self._note("commit", {}, seconds=time.perf_counter() - begin)

        with (
            patch.object(Writing, "run", run),
            patch.object(neo4j.AsyncTransaction, "commit", timed_commit),
        ):
            yield

    def _note(self, name: str, parameters: Row, *, seconds: float) -> None:
        spent = self.spent.setdefault(name, Spent())
        spent.calls += 1
        spent.seconds += seconds
        rows = parameters.get("rows") or parameters.get("ids") or ()
        spent.rows += len(rows)
        if name.startswith(("ledger/", "search/")):
            written = parameters.get("rows") or [parameters.get("row")]
            self._written.append((name, [row for row in written if row]))

    def statements(self, *, totals: bool) -> dict[str, list[Row]]:
        """The rows of each statement of a blind writer, in the order in which they can be run."""
        kept: dict[str, dict[Any, Row]] = {}
        for name, rows in self._written:
            if name in _RANKS:
                rows = [{"id": row["id"], _RANKS[name]: row["rank"]} for row in rows]
            target = _LATER.get(name, name)
            found = kept.setdefault(target, {})
            for row in rows:
                key = row["id"] if target in _MERGED else len(found)
                known = {name: value for name, value in row.items() if value is not None}
                found[key] = found.get(key, row) | known
        return {
            name: list(rows.values())
            for name, rows in kept.items()
            if rows and (totals or name not in _TOTALS)
        }


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


async def write_blindly(graph: Graph, rows: dict[str, list[Row]], *, batch: int) -> None:
    """Write ``rows`` in bare UNWIND statements, each batch a transaction of its own."""
    for name, every in rows.items():
        text = statement(name, graph.engine)
        if name == "ledger/set_chain":
            for row in every:
                await graph.change_values(text, {"row": row})
            continue
        for start in range(0, len(every), batch):
            await graph.change_values(text, {"rows": every[start : start + batch]})


class Figures(msgspec.Struct, kw_only=True):
    """One case on one engine, medians of all rounds. ``ours`` is the load, the others are blind."""

    engine: str
    case: str
    rows: int
    ours: Cost
    everything: Cost
    facts: Cost
    statements: dict[str, Spent]


async def measure(name: str, engine: Engine, case: Case, *, rounds: int, batch: int) -> Figures:
    """Load ``case`` ours and blindly, in turns."""
    ours: list[Cost] = []
    everything: list[Cost] = []
    facts: list[Cost] = []
    for _ in range(rounds):
        recording = Recording()
        async with engine.fresh() as graph:
            with recording.running(), metered(engine.pid) as cost:
                rows = await load(graph, case, batch=batch)
            sizes = await size(graph)
        ours += cost
        for costs, totals in ((everything, True), (facts, False)):
            blind = recording.statements(totals=totals)
            async with engine.fresh() as graph:
                with metered(engine.pid) as cost:
                    await write_blindly(graph, blind, batch=batch)
                costs += cost
                if totals and await size(graph) != sizes:
                    raise AssertionError(
                        f"{case.name}: {sizes} by load, {await size(graph)} blindly."
                    )
    return Figures(
        engine=name,
        case=case.name,
        rows=rows,
        ours=_median(ours),
        everything=_median(everything),
        facts=_median(facts),
        statements=dict(sorted(recording.spent.items(), key=lambda one: -one[1].seconds)),
    )


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
        found = [Case("erc20 50k", tuple(made), ("ethereum",))]
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
        "engine", "case", "rows", "rows/s", "to everything", "to facts",
        "CPU to everything", "CPU to facts", "µs of Python a row", "µs of engine a row",
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
    others = (figures.everything, figures.facts)
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
