"""Detects OTC in what is announced: reads the outbox behind the writers, and adds to it.

Loading is not held up by it, and needs neither prices nor labels. Of all processes one looks, by a
lease; what it concludes from an event is written in one transaction with how far it has looked, so
that each event is concluded from once, in order, whoever is killed. A block's transfers are looked
at together where they were announced together.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby, takewhile
from typing import Any, Final

import structlog

from graph_api.analysis import otc as rules_of_otc
from graph_api.analysis.otc import Desk, Found, Moved
from graph_api.analysis.sizes import bucket_of, day_of, rare_from, together
from graph_api.domain.amounts import raw_of
from graph_api.domain.errors import UpstreamUnavailable
from graph_api.domain.events import Event, Line, LineState, Topic
from graph_api.domain.ids import ChainId, TransferId
from graph_api.domain.otc import DESK_TYPES, Rules
from graph_api.services.telling import Owners, Worth, wallets_of
from graph_api.store import otc, outbox
from graph_api.store.graph import Graph, Writing
from graph_api.store.leases import LeaseLost
from graph_api.store.ledger.turn import Turn
from graph_api.store.otc import Detection, Looked, TokenDay

#: Of all who keep up, one looks.
LEASE: Final = "otc"
#: So long after its holder is gone another one looks.
LASTS: Final = timedelta(seconds=20)
#: So many events are read at once.
EVENTS: Final = 1_000
POLL_S: Final = 1.0
_PAUSES_S: Final = (1.0, 2.0, 5.0, 10.0)

log: Final = structlog.get_logger("deskgraph.ingest")


class Detector:
    """Looks at the announced transfers of every chain.

    ``tolerance`` is how much older than a transfer its price may be. ``changed`` is called when
    there is something to publish.
    """

    def __init__(
        self,
        graph: Graph,
        rules: Rules,
        *,
        clock: Callable[[], datetime],
        tolerance: timedelta,
        changed: Callable[[], None] = lambda: None,
        lasts: timedelta = LASTS,
        events: int = EVENTS,
        poll_s: float = POLL_S,
    ) -> None:
        self._graph, self._rules, self._clock, self._changed = graph, rules, clock, changed
        self._turn = Turn(graph, clock=clock, lasts=lasts)
        self._owners = Owners(graph, clock=clock)
        self._worth = Worth(graph, clock=clock, tolerance_s=tolerance.total_seconds())
        self._events, self._poll_s = events, poll_s
        self._rare: dict[TokenDay, int | None] = {}
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look at once."""
        self._woken.set()

    async def run(self) -> None:
        """Look for ever; a graph that is away is waited for."""
        failed = 0
        try:
            while True:
                self._woken.clear()
                try:
                    await self.detect()
                except (UpstreamUnavailable, LeaseLost) as error:
                    await log.awarning("detection waits", error=str(error))
                except Exception as error:
                    # A fault of ours in one round shall not end what else this process does.
                    await log.aerror("detection failed", exc_info=error)
                else:
                    failed = 0
                    with suppress(TimeoutError):
                        async with asyncio.timeout(self._poll_s):
                            await self._woken.wait()
                    continue
                await asyncio.sleep(_PAUSES_S[min(failed, len(_PAUSES_S) - 1)])
                failed += 1
        finally:
            await self.leave()

    async def detect(self) -> int:
        """Look at everything that is announced and was not looked at. Returns: how many events of
        OTC that made. Raises: UpstreamUnavailable, LeaseLost.
        """
        await self._turn.hold([LEASE])
        try:
            looked, made = await otc.places(self._graph), 0
            for line in await outbox.lines(self._graph):
                if line.line == Line.TRANSFERS:
                    made += await self._chain(line, looked.get(ChainId(line.chain), 0))
        except LeaseLost:
            # Somebody else may be at it meanwhile.
            await self.leave()
            raise
        return made

    async def leave(self) -> None:
        """Let somebody else look."""
        self._rare.clear()
        await self._turn.give_back()

    async def _chain(self, line: LineState, place: int) -> int:
        made = 0
        if place < line.first - 1:
            await log.awarning("events lost", lane=str(line.lane), after=place, first=line.first)
        while place < line.last:
            events = await self._whole_blocks(line, max(place, line.first - 1))
            if not events:
                break
            looked = await self._look(ChainId(line.chain), place, events)
            new = await self._keep(looked)
            if new is None:
                self._rare.clear()
                break
            place, made = looked.through, made + new
            if new:
                self._changed()
        return made

    async def _whole_blocks(self, line: LineState, after: int) -> list[Event]:
        """Some events of one day behind ``after``, none of a block that may go on behind them.

        What was there when the line stood where it stands has been announced as a whole.
        """
        events: list[Event] = []
        while True:
            last = events[-1].number if events else after
            more = await outbox.after(self._graph, *line.lane, last, limit=self._events)
            events += (event for event in more if event.number <= line.last)
            if not events:
                return []
            runs = [[*run] for _, run in groupby(events, key=_together)]
            if events[-1].number < line.last:
                runs.pop()
            if runs:
                return _of_one_day(runs)
            if not more:
                return []

    async def _look(self, chain: ChainId, place: int, events: Sequence[Event]) -> Looked:
        """What follows from ``events``. Raises: UpstreamUnavailable."""
        seen = [event for event in events if event.topic is Topic.TRANSFER_SEEN]
        owners = await self._owners.of(seen)
        values = await self._worth.of([event.body for event in seen])
        moves = {
            event.number: _moved(event.body, usd) for event, usd in zip(seen, values, strict=True)
        }
        tokens = await self._worth.tokens()
        looked = Looked(chain=chain, after=place, through=events[-1].number)
        for event in events:
            _count(looked, event, tokens)
        await self._know_rare(moves.values())
        desks: dict[str, Desk] = {
            wallet: Desk(actor.id, actor.type)
            for event in seen
            for wallet in wallets_of(event)
            if (actor := owners[wallet]) is not None and actor.type in DESK_TYPES
        }
        for _, run in groupby(events, key=_together):
            some = [*run]
            found = rules_of_otc.find(
                [moves[event.number] for event in some if event.number in moves],
                desks=desks,
                rare=self._rare,
                rules=self._rules,
            )
            looked.steps += _steps(chain, some, moves, found)
        return looked

    async def _keep(self, looked: Looked) -> int | None:
        async def work(writing: Writing) -> int | None:
            return await otc.keep(writing, looked, now=self._clock())

        new = await self._turn.change([LEASE], work)
        # What is rare on a day hangs on the days before it.
        self._rare = {
            (token, day): bucket
            for (token, day), bucket in self._rare.items()
            if not any(token == other and before < day for other, before in looked.sizes)
        }
        return new

    async def _know_rare(self, moves: Iterable[Moved]) -> None:
        """Learn which sizes are rare, where something may be large."""
        floor = self._rules.floor_usd
        wanted = {
            (move.token, day_of(move.block_time))
            for move in moves
            if move.token and move.block_time is not None and move.usd and move.usd >= floor
        }
        missing = sorted(wanted - self._rare.keys())
        days = {
            (token, before)
            for token, day in missing
            for before in range(day - self._rules.days, day)
        }
        known = {(one.token, one.day): one.sizes for one in await otc.sizes(self._graph, days)}
        for token, day in missing:
            past = range(day - self._rules.days, day)
            self._rare[token, day] = rare_from(
                together(known.get((token, before), {}) for before in past),
                one_in=self._rules.one_in,
                least=self._rules.least,
            )


