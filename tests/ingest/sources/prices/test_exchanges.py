"""Exchanges as ccxt reads them, answering at a socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Final

import msgspec
import pytest

from graph_api.domain.assets import ASSETS, Asset, asset_named
from graph_api.domain.errors import BadInput
from graph_api.domain.prices import USD, Quote, Rules, agreed
from ingest.providers.faults import NoEndpoint
from ingest.sources.prices.exchanges import Exchange
from tests.ingest.sources.prices.site import Site, bitstamp, candle, kraken, served

NOW: Final = 1_700_000_000_000
HOUR: Final = 3_600_000
#: The end of an hour before ``NOW``.
START: Final = NOW - NOW % HOUR


def some(*names: str) -> list[Asset]:
    return [asset_named(name) for name in names]


@asynccontextmanager
async def exchange(name: str, site: Site) -> AsyncIterator[Exchange]:
    opened = Exchange.open(name, url=site.url, timeout_s=5)
    try:
        yield opened
    finally:
        await opened.close()


async def test_tickers_are_read_exactly_and_by_the_best_pair() -> None:
    last = {
        "ETH/USD": "2000.123456789",
        "ETH/USDT": "9",
        "BTC/USDT": "40000",
        "USDT/USD": "0.99871",
        "USD/DAI": "1.25",
        "SOL/USD": None,
    }
    async with served() as site, exchange("kraken", site) as open_exchange:
        kraken(site, last)
        quotes = await open_exchange.quotes(ASSETS, now=NOW)
        again = await open_exchange.quotes(some("ETH"), now=NOW + 1)
        asked = site.paths()

    found = {quote.asset: quote for quote in quotes}
    assert found["ethereum"] == Quote(
        asset="ethereum", source="kraken", price=Decimal("2000.123456789"), at=NOW
    )
    assert (found["bitcoin"].price, found["bitcoin"].currency) == (Decimal(40_000), "tether")
    assert (found["tether"].price, found["tether"].currency) == (Decimal("0.99871"), USD)
    assert found["dai"].price == Decimal("0.8")
    assert found["solana"].price is None
    assert found.keys() == {"ethereum", "bitcoin", "tether", "dai", "solana"}
    assert [one.price for one in again] == [found["ethereum"].price]
    assert asked.count("/0/public/AssetPairs") == 1


async def test_an_old_ticker_and_a_wild_one_do_not_move_the_price() -> None:
    async with (
        served() as one,
        served() as two,
        served() as three,
        exchange("kraken", one) as first,
        exchange("bitstamp", two) as second,
        exchange("bitstamp", three) as third,
    ):
        kraken(one, {"ETH/USD": "2000", "BTC/USD": "40000"})
        bitstamp(two, {"ETH/USD": "2002", "BTC/USD": "80000"}, at_s=NOW // 1000)
        bitstamp(three, {"ETH/USD": "1999", "BTC/USD": "40010"}, at_s=NOW // 1000 - 3_600)
        quotes = [
            msgspec.structs.replace(quote, source=name)
            for name, source in (("kraken", first), ("bitstamp", second), ("late", third))
            for quote in await source.quotes(some("ETH", "BTC"), now=NOW)
        ]

    prices, refused = agreed(quotes, now=NOW, rules=Rules(max_age_ms=600_000))

    assert {asset: (one.usd, one.source) for asset, one in prices.items()} == {
        "ethereum": (Decimal(2001), "bitstamp+kraken")
    }
    assert [(one.asset, one.source, one.reason) for one in refused] == [
        ("ethereum", "late", "it is 3600 s old"),
        ("bitcoin", "late", "it is 3600 s old"),
        ("bitcoin", "kraken", "0 of 2 sources agree, which is too few"),
        ("bitcoin", "bitstamp", "0 of 2 sources agree, which is too few"),
    ]


async def test_history_is_what_was_known_at_the_end_of_each_traded_hour() -> None:
    opened = [START // 1000 - 3_600 * back for back in range(9, -1, -1)]
    rows = [candle(at, f"{2000 + place}.5") for place, at in enumerate(opened)]
    rows[4] = candle(opened[4], "1", volume="0.00000000")
    async with served() as site, exchange("kraken", site) as open_exchange:
        kraken(site, {"ETH/USD": "1", "BTC/USDT": "1"}, candles={"ETH/USD": rows})
        ether, bitcoin, dai = some("ETH", "BTC", "DAI")
        found = await open_exchange.history(ether, first=START - 6 * HOUR, last=START)
        in_tether = await open_exchange.history(bitcoin, first=START - HOUR, last=START)
        not_traded = await open_exchange.history(dai, first=START - HOUR, last=START)

    # The candle that opened six hours and one before the end closed six hours before it.
    assert [((START - one.at) // HOUR, str(one.usd)) for one in found] == [
        (6, "2002.5"),
        (5, "2003.5"),
        (3, "2005.5"),
        (2, "2006.5"),
        (1, "2007.5"),
        (0, "2008.5"),
    ]
    assert {one.source for one in found} == {"kraken"}
    assert (in_tether, not_traded) == ([], [])


@pytest.mark.parametrize(
    ("status", "fault"),
    [(429, "overloaded"), (503, "unreachable"), (401, "refused")],
)
async def test_an_exchange_that_fails_is_named_and_rests(status: int, fault: str) -> None:
    async with served() as site, exchange("bitstamp", site) as open_exchange:
        site.status = (status, {})
        with pytest.raises(NoEndpoint, match="bitstamp"):
            await open_exchange.quotes(some("ETH"), now=NOW)
        asked = len(site.asked)
        with pytest.raises(NoEndpoint) as second:
            await open_exchange.quotes(some("ETH"), now=NOW)
        (state,) = open_exchange.status()

    assert (state.state, state.fault) == ("resting", fault)
    assert site.url not in str(second.value)
    assert len(site.asked) == asked


async def test_garbage_is_a_fault_of_the_exchange() -> None:
    async with served() as site, exchange("kraken", site) as open_exchange:
        kraken(site, {"ETH/USD": "2000"})
        site.answers["/0/public/Ticker"] = b"<html>busy</html>"
        with pytest.raises(NoEndpoint):
            await open_exchange.quotes(some("ETH"), now=NOW)
        (state,) = open_exchange.status()
    assert state.faults == 1


async def test_an_exchange_that_nobody_knows_is_refused() -> None:
    with pytest.raises(BadInput, match="no exchange 'mtgox'"):
        Exchange.open("mtgox")
    with pytest.raises(BadInput):
        Exchange.open("../kraken")
