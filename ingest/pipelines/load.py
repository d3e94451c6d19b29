"""Files into the graph: batches with their checkpoint, resumed exactly where they stopped."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from functools import partial
from hashlib import blake2b
from pathlib import Path
from threading import Event
from typing import Final

import msgspec

from graph_api.analysis import allocation
from graph_api.domain.errors import BadInput, TooCostly, UpstreamUnavailable
from graph_api.domain.records import Record, Reject, UtxoTransaction
from graph_api.store import checkpoints
from graph_api.store.announced import Announced
from graph_api.store.checkpoints import Progress
from graph_api.store.graph import Graph
from graph_api.store.leases import LeaseLost
from graph_api.store.ledger.turn import Turn
from graph_api.store.ledger.writer import leases_needed
from ingest.pipelines.rejects import RejectsFile
from ingest.sources.files.format import Dataset, Entry, FileFormat, Options
from ingest.sources.files.inputs import content_digest

BATCH: Final = 4_000
#: How long to wait, each time, for a graph that has stopped to answer; an engine that is kept up
#: is back within this time.
PAUSES_S: Final = (1.0, 2.0, 4.0, 8.0, 16.0)


class Summary(msgspec.Struct, kw_only=True):
    """What became of a dataset in this run: ``read`` = ``written`` + ``known`` + ``rejected``.

    Args:
        read: Records that rows of the file made, and rejected rows. A row may make several records
            or none, a transaction of several rows makes one.
        written: Records that were new, or added something to what was there.
        known: Records that were there already, also from an earlier row or another file.
        rejected: Rows that were left out, see ``rejects_file``.
        resumed_after: The row up to which an earlier run had loaded; what it did is not counted
            here, unless it had reached the end: then its records are all ``known``.
        row: The last row that is in the graph.
    """

    source: str
    format: str
    read: int = 0
    written: int = 0
    known: int = 0
    rejected: int = 0
    rejects_file: str | None = None
    resumed_after: int = 0
    row: int = 0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset and how to read it."""

    format: FileFormat
    dataset: Dataset
    options: Options


class StrictReject(BadInput):
    """``--strict``: the first bad row ends the load."""


class _Overtaken(Exception):
    """Somebody else has loaded some of the dataset while we waited."""


async def load(
    graph: Graph,
    turn: Turn,
    plan: Plan,
    *,
    rejects: Path,
    strict: bool = False,
    announce: bool = False,
    batch: int = BATCH,
    report: Callable[[Summary], None] = lambda summary: None,
    pauses_s: Sequence[float] = PAUSES_S,
) -> Summary:
    """Load one dataset; what an earlier run has loaded of it is skipped.

    ``rejects`` is the folder that rejects files go to. With ``announce`` the world is told of what
    is new. When the graph stops to answer, or another
    process takes over, the load goes on from its checkpoint. Raises: BadInput when the file is
    damaged, or with ``strict`` when a row is bad; UpstreamUnavailable when the graph stays away.
    What was loaded before stays.
    """
    identity = await asyncio.to_thread(dataset_identity, plan)
    run = _Run(
        graph,
        turn,
        plan,
        identity=identity,
        rejects=rejects / f"{plan.format.name}-{identity[:12]}.jsonl",
        strict=strict,
        announce=announce,
        batch=batch,
        report=report,
    )
    left, row = list(pauses_s), -1
    while True:
        try:
            await run.go()
            return run.summary
        except (LeaseLost, _Overtaken):
            continue
        except UpstreamUnavailable:
            if run.summary.row > row:
                left, row = list(pauses_s), run.summary.row
            if not left:
                raise
            await asyncio.sleep(left.pop(0))


