"""How much an endpoint is asked at a time: a rate, and sizes that are learnt from refusals."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]


class Rate:
    """Lets ``per_s`` calls through in a second, in the order in which they came.

    Up to ``burst`` may come at once. A batch may have more calls than that: it waits for a full
    measure, and those behind it wait the longer.
    """

    def __init__(self, per_s: float, *, burst: float, clock: Clock, sleep: Sleep) -> None:
        self._per_s, self._burst = per_s, burst
        self._clock, self._sleep = clock, sleep
        self._left, self._at = burst, clock()
        self._turn = asyncio.Lock()

    async def take(self, calls: int) -> None:
        """Wait until ``calls`` may go."""
        async with self._turn:
            self._refill()
            missing = min(calls, self._burst) - self._left
            if missing > 0:
                await self._sleep(missing / self._per_s)
                self._refill()
            self._left -= calls

    def _refill(self) -> None:
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_s)
        self._at = now


class Window:
    """A size that halves when it was too much and grows again by a quarter, slowly.

    What was refused is remembered as a ceiling; after ``_PATIENCE`` good answers below it the
    ceiling is tried anew, for limits of nodes differ by what is in the blocks.
    """

    _PATIENCE: Final = 32

    def __init__(self, size: int, *, largest: int, smallest: int = 1) -> None:
        self.size = size
        self._largest, self._smallest = largest, smallest
        self._ceiling, self._good = largest, 0

    def shrink(self, *, to: int | None = None) -> bool:
        """Take less from now on, ``to`` where the limit was told. False when it cannot be less."""
        if self.size <= self._smallest:
            return False
        wanted = self.size // 2 if to is None else min(to, self.size - 1)
        self._ceiling = self.size - 1 if to is None else wanted
        self.size, self._good = max(wanted, self._smallest), 0
        return True

    def grow(self) -> None:
        """The last answer was good."""
        self._good += 1
        if self._good >= self._PATIENCE:
            self._ceiling, self._good = self._largest, 0
        self.size = min(self.size + max(self.size // 4, 1), self._ceiling)
