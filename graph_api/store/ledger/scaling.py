"""Whole units of transfers that were loaded before their token's decimals were known."""

from typing import Final

from graph_api.domain.amounts import raw_of
from graph_api.domain.positions import block_bounds
from graph_api.store.graph import Graph, Row, Writing
from graph_api.store.ledger.shelves import Shelves
from graph_api.store.ledger.states import whole_units

PAGE: Final = 5_000


async def tokens_to_scale(graph: Graph, chain: str) -> list[str]:
    """Tokens of ``chain`` whose decimals are known now and were not when transfers came."""
    rows = await graph.write(lambda writing: writing.run("ledger/tokens_to_scale", chain=chain))
    return [row["id"] for row in rows]


async def scale_page(
    writing: Writing, shelves: Shelves, token: str, after: str | None
) -> str | None:
    """Give one page of transfers, and the totals they count in, their whole units.

    Returns: where the next page begins; None when this was the last.
    """
    low, high = block_bounds(token, lowest=None, highest=None)
    found = await writing.run("ledger/unscaled_transfers", low=after or low, high=high, limit=PAGE)
    missing = [
        row
        for row in found
        if row["token"] == token and row["amount"] is None and row["amount_raw"] is not None
    ]
    await shelves.fetch(
        writing,
        wallets=_wallets(missing),
        tokens=[token],
        pairs={(row["sender"], row["recipient"], token) for row in missing if row["sender"]},
        holdings={(wallet, token) for wallet in _wallets(missing)},
    )
    decimals = shelves.tokens[token].decimals
    rows = [
        {"id": row["id"], "amount": whole_units(raw_of(row["amount_raw"]), decimals)}
        for row in missing
    ]
    if rows:
        await writing.run("ledger/scale_transfers", rows=rows)
    last = len(found) < PAGE
    if last:
        shelves.tokens[token].unscaled = 0
    await shelves.flush_nodes(writing)
    await shelves.flush_totals(writing)
    return None if last else str(max(row["token_key"] for row in found))


def _wallets(rows: list[Row]) -> set[str]:
    return {wallet for row in rows for wallet in (row["sender"], row["recipient"]) if wallet}
