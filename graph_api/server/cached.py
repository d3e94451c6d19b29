"""Answers that are kept for a moment, and questions that are asked once for all who ask them.

A request is known by its key: a digest of what was asked, in which media type, and by whom as far
as rights go. Only answers without errors to queries of public graph data are kept (see
``graph_api.schema.sharing``); the rest passes by.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from typing import Any, Final

import msgspec

from graph_api.domain.errors import BadInput
from graph_api.live.answers import Kept, ProcessShelf, Shelf
from graph_api.live.bus_answers import BusShelf, Marks
from graph_api.server.metrics import Metrics
from graph_api.settings import CacheSettings

#: Requests that are known by their bytes: how long one may be, and how many there may be.
MAX_KNOWN_BYTES: Final = 2_048
MAX_KNOWN: Final = 4_096
MAX_AUDIENCES: Final = 16

MAX_TAKEOVERS: Final = 2  # leaders that a request sees fail before it asks for itself alone

MARK_EVERY_S: Final = 0.5  # how often a process asks the bus whether the graph has changed


@dataclass(slots=True)
class Answered:
    """An answer that is ready to be sent, and what is logged and counted of it."""

    status: int
    body: bytes
    operation: str | None
    operation_type: str | None
    codes: list[str] = field(default_factory=list)
    error_ids: list[str] = field(default_factory=list)
    etag: bytes | None = None
    left_s: float = 0.0


#: A request as it was written: method, media type of the answer, and the bytes of query or body.
Written = tuple[str, str, bytes]
Ask = Callable[[], Awaitable[Answered]]
_Flight = tuple[bytes, bytes | None]  # the key, and the mark at its beginning


class Answers:
    """The kept answers of one application, and the questions that are under way.

    Args:
        namespace: What must be the same for two answers to be the same: graph, schema, version.
    """

    def __init__(self, namespace: bytes) -> None:
        self.hits = self.misses = self.waits = 0
        #: Where answers lie; without one nothing is kept and nothing is shared.
        self.shelf: Shelf | None = None
        self._base = blake2b(namespace, digest_size=24)
        self._flights: dict[_Flight, asyncio.Future[Answered | None]] = {}
        self._known: dict[Written, dict[Any, bytes]] = {}

    def known(self, written: Written) -> dict[Any, bytes] | None:
        """By audience, the keys of a request that was answered before in these bytes."""
        return self._known.get(written)

    def know(self, key: bytes, written: Written, audience: Any) -> None:
        """Remember the key of a request by its bytes."""
        if len(written[2]) > MAX_KNOWN_BYTES:
            return
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        keys = self._known.setdefault(written, {})
        if len(keys) < MAX_AUDIENCES:
            keys[audience] = key

    def key(self, *asked: Any) -> bytes:
        """The key of a request: equal values give equal keys, in whatever order maps have them."""
        digest = self._base.copy()
        digest.update(msgspec.json.encode(asked, order="deterministic"))
        return digest.digest()

    async def find(self, key: bytes) -> tuple[Answered | None, bytes | None]:
        """What was kept, and the mark that goes with an answer that is made now."""
        if self.shelf is None:
            return None, None
        kept, left_s, mark = await self.shelf.find(key)
        if kept is None:
            return None, mark
        self.hits += 1
        answered = Answered(200, kept.body, kept.operation, "query", etag=kept.etag, left_s=left_s)
        return answered, mark

    async def ask(self, key: bytes, ask: Ask, *, mark: bytes | None) -> Answered:
        """The answer that somebody is waiting for already, or that of ``ask``, which is kept.

        When the one who asks is cancelled or fails, somebody else who waits asks again. Who comes
        after a change of the graph does not wait for a question that was begun before it.
        """
        for _ in range(MAX_TAKEOVERS):
            flight = self._flights.get((key, mark))
            if flight is None:
                return await self._lead(key, ask, mark=mark)
            self.waits += 1
            await asyncio.wait((flight,))
            answered = flight.result()
            if answered is not None:
                return answered
        return await ask()

    async def _lead(self, key: bytes, ask: Ask, *, mark: bytes | None) -> Answered:
        flight = self._flights[key, mark] = asyncio.get_running_loop().create_future()
        answered = None
        self.misses += 1
        try:
            answered = await ask()
        finally:
            del self._flights[key, mark]
            flight.set_result(answered)
        self._keep(key, answered, mark=mark)
        return answered

    def _keep(self, key: bytes, answered: Answered, *, mark: bytes | None) -> None:
        if self.shelf is None or answered.status != 200 or answered.codes:
            return
        digest = blake2b(answered.body, digest_size=16, key=key).hexdigest()
        answered.etag, answered.left_s = f'"{digest}"'.encode(), self.shelf.life_s
        if mark is not None:
            kept = Kept(answered.body, answered.etag, answered.operation)
            self.shelf.keep(key, kept, mark=mark)


@asynccontextmanager
async def opened_shelf(cache: CacheSettings, bus_url: str | None) -> AsyncIterator[Shelf]:
    """The shelf that ``cache`` describes, while the block lasts.

    Raises: BadInput when it is to be on a bus that nobody named.
    """
    if cache.shelf == "bus":
        if bus_url is None:
            raise BadInput("DESKGRAPH_CACHE__SHELF=bus needs DESKGRAPH_REDIS__URL.")
        on_bus = BusShelf.on(
            bus_url,
            life_s=cache.life_s,
            max_bytes=cache.max_bytes,
            timeout_s=cache.bus_timeout_s,
        )
        try:
            yield on_bus
        finally:
            await on_bus.close()
        return
    shelf = ProcessShelf(
        life_s=cache.life_s, max_entries=cache.max_entries, max_bytes=cache.max_bytes
    )
    if bus_url is None:
        yield shelf
        return
    marks = Marks.on(bus_url, timeout_s=cache.bus_timeout_s)
    following = asyncio.create_task(follow_marks(shelf, marks))
    try:
        yield shelf
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await marks.close()


async def follow_marks(shelf: ProcessShelf, marks: Marks) -> None:
    """Give up what is kept soon after the graph has changed; a bus in trouble changes nothing."""
    while True:
        mark = await marks.read()
        if mark is not None:
            shelf.turn(mark)
        await asyncio.sleep(min(MARK_EVERY_S, max(shelf.life_s / 4, 0.01)))


def show_answers(answers: Answers, metrics: Metrics) -> None:
    """Let Prometheus see them."""
    metrics.counter(
        "deskgraph_answers",
        "Questions of shared data: found (hit), asked (miss), waited for another's (wait).",
        lambda: (
            (("hit",), answers.hits),
            (("miss",), answers.misses),
            (("wait",), answers.waits),
        ),
        labels=("outcome",),
    )
    name, tally = "deskgraph_answer_shelf", partial(_tally, answers)
    metrics.gauge(f"{name}_entries", "Answers kept.", partial(tally, "entries"))
    metrics.gauge(f"{name}_bytes", "Room that they take.", partial(tally, "bytes"))
    metrics.counter(f"{name}_evictions", "Answers without room.", partial(tally, "evictions"))
    metrics.counter(f"{name}_dropped", "Answers made old by a change.", partial(tally, "dropped"))
    metrics.counter(f"{name}_failures", "Times the bus did not answer.", partial(tally, "failures"))


def _tally(answers: Answers, what: str) -> list[tuple[tuple[()], float]]:
    return [((), getattr(answers.shelf.tally, what) if answers.shelf else 0)]
