"""The graph of listed transactions: on account chains with wallets, on UTXO chains with outputs.

Edges have the direction of value: from a sender to the transaction and on to the recipient, from
an output that is spent to the transaction and on to the outputs that it creates.
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

import msgspec

from graph_api.domain.chains import Family
from graph_api.domain.errors import BadInput, GraphApiError
from graph_api.domain.ids import (
    AccountId,
    TokenId,
    TransactionId,
    TransferId,
    chain_id_of,
    chain_of_id,
)
from graph_api.domain.pages import Page
from graph_api.services.as_of import AsOf
from graph_api.services.transaction_graphs.listing import (
    Listed,
    Place,
    TransactionGraphQuestion,
    carrier,
    listed,
)
from graph_api.store import blocks, chains, outputs, traces, transfers
from graph_api.store.graph import Graph
from graph_api.store.outputs import OutputRow
from graph_api.store.traces import SpentOrMade
from graph_api.store.transfers import TransferRow


class EdgeKind(StrEnum):
    """What an edge says."""

    SENT = "sent"
    RECEIVED = "received"
    SPENT = "spent"
    CREATED = "created"


class TransactionNode(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction, or a transfer of a file that names none.

    Args:
        more: Whether it has more transfers, or outputs on one side, than are shown.
    """

    id: str
    transaction: TransactionId | None
    block_number: int | None
    block_time: datetime | None
    more: bool


class OutputNode(msgspec.Struct, frozen=True, kw_only=True):
    """An output of a UTXO chain; the transactions that create and spend it, where loaded."""

    id: str
    owner: AccountId | None
    amount_raw: str | None
    created_by: TransactionId | None
    spent_by: TransactionId | None


class TransactionEdge(msgspec.Struct, frozen=True, kw_only=True):
    """Value on its way into a transaction or out of it."""

    id: str
    kind: EdgeKind
    source: str
    target: str
    token: TokenId | None = None
    amount_raw: str | None = None
    amount: float | None = None
    transfer: TransferId | None = None


