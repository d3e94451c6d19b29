"""Questions about chains: how much of each is loaded."""

from datetime import datetime

import msgspec

from graph_api.domain.ids import ChainId
from graph_api.store.graph import Graph


class ChainRow(msgspec.Struct, frozen=True):
    """What is loaded of one chain; times and blocks are None while nothing is."""

    id: ChainId
    blocks: int = 0
    transactions: int = 0
    transfers: int = 0
    wallets: int = 0
    untimed: int = 0
    first_block: int | None = None
    last_block: int | None = None
    first_at: datetime | None = None
    last_at: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is loaded that happened."""
        return not self.transfers and not self.transactions

    @property
    def tells_times(self) -> bool:
        """Whether the time of anything is known."""
        return self.first_at is not None


async def by_ids(graph: Graph, chains: list[ChainId]) -> dict[ChainId, ChainRow]:
    """The counters of each chain; zeros where nothing is loaded."""
    found = {row.id: row for row in await graph.read("chains/by_ids", ChainRow, ids=chains)}
    return {chain: found.get(chain) or ChainRow(id=chain) for chain in chains}
