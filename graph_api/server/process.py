"""One worker as its parent sees it, and what the two tell each other over their channel.

The parent says once what there is to do; the worker says once that it answers, or why it cannot.
After that the channel only ends: it does when either of them does.
"""

import asyncio
import pickle
import signal
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import structlog
from starlette.applications import Starlette

from graph_api.domain.errors import GraphApiError, UpstreamUnavailable
from graph_api.settings import Settings

START_S: Final = 120.0
#: The file in the workers' folder that says how many connections each has.
SHARES: Final = "connections"

Make = Callable[[Settings], Starlette]

_HEAD: Final = struct.Struct("!I")

log = structlog.get_logger("graph_api.server")


class WorkerFailed(GraphApiError):
    """A worker ended before it answered, and did not say why."""


class StartRefused(GraphApiError):
    """A worker may not start; the sentence is its own.

    Args:
        passing: Trying again later may help.
    """

    def __init__(self, sentence: str, *, passing: bool) -> None:
        super().__init__(sentence)
        self.passing = passing


@dataclass(frozen=True)
class Task:
    """What a worker is told over its channel.

    Args:
        make: Makes the application; a function that can be imported by its name.
        folder: Where all workers count, and see how many connections the others have.
    """

    number: int
    make: Make
    settings: Settings
    listener_fd: int
    folder: Path


class Word(msgspec.Struct, frozen=True):
    """What a worker says, once: that it answers, or why it cannot."""

    refused: str | None = None
    passing: bool = False

    @classmethod
    def of(cls, error: GraphApiError) -> "Word":
        """The refusal that ``error`` is."""
        return cls(refused=str(error), passing=isinstance(error, UpstreamUnavailable))


class Worker:
    """One process of the crew, seen from the parent."""

    def __init__(
        self,
        number: int,
        process: asyncio.subprocess.Process,
        channel: socket.socket,
        *,
        pause_s: float,
    ) -> None:
        self.number, self.pid = number, process.pid
        #: How long its successor waits when it does not last.
        self.pause_s = pause_s
        #: Whether its end is our wish.
        self.leaving = False
        self._process, self._channel = process, channel
        self._began_at = asyncio.get_running_loop().time()

    @classmethod
    async def spawned(cls, number: int, listener: socket.socket, *, pause_s: float) -> "Worker":
        """A process that waits for its task, in a session of its own: terminals do not reach it."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            try:
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "graph_api.server.worker",
                    str(theirs.fileno()),
                    pass_fds=(theirs.fileno(), listener.fileno()),
                    start_new_session=True,
                )
            except BaseException:
                ours.close()
                raise
        return cls(number, process, ours, pause_s=pause_s)

    async def take_up(self, task: Task) -> None:
        """Give it its task, and wait until it answers. Raises: WorkerFailed, StartRefused."""
        try:
            async with asyncio.timeout(START_S):
                said = await self._said(task)
        except TimeoutError:
            raise WorkerFailed(
                f"Worker {self.number} did not answer within {START_S:g} s."
            ) from None
        if not said:
            raise WorkerFailed(
                f"Worker {self.number} ended with {await self.ended()} before it answered; "
                "its own words stand above."
            )
        word = msgspec.json.decode(said, type=Word)
        if word.refused is not None:
            raise StartRefused(word.refused, passing=word.passing)

    def send(self, number: signal.Signals) -> None:
        """A signal that it ends of; one that has ended does not hear it."""
        self.leaving = True
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    def lasted_s(self) -> float:
        """How long ago it was started."""
        return asyncio.get_running_loop().time() - self._began_at

    async def ended(self) -> str:
        """Wait for its end, and say what it was."""
        code = await self._process.wait()
        self._channel.close()
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    async def end_within(self, seconds: float) -> None:
        """Wait for its end, and bring it about when it does not come."""
        try:
            async with asyncio.timeout(seconds):
                await self.ended()
        except TimeoutError:
            log.error("worker killed", worker=self.number, after_s=seconds)
            self.send(signal.SIGKILL)
            await self.ended()

    async def _said(self, task: Task) -> bytes:
        """Its one line; nothing when it ended before."""
        loop, said = asyncio.get_running_loop(), b""
        with suppress(ConnectionError):
            await loop.sock_sendall(self._channel, framed(task))
            while not said.endswith(b"\n"):
                more = await loop.sock_recv(self._channel, 65_536)
                if not more:
                    return b""
                said += more
            return said
        return b""


def framed(task: Task) -> bytes:
    """A task as it goes over a channel."""
    body = pickle.dumps(task)
    return _HEAD.pack(len(body)) + body


def received(channel: socket.socket) -> Task:
    """The task that comes over a channel. Raises: EOFError when its other end is gone."""
    (size,) = _HEAD.unpack(_exactly(channel, _HEAD.size))
    task: Task = pickle.loads(_exactly(channel, size))  # noqa: S301 - from our own parent
    return task


def _exactly(channel: socket.socket, size: int) -> bytes:
    data = channel.recv(size, socket.MSG_WAITALL)
    if len(data) < size:
        raise EOFError
    return data
