"""A real PostgreSQL for tests: a temporary cluster on a unix socket, or one that is named.

``TEST_POSTGRESQL_URL`` names a server on which databases may be made and dropped. Otherwise the
machine's own programs start a cluster; root, whom PostgreSQL refuses, starts it as another user.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import asyncpg  # type: ignore[import-untyped]

from tests.real.available import Unavailable
from tests.real.packages import installed

INSTALL = "install PostgreSQL (Debian: apt-get install postgresql) or set TEST_POSTGRESQL_URL"
# Nothing in a test survives a power cut anyway.
FAST = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=16MB"]


class Server:
    """A running server, known by the URL of a database to connect to for making others."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._made = 0

    def url_of(self, database: str) -> str:
        """The same server, another database."""
        head, _, query = self.url.partition("?")
        return f"{head.rpartition('/')[0]}/{database}" + (f"?{query}" if query else "")

    async def create(self, *, template: str = "template0") -> str:
        """Make a database; its name."""
        self._made += 1
        name = f"deskgraph_test_{os.getpid()}_{self._made}"
        await self._run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    async def drop(self, database: str) -> None:
        """Drop a database and whoever is still connected to it."""
        await self._run(f'DROP DATABASE "{database}" WITH (FORCE)')

    async def _run(self, statement: str) -> None:
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@contextmanager
def running_server() -> Iterator[Server]:
    """A server for the length of the block; raises Unavailable where there can be none."""
    if url := os.environ.get("TEST_POSTGRESQL_URL"):
        yield Server(url)
        return
    with tempfile.TemporaryDirectory(prefix="pg") as folder, _cluster(Path(folder)) as server:
        yield server


@contextmanager
def _cluster(folder: Path) -> Iterator[Server]:
    programs, user = _programs(), _user()
    if user is not None:
        shutil.chown(folder, user)
    data, log = folder / "data", folder / "log"
    kind = ["-U", "tester", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    _run([programs / "initdb", "-D", data, *kind], user)
    settings = " ".join(f"-c {setting}" for setting in FAST)
    options = f"-k {folder} -c listen_addresses='' {settings}"
    control: list[str | Path] = [programs / "pg_ctl", "-D", data, "-l", log, "-w", "-t", "60"]
    _run([*control, "-o", options, "start"], user)
    try:
        yield Server(f"postgresql://tester@/postgres?host={quote(str(folder), safe='')}")
    finally:
        _run([*control, "-m", "immediate", "stop"], user)


def _programs() -> Path:
    return installed("initdb", package="postgresql").resolve().parent


def _user() -> str | None:
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in known:
            return name
    raise Unavailable(f"PostgreSQL does not run as root: {INSTALL}.")


def _run(command: Sequence[str | Path], user: str | None) -> None:
    # Output goes to a file: a pipe would stay open in the server that pg_ctl leaves behind.
    with tempfile.TemporaryFile() as said:
        done = subprocess.run(
            command, user=user, cwd="/", check=False, stdout=said, stderr=subprocess.STDOUT
        )
        said.seek(0)
        if done.returncode != 0:
            raise RuntimeError(said.read().decode(errors="replace"))
