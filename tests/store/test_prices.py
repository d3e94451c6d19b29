"""Prices in the graph: values of transfers and flows stay exact, whatever else is written."""

import asyncio
import random
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

from graph_api.domain.assets import Asset
from graph_api.domain.events import ANY_CHAIN, Line
from graph_api.domain.prices import Course, Price
from graph_api.domain.records import Record
from graph_api.store import outbox, prices
from graph_api.store.graph import Graph, Writing
from graph_api.store.ledger import mending, pricing
from graph_api.store.ledger.pricing import Priced, Pricing
from graph_api.store.ledger.recompute import Recount
from graph_api.store.ledger.turn import Turn
from graph_api.store.prices import Moment
from graph_api.store.records import moment
from ingest.pipelines.following import Follower
from tests import given
from tests.conftest import empty
from tests.given import ETHER, ETHEREUM, NOON, NOW, Ledger, difference, snapshot
from tests.ingest.chains import GivenChain

HOUR: Final = 3_600_000
COINS: Final = Asset(
    id="coins", symbol="COIN", tokens=(ETHER, *(given.erc20(f"token {one}") for one in range(3)))
)


def price(usd: str, at: int, *, asset: str = "coins", source: str = "a") -> Price:
    return Price(asset=asset, usd=Decimal(usd), at=at, source=source)


def by(*points: Price, decimals: int = 18) -> dict[str, Pricing]:
    """Every token of ``COINS`` priced by ``points``."""
    one = Pricing(decimals=decimals, course=Course(points), tolerance_ms=HOUR)
    return dict.fromkeys(COINS.tokens, one)


async def everything(graph: Graph) -> list[str]:
    rows = await graph.run_alone("MATCH (t:Transfer) RETURN t.id AS id ORDER BY id")
    return [row["id"] for row in rows]


async def priced(graph: Graph, *points: Price, again: bool = False) -> Priced:
    work = pricing.reprice if again else pricing.price
    turn = Turn(graph, clock=lambda: NOW)
    return await work(turn, ETHEREUM.id, await everything(graph), by=by(*points))


async def flows(graph: Graph) -> list[tuple[float | None, str | None, int | None]]:
    rows = await graph.run_alone(
        "MATCH (f:Flow) RETURN f.usd AS usd, f.usd_micros AS micros, f.priced AS priced "
        "ORDER BY f.id"
    )
    return [(row["usd"], row["micros"], row["priced"]) for row in rows]


async def wrong(graph: Graph, folder: Path) -> list[str]:
    await asyncio.to_thread(folder.mkdir)
    return [str(one) async for one in Recount(graph, folder).differences()]


def follower(graph: Graph, chain: GivenChain) -> Follower:
    return Follower(graph, Turn(graph, clock=lambda: NOW), chain, start=chain.first)


async def written(graph: Graph, *records: Record) -> None:
    async with Ledger.open(graph) as ledger:
        await ledger.write(*records)


async def test_a_value_is_that_of_the_time_and_flows_add_up(graph: Graph, tmp_path: Path) -> None:
    await written(
        graph,
        given.token("token 0", decimals=6),
        given.transfer("alice", "desk", tx="1", at=NOON, amount_raw=15 * 10**17),
        given.transfer("alice", "desk", tx="2", at=NOON + HOUR, amount_raw=1),
        given.transfer("alice", "desk", tx="3", at=NOON + 3 * HOUR),
        given.transfer("alice", "desk", tx="4", at=NOON - 1),
        given.transfer("alice", "desk", tx="5", at=None, block=None),
        given.transfer("alice", "desk", tx="6", amount_raw=None),
        given.transfer("alice", "desk", tx="7", token=given.erc20("unknown")),
        given.transfer("alice", "alice", tx="8", at=NOON),
    )

    done = await priced(graph, price("2000.10", NOON), price("1999.5", NOON + HOUR, source="b+c"))

    ids = [f"{given.transaction_id_of(tx)}:log:0" for tx in "12345678"]
    found = await prices.of_transfers(graph, ids)
    assert {ids.index(id_) + 1: (one.usd, one.source) for id_, one in found.items()} == {
        1: (3000.15, "a"),
        2: (0.0, "b+c"),
        8: (2000.1, "a"),
    }
    assert found[ids[1]].at == moment(NOON + HOUR)
    assert (done.priced, len(done.left)) == (3, 5)
    assert sorted(one for one in await flows(graph) if one[2]) == [
        (2000.1, "2000100000", 1),
        (3000.15, "3000150000", 2),
    ]
    assert await wrong(graph, tmp_path / "spool") == []


