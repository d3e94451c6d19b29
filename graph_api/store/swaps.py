"""Questions about swaps on decentralised exchanges."""

from datetime import datetime
from typing import Final

import msgspec

from graph_api.domain.ids import AccountId, ChainId, TransactionId
from graph_api.domain.positions import page_key
from graph_api.store.graph import Graph
from graph_api.store.streams import END

#: How many of a wallet's newest transactions are looked through.
NEWEST: Final = 5_000


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


class _OfWallet(SwapRow, frozen=True):
    owner: AccountId
    key: str


async def of_wallets(
    graph: Graph, wallets: list[AccountId], *, first: int
) -> dict[AccountId, list[SwapRow]]:
    """The swaps that each wallet made by its own transactions, the newest first."""
    branches = [
        {"owner": wallet, "after": page_key(wallet, ""), "end": page_key(wallet, END)}
        for wallet in wallets
    ]
    rows = await graph.read_each("swaps/of_wallets", _OfWallet, branches, scan=NEWEST, limit=first)
    made: dict[AccountId, list[SwapRow]] = {}
    for row in sorted(rows, key=lambda row: (row.key, row.id)):
        made.setdefault(row.owner, []).append(row)
    return made


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
