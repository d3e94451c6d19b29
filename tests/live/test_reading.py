"""Readers: each event once and in order, over trims, emptied buses, new epochs and restarts."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from graph_api.domain.errors import CursorTooOld
from graph_api.domain.events import ANY_CHAIN, Lane, Line, News, Topic
from graph_api.live.bus import Bus
from graph_api.live.codec import UnknownEvent
from graph_api.live.cursors import Cursor, Mark
from graph_api.live.reading import Lost, newest
from graph_api.live.streams import Retention, Streams
from tests.live.given import (
    EPOCH,
    FINAL,
    HOLDER,
    NOW,
    OTHER,
    SEEN,
    Kept,
    Readings,
    events,
    put,
    reading,
)

AGES = timedelta(days=10_000)


def at(number: int, *, epoch: str = EPOCH) -> Cursor:
    return Cursor({SEEN: Mark(epoch, number)})


async def keep(streams: Streams, count: int) -> None:
    await streams.trim(SEEN, Retention(count=count, age=AGES), now=NOW)


async def emptied(bus: Bus) -> None:
    async with bus.speaking() as client:
        await client.flushall()


@pytest_asyncio.fixture
async def open_readings() -> AsyncIterator[list[Readings]]:
    """Readers to close when the test ends."""
    found: list[Readings] = []
    yield found
    for one in found:
        await one.close()


async def test_each_event_comes_once_in_order_on_every_lane(streams: Streams) -> None:
    await put(streams, events(1, 30))
    reader = reading(streams, limit=7)
    assert await reader.until(SEEN, 30) == list(range(1, 31))

    await put(streams, events(1, 9, OTHER), OTHER)
    await put(streams, events(31, 40))

    assert await reader.until(SEEN, 40) == list(range(1, 41))
    assert await reader.until(OTHER, 9) == list(range(1, 10))
    await reader.close()


async def test_only_the_lines_that_are_asked_for_are_read(streams: Streams) -> None:
    await put(streams, events(1, 3, FINAL), FINAL)
    await put(streams, events(1, 3))

    reader = reading(streams, lines=[Line.FINALIZED])
    await reader.until(FINAL, 3)
    await put(streams, events(4, 5, FINAL), FINAL)
    await reader.until(FINAL, 5)

    assert reader.seen == {FINAL: [1, 2, 3, 4, 5]}
    await reader.close()


async def test_a_cursor_resumes_exactly(streams: Streams) -> None:
    await put(streams, events(1, 20))
    await put(streams, events(1, 5, OTHER), OTHER)
    reader = reading(streams, limit=4)
    await reader.until(SEEN, 12)
    await reader.until(OTHER, 5)
    await reader.close()
    came_to = reader.seen[SEEN][-1]

    again = reading(streams, Cursor.of(reader.cursor.text()))

    assert await again.until(SEEN, 20) == list(range(came_to + 1, 21))
    assert OTHER not in again.seen
    await again.close()


async def test_from_now_on_means_what_was_not_told_yet(streams: Streams) -> None:
    await put(streams, events(1, 20))
    start = await newest(streams, [Line.TRANSFERS], past=None)
    reader = reading(streams, start)
    await put(streams, events(21, 22))
    await put(streams, events(1, 2, OTHER), OTHER)

    assert await reader.until(SEEN, 22) == [21, 22]
    assert await reader.until(OTHER, 2) == [1, 2], "a lane that began later is read in full"
    await reader.close()


async def test_from_now_on_counts_what_an_emptied_bus_does_not_hold(streams: Streams) -> None:
    past = Kept(*events(1, 20))

    start = await newest(streams, [Line.TRANSFERS], past=past)

    assert start.marks == {SEEN: Mark(EPOCH, 20)}


async def test_what_was_trimmed_comes_from_what_is_kept(streams: Streams) -> None:
    past = Kept(*events(1, 100))
    await put(streams, events(1, 100))
    await keep(streams, 10)

    reader = reading(streams, at(40), past=past, limit=7)

    assert await reader.until(SEEN, 100) == list(range(41, 101))
    await reader.close()


async def test_a_wholly_trimmed_stream_is_noticed_without_a_new_event(streams: Streams) -> None:
    past = Kept(*events(1, 100))
    await put(streams, events(1, 100))
    await keep(streams, 0)

    reader = reading(streams, at(95), past=past)

    assert await reader.until(SEEN, 100) == [96, 97, 98, 99, 100]
    await reader.close()


async def test_a_slow_reader_that_is_overtaken_by_a_trim_misses_nothing(streams: Streams) -> None:
    past = Kept(*events(1, 100))
    await put(streams, events(1, 50))
    reader = reading(streams, past=past, limit=10)
    await reader.until(SEEN, 10)
    await put(streams, events(51, 100))
    await keep(streams, 5)

    assert await reader.until(SEEN, 100) == list(range(1, 101))
    await reader.close()


async def test_a_cursor_below_everything_that_is_kept_is_too_old(streams: Streams) -> None:
    past = Kept(*events(61, 100))
    await put(streams, events(1, 100))
    await keep(streams, 10)

    with pytest.raises(CursorTooOld, match="Events 41 to 60 of transfers:eip155:1 are not kept"):
        await reading(streams, at(40), past=past).until(SEEN, 100)
    with pytest.raises(CursorTooOld, match="Events 41 to 90"):
        await reading(streams, at(40)).until(SEEN, 100)

    lost: list[Lost] = []
    reader = reading(streams, at(40), past=past, lost=lost)
    assert await reader.until(SEEN, 100) == list(range(61, 101))
    assert lost == [Lost(lane=SEEN, after=Mark(EPOCH, 40), first=61, renewed=False)]
    await reader.close()


async def test_an_emptied_and_refilled_bus_goes_unnoticed(streams: Streams, bus: Bus) -> None:
    await put(streams, events(1, 50))
    reader = reading(streams)
    await reader.until(SEEN, 50)

    await emptied(bus)
    await put(streams, events(1, 30))
    await put(streams, events(31, 60))

    assert await reader.until(SEEN, 60) == list(range(1, 61))
    await reader.close()


async def test_a_bus_that_forgot_its_last_events_goes_unnoticed(streams: Streams, bus: Bus) -> None:
    """As after a failover to a replica that lagged, or a crash without appendfsync always."""
    await put(streams, events(1, 50))
    reader = reading(streams)
    await reader.until(SEEN, 50)

    await emptied(bus)
    await put(streams, events(1, 20))
    await put(streams, events(20, 60))

    assert await reader.until(SEEN, 60) == list(range(1, 61))
    await reader.close()


async def test_a_refill_that_begins_later_is_bridged_by_what_is_kept(
    streams: Streams, bus: Bus
) -> None:
    past = Kept(*events(1, 90))
    await put(streams, events(1, 50))
    reader = reading(streams, past=past)
    await reader.until(SEEN, 50)

    await emptied(bus)
    await put(streams, events(80, 90), begin=80)

    assert await reader.until(SEEN, 90) == list(range(1, 91))
    await reader.close()


async def test_a_hole_in_the_middle_of_a_stream_is_bridged_too(streams: Streams) -> None:
    past = Kept(*events(1, 20))
    await put(streams, events(1, 5))
    await put(streams, events(11, 20), begin=11)

    reader = reading(streams, past=past)

    assert await reader.until(SEEN, 20) == list(range(1, 21))
    await reader.close()


async def test_a_new_epoch_ends_old_cursors_and_is_read_from_its_start(
    streams: Streams,
) -> None:
    await put(streams, events(1, 50))
    lost: list[Lost] = []
    reader = reading(streams, lost=lost)
    await reader.until(SEEN, 50)

    await streams.drop(SEEN, holder=HOLDER)
    await put(streams, events(1, 80), epoch="second")
    reader.seen.clear()

    assert await reader.until(SEEN, 80) == list(range(1, 81))
    assert reader.epochs == {SEEN: "second"}
    assert lost == [Lost(lane=SEEN, after=Mark(EPOCH, 50), first=1, renewed=True)]
    await reader.close()
    with pytest.raises(CursorTooOld, match="counts its events anew"):
        await reading(streams, at(50)).until(SEEN, 80)


async def test_events_of_two_epochs_are_never_mixed(streams: Streams) -> None:
    """What is kept belongs to another epoch than the stream: it cannot bridge its gap."""
    past = Kept(*events(1, 100), epoch="second")
    await put(streams, events(90, 100), begin=90)

    with pytest.raises(CursorTooOld, match="Events 41 to 89"):
        await reading(streams, at(40), past=past).until(SEEN, 100)


async def test_volatile_lines_jump_over_what_is_gone(
    streams: Streams, bus: Bus, open_readings: list[Readings]
) -> None:
    lane = Lane(Line.PROGRESS, ANY_CHAIN)

    async def tell(first: int, last: int, epoch: str) -> None:
        for n in range(first, last + 1):
            news = [News(topic=Topic.INGEST_PROGRESS, body={"told": n})]
            await streams.tell(ANY_CHAIN, news, now=NOW, epoch=epoch, keep=3)

    await tell(1, 10, "a")
    reader = reading(streams, lines=[Line.PROGRESS])
    open_readings.append(reader)
    assert await reader.until(lane, 10) == [8, 9, 10]

    await emptied(bus)
    await tell(1, 2, "b")
    reader.seen.clear()

    assert await reader.until(lane, 2) == [1, 2]
    assert reader.epochs == {lane: "b"}


async def test_an_event_of_a_later_version_stops_the_reader_and_says_why(
    streams: Streams, bus: Bus
) -> None:
    await put(streams, events(1, 2))
    async with bus.speaking() as client:
        entry: Any = {"e": EPOCH, "d": '{"version":2,"topic":"moon.seen"}'}
        await client.xadd(streams.key(SEEN), entry, id="3-0")

    with pytest.raises(UnknownEvent, match="install the deskgraph that wrote it"):
        await reading(streams).until(SEEN, 3)
