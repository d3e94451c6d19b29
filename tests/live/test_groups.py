"""Groups: each event to one judge, none forgotten, whoever dies; nothing trimmed too early."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from graph_api.domain.errors import CursorTooOld
from graph_api.domain.events import Lane, Line
from graph_api.live.bus import Bus
from graph_api.live.groups import Group
from graph_api.live.reading import Batch
from graph_api.live.streams import Retention, Streams
from tests.live.given import EPOCH, NOW, OTHER, SEEN, Kept, events, everything, put

AT_ONCE = timedelta()
LATER = timedelta(hours=1)
AGES = timedelta(days=10_000)

Join = Callable[..., Group]


@pytest.fixture
def join(streams: Streams) -> Join:
    """A consumer of the group `rules`."""

    def one(consumer: str, *, idle: timedelta = LATER, **options: Any) -> Group:
        return Group(
            streams, "rules", consumer=consumer, lines=[Line.TRANSFERS], idle=idle, **options
        )

    return one


def numbers(batches: list[Batch], lane: Lane = SEEN) -> list[int]:
    return [one.number for batch in batches if batch.lane == lane for one in batch.events]


async def taken(group: Group, **options: Any) -> list[Batch]:
    """What the group gives next; it may have to look around first."""
    async with asyncio.timeout(30):
        while True:
            if batches := await group.take(block_s=0.05, **options):
                return batches


async def judge(group: Group, through: int, lane: Lane = SEEN) -> list[int]:
    """Take and finish everything up to ``through``."""
    judged: list[int] = []
    while through not in judged:
        for batch in await taken(group):
            judged += numbers([batch], lane)
            await group.done(batch)
    return judged


async def nothing_left(group: Group) -> None:
    assert await group.take(block_s=0.01) == []


async def test_of_many_judges_each_event_goes_to_one(streams: Streams, join: Join) -> None:
    await put(streams, events(1, 200))
    await put(streams, events(1, 50, OTHER), OTHER)
    judged: list[str] = []

    async def work(group: Group) -> None:
        while len(judged) < 250:
            for batch in await group.take(limit=7, block_s=0.02):
                judged.extend(map(batch.id_of, batch.events))
                await group.done(batch)

    async with asyncio.timeout(60):
        await asyncio.gather(*(work(join(f"judge {n}")) for n in range(4)))

    assert len(judged) == len(set(judged)) == 250
    assert f"transfers:eip155:1:{EPOCH}:200" in judged


async def test_what_a_dead_judge_took_goes_to_another(streams: Streams, join: Join) -> None:
    await put(streams, events(1, 10))
    dead, alive = join("dead"), join("alive", idle=AT_ONCE)
    first = await taken(dead, limit=4)
    assert numbers(first) == [1, 2, 3, 4]

    assert sorted(await judge(alive, 10)) == list(range(1, 11))
    await nothing_left(alive)
    (state,) = await streams.groups(SEEN)
    assert (state.name, state.pending, state.done) == ("rules", 0, 10)


async def test_a_judge_that_comes_back_under_its_name_gets_its_own_first(
    streams: Streams, join: Join
) -> None:
    await put(streams, events(1, 10))
    await taken(join("judge"), limit=4)

    assert await judge(join("judge"), 10) == list(range(1, 11))


async def test_what_was_not_done_with_keeps_its_name(streams: Streams, join: Join) -> None:
    await put(streams, events(1, 3))
    (first,) = await taken(join("one"))
    (again,) = await taken(join("two", idle=AT_ONCE))

    assert list(map(first.id_of, first.events)) == list(map(again.id_of, again.events))


async def test_trimming_never_passes_the_slowest_group(streams: Streams, join: Join) -> None:
    await put(streams, events(1, 100))
    slow = join("slow")
    other = Group(streams, "quick", consumer="quick", lines=[Line.TRANSFERS], idle=LATER)
    await judge(other, 100)
    (batch,) = await taken(slow, limit=30)

    none = Retention(count=0, age=AGES)
    await streams.trim(SEEN, none, now=NOW)
    assert (await everything(streams))[0] == 1, "taken is not done"
    await slow.done(batch)
    await streams.trim(SEEN, none, now=NOW)
    assert (await everything(streams))[0] == 31
    assert {state.name: state.done for state in await streams.groups(SEEN)} == {
        "quick": 100,
        "rules": 30,
    }

    assert await streams.disband(SEEN, "rules")
    await streams.trim(SEEN, none, now=NOW)
    assert await everything(streams) == []
    assert not await streams.disband(SEEN, "rules")


async def test_a_group_that_the_bus_forgot_goes_on_where_its_judge_knows(
    streams: Streams, bus: Bus, join: Join
) -> None:
    done = 0

    async def judged(lane: Lane, epoch: str) -> int:
        assert (lane, epoch) == (SEEN, EPOCH)
        return done

    await put(streams, events(1, 50))
    group = join("judge", judged=judged)
    done = max(await judge(group, 50))
    async with bus.speaking() as client:
        await client.flushall()
    await put(streams, events(1, 80))

    assert await judge(group, 80) == list(range(51, 81))


async def test_a_group_is_told_what_the_stream_does_not_hold_any_more(
    streams: Streams, join: Join
) -> None:
    await put(streams, events(60, 80), begin=60)
    group = join("judge", past=Kept(*events(1, 80)), judged=answering(20))
    (first,) = await taken(group, limit=15)
    assert numbers([first]) == list(range(21, 36))

    again = join("other", past=Kept(*events(1, 80)), judged=answering(20))
    assert await judge(again, 80) == list(range(21, 81)), "nothing was done with yet"
    await nothing_left(again)


async def test_what_is_kept_nowhere_is_said_to_the_group(streams: Streams, join: Join) -> None:
    await put(streams, events(60, 80), begin=60)
    group = join("judge", past=Kept(*events(50, 80)), judged=answering(20))

    with pytest.raises(CursorTooOld, match="Events 21 to 49"):
        await group.take(block_s=0.01)


async def test_who_leaves_is_forgotten_unless_something_is_undone(
    streams: Streams, join: Join
) -> None:
    await put(streams, events(1, 10))
    tidy, hasty = join("tidy"), join("hasty")
    (batch,) = await taken(tidy, limit=5)
    await tidy.done(batch)
    await taken(hasty, limit=2)

    await tidy.leave()
    await hasty.leave()

    (state,) = await streams.groups(SEEN)
    assert (state.consumers, state.pending, state.done) == (1, 2, 5)


def answering(number: int) -> Callable[[Lane, str], Awaitable[int]]:
    async def judged(_lane: Lane, _epoch: str) -> int:
        return number

    return judged
