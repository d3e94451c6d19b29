"""Stretches of blocks that are loaded apart from following."""

from datetime import datetime
from typing import Final

import msgspec

from graph_api.domain.ids import ChainId
from graph_api.store import scanners
from graph_api.store.checkpoints import Progress
from graph_api.store.graph import Writing
from graph_api.store.ledger.places import Written

#: What the checkpoints of such stretches name as their format.
FORMAT: Final = "blocks"


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """The place after loading the blocks ``first..progress.row`` of a stretch."""

    chain: ChainId
    first: int
    progress: Progress

    @property
    def lease(self) -> str:
        """That of the stretch's checkpoint."""
        return self.progress.lease

    async def reached(self, writing: Writing) -> bool:
        """Whether the checkpoint stands here."""
        return await self.progress.reached(writing)

    async def reach(self, writing: Writing, written: Written, *, now: datetime) -> None:
        """Move the checkpoint; a gap of the chain's scanner closes."""
        await self.progress.reach(writing, written, now=now)
        await scanners.cover(writing, self.chain, self.first, self.progress.row)
