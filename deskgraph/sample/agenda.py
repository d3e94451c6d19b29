"""The economy's clock: what happens next, and when people are at work."""

import heapq
from collections.abc import Callable
from random import Random
from typing import Final

HOUR: Final = 3_600
DAY: Final = 24 * HOUR
#: How busy each hour (UTC) is, in relation to the others: the night is quiet, the evening not.
_HOURS: Final = (3, 2, 2, 1, 1, 2, 3, 5, 7, 8, 9, 9, 10, 11, 12, 12, 12, 11, 11, 12, 11, 9, 6, 4)
_THURSDAY: Final = 3  # 1 January 1970


class Agenda:
    """Acts in the order of their moments (Unix seconds); equal moments keep their order."""

    def __init__(self, *, opens_at: int, closes_at: int) -> None:
        self.opens_at, self.closes_at, self.now = opens_at, closes_at, opens_at
        self._acts: list[tuple[int, int, Callable[[], object]]] = []
        self._planned = 0

    @property
    def days(self) -> int:
        return (self.closes_at - self.opens_at) // DAY

    def at(self, moment: int, act: Callable[[], object]) -> None:
        """Plan ``act``; what would happen after the economy closes does not."""
        if moment < self.closes_at:
            heapq.heappush(self._acts, (max(moment, self.now), self._planned, act))
            self._planned += 1

    def after(self, seconds: int, act: Callable[[], object]) -> None:
        """Plan ``act`` in ``seconds`` from now."""
        self.at(self.now + seconds, act)

    def run(self) -> None:
        """Do everything that is planned, and what that plans, until nothing is left."""
        while self._acts:
            self.now, _, act = heapq.heappop(self._acts)
            act()

    def any_moment(self, chance: Random, *, from_day: int = 1) -> int:
        """A moment of any day since ``from_day``, by how busy its hours are."""
        day = chance.randrange(from_day, self.days)
        [hour] = chance.choices(range(24), _HOURS)
        return self.opens_at + day * DAY + hour * HOUR + chance.randrange(HOUR)

    def office_moment(self, chance: Random, *, offset_hours: int, from_day: int = 1) -> int:
        """A moment of Monday to Friday, 9 to 17 at ``offset_hours`` east of Greenwich."""
        weekdays = [day for day in range(from_day, self.days) if self._weekday(day) < 5]
        start = self.opens_at + chance.choice(weekdays) * DAY + (9 - offset_hours) * HOUR
        return start + chance.randrange(8 * HOUR)

    def _weekday(self, day: int) -> int:
        return (self.opens_at // DAY + day + _THURSDAY) % 7
