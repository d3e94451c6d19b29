"""Prices in time are thinned out as they grow old, and no value changes by it."""

from datetime import timedelta
from decimal import Decimal

import pytest

from graph_api.domain.prices import Price
from graph_api.domain.thinning import DAY_MS, HOUR_MS, Keeping
from graph_api.store import prices
from graph_api.store.graph import Graph
from graph_api.store.ledger.turn import Turn
from graph_api.store.prices import Moment
from graph_api.store.records import moment
from ingest.pipelines import thinning
from ingest.pipelines.pricing import Pricer
from ingest.pipelines.thinning import Thinned, Thinner
from ingest.pipelines.ticking import Daily
from tests import given
from tests.given import NOON
from tests.ingest.pipelines.test_pricing import COIN, market, values, written

#: Where the day of all points begins that transfers are priced by.
FIRST = NOON // DAY_MS * DAY_MS
NOW = moment(FIRST + 20 * DAY_MS + HOUR_MS)
KEEPING = Keeping(all_days=3, hourly_days=10)
HALF = HOUR_MS // 2


async def filled(graph: Graph) -> None:
    """A price every half hour for twenty days, and payments of the first day that it values."""
    await written(
        graph,
        *(
            given.transfer("alice", "desk", tx=f"{n}", block=1_000 + n, at=FIRST + n * 5 * HOUR_MS)
            for n in range(1, 4)
        ),
    )
    points = range(FIRST, FIRST + 20 * DAY_MS, HALF)
    await prices.keep(
        graph,
        (
            Price(asset=COIN.id, usd=Decimal(2_000) + n, at=at, source="site")
            for n, at in enumerate(points)
        ),
    )


async def points(graph: Graph) -> list[int]:
    found = await graph.run_alone("MATCH (p:Price) RETURN p.at AS at ORDER BY at")
    return [row["at"] for row in found]


def thinner(graph: Graph, *, days: int = 0) -> Thinner:
    return Thinner(graph, keeping=KEEPING, clock=lambda: NOW + timedelta(days=days))


async def test_what_is_old_is_thinned_out_and_what_is_valued_by_it_stays(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Longer stretches are halved until they can be looked at.
    monkeypatch.setattr(thinning, "_LOOKED_AT", 60)
    monkeypatch.setattr(thinning, "_AT_ONCE", 100)
    await filled(graph)
    async with market(COIN) as (found, _, _):
        await Pricer(graph, Turn(graph, clock=lambda: NOW), found).price()
        before = await values(graph)
        would = await thinner(graph).look([COIN.id])
        (thinned,) = await thinner(graph).thin([COIN.id])
        left = await points(graph)
        again = await thinner(graph).thin([COIN.id])
        repriced = await Pricer(graph, Turn(graph, clock=lambda: NOW), found).reprice()

    days = [[at for at in left if at // DAY_MS == FIRST // DAY_MS + n] for n in range(20)]
    named = {FIRST + n * 5 * HOUR_MS for n in range(1, 4)}
    assert days[0] == sorted({FIRST, *named})
    assert [len(day) for day in days[1:]] == [1] * 9 + [24] * 7 + [48] * 3
    assert would == [thinned]
    assert (thinned.pinned, thinned.seen - thinned.removed) == (3, 4 + 9 + 7 * 24)
    assert again == [Thinned(asset=COIN.id, seen=4 + 9 + 7 * 24, removed=0, pinned=3)]
    assert len(before) == 3
    assert await values(graph) == before
    assert sum(one.priced for one in repriced) == 0


async def test_the_newest_price_stays_however_old_and_a_day_is_gone_through_once(
    graph: Graph,
) -> None:
    await filled(graph)
    await prices.register(graph, [COIN])
    day = [0]
    daily = Daily(graph, thinner(graph, days=60), clock=lambda: NOW + timedelta(days=day[0]))

    removed = [await daily.step(), await daily.step()]
    day[0] += 1
    removed.append(await daily.step())

    newest = FIRST + 20 * DAY_MS - HALF
    assert await points(graph) == [*range(FIRST, FIRST + 20 * DAY_MS, DAY_MS), newest]
    assert removed == [20 * 48 - 21, 0, 0]
    key = Moment(asset=COIN.id)
    assert (await prices.at(graph, [key]))[key].at == moment(newest)


async def test_a_price_that_went_while_a_value_was_worked_out_comes_back(graph: Graph) -> None:
    price = Price(asset=COIN.id, usd=Decimal(7), at=FIRST, source="site")
    await prices.keep(graph, [price])
    (point,) = await prices.points(graph, COIN.id, first=FIRST, last=FIRST, limit=9)
    first = await graph.write(lambda writing: prices.thin(writing, [point.id]))
    await graph.write(lambda writing: prices.pin(writing, [price, price]))
    then = await graph.write(lambda writing: prices.thin(writing, [point.id]))

    (back,) = await prices.points(graph, COIN.id, first=FIRST, last=FIRST, limit=9)
    assert (first, then, back) == (1, 0, prices.Point(id=point.id, at=FIRST, pinned=True))
