"""A real Redis from the system's packages, on a port of the loopback, as others run it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from deskgraph.engines.folder import EngineFolder
from deskgraph.engines.ports import LOOPBACK, reserved_port
from deskgraph.engines.supervise import Engine, supervised, taken_folder
from graph_api.domain.errors import UpstreamUnavailable
from graph_api.live.bus import Bus
from tests.real.packages import installed


@asynccontextmanager
async def start_redis(folder: Path, *options: str) -> AsyncIterator[str]:
    """The URL of an empty Redis below ``folder`` that forgets all when the block ends.

    Raises: Unavailable.
    """
    server = installed("redis-server", package="redis-server")
    home = EngineFolder(folder, "redis")
    async with taken_folder("Redis", home) as lock:
        with reserved_port(0, setting="") as port:
            url = f"redis://{LOOPBACK}:{port}"
            place = ("--bind", LOOPBACK, "--port", str(port), "--dir", str(home.path))
            engine = Engine(
                name="Redis",
                folder=home,
                command=(str(server), *place, "--save", "", *options),
                url=url,
                port=port,
                ready=partial(_answers, url),
                start_timeout_s=60,
                grace_s=0,
            )
            async with supervised(engine, lock):
                yield url


async def _answers(url: str) -> bool:
    try:
        bus = await Bus.connect(url)
    except UpstreamUnavailable:
        return False
    await bus.close()
    return True
