"""Traces on UTXO chains: each round reads the transactions that spend what the last one reached.

Nothing but these transactions matters, so no balance is reckoned and no wallet is a hub; a coin
whose owner is a service ends what reaches it. The inputs of a transaction are taken in their order,
where it is loaded; else in the order of their ids, which the answer counts.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from heapq import heapify, heappop, heappush
from typing import Final, NamedTuple

from graph_api.analysis.tracing.coins import (
    Coin,
    CoinSeeds,
    Spending,
    follow_coins,
    follow_coins_back,
)
from graph_api.analysis.tracing.limits import Budget, Ended, Stops
from graph_api.analysis.tracing.order import LAST
from graph_api.analysis.tracing.pieces import NONE, Fate, Piece, Traced
from graph_api.domain.errors import BadInput, NotFound, TooCostly
from graph_api.domain.ids import AccountId, ChainId, TransactionId
from graph_api.services.tracing.accounts import Report, spent
from graph_api.services.tracing.answering import NAMED, sums
from graph_api.services.tracing.answers import (
    Reading,
    TraceAnswer,
    TraceEnd,
    TracePiece,
)
from graph_api.services.tracing.ledger import Ledger
from graph_api.services.tracing.questions import TraceQuestion, Way
from graph_api.store import traces
from graph_api.store.graph import Graph
from graph_api.store.traces import CoinOf, CoinRow, SpentOrMade

#: How many outputs of one wallet a trace may begin with.
_OUTPUTS: Final = 50_000


class _Transaction(NamedTuple):
    """A transaction with the coins on both its sides, as ids."""

    row: SpentOrMade
    inputs: list[CoinOf]
    outputs: list[CoinOf]


async def traced(
    graph: Graph,
    asked: TraceQuestion,
    *,
    budget: Budget,
    now: datetime,
    seconds: Callable[[], float],
    report: Report,
) -> TraceAnswer:
    """Follow value over coins. ``seconds`` is a clock that only goes on.

    Raises: NotFound where a seed is not loaded; BadInput where nobody knows its amount.
    """
    return await _Reading(graph, asked, now=now).run(budget, seconds, report)


class _Reading:
    """One trace while it is read."""

    def __init__(self, graph: Graph, asked: TraceQuestion, *, now: datetime) -> None:
        self._graph, self._asked = graph, asked
        self._services = Ledger(graph, asked, now=now)
        self._transactions: dict[TransactionId, _Transaction] = {}
        self._owners: dict[str, AccountId | None] = {}
        self._numbers: dict[str, int] = {}
        self._looked: set[str] = set()
        self._last: int | None = None

    async def run(
        self, budget: Budget, seconds: Callable[[], float], report: Report
    ) -> TraceAnswer:
        """Read and follow until nobody spends what was reached, or the budget is spent."""
        began = seconds()
        self._last = await self._services.last_block(ChainId(self._asked.chain.id))
        seeds = await self._seeds()
        reached = [row.id for row in seeds]
        while True:
            await self._read(reached)
            order, found = await asyncio.to_thread(self._follow, seeds, budget)
            names = {number: id for id, number in self._numbers.items()}
            coins = {names[piece.place] for piece in found.pieces if piece.place != NONE}
            wallets = {self._owners[coin] for coin in coins} - {None}
            report(len(self._transactions), len(wallets))
            ended = spent(budget, found, len(wallets), len(self._transactions), seconds() - began)
            reached = sorted(coins - self._looked)
            if ended is Ended.COMPLETE and reached:
                continue
            return await self._answer(order, found, ended)

    async def _seeds(self) -> list[CoinRow]:
        asked = self._asked
        if asked.outputs:
            rows: Sequence[CoinRow] = await traces.outputs(self._graph, asked.outputs)
            missing = set(asked.outputs) - {row.id for row in rows}
            if missing:
                raise NotFound(f"The output {min(missing)} is not loaded.")
        elif asked.transaction is not None:
            coins = await traces.coins_of(self._graph, [asked.transaction])
            rows = [row for row in coins if row.side == "out"]
        else:
            assert asked.wallet is not None
            rows = await self._of_wallet(asked.wallet)
        if not rows:
            raise NotFound("No output is loaded that could be traced.")
        for row in rows:
            if row.amount_raw is None:
                raise BadInput(f"Nobody knows the amount of {row.id}.")
            self._owners[row.id] = row.owner
        await self._services.check({row.owner for row in rows if row.owner})
        return list(rows)

    async def _of_wallet(self, wallet: AccountId) -> list[CoinRow]:
        """The outputs of a wallet that it had, or got, in the window."""
        rows = await traces.outputs_of(self._graph, wallet, limit=_OUTPUTS + 1)
        if len(rows) > _OUTPUTS:
            raise TooCostly(f"{wallet} has more than {_OUTPUTS:,} outputs; name some of them.")
        ids = [row.id for row in rows]
        made = await traces.makers(self._graph, ids)
        gone = await traces.spenders(self._graph, ids) if self._asked.since else []
        since = self._asked.since
        late = {row.output for row in made if not self._is_in_time(row)}
        late |= {row.output for row in gone if since and row.block_time and row.block_time < since}
        return [row for row in rows if row.id not in late and row.amount_raw is not None]

    async def _read(self, coins: Iterable[str]) -> None:
        """Read the transactions that spend these coins, or backwards, that created them."""
        wanted = set(coins)
        self._looked |= wanted
        look = traces.spenders if self._asked.way is Way.FORWARD else traces.makers
        rows = {row.id: row for row in await look(self._graph, wanted) if self._is_in_time(row)}
        new = rows.keys() - self._transactions.keys()
        sides: dict[TransactionId, _Transaction] = {
            id: _Transaction(rows[id], [], []) for id in new
        }
        for coin in await traces.coins_of(self._graph, new):
            transaction = sides[coin.transaction]
            (transaction.inputs if coin.side == "in" else transaction.outputs).append(coin)
            self._owners[coin.id] = coin.owner
        for transaction in sides.values():
            transaction.inputs.sort(key=_input_order)
            transaction.outputs.sort(key=lambda coin: (len(coin.id), coin.id))
        self._transactions |= sides
        await self._services.check({owner for owner in self._owners.values() if owner})

    def _is_in_time(self, row: SpentOrMade) -> bool:
        asked, moment = self._asked, self._services.moment
        if self._last is not None and (row.block_number or 0) > self._last:
            return False
        if row.block_time is None:
            return True
        is_early = asked.way is Way.BACKWARD and asked.since and row.block_time < asked.since
        return not is_early and row.block_time <= min(asked.until or moment, moment)

    def _follow(
        self, seeds: Iterable[CoinRow], budget: Budget
    ) -> tuple[list[_Transaction], Traced]:
        order = _in_order(self._transactions.values())
        spendings = [Spending(self._coins(one.inputs), self._coins(one.outputs)) for one in order]
        walk = follow_coins if self._asked.way is Way.FORWARD else follow_coins_back
        starts = CoinSeeds(coins={self._number(row.id): int(row.amount_raw or 0) for row in seeds})
        found = walk(
            spendings,
            starts,
            policy=self._asked.policy,
            stops=Stops(min_raw=self._asked.min_raw, max_hops=self._asked.max_hops),
            barred=self._barred(set(starts.coins)),
            budget=Budget(pieces=budget.pieces),
        )
        return order, found

    def _coins(self, rows: Iterable[CoinRow]) -> list[Coin]:
        return [
            (self._number(row.id), None if row.amount_raw is None else int(row.amount_raw))
            for row in rows
        ]

    def _number(self, coin: str) -> int:
        return self._numbers.setdefault(coin, len(self._numbers))

    def _barred(self, seeds: set[int]) -> dict[int, Fate]:
        """Coins that end what reaches them; who names one of them as a seed wants to go on."""
        barred: dict[int, Fate] = {}
        for coin, number in self._numbers.items():
            owner = self._owners.get(coin)
            fate = None if owner is None else self._services.fate(owner)
            # A coin is one of its owner's many: how many others he has does not matter.
            if number not in seeds and fate not in (None, Fate.HUB):
                barred[number] = fate
        return barred

    async def _answer(self, order: list[_Transaction], found: Traced, ended: Ended) -> TraceAnswer:
        names = {number: id for id, number in self._numbers.items()}
        pieces = tuple(self._piece(piece, order, names) for piece in found.pieces)
        ends = tuple(
            TraceEnd(
                piece=piece,
                amount_raw=str(raw),
                fate=self._fate(fate, names.get(found.pieces[piece].place), ended),
            )
            for piece, raw, fate in found.ends
        )
        wallets = {piece.wallet for piece in pieces if piece.wallet is not None}
        at_ends = {pieces[end.piece].wallet for end in ends if end.fate in NAMED}
        known = await self._services.parties_of(one for one in at_ends if one is not None)
        return TraceAnswer(
            question=self._asked,
            as_of=self._services.as_of,
            ended=ended,
            reading=Reading.WALLETS,
            events=found.looked_at,
            wallets=len(wallets),
            pieces=pieces,
            ends=ends,
            parties=tuple(known[wallet] for wallet in sorted(known)),
            crossings=(),
            sums=sums(pieces, ends),
            openings=(),
            unordered=sum(
                len(one.inputs) > 1 and any(coin.place is None for coin in one.inputs)
                for one in order
            ),
        )

    def _fate(self, fate: Fate, coin: str | None, ended: Ended) -> Fate:
        """What nobody looked further after is open."""
        is_open = fate in (Fate.HELD, Fate.ORIGIN) and coin not in self._looked
        return Fate.OPEN if is_open and ended is not Ended.COMPLETE else fate

    def _piece(self, piece: Piece, order: list[_Transaction], names: dict[int, str]) -> TracePiece:
        row = None if piece.event == NONE else order[piece.event].row
        output = names.get(piece.place)
        owner = None if output is None else self._owners[output]
        transaction = row.id if row else TransactionId((output or "").rpartition(":")[0])
        return TracePiece(
            wallet=owner,
            token=self._asked.native,
            amount_raw=str(piece.amount),
            hops=piece.hops,
            parent=None if piece.parent == NONE else piece.parent,
            output=output,
            transaction=transaction,
            block_number=None if row is None else row.block_number,
            block_time=None if row is None else row.block_time,
        )


def _input_order(coin: CoinOf) -> tuple[int, int, str]:
    return (LAST if coin.place is None else coin.place, len(coin.id), coin.id)


def _in_order(transactions: Iterable[_Transaction]) -> list[_Transaction]:
    """By block and place, and none before one whose coins it spends, where places are unknown."""
    by_id = {one.row.id: one for one in transactions}
    makers = {coin.id: id for id, one in by_id.items() for coin in one.outputs}
    waits = {
        id: {makers[coin.id] for coin in one.inputs if coin.id in makers}
        for id, one in by_id.items()
    }
    followers: dict[TransactionId, list[TransactionId]] = defaultdict(list)
    for id, before in waits.items():
        for one in before:
            followers[one].append(id)
    ready = [_heap_key(by_id[id]) for id, before in waits.items() if not before]
    heapify(ready)
    order = []
    while ready:
        *_, id = heappop(ready)
        order.append(by_id[id])
        for later in followers[id]:
            waits[later].discard(id)
            if not waits[later]:
                heappush(ready, _heap_key(by_id[later]))
    return order


def _heap_key(one: _Transaction) -> tuple[int, int, TransactionId]:
    row = one.row
    return (
        LAST if row.block_number is None else row.block_number,
        LAST if row.index is None else row.index,
        row.id,
    )
