"""Following a chain, as the graph remembers it: blocks forward, and blocks taken back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from graph_api.domain.chains import chain_of
from graph_api.domain.errors import GraphApiError
from graph_api.domain.ids import ChainId
from graph_api.domain.positions import block_bounds
from graph_api.store import scanners
from graph_api.store.graph import Writing
from graph_api.store.ledger.announcing import announce, finalize, retract
from graph_api.store.ledger.places import Written
from graph_api.store.ledger.rollback import WINDOW, Block, drop_block
from graph_api.store.ledger.shelves import Shelves
from graph_api.store.ledger.undo import Undo
from graph_api.store.scanners import Scanner

#: Stands for the hash of a block that nobody has told.
UNKNOWN: Final = ""


class Moved(GraphApiError):
    """Another follower has moved the scanner; look where it stands."""


class Followed(msgspec.Struct, frozen=True, kw_only=True):
    """A block that is being followed."""

    number: int
    hash: str


class Forward(msgspec.Struct, frozen=True, kw_only=True):
    """The place after following ``blocks``, the newest last. ``before`` is the scanner so far.

    ``final`` is the newest block that can be announced as final.
    """

    chain: ChainId
    before: Scanner | None
    blocks: tuple[Followed, ...]
    head: int
    final: int
    announce: bool

    @property
    def lease(self) -> str:
        """The chain's own."""
        return self.chain

    async def reached(self, writing: Writing) -> bool:
        """Whether the newest of the blocks is in the graph."""
        newest = self.blocks[-1]
        return await scanners.stands_at(writing, self.chain) == (newest.number, newest.hash)

    async def reach(self, writing: Writing, written: Written, *, now: datetime) -> None:
        """Move the scanner, and announce what is new and what has become final.

        Raises: Moved.
        """
        before = self.before
        stands = (before.block, before.hash) if before else None
        if await scanners.stands_at(writing, self.chain) != stands:
            raise Moved("Another follower was faster.")
        newest = self.blocks[-1]
        await self._remember(writing, written.undo)
        final = before.final if before else None
        if self.announce:
            hashes = {block.number: block.hash for block in self.blocks}
            await announce(writing, self.chain, written, hashes, now=now)
            start = before.ranges[-2] if before and before.ranges else self.blocks[0].number
            lowest = start if final is None else final + 1
            highest = min(self.final, newest.number)
            if highest >= lowest:
                await self._finalize(writing, lowest, highest, now=now)
                final = highest
        await scanners.put(
            writing,
            Scanner(
                chain=self.chain,
                block=newest.number,
                hash=newest.hash,
                final=final,
                head=max(self.head, newest.number),
                reorgs=before.reorgs if before else 0,
                deepest=before.deepest if before else 0,
                ranges=scanners.covered(
                    before.ranges if before else (),
                    before.block + 1 if before else self.blocks[0].number,
                    newest.number,
                ),
                started_at=before.started_at if before else now,
                updated_at=now,
            ),
        )

    async def _remember(self, writing: Writing, undo: Undo) -> None:
        """Keep with the newest block what takes it back; deep blocks need it no more."""
        text = msgspec.json.encode(undo).decode()
        rows = [
            {
                "id": f"{self.chain}:{block.number}",
                "announced": self.announce or None,
                # Blocks that share a transaction are too deep to be taken back one by one.
                "undo": text if len(self.blocks) == 1 else None,
            }
            for block in self.blocks
        ]
        await writing.run("ledger/follow_blocks", rows=rows)
        settled = [f"{self.chain}:{block.number - WINDOW - 1}" for block in self.blocks]
        await writing.run("ledger/settle_blocks", ids=settled)

    async def _finalize(
        self, writing: Writing, lowest: int, highest: int, *, now: datetime
    ) -> None:
        low, high = block_bounds(self.chain, lowest=lowest, highest=highest)
        rows = await writing.run("ledger/transfers_of_blocks", low=low, high=high)
        rows = [row for row in rows if row["chain"] == self.chain and not row["final"]]
        if not rows:
            return
        ids = sorted({f"{self.chain}:{row['block_number']}" for row in rows})
        hashes = {row["number"]: row["hash"] for row in await writing.run("blocks/hashes", ids=ids)}
        await finalize(writing, self.chain, rows, hashes, now=now)


class Backward(msgspec.Struct, frozen=True, kw_only=True):
    """Taking the newest block back. ``to`` is the one below it, ``depth`` the whole reorg's.

    ``opens`` says that this is the first block that the reorg takes back.
    """

    before: Scanner
    to: Followed
    depth: int
    opens: bool

    async def run(self, writing: Writing, *, now: datetime) -> Scanner:
        """Drop the block, move the scanner and tell whoever was told. Raises: Moved."""
        before, chain = self.before, self.before.chain
        stands = await scanners.stands_at(writing, chain)
        after = self._after(now)
        if stands == (after.block, after.hash):
            return after
        if stands != (before.block, before.hash):
            raise Moved("Another follower was faster.")
        rows = await writing.run("ledger/block_to_drop", id=f"{chain}:{before.block}")
        if rows:
            block = msgspec.convert(rows[0], Block)
            dropped = await drop_block(writing, Shelves(chain_of(chain)), block)
            if block.announced:
                await retract(writing, chain, dropped, {block.number: block.hash}, now=now)
        await scanners.put(writing, after)
        return after

    def _after(self, now: datetime) -> Scanner:
        before, to = self.before, self.to
        return msgspec.structs.replace(
            before,
            block=to.number,
            hash=to.hash,
            # What was called final and is not: whoever heard of it hears of what came instead.
            final=None if before.final is None else min(before.final, to.number),
            reorgs=before.reorgs + self.opens,
            deepest=max(before.deepest, self.depth),
            ranges=scanners.uncovered(before.ranges, to.number + 1),
            updated_at=now,
        )


def near_head(blocks: Sequence[int], head: int) -> bool:
    """Whether any of ``blocks`` may still be taken back one by one."""
    return bool(blocks) and blocks[-1] > head - WINDOW
