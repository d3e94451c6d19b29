"""The load job: paths to datasets, each loaded in its order, in this process's turn to write."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from graph_api.domain.errors import BadInput
from graph_api.store.graph import Graph
from graph_api.store.ledger.turn import Turn
from graph_api.store.ledger.writer import LEASE_LASTS
from ingest.pipelines.load import BATCH, PAUSES_S, Plan, Summary, load
from ingest.sources.files import formats
from ingest.sources.files.format import Options
from ingest.sources.files.inputs import Kind, NothingToLoad, open_bytes, sniff

_CHUNK: Final = 1 << 20


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Where a load stands: dataset ``number`` of ``datasets``, and rows in it, if countable."""

    number: int
    datasets: int
    rows: int | None
    summary: Summary


class Skipped(msgspec.Struct, frozen=True, kw_only=True):
    """A file with nothing to load, and why."""

    source: str
    reason: str


async def load_paths(
    graph: Graph,
    paths: Sequence[Path],
    options: Options,
    *,
    clock: Callable[[], datetime],
    rejects: Path,
    format_name: str | None = None,
    strict: bool = False,
    announce: bool = False,
    batch: int = BATCH,
    report: Callable[[Step], None] = lambda step: None,
    waiting: Callable[[str], None] = lambda name: None,
    lease: timedelta = LEASE_LASTS,
    pauses_s: Sequence[float] = PAUSES_S,
) -> AsyncGenerator[Summary | Skipped]:
    """Load everything that ``paths`` hold; yields what became of each dataset.

    ``lease`` is how long others wait for us when this machine is lost, ``pauses_s`` how long we
    wait, time and again, for a graph that has stopped to answer.

    Raises: BadInput for a damaged file, unknown columns, a wrong chain, or with ``strict`` a bad
    row; what was loaded before it stays.
    """
    missing = [path for path in paths if not path.exists()]
    if missing:
        raise BadInput(f"There is no file or folder {missing[0]}.")
    found = formats.find(paths, options, format_name=format_name)
    for reason in found.left_out:
        yield Skipped(source="", reason=reason)
    turn = Turn(graph, clock=clock, waiting=waiting, lasts=lease)
    try:
        await turn.hold(chain.id for chain in options.chains)
        await turn.scale()
        for number, part in enumerate(found.parts, start=1):
            # Tokens of one file give the decimals of the next.
            told = msgspec.structs.replace(options, known_decimals=await _decimals(graph))
            plan = Plan(format=part.format, dataset=part.dataset, options=told)
            rows = await asyncio.to_thread(_rows, plan)

            def tell(summary: Summary, number: int = number, rows: int | None = rows) -> None:
                report(Step(number=number, datasets=len(found.parts), rows=rows, summary=summary))

            try:
                yield await load(
                    graph,
                    turn,
                    plan,
                    rejects=rejects,
                    strict=strict,
                    announce=announce,
                    batch=batch,
                    report=tell,
                    pauses_s=pauses_s,
                )
            except NothingToLoad as nothing:
                yield Skipped(source=part.dataset.name, reason=str(nothing))
        await turn.scale()
    finally:
        await turn.give_back()


async def _decimals(graph: Graph) -> dict[str, int]:
    return {row.id: row.decimals for row in await graph.read("ledger/decimals", _Decimals)}


class _Decimals(msgspec.Struct):
    id: str
    decimals: int


def _rows(plan: Plan) -> int | None:
    """How many rows a dataset has, where that can be told without reading it as rows."""
    try:
        counts = [_rows_of(path) for path in plan.dataset.paths]
    except (OSError, pa.ArrowException):
        return None  # whoever reads it as rows says what is wrong with it
    return None if None in counts else sum(filter(None, counts))


def _rows_of(path: Path) -> int | None:
    kind = sniff(path).kind
    if kind is Kind.PARQUET:
        with pq.ParquetFile(path) as parquet:
            return int(parquet.metadata.num_rows)
    if kind not in (Kind.CSV, Kind.LINES):
        return None
    lines = 0
    with open_bytes(path) as file:
        while chunk := file.read(_CHUNK):
            lines += chunk.count(b"\n")
    return lines - 1 if kind is Kind.CSV else lines
