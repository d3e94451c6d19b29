"""What exact sums are made of: a wallet's movements in few words, and its outputs."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from graph_api.domain.ids import AccountId, TokenId
from graph_api.domain.positions import page_key
from graph_api.store.graph import Graph
from graph_api.store.streams import Span

_PAGE: Final = 5_000


class Move(msgspec.Struct, frozen=True):
    """One side of a transfer. ``key`` is None for a stranger whose keys look alike."""

    side: str
    key: str | None
    last: str
    token: TokenId | None
    amount_raw: str | None
    block_time: datetime | None
    block_number: int | None


class OwnedOutput(msgspec.Struct, frozen=True):
    """An output of a wallet; a time is None where its transaction is not loaded or has none."""

    amount_raw: str | None
    created: bool
    spent: bool
    created_at: datetime | None
    created_in: int | None
    spent_at: datetime | None


async def of_wallet(
    graph: Graph, wallet: AccountId, *, spans: Sequence[Span], budget: int
) -> list[Move] | None:
    """What the wallet sent and received within ``spans``; None when it is more than ``budget``."""
    sides = await asyncio.gather(
        *(
            _side(graph, name, wallet, spans, budget)
            for name in ("transfers/moves_sent", "transfers/moves_received")
        )
    )
    moves = [move for side in sides if side is not None for move in side]
    return None if None in sides or len(moves) > budget else moves


async def _side(
    graph: Graph, name: str, wallet: AccountId, spans: Sequence[Span], budget: int
) -> list[Move] | None:
    moves: list[Move] = []
    for span in spans:
        after, end = page_key(wallet, span.after), page_key(wallet, span.end)
        while len(moves) <= budget:
            branch = {"owner": wallet, "after": after, "end": end}
            rows = await graph.read_each(name, Move, [branch], limit=_PAGE)
            moves += [row for row in rows if row.key is not None]
            if len(rows) < _PAGE:
                break
            after = max(row.last for row in rows)
    return None if len(moves) > budget else moves


async def outputs_of_wallet(
    graph: Graph, wallet: AccountId, *, budget: int
) -> list[OwnedOutput] | None:
    """The outputs that the wallet owns; None when they are more than ``budget``."""
    rows = await graph.read("outputs/of_wallet", OwnedOutput, wallet=wallet, limit=budget + 1)
    return None if len(rows) > budget else rows
