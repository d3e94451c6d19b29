"""Where a source stands after a batch; kept in the transaction of that batch."""

from datetime import datetime
from typing import Protocol

import msgspec

from graph_api.store.graph import Row, Writing
from graph_api.store.ledger.undo import Undo


class Counts(msgspec.Struct):
    """What became of records: new in the graph, or there already."""

    written: int = 0
    known: int = 0

    def add(self, new: int, *, of: int) -> None:
        """``new`` of ``of`` records were not there yet."""
        self.written += new
        self.known += of - new


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What a batch did: its counts, rows of the transfers and of the acts of issuers that are new,
    how to undo the rest.
    """

    counts: Counts
    transfers: list[Row]
    freezes: list[Row]
    undo: Undo


class Place(Protocol):
    """How far a source has been read once a batch is written.

    ``lease`` names what it takes to move it, besides the leases of the records.
    """

    @property
    def lease(self) -> str:
        """The name of that lease."""
        ...

    async def reached(self, writing: Writing) -> bool:
        """Whether the graph, as this transaction sees it, stands exactly here."""
        ...

    async def reach(self, writing: Writing, written: Written, *, now: datetime) -> None:
        """Remember that the batch is written."""
        ...
