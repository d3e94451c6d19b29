"""Streams: nothing twice, no gap, one publisher; what may be forgotten; volatile lines."""

import asyncio
from datetime import timedelta

import pytest

from graph_api.domain.events import ANY_CHAIN, Lane, Line, News, Topic
from graph_api.live.bus import Bus, BusFull
from graph_api.live.streams import (
    Behind,
    NotHolder,
    OtherEpoch,
    Retention,
    Streams,
    StreamState,
)
from tests.live.given import (
    EPOCH,
    FINAL,
    HOLDER,
    HOUR,
    NOW,
    OTHER,
    SEEN,
    events,
    everything,
    put,
)

FOREVER = timedelta(days=10_000)


async def state(streams: Streams, lane: Lane = SEEN) -> StreamState | None:
    found = await streams.survey([lane])
    return found[0] if found else None


async def test_what_is_there_already_is_not_written_again(streams: Streams) -> None:
    assert await put(streams, events(1, 5)) == 5
    assert await put(streams, events(1, 5)) == 5
    assert await put(streams, events(3, 8)) == 8

    entries = await streams.after(SEEN, 0, limit=100)

    assert [entry.event for entry in entries] == events(1, 8)
    assert {entry.epoch for entry in entries} == {EPOCH}


async def test_a_gap_is_not_written_and_said(streams: Streams) -> None:
    await put(streams, events(1, 5))

    with pytest.raises(Behind) as caught:
        await put(streams, events(7, 9))

    assert caught.value.last == 5
    assert await everything(streams) == [1, 2, 3, 4, 5]


async def test_an_empty_stream_begins_where_nothing_before_is_left(streams: Streams) -> None:
    with pytest.raises(Behind):
        await put(streams, events(40, 41), begin=30)
    assert await put(streams, events(30, 41), begin=30) == 41
    assert await everything(streams) == list(range(30, 42))


async def test_a_stream_that_was_thrown_back_goes_on_where_anything_is_left(
    streams: Streams,
) -> None:
    await put(streams, events(1, 5))

    assert await put(streams, events(9, 10), begin=9) == 10
    assert await everything(streams) == [1, 2, 3, 4, 5, 9, 10]


async def test_another_epoch_is_not_mixed_in(streams: Streams) -> None:
    await put(streams, events(1, 5))

    with pytest.raises(OtherEpoch):
        await put(streams, events(6, 7), epoch="second")
    await streams.drop(SEEN, holder=HOLDER)
    assert await state(streams) is None
    assert await streams.lanes() == []
    await put(streams, events(1, 2), epoch="second")

    found = await state(streams)
    assert found is not None
    assert (found.epoch, found.first, found.last, found.length) == ("second", 1, 2, 2)


async def test_only_the_holder_writes_and_drops(streams: Streams) -> None:
    assert await streams.hold([SEEN, OTHER], holder="one") == {SEEN, OTHER}
    assert await streams.hold([SEEN, OTHER, FINAL], holder="two") == {FINAL}
    assert await streams.publisher(SEEN) == "one"

    with pytest.raises(NotHolder):
        await streams.append(SEEN, events(1, 1), epoch=EPOCH, holder="two", begin=1)
    with pytest.raises(NotHolder):
        await streams.drop(SEEN, holder="two")
    await streams.release([SEEN], holder="two")
    assert await streams.hold([SEEN], holder="two") == set()
    await streams.release([SEEN], holder="one")

    assert await streams.hold([SEEN], holder="two") == {SEEN}
    assert await state(streams) is None


async def test_a_lease_ends_by_itself(streams: Streams) -> None:
    await streams.hold([SEEN], holder="one", lasts=timedelta(milliseconds=30))
    async with asyncio.timeout(30):
        while await streams.hold([SEEN], holder="two") != {SEEN}:
            pass

    with pytest.raises(NotHolder):
        await streams.append(SEEN, events(1, 1), epoch=EPOCH, holder="one", begin=1)


async def test_writing_prolongs_the_lease(streams: Streams, bus: Bus) -> None:
    await streams.hold([SEEN], holder=HOLDER, lasts=timedelta(seconds=1))
    await streams.append(
        SEEN, events(1, 1), epoch=EPOCH, holder=HOLDER, begin=1, lasts=timedelta(hours=1)
    )

    async with bus.speaking() as client:
        assert await client.ttl("deskgraph:publisher:transfers:eip155:1") > 3000


async def test_many_publishers_at_once_write_each_event_once(streams: Streams) -> None:
    """As after a split: each believes that the lane is its own, and the lease goes round."""

    async def publish(name: str) -> None:
        last = 0
        while last < 400:
            batch = events(last + 1, min(last + 7, 400))
            await streams.hold([SEEN], holder=name)
            try:
                last = await streams.append(SEEN, batch, epoch=EPOCH, holder=name, begin=1)
            except NotHolder:
                last = found.last if (found := await state(streams)) else 0
            await streams.release([SEEN], holder=name)

    async with asyncio.timeout(60):
        await asyncio.gather(*(publish(f"publisher {n}") for n in range(8)))

    assert [entry.event for entry in await streams.after(SEEN, 0, limit=1000)] == events(1, 400)


