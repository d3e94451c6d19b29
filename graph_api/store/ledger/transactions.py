"""The transactions of a batch: which are loaded already, what is new of them, the writes.

A transaction may be met by its own record, by its receipt or by an event that it carries, in any
order. Until its own record comes it is a stub.
"""

from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec

from graph_api.domain.positions import page_key
from graph_api.domain.records import Receipt, Transaction
from graph_api.store.graph import Row, Writing
from graph_api.store.ledger.blocks import Blocks
from graph_api.store.ledger.facts import Event, Facts, transaction_order
from graph_api.store.ledger.places import Counts
from graph_api.store.ledger.rows import bare_row, fee, transaction_row, utxo_row
from graph_api.store.ledger.shelves import Shelves

Fact = TypeVar("Fact")


class Known(msgspec.Struct, frozen=True):
    """What is loaded of a transaction; without ``value_raw`` it is a stub."""

    id: str
    sender: str | None
    recipient: str | None
    status: int | None
    value_raw: int | None
    coinbase: bool | None
    index: int | None
    gas_used: int | None
    gas_price_raw: int | None
    block_number: int | None
    block_time: int | None


class Transactions:
    """All transactions that a batch names."""

    def __init__(self, writing: Writing, shelves: Shelves, facts: Facts, blocks: Blocks) -> None:
        self._writing, self._shelves, self._facts = writing, shelves, facts
        self._blocks = blocks
        self._known: dict[str, Known] = {}
        #: Rows by the statement that writes them, in its order.
        self._rows: dict[str, list[Row]] = {name: [] for name in _STATEMENTS}

    async def read(self) -> None:
        """What is loaded of them."""
        facts = self._facts
        ids: set[str] = set(facts.transactions) | set(facts.receipts) | set(facts.utxo)
        ids.update(event.transaction for event in facts.events if event.transaction is not None)
        if not ids:
            return
        rows = await self._writing.run("ledger/known_transactions", ids=sorted(ids))
        self._known = {row["id"]: msgspec.convert(row, Known, strict=False) for row in rows}

    def is_there(self, transaction: str) -> bool:
        """Whether it is in the graph, be it as a stub."""
        return transaction in self._known

    def is_loaded(self, transaction: str) -> bool:
        """Whether its own record is in the graph."""
        known = self._known.get(transaction)
        return known is not None and known.value_raw is not None

    def not_loaded(self, facts: Mapping[str, Fact]) -> dict[str, Fact]:
        """Of ``facts`` by transaction those whose own record is not in the graph."""
        return {key: fact for key, fact in facts.items() if not self.is_loaded(key)}

    def status(self, transaction: str) -> int | None:
        """1, 0 or None, from whichever source tells."""
        for told in (
            self._known.get(transaction),
            self._facts.transactions.get(transaction),
            self._facts.receipts.get(transaction),
        ):
            if told is not None and told.status is not None:
                return told.status
        return None

    def turned_out_failed(self) -> list[str]:
        """Transactions in the graph that nobody knew to have failed until now."""
        told = self._facts.transactions.keys() | self._facts.receipts.keys()
        return [
            known.id
            for known in self._known.values()
            if known.status is None and known.id in told and self.status(known.id) == 0
        ]

    async def write(self, counts: Counts, events: Iterable[Event]) -> None:
        """Write what is new of them; ``events`` are new and need a transaction to hang on."""
        for transaction in self._facts.transactions.values():
            counts.add(self._add(transaction), of=1)
        self._add_utxo(counts)
        for receipt in self._facts.receipts.values():
            counts.add(self._add_receipt(receipt), of=1)
        self._add_stubs(events)
        made = [row for name in _CREATING for row in self._rows[name]]
        self._shelves.counters.transactions += len(made)
        self._blocks.await_time(made)
        self._blocks.await_time(
            row
            for row in self._rows["set_transactions"]
            if self._known[row["id"]].block_number is None
        )
        for name, rows in self._rows.items():
            if rows:
                await self._writing.run(f"ledger/{name}", rows=rows)

    def _add(self, transaction: Transaction) -> bool:
        """Put a transaction where it belongs; whether its record is new."""
        row = transaction_row(transaction, block_time=self._blocks.time_of(transaction))
        row |= _executed(row, self._facts.receipts.get(transaction.id))
        known = self._known.get(transaction.id)
        called = transaction.recipient is not None
        if known is None:
            self._rows["create_called_transactions" if called else "create_transactions"].append(
                row
            )
            return True
        self._complete(known, row)
        if known.value_raw is None:
            self._rows["sign_transactions"].append(row)
            if called:
                self._rows["call_transactions"].append(row)
        return known.value_raw is None

    def _add_utxo(self, counts: Counts) -> None:
        new = self.not_loaded(self._facts.utxo)
        self._rows["create_bare_transactions"] += [
            utxo_row(transaction, block_time=self._blocks.time_of(transaction))
            for transaction in new.values()
            if not self.is_there(transaction.id)
        ]
        counts.add(len(new), of=len(self._facts.utxo))

    def _add_receipt(self, receipt: Receipt) -> bool:
        """Put a receipt where it belongs; whether it says anything new."""
        if receipt.transaction in self._facts.transactions:
            return not self.is_loaded(receipt.transaction)
        known = self._known.get(receipt.transaction)
        row = bare_row(
            receipt.transaction,
            chain=receipt.chain,
            block_number=receipt.block_number,
            block_time=self._blocks.time_at(receipt.block_number),
            index=receipt.index,
        )
        gas, price = receipt.gas_used, receipt.gas_price_raw
        if known is not None:
            gas = known.gas_used if known.gas_used is not None else gas
            price = known.gas_price_raw if known.gas_price_raw is not None else price
        row |= {"status": receipt.status} | _gas(gas, price)
        if known is None:
            self._rows["create_bare_transactions"].append(row)
            return True
        self._complete(known, row)
        return (known.status, known.gas_used) != (receipt.status, receipt.gas_used)

    def _add_stubs(self, events: Iterable[Event]) -> None:
        """Transactions of which nothing but an event is known so far."""
        bare = self._rows["create_bare_transactions"]
        there = {row["id"] for row in bare} | self._known.keys() | self._facts.transactions.keys()
        for event in events:
            if event.transaction is None or event.transaction in there:
                continue
            there.add(event.transaction)
            bare.append(
                bare_row(
                    event.transaction,
                    chain=event.chain,
                    block_number=event.block_number,
                    block_time=self._blocks.time_of(event),
                )
            )

    def _complete(self, known: Known, row: Row) -> None:
        """Add to what is there; block and index together decide its place among the others."""
        block = known.block_number if known.block_number is not None else row["block_number"]
        index = known.index if known.index is not None else row["index"]
        order = transaction_order(known.id, block, index)
        self._rows["set_transactions"].append(
            row | {"order_key": page_key(self._shelves.chain.id, order)}
        )
        if known.sender is not None and (block, index) != (known.block_number, known.index):
            self._rows["place_transactions"].append(
                {
                    "id": known.id,
                    "sender_key": page_key(known.sender, order),
                    "recipient_key": known.recipient and page_key(known.recipient, order),
                }
            )


_CREATING = ("create_transactions", "create_called_transactions", "create_bare_transactions")
_STATEMENTS = (
    *_CREATING,
    "sign_transactions",
    "call_transactions",
    "set_transactions",
    "place_transactions",
)


def _executed(row: Row, receipt: Receipt | None) -> Row:
    """What the receipt of the same batch adds to a transaction's row."""
    if receipt is None:
        return {}
    gas = row["gas_used"] if row["gas_used"] is not None else receipt.gas_used
    price = receipt.gas_price_raw if row["gas_price_raw"] is None else int(row["gas_price_raw"])
    status = row["status"] if row["status"] is not None else receipt.status
    return {"status": status} | _gas(gas, price)


def _gas(used: int | None, price_raw: int | None) -> Row:
    return {
        "gas_used": used,
        "gas_price_raw": None if price_raw is None else str(price_raw),
        "fee_raw": fee(used, price_raw),
    }
