"""Publishing: the outbox of both graphs onto both kinds of bus, whatever happens to either."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from neo4j.exceptions import Neo4jError

from graph_api.domain.errors import CursorTooOld
from graph_api.domain.events import Lane, Line
from graph_api.live.bus import Bus
from graph_api.live.cursors import Cursor, Mark
from graph_api.live.reading import newest, read
from graph_api.live.streams import Retention, Streams
from graph_api.services.events import Outbox, OutboxPast, figures
from graph_api.store import outbox
from graph_api.store.graph import Graph
from ingest.pipelines.publishing import Keep, Publisher, Standing, State, wake
from tests.engines.processes import until
from tests.given import NOW
from tests.live.given import Readings
from tests.real.available import Unavailable, skip
from tests.real.redis import Server, redis_program, valkey_program
from tests.store.test_outbox import CHAIN, OTHER, announced

SEEN = Lane(Line.TRANSFERS, CHAIN)
ALWAYS = ("--appendonly", "yes", "--appendfsync", "always")
AGES = timedelta(days=10_000)
EVERYTHING = Retention(count=10**9, age=AGES)


@pytest.fixture(scope="session", params=["redis", "valkey"])
def program(request: pytest.FixtureRequest) -> Path:
    try:
        return redis_program() if request.param == "redis" else valkey_program()
    except Unavailable as reason:
        skip(reason)


@pytest_asyncio.fixture(scope="session")
async def shared_server(
    program: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Server]:
    async with Server(program, tmp_path_factory.mktemp("bus")) as server:
        yield server


@pytest_asyncio.fixture
async def streams(shared_server: Server) -> AsyncIterator[Streams]:
    """Streams on an empty bus."""
    async with on(shared_server) as streams:
        await flushed(streams)
        yield streams


@asynccontextmanager
async def on(server: Server) -> AsyncIterator[Streams]:
    bus = await Bus.connect(server.url, timeout_s=2.0)
    try:
        yield Streams(bus)
    finally:
        await bus.close()


async def flushed(streams: Streams) -> None:
    async with streams.bus.speaking() as client:
        await client.flushall()


def publisher(graph: Graph, streams: Streams, **options: Any) -> Publisher:
    quick: dict[str, Any] = {"clock": lambda: NOW, "poll_s": 0.05, "pauses_s": (0.02,)}
    return Publisher(Outbox(graph), streams, **(quick | options))


@asynccontextmanager
async def publishing(*publishers: Publisher) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(one.run()) for one in publishers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def reading(graph: Graph, streams: Streams, start: Cursor | None = None) -> Readings:
    return Readings(
        read(
            streams,
            start or Cursor(),
            lines=[Line.TRANSFERS],
            past=OutboxPast(graph),
            survey_every_s=0.05,
        )
    )


async def stream(streams: Streams, lane: Lane = SEEN) -> list[int]:
    return [entry.event.number for entry in await streams.after(lane, 0, limit=10_000)]


async def told(streams: Streams, lane: Lane = SEEN) -> list[int]:
    return [entry.event.body["told"] for entry in await streams.after(lane, 0, limit=10_000)]


async def announce(graph: Graph, numbers: Sequence[int], *, now: datetime = NOW) -> None:
    """Write news one transaction after another; a clash with another writer is tried again."""
    for number in numbers:
        while True:
            with suppress(Neo4jError):
                await announced(graph, number, now=now)
                break


async def test_what_is_in_the_outbox_comes_to_the_stream_as_it_is(
    graph: Graph, streams: Streams
) -> None:
    await announced(graph, *range(1, 41))
    await announced(graph, 1, 2, chain=OTHER)
    mine = publisher(graph, streams, batch=7)

    assert await mine.publish() == 42
    assert await mine.publish() == 0

    kept = await outbox.after(graph, Line.TRANSFERS, CHAIN, 0, limit=100)
    assert [entry.event for entry in await streams.after(SEEN, 0, limit=100)] == kept
    assert await stream(streams, Lane(Line.TRANSFERS, OTHER)) == [1, 2]
    states = {state.lane: state.epoch for state in await outbox.lines(graph)}
    assert {one.lane: one.epoch for one in await streams.survey(sorted(states))} == states
    assert mine.standings[SEEN] == Standing(lane=SEEN, state=State.PUBLISHED, published=40, last=40)
    await mine.leave()


async def test_a_reader_hears_everything_once_while_it_is_written(
    graph: Graph, streams: Streams
) -> None:
    reader = reading(graph, streams)
    async with publishing(publisher(graph, streams)):
        await asyncio.gather(announce(graph, range(1, 31)), reader.until(SEEN, 30))

    assert reader.seen == {SEEN: list(range(1, 31))}
    await reader.close()


async def test_a_wake_is_heard_long_before_the_next_look(graph: Graph, streams: Streams) -> None:
    mine = publisher(graph, streams, poll_s=3_600)
    async with publishing(mine):
        async with asyncio.timeout(60):
            async with streams.bus.speaking() as client:
                while not (await client.pubsub_numsub(streams.wake_channel))[0][1]:
                    pass
        await announced(graph, 1)
        await wake(streams)
        await until(lambda: SEEN in mine.standings and mine.standings[SEEN].published == 1)
        await announced(graph, 2)
        mine.wake()
        await until(lambda: mine.standings[SEEN].published == 2)


async def test_many_publishers_at_once_publish_each_event_once(
    graph: Graph, streams: Streams
) -> None:
    crowd = [publisher(graph, streams, lasts=timedelta(milliseconds=30)) for _ in range(5)]
    reader = reading(graph, streams)
    async with publishing(*crowd):
        await asyncio.gather(announce(graph, range(1, 26)), reader.until(SEEN, 25))

    assert reader.seen == {SEEN: list(range(1, 26))}
    assert await told(streams) == list(range(1, 26))
    await reader.close()


async def test_one_publisher_holds_a_lane_until_it_leaves(graph: Graph, streams: Streams) -> None:
    await announced(graph, 1)
    one, two = publisher(graph, streams), publisher(graph, streams)
    await one.publish()
    await announced(graph, 2)

    assert await two.publish() == 0
    assert two.standings[SEEN].state is State.ELSEWHERE
    await one.leave()
    assert await two.publish() == 1
    assert await stream(streams) == [1, 2]
    await two.leave()


async def test_an_emptied_bus_is_refilled_under_the_same_numbers(
    graph: Graph, streams: Streams
) -> None:
    mine = publisher(graph, streams, batch=7)
    reader = reading(graph, streams)
    await announced(graph, *range(1, 21))
    await mine.publish()
    await reader.until(SEEN, 20)
    before = await streams.after(SEEN, 0, limit=100)

    await flushed(streams)
    assert await mine.publish() == 20
    assert await streams.after(SEEN, 0, limit=100) == before

    await flushed(streams)
    await announced(graph, 21)
    while await mine.publish():
        pass
    assert await reader.until(SEEN, 21) == list(range(1, 22))
    await reader.close()
    await mine.leave()


async def test_a_bus_that_lost_its_end_is_told_it_again(graph: Graph, streams: Streams) -> None:
    mine = publisher(graph, streams)
    await announced(graph, *range(1, 21))
    await mine.publish()
    before = await streams.after(SEEN, 0, limit=12)
    (state,) = await streams.survey([SEEN])

    await flushed(streams)
    await streams.hold([SEEN], holder="replica")
    events = [entry.event for entry in before]
    await streams.append(SEEN, events, epoch=state.epoch, holder="replica", begin=1)
    await streams.release([SEEN], holder="replica")

    assert await mine.publish() == 8
    assert await told(streams) == list(range(1, 21))
    await mine.leave()


async def test_a_graph_that_begins_anew_begins_a_new_epoch(graph: Graph, streams: Streams) -> None:
    mine = publisher(graph, streams)
    await announced(graph, *range(1, 11))
    await mine.publish()
    start = await newest(streams, [Line.TRANSFERS], past=OutboxPast(graph))
    await graph.run_alone("MATCH (n) WHERE n:Outbox OR n:Line DELETE n")
    await announced(graph, *range(101, 131))

    while await mine.publish():
        pass
    await mine.publish()

    assert await told(streams) == list(range(101, 131))
    with pytest.raises(CursorTooOld, match="counts its events anew"):
        await reading(graph, streams, start).until(SEEN, 30)
    await mine.leave()


@pytest.mark.parametrize("others", [[], [901], [901, 902], [901, 902, 903]])
async def test_a_graph_that_was_put_back_to_an_earlier_day_begins_a_new_epoch(
    graph: Graph, streams: Streams, others: list[int]
) -> None:
    """The bus has numbers that the graph gave to other events since, or to none."""
    await announced(graph, 1)
    await announced(graph, 2)
    await announced(graph, 3)
    old = publisher(graph, streams)
    await old.publish()
    await old.leave()
    (before,) = await outbox.lines(graph)
    await graph.run_alone("MATCH (o:Outbox) WHERE o.first > 1 DELETE o")
    await graph.run_alone("MATCH (l:Line) SET l.last = 1")
    await announce(graph, others)

    mine = publisher(graph, streams)
    for _ in range(4):
        await mine.publish()

    assert await told(streams) == [1, *others]
    (after,) = await outbox.lines(graph)
    assert after.epoch != before.epoch
    assert [one.epoch for one in await streams.survey([SEEN])] == [after.epoch]
    await mine.leave()


async def test_nothing_is_forgotten_before_it_is_published(graph: Graph, streams: Streams) -> None:
    nothing = Retention(count=0, age=timedelta())
    mine = publisher(graph, streams, keep=Keep(stream=EVERYTHING, outbox=nothing))
    await announced(graph, 1)
    await mine.publish()
    await announced(graph, 2)
    await mine.trim()

    assert [one.body["told"] for one in await kept(graph)] == [2]
    await mine.publish()
    await mine.trim()
    assert await kept(graph) == []
    assert await told(streams) == [1, 2]
    await announced(graph, 3)
    await mine.publish()
    assert await told(streams) == [1, 2, 3]
    await mine.leave()


async def test_streams_and_outbox_forget_by_count_and_age(graph: Graph, streams: Streams) -> None:
    hour = timedelta(hours=1)
    await announce(graph, range(1, 6), now=NOW - 3 * hour)
    await announce(graph, range(6, 21), now=NOW)
    keep = Keep(stream=Retention(count=4, age=AGES), outbox=Retention(count=10**6, age=2 * hour))
    mine = publisher(graph, streams, keep=keep)
    await mine.publish()
    await mine.trim()

    assert await told(streams) == [17, 18, 19, 20]
    assert [one.number for one in await kept(graph)] == list(range(6, 21))
    (state,) = await outbox.lines(graph)
    start = Cursor({SEEN: Mark(state.epoch, 5)})
    reader = reading(graph, streams, start)
    assert await reader.until(SEEN, 20) == list(range(6, 21)), "outbox first, then stream"
    await reader.close()
    with pytest.raises(CursorTooOld, match="Events 5 to 5"):
        await reading(graph, streams, Cursor({SEEN: Mark(state.epoch, 4)})).until(SEEN, 20)

    await flushed(streams)
    assert await mine.publish() == 15
    assert await stream(streams) == list(range(6, 21)), "refilled as far as anything is kept"
    await mine.leave()


async def test_a_full_bus_makes_it_wait_say_so_and_go_on(
    graph: Graph, program: Path, tmp_path: Path
) -> None:
    heard: list[Standing] = []
    async with Server(program, tmp_path) as server, on(server) as streams:
        await announced(graph, *range(1, 11))
        mine = publisher(graph, streams, report=heard.append)
        reader = reading(graph, streams)
        async with publishing(mine), streams.bus.speaking() as client:
            await reader.until(SEEN, 10)
            await client.config_set("maxmemory", "1")
            await announced(graph, *range(11, 21))
            await until(lambda: mine.standings[SEEN].state is State.WAITING)
            waiting = mine.standings[SEEN]
            assert waiting.trouble is not None
            assert "is full: raise its maxmemory, or keep fewer events" in waiting.trouble
            assert waiting.published == 10
            await client.config_set("maxmemory", "0")
            assert await reader.until(SEEN, 20) == list(range(1, 21))
            await until(lambda: mine.standings[SEEN].state is State.PUBLISHED)
        await reader.close()


async def test_a_bus_that_dies_again_and_again_loses_nobody_anything(
    graph: Graph, program: Path, tmp_path: Path
) -> None:
    """Without persistence: each death empties it, under readers and publishers at work."""
    async with Server(program, tmp_path) as server, on(server) as streams:
        reader = reading(graph, streams)
        async with publishing(publisher(graph, streams), publisher(graph, streams)):
            for round_ in range(3):
                first, last = 10 * round_ + 1, 10 * round_ + 10
                writing = asyncio.create_task(announce(graph, range(first, last + 1)))
                await reader.until(SEEN, first)
                await server.kill()
                await writing
                await server.start()
                assert await reader.until(SEEN, last) == list(range(1, last + 1))
        await reader.close()


async def test_figures_tell_what_waits_and_since_when(graph: Graph, streams: Streams) -> None:
    mine = publisher(graph, streams)
    await announced(graph, 1, 2, now=NOW)
    await mine.publish()
    await announced(graph, 3, 4, 5, now=NOW + timedelta(minutes=5))

    (lane,) = await figures([Outbox(graph)], streams)

    assert lane.lane == SEEN
    assert (lane.depth, lane.length, lane.waiting) == (5, 2, 3)
    assert lane.oldest_at == NOW
    assert lane.waiting_since == NOW + timedelta(minutes=5)
    assert lane.publisher is not None
    await mine.publish()
    (lane,) = await figures([Outbox(graph)], streams)
    assert (lane.length, lane.waiting, lane.waiting_since) == (5, 0, None)
    await mine.leave()
    (lane,) = await figures([Outbox(graph)], streams)
    assert lane.publisher is None


async def kept(graph: Graph) -> list[Any]:
    return await outbox.after(graph, Line.TRANSFERS, CHAIN, 0, limit=1_000)
