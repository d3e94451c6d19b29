"""Networks that cut, freeze and come back: nothing is lost, doubled or put out of order."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from graph_api.domain.errors import UpstreamUnavailable
from graph_api.domain.events import Line
from graph_api.live.bus import Bus
from graph_api.live.groups import Group
from graph_api.live.streams import Behind, Streams
from graph_api.store.address import GraphAddress
from tests.live.given import HOLDER, SEEN, events, everything, put, reading
from tests.real.redis import Server
from tests.store.bolt.proxy import Proxy, proxied

TIMEOUT_S = 0.3
LAST = 300


@asynccontextmanager
async def through_proxy(server: Server) -> AsyncIterator[tuple[Proxy, Streams]]:
    """Streams behind a network that can be made to fail."""
    target = GraphAddress(url=server.url, user="", password="", database="")
    async with proxied(target) as proxy:
        bus = await Bus.connect(proxy.address(scheme="redis").url, timeout_s=TIMEOUT_S)
        try:
            yield proxy, Streams(bus)
        finally:
            proxy.thaw()
            await bus.close()


async def published(streams: Streams) -> None:
    """Publish up to LAST whatever happens, as a publisher does: from where the stream stands."""
    last = 0
    while last < LAST:
        try:
            await streams.hold([SEEN], holder=HOLDER)
            last = await put(streams, events(last + 1, min(last + 3, LAST)))
        except Behind as behind:
            last = behind.last
        except UpstreamUnavailable:
            await asyncio.sleep(0)


async def trouble(proxy: Proxy, seed: int) -> None:
    """Cut, refuse and freeze without end."""
    chance = random.Random(seed)
    while True:
        await asyncio.sleep(chance.uniform(0.01, 0.05))
        match chance.randrange(4):
            case 0 | 1:
                await proxy.cut()
            case 2:
                await proxy.refuse()
                await asyncio.sleep(chance.uniform(0, 0.05))
                await proxy.listen()
            case _:
                proxy.freeze()
                await asyncio.sleep(chance.uniform(0, 2 * TIMEOUT_S))
                proxy.thaw()


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_bad_network_loses_doubles_and_reorders_nothing(
    shared_server: Server, streams: Streams, seed: int
) -> None:
    judged: list[int] = []

    async def judge(group: Group) -> None:
        while LAST not in judged:
            with suppress(UpstreamUnavailable):
                for batch in await group.take(block_s=0.05):
                    judged.extend(one.number for one in batch.events if one.number not in judged)
                    await group.done(batch)

    async with through_proxy(shared_server) as (proxy, far), asyncio.timeout(120):
        bother = asyncio.create_task(trouble(proxy, seed))
        reader = reading(far)
        judging = Group(far, "rules", consumer="judge", lines=[Line.TRANSFERS])
        await asyncio.gather(published(far), reader.until(SEEN, LAST), judge(judging))
        bother.cancel()
        await asyncio.wait([bother])
        proxy.thaw()

        assert reader.seen == {SEEN: list(range(1, LAST + 1))}
        assert judged == list(range(1, LAST + 1))
        assert await everything(streams) == list(range(1, LAST + 1))
        await reader.close()


async def test_a_reader_that_is_cut_off_goes_on_where_it_was(
    shared_server: Server, streams: Streams
) -> None:
    async with through_proxy(shared_server) as (proxy, far):
        reader = reading(far)
        await put(streams, events(1, 5))
        await reader.until(SEEN, 5)
        await proxy.refuse()
        await put(streams, events(6, 9))
        await proxy.listen()

        assert await reader.until(SEEN, 9) == list(range(1, 10))
        await reader.close()


async def test_an_answer_that_got_lost_is_no_event_that_got_lost(
    shared_server: Server, streams: Streams
) -> None:
    """The bus wrote, and the publisher never heard of it: it writes again, and nothing doubles."""
    async with through_proxy(shared_server) as (proxy, far):
        await far.hold([SEEN], holder=HOLDER)
        proxy.corrupt = lambda _: b""
        with pytest.raises(UpstreamUnavailable):
            await far.append(SEEN, events(1, 3), epoch="first", holder=HOLDER, begin=1)
        assert await everything(streams) == [1, 2, 3]
        await proxy.cut()
        proxy.corrupt = bytes

        assert await put(far, events(1, 5)) == 5
        assert await everything(streams) == [1, 2, 3, 4, 5]


async def test_whoever_waits_for_the_bus_can_be_stopped_at_any_moment(streams: Streams) -> None:
    """The client library may swallow a cancellation; the door to it does not."""

    async def ask_for_ever() -> None:
        while True:
            await streams.survey([SEEN])

    async with asyncio.timeout(60):
        for number in range(100):
            asking = asyncio.create_task(ask_for_ever())
            for _ in range(10 + number):
                await asyncio.sleep(0)
            asking.cancel()
            await asyncio.wait([asking])
