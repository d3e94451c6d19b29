"""Prices of exchanges, by their public order books and candles, through ccxt; no keys.

A pair in dollars is preferred, then one in a stablecoin, whose own price turns it into dollars; a
pair the other way round (dollars priced in the asset) serves where there is no other.
"""

import asyncio
import importlib
import importlib.util
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Self, TypeVar

from graph_api.domain.assets import Asset
from graph_api.domain.errors import BadInput
from graph_api.domain.prices import USD, Price, Quote, inverse, price_of, rounded
from ingest.providers.faults import (
    EndpointFault,
    Garbled,
    NoEndpoint,
    Overloaded,
    Refused,
    Unreachable,
    Unsupported,
)
from ingest.providers.health import EndpointStatus, Health

T = TypeVar("T")

#: What pairs are quoted in, the best first: an exchange's code and the asset that it stands for.
CURRENCIES: Final = (("USD", USD), ("USDC", "usd-coin"), ("USDT", "tether"))
_HOUR_MS: Final = 3_600_000
_CANDLES: Final = 300
_MARKETS_LAST_S: Final = 86_400.0
#: So many answers of candles are read for one stretch at most.
_PAGES: Final = 200


class Pair(NamedTuple):
    """A market of an exchange that prices an asset in ``currency``."""

    symbol: str
    currency: str
    inverted: bool


class Exchange:
    """One exchange as ccxt calls it; ``url`` is a mirror of its public API.

    Raises: BadInput where there is no such exchange.
    """

    def __init__(
        self,
        name: str,
        *,
        time: Callable[[], float],
        chance: random.Random,
        url: str | None = None,
        timeout_s: float = 10.0,
    ) -> None:
        if not _there_is(name):
            raise BadInput(f"There is no exchange {name[:40]!r}; ccxt names those that there are.")
        self.name, self._url, self._timeout_s, self._time = name, url, timeout_s, time
        self._health = Health(name, random=chance)
        self._alone = asyncio.Lock()
        self._opened: _Opened | None = None
        self._read_at: float | None = None

    @classmethod
    def open(cls, name: str, *, url: str | None = None, timeout_s: float = 10.0) -> Self:
        """An exchange with a clock and randomness of its own. Raises: BadInput."""
        time, chance = asyncio.get_running_loop().time, random.Random()  # noqa: S311 - jitter
        return cls(name, time=time, chance=chance, url=url, timeout_s=timeout_s)

    async def quotes(self, assets: Sequence[Asset], *, now: int) -> list[Quote]:
        """What it trades ``assets`` at. Raises: UpstreamUnavailable."""

        async def ask() -> list[Quote]:
            pairs = await self._pairs(assets)
            if not pairs:
                return []
            symbols = sorted({pair.symbol for pair in pairs.values()})
            tickers = await self._client.fetch_tickers(symbols)
            if not tickers:
                raise Garbled("It answers without one of the tickers that it was asked for.")
            return [
                self._quote(asset, pair, tickers[pair.symbol], now)
                for asset, pair in pairs.items()
                if pair.symbol in tickers
            ]

        return await self._asked(ask)

    async def history(self, asset: Asset, *, first: int, last: int) -> list[Price]:
        """Prices at the end of each hour in which it was traded for dollars, as far back as the
        exchange has them. Raises: UpstreamUnavailable."""

        async def ask() -> list[Price]:
            pair = (await self._pairs([asset])).get(asset.id)
            if pair is None or pair.currency != USD or not self._client.has.get("fetchOHLCV"):
                return []
            return await self._candles(asset, pair, first, last)

        return await self._asked(ask)

    def status(self) -> list[EndpointStatus]:
        """How it has been doing."""
        return [self._health.status(self._time())]

    async def close(self) -> None:
        """Give its connections back."""
        if self._opened is not None:
            await self._opened.client.close()

    @property
    def _client(self) -> Any:
        assert self._opened is not None
        return self._opened.client

    async def _open(self) -> "_Opened":
        # It takes seconds and a hundred megabytes to load, which nobody pays who asks no exchange.
        ccxt = await asyncio.to_thread(importlib.import_module, "ccxt.async_support")
        options = {"timeout": int(self._timeout_s * 1000), "enableRateLimit": True}
        client = getattr(ccxt, self.name)(options)
        # Numbers as the text that was sent: a float would round them.
        client.number = str
        if self._url is not None:
            client.urls["api"] = _moved(client.urls["api"], self._url)
        return _Opened(client, Faults(ccxt))

    async def _pairs(self, assets: Sequence[Asset]) -> dict[str, Pair]:
        """The best market of each asset, by the asset's id; none where it is not traded."""
        markets = await self._markets()
        found: dict[str, Pair] = {}
        for asset in assets:
            for code, currency in CURRENCIES:
                straight, turned = f"{asset.symbol}/{code}", f"{code}/{asset.symbol}"
                inverted = not _traded(markets, straight)
                symbol = turned if inverted else straight
                if currency != asset.id and (not inverted or _traded(markets, turned)):
                    found[asset.id] = Pair(symbol, currency, inverted)
                    break
        return found

    async def _markets(self) -> Mapping[str, Any]:
        """What is traded there: read once a day, for markets come and go."""
        now = self._time()
        outdated = self._read_at is None or now - self._read_at > _MARKETS_LAST_S
        markets: Mapping[str, Any] = await self._client.load_markets(outdated)
        if outdated:
            self._read_at = now
        return markets

    def _quote(self, asset: str, pair: Pair, ticker: Mapping[str, Any], now: int) -> Quote:
        price = price_of(ticker.get("last"))
        at = ticker.get("timestamp")
        return Quote(
            asset=asset,
            source=self.name,
            price=inverse(price) if pair.inverted else price,
            # Some exchanges do not date their tickers: they are of when they were asked for.
            at=now if at is None else int(at),
            currency=pair.currency,
        )

    async def _candles(self, asset: Asset, pair: Pair, first: int, last: int) -> list[Price]:
        found: dict[int, Price] = {}
        since = first - first % _HOUR_MS - _HOUR_MS
        for _ in range(_PAGES):
            rows = await self._client.fetch_ohlcv(pair.symbol, "1h", since=since, limit=_CANDLES)
            for price in self._closed(asset, pair, rows):
                found[price.at] = price
            newest = max((int(row[0]) for row in rows), default=since)
            if newest <= since or newest + _HOUR_MS > last:
                break
            since = newest
        return [price for at, price in sorted(found.items()) if first <= at <= last]

    def _closed(self, asset: Asset, pair: Pair, rows: Sequence[Sequence[Any]]) -> list[Price]:
        """What is known when each hour is over; nothing of an hour without trades."""
        found = []
        for opened, *_, close, volume in rows:
            price = price_of(close)
            usd = inverse(price) if pair.inverted else price
            if usd is not None and price_of(volume) is not None:
                at = int(opened) + _HOUR_MS
                found.append(Price(asset=asset.id, usd=rounded(usd), at=at, source=self.name))
        return found

    async def _asked(self, work: Callable[[], Awaitable[T]]) -> T:
        """What ``work`` gives; the exchange's health hears of it, and is heard before."""
        async with self._alone:
            rests_s = self._health.free_in_s(self._time())
            if rests_s:
                last = self._health.last
                told = {self.name: last} if last is not None else {}
                raise NoEndpoint(self.name, retry_after_s=round(max(rests_s, 1.0)), faults=told)
            if self._opened is None:
                self._opened = await self._open()
            began = self._time()
            try:
                answer = await work()
            except Exception as error:
                fault = self._opened.faults.of(error)
                self._health.failed(fault, now=self._time())
                pause_s = max(round(self._health.free_in_s(self._time())), 1)
                raise NoEndpoint(
                    self.name, retry_after_s=pause_s, faults={self.name: fault}
                ) from error
            self._health.succeeded(took_s=self._time() - began)
            return answer


