"""The shelves of answers: in the process, and on a real Redis and the embedded bus."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from graph_api.live.answers import OVERHEAD_BYTES, Kept, ProcessShelf
from graph_api.live.bus_answers import BusShelf, Marks

MARK = b""


def kept(body: bytes = b"{}") -> Kept:
    return Kept(body, b'"tag"', "Wallet")


class Clock:
    """A clock that tests set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def shelf_of(
    clock: Clock | None = None, *, entries: int = 10, size: int = 1_000_000
) -> ProcessShelf:
    return ProcessShelf(life_s=2.0, max_entries=entries, max_bytes=size, clock=clock or Clock())


async def test_an_answer_lives_for_its_life_and_says_how_long_it_has() -> None:
    clock = Clock()
    shelf = shelf_of(clock)
    shelf.keep(b"k", kept(), mark=MARK)

    clock.now = 1.5
    young = await shelf.find(b"k")
    clock.now = 2.0
    old = await shelf.find(b"k")

    assert (young.kept, young.left_s) == (kept(), 0.5)
    assert old.kept is None
    assert (shelf.tally.entries, shelf.tally.bytes) == (0, 0)


async def test_what_was_used_longest_ago_makes_room() -> None:
    shelf = shelf_of(entries=2)
    shelf.keep(b"first", kept(), mark=MARK)
    shelf.keep(b"second", kept(), mark=MARK)
    await shelf.find(b"first")
    shelf.keep(b"third", kept(), mark=MARK)

    found = {key: (await shelf.find(key)).kept for key in (b"first", b"second", b"third")}

    assert found == {b"first": kept(), b"second": None, b"third": kept()}
    assert shelf.tally.evictions == 1