def _together(event: Event) -> tuple[Topic, int | None, str | None]:
    """Events of one block that were told in a row."""
    return event.topic, event.body["block_number"], event.body["block_hash"]


def _of_one_day(runs: Sequence[Sequence[Event]]) -> list[Event]:
    """The first of ``runs``: what is rare on a day follows from whole days before it."""
    day = _day(runs[0][0])
    return [event for run in takewhile(lambda run: _day(run[0]) == day, runs) for event in run]


def _day(event: Event) -> int | None:
    time = event.body["block_time"]
    return None if time is None else day_of(time)


def _moved(body: Mapping[str, Any], usd: float | None) -> Moved:
    return Moved(
        id=body["id"],
        transaction=body["transaction"],
        sender=body["sender"],
        recipient=body["recipient"],
        token=body["token"],
        amount_raw=None if body["amount_raw"] is None else raw_of(body["amount_raw"]),
        # A value is a multiple of a millionth, which is what its shortest text says.
        usd=None if usd is None else Decimal(str(usd)),
        block_time=body["block_time"],
    )


def _count(looked: Looked, event: Event, tokens: Mapping[str, object]) -> None:
    """Count the size of a transfer whose token is priced, or count it no more."""
    body = event.body
    if body["token"] not in tokens or not body["amount_raw"] or body["block_time"] is None:
        return
    amount = raw_of(body["amount_raw"])
    if amount:
        bucket = bucket_of(amount)
        day = looked.sizes.setdefault((body["token"], day_of(body["block_time"])), {})
        day[bucket] = day.get(bucket, 0) + (1 if event.topic is Topic.TRANSFER_SEEN else -1)


def _steps(
    chain: ChainId,
    events: Sequence[Event],
    moves: Mapping[int, Moved],
    found: Mapping[str, Found],
) -> Iterator[tuple[Mapping[str, Any], Detection | None]]:
    for event in events:
        move = moves.get(event.number)
        if move is None:
            yield event.body, None
        elif (why := found.get(move.id)) is not None:
            yield (
                event.body,
                Detection(
                    id=TransferId(move.id),
                    chain=chain,
                    reasons=[reason.value for reason in why.reasons],
                    actors=[desk.id for desk in why.desks],
                    actor_types=[desk.type for desk in why.desks],
                    usd=None if move.usd is None else float(move.usd),
                    counter=why.counter,
                ),
            )
