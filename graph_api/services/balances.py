"""What wallets hold, as far as it is known: exact sums, each with what it covers.

Received less sent is a change of a balance and not the balance: fees, block rewards, withdrawals
and whatever was not loaded are missing from it. Only a UTXO chain that is loaded from its first
block on without a gap tells all that a wallet has.
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from graph_api.domain.amounts import units
from graph_api.domain.chains import Family, chain_of
from graph_api.domain.errors import BadInput, GraphApiError, TooCostly
from graph_api.domain.ids import (
    AccountId,
    ChainId,
    TokenId,
    chain_id_of,
    chain_of_id,
    native_token,
)
from graph_api.domain.pages import Page, Slice
from graph_api.store import blocks, chains, holdings, moves, tokens
from graph_api.store.blocks import Window
from graph_api.store.chains import ChainRow
from graph_api.store.graph import Graph
from graph_api.store.holdings import HoldingRow
from graph_api.store.moves import Move

#: How many movements of a wallet are summed up for one portfolio.
MOST_MOVES: Final = 50_000
_TOKENS: Final = 100_000


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """What a sum is made of. ``complete`` says that it is the balance.

    ``uncounted`` transfers have no known amount; ``undated`` ones no known time, where one counts.
    """

    complete: bool
    since_block: int | None
    until_block: int | None
    uncounted: int
    undated: int = 0


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """What one wallet received and sent of one token, in base units; ``amount`` is the difference
    in whole units, to chart.
    """

    wallet: AccountId
    token: TokenId
    received_raw: int
    sent_raw: int
    amount: float | None
    transfers: int
    first_at: datetime | None
    last_at: datetime | None
    coverage: Coverage

    @property
    def net_raw(self) -> int:
        """Received less sent."""
        return self.received_raw - self.sent_raw


class Portfolio(msgspec.Struct, frozen=True, kw_only=True):
    """A wallet's positions as they were at a moment."""

    wallet: AccountId
    as_of: datetime
    positions: list[Position]
    coverage: Coverage


async def balances(
    graph: Graph,
    wallets: list[AccountId],
    *,
    first: int,
    of: tuple[TokenId, ...] | None = None,
) -> dict[AccountId, list[Position]]:
    """What each wallet received and sent of each token, the most used token first."""
    ids = list(dict.fromkeys(chain_id_of(wallet) for wallet in wallets))
    held, loaded = await asyncio.gather(
        holdings.of_wallets(graph, wallets, first=first, tokens=of), chains.by_ids(graph, ids)
    )
    return {
        wallet: [_position(row, loaded[chain_id_of(wallet)]) for row in rows]
        for wallet, rows in held.items()
    }


class Supply(msgspec.Struct, frozen=True):
    """A token and how many base units of it exist, where that is known."""

    token: TokenId
    total_raw: int | None


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """A wallet that received more of a token than it sent, and its share of all that exists."""

    position: Position
    share: float | None


async def holders(
    graph: Graph, supplies: list[Supply], *, page: Page
) -> dict[Supply, Slice[Holder]]:
    """Who holds each token as far as it is known, the largest difference first."""
    ids = list(dict.fromkeys(ChainId(chain_of_id(supply.token).id) for supply in supplies))
    found, loaded = await asyncio.gather(
        holdings.holders(graph, [supply.token for supply in supplies], page=page),
        chains.by_ids(graph, ids),
    )
    answers: dict[Supply, Slice[Holder]] = {}
    for supply in supplies:
        rows = found[supply.token]
        chain = loaded[ChainId(chain_of_id(supply.token).id)]
        held = [_holder(_position(row, chain), supply) for row in rows.rows]
        answers[supply] = Slice(
            rows=held,
            places=rows.places,
            more_before=rows.more_before,
            more_after=rows.more_after,
        )
    return answers


def _holder(position: Position, supply: Supply) -> Holder:
    total = supply.total_raw
    return Holder(position=position, share=position.net_raw / total if total else None)


