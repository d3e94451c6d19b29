"""Questions about transfers: by id, and pages of a wallet, a token or a chain."""

import asyncio
import math
from datetime import datetime
from decimal import Decimal, localcontext
from enum import StrEnum
from typing import Any, ClassVar, Final, TypedDict

import msgspec

from graph_api.domain.errors import BadInput
from graph_api.domain.ids import (
    AccountId,
    ChainId,
    TokenId,
    TransactionId,
    TransferId,
    chain_id_of,
    chain_of_id,
)
from graph_api.domain.pages import Page, Slice, slice_of
from graph_api.store import blocks, streams, tokens
from graph_api.store.blocks import Window
from graph_api.store.graph import Graph
from graph_api.store.records import Columns
from graph_api.store.streams import OF_HITS, Stream


class Direction(StrEnum):
    """Which way value moved, seen from a wallet."""

    IN = "in"
    OUT = "out"
    BOTH = "both"


class TransferRow(msgspec.Struct, frozen=True, gc=False):
    """One movement of value."""

    own: ClassVar[frozenset[str]] = frozenset({"id"})

    id: TransferId
    chain: ChainId
    transaction: TransactionId | None
    position: str
    sender: AccountId | None
    recipient: AccountId
    token: TokenId | None
    amount_raw: str | None
    amount: float | None
    block_number: int | None
    block_time: datetime | None
    derived: bool | None
    usd: float | None


class TransferHit(TransferRow, frozen=True, gc=False):
    """A transfer as a statement of a stream answers it."""

    own: ClassVar[frozenset[str]] = TransferRow.own | OF_HITS

    owner: str
    side: str
    scanned: int | None
    last: str | None
    key: str | None


class TransferFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which transfers are asked for; None leaves a condition out.

    ``min_raw`` and ``max_raw`` are base units, ``min_units`` and ``max_units`` whole units of
    ``token``; all of them include what they name. ``party`` is a wallet on either side.
    """

    direction: Direction = Direction.BOTH
    token: TokenId | None = None
    sender: AccountId | None = None
    recipient: AccountId | None = None
    party: AccountId | None = None
    window: Window = Window()
    min_raw: int | None = None
    max_raw: int | None = None
    min_units: Decimal | None = None
    max_units: Decimal | None = None

    def __post_init__(self) -> None:
        units = (self.min_units, self.max_units)
        if any(
            amount is not None and amount < 0 for amount in (self.min_raw, self.max_raw, *units)
        ):
            raise BadInput("An amount is never below zero.")
        if units != (None, None) and self.token is None:
            raise BadInput(
                "An amount in whole units needs the token; name it, or ask in base units."
            )


class TransferQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A list of transfers: of a wallet, a token or a chain, at least one of them."""

    wallet: AccountId | None = None
    chain: ChainId | None = None
    filter: TransferFilter = TransferFilter()

    def __post_init__(self) -> None:
        if self.wallet is None and self.chain is None and self.filter.token is None:
            raise BadInput("Name a wallet, a token or a chain whose transfers are wanted.")


_SENT: Final = Stream(
    record=TransferHit,
    scan="transfers/sent",
    window="transfers/sent_window",
    newest="transfers/newest_sent",
)
_RECEIVED: Final = Stream(
    record=TransferHit,
    scan="transfers/received",
    window="transfers/received_window",
    newest="transfers/newest_received",
)
_OF_WALLET: Final = Stream(
    record=TransferHit,
    scan="transfers/of_wallet",
    window="transfers/of_wallet_window",
    newest="transfers/newest_of_wallet",
)
_OF_TOKEN: Final = Stream(
    record=TransferHit,
    scan="transfers/of_token",
    window="transfers/of_token_window",
    newest="transfers/newest_of_token",
)
_OF_CHAIN: Final = Stream(
    record=TransferHit,
    scan="transfers/of_chain",
    window="transfers/of_chain_window",
    newest="transfers/newest_of_chain",
)
_BY_DIRECTION: Final = {
    Direction.IN: _RECEIVED,
    Direction.OUT: _SENT,
    Direction.BOTH: _OF_WALLET,
}
_ROLES: Final = {Direction.IN: "recipient", Direction.OUT: "sender", Direction.BOTH: "party"}


async def by_ids(
    graph: Graph, transfers: list[TransferId], *, columns: Columns = None
) -> dict[TransferId, TransferRow]:
    """The transfers that are in the graph."""
    rows = await graph.read("transfers/by_ids", TransferRow, ids=transfers, columns=columns)
    return {row.id: row for row in rows}


async def of_wallets(
    graph: Graph,
    wallets: list[AccountId],
    *,
    filter: TransferFilter | None = None,
    page: Page,
    columns: Columns = None,
) -> dict[AccountId, Slice[TransferRow]]:
    """A page of each wallet's transfers, newest first."""
    asked = filter or TransferFilter()
    spans = await blocks.spans(graph, [chain_id_of(wallet) for wallet in wallets], asked.window)
    found = await streams.pages(
        graph,
        _BY_DIRECTION[asked.direction],
        wallets,
        page=page,
        spans={wallet: spans[chain_id_of(wallet)] for wallet in wallets},
        filters=await _filters(graph, asked),
        columns=columns,
    )
    return {AccountId(wallet): rows for wallet, rows in found.items()}


