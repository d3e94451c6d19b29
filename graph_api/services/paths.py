"""The shortest way that value could have taken from one wallet to another.

The search goes on from both ends, a whole level at a time, from that end which is cheaper to go on
from: a wallet tells how many flows it has before they are read. It passes neither services nor
hubs, and gives up after a number of flows, so that no wallet makes it unbounded.
"""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Final

import msgspec

from graph_api.domain.errors import BadInput, GraphApiError
from graph_api.domain.ids import AccountId, TokenId, chain_id_of
from graph_api.services.walks import HUB, Stop
from graph_api.store import walks
from graph_api.store.flows import FlowRow
from graph_api.store.graph import Graph
from graph_api.store.transfers import Direction
from graph_api.store.walks import Pair, WalkWallet

#: How many flows one search reads before it gives up.
BUDGET: Final = 50_000
#: How many flows one statement of it reads.
_PER_STATEMENT: Final = 5_000
#: How many of the wallets where it stopped an answer names, the nearest first.
_NAMED: Final = 100

_AGAINST: Final = {
    Direction.OUT: Direction.IN,
    Direction.IN: Direction.OUT,
    Direction.BOTH: Direction.BOTH,
}


class PathQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """From where to where, seen from ``start``, and what may be passed."""

    start: AccountId
    end: AccountId
    max_hops: int = 6
    direction: Direction = Direction.OUT
    token: TokenId | None = None
    hub: int = HUB
    through_services: bool = False


class Ending(StrEnum):
    """How a search ended."""

    FOUND = "found"
    EXHAUSTED = "exhausted"
    MAX_HOPS = "max_hops"
    BUDGET = "budget"


class StoppedAt(msgspec.Struct, frozen=True, kw_only=True):
    """A wallet that the search met and did not pass."""

    wallet: AccountId
    stop: Stop
    flows: int


class Hop(msgspec.Struct, frozen=True, kw_only=True):
    """Two neighbours on the way, and what flowed between them."""

    start: AccountId
    end: AccountId
    flows: list[FlowRow]


class PathSearch(msgspec.Struct, frozen=True, kw_only=True):
    """What a search found, or why it found nothing."""

    ending: Ending
    wallets: list[AccountId]
    hops: list[Hop]
    stopped_at: list[StoppedAt]
    stopped: int
    wallets_seen: int
    flows_read: int


async def shortest(
    graph: Graph, questions: list[PathQuestion], *, now: datetime
) -> dict[PathQuestion, PathSearch | GraphApiError]:
    """A search for each question; none where one of its wallets is not in the graph."""
    ends = {wallet: None for asked in questions for wallet in (asked.start, asked.end)}
    known = await walks.wallets(graph, list(ends), at=now)
    found = await asyncio.gather(*(_answer(graph, asked, known, now) for asked in questions))
    answers = zip(questions, found, strict=True)
    return {asked: answer for asked, answer in answers if answer is not None}


async def _answer(
    graph: Graph, asked: PathQuestion, known: dict[AccountId, WalkWallet], now: datetime
) -> PathSearch | GraphApiError | None:
    if asked.start == asked.end:
        return BadInput("A path leads from one wallet to another; name two.")
    if chain_id_of(asked.start) != chain_id_of(asked.end):
        return BadInput("The wallets are on different chains, and no transfer leads across.")
    if asked.start not in known or asked.end not in known:
        return None
    return await _Search(graph, asked, known, now).run()


class _Side:
    """What was seen from one end: from where each wallet was reached, and the outermost ones."""

    def __init__(self, end: WalkWallet, direction: Direction) -> None:
        self.direction = direction
        self.came_from: dict[AccountId, AccountId | None] = {end.id: None}
        self.outermost: dict[AccountId, int] = {end.id: end.flows}
        self.hops = 0

    @property
    def cost(self) -> int:
        """How many flows the next level reads."""
        return sum(self.outermost.values())

    def back(self, wallet: AccountId) -> list[AccountId]:
        """The way from ``wallet`` to the end."""
        way = [wallet]
        while (before := self.came_from[way[-1]]) is not None:
            way.append(before)
        return way


class _OutOfBudget(Exception):
    """The next statement would read more flows than are left."""


