"""Questions about tokens."""

import msgspec

from graph_api.domain.ids import ChainId, TokenId
from graph_api.store.graph import Graph


class TokenRow(msgspec.Struct, frozen=True):
    """A token's own properties; symbol and name are what its contract says, unverified."""

    id: TokenId
    chain: ChainId
    address: str | None
    symbol: str | None
    name: str | None
    decimals: int | None
    total_supply_raw: str | None
    transfers: int
    holders: int


async def by_ids(graph: Graph, tokens: list[TokenId]) -> dict[TokenId, TokenRow]:
    """The tokens that are in the graph."""
    return {row.id: row for row in await graph.read("tokens/by_ids", TokenRow, ids=tokens)}
