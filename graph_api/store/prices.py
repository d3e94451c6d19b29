"""Assets and what they cost: now and in time, which tokens stand for them, and the news of it."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec

from graph_api.domain.assets import TABLE, Asset
from graph_api.domain.events import ANY_CHAIN, Line, News, Topic
from graph_api.domain.ids import TokenId, TransferId
from graph_api.domain.positions import block_bounds
from graph_api.domain.prices import Course, Price
from graph_api.store import outbox, tokens
from graph_api.store.graph import Graph, Row, Writing

#: Epoch milliseconds beyond all of ours; keys hold what is left until then.
_TOP: Final = 10**14
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: So many prices are written in one transaction.
_AT_ONCE: Final = 2_000
#: So many transfers are looked at in one statement.
PAGE: Final = 5_000


class AssetRow(msgspec.Struct, frozen=True, kw_only=True):
    """An asset and its newest price: ``usd`` (exact decimal text), ``source`` and ``at``."""

    id: str
    symbol: str
    usd: str | None
    source: str | None
    at: datetime | None


class PriceRow(msgspec.Struct, frozen=True, kw_only=True):
    """What an asset cost: ``usd`` is exact decimal text, ``at`` since when it was known."""

    asset: str
    usd: str
    source: str
    at: datetime


class Valuation(msgspec.Struct, frozen=True, kw_only=True):
    """What a transfer was priced by."""

    transfer: str
    usd: float
    source: str
    at: datetime


class PricedToken(msgspec.Struct, frozen=True, kw_only=True):
    """A loaded token that stands for an asset."""

    token: TokenId
    chain: str
    decimals: int | None
    transfers: int
    asset: str


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """An asset at a time; None for as late as anything is known."""

    asset: str
    at: datetime | None = None


class _OfToken(AssetRow, frozen=True, kw_only=True):
    token: TokenId


class _TokenOf(msgspec.Struct, frozen=True, kw_only=True):
    asset: str
    token: TokenId


class _Point(msgspec.Struct, frozen=True, kw_only=True):
    asset: str
    usd: str
    at: int
    source: str


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A price in time, as far as its place matters; a transfer is valued by a ``pinned`` one."""

    id: str
    at: int
    pinned: bool


