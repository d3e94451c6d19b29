"""Asks what assets cost now, again and again: the newest price, points in time, and the news."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

import msgspec
import structlog

from graph_api.domain.errors import UpstreamUnavailable
from graph_api.domain.prices import Price, Quote, Refused, agreed
from graph_api.domain.thinning import Keeping
from graph_api.services.price_watch import SourceState
from graph_api.store import prices
from graph_api.store.graph import Graph, Writing
from graph_api.store.leases import LeaseLost
from graph_api.store.ledger.turn import Turn
from graph_api.store.prices import Moment
from ingest.pipelines.pricing import Market, Pricer
from ingest.pipelines.thinning import Thinner
from ingest.sources.prices.source import PriceSource

#: Of all who keep up, one asks for prices.
LEASE: Final = "prices"
_SWEEP_EVERY: Final = timedelta(hours=1)
_PAUSES_S: Final = (1.0, 5.0, 30.0)

log: Final = structlog.get_logger("deskgraph.ingest")


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How often things are done.

    Args:
        every: Between two ticks.
        keep: Between two points in time that are kept.
        look_back: How far back is looked, each hour, for transfers that still have no price.
        keeping: How points in time are thinned out, once a day; None for never.
    """

    every: timedelta
    keep: timedelta
    look_back: timedelta
    keeping: Keeping | None = None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What sources say of a moment; ``away`` are those that could not be asked, and why."""

    prices: dict[str, Price]
    quotes: list[Quote]
    refused: list[Refused]
    away: dict[str, str]


async def ask(market: Market, *, now: datetime) -> Asked:
    """What the assets of ``market`` cost ``now``.

    What exchanges agree on comes before what services list, as it is the newer.
    """
    at = round(now.timestamp() * 1000)
    away: dict[str, str] = {}

    async def quotes(source: PriceSource) -> list[Quote]:
        try:
            return await source.quotes(market.assets, now=at)
        except UpstreamUnavailable as error:
            away[source.name] = str(error)
            return []

    traded = await asyncio.gather(*map(quotes, market.exchanges))
    listed = await asyncio.gather(*map(quotes, market.services))
    said = [quote for some in traded for quote in some]
    found, refused = agreed(said, now=at, rules=market.rules)
    for some in listed:
        said += some
        # A service has agreed with many sources already: it needs no second one.
        rules = msgspec.structs.replace(market.rules, least=1)
        more, doubts = agreed(some, now=at, rules=rules)
        found = more | found
        refused += doubts
    return Asked(prices=found, quotes=said, refused=refused, away=away)


#: Hears how the sources do, after each tick.
Tell = Callable[[Sequence[SourceState]], Awaitable[None]]


async def nobody(_: Sequence[SourceState]) -> None:
    """For those whom nobody listens to."""


class Ticker:
    """Ticks as the only one who does; ``tell`` hears how the sources do."""

    def __init__(
        self,
        graph: Graph,
        market: Market,
        *,
        clock: Callable[[], datetime],
        keep: timedelta,
        tell: Tell = nobody,
    ) -> None:
        self._graph, self._market, self._clock, self._tell = graph, market, clock, tell
        sources = (*market.services, *market.exchanges)
        self._states = {source.name: SourceState(name=source.name) for source in sources}
        self._keep_ms = keep // timedelta(milliseconds=1)
        self._turn = Turn(graph, clock=clock)
        self._kept: dict[str, int] = {}
        self._told: set[tuple[str, str]] = set()

    async def tick(self) -> list[str]:
        """Ask, and tell what is new. Returns: the assets that have a newer price.

        Raises: UpstreamUnavailable when the graph is away; LeaseLost.
        """
        await self._turn.hold([LEASE])
        if not self._kept:
            await self._remember()
        asked = await ask(self._market, now=self._clock())
        await self._warn(asked)
        await self._tell(self._counted(asked))
        if not asked.prices:
            return []
        some = sorted(asked.prices.values(), key=lambda price: price.asset)
        kept = [
            price
            for price in some
            if price.at - self._kept.get(price.asset, -self._keep_ms) >= self._keep_ms
        ]

        async def work(writing: Writing) -> list[str]:
            return await prices.tick(writing, some, kept=kept, now=self._clock())

        try:
            moved = await self._turn.change([LEASE], work)
        except LeaseLost:
            await self._turn.give_back()
            raise
        self._kept |= {price.asset: price.at for price in kept}
        return moved

    async def leave(self) -> None:
        """Let somebody else tick."""
        await self._turn.give_back()

    async def _remember(self) -> None:
        """What points there are already."""
        await prices.register(self._graph, self._market.assets)
        moments = [Moment(asset=asset.id) for asset in self._market.assets]
        found = await prices.at(self._graph, moments)
        self._kept = {one.asset: round(row.at.timestamp() * 1000) for one, row in found.items()}

    def _counted(self, asked: Asked) -> list[SourceState]:
        """How each source has been doing, this time included."""
        now = round(self._clock().timestamp() * 1000)
        refused = Counter(one.source for one in asked.refused)
        for name, state in self._states.items():
            away = name in asked.away
            self._states[name] = msgspec.structs.replace(
                state,
                answers=state.answers + (not away),
                failures=state.failures + away,
                refused=state.refused + refused[name],
                succeeded_at=state.succeeded_at if away else now,
            )
        return list(self._states.values())

    async def _warn(self, asked: Asked) -> None:
        """Say once, and again after it was better, what cannot be used."""
        wrong = {(one.asset, one.source): one.reason for one in asked.refused}
        wrong |= {("*", name): reason for name, reason in asked.away.items()}
        for (asset, source), reason in wrong.items():
            if (asset, source) not in self._told:
                await log.awarning("price not used", asset=asset, source=source, reason=reason)
        self._told = set(wrong)


async def work(
    graph: Graph,
    market: Market,
    *,
    clock: Callable[[], datetime],
    pace: Pace,
    changed: Callable[[], None] = lambda: None,
    tell: Tell = nobody,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Tick, price what is announced, and thin out what grows old, for ever; a graph that is away is
    waited for."""
    ticker = Ticker(graph, market, clock=clock, keep=pace.keep, tell=tell)
    valuer = Valuer(graph, market, clock=clock, look_back=pace.look_back)

    async def tick() -> None:
        if await ticker.tick():
            changed()

    async def value() -> None:
        if await valuer.step():
            changed()

    steps = [("ticking", tick), ("pricing", value)]
    if pace.keeping is not None:
        daily = Daily(graph, Thinner(graph, keeping=pace.keeping, clock=clock), clock=clock)

        async def thin() -> None:
            if await daily.step():
                changed()

        steps.append(("thinning", thin))

    every_s = pace.every.total_seconds()
    try:
        async with asyncio.TaskGroup() as tasks:
            for name, step in steps:
                tasks.create_task(_forever(name, step, every_s=every_s, sleep=sleep))
    finally:
        await ticker.leave()


