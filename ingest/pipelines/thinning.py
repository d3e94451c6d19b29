"""Thins out prices in time as they grow old; what a transfer is valued by stays."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Final

import msgspec

from graph_api.domain.thinning import DAY_MS, Keeping
from graph_api.store import prices
from graph_api.store.graph import Graph, Writing
from graph_api.store.ledger.turn import Turn
from graph_api.store.prices import Moment, Point

#: Of all who keep up, one thins out.
LEASE: Final = "prices:thinning"
#: So many points are looked at together; a single day may have more.
_LOOKED_AT: Final = 5_000
_OF_A_DAY: Final = 100_000
#: So many go in one transaction.
_AT_ONCE: Final = 500


_Remove = Callable[[list[str]], Awaitable[int]]


class Thinned(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an asset's points from before the time of which all are kept.

    ``pinned`` would have gone, but a transfer is valued by them.
    """

    asset: str
    seen: int = 0
    removed: int = 0
    pinned: int = 0


class Thinner:
    """Thins out; ``report`` hears of each asset.

    Doing it twice, in parts or beside others changes nothing: what stays follows from the points
    and the day alone.
    """

    def __init__(
        self,
        graph: Graph,
        *,
        keeping: Keeping,
        clock: Callable[[], datetime],
        report: Callable[[Thinned], None] = lambda thinned: None,
    ) -> None:
        self._graph, self._keeping, self._clock, self._report = graph, keeping, clock, report
        self._turn = Turn(graph, clock=clock)

    async def thin(self, assets: Iterable[str]) -> list[Thinned]:
        """Thin out the points of ``assets``. Raises: UpstreamUnavailable, LeaseLost."""
        await self._turn.hold([LEASE])
        try:
            return [await self._each(asset, self._remove) for asset in assets]
        finally:
            await self._turn.give_back()

    async def look(self, assets: Iterable[str]) -> list[Thinned]:
        """What ``thin`` would do. Raises: UpstreamUnavailable."""

        async def count(ids: list[str]) -> int:
            return len(ids)

        return [await self._each(asset, count) for asset in assets]

    async def _each(self, asset: str, remove: _Remove) -> Thinned:
        now = round(self._clock().timestamp() * 1000)
        newest = (await prices.at(self._graph, [Moment(asset=asset)])).values()
        # What an asset cost last is asked for at any time, however old it is.
        spared = {prices.price_id(asset, round(row.at.timestamp() * 1000)) for row in newest}
        thinned, days = Thinned(asset=asset), [(0, self._keeping.all_since(now) // DAY_MS - 1)]
        while days:
            first, last = days.pop()
            limit = _LOOKED_AT if last > first else _OF_A_DAY
            points = await prices.points(
                self._graph, asset, first=first * DAY_MS, last=(last + 1) * DAY_MS - 1, limit=limit
            )
            if len(points) == limit and last > first:
                middle = (first + last) // 2
                days += [(first, middle), (middle + 1, last)]
                continue
            surplus = self._surplus(points, now, spared)
            free = [point.id for point in surplus if not point.pinned]
            removed = sum(
                [await remove(free[at : at + _AT_ONCE]) for at in range(0, len(free), _AT_ONCE)]
            )
            thinned = msgspec.structs.replace(
                thinned,
                seen=thinned.seen + len(points),
                removed=thinned.removed + removed,
                pinned=thinned.pinned + len(surplus) - len(free),
            )
        self._report(thinned)
        return thinned

    def _surplus(self, points: Iterable[Point], now: int, spared: set[str]) -> list[Point]:
        by_time = {point.at: point for point in points}
        gone = sorted(self._keeping.surplus(by_time, now=now))
        return [by_time[at] for at in gone if by_time[at].id not in spared]

    async def _remove(self, ids: list[str]) -> int:
        async def work(writing: Writing) -> int:
            return await prices.thin(writing, ids)

        return await self._turn.change([LEASE], work)
