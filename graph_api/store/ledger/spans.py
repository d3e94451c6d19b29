"""Blocks by their numbers: what the graph has of them, and how one is written anew."""

from datetime import datetime

import msgspec

from graph_api.domain.chains import chain_of
from graph_api.domain.ids import ChainId
from graph_api.domain.positions import block_bounds
from graph_api.store import scanners
from graph_api.store.graph import Graph, Writing
from graph_api.store.ledger.announcing import announce, retract
from graph_api.store.ledger.places import Written
from graph_api.store.ledger.rollback import Block, drop_block
from graph_api.store.ledger.shelves import Shelves


class Mended(msgspec.Struct, frozen=True, kw_only=True):
    """The place after a block was written anew; ``announced`` says that the world is told."""

    chain: ChainId
    number: int
    hash: str
    announced: bool

    @property
    def lease(self) -> str:
        """The chain's own."""
        return self.chain

    async def reached(self, writing: Writing) -> bool:
        """Whether the block is in the graph."""
        rows = await writing.run("blocks/hashes", ids=[f"{self.chain}:{self.number}"])
        return [row["hash"] for row in rows] == [self.hash]

    async def reach(self, writing: Writing, written: Written, *, now: datetime) -> None:
        """Announce what was missing; the scanner hears of the block's hash."""
        if self.announced:
            await announce(writing, self.chain, written, {self.number: self.hash}, now=now)
        await scanners.cover(writing, self.chain, self.number, self.number)
        await writing.run("scanners/rename", chain=self.chain, block=self.number, hash=self.hash)


class Kept(msgspec.Struct, kw_only=True):
    """What the graph has of one block."""

    hash: str | None = None
    announced: bool = False
    transactions: set[str] = msgspec.field(default_factory=set)
    transfers: set[str] = msgspec.field(default_factory=set)


async def kept(graph: Graph, chain: ChainId, first: int, last: int) -> dict[int, Kept]:
    """What the graph has of the blocks ``first..last``."""
    low, high = block_bounds(chain, lowest=first, highest=last)
    found = {number: Kept() for number in range(first, last + 1)}

    async def work(writing: Writing) -> None:
        ids = [f"{chain}:{number}" for number in found]
        for row in await writing.run("ledger/blocks_kept", ids=ids):
            found[row["number"]].hash = row["hash"]
            found[row["number"]].announced = bool(row["announced"])
        for name in ("transactions", "transfers"):
            rows = await writing.run(f"ledger/{name}_of_blocks", low=low, high=high)
            for row in rows:
                if row["chain"] == chain and row["block_number"] in found:
                    getattr(found[row["block_number"]], name).add(row["id"])

    await graph.write(work)
    return found


async def drop(writing: Writing, chain: ChainId, number: int, *, now: datetime) -> None:
    """Take back one block that is not in its chain, and tell whoever was told of it."""
    rows = await writing.run("ledger/block_to_drop", id=f"{chain}:{number}")
    if not rows:
        return
    block = msgspec.convert(rows[0], Block)
    dropped = await drop_block(writing, Shelves(chain_of(chain)), block)
    if block.announced:
        await retract(writing, chain, dropped, {number: block.hash}, now=now)
