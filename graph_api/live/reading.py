"""One reader of many lanes: every event once and in order, whatever becomes of the bus meanwhile.

What a stream does not hold any more comes from what the graph keeps. What neither has is lost,
and said: numbers without a gap tell it for sure.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import aclosing
from typing import Final, Protocol

import msgspec

from graph_api.domain.errors import CursorTooOld, UpstreamUnavailable
from graph_api.domain.events import KEPT_LINES, Event, Lane, Line, LineState
from graph_api.live.cursors import Cursor, Mark
from graph_api.live.streams import Entry, Streams, StreamState

#: So many events of a lane come together at most.
BATCH: Final = 200
#: How often a reader looks for lanes that are new, emptied or of another epoch.
SURVEY_EVERY_S: Final = 1.0
PAUSES_S: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)


class Past(Protocol):
    """What is kept of the kept lines, whatever the bus holds."""

    async def lines(self) -> Sequence[LineState]:
        """Where every lane stands."""
        ...

    async def after(self, lane: Lane, mark: Mark, *, limit: int) -> Sequence[Event]:
        """Up to ``limit`` events that follow ``mark``, in order; none where its epoch is over."""
        ...


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Events of one lane that follow each other.

    ``replayed`` ones were set aside by their group, and do not stand where it is now.
    """

    lane: Lane
    epoch: str
    events: tuple[Event, ...]
    replayed: bool = False

    @property
    def mark(self) -> Mark:
        """How far the lane is read with it."""
        return Mark(self.epoch, self.events[-1].number)

    def id_of(self, event: Event) -> str:
        """A name of ``event`` that no other has, and that it keeps however often it comes."""
        return f"{self.lane}:{self.epoch}:{event.number}"


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """Events between ``after`` and ``first`` are kept nowhere; with ``renewed`` all are others."""

    lane: Lane
    after: Mark
    first: int
    renewed: bool

    def error(self) -> CursorTooOld:
        """What a client that read from ``after`` gets to hear."""
        if self.renewed:
            return CursorTooOld(
                f"{self.lane} counts its events anew; start again without a cursor."
            )
        return CursorTooOld(
            f"Events {self.after.number + 1} to {self.first - 1} of {self.lane} are not kept any "
            "more; start again without a cursor."
        )


OnLost = Callable[[Lost], Awaitable[None]]


async def raise_lost(lost: Lost) -> None:
    """Read no further. Raises: CursorTooOld."""
    raise lost.error()


async def newest(streams: Streams, lines: Collection[Line], *, past: Past | None) -> Cursor:
    """A cursor behind everything that has happened on ``lines``.

    With ``past`` a kept line counts what the bus does not hold yet, or holds no more.
    """
    marks: dict[Lane, Mark] = {}
    for state in await streams.survey(await streams.lanes(lines)):
        if past is None or state.lane.line not in KEPT_LINES:
            marks[state.lane] = Mark(state.epoch, state.last)
    for kept in await past.lines() if past else ():
        if kept.line in lines:
            marks[kept.lane] = Mark(kept.epoch, kept.last)
    return Cursor(marks)


async def read(
    streams: Streams,
    start: Cursor,
    *,
    lines: Collection[Line],
    past: Past | None = None,
    on_lost: OnLost = raise_lost,
    limit: int = BATCH,
    survey_every_s: float = SURVEY_EVERY_S,
) -> AsyncGenerator[Batch]:
    """Everything that follows ``start`` on ``lines``, without end: each event once, in order.

    A lane that ``start`` does not name is read from its first event. While the bus is away the
    reader waits for it. With ``on_lost`` it goes on with what there is.

    Raises: CursorTooOld, UnknownEvent.
    """
    reader = _Reader(
        streams,
        dict(start.marks),
        lines=lines,
        past=past,
        on_lost=on_lost,
        limit=limit,
        survey_every_s=survey_every_s,
    )
    failures = 0
    while True:
        try:
            async with aclosing(reader.turn()) as batches:
                async for batch in batches:
                    yield batch
            failures = 0
        except UpstreamUnavailable:
            reader.survey_at = 0.0
            await asyncio.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
            failures += 1


