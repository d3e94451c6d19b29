"""A service that lists what assets cost, in CoinGecko's shape: now, and in time.

Prices in time come every few minutes for the last day, every hour within 90 days of one question,
and once a day in a longer one, so a stretch is asked for in parts.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, TypeVar

import msgspec
from pydantic import SecretStr

from graph_api.domain.assets import Asset
from graph_api.domain.ids import ChainId, TokenId, address_of
from graph_api.domain.prices import Price, Quote, price_of, rounded
from ingest.providers.endpoints import Endpoint, Endpoints
from ingest.providers.faults import NoEndpoint, Overloaded, Refused, Unsupported
from ingest.providers.health import EndpointStatus

T = TypeVar("T")

#: What such services call chains.
PLATFORMS: Final = {
    "eip155:1": "ethereum",
    "eip155:56": "binance-smart-chain",
    "eip155:137": "polygon-pos",
    "eip155:100": "xdai",
    "eip155:42161": "arbitrum-one",
    "eip155:10": "optimistic-ethereum",
    "eip155:8453": "base",
    "eip155:42220": "celo",
    "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp": "solana",
}
_DAY_MS: Final = 86_400_000
_PART_MS: Final = 90 * _DAY_MS - 1_000
_AT_ONCE: Final = 100
#: Without a price in a stretch, so many of its days are asked for one by one.
_DAYS: Final = 7
#: How long, and how often, a question about the past waits for a limit of the service.
_WAIT_S: Final = 120.0
_WAITS: Final = 3


class _Listed(msgspec.Struct, frozen=True):
    usd: Decimal | None = None
    last_updated_at: Decimal | None = None


class _Chart(msgspec.Struct, frozen=True):
    prices: list[tuple[Decimal, Decimal | None]]


class _Market(msgspec.Struct, frozen=True):
    current_price: dict[str, Decimal | None] = {}


class _Day(msgspec.Struct, frozen=True):
    market_data: _Market | None = None


class Listings:
    """One service, by one or several endpoints. ``key`` goes into the header ``key_header``."""

    def __init__(
        self, endpoints: Endpoints, *, key: SecretStr | None = None, key_header: str = ""
    ) -> None:
        self._endpoints = endpoints
        self.name = endpoints.provider
        self._headers = {key_header: key.get_secret_value()} if key is not None else {}

    async def quotes(self, assets: Sequence[Asset], *, now: int) -> list[Quote]:
        """What it lists ``assets`` for, by their listing, or by a token where they have none.

        Raises: UpstreamUnavailable.
        """
        listed = {asset.listing: asset for asset in assets if asset.listing is not None}
        names = sorted(listed)
        found: list[Quote] = []
        for start in range(0, len(names), _AT_ONCE):
            some = names[start : start + _AT_ONCE]
            rows = await self._get("/simple/price", dict[str, _Listed], _now(ids=",".join(some)))
            found += [self._quote(listed[name], rows[name]) for name in some if name in rows]
        for platform, tokens in _by_platform(assets).items():
            addresses = {address_of(token).lower(): asset for token, asset in tokens.items()}
            rows = await self._get(
                f"/simple/token_price/{platform}",
                dict[str, _Listed],
                _now(contract_addresses=",".join(map(address_of, tokens))),
            )
            for address, row in rows.items():
                if address.lower() in addresses:
                    found.append(self._quote(addresses[address.lower()], row))
        return found

    async def history(self, asset: Asset, *, first: int, last: int) -> list[Price]:
        """What ``asset`` cost from ``first`` to ``last``; none where the service does not know it.

        Raises: UpstreamUnavailable.
        """
        path = _path(asset)
        if path is None:
            return []
        found: dict[int, Price] = {}
        try:
            for start in range(first, last + 1, _PART_MS):
                async for price in self._chart(asset, path, start, min(start + _PART_MS, last)):
                    found[price.at] = price
            if not found and asset.listing is not None:
                async for price in self._days(asset, first, last):
                    found[price.at] = price
        except NoEndpoint as error:
            if all(isinstance(fault, Unsupported) for fault in error.faults.values()):
                return []
            raise
        return [price for at, price in sorted(found.items()) if first <= at <= last]

    def status(self) -> list[EndpointStatus]:
        """How its endpoints have been doing."""
        return self._endpoints.status()

    async def close(self) -> None:
        """Give the connections back."""
        await self._endpoints.close()

    async def _chart(self, asset: Asset, path: str, first: int, last: int) -> AsyncIterator[Price]:
        params = {
            "vs_currency": "usd",
            "from": str(first // 1000),
            "to": str(-(-last // 1000)),
            "precision": "full",
        }
        chart = await self._patiently(f"{path}/market_chart/range", _Chart, params)
        for at, usd in chart.prices:
            price = self._price(asset, usd, int(at))
            if price is not None:
                yield price

    async def _days(self, asset: Asset, first: int, last: int) -> AsyncIterator[Price]:
        """The price at the begin of each of the last days."""
        for start in range(last - last % _DAY_MS, first - 1, -_DAY_MS)[:_DAYS]:
            day = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=start)
            params = {"date": f"{day:%d-%m-%Y}", "localization": "false"}
            row = await self._patiently(f"/coins/{asset.listing}/history", _Day, params)
            usd = row.market_data.current_price.get("usd") if row.market_data else None
            price = self._price(asset, usd, start)
            if price is not None:
                yield price

    def _quote(self, asset: Asset, row: _Listed) -> Quote:
        return Quote(
            asset=asset.id,
            source=self.name,
            price=price_of(row.usd),
            at=None if row.last_updated_at is None else int(row.last_updated_at * 1000),
        )

    def _price(self, asset: Asset, usd: Decimal | None, at: int) -> Price | None:
        number = price_of(usd)
        if number is None:
            return None
        return Price(asset=asset.id, usd=rounded(number), at=at, source=self.name)

    async def _get(self, path: str, of: type[T], params: Mapping[str, str]) -> T:
        async def ask(endpoint: Endpoint) -> T:
            return await endpoint.get(path, of, params=params, headers=self._headers)

        return await self._endpoints.ask(ask)

    async def _patiently(self, path: str, of: type[T], params: Mapping[str, str]) -> T:
        """Like ``_get``, of the past: limits are waited for."""

        async def ask(endpoint: Endpoint) -> T:
            try:
                return await endpoint.get(path, of, params=params, headers=self._headers)
            except Refused as refusal:
                # Plans reach back for so long only: that is no reason to ask nothing else.
                raise Unsupported("It refuses that stretch of time, or the key.") from refusal

        return await _waiting(lambda: self._endpoints.ask(ask), self._endpoints.sleep)


async def _waiting(ask: Callable[[], Awaitable[T]], sleep: Callable[[float], Awaitable[None]]) -> T:
    for _ in range(_WAITS):
        try:
            return await ask()
        except NoEndpoint as error:
            limited = any(isinstance(fault, Overloaded) for fault in error.faults.values())
            if not limited or error.retry_after_s > _WAIT_S:
                raise
            await sleep(error.retry_after_s)
    return await ask()


def _now(**more: str) -> dict[str, str]:
    return {
        "vs_currencies": "usd",
        "include_last_updated_at": "true",
        "precision": "full",
    } | more


def _path(asset: Asset) -> str | None:
    """Where the history of ``asset`` is."""
    if asset.listing is not None:
        return f"/coins/{asset.listing}"
    for platform, tokens in _by_platform([asset]).items():
        return f"/coins/{platform}/contract/{address_of(next(iter(tokens)))}"
    return None


def _by_platform(assets: Sequence[Asset]) -> dict[str, dict[TokenId, Asset]]:
    """The first token of each asset without a listing that has a contract, by platform."""
    found: dict[str, dict[TokenId, Asset]] = {}
    for asset in assets:
        if asset.listing is not None:
            continue
        for token in asset.tokens:
            chain, _, reference = token.partition("/")
            platform = PLATFORMS.get(ChainId(chain))
            if platform is not None and not reference.startswith("slip44"):
                found.setdefault(platform, {})[token] = asset
                break
    return found
