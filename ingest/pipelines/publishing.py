"""The publisher: copies what is kept of events to the streams of the bus, gapless and in order.

A lane is published by one process at a time. Its lease is on the bus, not in the graph: nothing
can be published while the bus is away, prolonging it costs no transaction of the graph, and the
script that writes to a stream checks it in the same breath. Being right does not hang on it. The
numbers do that: a stream takes only what follows its last one, so a publisher that was overtaken,
or that woke up late, writes nothing twice and leaves no gap.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from graph_api.domain.errors import GraphApiError
from graph_api.domain.events import Event, Lane, LineState
from graph_api.live.codec import UnknownEvent
from graph_api.live.cursors import Mark
from graph_api.live.streams import (
    LEASE_LASTS,
    Behind,
    NotHolder,
    OtherEpoch,
    Retention,
    Streams,
    StreamState,
)
from graph_api.services.events import Kept
from graph_api.store.holders import new_holder

#: So many events are in memory at most, for each lane.
BATCH: Final = 500
#: How often to look at the outbox when nobody wakes us.
POLL_S: Final = 1.0
TRIM_EVERY_S: Final = 30.0
PAUSES_S: Final = (0.25, 0.5, 1.0, 2.0, 5.0)


class Keep(msgspec.Struct, frozen=True, kw_only=True):
    """How much is kept: in each stream, and in the outbox for those who come later."""

    stream: Retention = Retention(count=100_000, age=timedelta(days=2))
    outbox: Retention = Retention(count=1_000_000, age=timedelta(days=7))


class State(StrEnum):
    """What a publisher does with a lane."""

    PUBLISHED = "published"
    BEHIND = "behind"
    ELSEWHERE = "elsewhere"
    WAITING = "waiting"


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where publishing a lane stands; ``trouble`` tells why it waits, and how to mend that."""

    lane: Lane
    state: State
    published: int
    last: int
    trouble: str | None = None