class _Reader:
    """Where a reader stands; ``marks`` are moved before a batch is given away."""

    def __init__(
        self,
        streams: Streams,
        marks: dict[Lane, Mark],
        *,
        lines: Collection[Line],
        past: Past | None,
        on_lost: OnLost,
        limit: int,
        survey_every_s: float,
    ) -> None:
        self._streams, self._marks, self._lines = streams, marks, lines
        self._past, self._on_lost, self._limit = past, on_lost, limit
        self._survey_every_s = survey_every_s
        self._clock = asyncio.get_running_loop().time
        self.survey_at = 0.0

    async def turn(self) -> AsyncGenerator[Batch]:
        """What there is to read now, or after a while nothing."""
        if self._clock() >= self.survey_at:
            for state in await self._survey():
                await self._meet(state)
                while batch := await self._missing(state.lane, first=state.first):
                    yield batch
            self.survey_at = self._clock() + self._survey_every_s
        for lane, entries in (await self._wait()).items():
            for events in self._runs(lane, entries):
                while batch := await self._missing(lane, first=events[0].number):
                    yield batch
                yield self._moved(lane, events)

    async def _survey(self) -> list[StreamState]:
        lanes = {*self._marks, *await self._streams.lanes(self._lines)}
        return await self._streams.survey(sorted(lanes))

    async def _meet(self, state: StreamState) -> None:
        """Begin with a lane that is new, and anew with one of another epoch."""
        mark = self._marks.setdefault(state.lane, Mark(state.epoch, 0))
        if state.epoch not in {mark.epoch, ""}:
            await self._lose(state.lane, first=state.first, renewed=True)
            # Whatever the new history holds has not been read.
            self._marks[state.lane] = Mark(state.epoch, state.first - 1)

    async def _wait(self) -> dict[Lane, list[Entry]]:
        block_s = min(self._survey_every_s, self._streams.bus.timeout_s / 2)
        if not self._marks:
            await asyncio.sleep(block_s)
            return {}
        places = {lane: mark.number for lane, mark in self._marks.items()}
        return await self._streams.wait(places, limit=self._limit, block_s=block_s)

    def _runs(self, lane: Lane, entries: list[Entry]) -> Iterator[list[Event]]:
        """Entries as runs of events without a gap."""
        if any(entry.epoch != self._marks[lane].epoch for entry in entries):
            # The stream was replaced under our hands: see where it begins before reading on.
            self.survey_at = 0.0
            return
        run: list[Event] = []
        for entry in entries:
            if run and entry.event.number != run[-1].number + 1:
                yield run
                run = []
            run.append(entry.event)
        yield run

    async def _missing(self, lane: Lane, *, first: int) -> Batch | None:
        """The next of what the stream lacks before ``first``; None when nothing is left to have."""
        mark = self._marks[lane]
        if mark.number >= first - 1:
            return None
        events = await self._kept(lane, mark, limit=min(self._limit, first - 1 - mark.number))
        events = [event for event in events if event.number < first]
        begins = events[0].number if events else first
        if begins > mark.number + 1:
            await self._lose(lane, first=begins, renewed=False)
            self._marks[lane] = Mark(mark.epoch, begins - 1)
        return self._moved(lane, events) if events else None

    async def _kept(self, lane: Lane, mark: Mark, *, limit: int) -> Sequence[Event]:
        if self._past is None or lane.line not in KEPT_LINES:
            return ()
        return await self._past.after(lane, mark, limit=limit)

    async def _lose(self, lane: Lane, *, first: int, renewed: bool) -> None:
        # On a line that tells how things stand now, nobody misses what was.
        if lane.line in KEPT_LINES:
            after = self._marks[lane]
            await self._on_lost(Lost(lane=lane, after=after, first=first, renewed=renewed))

    def _moved(self, lane: Lane, events: Sequence[Event]) -> Batch:
        batch = Batch(lane=lane, epoch=self._marks[lane].epoch, events=tuple(events))
        self._marks[lane] = batch.mark
        return batch
