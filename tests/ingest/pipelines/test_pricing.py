"""Transfers are priced at their time, from a service and from exchanges that answer at a socket."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from graph_api.domain.assets import Asset
from graph_api.domain.chains import chain_of
from graph_api.domain.events import ANY_CHAIN, Event, Line, Topic
from graph_api.domain.ids import ChainId, parse_token
from graph_api.domain.prices import Price, Rules
from graph_api.domain.records import Record, Token
from graph_api.services.price_watch import SourceState
from graph_api.store import outbox, prices
from graph_api.store.graph import Graph
from graph_api.store.ledger.turn import Turn
from graph_api.store.records import moment
from ingest.pipelines.pricing import Market, Pricer, together
from ingest.pipelines.ticking import Pace, Ticker, work
from tests import given
from tests.given import ETHER, ETHEREUM, NOON, Ledger, difference, snapshot
from tests.ingest.chains import GivenChain
from tests.ingest.providers.test_endpoints import Time
from tests.ingest.sources.prices.site import Site, bitstamp, candle, kraken, served
from tests.ingest.sources.prices.test_exchanges import exchange
from tests.ingest.sources.prices.test_listings import listings
from tests.store.test_prices import follower, wrong

HOUR: Final = 3_600_000
DAY: Final = 24 * HOUR
POLYGON: Final = chain_of("polygon")
DOLLAR: Final = Asset(
    id="dollar",
    symbol="USDC",
    tokens=(given.erc20("usdc"), parse_token(f"polygon:{given.address('usdc')}")),
    listing="usd-coin",
)
COIN: Final = Asset(
    id="ethereum",
    symbol="ETH",
    tokens=(ETHER, *(given.erc20(f"token {one}") for one in range(3))),
    listing="ethereum",
)


class Service:
    """A service that knows a price every hour, and how often it was asked for which stretch."""

    def __init__(self, site: Site) -> None:
        self.site = site
        for name, usd in (("ethereum", 2_000), ("usd-coin", 1)):
            path = f"/api/v3/coins/{name}/market_chart/range"
            site.answers[path] = lambda query, usd=usd: self.chart(query, usd)

    def chart(self, query: dict[str, str], usd: int) -> Any:
        """Each hour costs a thousandth more than the one before; none is known before a day."""
        first, last = (1000 * int(query[name]) for name in ("from", "to"))
        hours = range(max(first, NOON - 30 * DAY) // HOUR, last // HOUR + 1)
        return {
            "prices": [
                [at * HOUR, float(usd * (1000 + at - NOON // HOUR)) / 1000]
                for at in hours
                if at * HOUR >= first
            ]
        }


@asynccontextmanager
async def market(
    *assets: Asset, time: Time | None = None, exchanges: tuple[str, ...] = ()
) -> AsyncIterator[tuple[Market, Service, dict[str, Site]]]:
    """A service, and exchanges without a market so far."""
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(served())
        service = await stack.enter_async_context(listings(site, time=time))
        sites = {name: await stack.enter_async_context(served()) for name in exchanges}
        opened = [await stack.enter_async_context(exchange(name, sites[name])) for name in sites]
        rules = Rules(max_age_ms=600_000, deviation=Decimal("0.05"))
        found = Market(
            assets=assets or (COIN, DOLLAR),
            services=(service,),
            exchanges=tuple(opened),
            rules=rules,
            tolerance_ms=2 * HOUR,
        )
        yield found, Service(site), sites


def pricer(graph: Graph, market: Market) -> Pricer:
    return Pricer(graph, Turn(graph, clock=lambda: given.NOW), market)


async def written(graph: Graph, *records: Record) -> None:
    async with Ledger.open(graph) as ledger:
        await ledger.write(*records)


async def values(graph: Graph) -> dict[str, float]:
    """What transfers are worth, by the end of their ids."""
    rows = await graph.run_alone(
        "MATCH (t:Transfer) WHERE t.usd IS NOT NULL RETURN t.id AS id, t.usd AS usd"
    )
    return {row["id"]: row["usd"] for row in rows}


def id_of(tx: str) -> str:
    return f"{given.transaction_id_of(tx)}:log:0"


def payments() -> list[Record]:
    """A transfer every hour, each in a block of its own."""
    return [
        given.transfer("alice", "desk", tx=f"{hour}", block=1_000 + hour, at=NOON + hour * HOUR)
        for hour in range(-4, 4)
    ]


async def test_everything_is_priced_once_and_a_second_run_asks_for_nothing(
    graph: Graph, tmp_path: Path
) -> None:
    usdc = given.token("usdc", decimals=6)
    other = Token(
        id=DOLLAR.tokens[1], chain=ChainId(POLYGON.id), address=given.address("usdc"), decimals=6
    )
    one = given.transfer("alice", "bob", tx="usdc", token=usdc.id, amount_raw=5_000_000)
    await written(
        graph, *payments(), usdc, other, one, given.transfer("x", "y", tx="?", token=None)
    )
    async with market() as (found, service, _):
        first = await pricer(graph, found).price()
        asked, once = len(service.site.asked), await snapshot(graph)
        second = await pricer(graph, found).price()

        assert len(service.site.asked) == asked
    assert difference(once, await snapshot(graph)) == ""
    assert {
        swept.asset: (swept.seen, swept.priced, swept.left) for swept in first if swept.seen
    } == {
        "ethereum": (8, 8, 0),
        "dollar": (1, 1, 0),
    }
    assert [swept.priced for swept in second] == [0, 0, 0]
    worth = await values(graph)
    start = NOON // HOUR * HOUR
    at = {hour: NOON + hour * HOUR for hour in range(-4, 4)}
    assert {hour: worth[id_of(f"{hour}")] for hour in at} == {
        hour: pytest.approx(2000.0 + 2 * hour, abs=1e-6) for hour in at
    }
    assert worth[id_of("usdc")] == 5.0
    known = await prices.of_transfers(graph, [id_of("0")])
    assert [one.at for one in known.values()] == [moment(start)]
    assert await wrong(graph, tmp_path / "spool") == []


async def test_a_stretch_of_time_can_be_named_and_priced_anew(graph: Graph) -> None:
    blockless = given.transfer("a", "b", tx="file", block=None, at=NOON)
    await written(graph, *payments(), blockless)
    async with market() as (found, _, _):
        await pricer(graph, found).price(since=NOON - HOUR, until=NOON + HOUR)
        some = await values(graph)
        await prices.keep(
            graph,
            [Price(asset="ethereum", usd=Decimal(7), at=NOON - 1_000, source="other")],
        )
        (again,) = await pricer(graph, found).reprice(since=NOON, until=NOON)

    assert some.keys() == {id_of(one) for one in ("-1", "0", "1", "file")}
    assert again.priced == 2
    assert (await values(graph))[id_of("0")] == 7.0
    assert (await values(graph))[id_of("1")] == some[id_of("1")]


async def test_a_source_that_was_away_is_named_and_the_next_run_goes_on(graph: Graph) -> None:
    await written(graph, *payments(), given.transfer("a", "b", tx="old", at=NOON - 400 * DAY))
    time = Time()
    async with market(COIN, time=time) as (found, service, _):
        service.site.status = (503, {})
        one = pricer(graph, found)
        (before,) = await one.price()
        service.site.status, time.now = None, time.now + 10_000
        (after,) = await one.price()

    assert (before.priced, before.left, list(one.troubles)) == (0, 9, [])
    assert (after.priced, after.left) == (8, 1)


async def test_tokens_that_say_no_decimals_are_named(graph: Graph) -> None:
    await written(graph, given.transfer("a", "b", tx="1", token=DOLLAR.tokens[0]))
    async with market() as (found, _, _):
        (swept,) = await pricer(graph, found).price()
    assert (swept.priced, swept.reason) == (0, "nobody has told its decimals yet")


async def test_exchanges_have_to_agree_on_each_hour(graph: Graph) -> None:
    await written(graph, *payments())
    start = NOON // HOUR * 3_600
    hours = range(-12, 6)
    async with market(COIN, exchanges=("kraken",)) as (found, service, sites):
        service.site.answers = {}
        rows = [candle(start + 3_600 * hour, f"{1000 + hour}") for hour in hours]
        kraken(sites["kraken"], {"ETH/USD": "1"}, candles={"ETH/USD": rows})
        (swept,) = await pricer(graph, found).price()

    assert (swept.priced, swept.left) == (8, 0)
    # The candle that opened an hour before closed at this hour.
    assert (await values(graph))[id_of("0")] == 999.0

    def point(source: str, usd: str, at: int) -> Price:
        return Price(asset="ethereum", usd=Decimal(usd), at=at, source=source)

    told = [point("a", "10", 1), point("b", "10.2", 1), point("a", "10", 2), point("b", "30", 2)]
    assert together(told, found.rules) == [point("a+b", "10.1", 1)]


async def test_what_is_announced_is_priced_as_it_comes(graph: Graph, tmp_path: Path) -> None:
    chain = GivenChain(ETHEREUM, seed=17)
    chain.grow(12)
    await follower(graph, chain).run(until=chain.height)
    await prices.keep(
        graph,
        [
            Price(asset="ethereum", usd=Decimal(3 + one), at=NOON + one * 300_000, source="a")
            for one in range(20)
        ],
    )
    async with market(COIN) as (found, _, _):
        one = pricer(graph, found)
        await one.listen()
        assert await one.follow() == 0
        heard = await told(graph, Line.TRANSFERS, ETHEREUM.id)
        chain.fork(3, grow=9)
        await follower(graph, chain).run(until=chain.height)
        new = {
            event.body["id"]
            for event in (await told(graph, Line.TRANSFERS, ETHEREUM.id))[len(heard) :]
            if event.topic is Topic.TRANSFER_SEEN
        }
        done = await one.follow()
        again = await one.follow()

    assert (done, again) == (len(new), 0)
    assert (await values(graph)).keys() == new
    assert await wrong(graph, tmp_path / "spool") == []


async def told(graph: Graph, line: Line, chain: str) -> list[Event]:
    return await outbox.after(graph, line, chain, 0, limit=1_000)


async def test_a_tick_is_announced_and_kept_now_and_then(graph: Graph) -> None:
    now = [given.NOW]
    async with market(COIN, exchanges=("bitstamp",)) as (found, service, sites):
        service.site.answers["/api/v3/simple/price"] = {"ethereum": {"usd": 1.0}}

        def said(usd: str) -> None:
            at_s = round(now[0].timestamp())
            bitstamp(sites["bitstamp"], {"ETH/USD": usd}, at_s=at_s)

        ticker = Ticker(graph, found, clock=lambda: now[0], keep=timedelta(minutes=5))
        second = Ticker(graph, found, clock=lambda: now[0], keep=timedelta(minutes=5))
        for usd in ("2000", "2001", "2001.50", "2002"):
            said(usd)
            assert await ticker.tick() == ["ethereum"]
            assert await ticker.tick() == []
            now[0] += timedelta(minutes=2)
        waiting = asyncio.create_task(second.tick())
        await asyncio.sleep(0)
        assert not waiting.done()
        said("2003")
        await ticker.leave()
        assert await waiting == ["ethereum"]
        await second.leave()

    events = await told(graph, Line.PRICES, ANY_CHAIN)
    assert [event.body["usd"] for event in events] == ["2000", "2001", "2001.5", "2002", "2003"]
    assert [event.number for event in events] == [1, 2, 3, 4, 5]
    assert events[0].body | {"at": 0} == {
        "asset": "ethereum",
        "symbol": "ETH",
        "usd": "2000",
        "source": "bitstamp",
        "at": 0,
    }
    rows = await graph.run_alone("MATCH (p:Price) RETURN p.usd AS usd ORDER BY p.at")
    assert [row["usd"] for row in rows] == ["2000", "2002"]


async def test_the_loop_ticks_and_prices_whatever_fails_meanwhile(graph: Graph) -> None:
    await written(graph, *payments())
    now, rounds, reached = given.NOW, [0], asyncio.Event()
    changes: list[int] = []

    async def sleep(seconds: float) -> None:
        rounds[0] += 1
        if rounds[0] > 6 and len(changes) >= 2:
            reached.set()
        await asyncio.sleep(0)

    def clock() -> datetime:
        if rounds[0] == 1:
            raise RuntimeError("a fault of ours")
        return now

    pace = Pace(
        every=timedelta(seconds=9), keep=timedelta(minutes=5), look_back=timedelta(days=36_500)
    )
    async with market(COIN) as (found, service, _):
        at = now.timestamp()
        listed = {"ethereum": {"usd": 1_999.5, "last_updated_at": at}}
        service.site.answers["/api/v3/simple/price"] = listed
        working = asyncio.create_task(
            work(
                graph,
                found,
                clock=clock,
                pace=pace,
                changed=lambda: changes.append(1),
                sleep=sleep,
            )
        )
        await reached.wait()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)

    assert len(await values(graph)) == 8
    assert [one.usd for one in await prices.assets(graph)] == ["1999.5"]


async def test_how_each_source_does_is_counted_and_told(graph: Graph) -> None:
    now, told = [given.NOW], list[list[SourceState]]()

    async def tell(sources: Sequence[SourceState]) -> None:
        told.append(list(sources))

    async with market(COIN, exchanges=("bitstamp",)) as (found, service, sites):
        listed = {"ethereum": {"usd": 1.0, "last_updated_at": now[0].timestamp()}}
        service.site.answers["/api/v3/simple/price"] = listed
        bitstamp(sites["bitstamp"], {"ETH/USD": "2000"}, at_s=round(now[0].timestamp()) - 9_000)
        ticker = Ticker(graph, found, clock=lambda: now[0], keep=timedelta(0), tell=tell)
        await ticker.tick()
        service.site.status = (401, {})
        now[0] += timedelta(minutes=1)
        await ticker.tick()
        await ticker.leave()

    first, then = ({one.name: one for one in some} for some in told)
    site, began = found.services[0].name, round(given.NOW.timestamp() * 1000)
    assert (first[site].answers, first[site].failures, first[site].succeeded_at) == (1, 0, began)
    # It is away, and remembers since when; what the other says is too old to be used.
    assert (then[site].answers, then[site].failures, then[site].succeeded_at) == (1, 1, began)
    assert (then["bitstamp"].answers, then["bitstamp"].refused) == (2, 2)
    assert then["bitstamp"].succeeded_at == began + 60_000
