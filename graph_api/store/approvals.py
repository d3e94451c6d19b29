"""Questions about ERC-20 approvals."""

from datetime import datetime

import msgspec

from graph_api.domain.ids import AccountId, ChainId, TokenId
from graph_api.store.graph import Graph


class ApprovalRow(msgspec.Struct, frozen=True):
    """``owner`` lets ``spender`` move up to ``amount_raw``."""

    id: str
    chain: ChainId
    token: TokenId
    owner: AccountId
    spender: AccountId
    amount_raw: str
    block_number: int | None
    block_time: datetime | None


async def of_wallets(
    graph: Graph, wallets: list[AccountId], *, first: int
) -> dict[AccountId, list[ApprovalRow]]:
    """The newest approvals that each wallet gave."""
    given: dict[AccountId, list[ApprovalRow]] = {}
    rows = await graph.read("approvals/of_wallets", ApprovalRow, wallets=wallets, limit=first)
    for row in rows:
        given.setdefault(row.owner, []).append(row)
    return given
