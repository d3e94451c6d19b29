"""Commands that overlap share one engine, and none of them loses it."""

import asyncio
from pathlib import Path

import pytest

from deskgraph.engines.arcadedb import embedded_graph, running_graph
from deskgraph.engines.folder import EngineFolder
from deskgraph.engines.sharing import shared_graph
from graph_api.settings import EmbeddedSettings
from tests.engines.processes import until
from tests.engines.test_embedded_graph import ask

SMALL = EmbeddedSettings(heap_mb=256)


def starts(home: Path) -> int:
    return EngineFolder(home, "graph").log.read_text().count("ArcadeDB Server started")


async def test_eight_commands_at_once_start_one_engine(tmp_path: Path) -> None:
    all_in = asyncio.Barrier(8)

    async def command(number: int) -> None:
        async with shared_graph(tmp_path, SMALL) as address:
            await all_in.wait()
            await ask(address, "CREATE (:Note {number: $number})", number=number)

    await asyncio.gather(*map(command, range(8)))

    assert starts(tmp_path) == 1
    assert running_graph(tmp_path) is None
    async with shared_graph(tmp_path, SMALL) as address:
        assert await ask(address, "MATCH (n:Note) RETURN count(n)") == [[8]]


async def test_who_started_it_waits_for_who_still_uses_it(tmp_path: Path) -> None:
    joined, finish = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with shared_graph(tmp_path, SMALL):
            await joined.wait()

    async def second() -> None:
        await until(lambda: running_graph(tmp_path) is not None)
        async with shared_graph(tmp_path, SMALL) as address:
            joined.set()
            await finish.wait()
            assert await ask(address, "RETURN 1") == [[1]]

    starting, using = asyncio.create_task(first()), asyncio.create_task(second())
    await joined.wait()
    await asyncio.wait([starting], timeout=0.3)
    assert not starting.done()
    finish.set()
    await asyncio.gather(starting, using)

    assert running_graph(tmp_path) is None
    assert starts(tmp_path) == 1


async def test_an_interrupt_does_not_wait(tmp_path: Path) -> None:
    running = asyncio.Event()

    async def first() -> None:
        async with shared_graph(tmp_path, SMALL):
            running.set()
            await asyncio.Event().wait()

    starting = asyncio.create_task(first())
    await running.wait()
    async with shared_graph(tmp_path, SMALL):
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        assert running_graph(tmp_path) is None


async def test_one_that_is_kept_up_by_others_is_used_and_left_alone(tmp_path: Path) -> None:
    async with embedded_graph(tmp_path, SMALL) as kept:
        async with shared_graph(tmp_path, SMALL) as address:
            assert address == kept
        assert await ask(kept, "RETURN 1") == [[1]]
