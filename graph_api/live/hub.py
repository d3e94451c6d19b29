"""One reader of each line for a whole process; whoever listens hears of what it wants, once.

The newest events are kept for a while, so that those who come back soon are served from memory.
Who was away for longer reads for itself until it is as far as that.
"""

import asyncio
from bisect import bisect_left
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import msgspec
import structlog

from graph_api.domain.errors import GraphApiError, UpstreamUnavailable
from graph_api.domain.events import Event, Lane, Line
from graph_api.live.cursors import Cursor, Mark
from graph_api.live.interests import Index
from graph_api.live.reading import Batch, Lost, Past, newest, read
from graph_api.live.streams import Streams

#: How many events of a line are kept in memory; a reader begins with half as many.
KEPT: Final = 2_048
#: After so many deliveries others get their turn.
_BREATH: Final = 500

log = structlog.get_logger("graph_api.live")


class Told:
    """One event, and how far its reader is with it; ``answers`` is for who makes some of it."""

    __slots__ = ("_text", "answers", "cursor", "event", "lane")

    def __init__(self, lane: Lane, event: Event, cursor: Cursor) -> None:
        self.lane, self.event, self.cursor = lane, event, cursor
        self.answers: dict[Any, Any] = {}
        self._text = ""

    @property
    def at(self) -> datetime:
        """When it was learned."""
        return datetime.fromtimestamp(self.event.at / 1000, UTC)

    @property
    def cursor_text(self) -> str:
        """What a client gives back to go on behind this event."""
        if not self._text:
            self._text = self.cursor.text()
        return self._text


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of events beyond what they say: ``fields`` that ``find`` adds to bodies.

    They are looked for once for each batch, and only where somebody looks at them. Of several kinds
    each sees what those before it have added.
    """

    fields: frozenset[str]
    find: Callable[[Sequence[Event]], Awaitable[Sequence[Event]]]


class Listener(Protocol):
    """Hears of events at once; what takes longer is its own affair."""

    def hear(self, told: Told) -> int:
        """An event that it wants; how many deliveries that took."""
        ...

    def lose(self, error: GraphApiError) -> None:
        """Nothing more comes: what it was told so far does not go on."""
        ...


class Feed:
    """The reader of one line, who listens to it, and its newest events."""

    def __init__(
        self,
        streams: Streams,
        line: Line,
        *,
        past: Past | None,
        facts: Sequence[Facts],
    ) -> None:
        self.line = line
        self._facts, self._found_facts = facts, frozenset[str]()
        self.listeners: Index[Listener] = Index()
        self.position = Cursor()
        self._streams, self._past = streams, past
        self._recent: deque[Told] = deque(maxlen=KEPT)
        self._begins: dict[Lane, Mark] = {}
        self._ready = asyncio.Event()
        self._now = Cursor()
        self._task: asyncio.Task[None] | None = None
        self._place = self.position, ""

    @property
    def place(self) -> str:
        """The position as a text."""
        if self._place[0] is not self.position or not self._place[1]:
            self._place = self.position, self.position.text()
        return self._place[1]

    async def ready(self) -> None:
        """Be at the newest event. Raises: UpstreamUnavailable."""
        if self._task is None or self._task.done():
            self._ready.clear()
            self._task = asyncio.create_task(self._run(), name=f"feed {self.line}")
        waiting = asyncio.create_task(self._ready.wait())
        try:
            timeout_s = 2 * self._streams.bus.timeout_s
            await asyncio.wait(
                {waiting, self._task}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            waiting.cancel()
        if not self._ready.is_set():
            raise UpstreamUnavailable(f"The bus at {self._streams.bus.place}", retry_after_s=5)

    def look_at(self, fields: Iterable[str]) -> None:
        """Have these properties in events from now on, where they do not say them themselves."""
        known = frozenset[str]().union(*(one.fields for one in self._facts))
        new = known.intersection(fields) - self._found_facts
        if not new:
            return
        self._found_facts |= new
        # What is kept was heard without them.
        self._recent.clear()
        self._begins = dict(self.position.marks)

    async def stop(self) -> None:
        """Read no more."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def recent(self, after: Cursor) -> list[Told] | None:
        """What is known here that follows ``after``; None when something in between is not.

        Cursors of what is answered go on from ``after``.
        """
        for lane, begin in self._begins.items():
            mark = after.marks.get(lane, Mark(begin.epoch, 0))
            if mark.epoch != begin.epoch or mark.number < begin.number:
                return None
        first = bisect_left(self._recent, True, key=lambda told: not covers(after, told.cursor))
        found, cursor = list[Told](), after
        for place in range(first, len(self._recent)):
            told = self._recent[place]
            if told.event.number > after.marks.get(told.lane, _NOWHERE).number:
                cursor = cursor.moved(told.lane, told.cursor.marks[told.lane])
                same = cursor == told.cursor
                found.append(told if same else Told(told.lane, told.event, cursor))
        return found

    async def since(self, after: Cursor) -> AsyncGenerator[list[Told]]:
        """Everything that follows ``after``, read for one who was away. Raises: CursorTooOld."""
        cursor = after
        events = read(self._streams, after, lines=[self.line], past=self._past)
        async with aclosing(events) as batches:
            async for batch in batches:
                some = []
                for event in await self._with_facts(batch.events):
                    cursor = cursor.moved(batch.lane, Mark(batch.epoch, event.number))
                    some.append(Told(batch.lane, event, cursor))
                yield some

    async def _run(self) -> None:
        while True:
            try:
                await self._read()
            except UpstreamUnavailable:
                await asyncio.sleep(_PAUSE_S)
            except GraphApiError as error:
                # What this version cannot read ends this line for all, and says so.
                log.error("feed ended", line=self.line, reason=str(error))
                self._tell_lost(error)
                return

    async def _read(self) -> None:
        start = await self._begin()
        self.position = start
        self._recent.clear()
        self._begins = dict(start.marks)
        self._look_whether_ready()
        events = read(
            self._streams, start, lines=[self.line], past=self._past, on_lost=self._on_lost
        )
        async with aclosing(events) as batches:
            async for batch in batches:
                await self._hear(batch)
                self._look_whether_ready()

    async def _begin(self) -> Cursor:
        """A little before the newest event, as far as the bus holds what was."""
        if self._ready.is_set():
            return self.position
        lanes = await self._streams.lanes([self.line])
        found = {one.lane: one for one in await self._streams.survey(lanes)}
        # The graph knows what the bus does not hold yet, or holds no more.
        kept = await newest(self._streams, [self.line], past=self._past)
        told = {lane: Mark(state.epoch, state.last) for lane, state in found.items()}
        now = {**told, **kept.marks}
        start = dict(now)
        for lane, (epoch, number) in tuple(now.items()):
            state = found.get(lane)
            # A stream that is far behind is being refilled, with what happened long ago.
            if state is None or state.epoch != epoch or number - state.last > KEPT:
                continue
            now[lane] = Mark(epoch, state.last)
            start[lane] = Mark(epoch, max(state.last - KEPT // 2, state.first - 1, 0))
        self._now = Cursor(now)
        return Cursor(start)

    def _look_whether_ready(self) -> None:
        if self._ready.is_set():
            return
        marks = self.position.marks
        if all(
            marks[lane].epoch != mark.epoch or marks[lane].number >= mark.number
            for lane, mark in self._now.marks.items()
        ):
            self._ready.set()

    async def _with_facts(self, events: Sequence[Event]) -> Sequence[Event]:
        for facts in self._facts:
            if not facts.fields.isdisjoint(self._found_facts):
                events = await facts.find(events)
        return events

    async def _hear(self, batch: Batch) -> None:
        events = await self._with_facts(batch.events)
        before = self.position.marks.get(batch.lane, Mark(batch.epoch, 0))
        if before != (batch.epoch, batch.events[0].number - 1):
            # Something lies between, or before, that nobody can have.
            self._recent.clear()
            self._begins = dict(self.position.marks)
            self._begins[batch.lane] = Mark(batch.epoch, batch.events[0].number - 1)
        self._begins.setdefault(batch.lane, Mark(batch.epoch, 0))
        deliveries = 0
        for event in events:
            self.position = self.position.moved(batch.lane, Mark(batch.epoch, event.number))
            told = Told(batch.lane, event, self.position)
            self._keep(told)
            for listener in self.listeners.matches(event):
                deliveries += 1 + self._told(listener, told)
            if deliveries > _BREATH:
                deliveries = 0
                await asyncio.sleep(0)

    def _told(self, listener: Listener, told: Told) -> int:
        try:
            return listener.hear(told)
        except Exception as error:  # one that fails costs the others nothing
            log.error("listener failed", line=self.line, exc_info=error)
            listener.lose(UpstreamUnavailable("The subscription", retry_after_s=5))
            return 0

    def _keep(self, told: Told) -> None:
        if len(self._recent) == KEPT:
            oldest = self._recent[0]
            self._begins[oldest.lane] = oldest.cursor.marks[oldest.lane]
        self._recent.append(told)

    async def _on_lost(self, lost: Lost) -> None:
        log.warning("events lost", lane=str(lost.lane), after=lost.after.number, first=lost.first)
        # Nobody may resume from before in the moment until the first event of what follows.
        self._recent.clear()
        epoch = "" if lost.renewed else lost.after.epoch
        self._begins = {**self.position.marks, lost.lane: Mark(epoch, lost.first - 1)}
        self._tell_lost(lost.error())

    def _tell_lost(self, error: GraphApiError) -> None:
        for listener in self.listeners:
            listener.lose(error)


class Hub:
    """The feeds of one process; a line is read from the first who asks for it."""

    def __init__(
        self,
        streams: Streams,
        *,
        past: Past | None = None,
        facts: Mapping[Line, Sequence[Facts]] | None = None,
    ) -> None:
        self._streams, self._past, self._facts = streams, past, facts or {}
        self._feeds: dict[Line, Feed] = {}

    async def feed(self, line: Line) -> Feed:
        """The feed of a line, at its newest event. Raises: UpstreamUnavailable."""
        feed = self._feeds.get(line)
        if feed is None:
            feed = self._feeds[line] = Feed(
                self._streams,
                line,
                past=self._past,
                facts=self._facts.get(line, ()),
            )
        await feed.ready()
        return feed

    async def close(self) -> None:
        """Read nothing any more."""
        for feed in self._feeds.values():
            await feed.stop()


def covers(cursor: Cursor, other: Cursor) -> bool:
    """Whether ``cursor`` is as far as ``other``, or farther, on each of its lanes."""
    return all(
        mark.number <= cursor.marks.get(lane, _NOWHERE).number for lane, mark in other.marks.items()
    )


_NOWHERE: Final = Mark("", 0)
_PAUSE_S: Final = 0.5