async def test_the_room_is_counted_in_bytes_and_no_answer_takes_much_of_it() -> None:
    size = 100_000
    shelf = shelf_of(entries=1_000, size=size)
    for number in range(100):
        shelf.keep(b"%d" % number, kept(b"x" * 9_500), mark=MARK)
    shelf.keep(b"large", kept(b"x" * (size // 8)), mark=MARK)

    assert shelf.tally.entries == size // (9_500 + OVERHEAD_BYTES)
    assert shelf.tally.bytes <= size
    assert (await shelf.find(b"large")).kept is None
    assert (await shelf.find(b"99")).kept is not None


async def test_an_answer_that_is_kept_again_counts_once() -> None:
    shelf = shelf_of()
    shelf.keep(b"k", kept(b"1" * 100), mark=MARK)
    shelf.keep(b"k", kept(b"2" * 50), mark=MARK)

    assert (await shelf.find(b"k")).kept == kept(b"2" * 50)
    assert (shelf.tally.entries, shelf.tally.bytes) == (1, 50 + OVERHEAD_BYTES)


async def test_a_change_makes_old_what_is_kept_and_what_was_begun_before() -> None:
    shelf = shelf_of()
    _, _, begun_at = await shelf.find(b"begun")
    assert begun_at is not None
    shelf.keep(b"kept", kept(), mark=begun_at)

    shelf.turn(b"changed")
    shelf.keep(b"begun", kept(), mark=begun_at)

    assert (await shelf.find(b"kept")).kept is None
    assert (await shelf.find(b"begun")).kept is None
    assert (shelf.tally.dropped, shelf.tally.bytes) == (1, 0)


# On the bus


@pytest.fixture(params=["redis_url", "embedded_bus_url"])
def bus_url(request: pytest.FixtureRequest) -> str:
    """Each kind of server."""
    url: str = request.getfixturevalue(request.param)
    return url


@pytest.fixture
async def url(bus_url: str) -> str:
    """The same with nothing on it."""
    async with Redis.from_url(bus_url) as client:
        await client.flushall()
    return bus_url


@asynccontextmanager
async def on(url: str, *, size: int = 1_000_000, timeout_s: float = 5.0) -> AsyncIterator[BusShelf]:
    shelf = BusShelf.on(url, life_s=60.0, max_bytes=size, timeout_s=timeout_s)
    yield shelf
    await shelf.close()


async def put(shelf: BusShelf, key: bytes, answer: Kept) -> None:
    """Keep an answer and see it arrive."""
    _, _, mark = await shelf.find(key)
    assert mark is not None
    shelf.keep(key, answer, mark=mark)
    await asyncio.gather(*shelf._writes)


async def test_processes_share_what_one_of_them_keeps(url: str) -> None:
    async with on(url) as one, on(url) as other, Redis.from_url(url) as client:
        await put(one, b"k", kept(b"\x00\xff"))
        found = await other.find(b"k")
        (name,) = await client.keys("*")
        left_ms = await client.pttl(name)

    assert found.kept == kept(b"\x00\xff")
    assert 0 < found.left_s <= 60.0
    assert 0 < left_ms <= 60_000


async def test_a_change_makes_old_what_lies_on_the_bus(url: str) -> None:
    marks = Marks.on(url, timeout_s=5.0)
    async with on(url) as shelf:
        await put(shelf, b"k", kept())
        _, _, begun_at = await shelf.find(b"begun")
        assert begun_at is not None
        assert await marks.turn()
        shelf.keep(b"begun", kept(), mark=begun_at)
        await asyncio.gather(*shelf._writes)
        old, begun = await shelf.find(b"k"), await shelf.find(b"begun")
        await put(shelf, b"k", kept(b"new"))
        new = await shelf.find(b"k")
    await marks.close()

    assert (old.kept, begun.kept) == (None, None)
    assert new.kept == kept(b"new")


async def test_each_change_has_a_mark_of_its_own(url: str) -> None:
    marks = Marks.on(url, timeout_s=5.0)
    seen = [await marks.read()]
    for _ in range(3):
        await marks.turn()
        seen.append(await marks.read())
    await marks.close()

    assert seen[0] == b""
    assert len(set(seen)) == 4


async def test_what_is_looked_up_at_once_is_asked_at_once(url: str) -> None:
    async with on(url) as shelf, Redis.from_url(url) as client:
        await put(shelf, b"k1", kept(b"1"))
        await client.config_resetstat()
        found = await asyncio.gather(*(shelf.find(b"k%d" % (number % 2)) for number in range(50)))
        stats = await client.info("commandstats")

    assert [one.kept for one in found] == [None, kept(b"1")] * 25
    assert stats["cmdstat_mget"]["calls"] == 1


async def test_what_somebody_else_wrote_there_is_no_answer(url: str) -> None:
    async with on(url) as shelf, Redis.from_url(url) as client:
        await put(shelf, b"k", kept())
        (name,) = await client.keys("*")
        await client.set(name, b"\xc1 nonsense")

        assert (await shelf.find(b"k")).kept is None


async def test_a_process_lends_the_bus_only_so_much(url: str) -> None:
    async with on(url, size=40_000) as shelf, Redis.from_url(url) as client:
        for number in range(20):
            await put(shelf, b"%d" % number, kept(b"x" * 3_500))
        lying = len(await client.keys("*"))

    assert lying == 40_000 // (3_500 + OVERHEAD_BYTES)
    assert shelf.tally.evictions == 20 - lying


async def test_one_who_leaves_does_not_take_the_answer_from_others(url: str) -> None:
    async with on(url) as shelf:
        await put(shelf, b"k", kept())
        leaving, staying = (asyncio.create_task(shelf.find(b"k")) for _ in range(2))
        await asyncio.sleep(0)
        leaving.cancel()

        assert (await staying).kept == kept()
        assert (await shelf.find(b"k")).kept == kept()


async def test_a_bus_that_is_away_costs_one_try() -> None:
    async with on("redis://127.0.0.1:1/0") as shelf:
        found = [await shelf.find(b"%d" % number) for number in range(100)]
        shelf.keep(b"k", kept(), mark=b"")

    assert found == [(None, 0.0, None)] * 100
    assert shelf.tally.failures == 1
    assert not shelf._writes


async def test_a_bus_that_says_nothing_is_left_alone() -> None:
    asked = 0

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.read()
        writer.close()

    async with await asyncio.start_server(swallow, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        async with on(f"redis://127.0.0.1:{port}", timeout_s=0.05) as shelf:
            together = await asyncio.gather(*(shelf.find(b"%d" % n) for n in range(100)))
            later = await shelf.find(b"later")

    assert [*together, later] == [(None, 0.0, None)] * 101
    assert shelf.tally.failures == 1
    assert asked == 1


async def test_marks_that_cannot_be_read_change_nothing() -> None:
    marks = Marks.on("redis://127.0.0.1:1/0", timeout_s=0.05)

    assert await marks.read() is None
    assert not await marks.turn()
    await marks.close()
