"""Questions about transactions: by id, and pages of a wallet or a chain."""

import asyncio
from datetime import datetime
from typing import Any, Final

import msgspec

from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId, ChainId, TransactionId, chain_id_of
from graph_api.domain.pages import Page, Slice
from graph_api.store import blocks, streams
from graph_api.store.blocks import Window
from graph_api.store.graph import Graph
from graph_api.store.streams import Stream
from graph_api.store.transfers import Direction


class TransactionRow(msgspec.Struct, frozen=True):
    """A transaction; of a stub, only where it stands is known."""

    id: TransactionId
    chain: ChainId
    hash: str
    block_number: int | None
    block_time: datetime | None
    index: int | None
    status: int | None
    sender: AccountId | None
    recipient: AccountId | None
    value_raw: str | None
    method_id: str | None
    gas_used: int | None
    gas_price_raw: str | None
    fee_raw: str | None
    coinbase: bool | None
    flags: list[str] | None


class TransactionHit(TransactionRow, frozen=True):
    """A transaction as a statement of a stream answers it."""

    owner: str
    side: str
    scanned: int | None
    last: str | None
    key: str | None


class TransactionFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which transactions are asked for; None leaves a condition out.

    ``direction`` OUT are those that the wallet signed, IN those that called or paid it.
    ``party`` signed or received. Values are base units of the chain's coin, ends included.
    """

    direction: Direction = Direction.BOTH
    party: AccountId | None = None
    method_id: str | None = None
    status: int | None = None
    window: Window = Window()
    min_raw: int | None = None
    max_raw: int | None = None

    def __post_init__(self) -> None:
        if (self.min_raw or 0) < 0 or (self.max_raw or 0) < 0:
            raise BadInput("A value is never below zero.")


class TransactionQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A list of transactions: of a wallet, or of a chain."""

    wallet: AccountId | None = None
    chain: ChainId | None = None
    filter: TransactionFilter = TransactionFilter()

    def __post_init__(self) -> None:
        if self.wallet is None and self.chain is None:
            raise BadInput("Name a wallet or a chain whose transactions are wanted.")


_BY_DIRECTION: Final = {
    Direction.OUT: Stream(
        record=TransactionHit, scan="transactions/signed", window="transactions/signed_window"
    ),
    Direction.IN: Stream(
        record=TransactionHit, scan="transactions/received", window="transactions/received_window"
    ),
    Direction.BOTH: Stream(
        record=TransactionHit,
        scan="transactions/of_wallet",
        window="transactions/of_wallet_window",
        newest="transactions/newest_of_wallet",
    ),
}
_OF_CHAIN: Final = Stream(
    record=TransactionHit, scan="transactions/of_chain", window="transactions/of_chain_window"
)


async def by_ids(
    graph: Graph, transactions: list[TransactionId]
) -> dict[TransactionId, TransactionRow]:
    """The transactions that are in the graph."""
    rows = await graph.read("transactions/by_ids", TransactionRow, ids=transactions)
    return {row.id: row for row in rows}


async def of_wallets(
    graph: Graph, wallets: list[AccountId], *, filter: TransactionFilter | None = None, page: Page
) -> dict[AccountId, Slice[TransactionRow]]:
    """A page of each wallet's transactions, newest first."""
    asked = filter or TransactionFilter()
    spans = await blocks.spans(graph, [chain_id_of(wallet) for wallet in wallets], asked.window)
    found = await streams.pages(
        graph,
        _BY_DIRECTION[asked.direction],
        wallets,
        page=page,
        spans={wallet: spans[chain_id_of(wallet)] for wallet in wallets},
        filters=_filters(asked),
    )
    return {AccountId(wallet): rows for wallet, rows in found.items()}


async def of_chains(
    graph: Graph, chains: list[ChainId], *, filter: TransactionFilter | None = None, page: Page
) -> dict[ChainId, Slice[TransactionRow]]:
    """A page of each chain's transactions, newest first."""
    asked = filter or TransactionFilter()
    spans = await blocks.spans(graph, chains, asked.window)
    found = await streams.pages(
        graph,
        _OF_CHAIN,
        chains,
        page=page,
        spans={chain: spans[chain] for chain in chains},
        filters=_filters(asked),
    )
    return {ChainId(chain): rows for chain, rows in found.items()}


async def search(
    graph: Graph, questions: list[TransactionQuestion], *, page: Page
) -> dict[TransactionQuestion, Slice[TransactionRow]]:
    """A page for each question."""
    found = await asyncio.gather(*(_search(graph, question, page) for question in questions))
    return dict(zip(questions, found, strict=True))


async def _search(graph: Graph, question: TransactionQuestion, page: Page) -> Slice[TransactionRow]:
    wallet, chain = question.wallet, question.chain
    if wallet is not None:
        return (await of_wallets(graph, [wallet], filter=question.filter, page=page))[wallet]
    assert chain is not None
    return (await of_chains(graph, [chain], filter=question.filter, page=page))[chain]


def _filters(asked: TransactionFilter) -> dict[str, Any]:
    return {
        "party": asked.party,
        "method_id": asked.method_id,
        "status": asked.status,
        "since": asked.window.since,
        "until": asked.window.until,
        "min_raw": None if asked.min_raw is None else str(asked.min_raw),
        "max_raw": None if asked.max_raw is None else str(asked.max_raw),
    }