class TransactionGraph(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """Transactions, newest first, with what they moved."""

    question: TransactionGraphQuestion
    transactions: list[TransactionNode]
    wallets: list[AccountId]
    outputs: list[OutputNode]
    edges: list[TransactionEdge]
    end: Place | None
    stopped: bool
    as_of: AsOf


async def graphs(
    graph: Graph, questions: list[TransactionGraphQuestion], *, now: datetime
) -> dict[TransactionGraphQuestion, TransactionGraph | GraphApiError]:
    """The graph around each wallet; an empty one where nothing of it is loaded."""
    found = await asyncio.gather(*(_tried(graph, asked, now) for asked in questions))
    return dict(zip(questions, found, strict=True))


async def _tried(
    graph: Graph, asked: TransactionGraphQuestion, now: datetime
) -> TransactionGraph | GraphApiError:
    try:
        asked.check()
        found = await listed(graph, asked)
        as_of = await _as_of(graph, asked, now)
    except BadInput as refusal:
        return refusal
    draw = _of_outputs if _has_outputs(asked.wallet) else _of_wallets
    return await draw(graph, asked, found, as_of)


def _has_outputs(wallet: AccountId) -> bool:
    return chain_of_id(wallet).family is Family.UTXO


async def _as_of(graph: Graph, asked: TransactionGraphQuestion, now: datetime) -> AsOf:
    chain = chain_id_of(asked.wallet)
    if asked.as_of is not None:
        block = await blocks.highest_until(graph, chain, asked.as_of)
        return AsOf(chain=chain, block=block, at=min(asked.as_of, now))
    newest = (await chains.by_ids(graph, [chain]))[chain].last_block
    if asked.as_of_block is not None and newest is not None:
        newest = min(newest, asked.as_of_block)
    return AsOf(chain=chain, block=newest, at=now)


async def _of_wallets(
    graph: Graph, asked: TransactionGraphQuestion, found: Listed, as_of: AsOf
) -> TransactionGraph:
    page = Page(size=asked.per_transaction)
    ids = [TransactionId(id) for id, own in found.own.items() if own[0].transaction is not None]
    carried = await transfers.of_transactions(graph, ids, page=page) if ids else {}
    nodes, edges, wallets = [], list[TransactionEdge](), {asked.wallet: None}
    for id, own in found.own.items():
        others = carried.get(TransactionId(id))
        rows = {row.id: row for row in (*(others.rows if others else ()), *own)}
        nodes.append(_transaction(id, own[0], more=others is not None and others.more_after))
        for row in rows.values():
            edges += _moved(row)
            wallets |= {end: None for end in (row.sender, row.recipient) if end is not None}
    return TransactionGraph(
        question=asked,
        transactions=nodes,
        wallets=list(wallets),
        outputs=[],
        edges=edges,
        end=found.end,
        stopped=found.stopped,
        as_of=as_of,
    )


def _transaction(id: str, row: TransferRow, *, more: bool) -> TransactionNode:
    return TransactionNode(
        id=id,
        transaction=row.transaction,
        block_number=row.block_number,
        block_time=row.block_time,
        more=more,
    )


def _moved(row: TransferRow) -> Iterable[TransactionEdge]:
    through = carrier(row)
    ends = [(EdgeKind.SENT, row.sender, through)] if row.sender else []
    for kind, source, target in (*ends, (EdgeKind.RECEIVED, through, row.recipient)):
        yield TransactionEdge(
            id=f"{row.id}:{kind.value}",
            kind=kind,
            source=source,
            target=target,
            token=row.token,
            amount_raw=row.amount_raw,
            amount=row.amount,
            transfer=row.id,
        )


async def _of_outputs(
    graph: Graph, asked: TransactionGraphQuestion, found: Listed, as_of: AsOf
) -> TransactionGraph:
    most = asked.per_transaction
    ids = [TransactionId(id) for id, own in found.own.items() if own[0].transaction is not None]
    created, spent, mine = await asyncio.gather(
        outputs.created_by(graph, ids, first=most + 1),
        outputs.spent_by(graph, ids, first=most + 1),
        outputs.of_wallet_in(graph, asked.wallet, ids, first=most),
    )
    nodes, edges, rows = [], list[TransactionEdge](), dict[str, OutputRow]()
    for id, own in found.own.items():
        sides = (
            (EdgeKind.SPENT, spent.get(TransactionId(id), []), mine.spent),
            (EdgeKind.CREATED, created.get(TransactionId(id), []), mine.created),
        )
        more = any(len(side) > most for _, side, _ in sides)
        nodes.append(_transaction(id, own[0], more=more))
        for kind, side, of_wallet in sides:
            some = [*side[:most], *of_wallet.get(TransactionId(id), [])]
            for row in {row.id: row for row in some}.values():
                rows[row.id] = row
                edges.append(_of_output(row, id, kind))
    return TransactionGraph(
        question=asked,
        transactions=nodes,
        wallets=[],
        outputs=await _outputs(graph, list(rows.values()), asked),
        edges=edges,
        end=found.end,
        stopped=found.stopped,
        as_of=as_of,
    )


def _of_output(row: OutputRow, transaction: str, kind: EdgeKind) -> TransactionEdge:
    spent = kind is EdgeKind.SPENT
    return TransactionEdge(
        id=f"{transaction}:{kind.value}:{row.id}",
        kind=kind,
        source=row.id if spent else transaction,
        target=transaction if spent else row.id,
        amount_raw=row.amount_raw,
    )


async def _outputs(
    graph: Graph, rows: list[OutputRow], asked: TransactionGraphQuestion
) -> list[OutputNode]:
    ids = [row.id for row in rows]
    makers, spenders = await asyncio.gather(traces.makers(graph, ids), traces.spenders(graph, ids))
    made = {one.output: one.id for one in makers}
    spent = {one.output: one.id for one in spenders if _had_happened(one, asked)}
    return [
        OutputNode(
            id=row.id,
            owner=row.owner,
            amount_raw=row.amount_raw,
            created_by=made.get(row.id),
            spent_by=spent.get(row.id),
        )
        for row in rows
    ]


def _had_happened(one: SpentOrMade, asked: TransactionGraphQuestion) -> bool:
    if asked.as_of is not None:
        return one.block_time is not None and one.block_time <= asked.as_of
    if asked.as_of_block is not None:
        return one.block_number is not None and one.block_number <= asked.as_of_block
    return True
