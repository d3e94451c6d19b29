"""The shortest way that value could have taken from one wallet to another.

The search goes on from both ends, a whole level at a time, from that end which is cheaper to go on
from: a wallet tells how many flows it has before they are read. It passes neither services nor
hubs, and gives up after a number of flows, so that no wallet makes it unbounded.
"""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Final

import msgspec

from graph_api.domain.errors import BadInput, GraphApiError
from graph_api.domain.ids import AccountId, TokenId, chain_id_of
from graph_api.services.walks import HUB, Stop
from graph_api.store import walks
from graph_api.store.graph import Graph
from graph_api.store.transfers import Direction
from graph_api.store.walks import Hop, Neighbours

#: How many flows one search reads before it gives up.
BUDGET: Final = 50_000
#: How many flows one statement of it reads.
_PER_STATEMENT: Final = 5_000
#: How many wallets of the other side are checked ahead, because the next step may meet them.
_AHEAD: Final = 200
#: How many of the wallets where it stopped an answer names, the nearest first.
_NAMED: Final = 100


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
    found = await asyncio.gather(*(_answer(graph, asked, now) for asked in questions))
    answers = zip(questions, found, strict=True)
    return {asked: answer for asked, answer in answers if answer is not None}


async def _answer(
    graph: Graph, asked: PathQuestion, now: datetime
) -> PathSearch | GraphApiError | None:
    if asked.start == asked.end:
        return BadInput("A path leads from one wallet to another; name two.")
    if chain_id_of(asked.start) != chain_id_of(asked.end):
        return BadInput("The wallets are on different chains, and no transfer leads across.")
    return await _Search(graph, asked, now).run()


class _Side:
    """What was seen from one end: from where each wallet was reached, and the outermost ones."""

    def __init__(self, end: AccountId) -> None:
        self.end = end
        self.came_from: dict[AccountId, AccountId | None] = {end: None}
        self.outermost: dict[AccountId, int] = {}
        self.hops = 0

    @property
    def cost(self) -> int:
        """How many flows the next level reads."""
        return sum(self.outermost.values())

    def way(self, wallet: AccountId) -> list[AccountId]:
        """From ``wallet`` to the end."""
        way = [wallet]
        while (before := self.came_from[way[-1]]) is not None:
            way.append(before)
        return way

    def see(self, wallets: list[AccountId], near: dict[AccountId, dict[AccountId, int]]) -> None:
        """Take what is next to some of the outermost wallets."""
        for wallet in wallets:
            for next_one, flows in near.get(wallet, {}).items():
                if next_one not in self.came_from:
                    self.came_from[next_one] = wallet
                    self.outermost[next_one] = flows


class _OutOfBudget(Exception):
    """The next statement would read more flows than are left."""


