"""Questions about outputs of UTXO transactions."""

import asyncio
from typing import Any, NamedTuple

import msgspec

from graph_api.domain.ids import AccountId, ChainId, TransactionId
from graph_api.store.graph import Graph


class OutputRow(msgspec.Struct, frozen=True):
    """An output and the transaction that creates or spends it."""

    transaction: TransactionId
    id: str
    chain: ChainId
    owner: AccountId | None
    amount_raw: str | None
    script: str | None
    created: bool
    spent: bool


async def created_by(
    graph: Graph, transactions: list[TransactionId], *, first: int
) -> dict[TransactionId, list[OutputRow]]:
    """The outputs that each transaction creates, in their order."""
    return await _on(graph, "outputs/created_by", transactions, first)


async def spent_by(
    graph: Graph, transactions: list[TransactionId], *, first: int
) -> dict[TransactionId, list[OutputRow]]:
    """The outputs that each transaction spends, by their ids."""
    return await _on(graph, "outputs/spent_by", transactions, first)


class OfWallet(NamedTuple):
    """The outputs of one wallet on both sides of transactions."""

    created: dict[TransactionId, list[OutputRow]]
    spent: dict[TransactionId, list[OutputRow]]


async def of_wallet_in(
    graph: Graph, wallet: AccountId, transactions: list[TransactionId], *, first: int
) -> OfWallet:
    """The outputs of a wallet that each transaction creates and spends."""
    created, spent = await asyncio.gather(
        *(
            _on(graph, f"outputs/{side}_of_wallet", transactions, first, wallet=wallet)
            for side in ("created", "spent")
        )
    )
    return OfWallet(created, spent)


async def _on(
    graph: Graph, name: str, transactions: list[TransactionId], first: int, **wish: Any
) -> dict[TransactionId, list[OutputRow]]:
    found: dict[TransactionId, list[OutputRow]] = {}
    for row in await graph.read(name, OutputRow, transactions=transactions, limit=first, **wish):
        found.setdefault(row.transaction, []).append(row)
    return found
