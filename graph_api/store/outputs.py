"""Questions about outputs of UTXO transactions."""

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


async def _on(
    graph: Graph, name: str, transactions: list[TransactionId], first: int
) -> dict[TransactionId, list[OutputRow]]:
    found: dict[TransactionId, list[OutputRow]] = {}
    for row in await graph.read(name, OutputRow, transactions=transactions, limit=first):
        found.setdefault(row.transaction, []).append(row)
    return found
