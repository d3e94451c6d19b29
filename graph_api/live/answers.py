"""Where answers lie for a moment, and what makes them old: a shelf in the process, one on the bus.

A shelf finds what was kept under a key, and hands out the mark of the moment. Whoever makes an
answer hands that mark back with it: when the graph has changed meanwhile, so has the mark, and the
answer is not kept, or not found any more.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple, Protocol

import msgspec


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """An answer as it goes over the wire."""

    body: bytes
    etag: bytes
    operation: str | None

    @property
    def weight(self) -> int:
        """Bytes that it takes."""
        return len(self.body) + OVERHEAD_BYTES


OVERHEAD_BYTES = 500  # key, tag, name and what Python needs for them


class Found(NamedTuple):
    """What a shelf has: an answer and how long it lives on, and the mark of this moment.

    Without a mark the shelf keeps nothing now.
    """

    kept: Kept | None
    left_s: float
    mark: bytes | None


class ShelfTally(msgspec.Struct):
    """What became of a shelf: what it holds, and what it lost."""

    entries: int = 0
    bytes: int = 0
    evictions: int = 0
    dropped: int = 0
    failures: int = 0


class Shelf(Protocol):
    """Keeps answers by their keys, none of them longer than its life."""

    life_s: float
    tally: ShelfTally

    async def find(self, key: bytes) -> Found:
        """What lies under ``key``; never raises, and never waits for long."""
        ...

    def keep(self, key: bytes, kept: Kept, *, mark: bytes) -> None:
        """Put an answer under ``key``, which was begun at ``mark``."""
        ...

    async def close(self) -> None:
        """Give up what it holds open."""
        ...


class ProcessShelf:
    """Answers in the memory of one process; what was used longest ago makes room."""

    def __init__(
        self,
        *,
        life_s: float,
        max_entries: int,
        max_bytes: int,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.life_s, self.max_entries, self.max_bytes = life_s, max_entries, max_bytes
        self.tally = ShelfTally()
        self._clock = clock or asyncio.get_running_loop().time
        self._mark = b""
        self._kept: OrderedDict[bytes, tuple[Kept, float]] = OrderedDict()

    async def find(self, key: bytes) -> Found:
        """What lies under ``key``, if it has not come to the end of its life."""
        entry = self._kept.get(key)
        if entry is None:
            return Found(None, 0.0, self._mark)
        kept, ends_at = entry
        left_s = ends_at - self._clock()
        if left_s <= 0:
            self._remove(key)
            return Found(None, 0.0, self._mark)
        self._kept.move_to_end(key)
        return Found(kept, left_s, self._mark)

    def keep(self, key: bytes, kept: Kept, *, mark: bytes) -> None:
        """Keep an answer that is still of today's mark and takes no more than a share of all."""
        if mark != self._mark or kept.weight > self.max_bytes // LARGEST_SHARE:
            return
        if key in self._kept:
            self._remove(key)
        self._kept[key] = kept, self._clock() + self.life_s
        self._weigh(kept.weight)
        while len(self._kept) > self.max_entries or self.tally.bytes > self.max_bytes:
            self._remove(next(iter(self._kept)))
            self.tally.evictions += 1

    def turn(self, mark: bytes) -> None:
        """The graph has changed when ``mark`` is another: everything kept is old."""
        if mark != self._mark:
            self._mark = mark
            self.tally.dropped += len(self._kept)
            self._kept.clear()
            self.tally.entries = self.tally.bytes = 0

    async def close(self) -> None:
        """Forget everything."""
        self._kept.clear()

    def _remove(self, key: bytes) -> None:
        kept, _ = self._kept.pop(key)
        self._weigh(-kept.weight)

    def _weigh(self, change: int) -> None:
        self.tally.entries = len(self._kept)
        self.tally.bytes += change


LARGEST_SHARE = 8  # one answer takes an eighth of the room at most
