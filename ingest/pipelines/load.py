"""Files into the graph: batches with their checkpoint, resumed exactly where they stopped."""

import asyncio
from collections.abc import Callable, Generator, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec

from graph_api.analysis import allocation
from graph_api.domain.errors import BadInput
from graph_api.domain.records import Reject, UtxoTransaction
from graph_api.store import checkpoints
from graph_api.store.checkpoints import Progress
from graph_api.store.graph import Graph
from ingest.pipelines.rejects import RejectsFile
from graph_api.store.ledger.turn import Turn
from ingest.sources.files.format import Dataset, Entry, FileFormat, Options
from ingest.sources.files.inputs import content_digest

BATCH: Final = 4_000


class Summary(msgspec.Struct, kw_only=True):
    """What became of a dataset. ``read`` counts records and rejects of this run."""

    source: str
    format: str
    read: int = 0
    written: int = 0
    known: int = 0
    rejected: int = 0
    rejects_file: str | None = None
    resumed_after: int = 0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset and how to read it."""

    format: FileFormat
    dataset: Dataset
    options: Options


class StrictReject(BadInput):
    """``--strict``: the first bad row ends the load."""


async def load(
    graph: Graph,
    turn: Turn,
    plan: Plan,
    *,
    rejects: Path,
    strict: bool = False,
    batch: int = BATCH,
    report: Callable[[Summary], None] = lambda summary: None,
) -> Summary:
    """Load one dataset; what an earlier run has loaded of it is skipped.

    ``rejects`` is the folder that rejects files go to. Raises: BadInput when the file is damaged,
    or with ``strict`` when a row is bad; what was loaded before it stays.
    """
    identity = await asyncio.to_thread(dataset_identity, plan)
    before = await checkpoints.by_id(graph, identity)
    after = before.row if before else 0
    summary = Summary(source=plan.dataset.name, format=plan.format.name, resumed_after=after)
    path = rejects / f"{plan.format.name}-{identity[:12]}.jsonl"
    if before is not None and before.done:
        summary.known = summary.read = before.read - before.rejected
        summary.rejected = before.rejected
        summary.read += before.rejected
        summary.rejects_file = str(path) if before.rejected else None
        report(summary)
        return summary
    entries = plan.format.read(plan.dataset, plan.options)
    with RejectsFile(path, after=after) as file:
        batches = _batches(entries, after=after, size=batch)
        upcoming = asyncio.create_task(asyncio.to_thread(next, batches, None))
        last = after
        try:
            while (current := await upcoming) is not None:
                # The next batch is parsed in a thread while this one is written.
                upcoming = asyncio.create_task(asyncio.to_thread(next, batches, None))
                last = current[-1].row
                await _write(turn, plan, current, identity, file, summary, strict=strict)
                report(summary)
        finally:
            await asyncio.gather(upcoming, return_exceptions=True)
            batches.close()
        await turn.write((), _progress(plan, identity, last, read=0, rejected=0, done=True))
    return summary


async def _write(
    turn: Turn,
    plan: Plan,
    entries: Sequence[Entry],
    identity: str,
    file: RejectsFile,
    summary: Summary,
    *,
    strict: bool,
) -> None:
    rejected = [(entry.row, entry.record) for entry in entries if isinstance(entry.record, Reject)]
    if rejected and strict:
        _, first = rejected[0]
        raise StrictReject(f"{first.file}, line {first.line}: {first.reason}")
    records = [entry.record for entry in entries if not isinstance(entry.record, Reject)]
    file.write(rejected)
    progress = _progress(
        plan, identity, entries[-1].row, read=len(entries), rejected=len(rejected), done=False
    )
    derived = [
        transfer
        for record in records
        if isinstance(record, UtxoTransaction)
        for transfer in allocation.transfers(record)
    ]
    counts = await turn.write([*records, *derived], progress)
    summary.read += len(entries)
    summary.written += counts.written
    summary.known += counts.known
    summary.rejected += len(rejected)
    summary.rejects_file = str(file.path) if summary.rejected else None


def _progress(
    plan: Plan, identity: str, row: int, *, read: int, rejected: int, done: bool
) -> Progress:
    return Progress(
        id=identity,
        source=plan.dataset.name,
        format=plan.format.name,
        row=row,
        read=read,
        rejected=rejected,
        done=done,
    )


def _batches(
    entries: Iterator[Entry], *, after: int, size: int
) -> Generator[list[Entry], None, None]:
    """Batches of about ``size`` entries; the records of one row stay together."""
    batch: list[Entry] = []
    for entry in entries:
        if entry.row <= after:
            continue
        if len(batch) >= size and entry.row != batch[-1].row:
            yield batch
            batch = []
        batch.append(entry)
    if batch:
        yield batch


def dataset_identity(plan: Plan) -> str:
    """What a checkpoint belongs to: the content, the format and the options that shape records."""
    options = plan.options
    parts = [
        plan.format.name,
        options.dataset or "",
        *(content_digest(path) for path in plan.dataset.paths),
        *(chain.id for chain in options.chains),
        str(sorted(options.columns.items())),
        str(options.decimals),
        str(options.learned_at),
        options.source or "",
    ]
    return blake2b("|".join(parts).encode(), digest_size=12).hexdigest()
