"""The shelf of answers on the bus, shared by all API processes; a bus in trouble is left alone.

All keys that are looked up at the same moment are asked in one MGET, together with the mark of the
graph's latest change. An answer that does not come in time is an answer that was not kept; then the
bus is not asked at all for a while.
"""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Sequence
from typing import Any, Final, Self

import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from graph_api.domain.errors import BadInput
from graph_api.live.answers import LARGEST_SHARE, Found, Kept, ShelfTally

#: Changes with every change of the graph; the same for all who share a bus.
MARK_KEY: Final = "deskgraph:answers:mark"
#: How long the bus is left alone after a failure, at first and at most.
FIRST_REST_S: Final = 1.0
LONGEST_REST_S: Final = 30.0
#: Answers on their way to the bus; more are not sent.
MAX_WRITES: Final = 64

_PREFIX: Final = b"deskgraph:answer:"
_NOTHING: Final = Found(None, 0.0, None)
_TROUBLE: Final = (RedisError, OSError, TimeoutError)


class Marks:
    """The mark of the graph's latest change: loads set it, API processes compare it."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    @classmethod
    def on(cls, url: str, *, timeout_s: float) -> Self:
        """The mark on the bus at ``url``; connects when it is first asked."""
        return cls(_client(url, timeout_s=timeout_s))

    async def read(self) -> bytes | None:
        """The mark; None where the bus does not tell."""
        try:
            mark: Any = await self._client.get(MARK_KEY)
        except _TROUBLE:
            return None
        return mark or b""

    async def turn(self) -> bool:
        """Make everything that was kept old; False where the bus does not hear it."""
        try:
            await self._client.set(MARK_KEY, secrets.token_bytes(12))
        except _TROUBLE:
            return False
        return True

    async def close(self) -> None:
        """Give the connection back."""
        await self._client.aclose()


class BusShelf:
    """Answers on the bus. Safe to share between the tasks of one event loop."""

    def __init__(self, client: Redis, *, life_s: float, max_bytes: int, timeout_s: float) -> None:
        self._client = client
        self.life_s, self.max_bytes, self._timeout_s = life_s, max_bytes, timeout_s
        self.tally = ShelfTally()
        self._wanted: dict[bytes, list[asyncio.Future[Found]]] = {}
        self._asking: asyncio.Task[None] | None = None
        self._writes: set[asyncio.Task[None]] = set()
        self._lent: deque[tuple[float, int]] = deque()
        self._rest_s, self._rests_until = 0.0, 0.0
        self._loop = asyncio.get_running_loop()

    @classmethod
    def on(cls, url: str, *, life_s: float, max_bytes: int, timeout_s: float) -> Self:
        """The shelf on the bus at ``url``; connects when it is first asked.

        Args:
            max_bytes: How much this process may have lying there.
            timeout_s: When a look-up is given up.
        """
        client = _client(url, timeout_s=timeout_s)
        return cls(client, life_s=life_s, max_bytes=max_bytes, timeout_s=timeout_s)

    async def find(self, key: bytes) -> Found:
        """What lies under ``key``; nothing while the bus is in trouble."""
        if self._loop.time() < self._rests_until:
            return _NOTHING
        answer: asyncio.Future[Found] = self._loop.create_future()
        self._wanted.setdefault(key, []).append(answer)
        if self._asking is None:
            self._asking = self._loop.create_task(self._ask())
        return await answer

    def keep(self, key: bytes, kept: Kept, *, mark: bytes) -> None:
        """Send an answer there, without waiting for it to arrive."""
        now = self._loop.time()
        if now < self._rests_until or len(self._writes) >= MAX_WRITES:
            return
        if not self._has_room(kept.weight, now):
            self.tally.evictions += 1
            return
        entry = _Entry(mark, time.time() + self.life_s, kept)
        write = self._loop.create_task(self._write(key, msgspec.msgpack.encode(entry)))
        self._writes.add(write)
        write.add_done_callback(self._writes.discard)

    async def close(self) -> None:
        """Give up what is under way."""
        tasks = [*self._writes, *([self._asking] if self._asking else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.aclose()

    async def _ask(self) -> None:
        wanted: dict[bytes, list[asyncio.Future[Found]]] = {}
        try:
            while self._wanted:
                wanted, self._wanted = self._wanted, {}
                for key, found in zip(wanted, await self._look_up(list(wanted)), strict=True):
                    _tell(wanted[key], found)
        finally:
            self._asking = None
            for waiting in (*wanted.values(), *self._wanted.values()):
                _tell(waiting, _NOTHING)
            self._wanted = {}

    async def _look_up(self, keys: Sequence[bytes]) -> list[Found]:
        if self._loop.time() < self._rests_until:
            return [_NOTHING] * len(keys)
        try:
            async with asyncio.timeout(self._timeout_s):
                lying: list[Any] = await self._client.mget(
                    MARK_KEY, *(_PREFIX + key for key in keys)
                )
        except _TROUBLE:
            self._rest()
            return [_NOTHING] * len(keys)
        self._rest_s = 0.0
        now, (mark, *values) = time.time(), lying
        return [self._found(value, mark or b"", now) for value in values]

    def _found(self, value: bytes | None, mark: bytes, now: float) -> Found:
        if value is None:
            return Found(None, 0.0, mark)
        try:
            entry = _decoder.decode(value)
        except msgspec.MsgspecError:
            return Found(None, 0.0, mark)
        if entry.mark != mark:
            return Found(None, 0.0, mark)
        # The bus ends its life; clocks of other machines only bound what clients are told.
        return Found(entry.kept, min(max(entry.ends_at - now, 0.0), self.life_s), mark)

    async def _write(self, key: bytes, value: bytes) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._client.set(_PREFIX + key, value, px=round(self.life_s * 1000))
        except _TROUBLE:
            self._rest()

    def _has_room(self, weight: int, now: float) -> bool:
        """The bus has better things to hold: each process may lend it only so much at a time."""
        while self._lent and self._lent[0][0] <= now:
            self.tally.bytes -= self._lent.popleft()[1]
        self.tally.entries = len(self._lent)
        room = self.max_bytes - self.tally.bytes
        if weight > min(room, self.max_bytes // LARGEST_SHARE):
            return False
        self._lent.append((now + self.life_s, weight))
        self.tally.bytes += weight
        return True

    def _rest(self) -> None:
        now = self._loop.time()
        self.tally.failures += 1
        if now >= self._rests_until:
            self._rest_s = min(self._rest_s * 2 or FIRST_REST_S, LONGEST_REST_S)
            self._rests_until = now + self._rest_s


class _Entry(msgspec.Struct, frozen=True, array_like=True):
    mark: bytes
    ends_at: float
    kept: Kept


_decoder: Final = msgspec.msgpack.Decoder(_Entry)


def _tell(waiting: Sequence[asyncio.Future[Found]], found: Found) -> None:
    for one in waiting:
        if not one.done():
            one.set_result(found)


def _client(url: str, *, timeout_s: float) -> Redis:
    options: dict[str, Any] = {"socket_connect_timeout": timeout_s, "socket_timeout": timeout_s}
    try:
        return Redis.from_url(url, retry=Retry(NoBackoff(), 0), **options)
    except ValueError as error:
        raise BadInput(
            "DESKGRAPH_REDIS__URL must begin with redis://, rediss:// or unix://."
        ) from error
