"""What a bus keeps when it is killed, and what a reader and a group notice of that: nothing."""

from pathlib import Path

import pytest

from graph_api.domain.errors import UpstreamUnavailable
from graph_api.live.bus import Bus
from graph_api.live.cursors import Cursor, Mark
from graph_api.live.streams import Streams
from tests.live.given import EPOCH, SEEN, events, everything, put, reading
from tests.real.redis import Server

ALWAYS = ("--appendonly", "yes", "--appendfsync", "always")


async def written_until_killed(server: Server, streams: Streams) -> int:
    """Write one event after another and kill the server; the last number that it acknowledged."""
    acknowledged = 0
    for number in range(1, 301):
        acknowledged = await put(streams, events(number, number))
    await server.kill()
    with pytest.raises(UpstreamUnavailable):
        await put(streams, events(acknowledged + 1, acknowledged + 1))
    return acknowledged


async def test_what_was_acknowledged_outlives_kill_9_with_fsync_always(
    program: Path, tmp_path: Path
) -> None:
    async with Server(program, tmp_path, *ALWAYS) as server:
        bus = await Bus.connect(server.url)
        assert (await bus.facts()).keeps_every_write
        streams = Streams(bus)
        acknowledged = await written_until_killed(server, streams)
        await server.start()

        assert await everything(streams) == list(range(1, acknowledged + 1))
        found = await streams.survey(await streams.lanes())
        assert [(state.lane, state.epoch, state.last) for state in found] == [
            (SEEN, EPOCH, acknowledged)
        ]
        assert await put(streams, events(acknowledged, acknowledged + 5)) == acknowledged + 5
        await bus.close()


async def test_what_a_weaker_bus_forgot_is_told_again_under_the_same_numbers(
    program: Path, tmp_path: Path
) -> None:
    async with Server(program, tmp_path) as server:
        bus = await Bus.connect(server.url)
        assert not (await bus.facts()).keeps_every_write
        streams = Streams(bus)
        reader = reading(streams)
        await put(streams, events(1, 300))
        await reader.until(SEEN, 300)
        await server.kill()
        await server.start()
        assert await everything(streams) == []

        await put(streams, events(1, 150))
        await put(streams, events(151, 320))

        assert await reader.until(SEEN, 320) == list(range(1, 321))
        await reader.close()
        await bus.close()


async def test_a_reader_waits_for_a_bus_that_is_away(program: Path, tmp_path: Path) -> None:
    async with Server(program, tmp_path, *ALWAYS) as server:
        bus = await Bus.connect(server.url)
        streams = Streams(bus)
        await put(streams, events(1, 10))
        reader = reading(streams, Cursor({SEEN: Mark(EPOCH, 2)}))
        for round_ in range(1, 4):
            last = 10 * round_
            assert await reader.until(SEEN, last) == list(range(3, last + 1))
            await server.kill()
            await server.start()
            await put(streams, events(last + 1, last + 10))
        await reader.close()
        await bus.close()
