"""A real Redis from the system's packages, on a port of the loopback, as others run it."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Self

from deskgraph.engines.errors import EngineDied
from deskgraph.engines.folder import EngineFolder
from deskgraph.engines.ports import LOOPBACK, reserved_port
from deskgraph.engines.supervise import Engine, supervised, taken_folder
from deskgraph.engines.valkey import bus_server
from graph_api.domain.errors import UpstreamUnavailable
from graph_api.live.bus import Bus
from tests.engines.processes import until
from tests.real.packages import installed


@asynccontextmanager
async def start_redis(folder: Path, *options: str) -> AsyncIterator[str]:
    """The URL of an empty Redis below ``folder`` that forgets all when the block ends.

    Raises: Unavailable.
    """
    async with Server(redis_program(), folder, *options) as server:
        yield server.url


class Server:
    """A bus that can be killed and started again at the same place, with what it kept."""

    def __init__(self, program: Path, folder: Path, *options: str) -> None:
        self._program, self._options = program, options
        self._home = EngineFolder(folder, "redis")
        self._running = AsyncExitStack()
        self._port = 0
        self.url = ""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Run it; from the second time on at the port of the first."""
        enter = self._running.enter_async_context
        lock = await enter(taken_folder("Redis", self._home))
        port = self._running.enter_context(reserved_port(self._port, setting=""))
        self._port, self.url = port, f"redis://{LOOPBACK}:{port}"
        place = ("--bind", LOOPBACK, "--port", str(port), "--dir", str(self._home.path))
        engine = Engine(
            name="Redis",
            folder=self._home,
            command=(str(self._program), *place, "--save", "", *self._options),
            url=self.url,
            port=port,
            ready=partial(_answers, self.url),
            start_timeout_s=60,
            grace_s=0,
        )
        await enter(supervised(engine, lock))

    async def stop(self) -> None:
        """End it, as its owner does."""
        await self._running.aclose()
        self._running = AsyncExitStack()

    async def kill(self) -> None:
        """End it with SIGKILL, by its own process number."""
        note = self._home.running()
        assert note is not None
        os.kill(note.pid, signal.SIGKILL)
        await until(lambda: not self._home.is_locked())
        with suppress(EngineDied):
            await self.stop()


def redis_program() -> Path:
    """The real Redis. Raises: Unavailable."""
    return installed("redis-server", package="redis-server")


def valkey_program() -> Path:
    """The embedded Valkey."""
    return bus_server()


async def _answers(url: str) -> bool:
    try:
        bus = await Bus.connect(url)
    except UpstreamUnavailable:
        return False
    await bus.close()
    return True
