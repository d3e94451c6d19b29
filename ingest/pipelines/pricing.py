"""Prices transfers at their time: everything in the graph, or what is announced as it comes.

What is priced stays priced, so a run that was interrupted goes on by being run again. Prices that
the graph has not are asked for: services that list them first, then all exchanges together.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from graph_api.domain.assets import Asset
from graph_api.domain.errors import UpstreamUnavailable
from graph_api.domain.events import Line, LineState, Topic
from graph_api.domain.ids import TokenId
from graph_api.domain.positions import block_bounds
from graph_api.domain.prices import Course, Price, Quote, Rules, agreed, spans
from graph_api.store import outbox, prices
from graph_api.store.graph import Graph
from graph_api.store.ledger import pricing
from graph_api.store.ledger.pricing import Priced, Pricing
from graph_api.store.ledger.turn import Turn
from graph_api.store.prices import PricedToken, Worth
from ingest.sources.prices.source import PriceSource

#: Stretches without a price that are so near to each other are asked for together.
_GAP_MS: Final = 24 * 3_600_000
_EVENTS: Final = 1_000

_How = Callable[..., Awaitable[Priced]]


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """What is priced, by whom and how.

    Args:
        services: List prices that others have agreed on; the first that knows one is believed.
        exchanges: Have to agree among themselves, as ``rules`` say.
        tolerance_ms: How much older than a transfer its price may be.
    """

    assets: tuple[Asset, ...]
    services: tuple[PriceSource, ...]
    exchanges: tuple[PriceSource, ...]
    rules: Rules
    tolerance_ms: int


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """How far the transfers of a token are priced; ``reason`` says why none of them can be.

    Args:
        seen: Transfers that were looked at.
        priced: Those that got a price, or another one.
        left: Those that have none still: nobody knows a price of their time, or their amount.
        fetched: Prices that were asked for and kept.
    """

    token: TokenId
    asset: str
    seen: int = 0
    priced: int = 0
    left: int = 0
    fetched: int = 0
    reason: str | None = None


class Pricer:
    """Prices transfers. One at a time may be at work."""

    def __init__(
        self,
        graph: Graph,
        turn: Turn,
        market: Market,
        *,
        report: Callable[[Swept], None] = lambda swept: None,
    ) -> None:
        self._graph, self._turn, self._market, self._report = graph, turn, market, report
        self._assets = {asset.id: asset for asset in market.assets}
        self._asked: dict[str, list[tuple[int, int]]] = {}
        self._heard: dict[str, LineState] | None = None
        #: Sources that could not be asked in the last run, and why.
        self.troubles: dict[str, str] = {}

    async def price(self, *, since: int | None = None, until: int | None = None) -> list[Swept]:
        """Price what has no value yet and happened in ``[since, until]`` (epoch ms)."""
        return await self._sweep(pricing.price, _unpriced, since, until)

    async def reprice(self, *, since: int | None = None, until: int | None = None) -> list[Swept]:
        """Price anew what happened in ``[since, until]``; a price that is kept is not replaced,
        and one that is gone takes no value away."""
        return await self._sweep(pricing.reprice, _any, since, until)

    async def listen(self) -> None:
        """From now on ``follow`` prices what is announced."""
        self._heard = await self._lines()

    async def follow(self) -> int:
        """Price what was announced since the last time, by prices that the graph has.

        Returns: how many transfers.
        """
        if self._heard is None:
            await self.listen()
        assert self._heard is not None
        tokens, done = await self._tokens(), 0
        for chain, line in (await self._lines()).items():
            before = self._heard.get(chain)
            # Of another history of numbers nothing was heard.
            place = before.last if before is not None and before.epoch == line.epoch else 0
            while events := await outbox.after(
                self._graph, Line.TRANSFERS, chain, place, limit=_EVENTS
            ):
                seen = [one.body for one in events if one.topic is Topic.TRANSFER_SEEN]
                done += await self._announced(chain, seen, tokens)
                place = events[-1].number
                self._heard[chain] = msgspec.structs.replace(line, last=place)
        return done

    async def _lines(self) -> dict[str, LineState]:
        lines = await outbox.lines(self._graph)
        return {one.chain: one for one in lines if one.line == Line.TRANSFERS}

    # What was announced

    async def _announced(
        self, chain: str, seen: Sequence[Mapping[str, Any]], tokens: Mapping[str, PricedToken]
    ) -> int:
        ours = [body for body in seen if body["token"] in tokens and body["block_time"] is not None]
        moments: dict[str, list[int]] = {}
        for body in ours:
            moments.setdefault(body["token"], []).append(body["block_time"])
        by: dict[str, Pricing] = {}
        for token, times in moments.items():
            asset, decimals = tokens[token].asset, tokens[token].decimals
            if decimals is not None:
                course = await self._course(asset, min(times), max(times))
                by[token] = self._pricing(decimals, course)
        ids = [body["id"] for body in ours if body["token"] in by]
        return (await pricing.price(self._turn, chain, ids, by=by)).priced if ids else 0

    # Everything

    async def _sweep(
        self, how: _How, wanted: Callable[[Worth], bool], since: int | None, until: int | None
    ) -> list[Swept]:
        self._asked, self.troubles = {}, {}
        found = []
        for token in (await self._tokens()).values():
            if token.decimals is None:
                reason = "nobody has told its decimals yet"
                swept = Swept(token=token.token, asset=token.asset, reason=reason)
                self._report(swept)
            else:
                swept = await self._sweep_token(token, token.decimals, how, wanted, since, until)
            found.append(swept)
        return found

    async def _sweep_token(
        self,
        token: PricedToken,
        decimals: int,
        how: _How,
        wanted: Callable[[Worth], bool],
        since: int | None,
        until: int | None,
    ) -> Swept:
        swept = Swept(token=token.token, asset=token.asset)
        # Rows without a block come behind all that have one, whenever they happened.
        _, blockless = block_bounds(token.token, lowest=0, highest=None)
        after: str | None = None
        while rows := await prices.page_of_token(self._graph, token.token, after=after):
            after = rows[-1].key
            some = {
                row.id: row.block_time
                for row in rows
                if row.token == token.token
                and row.amount_raw is not None
                and row.block_time is not None
                and (since is None or row.block_time >= since)
                and (until is None or row.block_time <= until)
                and wanted(row)
            }
            done, fetched = Priced(), 0
            if some:
                course, fetched = await self._known(token.asset, sorted(set(some.values())))
                by = {token.token: self._pricing(decimals, course)}
                done = await how(self._turn, token.chain, list(some), by=by)
            swept = msgspec.structs.replace(
                swept,
                seen=swept.seen + len(rows),
                priced=swept.priced + done.priced,
                left=swept.left + len(done.left),
                fetched=swept.fetched + fetched,
            )
            self._report(swept)
            if since is not None and after < blockless and _is_before(rows[-1], since):
                after = blockless
        return swept

    # Prices in time

    async def _tokens(self) -> dict[str, PricedToken]:
        await prices.register(self._graph, self._market.assets)
        found = await prices.priced_tokens(self._graph)
        return {one.token: one for one in found if one.asset in self._assets}

    def _pricing(self, decimals: int, course: Course) -> Pricing:
        return Pricing(decimals=decimals, course=course, tolerance_ms=self._market.tolerance_ms)

    async def _course(self, asset: str, first: int, last: int) -> Course:
        start = first - self._market.tolerance_ms
        return await prices.course(self._graph, asset, first=start, last=last)

    async def _known(self, asset: str, moments: list[int]) -> tuple[Course, int]:
        """The course that covers ``moments`` as far as anybody knows, and what was asked for."""
        tolerance_ms = self._market.tolerance_ms
        course = await self._course(asset, moments[0], moments[-1])
        asked = self._asked.setdefault(asset, [])
        missing = [
            one
            for one in course.uncovered(moments, tolerance_ms=tolerance_ms)
            if not any(first <= one <= last for first, last in asked)
        ]
        if not missing:
            return course, 0
        fetched = 0
        for first, last in spans(missing, lead_ms=tolerance_ms, gap_ms=_GAP_MS):
            within = [one for one in missing if first <= one <= last]
            found = await self._fetch(self._assets[asset], within, first=first, last=last)
            fetched += await prices.keep(self._graph, found)
            asked.append((first, last))
        return await self._course(asset, moments[0], moments[-1]), fetched

    async def _fetch(
        self, asset: Asset, moments: list[int], *, first: int, last: int
    ) -> list[Price]:
        found: list[Price] = []
        for service in self._market.services:
            found += await self._history(service, asset, first, last)
            if not Course(found).uncovered(moments, tolerance_ms=self._market.tolerance_ms):
                return found
        told = await asyncio.gather(
            *(self._history(one, asset, first, last) for one in self._market.exchanges)
        )
        return found + together([price for some in told for price in some], self._market.rules)

    async def _history(
        self, source: PriceSource, asset: Asset, first: int, last: int
    ) -> list[Price]:
        try:
            return await source.history(asset, first=first, last=last)
        except UpstreamUnavailable as error:
            self.troubles[source.name] = str(error)
            return []


def together(told: Sequence[Price], rules: Rules) -> list[Price]:
    """What sources agree on of an asset, at each moment of which several of them tell."""
    by_time: dict[int, list[Quote]] = {}
    for price in told:
        quote = Quote(asset=price.asset, source=price.source, price=price.usd, at=price.at)
        by_time.setdefault(price.at, []).append(quote)
    found: list[Price] = []
    for at, quotes in sorted(by_time.items()):
        found += agreed(quotes, now=at, rules=rules)[0].values()
    return found


def _unpriced(row: Worth) -> bool:
    return row.usd is None


def _any(_row: Worth) -> bool:
    return True


def _is_before(row: Worth, moment: int) -> bool:
    return row.block_time is not None and row.block_time < moment
