"""Consumer groups: of all processes that judge events, one gets each, and none is forgotten.

An event that was taken and not done with comes again, to its taker when that one comes back under
its name, else to another once it has lain idle. So a judge may see an event twice, always under
the same id (``Batch.id_of``), and keeps what it concludes under that id. Where the order within a
lane matters, let one consumer at a time judge it.

An event on which judges keep failing must not hold up all that follow: after some tries it is set
aside (``dead_letters``), and the group goes on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from redis.exceptions import ResponseError

from graph_api.domain.errors import UpstreamUnavailable
from graph_api.domain.events import Event, Lane, Line
from graph_api.live.cursors import Mark
from graph_api.live.dead_letters import MAX_TRIES, DeadLetters
from graph_api.live.reading import BATCH, SURVEY_EVERY_S, Batch, Lost, OnLost, Past, raise_lost
from graph_api.live.streams import Streams, StreamState, entry_of

#: After so long without being done with, an event goes to another consumer.
IDLE: Final = timedelta(seconds=60)
#: After so long a consumer that left nothing undone is forgotten.
_GONE: Final = timedelta(hours=1)

#: Up to which number a lane is judged, as the judge's own store knows; 0 for not at all. Asked
#: when the bus has forgotten the group.
Judged = Callable[[Lane, str], Awaitable[int]]


async def nothing(_lane: Lane, _epoch: str) -> int:
    """Judge everything that is kept."""
    return 0


class _Hole(msgspec.Struct, kw_only=True):
    """What a group must still be told before it can go on with the stream."""

    mark: Mark
    through: int


class Group:
    """One consumer of a group. Take, judge, say that it is done; then take again.

    ``takes`` leaves out lanes that somebody else judges now.
    """

    def __init__(
        self,
        streams: Streams,
        name: str,
        *,
        consumer: str,
        lines: Collection[Line],
        past: Past | None = None,
        judged: Judged = nothing,
        on_lost: OnLost = raise_lost,
        idle: timedelta = IDLE,
        tries: int = MAX_TRIES,
        takes: Callable[[Lane], bool] = lambda _: True,
    ) -> None:
        self._takes = takes
        self._streams, self._name, self._consumer, self._lines = streams, name, consumer, lines
        self._dead, self._tries = DeadLetters(streams, name), tries
        self._past, self._judged, self._on_lost, self._idle = past, judged, on_lost, idle
        self._joined: dict[Lane, str] = {}
        self._holes: dict[Lane, _Hole] = {}
        self._mine: set[Lane] = set()
        self._clock = asyncio.get_running_loop().time
        self._survey_at = self._claim_at = 0.0

    async def take(self, *, limit: int = BATCH, block_s: float = 1.0) -> list[Batch]:
        """Events to judge, at most ``limit`` of each lane; none after ``block_s`` without any.

        Raises: UpstreamUnavailable, CursorTooOld, UnknownEvent.
        """
        try:
            return await self._take(limit, block_s)
        except UpstreamUnavailable:
            # What was on its way to us is ours already: ask for it first when the bus is back.
            self._mine.update(self._joined)
            self._survey_at = 0.0
            raise

    async def failed(self, batch: Batch, event: Event, reason: str, *, now: datetime) -> bool:
        """Judging ``event`` failed: it comes again, with what follows it in ``batch``, until it has
        failed too often and is set aside. What stands before it in ``batch`` is done.

        Returns: whether it is set aside. Raises: UpstreamUnavailable.
        """
        dead = await self._dead.failed(batch, event, reason, now=now, tries=self._tries)
        last = event.number if dead else event.number - 1
        judged = tuple(one for one in batch.events if one.number <= last)
        # A replayed event that failed for good was taken back from the group by the count itself.
        if judged and not batch.replayed:
            await self.done(msgspec.structs.replace(batch, events=judged))
        self.put_back(batch)
        return dead

    def put_back(self, batch: Batch) -> None:
        """Nobody is to blame that the rest of ``batch`` was not judged: it comes again."""
        if batch.lane in self._joined and not batch.replayed:
            self._mine.add(batch.lane)

    async def done(self, batch: Batch) -> None:
        """Never give the events of ``batch`` out again."""
        if batch.replayed:
            await self._dead.settled(batch)
            return
        lane, hole = batch.lane, self._holes.get(batch.lane)
        if hole is None:
            async with self._streams.bus.speaking() as client:
                ids = [f"{event.number}-0" for event in batch.events]
                await client.xack(self._streams.key(lane), self._name, *ids)
            return
        hole.mark = batch.mark
        if hole.mark.number >= hole.through:
            await self._create(lane, hole.mark)

    async def leave(self) -> None:
        """Be forgotten, unless something was left undone."""
        for lane in self._joined:
            await self._streams.forget(lane, self._name, idle=timedelta())
        self._joined.clear()

    async def _take(self, limit: int, block_s: float) -> list[Batch]:
        now = self._clock()
        if now >= self._survey_at:
            await self._survey()
            self._survey_at = now + SURVEY_EVERY_S
            if batches := await self._dead.take(limit=limit, lasts=self._idle):
                return batches
        if batches := await self._from_holes(limit):
            return batches
        if batches := await self._left_over(limit):
            return batches
        if now >= self._claim_at:
            if batches := await self._claimed(limit):
                return batches
            self._claim_at = now + self._idle.total_seconds() / 2
        block_s = min(block_s, self._streams.bus.timeout_s / 2)
        if not self._joined:
            await asyncio.sleep(block_s)
            return []
        return await self._read(dict.fromkeys(self._joined, ">"), limit, block_s=block_s)

    async def _survey(self) -> None:
        lanes = [lane for lane in await self._streams.lanes(self._lines) if self._takes(lane)]
        for lane in {*self._joined, *self._holes}.difference(lanes):
            self._joined.pop(lane, None)
            self._holes.pop(lane, None)
            self._mine.discard(lane)
        for state in await self._streams.survey(lanes):
            if self._joined.get(state.lane) != state.epoch:
                await self._join(state)

    async def _join(self, state: StreamState) -> None:
        """Belong to the lane's group; found it where the bus does not know it."""
        lane = state.lane
        if any(group.name == self._name for group in await self._streams.groups(lane)):
            self._holes.pop(lane, None)
            self._joined[lane] = state.epoch
            self._mine.add(lane)
            return
        number = await self._judged(lane, state.epoch)
        if number + 1 >= state.first:
            await self._create(lane, Mark(state.epoch, number))
            return
        known = self._holes.get(lane)
        if known is None or known.mark.epoch != state.epoch:
            known = self._holes[lane] = _Hole(mark=Mark(state.epoch, number), through=0)
        known.through = state.first - 1

    async def _create(self, lane: Lane, mark: Mark) -> None:
        async with self._streams.bus.speaking() as client:
            # Another consumer may have been quicker; a stream may have gone.
            with suppress(ResponseError):
                await client.xgroup_create(self._streams.key(lane), self._name, f"{mark.number}-0")
        self._holes.pop(lane, None)
        self._joined[lane] = mark.epoch

    async def _from_holes(self, limit: int) -> list[Batch]:
        """What the streams do not hold any more and the group was not told of."""
        batches = []
        for lane, hole in list(self._holes.items()):
            some = min(limit, hole.through - hole.mark.number)
            kept = await self._past.after(lane, hole.mark, limit=some) if self._past else ()
            events = tuple(event for event in kept if event.number <= hole.through)
            first = events[0].number if events else hole.through + 1
            if first > hole.mark.number + 1:
                await self._on_lost(Lost(lane=lane, after=hole.mark, first=first, renewed=False))
            if events:
                batches.append(Batch(lane=lane, epoch=hole.mark.epoch, events=events))
            else:
                await self._create(lane, Mark(hole.mark.epoch, hole.through))
        return batches

    async def _left_over(self, limit: int) -> list[Batch]:
        """What was given to us before, and never done with."""
        if not self._mine:
            return []
        batches = await self._read(dict.fromkeys(self._mine, "0"), limit, block_s=None)
        self._mine = {batch.lane for batch in batches}
        return batches

    async def _claimed(self, limit: int) -> list[Batch]:
        """What was given to somebody who does not seem to come back."""
        batches: list[Batch] = []
        for lane in self._joined:
            async with self._streams.bus.speaking() as client:
                try:
                    answer: Any = await client.xautoclaim(
                        self._streams.key(lane),
                        self._name,
                        self._consumer,
                        self._idle // timedelta(milliseconds=1),
                        count=limit,
                    )
                except ResponseError as error:
                    self._forgotten(error)
                    return []
            batches += self._batches(lane, answer[1])
            await self._streams.forget(lane, self._name, idle=_GONE)
        return batches

    async def _read(
        self, places: Mapping[Lane, str], limit: int, *, block_s: float | None
    ) -> list[Batch]:
        keys = {self._streams.key(lane): lane for lane in places}
        asked: Any = {key: places[lane] for key, lane in keys.items()}
        async with self._streams.bus.speaking() as client:
            try:
                answer: Any = await client.xreadgroup(
                    self._name,
                    self._consumer,
                    asked,
                    count=limit,
                    block=None if block_s is None else max(1, round(block_s * 1000)),
                )
            except ResponseError as error:
                self._forgotten(error)
                return []
        return [one for key, rows in answer for one in self._batches(keys[key], rows)]

    def _forgotten(self, error: ResponseError) -> None:
        """The bus was emptied, or a stream was replaced: look again what is there."""
        if not str(error).startswith("NOGROUP"):
            raise error
        self._joined.clear()
        self._mine.clear()
        self._survey_at = 0.0

    def _batches(self, lane: Lane, rows: Sequence[Any]) -> Iterable[Batch]:
        entries = [entry_of(lane, row) for row in rows if row[1]]
        if not entries:
            return
        epoch = entries[0].epoch
        events: tuple[Event, ...] = tuple(entry.event for entry in entries)
        yield Batch(lane=lane, epoch=epoch, events=events)


#: Judges one event of a batch; what it concludes it keeps under ``batch.id_of(event)``.
Judge = Callable[[Batch, Event], Awaitable[None]]


async def judge_all(
    group: Group,
    judge: Judge,
    *,
    clock: Callable[[], datetime],
    pause_s: float = 1.0,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Judge every event in order, for ever. What is not there for a moment is waited for.

    An event on which ``judge`` raises anything else comes again, and is set aside in the end.
    """
    while True:
        try:
            for batch in await group.take():
                if not await _judged(group, batch, judge, clock=clock):
                    await sleep(pause_s)
        except UpstreamUnavailable:
            await sleep(pause_s)


async def _judged(
    group: Group, batch: Batch, judge: Judge, *, clock: Callable[[], datetime]
) -> bool:
    """Whether the whole batch is judged."""
    for event in batch.events:
        try:
            await judge(batch, event)
        except (UpstreamUnavailable, asyncio.CancelledError):
            group.put_back(batch)
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            await group.failed(batch, event, reason, now=clock())
            return False
    await group.done(batch)
    return True
