"""Takes connections from a socket that several processes share, so that each gets its part.

Of many connections that come at once, the process that wakes first could take every one, and would
keep it for as long as its client does. So each tells how many it has, and one that has more than
another waits a moment before it takes the next.
"""

import asyncio
import errno
import mmap
import socket
from array import array
from collections.abc import Callable, Sized
from pathlib import Path
from typing import Any, Final, Self

import structlog

DEFER_S: Final = 0.002
RETRY_AFTER_S: Final = 1.0
#: What the machine has too little of for another connection; trying at once would only spin.
_SCARCE: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_NOBODY: Final = -1
_KIND: Final = "i"

log = structlog.get_logger("graph_api.server")


class Shares:
    """How many connections each process has, in memory that all of them see."""

    def __init__(self, file: Path) -> None:
        with file.open("r+b") as opened:
            self._counts = memoryview(mmap.mmap(opened.fileno(), 0)).cast(_KIND)

    @classmethod
    def of_nobody(cls, file: Path, *, places: int) -> Self:
        """Make the file, with room for so many processes."""
        file.write_bytes(array(_KIND, [_NOBODY] * places).tobytes())
        return cls(file)

    def tell(self, number: int, connections: int) -> None:
        """Say how many the process ``number`` has."""
        self._counts[number] = connections

    def leave(self, number: int) -> None:
        """Have no part in it any more."""
        self._counts[number] = _NOBODY

    def least_of_others(self, number: int) -> int | None:
        """What the process has that has the fewest; None where there is no other."""
        others = (
            count
            for other, count in enumerate(self._counts.tolist())
            if other != number and count != _NOBODY
        )
        return min(others, default=None)


class SharedListener:
    """The part that the process ``number`` takes; a server as event loops know them."""

    def __init__(
        self,
        listener: socket.socket,
        protocol: Callable[[], asyncio.BaseProtocol],
        connections: Sized,
        *,
        shares: Shares,
        number: int,
        defer_s: float = DEFER_S,
    ) -> None:
        self._listener, self._protocol, self._connections = listener, protocol, connections
        self._shares, self._number, self._defer_s = shares, number, defer_s
        self._loop = asyncio.get_running_loop()
        self._taking: set[asyncio.Task[Any]] = set()
        self._open = True
        listener.setblocking(False)
        self.tell()
        self._listen()

    def tell(self) -> int:
        """Let the others know how many connections there are here."""
        count = len(self._connections) + len(self._taking)
        if self._open:
            self._shares.tell(self._number, count)
        return count

    def close(self) -> None:
        """Take no more."""
        if self._open:
            self._open = False
            self._loop.remove_reader(self._listener)
            self._shares.leave(self._number)

    async def wait_closed(self) -> None:
        """Wait for those that are being taken."""
        await asyncio.gather(*self._taking)

    def _listen(self) -> None:
        if self._open:
            self._loop.add_reader(self._listener, self._take_in_turn)

    def _listen_in(self, seconds: float, *, after: Callable[[], None]) -> None:
        self._loop.remove_reader(self._listener)
        self._loop.call_later(seconds, after)

    def _take_in_turn(self) -> None:
        others = self._shares.least_of_others(self._number)
        if others is not None and self.tell() > others:
            self._listen_in(self._defer_s, after=self._take_anyway)
        else:
            self._take()

    def _take_anyway(self) -> None:
        if self._open:
            self._listen()
            self._take()

    def _take(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # somebody else was faster, or the client is gone already
        except OSError as error:
            if error.errno not in _SCARCE:
                raise
            log.error("connections wait", reason=error.strerror, again_in_s=RETRY_AFTER_S)
            self._listen_in(RETRY_AFTER_S, after=self._listen)
            return
        task = self._loop.create_task(self._hand_over(connection))
        self._taking.add(task)
        task.add_done_callback(self._taking.discard)
        self.tell()

    async def _hand_over(self, connection: socket.socket) -> None:
        try:
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._loop.connect_accepted_socket(self._protocol, connection)
        except OSError:  # the client is gone already
            connection.close()