class _Search:
    """One search under way."""

    def __init__(
        self,
        graph: Graph,
        asked: PathQuestion,
        known: dict[AccountId, WalkWallet],
        now: datetime,
    ) -> None:
        self._graph, self._asked, self._now = graph, asked, now
        self._forth = _Side(known[asked.start], asked.direction)
        self._back = _Side(known[asked.end], _AGAINST[asked.direction])
        self._ends = {asked.start, asked.end}
        self._stopped: dict[AccountId, StoppedAt] = {}
        self._checked: set[AccountId] = set()
        self._read = 0

    async def run(self) -> PathSearch:
        """Go on from the cheaper end until both have met, or cannot."""
        sides = (self._forth, self._back)
        while all(side.outermost for side in sides):
            if self._forth.hops + self._back.hops == self._asked.max_hops:
                return self._answer(Ending.MAX_HOPS)
            side, other = sorted(sides, key=lambda one: one.cost)
            try:
                met = await self._go_on(side, other)
            except _OutOfBudget:
                return self._answer(Ending.BUDGET)
            if met is not None:
                return await self._found(met)
        return self._answer(Ending.EXHAUSTED)

    async def _go_on(self, side: _Side, other: _Side) -> AccountId | None:
        """See the next level of one side; the wallet where it meets the other, if it does."""
        seen: dict[AccountId, int] = {}
        side.hops += 1
        for part in self._parts(side):
            found = await self._step(part, side.direction)
            meets: dict[AccountId, int] = {}
            for wallet in part:
                if wallet in self._stopped:
                    continue
                for next_one, flows in found.get(wallet, {}).items():
                    if next_one not in side.came_from:
                        side.came_from[next_one] = wallet
                        seen[next_one] = flows
                        if next_one in other.came_from:
                            meets[next_one] = flows
            if meets and (met := await self._best(meets)) is not None:
                return met
        side.outermost = {
            wallet: flows for wallet, flows in seen.items() if not self._is_barred(wallet, flows)
        }
        return None

    def _parts(self, side: _Side) -> Iterator[list[AccountId]]:
        """The outermost wallets in parts that one statement may read, those of few flows first.

        Raises: _OutOfBudget.
        """
        part: list[AccountId] = []
        size = 0
        for wallet in sorted(side.outermost, key=lambda one: (side.outermost[one], one)):
            flows = side.outermost[wallet]
            if part and size + flows > _PER_STATEMENT:
                self._spend(size)
                yield part
                part, size = [], 0
            part.append(wallet)
            size += flows
        self._spend(size)
        yield part

    def _spend(self, flows: int) -> None:
        if self._read + flows > BUDGET:
            raise _OutOfBudget
        self._read += flows

    async def _step(
        self, wallets: list[AccountId], direction: Direction
    ) -> dict[AccountId, dict[AccountId, int]]:
        """The neighbours of wallets; what turns out to be a service is stopped at."""
        known = self._forth.outermost | self._back.outermost
        found = await walks.neighbours(
            self._graph,
            wallets,
            direction=direction,
            token=self._asked.token,
            checked=self._to_check(wallets),
            at=self._now,
        )
        for wallet in found.services:
            self._bar(wallet, Stop.SERVICE, known[wallet])
        return found.of

    async def _best(self, meets: dict[AccountId, int]) -> AccountId | None:
        """Of wallets that both sides have reached, the one with the fewest flows that may be
        passed.
        """
        open_ = {one: flows for one, flows in meets.items() if not self._is_barred(one, flows)}
        if unknown := self._to_check(list(open_)):
            found = await walks.neighbours(
                self._graph,
                [],
                direction=Direction.OUT,
                token=None,
                checked=unknown,
                at=self._now,
            )
            for wallet in found.services:
                self._bar(wallet, Stop.SERVICE, open_.pop(wallet))
        return min(open_, key=lambda one: (open_[one], one), default=None)

    def _to_check(self, wallets: list[AccountId]) -> list[AccountId]:
        if self._asked.through_services:
            return []
        new = [one for one in wallets if one not in self._checked and one not in self._ends]
        self._checked.update(new)
        return new

    def _is_barred(self, wallet: AccountId, flows: int) -> bool:
        if wallet in self._ends:
            return False
        if flows > self._asked.hub:
            self._bar(wallet, Stop.HUB, flows)
        return wallet in self._stopped

    def _bar(self, wallet: AccountId, stop: Stop, flows: int) -> None:
        self._stopped.setdefault(wallet, StoppedAt(wallet=wallet, stop=stop, flows=flows))

    async def _found(self, met: AccountId) -> PathSearch:
        forth, back = self._forth.back(met)[::-1], self._back.back(met)
        flows = await self._flows(forth, back)
        way = [*forth, *back[1:]]
        hops = [
            Hop(start=start, end=end, flows=flows.get(frozenset((start, end)), []))
            for start, end in pairwise(way)
        ]
        return self._answer(Ending.FOUND, wallets=way, hops=hops)

    async def _flows(
        self, forth: list[AccountId], back: list[AccountId]
    ) -> dict[frozenset[AccountId], list[FlowRow]]:
        """What flowed along the way, by the two wallets of each hop, the most transfers first."""
        rows = await walks.between(
            self._graph,
            [Pair(near, far) for near, far in pairwise(forth)],
            [Pair(near, far) for far, near in pairwise(back)],
            direction=self._asked.direction,
            token=self._asked.token,
        )
        found: dict[frozenset[AccountId], dict[str, FlowRow]] = {}
        for row in sorted(rows, key=lambda row: (-row.transfers, row.id)):
            found.setdefault(frozenset((row.sender, row.recipient)), {})[row.id] = row
        return {pair: list(by_id.values()) for pair, by_id in found.items()}

    def _answer(
        self,
        ending: Ending,
        *,
        wallets: list[AccountId] | None = None,
        hops: list[Hop] | None = None,
    ) -> PathSearch:
        return PathSearch(
            ending=ending,
            wallets=wallets or [],
            hops=hops or [],
            stopped_at=list(self._stopped.values())[:_NAMED],
            stopped=len(self._stopped),
            wallets_seen=len(self._forth.came_from.keys() | self._back.came_from.keys()),
            flows_read=self._read,
        )
