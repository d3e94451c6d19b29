"""A service in CoinGecko's shape, answering at a socket."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, Final

import httpx
import pytest
from pydantic import SecretStr

from graph_api.domain.assets import Asset, asset_named
from graph_api.domain.ids import parse_token
from graph_api.domain.prices import Quote
from ingest.providers.endpoints import Endpoints, EndpointSettings
from ingest.providers.faults import NoEndpoint
from ingest.sources.prices.listings import Listings
from tests.ingest.providers.test_endpoints import Time
from tests.ingest.sources.prices.site import Site, served

NOW: Final = 1_700_000_000_000
DAY: Final = 86_400_000
ETHER: Final = asset_named("ETH")
ADDRESS: Final = "0x" + "ab" * 20
UNLISTED: Final = Asset(
    id="unlisted", symbol="UNL", tokens=(parse_token("bsc"), parse_token(f"polygon:{ADDRESS}"))
)


@asynccontextmanager
async def listings(
    site: Site, *, key: SecretStr | None = None, time: Time | None = None
) -> AsyncIterator[Listings]:
    time = time or Time()
    endpoints = Endpoints(
        "coingecko",
        [EndpointSettings(url=f"{site.url}/api/v3")],
        client=httpx.AsyncClient(),
        clock=time,
        sleep=time.sleep,
        random=random.Random(1),
    )
    opened = Listings(endpoints, key=key, key_header="x-cg-demo-api-key")
    try:
        yield opened
    finally:
        await opened.close()


async def test_prices_are_asked_for_by_listing_and_else_by_contract() -> None:
    async with served() as site, listings(site, key=SecretStr("let me in")) as opened:
        site.answers = {
            "/api/v3/simple/price": {
                "ethereum": {"usd": 2000.0000000001, "last_updated_at": 1_700_000_000},
                "tether": {"usd": None, "last_updated_at": None},
                "usd-coin": {},
            },
            "/api/v3/simple/token_price/polygon-pos": {
                ADDRESS.upper().replace("0X", "0x"): {"usd": 1e-9, "last_updated_at": 1_699_999_999}
            },
        }
        some = [ETHER, asset_named("USDT"), asset_named("USDC"), asset_named("DAI"), UNLISTED]
        quotes = {quote.asset: quote for quote in await opened.quotes(some, now=NOW)}
        (_, query, headers), (_, contracts, _) = site.asked

    assert query["ids"] == "dai,ethereum,tether,usd-coin"
    assert contracts["contract_addresses"] == ADDRESS
    assert headers["x-cg-demo-api-key"] == "let me in"
    assert quotes["ethereum"] == Quote(
        asset="ethereum", source="coingecko", price=Decimal("2000.0000000001"), at=NOW
    )
    assert (quotes["tether"].price, quotes["tether"].at) == (None, None)
    assert (quotes["usd-coin"].price, quotes["unlisted"].price) == (None, Decimal("1e-9"))
    assert "dai" not in quotes


async def test_a_long_stretch_is_asked_for_in_parts_that_have_a_price_every_hour() -> None:
    def chart(query: dict[str, str]) -> Any:
        first, last = int(query["from"]), int(query["to"])
        days = range(first - first % 86_400, last + 1, 86_400)
        return {"prices": [[1000 * at + 7, at / 1e6] for at in days] + [[1000 * first, None]]}

    async with served() as site, listings(site) as opened:
        site.answers["/api/v3/coins/ethereum/market_chart/range"] = chart
        found = await opened.history(ETHER, first=NOW - 200 * DAY, last=NOW)
        spans = [int(query["to"]) - int(query["from"]) for _, query, _ in site.asked]

    assert len(spans) == 3
    assert max(spans) < 90 * 86_400
    assert len(found) == len({one.at for one in found}) == 200
    assert [one.at for one in found] == sorted(one.at for one in found)
    assert all(NOW - 200 * DAY <= one.at <= NOW for one in found)
    assert found[-1].usd == Decimal(str((found[-1].at // 1000) / 1e6))


async def test_days_are_asked_for_where_a_stretch_has_no_price() -> None:
    midnight = NOW - NOW % DAY
    days = {
        "14-11-2023": {"market_data": {"current_price": {"usd": 2055.25, "eur": 1}}},
        "13-11-2023": {"id": "ethereum"},
        "12-11-2023": {"market_data": {"current_price": {"usd": None}}},
    }
    async with served() as site, listings(site) as opened:
        site.answers["/api/v3/coins/ethereum/market_chart/range"] = {"prices": []}
        site.answers["/api/v3/coins/ethereum/history"] = lambda query: days[query["date"]]
        found = await opened.history(ETHER, first=midnight - 2 * DAY, last=NOW)

    assert [(one.at, one.usd) for one in found] == [(midnight, Decimal("2055.25"))]


@pytest.mark.parametrize("status", [401, 404])
async def test_what_it_does_not_know_or_sell_is_no_fault_of_its_own(status: int) -> None:
    async with served() as site, listings(site) as opened:
        site.status = (status, {})
        assert await opened.history(ETHER, first=NOW - DAY, last=NOW) == []
        assert opened.status()[0].state == "healthy"


async def test_an_asset_without_listing_has_the_history_of_its_contract() -> None:
    async with served() as site, listings(site) as opened:
        path = f"/api/v3/coins/polygon-pos/contract/{ADDRESS}/market_chart/range"
        site.answers[path] = {"prices": [[NOW - 5, 3]]}
        found = await opened.history(UNLISTED, first=NOW - DAY, last=NOW)
        coin = Asset(id="coin", symbol="C", tokens=(parse_token("bsc"),))
        nowhere = await opened.history(coin, first=NOW - DAY, last=NOW)

    assert [one.usd for one in found] == [Decimal(3)]
    assert nowhere == []


async def test_the_past_waits_for_as_long_as_it_is_told_and_the_present_does_not() -> None:
    time = Time()
    async with served() as site, listings(site, time=time) as opened:
        site.status = (429, {"retry-after": "40"})
        with pytest.raises(NoEndpoint) as refusal:
            await opened.quotes([ETHER], now=NOW)
        assert refusal.value.retry_after_s >= 40
        assert time.slept == []
        with pytest.raises(NoEndpoint):
            await opened.history(ETHER, first=NOW - DAY, last=NOW)
        waited = [slept for slept in time.slept if slept >= 40]

        time.now += 10_000
        site.status = None
        site.answers["/api/v3/coins/ethereum/market_chart/range"] = {"prices": [[NOW, 7]]}
        assert len(await opened.history(ETHER, first=NOW - DAY, last=NOW)) == 1

    assert len(waited) == 3
