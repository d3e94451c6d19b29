"""Loads as a user starts them: in this process, or as a process that can be killed."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from graph_api.domain.chains import chain_of
from graph_api.domain.events import Event, Line
from graph_api.domain.ids import ChainId
from graph_api.store import outbox
from graph_api.store.address import GraphAddress
from graph_api.store.graph import Graph
from graph_api.store.ledger.writer import LEASE_LASTS
from ingest.jobs.loading import Skipped, Step, load_paths
from ingest.pipelines.load import PAUSES_S, Summary
from ingest.sources.files.format import Options


async def loaded(
    graph: Graph,
    *paths: Path,
    rejects: Path,
    chains: Sequence[str] = ("ethereum",),
    batch: int = 4_000,
    strict: bool = False,
    announce: bool = False,
    lease: timedelta = LEASE_LASTS,
    waiting: Callable[[str], None] = lambda name: None,
    report: Callable[[Step], None] = lambda step: None,
    pauses_s: Sequence[float] = PAUSES_S,
    **options: Any,
) -> list[Summary]:
    """Load ``paths`` here; what became of each dataset."""
    outcomes = load_paths(
        graph,
        paths,
        Options(chains=tuple(map(chain_of, chains)), **options),
        clock=lambda: datetime.now(UTC),
        rejects=rejects,
        strict=strict,
        announce=announce,
        batch=batch,
        lease=lease,
        waiting=waiting,
        report=report,
        pauses_s=pauses_s,
    )
    return [one async for one in outcomes if not isinstance(one, Skipped)]


async def announced(graph: Graph, line: Line, chain: ChainId) -> list[Event]:
    """Everything that was announced on a line, in order."""
    found: list[Event] = []
    while more := await outbox.after(
        graph, line, chain, found[-1].number if found else 0, limit=1_000
    ):
        found += more
    return found


#: The load command as users have it, and as a process that starts fast.
DESKGRAPH: Final = ("deskgraph", "ingest")
CHILD: Final = ("tests.ingest.child",)


class Ended(msgspec.Struct, frozen=True):
    """How a process ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def totals(self) -> dict[str, Any]:
        """The summary of ``--json``."""
        return msgspec.json.decode(self.out, type=dict[str, Any])

    @property
    def peak_mb(self) -> float:
        """The most memory that the process had."""
        last = self.err.splitlines()[-1]
        return msgspec.json.decode(last, type=dict[str, int])["peak_kb"] / 1024

    @property
    def sentences(self) -> list[str]:
        """Standard error without the lines of progress."""
        return [line for line in self.err.splitlines() if line and not line.startswith("{")]


class Command:
    """A command as a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid
        self._out: list[str] = []
        self._err: list[str] = []

    async def batches(self, count: int) -> bool:
        """Wait until ``count`` more batches are written; False when the process ends before."""
        assert self._process.stderr is not None
        while count:
            line = (await self._process.stderr.readline()).decode()
            if not line:
                return False
            self._err.append(line)
            count -= line.startswith("{")
        return True

    async def says(self, words: str) -> None:
        """Wait until standard error has ``words``."""
        await self._until(words, self._process.stderr, self._err)

    async def prints(self, words: str) -> None:
        """Wait until standard output has ``words``."""
        await self._until(words, self._process.stdout, self._out)

    async def _until(
        self, words: str, stream: asyncio.StreamReader | None, lines: list[str]
    ) -> None:
        assert stream is not None
        while words not in "".join(lines):
            line = (await stream.readline()).decode()
            assert line, "".join([*self._out, *self._err])
            lines.append(line)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    async def ended(self) -> Ended:
        """Wait for its end."""
        out, err = await self._process.communicate()
        assert self._process.returncode is not None
        return Ended(
            self._process.returncode,
            "".join(self._out) + out.decode(),
            "".join(self._err) + err.decode(),
        )


@asynccontextmanager
async def command(
    address: GraphAddress, home: Path, *arguments: str | Path
) -> AsyncIterator[Command]:
    """Start a module with ``arguments`` on a graph; it is killed when the block is left."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *map(str, arguments),
        env=os.environ | settings_of(address, home),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )
    try:
        yield Command(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


def loader(
    address: GraphAddress, home: Path, *arguments: str | Path, module: Sequence[str] = CHILD
) -> AbstractAsyncContextManager[Command]:
    """Start a load as a process."""
    return command(address, home, *module, "load", *arguments)


async def ended(address: GraphAddress, home: Path, *arguments: str | Path) -> Ended:
    """Any command of ``deskgraph``, to its end."""
    async with command(address, home, "deskgraph", *arguments) as running:
        return await running.ended()


async def load_apart(address: GraphAddress, home: Path, *arguments: str | Path) -> Ended:
    """A load in a process of its own, to its end."""
    async with loader(address, home, *arguments) as running:
        return await running.ended()


def settings_of(address: GraphAddress, home: Path) -> dict[str, str]:
    """The environment that leads a command to a graph."""
    return {
        "DESKGRAPH_HOME": str(home),
        "DESKGRAPH_NEO4J__URL": address.url,
        "DESKGRAPH_NEO4J__USER": address.user,
        "DESKGRAPH_NEO4J__PASSWORD": address.password,
        "DESKGRAPH_NEO4J__DATABASE": address.database,
    }
