"""Quiet hours, by the clocks of a place."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, strategies

from graph_api.domain.errors import BadInput
from graph_api.domain.quiet_hours import WEEK, QuietHours, Weekday, check_quiet

WEEKDAYS = WEEK[:5]
NIGHT = QuietHours(zone="Europe/Zurich", begins=time(22), ends=time(7))


def utc(day: int, hour: int, minute: int = 0, *, month: int = 6) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def test_a_night_ends_in_the_morning_by_local_clocks() -> None:
    # Zurich is two hours ahead of UTC in June.
    assert NIGHT.end_of(utc(10, 19, 59)) is None
    assert NIGHT.end_of(utc(10, 20)) == utc(11, 5)
    assert NIGHT.end_of(utc(11, 4, 59)) == utc(11, 5)
    assert NIGHT.end_of(utc(11, 5)) is None


def test_hours_within_a_day_end_that_day() -> None:
    noon = QuietHours(zone="UTC", begins=time(12), ends=time(13, 30))

    assert noon.end_of(utc(10, 12, 15)) == utc(10, 13, 30)
    assert noon.end_of(utc(10, 11, 59)) is None


def test_days_are_those_on_which_a_span_begins() -> None:
    # 12 June 2026 is a Friday.
    hours = QuietHours(zone="UTC", days=WEEKDAYS, begins=time(22), ends=time(7))

    assert hours.end_of(utc(13, 3)) == utc(13, 7)  # Saturday, of Friday's night
    assert hours.end_of(utc(13, 23)) is None
    assert hours.end_of(utc(15, 3)) is None  # Monday, of Sunday's night


def test_spans_without_a_gap_are_one() -> None:
    weekend = QuietHours(
        zone="UTC", days=(Weekday.SATURDAY, Weekday.SUNDAY), begins=time(0), ends=time(0)
    )

    assert weekend.end_of(utc(13, 10)) == utc(15, 0)
    assert weekend.end_of(utc(12, 23, 59)) is None


def test_clocks_that_change_make_a_night_longer_or_shorter() -> None:
    # In 2026 Zurich's clocks are put forward on 29 March and back on 25 October.
    assert NIGHT.end_of(utc(28, 21, month=3)) == utc(29, 5, month=3)
    assert NIGHT.end_of(utc(24, 20, month=10)) == utc(25, 6, month=10)


def test_a_time_that_clocks_leave_out_is_the_moment_after() -> None:
    hours = QuietHours(zone="Europe/Zurich", begins=time(0), ends=time(2, 30))

    assert hours.end_of(utc(29, 0, month=3)) == utc(29, 1, 30, month=3)


@given(
    moment=strategies.datetimes(
        min_value=datetime(2020, 1, 2),
        max_value=datetime(2030, 1, 1),
        timezones=strategies.just(UTC),
    ),
    zone=strategies.sampled_from(
        ["UTC", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu"]
    ),
    begins=strategies.integers(0, 1_439),
    ends=strategies.integers(0, 1_439),
    days=strategies.sets(strategies.sampled_from(WEEK), min_size=1, max_size=6),
)
def test_what_ends_is_over_at_its_end_and_not_before(
    moment: datetime, zone: str, begins: int, ends: int, days: set[Weekday]
) -> None:
    hours = QuietHours(
        zone=zone,
        days=tuple(sorted(days)),
        begins=time(*divmod(begins, 60)),
        ends=time(*divmod(ends, 60)),
    )
    end = hours.end_of(moment)

    if end is not None:
        assert moment < end <= moment + timedelta(days=7)
        assert hours.end_of(end) is None
        assert hours.end_of(end - timedelta(microseconds=1)) == end


@pytest.mark.parametrize("zone", ["Nowhere/Land", "", "../UTC", "/etc/passwd", "a\0b", "é"])
def test_a_zone_that_nobody_knows_is_refused(zone: str) -> None:
    with pytest.raises(BadInput, match="no time zone"):
        check_quiet(QuietHours(zone=zone, begins=time(22), ends=time(7)))


def test_hours_that_never_begin_or_end_are_refused() -> None:
    with pytest.raises(BadInput, match="have to end"):
        check_quiet(QuietHours(zone="UTC", begins=time(0), ends=time(0)))
    with pytest.raises(BadInput, match="need days"):
        check_quiet(QuietHours(zone="UTC", days=(), begins=time(0), ends=time(1)))
    check_quiet(NIGHT)