class _Run:
    """One load of one dataset, which may take several goes."""

    def __init__(
        self,
        graph: Graph,
        turn: Turn,
        plan: Plan,
        *,
        identity: str,
        rejects: Path,
        strict: bool,
        announce: bool,
        batch: int,
        report: Callable[[Summary], None],
    ) -> None:
        self._graph, self._turn, self._plan, self._identity = graph, turn, plan, identity
        self._rejects, self._strict, self._batch = rejects, strict, batch
        self._announce, self._report = announce, report
        self._begun = False
        self.summary = Summary(source=plan.dataset.name, format=plan.format.name)

    async def go(self) -> None:
        """Load from the checkpoint on, to the end."""
        async with self._turn.dataset(self._identity):
            before = await checkpoints.by_id(self._graph, self._identity)
            if not self._begun:
                self._begin(before)
            if before is not None and before.done:
                return
            after, rejected = (before.row, before.rejected) if before else (0, 0)
            self.summary.row = after
            with RejectsFile(self._rejects, after=after, rejected=rejected) as file:
                batches = partial(
                    _batches,
                    self._plan.format.read(self._plan.dataset, self._plan.options),
                    after=after,
                    size=self._batch,
                    file=file,
                )
                async with aclosing(_ahead(batches)) as ready:
                    async for current in ready:
                        await self._write(current, file)
                await asyncio.to_thread(file.sync)
            await self._save((), self._progress(done=True))

    def _begin(self, before: checkpoints.Checkpoint | None) -> None:
        self._begun = True
        if before is None:
            return
        summary = self.summary
        summary.row = summary.resumed_after = before.row
        if before.done:
            summary.read, summary.rejected = before.read, before.rejected
            summary.known = before.read - before.rejected
        if before.rejected and self._rejects.exists():
            summary.rejects_file = str(self._rejects)
        self._report(summary)

    async def _write(self, entries: Sequence[Entry], file: RejectsFile) -> None:
        rejected = [(one.row, one.record) for one in entries if isinstance(one.record, Reject)]
        if rejected and self._strict:
            _, first = rejected[0]
            raise StrictReject(f"{first.file}, line {first.line}: {first.reason}")
        records = [one.record for one in entries if not isinstance(one.record, Reject)]
        await self._our_turn(records)
        file.write(rejected)
        await asyncio.to_thread(file.sync)
        derived = [
            transfer
            for record in records
            if isinstance(record, UtxoTransaction)
            for transfer in allocation.transfers(record)
        ]
        row = entries[-1].row
        progress = self._progress(row=row, read=len(entries), rejected=len(rejected))
        await self._save([*records, *derived], progress)
        self.summary.rejected += len(rejected)
        self.summary.rejects_file = str(file.path) if file.path.exists() else None
        self._report(self.summary)

    async def _our_turn(self, records: Sequence[Record]) -> None:
        """Wait for our turn. Raises: _Overtaken when another process used the time."""
        if await self._turn.hold(leases_needed(records)):
            now = await checkpoints.by_id(self._graph, self._identity)
            if now is not None and now.row != self.summary.row:
                raise _Overtaken

    async def _save(self, records: Sequence[Record], progress: Progress) -> None:
        try:
            place = Announced(place=progress) if self._announce else progress
            counts = await self._turn.write(records, place)
        except TooCostly as error:
            raise TooCostly(
                f"A batch of {len(records)} records ran out of time; use a smaller --batch, or a "
                "larger DESKGRAPH_NEO4J__QUERY_TIMEOUT_S."
            ) from error
        self.summary.read += progress.read
        self.summary.written += counts.written
        self.summary.known += counts.known
        self.summary.row = progress.row

    def _progress(
        self, *, row: int | None = None, read: int = 0, rejected: int = 0, done: bool = False
    ) -> Progress:
        return Progress(
            id=self._identity,
            source=self._plan.dataset.name,
            format=self._plan.format.name,
            row=self.summary.row if row is None else row,
            read=read,
            rejected=rejected,
            done=done,
        )


async def _ahead(entries: Callable[[Event], Iterator[list[Entry]]]) -> AsyncGenerator[list[Entry]]:
    """Batches, each parsed in a thread while the one before is written."""
    stop = Event()
    batches = entries(stop)
    upcoming = asyncio.ensure_future(asyncio.to_thread(next, batches, None))
    try:
        while (current := await asyncio.shield(upcoming)) is not None:
            upcoming = asyncio.ensure_future(asyncio.to_thread(next, batches, None))
            yield current
    finally:
        # A thread cannot be cancelled, and must not be left behind with the file.
        stop.set()
        await asyncio.gather(asyncio.shield(upcoming), return_exceptions=True)


def _batches(
    entries: Iterator[Entry], stop: Event, *, after: int, size: int, file: RejectsFile
) -> Iterator[list[Entry]]:
    """Batches of about ``size`` entries after row ``after``; the records of one row stay together.

    ``file`` gets the rejects up to that row where it lacks them.
    """
    batch: list[Entry] = []
    for entry in entries:
        if stop.is_set():
            return
        if entry.row <= after:
            if file.incomplete and isinstance(entry.record, Reject):
                file.write([(entry.row, entry.record)])
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
