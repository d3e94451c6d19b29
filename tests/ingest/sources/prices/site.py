"""A web site on the loopback that answers what a test tells it to, and two exchanges on it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deskgraph.engines.ports import LOOPBACK

#: What an exchange is told to answer of a market: the last price, or None.
Last = Mapping[str, str | None]


class Site:
    """Answers by path: a body, a function of the query, or a status with headers."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: dict[str, Any] = {}
        #: Path, query and headers of every request.
        self.asked: list[tuple[str, dict[str, str], Mapping[str, str]]] = []
        #: A status and headers that everything is answered with instead.
        self.status: tuple[int, dict[str, str]] | None = None

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        path, query = request.url.path, dict(request.query_params)
        self.asked.append((path, query, dict(request.headers)))
        if self.status is not None:
            return Response(status_code=self.status[0], headers=self.status[1])
        found = self.answers.get(path)
        found = found(query) if callable(found) else found
        if found is None:
            return Response(b"{}", status_code=404)
        if isinstance(found, int):
            return Response(b"{}", status_code=found)
        body = found if isinstance(found, bytes) else msgspec.json.encode(found)
        return Response(body, media_type="application/json")

    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [path for path, _, _ in self.asked]


@asynccontextmanager
async def served() -> AsyncIterator[Site]:
    """A site on a free port while the block lasts."""
    site = Site()
    app = Starlette(routes=[Route("/{rest:path}", site.answer, methods=["GET"])])
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
    # Who calls before the server is up waits in the queue of the socket.
    with socket.create_server((LOOPBACK, 0)) as listening:
        site.url = f"http://{LOOPBACK}:{listening.getsockname()[1]}"
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield site
        finally:
            server.should_exit = True
            await serving


def kraken(site: Site, last: Last, *, candles: Mapping[str, list[list[Any]]] | None = None) -> None:
    """Answer as Kraken does. Its codes of old assets begin with X, those of currencies with Z."""
    codes = {"BTC": "XXBT", "ETH": "XETH", "USD": "ZUSD"}
    names = {symbol: [codes.get(one, one) for one in symbol.split("/")] for symbol in last}
    site.answers["/0/public/Assets"] = {
        "error": [],
        "result": {
            code: {"aclass": "currency", "altname": code, "decimals": 8, "display_decimals": 5}
            for pair in names.values()
            for code in pair
        },
    }
    site.answers["/0/public/AssetPairs"] = {
        "error": [],
        "result": {
            "".join(pair): {
                "altname": symbol.replace("/", ""),
                "wsname": symbol.replace("BTC", "XBT"),
                "aclass_base": "currency",
                "base": pair[0],
                "aclass_quote": "currency",
                "quote": pair[1],
                "lot": "unit",
                "pair_decimals": 5,
                "lot_decimals": 8,
                "lot_multiplier": 1,
                "leverage_buy": [],
                "leverage_sell": [],
                "fees": [[0, 0.4]],
                "fees_maker": [[0, 0.25]],
                "ordermin": "0.0001",
                "costmin": "0.5",
                "tick_size": "0.00001",
                "status": "online",
            }
            for symbol, pair in names.items()
        },
    }
    site.answers["/0/public/Ticker"] = {
        "error": [],
        "result": {
            "".join(names[symbol]): {
                "a": [price, "1", "1.000"],
                "b": [price, "1", "1.000"],
                "c": [price, "0.1"],
                "v": ["10", "20"],
                "p": [price, price],
                "t": [5, 9],
                "l": [price, price],
                "h": [price, price],
                "o": price,
            }
            for symbol, price in last.items()
        },
    }
    by_pair = {"".join(names[symbol]): rows for symbol, rows in (candles or {}).items()}

    def ohlc(query: dict[str, str]) -> Any:
        rows = [row for row in by_pair[query["pair"]] if row[0] > int(query.get("since", 0))]
        return {
            "error": [],
            "result": {query["pair"]: rows[:6], "last": rows[-1][0] if rows else 0},
        }

    site.answers["/0/public/OHLC"] = ohlc


def bitstamp(site: Site, last: Last, *, at_s: int) -> None:
    """Answer as Bitstamp does; its tickers say of when they are."""
    site.answers["/api/v2/markets/"] = [
        {
            "name": symbol,
            "market_symbol": symbol.replace("/", "").lower(),
            "base_currency": symbol.partition("/")[0],
            "base_decimals": 8,
            "counter_currency": symbol.partition("/")[2],
            "counter_decimals": 5,
            "minimum_order_value": "10",
            "trading": "Enabled",
            "instant_order_counter_decimals": 5,
            "instant_and_market_orders": "Enabled",
            "description": symbol.replace("/", " / "),
            "market_type": "SPOT",
        }
        for symbol in last
    ]
    site.answers["/api/v2/ticker/"] = [
        {
            "timestamp": str(at_s),
            "high": price,
            "last": price,
            "bid": price,
            "vwap": price,
            "volume": "100.5",
            "low": price,
            "ask": price,
            "open": price,
            "open_24": price,
            "percent_change_24": "0",
            "pair": symbol,
        }
        for symbol, price in last.items()
    ]


def candle(opened_s: int, close: str, *, volume: str = "1.5") -> list[Any]:
    """One hour of Kraken: time, open, high, low, close, mean, volume, trades."""
    return [opened_s, close, close, close, close, close, volume, 3]