async def test_pricing_twice_changes_nothing_and_repricing_replaces(
    graph: Graph, tmp_path: Path
) -> None:
    await written(graph, *(given.transfer("alice", "desk", tx=f"{one}") for one in range(5)))
    told = await outbox.lines(graph)
    await priced(graph, price("2", NOON))
    once = await snapshot(graph)

    same = await priced(graph, price("3", NOON))
    assert (same.priced, same.left) == (0, [])
    assert difference(once, await snapshot(graph)) == ""
    other = await priced(graph, price("3", NOON - 1), again=True)
    assert (other.priced, (await flows(graph))[0]) == (5, (15.0, "15000000", 5))
    gone = await priced(graph, price("9", NOON + 1), again=True)

    assert (gone.priced, gone.left) == (0, [])
    assert (await flows(graph))[0] == (15.0, "15000000", 5)
    assert await wrong(graph, tmp_path / "spool") == []
    assert await outbox.lines(graph) == told


async def test_blocks_that_are_taken_back_take_their_values_along(
    graph: Graph, tmp_path: Path
) -> None:
    chain = GivenChain(ETHEREUM, seed=11)
    chain.grow(20)
    points = [price(f"{100 + one % 7}.37", NOON + one * 12_000) for one in range(80, 160, 3)]
    for depth in (0, 1, 6, 20):
        chain.fork(depth)
        await follower(graph, chain).run(until=chain.height)
        await priced(graph, *points)
        assert await wrong(graph, tmp_path / f"{depth}") == []
    # What blocks were valued by that are gone stays known.
    await graph.write(lambda writing: prices.pin(writing, points))
    followed = await snapshot(graph)
    assert any(worth for _, worth, _ in await flows(graph))

    await empty(graph)
    await follower(graph, chain).run(until=chain.height)
    await priced(graph, *points)
    await graph.write(lambda writing: prices.pin(writing, points))
    assert difference(await snapshot(graph), followed) == ""


async def test_whoever_prices_and_whoever_follows_do_not_undo_one_another(
    graph: Graph, tmp_path: Path
) -> None:
    chain, chance = GivenChain(ETHEREUM, seed=13), random.Random(2)
    chain.grow(10)
    await follower(graph, chain).run(until=chain.height)
    done = asyncio.Event()

    async def follow() -> None:
        following = follower(graph, chain)
        for _ in range(6):
            chain.fork(chance.randrange(4), grow=6)
            await following.run(until=chain.height)
        done.set()

    async def value() -> None:
        usd = 100
        while not done.is_set():
            usd += 1
            await priced(graph, price(f"{usd}.01", NOON + 80 * 12_000), again=True)

    await asyncio.gather(follow(), value())

    assert await wrong(graph, tmp_path / "spool") == []
    assert any(worth for _, worth, _ in await flows(graph))


async def test_wrong_values_of_flows_are_found_and_mended(graph: Graph, tmp_path: Path) -> None:
    await written(
        graph, given.transfer("alice", "desk", tx="1"), given.transfer("bob", "desk", tx="2")
    )
    await priced(graph, price("5", NOON))
    right = await snapshot(graph)
    await graph.run_alone("MATCH (f:Flow) SET f.usd = 1.0, f.usd_micros = '1', f.priced = 7")

    said = await wrong(graph, tmp_path / "one")
    turn = Turn(graph, clock=lambda: NOW)
    await turn.hold([ETHEREUM.id])
    await asyncio.to_thread((tmp_path / "two").mkdir)
    await mending.mend(turn, Recount(graph, tmp_path / "two").differences())
    await turn.give_back()

    assert len(said) == 2
    assert "usd_micros is 1, should be 5000000; priced is 7, should be 1" in said[0]
    assert difference(right, await snapshot(graph)) == ""


