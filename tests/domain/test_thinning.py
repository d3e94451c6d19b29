"""Which prices in time stay as they grow old."""

from hypothesis import given
from hypothesis import strategies as some

from graph_api.domain.thinning import DAY_MS, HOUR_MS, Keeping

NOW = 20_000 * DAY_MS + 7 * HOUR_MS
KEEPING = Keeping(all_days=3, hourly_days=10)


def kept(moments: set[int], *, now: int = NOW) -> set[int]:
    return moments - KEEPING.surplus(moments, now=now)


def test_all_stay_then_one_an_hour_then_one_a_day() -> None:
    every = 5 * 60_000
    moments = set(range(NOW - 14 * DAY_MS, NOW, every))

    left = kept(moments)

    today = NOW // DAY_MS
    by_day = [sum(one // DAY_MS == day for one in left) for day in range(today - 13, today)]
    assert by_day == [1, 1, 1] + [24] * 7 + [DAY_MS // every] * 3
    # The first of each is the one that was known longest in it.
    assert all(one % HOUR_MS == 0 for one in left if one < KEEPING.all_since(NOW))


@given(
    moments=some.sets(some.integers(NOW - 20 * DAY_MS, NOW), max_size=200),
    days=some.lists(some.integers(0, 8), max_size=4),
)
def test_how_often_one_thins_out_on_the_way_changes_nothing(
    moments: set[int], days: list[int]
) -> None:
    at_once = kept(moments)
    in_steps = moments
    for day in sorted(days, reverse=True):
        in_steps = kept(in_steps, now=NOW - day * DAY_MS)

    assert kept(in_steps) == at_once
    assert kept(at_once) == at_once
    assert kept(moments, now=NOW + HOUR_MS) == at_once
