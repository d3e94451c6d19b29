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
import pyarrow.parquet as pq

from bench.engines import ENGINES, Fresh, fresh_graphs, now, size
from bench.output import Table, write_json
from bench.synthetic import write_transfers
from cypher import statement
from graph_api.domain.chains import chain_of
from graph_api.store.graph import Graph, Row, Writing
from ingest.jobs.loading import load_paths
from ingest.pipelines.load import BATCH, Summary
from ingest.sources.files.format import Options
from tests.real.available import Unavailable

#: Totals that change from batch to batch, and the statement that a blind writer uses once instead.
_LATER: Final = {
    "ledger/set_wallets": "ledger/create_wallets",
    "ledger/set_flows": "ledger/create_flows",
    "ledger/set_holdings": "ledger/create_holdings",
}
_RANKS: Final = {
    "ledger/rank_flows_by_sender": "sender_rank",
    "ledger/rank_flows_by_recipient": "recipient_rank",
}
_UPSERTS: Final = frozenset({"ledger/set_tokens", "ledger/set_blocks", "ledger/set_outputs"})
_TOTALS: Final = frozenset({"ledger/create_flows", "ledger/create_holdings", "ledger/set_chain"})


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
        self.rows: dict[str, dict[Any, Row]] = {}

    @contextmanager
    def running(self) -> Iterator[None]:
        """Listen to the writer's statements; it does not know."""
        original = Writing.run

        async def run(writing: Writing, name: str, /, **parameters: Any) -> list[Row]:
            begin = time.perf_counter()
            answer = await original(writing, name, **parameters)
            self._note(name, parameters, seconds=time.perf_counter() - begin)
            return answer

        with patch.object(Writing, "run", run):
            yield

    def _note(self, name: str, parameters: Row, *, seconds: float) -> None:
        spent = self.spent.setdefault(name, Spent())
        spent.calls += 1
        spent.seconds += seconds
        rows = parameters.get("rows") or parameters.get("ids") or ()
        spent.rows += len(rows)
        if not name.startswith("checkpoints/"):
            self._keep(name, parameters.get("rows") or [parameters.get("row")])

    def _keep(self, name: str, rows: list[Row | None]) -> None:
        if name in _RANKS:
            rows = [row and {"id": row["id"], _RANKS[name]: row["rank"]} for row in rows]
            name = "ledger/set_flows"
        keyed = name in _LATER or name in _LATER.values() or name in _UPSERTS
        kept = self.rows.setdefault(_LATER.get(name, name), {})
        for row in filter(None, rows):
            if keyed:
                known = {key: value for key, value in row.items() if value is not None}
                kept[row["id"]] = kept.get(row["id"], row) | known
            else:
                kept["last" if name == "ledger/set_chain" else len(kept)] = row

    def statements(self, *, totals: bool) -> dict[str, list[Row]]:
        """The rows of each statement of a blind writer, in the order in which they can be run."""
        return {
            name: list(rows.values())
            for name, rows in self.rows.items()
            if rows and (totals or name not in _TOTALS)
        }


async def load(graph: Graph, case: Case, *, batch: int) -> tuple[int, float]:
    """Rows read and seconds taken by the whole of ``deskgraph ingest load``."""
    options = Options(chains=tuple(map(chain_of, case.chains)))
    rows = 0
    with TemporaryDirectory() as rejects:
        begin = time.perf_counter()
        outcomes = load_paths(
            graph, case.paths, options, clock=now, rejects=Path(rejects), batch=batch
        )
        async for outcome in outcomes:
            rows += outcome.read if isinstance(outcome, Summary) else 0
        return rows, time.perf_counter() - begin


async def write_blindly(graph: Graph, rows: dict[str, list[Row]], *, batch: int) -> float:
    """Seconds for ``rows`` in bare UNWIND statements, each batch a transaction of its own."""
    begin = time.perf_counter()
    for name, every in rows.items():
        text = statement(name, graph.engine)
        if name == "ledger/set_chain":
            await graph.change_values(text, {"row": every[-1]})
            continue
        for start in range(0, len(every), batch):
            await graph.change_values(text, {"rows": every[start : start + batch]})
    return time.perf_counter() - begin


class Figures(msgspec.Struct, kw_only=True):
    """One case on one engine. Ratios are of our rate to the blind writer's."""

    engine: str
    case: str
    rows: int
    rows_per_s: float
    to_everything: float
    to_facts: float
    statements: dict[str, Spent]


async def measure(engine: str, fresh: Fresh, case: Case, *, rounds: int, batch: int) -> Figures:
    """Load ``case`` ours and blindly, in turns."""
    ours: list[float] = []
    everything: list[float] = []
    facts: list[float] = []
    for _ in range(rounds):
        recording = Recording()
        async with fresh() as graph:
            with recording.running():
                rows, seconds = await load(graph, case, batch=batch)
            sizes = await size(graph)
        ours.append(seconds)
        for times, totals in ((everything, True), (facts, False)):
            async with fresh() as graph:
                blind = recording.statements(totals=totals)
                times.append(await write_blindly(graph, blind, batch=batch))
                if totals and await size(graph) != sizes:
                    raise AssertionError(
                        f"{case.name}: {sizes} by load, {await size(graph)} blindly."
                    )
    return Figures(
        engine=engine,
        case=case.name,
        rows=rows,
        rows_per_s=rows / median(ours),
        to_everything=median(everything) / median(ours),
        to_facts=median(facts) / median(ours),
        statements=dict(sorted(recording.spent.items(), key=lambda one: -one[1].seconds)),
    )


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
    table = Table("engine", "case", "rows", "rows/s", "to everything", "to facts alone")
    async with cases(options.data, rows=options.rows) as found:
        wanted = [case for case in found if not options.case or case.name in options.case]
        for engine in options.engine or ENGINES:
            try:
                async with fresh_graphs(engine) as fresh:
                    await measure(engine, fresh, wanted[0], rounds=1, batch=options.batch)
                    for case in wanted:
                        one = await measure(
                            engine, fresh, case, rounds=options.rounds, batch=options.batch
                        )
                        figures.append(one)
                        table.row(
                            engine,
                            case.name,
                            f"{one.rows:,}",
                            f"{one.rows_per_s:,.0f}",
                            f"{one.to_everything:.2f}",
                            f"{one.to_facts:.2f}",
                        )
            except Unavailable as reason:
                print(reason, flush=True)
    if options.profile:
        for one in figures:
            _print_statements(one)
    return figures


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
