"""Everybody who is subscribed: a channel for those who want the same, and where each of them is.

An event is matched once for each distinct wish and answered once for each distinct selection; what
is left for each subscriber is to be handed the bytes. Who comes back with a cursor hears first what
it missed, from memory or from the bus, and joins the others without a gap.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import aclosing, suppress
from typing import Final, Protocol

import structlog

from graph_api.domain.errors import (
    CursorTooOld,
    ErrorCode,
    GraphApiError,
    UpstreamUnavailable,
)
from graph_api.domain.events import Lane
from graph_api.live.cursors import Cursor, Mark
from graph_api.live.hub import Feed, Hub, Told
from graph_api.live.interests import Follows, Interest
from graph_api.schema.subscribing import Answering, Wanted

#: So many events may wait for a client, or for an answer.
LONGEST: Final = 2_048

log = structlog.get_logger("graph_api.server")


class TooSlow(GraphApiError):
    """A client, or what makes its answers, does not keep up."""

    code = ErrorCode.RATE_LIMITED

    def __init__(self) -> None:
        super().__init__("Events come faster than they are taken; resume after the last cursor.")


class _Over(Exception):
    """Nothing follows what was told."""


class Sink(Protocol):
    """Where the answers of one subscription go."""

    def put(self, answer: bytes, cursor: str) -> None:
        """Hand an answer over; never waits."""
        ...

    async def room(self) -> None:
        """Wait until the client has taken what it was given. Raises: TooSlow."""
        ...

    def fail(self, error: GraphApiError) -> None:
        """End it with an error."""
        ...

    def complete(self) -> None:
        """End it: nothing more will come."""
        ...


class Subscriber:
    """One subscription of one client."""

    def __init__(self, channel: "Channel", sink: Sink) -> None:
        self.channel, self.sink = channel, sink
        self.backlog: deque[Told] = deque()
        self.catching_up: asyncio.Task[None] | None = None
        self._floor: dict[Lane, Mark] = {}
        self._position = Cursor()
        self._heard = asyncio.Event()

    @property
    def place(self) -> str:
        """The cursor behind which it goes on; empty while it catches up."""
        return self.channel.place if self.catching_up is None else ""

    def leave(self) -> None:
        """Hear nothing any more."""
        if self.catching_up is not None:
            self.catching_up.cancel()
        self.channel.forget(self)

    def hear(self, told: Told) -> None:
        """What happens while it is not with the others yet."""
        if len(self.backlog) >= LONGEST:
            self.channel.tally.drops["behind"] += 1
            self.end(TooSlow())
            return
        self.backlog.append(told)
        self._heard.set()

    def end(self, error: GraphApiError) -> None:
        """Leave with an error."""
        self.leave()
        self.sink.fail(error)

    async def catch_up(self, after: Cursor | None) -> None:
        """Hear what there is to begin with, then join the others."""
        try:
            if after is None:
                self.channel.behind.add(self)
            else:
                await self._resume(after)
            await self._tell_present()
            await self._work_off()
        except _Over:
            self.catching_up = None
            self.leave()
            self.sink.complete()
        except GraphApiError as error:
            self.catching_up = None
            self.end(error)
        except Exception as error:
            log.error("subscription failed", exc_info=error)
            self.catching_up = None
            self.end(UpstreamUnavailable("The subscription", retry_after_s=5))

    async def _tell_present(self) -> None:
        """How things stand now, where that is to be told."""
        channel = self.channel
        if channel.interest.present is not None:
            for event in await channel.interest.present():
                lane = Lane(channel.feed.line, event.chain)
                await self._tell(Told(lane, event, channel.feed.position))

    async def _resume(self, after: Cursor) -> None:
        """What follows ``after``, up to where the others are."""
        channel, feed = self.channel, self.channel.feed
        channel.tally.resumes["bus" if feed.recent(after) is None else "memory"] += 1
        position = after
        while (recent := feed.recent(position)) is None:
            position = await self._read_on(position)
        # Without a pause from here on, so that nothing falls between.
        self.backlog.extend(told for told in recent if channel.interest.wants(told.event))
        self._position = position
        self._floor = _ahead(position, feed.position)
        channel.behind.add(self)

    async def _read_on(self, position: Cursor) -> Cursor:
        """Hear what follows ``position`` from the bus, until the rest is in memory."""
        channel, feed = self.channel, self.channel.feed
        async with aclosing(feed.since(position)) as batches:
            async for some in batches:
                for told in some:
                    position = told.cursor
                    if channel.interest.wants(told.event):
                        await self._tell(told)
                if feed.recent(position) is not None:
                    break
        return position

    async def _work_off(self) -> None:
        channel = self.channel
        while True:
            while self.backlog:
                told = self.backlog.popleft()
                if (merged := self._above_floor(told)) is not None:
                    await self._tell(merged)
            self._floor = _ahead(Cursor(self._floor), channel.feed.position)
            if not self._floor:
                channel.join(self)
                self.catching_up = None
                return
            self._heard.clear()
            await self._heard.wait()

    def _above_floor(self, told: Told) -> Told | None:
        """The event unless it was dealt with, its cursor not behind where the client is."""
        if not self._floor:
            return told
        floor, mark = self._floor.get(told.lane), told.cursor.marks[told.lane]
        if floor is not None and floor.epoch != mark.epoch:
            raise CursorTooOld(f"{told.lane} counts its events anew; start again without a cursor.")
        if floor is not None and mark.number <= floor.number:
            return None
        merged = dict(told.cursor.marks)
        for lane, ahead in self._position.marks.items():
            if lane not in merged or merged[lane].number < ahead.number:
                merged[lane] = ahead
        return Told(told.lane, told.event, Cursor(merged))

    async def _tell(self, told: Told) -> None:
        """Hand one event over. Raises: _Over when nothing follows it."""
        await self.sink.room()
        answer = self.channel.answering.answer(told)
        if not isinstance(answer, bytes):
            answer = await answer
        self.sink.put(answer, told.cursor_text)
        self.channel.tally.delivered += 1
        if self.channel.over(told):
            raise _Over


class Channel:
    """Subscribers who want the same events and select the same of them."""

    def __init__(
        self,
        key: Hashable,
        feed: Feed,
        interest: Interest,
        answering: Answering,
        *,
        tally: "Tally",
        empty: Callable[["Channel"], None],
    ) -> None:
        self.key, self.feed, self.interest, self.answering = key, feed, interest, answering
        self.tally = tally
        self.behind: set[Subscriber] = set()
        self._empty = empty
        self._live: dict[Subscriber, None] = {}
        self._away: set[Subscriber] = set()
        self._waiting: deque[tuple[Told, tuple[Subscriber, ...]]] = deque()
        self._working: asyncio.Task[None] | None = None
        self._following: _Following | None = None
        feed.listeners.add(interest, self)

    def __len__(self) -> int:
        return len(self._live) + len(self.behind | self._away)

    def __iter__(self) -> Iterator[Subscriber]:
        return iter((*self._live, *(self.behind | self._away)))

    @property
    def place(self) -> str:
        """The cursor of all who are not behind; empty while answers are made."""
        return "" if self._waiting else self.feed.place

    def expect(self, subscriber: Subscriber) -> None:
        """Stay for one who still hears what was before."""
        self._away.add(subscriber)

    def join(self, subscriber: Subscriber) -> None:
        """Let one hear what all hear."""
        self.behind.discard(subscriber)
        self._away.discard(subscriber)
        self._live[subscriber] = None

    def forget(self, subscriber: Subscriber) -> None:
        """Let one hear nothing any more."""
        self._live.pop(subscriber, None)
        self.behind.discard(subscriber)
        self._away.discard(subscriber)
        self._empty(self)

    def close(self) -> None:
        """Hear nothing any more."""
        self.feed.listeners.discard(self)
        if self._working is not None:
            self._working.cancel()
        if self._following is not None:
            self._following.close()

    def follow(self, news: Feed, follows: Follows) -> None:
        """Let what is wanted change with what ``news`` tells."""
        self._following = _Following(self, news, follows)

    def want(self, interest: Interest) -> None:
        """Hear of other events from now on."""
        self.feed.look_at((*interest.fields, *interest.looks_at))
        self.feed.listeners.change(interest, self)
        self.interest = interest

    def over(self, told: Told) -> bool:
        """Whether nothing follows."""
        return self.interest.ends is not None and self.interest.ends(told.event)

    def hear(self, told: Told) -> int:
        """Answer an event and hand it out; how many got it now."""
        for subscriber in tuple(self.behind):
            subscriber.hear(told)
        if not self._live:
            return 0
        if self._waiting:
            self._wait_for(told)
            return 0
        answer = self.answering.answer(told)
        if isinstance(answer, bytes):
            return self._hand_out(told, answer, tuple(self._live))
        self._wait_for(told)
        return 0

    def lose(self, error: GraphApiError) -> None:
        """End all of them."""
        self._waiting.clear()
        for subscriber in self:
            subscriber.end(error)

    def _wait_for(self, told: Told) -> None:
        # Who joins later has heard of it elsewhere.
        self._waiting.append((told, tuple(self._live)))
        if len(self._waiting) > LONGEST:
            self.tally.drops["answers"] += len(self)
            self.lose(TooSlow())
        elif self._working is None:
            self._working = asyncio.create_task(self._work_off())

    async def _work_off(self) -> None:
        """Answers that take a while, in order."""
        try:
            while self._waiting:
                told, subscribers = self._waiting[0]
                answer = self.answering.answer(told)
                made = answer if isinstance(answer, bytes) else await answer
                if self._waiting:  # nobody was lost meanwhile
                    self._waiting.popleft()
                    self._hand_out(told, made, [one for one in subscribers if one in self._live])
        except Exception as error:
            log.error("answers failed", exc_info=error)
            self.lose(UpstreamUnavailable("The subscription", retry_after_s=5))
        finally:
            self._working = None

    def _hand_out(self, told: Told, answer: bytes, subscribers: Sequence[Subscriber]) -> int:
        cursor = told.cursor_text
        for subscriber in subscribers:
            subscriber.sink.put(answer, cursor)
        self.tally.handed_out(told, len(subscribers))
        if self.over(told):
            for subscriber in subscribers:
                subscriber.leave()
                subscriber.sink.complete()
        return len(subscribers)


class _Following:
    """Listens for a channel to what its interest changes with."""

    def __init__(self, channel: Channel, news: Feed, follows: Follows) -> None:
        self._channel, self._news, self._follows = channel, news, follows
        self._looking: asyncio.Task[None] | None = None
        self._again = False
        news.listeners.add(follows.news, self)
        # It may have changed since it was read.
        self._look()

    def hear(self, told: Told) -> int:
        """It has changed."""
        self._look()
        return 0

    def lose(self, error: GraphApiError) -> None:
        """It may have changed without a word."""
        self._look()

    def close(self) -> None:
        """Hear nothing any more."""
        self._news.listeners.discard(self)
        if self._looking is not None and self._looking is not asyncio.current_task():
            self._looking.cancel()

    def _look(self) -> None:
        self._again = True
        if self._looking is None:
            self._looking = asyncio.create_task(self._work())

    async def _work(self) -> None:
        channel = self._channel
        try:
            while self._again:
                self._again = False
                interest = await self._follows.again()
                if interest is not None:
                    channel.want(interest)
            await self._news.ready()
        except GraphApiError as error:
            # Who resumes asks for how it is now.
            channel.lose(error)
        except Exception as error:
            log.error("following failed", exc_info=error)
            channel.lose(UpstreamUnavailable("The subscription", retry_after_s=5))
        finally:
            self._looking = None


class Tally:
    """What is counted of subscriptions; ``observe`` gets the age of what is handed out, seconds."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self.delivered = 0
        self.drops: Counter[str] = Counter()
        self.resumes: Counter[str] = Counter()
        self.observe: Callable[[float], object] = lambda _: None
        self._clock = clock

    def handed_out(self, told: Told, count: int) -> None:
        """Count an event that reached so many at once."""
        self.delivered += count
        self.observe(max(0.0, self._clock() - told.event.at / 1000))


