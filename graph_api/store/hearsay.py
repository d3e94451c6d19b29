"""What others tell of blocks that nobody here has fetched: noted, announced, and taken back.

Whoever follows a chain knows better: a block that was fetched is never changed by what is told of
it. Until then a block that was noted can go again, as if nobody had told of it.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import msgspec

from graph_api.domain.ids import ChainId
from graph_api.domain.records import Approval, Freeze, Record, Swap, Transaction, Transfer
from graph_api.store import checkpoints, scanners
from graph_api.store.checkpoints import Progress
from graph_api.store.graph import Graph, Writing
from graph_api.store.ledger.announcing import announce, finalize
from graph_api.store.ledger.places import Written
from graph_api.store.ledger.undo import Undo
from graph_api.store.scanners import Scanner

#: What the checkpoints of hooks name as their format.
FORMAT = "webhook"


class NotedBlock(msgspec.Struct, frozen=True, kw_only=True):
    """What the graph has of a block, and what of that was noted from others."""

    number: int
    hash: str | None
    undo: str | None
    noted: str | None
    confirmed: bool | None


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """A block that a body tells of; the sender vouches for one that is ``confirmed``."""

    number: int
    hash: str | None
    confirmed: bool


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """The place after a body's facts are noted; ``progress.source`` names the body.

    ``finals`` are transfers that its sender calls final.
    """

    chain: ChainId
    progress: Progress
    blocks: tuple[Heard, ...]
    finals: tuple[str, ...]

    @property
    def lease(self) -> str:
        """That of the hook's checkpoint."""
        return self.progress.lease

    async def reached(self, writing: Writing) -> bool:
        """Whether the body's facts are in the graph, as this transaction sees it."""
        rows = await writing.run("checkpoints/by_id", id=self.progress.id)
        return [row["source"] for row in rows] == [self.progress.source]

    async def reach(self, writing: Writing, written: Written, *, now: datetime) -> None:
        """Announce what is new and what became final; remember how the blocks are taken back."""
        await self.progress.reach(writing, written, now=now)
        await self._remember(writing, written.undo)
        hashes = {block.number: block.hash for block in self.blocks}
        await announce(writing, self.chain, written, hashes, now=now)
        # Where the chain is followed, its follower says what is final.
        if self.finals and await scanners.stands_at(writing, self.chain) is None:
            rows = await writing.run("ledger/finalize_transfers", ids=list(self.finals))
            await finalize(writing, self.chain, rows, hashes, now=now)

    async def _remember(self, writing: Writing, undo: Undo) -> None:
        ids = [f"{self.chain}:{block.number}" for block in self.blocks]
        before = {row["number"]: row for row in await writing.run("ledger/noted_blocks", ids=ids)}
        rows = []
        for block in self.blocks:
            kept = before[block.number]
            noted = Undo.whole(kept["noted"])
            noted += undo
            # How a kind was before the first of all changes is what holds.
            noted.kinds = undo.kinds | Undo.whole(kept["undo"], kept["noted"]).kinds
            rows.append(
                {
                    "id": f"{self.chain}:{block.number}",
                    "noted": msgspec.json.encode(noted).decode(),
                    "confirmed": block.confirmed or None,
                }
            )
        await writing.run("ledger/note_blocks", rows=rows)


def checkpoint_of(sender: str, hook: str) -> str:
    """The id of the checkpoint of a hook."""
    return f"{FORMAT}:{sender}:{hook}"


async def stands_at(graph: Graph, sender: str, hook: str) -> str | None:
    """The name of the body whose facts were noted last."""
    found = await checkpoints.by_id(graph, checkpoint_of(sender, hook))
    return found.source if found else None


async def noted(graph: Graph, chain: ChainId, numbers: Collection[int]) -> dict[int, NotedBlock]:
    """Those of the blocks ``numbers`` that are in the graph."""
    ids = [f"{chain}:{number}" for number in sorted(numbers)]
    rows = await graph.read("ledger/noted_blocks", NotedBlock, ids=ids)
    return {row.number: row for row in rows}


class _Placed(msgspec.Struct, frozen=True):
    id: str
    block_number: int | None


async def places(graph: Graph, transactions: Iterable[str]) -> dict[str, int]:
    """The blocks of those of ``transactions`` that are in the graph with one."""
    ids = sorted(set(transactions))
    rows = await graph.read("ledger/places_of_transactions", _Placed, ids=ids) if ids else []
    return {row.id: row.block_number for row in rows if row.block_number is not None}


def is_covered(scanner: Scanner | None, number: int) -> bool:
    """Whether the block ``number`` was fetched from a node."""
    edges = scanner.ranges if scanner else ()
    return any(low <= number <= high for low, high in zip(edges[::2], edges[1::2], strict=True))


def transactions_of(records: Sequence[Record]) -> set[str]:
    """Ids of the transactions that ``records`` speak of."""
    spoken = {record.id for record in records if isinstance(record, Transaction)}
    return spoken | {
        record.transaction
        for record in records
        if isinstance(record, (Transfer, Approval, Swap, Freeze)) and record.transaction is not None
    }


def transfers_of(records: Sequence[Record]) -> tuple[str, ...]:
    """Ids of the transfers that ``records`` may be."""
    return tuple(
        f"{record.id}:native" if isinstance(record, Transaction) else record.id
        for record in records
        if isinstance(record, (Transaction, Transfer))
    )