class Publisher:
    """Publishes every lane that no other process does. One for each process that writes."""

    def __init__(
        self,
        kept: Kept,
        streams: Streams,
        *,
        clock: Callable[[], datetime],
        keep: Keep | None = None,
        report: Callable[[Standing], None] = lambda standing: None,
        lasts: timedelta = LEASE_LASTS,
        batch: int = BATCH,
        poll_s: float = POLL_S,
        pauses_s: Sequence[float] = PAUSES_S,
    ) -> None:
        self._kept, self._streams, self._clock = kept, streams, clock
        self._keep, self._report, self._lasts = keep or Keep(), report, lasts
        self._batch, self._poll_s, self._pauses_s = batch, poll_s, pauses_s
        self._holder = new_holder()
        self._lanes: list[Lane] = []
        self._reached: dict[Lane, Mark] = {}
        self._woken = asyncio.Event()
        self._trim_at = 0.0
        self.standings: dict[Lane, Standing] = {}

    def wake(self) -> None:
        """Look at the outbox at once; for who has written to it in this process."""
        self._woken.set()

    async def run(self) -> None:
        """Publish until cancelled; whatever is away is waited for."""
        clock, failures = asyncio.get_running_loop().time, 0
        async with self._listening():
            while True:
                self._woken.clear()
                try:
                    done = await self.publish()
                except GraphApiError as error:
                    self._wait(error)
                    await self._trim_quietly()
                    await asyncio.sleep(self._pauses_s[min(failures, len(self._pauses_s) - 1)])
                    failures += 1
                    continue
                failures = 0
                if clock() >= self._trim_at:
                    await self._trim_quietly()
                    self._trim_at = clock() + TRIM_EVERY_S
                if not done:
                    await self._idle()

    async def publish(self) -> int:
        """Publish what there is, of every lane that is ours; how many events were new.

        Raises: UpstreamUnavailable when the graph or the bus does not answer; BusFull.
        """
        states = {state.lane: state for state in await self._kept.lines()}
        lanes = self._lanes = sorted(states)
        held = await self._streams.hold(lanes, holder=self._holder, lasts=self._lasts)
        found = {one.lane: one for one in await self._streams.survey(sorted(held))}
        for lane in lanes:
            if lane not in held:
                self._reached.pop(lane, None)
                self._stand(lane, State.ELSEWHERE, states[lane].last, states[lane].last)
        done = await asyncio.gather(
            *(self._lane(states[lane], found.get(lane)) for lane in sorted(held)),
            return_exceptions=True,
        )
        for outcome in done:
            if isinstance(outcome, BaseException):
                raise outcome
        return sum(one for one in done if isinstance(one, int))

    async def trim(self) -> int:
        """Forget what need not be kept: in streams what every group is done with, in the outbox
        what is published. How many events streams forgot.
        """
        now, forgotten = self._clock(), 0
        for lane, mark in list(self._reached.items()):
            forgotten += await self._streams.trim(lane, self._keep.stream, now=now)
            await self._kept.trim(
                lane,
                published=mark.number,
                count=self._keep.outbox.count,
                before=now - self._keep.outbox.age,
            )
        return forgotten

    async def leave(self) -> None:
        """Let other publishers in at once."""
        lanes, self._reached = sorted(self._reached), {}
        with suppress(GraphApiError):
            await self._streams.release(lanes, holder=self._holder)

    async def _lane(self, state: LineState, stream: StreamState | None) -> int:
        """Publish one lane up to its end; how many events were new."""
        lane, new = state.lane, 0
        try:
            mark = await self._place(state, stream)
            while mark and mark.number < state.last:
                events = await self._kept.after(lane, mark.number, limit=self._batch)
                if not events:
                    break
                last = await self._append(state, events)
                new += max(0, last - mark.number)
                mark = self._reached[lane] = Mark(state.epoch, last)
                self._stand(lane, State.BEHIND, last, max(last, state.last))
        except (NotHolder, OtherEpoch):
            # Whoever was quicker knows better; the next round looks again where things stand.
            self._reached.pop(lane, None)
            return new
        except Behind as behind:
            # The bus forgot some meanwhile.
            self._reached[lane] = Mark(state.epoch, max(behind.last, state.first - 1))
            return new + 1
        if mark:
            self._stand(lane, State.PUBLISHED, mark.number, mark.number)
        return new

    async def _append(self, state: LineState, events: Sequence[Event]) -> int:
        return await self._streams.append(
            state.lane,
            events,
            epoch=state.epoch,
            holder=self._holder,
            begin=state.first,
            lasts=self._lasts,
        )

    async def _place(self, state: LineState, stream: StreamState | None) -> Mark | None:
        """How far the lane is published; None when its history has to be told from the start."""
        lane = state.lane
        mark = self._reached.get(lane)
        last = stream.last if stream else 0
        if mark is None or mark.epoch != state.epoch or mark.number != last:
            if stream is not None and not await self._is_ours(state, stream):
                return None
            mark = Mark(state.epoch, max(last, state.first - 1))
        self._reached[lane] = mark
        return mark

    async def _is_ours(self, state: LineState, stream: StreamState) -> bool:
        """Whether the stream tells what the graph tells; else it is dropped, to be told anew."""
        lane = state.lane
        # Read after the stream, which therefore cannot be ahead of it by rights.
        kept = {one.lane: one for one in await self._kept.lines()}.get(lane, state)
        if stream.epoch in {kept.epoch, ""}:
            if await self._agrees(kept, stream):
                return True
            # The graph was put back to an earlier day: its numbers stand for other events now.
            await self._kept.renew(kept)
        await self._streams.drop(lane, holder=self._holder)
        self._reached.pop(lane, None)
        self.wake()
        return False

    async def _agrees(self, kept: LineState, stream: StreamState) -> bool:
        if not kept.first <= stream.last <= kept.last:
            return stream.last <= kept.last
        mine = list(await self._kept.after(kept.lane, stream.last - 1, limit=1))
        try:
            told = await self._streams.after(kept.lane, stream.last - 1, limit=1)
        except UnknownEvent:
            return True
        return not told or [told[0].event] == mine

    def _stand(
        self, lane: Lane, state: State, published: int, last: int, trouble: str | None = None
    ) -> None:
        standing = Standing(lane=lane, state=state, published=published, last=last, trouble=trouble)
        if self.standings.get(lane) != standing:
            self.standings[lane] = standing
            self._report(standing)

    def _wait(self, error: GraphApiError) -> None:
        """Say of every lane that it waits, and for what."""
        for lane in self._lanes:
            known = self.standings.get(lane)
            mark = self._reached.get(lane)
            published = mark.number if mark else 0
            last = max(published, known.last if known else 0)
            self._stand(lane, State.WAITING, published, last, str(error))

    async def _trim_quietly(self) -> None:
        # Nothing hangs on it, and who writes to the graph at the same time may undo it: it comes
        # again. A bus that is full needs it most.
        with suppress(Exception):
            await self.trim()

    async def _idle(self) -> None:
        with suppress(TimeoutError):
            # Python 3.11's wait_for would swallow a cancellation that meets a wake.
            async with asyncio.timeout(self._poll_s):
                await self._woken.wait()

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        """Hear who wakes us while the block lasts; without that there is still the poll."""
        listener = asyncio.create_task(self._listen())
        try:
            yield
        finally:
            listener.cancel()
            await asyncio.wait([listener])
            await self.leave()

    async def _listen(self) -> None:
        while True:
            with suppress(GraphApiError):
                async with aclosing(self._streams.woken()) as calls:
                    async for _ in calls:
                        self._woken.set()
            await asyncio.sleep(self._poll_s)


async def wake(streams: Streams) -> None:
    """Tell publishers, wherever they are, that the outbox has something new.

    A bus that is away is no trouble of whoever wrote to the graph: publishers look by themselves.
    """
    with suppress(GraphApiError):
        await streams.wake()
