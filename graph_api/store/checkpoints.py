"""How far each dataset is loaded; written in the transaction of the batch that it speaks of."""

from datetime import datetime

import msgspec

from graph_api.store import leases
from graph_api.store.graph import Graph, Writing
from graph_api.store.ledger.places import Written


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Where a load stands after a batch: ``row`` is the last one that is wholly in the graph."""

    id: str
    source: str
    format: str
    row: int
    read: int
    rejected: int
    done: bool = False

    @property
    def lease(self) -> str:
        """The right to load the dataset."""
        return leases.of_dataset(self.id)

    async def reached(self, writing: Writing) -> bool:
        """Whether the graph, as this transaction sees it, has come exactly as far."""
        rows = await writing.run("checkpoints/by_id", id=self.id)
        return [(row["row"], row["done"]) for row in rows] == [(self.row, self.done)]

    async def reach(self, writing: Writing, written: Written, *, now: datetime) -> None:
        """Add what the batch did to what was counted before."""
        counts = written.counts
        # What comes twice in a batch is there already when it comes again.
        counts.known = self.read - self.rejected - counts.written
        await writing.run(
            "checkpoints/advance",
            id=self.id,
            source=self.source,
            format=self.format,
            row=self.row,
            read=self.read,
            rejected=self.rejected,
            done=self.done,
            written=counts.written,
            known=counts.known,
            now=now,
        )


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


async def by_id(graph: Graph, checkpoint: str) -> Checkpoint | None:
    """The checkpoint of a dataset, or None before its first batch."""
    return await graph.read_one("checkpoints/by_id", Checkpoint, id=checkpoint)


async def newest(graph: Graph, *, limit: int) -> list[Checkpoint]:
    """The loads that moved last, the newest first."""
    return await graph.read("checkpoints/newest", Checkpoint, limit=limit)