class Channels:
    """All channels of one process; ``hub`` is there while the application runs."""

    def __init__(self) -> None:
        self.hub: Hub | None = None
        self.tally = Tally()
        self._channels: dict[Hashable, Channel] = {}

    def __iter__(self) -> Iterator[Channel]:
        return iter(tuple(self._channels.values()))

    @property
    def distinct(self) -> int:
        """How many of the subscriptions differ."""
        return len(self._channels)

    @property
    def subscribers(self) -> int:
        """How many subscriptions there are."""
        return sum(map(len, self._channels.values()))

    async def subscribe(self, wanted: Wanted, sink: Sink) -> Subscriber:
        """Let ``sink`` hear what is wanted. Raises: UpstreamUnavailable."""
        if self.hub is None:
            raise UpstreamUnavailable("The bus that tells events", retry_after_s=30)
        feed = await self.hub.feed(wanted.interest.line)
        feed.look_at((*wanted.interest.fields, *wanted.interest.looks_at))
        follows = wanted.interest.follows
        news = None if follows is None else await self.hub.feed(follows.news.line)
        key = (wanted.key, wanted.answering.key)
        channel = self._channels.get(key)
        if channel is None:
            channel = self._channels[key] = Channel(
                key, feed, wanted.interest, wanted.answering, tally=self.tally, empty=self._drop
            )
            if news is not None and follows is not None:
                channel.follow(news, follows)
        subscriber = Subscriber(channel, sink)
        if wanted.after is None and wanted.interest.present is None:
            channel.join(subscriber)
        else:
            catching_up = asyncio.create_task(subscriber.catch_up(wanted.after))
            subscriber.catching_up = catching_up
            channel.expect(subscriber)
        return subscriber

    async def close(self) -> None:
        """Forget everybody."""
        for channel in tuple(self._channels.values()):
            for subscriber in channel:
                subscriber.leave()
        if self.hub is not None:
            with suppress(GraphApiError):
                await self.hub.close()
            self.hub = None

    def _drop(self, channel: Channel) -> None:
        if not len(channel) and self._channels.get(channel.key) is channel:
            del self._channels[channel.key]
            channel.close()


def _ahead(position: Cursor, other: Cursor) -> dict[Lane, Mark]:
    """Where ``position`` is farther than ``other``."""
    nowhere = Mark("", 0)
    return {
        lane: mark
        for lane, mark in position.marks.items()
        if other.marks.get(lane, nowhere).number < mark.number
    }