class _Search:
    """One search under way."""

    def __init__(self, graph: Graph, asked: PathQuestion, now: datetime) -> None:
        self._graph, self._asked, self._now = graph, asked, now
        self._forth, self._back = _Side(asked.start), _Side(asked.end)
        self._stopped: dict[AccountId, StoppedAt] = {}
        self._checked = {asked.start, asked.end}
        self._read = 0

    async def run(self) -> PathSearch | None:
        """Go on from the cheaper end until both have met, or cannot; None where one is unknown."""
        found = await self._step(forth=[self._asked.start], back=[self._asked.end], ends=True)
        if len(found.ends) < 2:
            return None
        self._forth.outermost = {self._asked.start: found.ends[self._asked.start]}
        self._back.outermost = {self._asked.end: found.ends[self._asked.end]}
        met = await self._reach_at_first(found)
        sides = (self._forth, self._back)
        while met is None and all(side.outermost for side in sides):
            if self._hops == self._asked.max_hops:
                return self._answer(Ending.MAX_HOPS)
            side, other = sorted(sides, key=lambda one: one.cost)
            try:
                met = await self._go_on(side, other)
            except _OutOfBudget:
                return self._answer(Ending.BUDGET)
        return self._answer(Ending.EXHAUSTED) if met is None else self._found(met)

    @property
    def _hops(self) -> int:
        return self._forth.hops + self._back.hops

    async def _reach_at_first(self, found: Neighbours) -> AccountId | None:
        """Take the neighbours of both ends, as far as they were read and may be a path's."""
        near = ((self._forth, self._back, found.forth), (self._back, self._forth, found.back))
        for side, other, of in near:
            if side.cost > _PER_STATEMENT or self._hops == self._asked.max_hops:
                continue
            self._read += side.cost
            side.outermost, side.hops = {}, 1
            side.see([side.end], of)
            if (met := await self._met(side, other)) is not None:
                return met
            self._leave_barred(side)
        return None

    async def _go_on(self, side: _Side, other: _Side) -> AccountId | None:
        """See the next level of one side; the wallet where it meets the other, if it does."""
        parts = list(_parts(side.outermost))
        flows_of, side.outermost = side.outermost, {}
        side.hops += 1
        ahead = list(other.outermost) if len(other.outermost) <= _AHEAD else []
        for part in parts:
            self._spend(sum(flows_of[wallet] for wallet in part))
            checked = self._to_check([*part, *ahead])
            is_forth = side is self._forth
            found = await self._step(
                forth=part if is_forth else [], back=[] if is_forth else part, checked=checked
            )
            for wallet in found.services:
                flows = flows_of.get(wallet)
                self._bar(wallet, Stop.SERVICE, other.outermost[wallet] if flows is None else flows)
            passed = [wallet for wallet in part if wallet not in self._stopped]
            side.see(passed, found.forth if is_forth else found.back)
            if (met := await self._met(side, other)) is not None:
                return met
        self._leave_barred(side)
        return None

    async def _met(self, side: _Side, other: _Side) -> AccountId | None:
        """Of wallets that both sides have reached, the one with the fewest flows that may be
        passed.
        """
        meets = {one: flows for one, flows in side.outermost.items() if one in other.came_from}
        open_ = {one: flows for one, flows in meets.items() if not self._is_barred(one, flows)}
        if unknown := self._to_check(list(open_)):
            found = await self._step(checked=unknown)
            for wallet in found.services:
                self._bar(wallet, Stop.SERVICE, open_.pop(wallet))
        return min(open_, key=lambda one: (open_[one], one), default=None)

    async def _step(
        self,
        *,
        forth: Sequence[AccountId] = (),
        back: Sequence[AccountId] = (),
        ends: bool = False,
        checked: Sequence[AccountId] = (),
    ) -> Neighbours:
        return await walks.neighbours(
            self._graph,
            forth=forth,
            back=back,
            direction=self._asked.direction,
            token=self._asked.token,
            most=_PER_STATEMENT if ends else BUDGET,
            ends=(self._asked.start, self._asked.end) if ends else (),
            checked=checked,
            at=self._now,
        )

    def _spend(self, flows: int) -> None:
        if self._read + flows > BUDGET:
            raise _OutOfBudget
        self._read += flows

    def _to_check(self, wallets: list[AccountId]) -> list[AccountId]:
        if self._asked.through_services:
            return []
        new = [wallet for wallet in wallets if wallet not in self._checked]
        self._checked.update(new)
        return new

    def _leave_barred(self, side: _Side) -> None:
        side.outermost = {
            wallet: flows
            for wallet, flows in side.outermost.items()
            if not self._is_barred(wallet, flows)
        }

    def _is_barred(self, wallet: AccountId, flows: int) -> bool:
        if wallet in (self._asked.start, self._asked.end):
            return False
        if flows > self._asked.hub:
            self._bar(wallet, Stop.HUB, flows)
        return wallet in self._stopped

    def _bar(self, wallet: AccountId, stop: Stop, flows: int) -> None:
        self._stopped.setdefault(wallet, StoppedAt(wallet=wallet, stop=stop, flows=flows))

    def _found(self, met: AccountId) -> PathSearch:
        forth, back = self._forth.way(met)[::-1], self._back.way(met)
        direction, token = self._asked.direction, self._asked.token
        hops = [Hop(start, end, start, direction, token) for start, end in pairwise(forth)]
        hops += [Hop(start, end, end, direction, token) for start, end in pairwise(back)]
        return self._answer(Ending.FOUND, wallets=[*forth, *back[1:]], hops=hops)

    def _answer(
        self, ending: Ending, *, wallets: Sequence[AccountId] = (), hops: Sequence[Hop] = ()
    ) -> PathSearch:
        return PathSearch(
            ending=ending,
            wallets=list(wallets),
            hops=list(hops),
            stopped_at=list(self._stopped.values())[:_NAMED],
            stopped=len(self._stopped),
            wallets_seen=len(self._forth.came_from.keys() | self._back.came_from.keys()),
            flows_read=self._read,
        )


def _parts(flows: dict[AccountId, int]) -> Iterator[list[AccountId]]:
    """Wallets in parts that one statement may read, those with few flows first."""
    part: list[AccountId] = []
    size = 0
    for wallet in sorted(flows, key=lambda one: (flows[one], one)):
        if part and size + flows[wallet] > _PER_STATEMENT:
            yield part
            part, size = [], 0
        part.append(wallet)
        size += flows[wallet]
    yield part