async def test_numbers_beyond_32_bits_are_counted_exactly(streams: Streams) -> None:
    first = 2**53 - 10

    assert await put(streams, events(first, first + 8), begin=first) == first + 8
    assert await everything(streams) == list(range(first, first + 9))


async def test_large_batches_go_in_one_piece(streams: Streams) -> None:
    await put(streams, events(1, 9_000))

    assert len(await everything(streams)) == 9_000


async def test_it_forgets_by_count_and_by_age(streams: Streams) -> None:
    await put(streams, events(1, 60, at=NOW - 3 * HOUR))
    await put(streams, events(61, 100, at=NOW))

    assert await streams.trim(SEEN, Retention(count=80, age=FOREVER), now=NOW) == 20
    assert (await everything(streams))[0] == 21
    assert await streams.trim(SEEN, Retention(count=80, age=3 * HOUR), now=NOW) == 0
    assert await streams.trim(SEEN, Retention(count=1000, age=HOUR), now=NOW) == 40
    assert (await everything(streams))[0] == 61
    assert await streams.trim(SEEN, Retention(count=1000, age=HOUR), now=NOW + 9 * HOUR) == 40

    found = await state(streams)
    assert found is not None
    assert (found.epoch, found.first, found.last, found.length) == (EPOCH, 101, 100, 0)
    assert await put(streams, events(101, 101)) == 101


async def test_forgetting_a_stream_that_is_not_there_is_no_trouble(streams: Streams) -> None:
    assert await streams.trim(SEEN, Retention(count=1, age=HOUR), now=NOW) == 0


async def test_volatile_lines_number_themselves_and_keep_the_newest(streams: Streams) -> None:
    news = [News(topic=Topic.INGEST_PROGRESS, body={"told": n}) for n in range(1, 4)]

    assert await streams.tell(ANY_CHAIN, news, now=NOW, epoch="a", keep=5) == 3
    assert await streams.tell(ANY_CHAIN, news, now=NOW, epoch="b", keep=5) == 6

    lane = Lane(Line.PROGRESS, ANY_CHAIN)
    entries = await streams.after(lane, 0, limit=100)
    assert [(entry.event.number, entry.event.body["told"]) for entry in entries] == [
        (2, 2),
        (3, 3),
        (4, 1),
        (5, 2),
        (6, 3),
    ]
    assert {entry.epoch for entry in entries} == {"a"}
    assert await streams.lanes([Line.PROGRESS]) == [lane]
    assert await streams.lanes([Line.TRANSFERS]) == []


async def test_volatile_news_of_many_writers_get_a_number_each(streams: Streams) -> None:
    async def tell(n: int) -> int:
        news = [News(topic=Topic.PROVIDER_STATUS, body={"told": n})]
        return await streams.tell(ANY_CHAIN, news, now=NOW, epoch=f"{n}")

    assert sorted(await asyncio.gather(*map(tell, range(50)))) == list(range(1, 51))


async def test_news_of_two_lines_are_refused(streams: Streams) -> None:
    news = [News(topic=topic, body={}) for topic in (Topic.INGEST_PROGRESS, Topic.PROVIDER_STATUS)]
    with pytest.raises(ValueError, match="same line"):
        await streams.tell(ANY_CHAIN, news, now=NOW, epoch="a")


async def test_streams_of_two_prefixes_do_not_meet(bus: Bus, streams: Streams) -> None:
    others = Streams(bus, prefix="{other}")
    await put(streams, events(1, 2))
    await put(others, events(1, 5))

    assert await everything(streams) == [1, 2]
    assert await everything(others) == [1, 2, 3, 4, 5]


async def test_a_wake_reaches_everybody_who_listens(streams: Streams) -> None:
    ears = [streams.woken() for _ in range(3)]
    for one in ears:
        await anext(one)
    await streams.wake()

    async with asyncio.timeout(30):
        await asyncio.gather(*(anext(one) for one in ears))

    for one in ears:
        await one.aclose()


async def test_a_full_bus_says_so_keeps_what_it_has_and_goes_on(streams: Streams, bus: Bus) -> None:
    await put(streams, events(1, 100))
    async with bus.speaking() as client:
        await client.config_set("maxmemory", "1")
        try:
            with pytest.raises(BusFull, match=r"is full: raise its maxmemory, or keep fewer"):
                await put(streams, events(101, 105))
            assert await everything(streams) == list(range(1, 101))
            assert await streams.trim(SEEN, Retention(count=10, age=FOREVER), now=NOW) == 90
        finally:
            await client.config_set("maxmemory", "0")

    assert await put(streams, events(101, 105)) == 105