async def of_tokens(
    graph: Graph,
    tokens: list[TokenId],
    *,
    filter: TransferFilter | None = None,
    page: Page,
    columns: Columns = None,
) -> dict[TokenId, Slice[TransferRow]]:
    """A page of each token's transfers, newest first."""
    asked = filter or TransferFilter()
    chains = {token: ChainId(chain_of_id(token).id) for token in tokens}
    spans = await blocks.spans(graph, chains.values(), asked.window)
    found = await streams.pages(
        graph,
        _OF_TOKEN,
        tokens,
        page=page,
        spans={token: spans[chain] for token, chain in chains.items()},
        filters=await _filters(graph, asked) | {"token": None},
        columns=columns,
    )
    return {TokenId(token): rows for token, rows in found.items()}


async def of_chains(
    graph: Graph,
    chains: list[ChainId],
    *,
    filter: TransferFilter | None = None,
    page: Page,
    columns: Columns = None,
) -> dict[ChainId, Slice[TransferRow]]:
    """A page of each chain's transfers, newest first."""
    asked = filter or TransferFilter()
    spans = await blocks.spans(graph, chains, asked.window)
    found = await streams.pages(
        graph,
        _OF_CHAIN,
        chains,
        page=page,
        spans={chain: spans[chain] for chain in chains},
        filters=await _filters(graph, asked),
        columns=columns,
    )
    return {ChainId(chain): rows for chain, rows in found.items()}


async def search(
    graph: Graph, questions: list[TransferQuestion], *, page: Page, columns: Columns = None
) -> dict[TransferQuestion, Slice[TransferRow]]:
    """A page for each question, read from the shortest list that holds its answer."""
    found = await asyncio.gather(
        *(_search(graph, question, page, columns) for question in questions)
    )
    return dict(zip(questions, found, strict=True))


async def _search(
    graph: Graph, question: TransferQuestion, page: Page, columns: Columns
) -> Slice[TransferRow]:
    wallet, asked = question.wallet, question.filter
    more: _More = {"page": page, "columns": columns}
    if wallet is not None and asked.token is not None and asked.party is None:
        sizes = await graph.read_one("transfers/sizes", _Sizes, wallet=wallet, token=asked.token)
        if sizes is not None and (sizes.of_token or 0) < (sizes.of_wallet or 0):
            there = msgspec.structs.replace(asked, **{_ROLES[asked.direction]: wallet})
            return (await of_tokens(graph, [asked.token], filter=there, **more))[asked.token]
    if wallet is not None:
        return (await of_wallets(graph, [wallet], filter=asked, **more))[wallet]
    if asked.token is not None:
        return (await of_tokens(graph, [asked.token], filter=asked, **more))[asked.token]
    assert question.chain is not None
    return (await of_chains(graph, [question.chain], filter=asked, **more))[question.chain]


class _More(TypedDict):
    page: Page
    columns: Columns


class _Sizes(msgspec.Struct, frozen=True):
    of_wallet: int | None
    of_token: int | None


async def _filters(graph: Graph, asked: TransferFilter) -> dict[str, Any]:
    """The parameters of a scan; amounts are digits, which it compares by length and then text."""
    low, high = await _amounts(graph, asked)
    return {
        "token": asked.token,
        "sender": asked.sender,
        "recipient": asked.recipient,
        "party": asked.party,
        "since": asked.window.since,
        "until": asked.window.until,
        "min_raw": None if low is None else str(low),
        "max_raw": None if high is None else str(high),
    }


async def _amounts(graph: Graph, asked: TransferFilter) -> tuple[int | None, int | None]:
    """The least and the largest amount in base units."""
    if asked.min_units is None and asked.max_units is None:
        return asked.min_raw, asked.max_raw
    assert asked.token is not None
    row = (await tokens.by_ids(graph, [asked.token])).get(asked.token)
    if row is None or row.decimals is None:
        raise BadInput(f"The decimals of {asked.token} are not known; ask in base units.")
    low, high = asked.min_raw, asked.max_raw
    with localcontext(prec=400):
        if asked.min_units is not None:
            least = math.ceil(asked.min_units.scaleb(row.decimals))
            low = least if low is None else max(low, least)
        if asked.max_units is not None:
            most = math.floor(asked.max_units.scaleb(row.decimals))
            high = most if high is None else min(high, most)
    return low, high


class _Carried(TransferRow, frozen=True, gc=False):
    own: ClassVar[frozenset[str]] = frozenset({"id", "transaction", "place"})

    place: str


async def of_transactions(
    graph: Graph, transactions: list[TransactionId], *, page: Page, columns: Columns = None
) -> dict[TransactionId, Slice[TransferRow]]:
    """A page of each transaction's transfers, in the order in which they happened."""
    name = "transfers/of_transactions"
    rows = await graph.read(
        f"{name}_backwards" if page.backward else name,
        _Carried,
        transactions=transactions,
        after=page.after,
        before=page.before,
        limit=page.size + 1,
        columns=columns,
    )
    carried: dict[TransactionId, list[tuple[str, TransferRow]]] = {}
    for row in rows:
        if row.transaction is not None:
            carried.setdefault(row.transaction, []).append((row.place, row))
    return {key: slice_of(found, page) for key, found in carried.items()}
