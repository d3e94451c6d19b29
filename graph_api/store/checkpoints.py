"""How far each dataset is loaded; written in the transaction of the batch that it speaks of."""

from datetime import datetime

import msgspec

from graph_api.store.graph import Graph, Writing


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Where a load stands after a batch: ``row`` is the last one that is wholly in the graph."""

    id: str
    source: str
    format: str
    row: int
    read: int
    rejected: int
    done: bool = False


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """What the graph remembers of a load."""

    id: str
    source: str
    format: str
    row: int
    read: int
    written: int
    known: int
    rejected: int
    done: bool
    started_at: datetime
    updated_at: datetime


async def advance(
    writing: Writing, progress: Progress, *, written: int, known: int, now: datetime
) -> None:
    """Remember ``progress``; ``written`` and ``known`` are added to what was counted before."""
    await writing.run(
        "checkpoints/advance",
        id=progress.id,
        source=progress.source,
        format=progress.format,
        row=progress.row,
        read=progress.read,
        rejected=progress.rejected,
        done=progress.done,
        written=written,
        known=known,
        now=now,
    )


async def stands_at(writing: Writing, progress: Progress | None) -> bool:
    """Whether the graph, as this transaction sees it, has come exactly as far as ``progress``."""
    if progress is None:
        return False
    rows = await writing.run("checkpoints/by_id", id=progress.id)
    return [(row["row"], row["done"]) for row in rows] == [(progress.row, progress.done)]


async def by_id(graph: Graph, checkpoint: str) -> Checkpoint | None:
    """The checkpoint of a dataset, or None before its first batch."""
    return await graph.read_one("checkpoints/by_id", Checkpoint, id=checkpoint)


async def newest(graph: Graph, *, limit: int) -> list[Checkpoint]:
    """The loads that moved last, the newest first."""
    return await graph.read("checkpoints/newest", Checkpoint, limit=limit)
