"""The blocks of a batch, and the times they give to facts: new ones, and those loaded before."""

from collections.abc import Iterable
from typing import Any

import msgspec

from graph_api.domain.records import Block, Transaction, UtxoTransaction
from graph_api.store.graph import Row, Writing
from graph_api.store.ledger import late as late_facts
from graph_api.store.ledger import totals
from graph_api.store.ledger.facts import Facts
from graph_api.store.ledger.late import Late
from graph_api.store.ledger.places import Counts
from graph_api.store.ledger.shelves import Shelves


class Blocks:
    """What a batch says of blocks; their times are known once it is written."""

    def __init__(self, writing: Writing, shelves: Shelves, facts: Facts) -> None:
        self._writing, self._shelves, self._facts = writing, shelves, facts
        self._times: dict[int, int] = {}
        self._timed: list[int] = []

    async def write(self, counts: Counts) -> None:
        """Write what is new of blocks, and learn the times of all that facts refer to."""
        blocks = self._blocks()
        known = await self._known(blocks.keys() | self._without_time())
        self._times = {
            number: row["time"] for number, row in known.items() if row["time"] is not None
        }
        rows: list[Row] = []
        for number, block in blocks.items():
            before = known.get(number)
            adds = self._learn(block) or before is None or bool(block.hash and not before["hash"])
            if adds:
                rows.append(msgspec.structs.asdict(block) | {"id": self._id(number)})
                self._shelves.counters.covers(number, block.time)
            if number in self._facts.blocks:
                counts.add(adds, of=1)
            self._shelves.counters.blocks += before is None
        if rows:
            await self._writing.run("ledger/set_blocks", rows=rows)

    def time_of(self, fact: Any) -> int | None:
        """When ``fact`` happened, from itself or its block."""
        return fact.block_time if fact.block_time is not None else self.time_at(fact.block_number)

    def time_at(self, number: int | None) -> int | None:
        """The time of a block, where it is known."""
        return None if number is None else self._times.get(number)

    def await_time(self, rows: Iterable[Row]) -> None:
        """Count which of these new rows have a block whose time is not known."""
        self._shelves.counters.untimed += sum(
            row["block_time"] is None and row["block_number"] is not None for row in rows
        )

    async def late(self, *, but: frozenset[str]) -> Late:
        """What was loaded before the time of its block, but for the transfers ``but``."""
        if not self._shelves.counters.untimed:
            return Late()
        return await late_facts.read(self._writing, self._shelves.chain.id, self._timed, but=but)

    async def date(self, late: Late) -> None:
        """Give late facts, and the totals that they count in, their times."""
        counters, wallets = self._shelves.counters, self._shelves.wallets
        for moved in late.transfers:
            time = self._times[moved.block_number or 0]
            for state in totals.states(self._shelves, moved):
                state.seen(time)
            for wallet in totals.parties(moved):
                wallets[wallet].seen(time)
            counters.covers(moved.block_number, time)
        for other in late.others:
            time = self._times[other.block_number]
            for wallet in other.wallets:
                wallets[wallet].seen(time)
            counters.covers(other.block_number, time)
        counters.untimed -= len(late)
        await late_facts.write(self._writing, late, self._times)

    def _blocks(self) -> dict[int, Block]:
        """Blocks that are told of, by themselves or by the transactions in them."""
        blocks = dict(self._facts.blocks)
        envelopes: tuple[Transaction | UtxoTransaction, ...] = (
            *self._facts.transactions.values(),
            *self._facts.utxo.values(),
        )
        for fact in envelopes:
            number, time = fact.block_number, fact.block_time
            if number is not None and time is not None and number not in blocks:
                blocks[number] = Block(chain=fact.chain, number=number, time=time)
        return blocks

    def _without_time(self) -> set[int]:
        """Blocks of facts that leave their time to them."""
        facts = self._facts
        numbers = {receipt.block_number for receipt in facts.receipts.values()}
        for dated in (facts.transactions, facts.transfers, facts.approvals, facts.swaps):
            numbers |= {fact.block_number for fact in dated.values() if fact.block_time is None}
        return {number for number in numbers if number is not None}

    async def _known(self, numbers: set[int]) -> dict[int, Row]:
        if not numbers:
            return {}
        ids = [self._id(number) for number in sorted(numbers)]
        rows = await self._writing.run("ledger/known_blocks", ids=ids)
        return {row["number"]: row for row in rows}

    def _learn(self, block: Block) -> bool:
        """Whether a block's time was not known yet."""
        if block.time is None or block.number in self._times:
            return False
        self._times[block.number] = block.time
        self._timed.append(block.number)
        return True

    def _id(self, number: int) -> str:
        return f"{self._shelves.chain.id}:{number}"
