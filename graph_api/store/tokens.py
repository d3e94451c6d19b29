"""Questions about tokens: by id, by symbol, and pages of a chain's tokens."""

import asyncio
from enum import StrEnum
from typing import ClassVar, Final

import msgspec

from graph_api.domain.errors import BadInput
from graph_api.domain.ids import ChainId, TokenId
from graph_api.domain.pages import Page, Slice, slice_of
from graph_api.store import streams
from graph_api.store.graph import Graph
from graph_api.store.records import Columns, looks_up
from graph_api.store.streams import OF_IDS, Stream

#: How many tokens of one symbol are told apart; anybody can make more.
NAMESAKES: Final = 1_000


class TokenRow(msgspec.Struct, frozen=True, gc=False):
    """A token's own properties; symbol and name are what its contract says, unverified."""

    own: ClassVar[frozenset[str]] = frozenset({"id"})

    id: TokenId
    chain: ChainId
    address: str | None
    symbol: str | None
    name: str | None
    decimals: int | None
    total_supply_raw: str | None
    transfers: int
    holders: int


class TokenHit(TokenRow, frozen=True, gc=False):
    """A token as a statement of a stream answers it."""

    owner: str
    side: str
    scanned: int | None
    last: str | None
    key: str | None


class TokenOrder(StrEnum):
    """How a list of tokens is ordered."""

    ID = "id"
    MOST_USED = "most_used"


class TokenQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Which tokens are asked for: those of a chain, with a symbol, or all."""

    order: TokenOrder = TokenOrder.ID
    chain: ChainId | None = None
    symbol: str | None = None

    def __post_init__(self) -> None:
        if self.order is TokenOrder.MOST_USED and self.chain is None and self.symbol is None:
            raise BadInput(
                "Tokens are ordered by use within a chain, or among those of one symbol."
            )


def _ids_of(chain: str) -> str:
    return f"{chain}/" if chain else ""


_BY_ID: Final = Stream(
    record=TokenHit,
    scan="tokens/by_id",
    window="tokens/by_id_window",
    prefix=_ids_of,
    letters=OF_IDS,
)
_MOST_USED: Final = Stream(record=TokenHit, scan="tokens/of_chain", window="tokens/of_chain_window")


@looks_up("tokens/by_ids", TokenRow)
async def by_ids(
    graph: Graph, tokens: list[TokenId], *, columns: Columns = None
) -> dict[TokenId, TokenRow]:
    """The tokens that are in the graph."""
    rows = await graph.read("tokens/by_ids", TokenRow, ids=tokens, columns=columns)
    return {row.id: row for row in rows}


async def search(
    graph: Graph, questions: list[TokenQuestion], *, page: Page
) -> dict[TokenQuestion, Slice[TokenRow]]:
    """A page for each question."""
    found = await asyncio.gather(*(_search(graph, question, page) for question in questions))
    return dict(zip(questions, found, strict=True))


async def _search(graph: Graph, question: TokenQuestion, page: Page) -> Slice[TokenRow]:
    if question.symbol is not None:
        return await _of_symbol(graph, question.symbol, question, page)
    most_used = question.order is TokenOrder.MOST_USED
    owner = question.chain or ""
    stream = _MOST_USED if most_used else _BY_ID
    return (await streams.pages(graph, stream, [owner], page=page))[owner]


async def _of_symbol(
    graph: Graph, symbol: str, question: TokenQuestion, page: Page
) -> Slice[TokenRow]:
    rows = await graph.read("tokens/by_symbols", TokenRow, symbols=[symbol], limit=NAMESAKES)
    most_used = question.order is TokenOrder.MOST_USED
    ordered = sorted(
        (f"{10**12 - row.transfers:013d}|{row.id}" if most_used else row.id, row)
        for row in rows
        if question.chain in (None, row.chain)
    )
    inside = [
        (place, row)
        for place, row in ordered
        if (page.after is None or place > page.after)
        and (page.before is None or place < page.before)
    ]
    if page.backward:
        inside.reverse()
    return slice_of(inside[: page.size + 1], page, total=len(ordered))
