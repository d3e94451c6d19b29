"""The embedded bus: its folder and socket, its deaths and returns, and what it keeps."""

import os
import signal
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from deskgraph.engines import valkey
from deskgraph.engines.errors import AlreadyRunning, EngineDied, EngineError
from deskgraph.engines.folder import EngineFolder
from deskgraph.engines.valkey import bus_server, embedded_bus, running_bus
from graph_api.live.bus import Bus
from graph_api.settings import RedisSettings
from tests.engines.processes import gone, line_of, starter, until

SETTINGS = RedisSettings()

STARTER = """
import asyncio, sys
from pathlib import Path
from deskgraph.engines.folder import EngineFolder
from deskgraph.engines.valkey import embedded_bus
from graph_api.settings import RedisSettings

async def main(home):
    async with embedded_bus(home, RedisSettings()):
        print(EngineFolder(home, "bus").running().pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main(Path(sys.argv[1])))
"""


@asynccontextmanager
async def client(url: str) -> AsyncIterator[Redis]:
    redis = Redis.from_url(url, decode_responses=True)
    try:
        yield redis
    finally:
        await redis.aclose()


def pid_of(home: Path) -> int:
    note = EngineFolder(home, "bus").running()
    assert note
    return note.pid


async def test_it_keeps_every_write_and_throws_none_away(tmp_path: Path) -> None:
    async with embedded_bus(tmp_path, SETTINGS) as url:
        assert running_bus(tmp_path) == url
        bus = await Bus.connect(url)
        facts = await bus.facts()
        await bus.close()

    assert facts.keeps_every_write
    assert facts.eviction == "noeviction"
    assert running_bus(tmp_path) is None


async def test_entries_outlive_kill_9(tmp_path: Path) -> None:
    async def lose_it() -> None:
        async with embedded_bus(tmp_path, SETTINGS) as url, client(url) as redis:
            for number in range(500):
                await redis.xadd("topic", {"number": number})
            os.kill(pid_of(tmp_path), signal.SIGKILL)
            await until(lambda: not EngineFolder(tmp_path, "bus").is_locked())

    with pytest.raises(EngineDied, match="signal 9"):
        await lose_it()
    async with embedded_bus(tmp_path, SETTINGS) as url, client(url) as redis:
        assert await redis.xlen("topic") == 500


async def test_one_that_is_kept_up_comes_back_at_its_place(tmp_path: Path) -> None:
    async with embedded_bus(tmp_path, SETTINGS, on_trouble=lambda *_: None) as url:
        async with client(url) as redis:
            await redis.set("key", "value")
        os.kill(first := pid_of(tmp_path), signal.SIGKILL)
        folder = EngineFolder(tmp_path, "bus")
        await until(lambda: (note := folder.running()) is not None and note.pid != first)

        assert running_bus(tmp_path) == url
        async with client(url) as redis:
            assert await redis.get("key") == "value"


async def test_a_second_start_is_told_who_runs_it(tmp_path: Path) -> None:
    async with embedded_bus(tmp_path, SETTINGS):
        with pytest.raises(AlreadyRunning, match=rf"already running \(pid {pid_of(tmp_path)}"):
            async with embedded_bus(tmp_path, SETTINGS):
                pytest.fail("two servers on one folder")


async def test_it_ends_when_its_starter_is_killed(tmp_path: Path) -> None:
    async with starter(STARTER, str(tmp_path)) as process:
        pid = int(await line_of(process))
        process.kill()
        await gone(pid)


async def test_a_path_too_long_for_a_socket_gets_a_short_one(tmp_path: Path) -> None:
    home = tmp_path / ("long-" * 30) / "with % and ü"
    home.mkdir(parents=True)
    async with embedded_bus(home, SETTINGS) as url, client(url) as redis:
        await redis.set("key", "value")
        socket = redis.connection_pool.connection_kwargs["path"]
        folder = os.stat(os.path.dirname(socket))

        assert len(os.fsencode(socket)) <= valkey.LONGEST_SOCKET
        assert stat.S_IMODE(folder.st_mode) == 0o700
        assert running_bus(home) == url
        with pytest.raises(AlreadyRunning):
            async with embedded_bus(home, SETTINGS):
                pytest.fail("two servers on one folder")


async def test_two_homes_with_long_paths_do_not_share_a_socket(tmp_path: Path) -> None:
    homes = [tmp_path / ("long-" * 30) / name for name in ("one", "two")]
    for home in homes:
        home.mkdir(parents=True)
    async with embedded_bus(homes[0], SETTINGS) as one, embedded_bus(homes[1], SETTINGS) as two:
        assert one != two


async def test_a_run_folder_of_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link in its place would let another user choose where our socket is."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / f"deskgraph-{os.getuid()}").symlink_to(elsewhere)
    monkeypatch.setattr(valkey, "LONGEST_SOCKET", len(os.fsencode(tmp_path)) + 60)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    home = tmp_path / ("long-" * 30)
    home.mkdir()

    with pytest.raises(EngineError, match="belongs to somebody else"):
        async with embedded_bus(home, SETTINGS):
            pytest.fail("it followed the link")


def test_without_the_wheel_a_server_on_path_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(valkey, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="DESKGRAPH_REDIS__URL"):
        bus_server()

    other = tmp_path / "redis-server"
    other.touch(mode=0o755)

    assert bus_server() == other
