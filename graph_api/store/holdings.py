"""Questions about what wallets received and sent of tokens."""

from datetime import datetime
from typing import Any, Final

import msgspec

from graph_api.domain.ids import AccountId, TokenId
from graph_api.domain.pages import Page, Slice
from graph_api.store import streams
from graph_api.store.graph import Graph
from graph_api.store.streams import Span, Stream


class HoldingRow(msgspec.Struct, frozen=True):
    """Exact totals of one wallet and one token, as far as transfers are loaded."""

    id: str
    wallet: AccountId
    token: TokenId
    received_raw: str
    sent_raw: str
    net_raw: str
    amount: float | None
    transfers: int
    uncounted: int
    first_at: datetime | None
    last_at: datetime | None
    since_block: int | None


class HoldingHit(HoldingRow, frozen=True):
    """A holding as a statement of a stream answers it."""

    owner: str
    side: str
    scanned: int | None
    last: str | None
    key: str | None


#: Ranks of what is above zero: a net of nothing turned round is 78 nines.
_POSITIVE: Final = (Span(end="9" * 78),)

_OF_TOKEN: Final = Stream(
    record=HoldingHit, scan="holdings/of_token", window="holdings/of_token_window"
)


async def holders(
    graph: Graph, tokens: list[TokenId], *, page: Page
) -> dict[TokenId, Slice[HoldingRow]]:
    """Who received more of each token than they sent, the largest difference first."""
    spans: dict[str, Any] = dict.fromkeys(tokens, _POSITIVE)
    found = await streams.pages(graph, _OF_TOKEN, tokens, page=page, spans=spans)
    return {TokenId(token): rows for token, rows in found.items()}


async def of_wallets(
    graph: Graph,
    wallets: list[AccountId],
    *,
    first: int,
    tokens: tuple[TokenId, ...] | None = None,
) -> dict[AccountId, list[HoldingRow]]:
    """What each wallet received and sent, the most used token first."""
    rows = await graph.read(
        "holdings/of_wallets",
        HoldingRow,
        wallets=wallets,
        tokens=None if tokens is None else list(tokens),
        limit=first,
    )
    held: dict[AccountId, list[HoldingRow]] = {}
    for row in rows:
        held.setdefault(row.wallet, []).append(row)
    return held
