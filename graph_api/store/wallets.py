"""Questions about wallets."""

from datetime import datetime

import msgspec

from graph_api.domain.ids import AccountId, ChainId
from graph_api.store.graph import Graph


class WalletRow(msgspec.Struct, frozen=True):
    """A wallet's own properties. ``newest`` is the order of its newest transfer on its chain."""

    id: AccountId
    chain: ChainId
    address: str
    kind: str
    first_seen_at: datetime | None
    last_seen_at: datetime | None
    transfers_in: int
    transfers_out: int
    flows_in: int
    flows_out: int
    newest: str | None


async def by_ids(graph: Graph, wallets: list[AccountId]) -> dict[AccountId, WalletRow]:
    """The wallets that are in the graph."""
    return {row.id: row for row in await graph.read("wallets/by_ids", WalletRow, ids=wallets)}