async def portfolios(
    graph: Graph, wallets: list[AccountId], *, now: datetime, as_of: datetime | None = None
) -> dict[AccountId, Portfolio | GraphApiError]:
    """What each wallet had received and sent by ``as_of``, the most used token first.

    A wallet that moved more than ``MOST_MOVES`` times both before and since has TooCostly instead;
    one has BadInput of which no movement has both a time and a token, so that nothing can be told.
    """
    moment = now if as_of is None else min(as_of, now)
    ids = list(dict.fromkeys(chain_id_of(wallet) for wallet in wallets))
    loaded = await chains.by_ids(graph, ids)
    found = await asyncio.gather(
        *(_sums(graph, wallet, moment, loaded[chain_id_of(wallet)]) for wallet in wallets)
    )
    told = [sums for sums in found if isinstance(sums, list)]
    moved = list({one.token: None for sums in told for one in sums})
    known = await tokens.by_ids(graph, moved) if moved else {}
    decimals = {token: row.decimals for token, row in known.items()}
    return {
        wallet: _portfolio(wallet, moment, sums, loaded[chain_id_of(wallet)], decimals)
        if isinstance(sums, list)
        else sums
        for wallet, sums in zip(wallets, found, strict=True)
    }


async def _sums(
    graph: Graph, wallet: AccountId, moment: datetime, chain: ChainRow
) -> "list[_Sum] | GraphApiError":
    try:
        if chain_of(chain.id).family is Family.UTXO:
            sums = await _of_outputs(graph, wallet, moment)
        else:
            sums = await _until(graph, wallet, moment)
            if sums is None:
                sums = await _now_less(graph, wallet, moment, chain)
    except BadInput as refusal:
        return refusal
    if sums is None:
        return _too_costly(wallet)
    known = [one for one in sums.values() if one.transfers or one.undated]
    return sorted(known, key=lambda one: (-one.transfers, one.token))


def _too_costly(wallet: AccountId) -> TooCostly:
    return TooCostly(
        f"{wallet} moved more than {MOST_MOVES} times before and since then; ask for a moment "
        "nearer to its first or last activity, or for its balances."
    )


def _require_told(wallet: AccountId, told: Iterable[bool]) -> None:
    """Raises: BadInput when something moved, and of nothing it is told when and what."""
    every = list(told)
    if every and not any(every):
        raise BadInput(
            f"No movement of {wallet} by then has both a known time and a known token; ask for its "
            "balances, or its counterparties, which need no time."
        )


def _portfolio(
    wallet: AccountId,
    moment: datetime,
    sums: "list[_Sum]",
    chain: ChainRow,
    decimals: dict[TokenId, int | None],
) -> Portfolio:
    positions = [one.position(wallet, chain, decimals.get(one.token)) for one in sums]
    covered = [position.coverage for position in positions]
    return Portfolio(
        wallet=wallet,
        as_of=moment,
        positions=positions,
        coverage=Coverage(
            complete=bool(covered) and all(one.complete for one in covered),
            since_block=min(
                (one.since_block for one in covered if one.since_block is not None), default=None
            ),
            until_block=chain.last_block,
            uncounted=sum(one.uncounted for one in covered),
            undated=sum(one.undated for one in covered),
        ),
    )


class _Sum:
    """Totals of one token while they are added up."""

    def __init__(self, token: TokenId) -> None:
        self.token = token
        self.received_raw = self.sent_raw = 0
        self.transfers = self.uncounted = self.undated = 0
        self.first_at: datetime | None = None
        self.last_at: datetime | None = None
        self.since_block: int | None = None

    def add(self, raw: str | None, *, received: bool, sign: int = 1) -> None:
        """Count an amount, or that it is unknown; ``sign`` -1 takes it back."""
        if raw is None:
            self.uncounted += sign
        elif received:
            self.received_raw += sign * int(raw)
        else:
            self.sent_raw += sign * int(raw)

    def saw(self, moment: datetime, block: int | None) -> None:
        """A movement of that moment is among them."""
        self.first_at = moment if self.first_at is None else min(self.first_at, moment)
        self.last_at = moment if self.last_at is None else max(self.last_at, moment)
        if block is not None:
            self.since_block = block if self.since_block is None else min(self.since_block, block)

    def position(self, wallet: AccountId, chain: ChainRow, decimals: int | None) -> Position:
        """The sum as it stands."""
        return Position(
            wallet=wallet,
            token=self.token,
            received_raw=self.received_raw,
            sent_raw=self.sent_raw,
            amount=units(self.received_raw - self.sent_raw, decimals),
            transfers=self.transfers,
            first_at=self.first_at,
            last_at=self.last_at,
            coverage=Coverage(
                complete=_is_whole(chain) and self.uncounted == 0 and self.undated == 0,
                since_block=self.since_block,
                until_block=chain.last_block,
                uncounted=self.uncounted,
                undated=self.undated,
            ),
        )