class Faults:
    """What ccxt's errors mean to us."""

    def __init__(self, ccxt: Any) -> None:
        self._kinds: tuple[tuple[Any, type[EndpointFault], str], ...] = (
            (ccxt.RateLimitExceeded, Overloaded, "It limits requests"),
            (ccxt.DDoSProtection, Overloaded, "It limits requests"),
            (ccxt.AuthenticationError, Refused, "It refuses us"),
            (ccxt.RestrictedLocation, Refused, "It refuses us where we are"),
            (ccxt.BadSymbol, Unsupported, "It does not trade that"),
            (ccxt.NotSupported, Unsupported, "It does not offer that"),
            (ccxt.NetworkError, Unreachable, "It cannot be reached"),
        )

    def of(self, error: Exception) -> EndpointFault:
        """The fault that ``error`` stands for. Its words may hold an address, so its kind is told
        and not its text."""
        if isinstance(error, EndpointFault):
            return error
        for kind, fault, what in self._kinds:
            if isinstance(error, kind):
                return fault(f"{what} ({type(error).__name__}).")
        return Garbled(f"Its answer cannot be read ({type(error).__name__}).")


class _Opened(NamedTuple):
    client: Any
    faults: Faults


def _there_is(name: str) -> bool:
    """Whether ccxt has a module of that name, which is found without loading any."""
    spec = importlib.util.find_spec("ccxt")
    places = spec.submodule_search_locations if spec is not None else None
    folders = [Path(place) / "async_support" for place in places or ()]
    return name.isidentifier() and any((one / f"{name}.py").is_file() for one in folders)


def _traded(markets: Mapping[str, Any], symbol: str) -> bool:
    market = markets.get(symbol)
    return market is not None and bool(market.get("spot")) and market.get("active") is not False


def _moved(urls: Any, url: str) -> Any:
    """``urls`` with another scheme and host; their paths stay."""
    if isinstance(urls, dict):
        return {name: _moved(one, url) for name, one in urls.items()}
    _, _, rest = str(urls).partition("://")
    _, slash, path = rest.partition("/")
    return url.rstrip("/") + slash + path
