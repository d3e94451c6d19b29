"""Events on which a judge keeps failing: tried again, set aside, listed, replayed, given up."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from graph_api.domain.errors import NotFound, UpstreamUnavailable
from graph_api.domain.events import Event, Line
from graph_api.live.dead_letters import DeadEvent, DeadLetters, groups_with_dead
from graph_api.live.groups import Group, judge_all
from graph_api.live.reading import Batch
from graph_api.live.streams import Retention, Streams
from tests.live.given import EPOCH, NOW, SEEN, Kept, event, events, put

ID = f"{SEEN}:{EPOCH}:5"


class Court:
    """Judges a group's events by a rule, until as many were judged as are waited for."""

    def __init__(self, streams: Streams, **options: Any) -> None:
        self.letters = DeadLetters(streams, "rules")
        self.judged: list[str] = []
        self.seen: list[int] = []
        self.fails: Callable[[Event], bool] = lambda one: one.number == 5
        self._streams, self._options = streams, options
        self._turned = asyncio.Event()

    async def judge(self, batch: Batch, one: Event) -> None:
        self.seen.append(one.number)
        if self.fails(one):
            raise ValueError(f"number {one.number} has no price")
        self.judged.append(batch.id_of(one))
        self._turned.set()

    async def until(self, *numbers: int) -> None:
        """Judge until the events with these numbers are judged and done with."""
        wanted = {f"{SEEN}:{EPOCH}:{number}" for number in numbers}
        group = Group(
            self._streams,
            "rules",
            consumer="judge",
            lines=[Line.TRANSFERS],
            idle=timedelta(hours=1),
            **self._options,
        )

        async def no_pause(_: float) -> None:
            await asyncio.sleep(0)

        judging = asyncio.create_task(
            judge_all(group, self.judge, clock=lambda: NOW, sleep=no_pause)
        )
        async with asyncio.timeout(30):
            while not wanted <= set(self.judged):
                self._turned.clear()
                await self._turned.wait()
            while any(one.pending for one in await self._streams.groups(SEEN)):
                pass
            while any(one.again for one in await self.letters.listed()):
                pass
        judging.cancel()
        await asyncio.gather(judging, return_exceptions=True)

    async def dead(self) -> list[DeadEvent]:
        return await self.letters.listed()


@pytest.fixture
def court(streams: Streams) -> Court:
    return Court(streams, tries=3)


async def test_what_fails_too_often_is_set_aside_and_holds_up_nobody(
    streams: Streams, court: Court
) -> None:
    await put(streams, events(1, 12))

    await court.until(12)

    assert court.judged == [f"{SEEN}:{EPOCH}:{n}" for n in range(1, 13) if n != 5]
    assert court.seen == [1, 2, 3, 4, 5, 5, 5, *range(6, 13)], "in order, and three times"
    (dead,) = await court.dead()
    assert (dead.id, dead.event, dead.lane) == (ID, event(5), SEEN)
    assert dead.reason == "ValueError: number 5 has no price"
    assert (dead.at, dead.again) == (NOW, False)
    (state,) = await streams.groups(SEEN)
    assert (state.pending, state.done, state.dead) == (0, 12, 1)
    assert await groups_with_dead(streams) == ["rules"]


async def test_what_succeeds_in_the_end_is_not_set_aside(streams: Streams, court: Court) -> None:
    await put(streams, events(1, 6))
    court.fails = lambda one: one.number == 5 and court.seen.count(5) < 3

    await court.until(6)

    assert court.judged == [f"{SEEN}:{EPOCH}:{n}" for n in range(1, 7)]
    assert await court.dead() == []


async def test_a_replayed_event_is_judged_under_its_name_although_the_stream_forgot_it(
    streams: Streams, court: Court
) -> None:
    await put(streams, events(1, 8))
    await court.until(8)
    await streams.trim(SEEN, Retention(count=0, age=timedelta(days=1)), now=NOW)
    court.fails = lambda _: False

    await court.letters.replay(ID)
    assert [one.again for one in await court.dead()] == [True]
    await court.until(5)

    assert court.judged.count(ID) == 1
    assert await court.dead() == []


async def test_a_replayed_event_that_fails_again_is_set_aside_again(
    streams: Streams, court: Court
) -> None:
    await put(streams, events(1, 8))
    await court.until(8)
    before = len(court.seen)

    await court.letters.replay(ID)
    await court.until(8)

    assert court.seen[before:] == [5, 5, 5]
    (dead,) = await court.dead()
    assert (dead.id, dead.again) == (ID, False)


async def test_what_came_from_behind_the_stream_is_set_aside_alike(streams: Streams) -> None:
    court = Court(streams, tries=2, past=Kept(*events(1, 9)))
    await put(streams, events(8, 9), begin=8)

    await court.until(9)

    assert court.seen == [1, 2, 3, 4, 5, 5, 6, 7, 8, 9]
    assert [one.id for one in await court.dead()] == [ID]


async def test_what_is_away_for_a_moment_is_nobodys_fault(streams: Streams, court: Court) -> None:
    await put(streams, events(1, 6))
    away = iter(range(10))

    def fails(one: Event) -> bool:
        if one.number == 5 and next(away, None) is not None:
            raise UpstreamUnavailable("The graph", retry_after_s=1)
        return False

    court.fails = fails
    await court.until(6)

    assert await court.dead() == []
    assert court.seen.count(5) == 11


async def test_what_is_given_up_is_gone_and_what_is_not_there_is_said(
    streams: Streams, court: Court
) -> None:
    await put(streams, events(1, 6))
    await court.until(6)

    await court.letters.drop(ID)

    assert await court.dead() == []
    for refused in (court.letters.drop, court.letters.replay):
        with pytest.raises(NotFound, match="rules has set no event"):
            await refused(ID)