class Worth(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer on a page of its token; ``key`` is where the page goes on."""

    id: TransferId
    token: TokenId
    amount_raw: str | None
    block_time: int | None
    usd: float | None
    key: str


# Questions


async def assets(graph: Graph) -> list[AssetRow]:
    """Every asset, in the order of their ids."""
    return await graph.read("prices/assets", AssetRow)


async def by_ids(graph: Graph, ids: list[str]) -> dict[str, AssetRow]:
    """The assets that are known."""
    return {row.id: row for row in await graph.read("prices/assets_by_ids", AssetRow, ids=ids)}


async def of_tokens(graph: Graph, ids: list[TokenId]) -> dict[TokenId, AssetRow]:
    """What tokens stand for; those that stand for nothing are left out."""
    rows = await graph.read("prices/assets_of_tokens", _OfToken, ids=ids)
    return {row.token: row for row in rows}


async def tokens_of(graph: Graph, ids: list[str]) -> dict[str, list[TokenId]]:
    """The loaded tokens that stand for each asset, by their ids."""
    found: dict[str, list[TokenId]] = {}
    for row in await graph.read("prices/tokens_of_assets", _TokenOf, ids=ids):
        found.setdefault(row.asset, []).append(row.token)
    return found


async def priced_tokens(graph: Graph) -> list[PricedToken]:
    """Every loaded token that stands for an asset."""
    return await graph.read("prices/tokens", PricedToken)


async def at(graph: Graph, moments: list[Moment]) -> dict[Moment, PriceRow]:
    """The newest price that was known at each moment; where none was, it is left out."""
    branches = [
        {
            "low": price_id(moment.asset, _milliseconds(moment.at)),
            "high": price_id(moment.asset, 0),
        }
        for moment in moments
    ]
    rows = await graph.read_each("prices/newest", PriceRow, branches=branches)
    # Branches without a price answer no row, so rows are told by their asset and their time.
    found: dict[Moment, PriceRow] = {}
    for moment in moments:
        known = [
            row
            for row in rows
            if row.asset == moment.asset and (moment.at is None or row.at <= moment.at)
        ]
        if known:
            found[moment] = max(known, key=lambda row: row.at)
    return found


async def of_transfers(graph: Graph, ids: list[str]) -> dict[str, Valuation]:
    """What transfers were priced by; those without a value are left out."""
    rows = await graph.read("prices/of_transfers", Valuation, ids=ids)
    return {row.transfer: row for row in rows}


async def course(graph: Graph, asset: str, *, first: int, last: int) -> Course:
    """The prices of ``asset`` that were known from ``first`` to ``last`` (epoch ms)."""
    rows = await graph.read(
        "prices/between", _Point, low=price_id(asset, last), high=price_id(asset, first)
    )
    return Course(
        Price(asset=row.asset, usd=Decimal(row.usd), at=row.at, source=row.source) for row in rows
    )


async def points(graph: Graph, asset: str, *, first: int, last: int, limit: int) -> list[Point]:
    """Up to ``limit`` points of ``asset`` from ``first`` to ``last`` (epoch ms), in any order."""
    low, high = price_id(asset, last), price_id(asset, first)
    return await graph.read("prices/points", Point, low=low, high=high, limit=limit)


async def page_of_token(graph: Graph, token: TokenId, *, after: str | None) -> list[Worth]:
    """Transfers of ``token``, the newest first, behind the one with the key ``after``."""
    low, high = block_bounds(token, lowest=None, highest=None)
    rows = await graph.read("prices/page_of_token", Worth, low=after or low, high=high, limit=PAGE)
    return sorted(rows, key=lambda row: row.key)


# Writes


async def register(graph: Graph, some: Sequence[Asset], *, source: str = TABLE) -> None:
    """Make assets known, and tie the tokens that are loaded to them; writes only what is new."""
    known = await by_ids(graph, [one.id for one in some])
    claims = {token: one.id for one in some for token in one.tokens}
    loaded = await tokens.by_ids(graph, list(claims))
    tied = await of_tokens(graph, list(loaded))
    fresh = [
        {"id": one.id, "symbol": one.symbol, "listing": one.listing}
        for one in some
        if one.id not in known or known[one.id].symbol != one.symbol
    ]
    ties = [
        {"token": token, "asset": claims[token], "source": source}
        for token in loaded
        if token not in tied or tied[token].id != claims[token]
    ]
    if not fresh and not ties:
        return

    async def work(writing: Writing) -> None:
        await writing.run("prices/put_assets", rows=fresh)
        await writing.run("prices/untie_tokens", rows=ties)
        await writing.run("prices/tie_tokens", rows=ties)

    await graph.write(work)


async def keep(graph: Graph, prices: Iterable[Price]) -> int:
    """Keep prices in time; one of the same moment that is kept already stays. Returns: how many."""
    rows = [_row(price) for price in prices]
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]

        async def work(writing: Writing, some: list[Row] = some) -> None:
            await writing.run("prices/put", rows=some)

        await graph.write(work)
    return len(rows)


async def pin(writing: Writing, prices: Iterable[Price]) -> None:
    """Keep prices for good, as transfers are valued by them."""
    rows = {row["id"]: row for row in map(_row, prices)}
    if rows:
        await writing.run("prices/pin", rows=list(rows.values()))


async def thin(writing: Writing, ids: Sequence[str]) -> int:
    """Let prices in time go, but for those that are pinned. Returns: how many went."""
    return len(await writing.run("prices/thin", ids=list(ids)))


async def tick(
    writing: Writing, prices: Sequence[Price], *, kept: Sequence[Price], now: datetime
) -> list[str]:
    """Say what assets cost now, and announce it; ``kept`` of the prices stay in time.

    Returns: the assets whose price is newer than what was known; of others nobody is told.
    """
    if kept:
        await writing.run("prices/put", rows=[_row(price) for price in kept])
    by_asset = {price.asset: price for price in prices}
    moved = await writing.run("prices/tick", rows=[_row(price) for price in by_asset.values()])
    news = [
        News(topic=Topic.PRICE_TICKED, body=_body(by_asset[row["asset"]], row["symbol"]))
        for row in sorted(moved, key=lambda row: str(row["asset"]))
    ]
    if news:
        await outbox.append(writing, Line.PRICES, ANY_CHAIN, news, now=now)
    return [row["asset"] for row in moved]


def price_id(asset: str, at: int) -> str:
    """Key of a price: ascending order is the newest first."""
    return f"{asset}|{_TOP - at:015d}"


def _body(price: Price, symbol: str) -> dict[str, Any]:
    return {
        "asset": price.asset,
        "symbol": symbol,
        "usd": f"{price.usd:f}",
        "source": price.source,
        "at": price.at,
    }


def _row(price: Price) -> Row:
    return {
        "id": price_id(price.asset, price.at),
        "asset": price.asset,
        "at": price.at,
        "usd": f"{price.usd:f}",
        "source": price.source,
    }


def _milliseconds(moment: datetime | None) -> int:
    return _TOP if moment is None else (moment - _EPOCH) // timedelta(milliseconds=1)