async def test_prices_are_found_by_asset_and_moment(graph: Graph) -> None:
    await prices.keep(
        graph,
        [price(f"{one}", NOON + one * HOUR) for one in range(1, 30)]
        + [price("7", NOON, asset="coins2"), price("0.000000000000000001", 5, asset="dust")],
    )
    await prices.keep(graph, [price("99", NOON + HOUR, source="late")])
    asked = [
        Moment(asset="coins"),
        Moment(asset="coins", at=moment(NOON + HOUR)),
        Moment(asset="coins", at=moment(NOON + 3 * HOUR - 1)),
        Moment(asset="coins", at=moment(NOON)),
        Moment(asset="dust"),
        Moment(asset="nothing"),
    ]

    found = await prices.at(graph, asked)

    assert [found[one].usd if one in found else None for one in asked] == [
        "29",
        "1",
        "2",
        None,
        "0.000000000000000001",
        None,
    ]
    assert found[asked[1]].source == "a"
    course = await prices.course(graph, "coins", first=NOON + 2 * HOUR, last=NOON + 3 * HOUR)
    one = course.at(NOON + 9 * HOUR, tolerance_ms=9 * HOUR)
    assert one == price("3", NOON + 3 * HOUR)
    assert course.at(NOON + 2 * HOUR - 1, tolerance_ms=HOUR) is None


async def test_tokens_stand_for_assets_once_they_are_loaded(ledger: Ledger) -> None:
    graph = ledger.graph
    tether = Asset(id="tether", symbol="USDT", tokens=(given.erc20("usdt"),), listing="tether")
    await prices.register(graph, [COINS, tether])
    assert await prices.priced_tokens(graph) == []

    await ledger.write(given.token("usdt", decimals=6), given.transfer("alice", "bob"))
    await prices.register(graph, [COINS, tether])
    await prices.register(graph, [COINS, tether])
    found = await prices.of_tokens(graph, [ETHER, given.erc20("usdt"), given.erc20("other")])
    assert {token: one.id for token, one in found.items()} == {
        ETHER: "coins",
        given.erc20("usdt"): "tether",
    }

    moved = Asset(id="coins", symbol="COIN", tokens=(given.erc20("usdt"),))
    await prices.register(graph, [moved])
    assert (await prices.of_tokens(graph, [given.erc20("usdt")]))[given.erc20("usdt")].id == "coins"
    assert await prices.tokens_of(graph, ["coins", "tether"]) == {
        "coins": sorted([ETHER, given.erc20("usdt")])
    }


async def test_a_tick_is_told_once_and_never_goes_back(graph: Graph) -> None:
    await prices.register(graph, [COINS])

    async def ticked(*some: Price) -> list[str]:
        async def work(writing: Writing) -> list[str]:
            return await prices.tick(writing, some, kept=some[:1], now=NOW + timedelta(seconds=1))

        return await graph.write(work)

    assert await ticked(price("5.50", NOON), price("1", NOON, asset="unknown")) == ["coins"]
    assert await ticked(price("5.50", NOON)) == []
    assert await ticked(price("4", NOON - 1)) == []
    (row,) = await prices.assets(graph)
    (event,) = await outbox.after(graph, Line.PRICES, ANY_CHAIN, 0, limit=10)

    assert (row.usd, row.source, row.at) == ("5.50", "a", moment(NOON))
    assert event.body == {
        "asset": "coins",
        "symbol": "COIN",
        "usd": "5.50",
        "source": "a",
        "at": NOON,
    }
    assert (await prices.at(graph, [Moment(asset="coins")]))[Moment(asset="coins")].usd == "5.50"
