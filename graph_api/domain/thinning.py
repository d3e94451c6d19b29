"""Which prices in time stay as they grow old: all, then one an hour, then one a day."""

from collections.abc import Iterable
from typing import Final

import msgspec

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS


class Keeping(msgspec.Struct, frozen=True, kw_only=True):
    """For how many days, before the one that it is (UTC), everything stays, and one an hour."""

    all_days: int
    hourly_days: int

    def all_since(self, now: int) -> int:
        """From this moment on everything stays; where a day begins (epoch ms)."""
        return (now // DAY_MS - self.all_days) * DAY_MS

    def surplus(self, moments: Iterable[int], *, now: int) -> set[int]:
        """Those of ``moments`` that go, out of all there are of some whole days (epoch ms).

        The first of each hour or day stays, so whatever goes once is nobody's first later, and how
        often one looks changes nothing.
        """
        since = self.all_since(now)
        hourly_since = min(since, (now // DAY_MS - self.hourly_days) * DAY_MS)
        seen: set[tuple[int, int]] = set()
        gone: set[int] = set()
        for moment in sorted(moments):
            if moment >= since:
                continue
            width = HOUR_MS if moment >= hourly_since else DAY_MS
            part = width, moment // width
            if part in seen:
                gone.add(moment)
            seen.add(part)
        return gone