class Valuer:
    """Prices transfers as they are announced, and every hour what that has left out."""

    def __init__(
        self,
        graph: Graph,
        market: Market,
        *,
        clock: Callable[[], datetime],
        look_back: timedelta,
    ) -> None:
        self._clock, self._look_back = clock, look_back
        self._pricer = Pricer(graph, Turn(graph, clock=clock), market)
        self._swept: datetime | None = None

    async def step(self) -> int:
        """Price what is new. Returns: how many transfers. Raises: UpstreamUnavailable."""
        done = await self._pricer.follow()
        now = self._clock()
        if self._look_back and (self._swept is None or now - self._swept >= _SWEEP_EVERY):
            since = round((now - self._look_back).timestamp() * 1000)
            done += sum(one.priced for one in await self._pricer.price(since=since))
            self._swept = now
        return done


class Daily:
    """Thins out points of all assets, once each day (UTC)."""

    def __init__(self, graph: Graph, thinner: Thinner, *, clock: Callable[[], datetime]) -> None:
        self._graph, self._thinner, self._clock = graph, thinner, clock
        self._done: date | None = None

    async def step(self) -> int:
        """Thin out what is to go by now. Returns: how many points went. Raises:
        UpstreamUnavailable.
        """
        today = self._clock().astimezone(UTC).date()
        if today == self._done:
            return 0
        found = [row.id for row in await prices.assets(self._graph)]
        removed = sum(one.removed for one in await self._thinner.thin(found))
        self._done = today
        return removed


async def _forever(
    name: str,
    step: Callable[[], Awaitable[None]],
    *,
    every_s: float,
    sleep: Callable[[float], Awaitable[None]],
) -> None:
    failed = 0
    while True:
        try:
            await step()
        except (UpstreamUnavailable, LeaseLost) as error:
            await log.awarning(f"{name} waits", error=str(error))
        except Exception as error:
            # A fault of ours in one round shall not end what else this process does.
            await log.aerror(f"{name} failed", exc_info=error)
        else:
            failed = 0
            await sleep(every_s)
            continue
        await sleep(_PAUSES_S[min(failed, len(_PAUSES_S) - 1)])
        failed += 1
