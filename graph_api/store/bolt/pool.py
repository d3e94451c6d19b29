"""A bounded pool of connections: whoever has waited longest is served first."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from graph_api.domain.errors import UpstreamUnavailable
from graph_api.store.bolt.connection import Connection, Keeper
from graph_api.store.bolt.faults import Lost, NotOurs

#: Opens a connection that reports to this keeper, logged in; or raises.
Open = Callable[[Keeper], Awaitable[Connection]]

#: A connection that heard nothing for so long is checked before it is used.
IDLE_S: Final = 60.0
#: How long a check may take.
CHECK_S: Final = 2.0
#: After so long a connection is replaced.
LIFETIME_S: Final = 3600.0

_GOODBYE_S: Final = 1.0


class Pool:
    """Connections to one server, at most ``size``, each lent to one caller at a time."""

    def __init__(
        self,
        open_one: Open,
        *,
        size: int,
        wait_s: float,
        on_stuck: Callable[[Connection], object] = lambda connection: None,
    ) -> None:
        self._open_one, self._size, self._wait_s = open_one, size, wait_s
        self._on_stuck = on_stuck
        self._open: set[Connection] = set()
        self._idle: list[Connection] = []
        self._places_taken = 0
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._doubted_at = 0.0
        self._closed, self._emptied = False, asyncio.Event()

    async def take(self) -> Connection:
        """A connection for one question; once that is over it comes back by itself.

        Raises: UpstreamUnavailable when none becomes free in time, and what opening one raises.
        """
        if self._closed:
            raise Lost
        while self._idle:
            connection = self._idle.pop()
            if not self._doubtful(connection) or await self._serves(connection):
                return connection
        if self._places_taken < self._size:
            self._places_taken += 1
        elif (handed := await self._turn()) is not None:
            return handed
        return await self._opened()

    def give_up_idle(self) -> None:
        """One connection died with its server: those that lie idle are no better."""
        for connection in list(self._idle):
            connection.abort()
        self._idle.clear()

    def doubt(self) -> None:
        """A question got no answer at all: what was heard of no more since is checked first."""
        self._doubted_at = asyncio.get_running_loop().time()

    def heard_since(self, moment: float) -> bool:
        """Whether the server said anything to anyone since ``moment`` of the loop's clock."""
        return any(connection.heard_at >= moment for connection in self._open)

    async def close(self) -> None:
        """Part from all connections; what is under way fails."""
        self._closed = True
        for turn in self._waiting:
            if not turn.done():
                turn.set_exception(Lost())
        for connection in list(self._open):
            if connection in self._idle:
                connection.close()
            else:
                connection.abort()
        if self._open:
            with suppress(TimeoutError):
                async with asyncio.timeout(_GOODBYE_S):
                    await self._emptied.wait()
        for connection in list(self._open):
            connection.abort()

    # What connections tell

    def ready(self, connection: Connection) -> None:
        """Hand it to whoever waits, or put it by."""
        if connection.closed:
            return
        if self._closed or self._now() - connection.opened_at > LIFETIME_S:
            connection.close()
        elif (turn := self._first_turn()) is not None:
            turn.set_result(connection)
        else:
            self._idle.append(connection)

    def stuck(self, connection: Connection) -> None:
        """Somebody has to tell the server in another way."""
        self._on_stuck(connection)

    def lost(self, connection: Connection) -> None:
        """Its place is free."""
        if connection in self._open:
            self._open.remove(connection)
            if connection in self._idle:
                self._idle.remove(connection)
            self._give_place_up()
            if not self._open:
                self._emptied.set()

    # Places and turns

    async def _turn(self) -> Connection | None:
        """Wait for a connection, or for the place to open one."""
        turn: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self._wait_s):
                return await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._hand_on(turn.result())
            if isinstance(error, TimeoutError):
                raise UpstreamUnavailable("The graph", retry_after_s=1) from None
            raise

    def _hand_on(self, handed: Connection | None) -> None:
        """Its taker left at the moment of taking."""
        if handed is None:
            self._give_place_up()
        else:
            self.ready(handed)

    def _first_turn(self) -> asyncio.Future[Connection | None] | None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                return turn
        return None

    def _give_place_up(self) -> None:
        if (turn := self._first_turn()) is not None:
            turn.set_result(None)
        else:
            self._places_taken -= 1

    async def _opened(self) -> Connection:
        """A new connection in a place that is already taken for it."""
        connection: Connection | None = None
        try:
            connection = await self._open_one(self)
            if connection.closed or self._closed:
                raise Lost
        except BaseException:
            if connection is not None:
                connection.abort()
            self._give_place_up()
            raise
        self._open.add(connection)
        return connection

    # Connections that fell silent

    def _doubtful(self, connection: Connection) -> bool:
        heard_at = connection.heard_at
        return heard_at < self._doubted_at or self._now() - heard_at > IDLE_S

    async def _serves(self, connection: Connection) -> bool:
        try:
            async with asyncio.timeout(CHECK_S):
                await connection.check()
        except (Lost, NotOurs, TimeoutError):
            connection.abort()
            for other in [other for other in self._idle if self._doubtful(other)]:
                self._idle.remove(other)
                other.abort()
            return False
        return True

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
