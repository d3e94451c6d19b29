"""Questions about swaps on decentralised exchanges."""

from datetime import datetime

import msgspec

from graph_api.domain.ids import AccountId, ChainId, TransactionId
from graph_api.store.graph import Graph


class SwapRow(msgspec.Struct, frozen=True):
    """A pool's Swap event; amounts are what the pool took in (+) and paid out (-)."""

    transaction: TransactionId
    id: str
    chain: ChainId
    protocol: str
    pool: AccountId
    sender: AccountId
    recipient: AccountId
    amount0_raw: str
    amount1_raw: str
    block_number: int | None
    block_time: datetime | None


async def of_transactions(
    graph: Graph, transactions: list[TransactionId], *, first: int
) -> dict[TransactionId, list[SwapRow]]:
    """The swaps that each transaction made."""
    made: dict[TransactionId, list[SwapRow]] = {}
    rows = await graph.read(
        "swaps/of_transactions", SwapRow, transactions=transactions, limit=first
    )
    for row in rows:
        made.setdefault(row.transaction, []).append(row)
    return made