_Sums = dict[TokenId, _Sum]


async def _until(graph: Graph, wallet: AccountId, moment: datetime) -> _Sums | None:
    """The sums of all that moved by ``moment``; None when that is too much."""
    moved = await _moves(graph, wallet, Window(until=moment))
    if moved is None:
        return None
    _require_told(
        wallet, (move.token is not None and move.block_time is not None for move in moved)
    )
    sums: _Sums = {}
    seen: set[str | None] = set()
    for move in moved:
        if move.token is None or (move.block_time is not None and move.block_time > moment):
            continue
        one = sums.setdefault(move.token, _Sum(move.token))
        # What a wallet sends to itself stands on both sides and is one transfer.
        new = move.key not in seen
        seen.add(move.key)
        if move.block_time is None:
            one.undated += new
            continue
        one.transfers += new
        one.add(move.amount_raw, received=move.side == "in")
        one.saw(move.block_time, move.block_number)
    return sums


async def _now_less(
    graph: Graph, wallet: AccountId, moment: datetime, chain: ChainRow
) -> _Sums | None:
    """The sums of now, less what moved after ``moment``; None when that is too much.

    Not where transfers of a known block wait for its time: nobody can say on which side they are.
    """
    moved = None if chain.untimed else await _moves(graph, wallet, Window(since=moment))
    if moved is None:
        return None
    rows = await holdings.of_wallets(graph, [wallet], first=_TOKENS)
    sums: _Sums = {}
    for row in rows.get(wallet, []):
        one = sums[row.token] = _Sum(row.token)
        one.received_raw, one.sent_raw = int(row.received_raw), int(row.sent_raw)
        one.transfers, one.uncounted = row.transfers, row.uncounted
        one.first_at, one.since_block = row.first_at, row.since_block
    seen: set[str | None] = set()
    for move in moved:
        if move.token is None or (move.block_time is not None and move.block_time <= moment):
            continue
        one = sums[move.token]
        new = move.key not in seen
        seen.add(move.key)
        one.transfers -= new
        one.undated += new and move.block_time is None
        one.add(move.amount_raw, received=move.side == "in", sign=-1)
    return sums


async def _moves(graph: Graph, wallet: AccountId, window: Window) -> list[Move] | None:
    chain = chain_id_of(wallet)
    spans = (await blocks.spans(graph, [chain], window))[chain]
    return await moves.of_wallet(graph, wallet, spans=spans, budget=MOST_MOVES)


async def _of_outputs(graph: Graph, wallet: AccountId, moment: datetime) -> _Sums | None:
    owned = await moves.outputs_of_wallet(graph, wallet, budget=MOST_MOVES)
    if owned is None:
        return None
    _require_told(wallet, (one.created_at is not None or one.spent_at is not None for one in owned))
    token = native_token(chain_of(chain_id_of(wallet)))
    one = _Sum(token)
    for output in owned:
        if output.created and _counts(one, output.created_at, output.created_in, moment):
            one.add(output.amount_raw, received=True)
        if output.spent and _counts(one, output.spent_at, None, moment):
            one.add(output.amount_raw, received=False)
    return {token: one}


def _counts(one: _Sum, happened: datetime | None, block: int | None, moment: datetime) -> bool:
    if happened is None:
        one.undated += 1
        return False
    if happened > moment:
        return False
    one.transfers += 1
    one.saw(happened, block)
    return True


def _position(row: HoldingRow, chain: ChainRow) -> Position:
    return Position(
        wallet=row.wallet,
        token=row.token,
        received_raw=int(row.received_raw),
        sent_raw=int(row.sent_raw),
        amount=row.amount,
        transfers=row.transfers,
        first_at=row.first_at,
        last_at=row.last_at,
        coverage=Coverage(
            complete=_is_whole(chain) and row.uncounted == 0,
            since_block=row.since_block,
            until_block=chain.last_block,
            uncounted=row.uncounted,
        ),
    )


def _is_whole(chain: ChainRow) -> bool:
    """Whether all that ever happened to a wallet of the chain is loaded."""
    if chain_of(chain.id).family is not Family.UTXO or chain.last_block is None:
        return False
    return chain.first_block == 0 and chain.blocks == chain.last_block + 1
