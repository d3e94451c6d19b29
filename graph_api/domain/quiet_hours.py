"""Quiet hours: spans of the week, by the clocks of a place, in which people are left alone.

A span begins on one of ``days`` at ``begins`` and lasts until the clocks next show ``ends``: on the
day after, where that is not later. Clocks that are put forward or back change how long it lasts.
"""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from graph_api.domain.errors import BadInput

_DAY: Final = timedelta(days=1)


class Weekday(StrEnum):
    """The days of a week, in its order."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


WEEK: Final = tuple(Weekday)


class Afterwards(StrEnum):
    """How what was held back goes out when quiet hours end."""

    TOGETHER = "together"
    EACH = "each"


class QuietHours(msgspec.Struct, frozen=True, kw_only=True):
    """When nothing is sent.

    Args:
        zone: IANA name of the time zone, such as ``Europe/Zurich``.
        days: The days on which spans begin.
        begins, ends: Times of the day, as its clocks show them; equal ones are a whole day.
        critical_passes: Whether critical alerts are sent all the same.
        afterwards: Whether what was held back goes out as one message or one by one.
    """

    zone: str
    days: tuple[Weekday, ...] = WEEK
    begins: time
    ends: time
    critical_passes: bool = True
    afterwards: Afterwards = Afterwards.TOGETHER

    def end_of(self, moment: datetime) -> datetime | None:
        """When the quiet time ends that ``moment`` lies in; None where it lies in none."""
        end: datetime | None = None
        # Spans that follow one another without a gap are one: a week has no more of them.
        for _ in WEEK:
            later = self._end_of_span(end or moment)
            if later is None:
                break
            end = later
        return end

    def _end_of_span(self, moment: datetime) -> datetime | None:
        today = moment.astimezone(_zone(self.zone)).date()
        ends = [
            end
            for begin, end in (self._span(today - _DAY), self._span(today))
            if begin is not None and begin <= moment < end
        ]
        return max(ends, default=None)

    def _span(self, day: date) -> tuple[datetime | None, datetime]:
        last = day if self.ends > self.begins else day + _DAY
        begin, end = self._moment(day, self.begins), self._moment(last, self.ends)
        return (begin if WEEK[day.weekday()] in self.days else None), end

    def _moment(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, tzinfo=_zone(self.zone)).astimezone(UTC)


def check_quiet(hours: QuietHours) -> None:
    """Refuse hours that never begin or never end. Raises: BadInput."""
    try:
        _zone(hours.zone)
    except (ValueError, OSError, LookupError):
        # Not only ZoneInfoNotFoundError: odd names are odd paths.
        raise BadInput(
            f"There is no time zone {hours.zone[:60]!r}; write it as Europe/Zurich."
        ) from None
    if not hours.days or len(set(hours.days)) != len(hours.days):
        raise BadInput("Quiet hours need days, each of them once.")
    if hours.begins == hours.ends and len(hours.days) == len(WEEK):
        raise BadInput("Quiet hours have to end; switch the destination off instead.")
    if any(at.tzinfo is not None or at.microsecond for at in (hours.begins, hours.ends)):
        raise BadInput("Times of quiet hours are written as 22:00.")


@lru_cache(maxsize=1_024)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
