"""What happened in the transactions of a batch: which of it is new, and the writes."""

from collections.abc import Iterator, Mapping
from itertools import chain as chained
from typing import TypeVar

import msgspec

from graph_api.domain.records import Approval, Freeze, Swap, Transfer
from graph_api.store.graph import Row, Writing
from graph_api.store.ledger.blocks import Blocks
from graph_api.store.ledger.facts import Event, Facts, destroyed_transfer, native_transfer
from graph_api.store.ledger.rows import approval_row, swap_row, transfer_row
from graph_api.store.ledger.shelves import Shelves
from graph_api.store.ledger.states import whole_units
from graph_api.store.ledger.transactions import Transactions

Happened = TypeVar("Happened", Transfer, Approval, Swap, Freeze)


class Events(msgspec.Struct, frozen=True):
    """Transfers, approvals, swaps and acts of issuers by id."""

    transfers: dict[str, Transfer]
    approvals: dict[str, Approval]
    swaps: dict[str, Swap]
    freezes: dict[str, Freeze]

    def __iter__(self) -> Iterator[Event]:
        return chained(
            self.transfers.values(),
            self.approvals.values(),
            self.swaps.values(),
            self.freezes.values(),
        )


async def new_events(
    writing: Writing, shelves: Shelves, facts: Facts, transactions: Transactions, *, repeats: bool
) -> Events:
    """What of ``facts`` is not in the graph yet.

    ``repeats`` is whether rows of the dataset may be there that its checkpoint does not know of.
    """

    async def new(events: Mapping[str, Happened], name: str) -> dict[str, Happened]:
        asked = [key for key, event in events.items() if may_be_there(event)]
        rows = await writing.run(f"ledger/{name}", ids=asked) if asked else []
        known = {row["id"] for row in rows}
        return {key: event for key, event in events.items() if key not in known}

    def may_be_there(event: Event) -> bool:
        # An event is never written without its transaction. Rows without a hash are named by
        # their place in a dataset; its checkpoint already says which of them are in the graph.
        if event.transaction is None:
            return repeats or not event.id.startswith("file:")
        return transactions.is_there(event.transaction)

    return Events(
        transfers=await new(_transfers(shelves, facts, transactions), "known_transfers"),
        approvals=await new(facts.approvals, "known_approvals"),
        swaps=await new(facts.swaps, "known_swaps"),
        freezes=await new(facts.freezes, "known_freezes"),
    )


async def write_events(
    writing: Writing, shelves: Shelves, blocks: Blocks, new: Events
) -> list[Row]:
    """Write events whose wallets and transactions are there. Returns: the rows of transfers."""

    async def put(name: str, rows: list[Row]) -> None:
        if rows:
            await writing.run(f"ledger/{name}", rows=rows)

    approvals = [
        approval_row(one, block_time=blocks.time_of(one)) for one in new.approvals.values()
    ]
    swaps = [swap_row(one, block_time=blocks.time_of(one)) for one in new.swaps.values()]
    transfers = [
        transfer_row(one, amount=_amount(shelves, one), block_time=blocks.time_of(one))
        for one in new.transfers.values()
    ]
    minted = [row for row in transfers if row["sender"] is None]
    moved = [row for row in transfers if row["sender"] is not None and row["transaction"]]
    plain = [row for row in transfers if row["sender"] is not None and not row["transaction"]]
    await put("create_transfers", plain)
    await put("create_moved_transfers", moved)
    await put("create_minted_transfers", minted)
    await put("carry_transfers", [row for row in minted if row["transaction"]])
    await put("create_approvals", approvals)
    await put("create_swaps", swaps)
    blocks.await_time(chained(transfers, approvals, swaps))
    return [*plain, *moved, *minted]


def _transfers(shelves: Shelves, facts: Facts, transactions: Transactions) -> dict[str, Transfer]:
    """Transfers as they are told, and those that transactions and acts of issuers imply."""
    transfers = {
        key: transfer
        for key, transfer in facts.transfers.items()
        if transfer.position != "native"
        or transfer.transaction is None
        or transactions.status(transfer.transaction) != 0
    }
    for transaction in facts.transactions.values():
        if transactions.is_loaded(transaction.id) or transactions.status(transaction.id) == 0:
            continue
        native = native_transfer(shelves.chain, transaction)
        if native is not None:
            transfers.setdefault(native.id, native)
    for freeze in facts.freezes.values():
        destroyed = destroyed_transfer(freeze)
        if destroyed is not None:
            transfers.setdefault(destroyed.id, destroyed)
    return transfers


def _amount(shelves: Shelves, transfer: Transfer) -> float | None:
    if transfer.token is None or transfer.amount_raw is None:
        return transfer.amount
    return whole_units(transfer.amount_raw, shelves.tokens[transfer.token].decimals)
