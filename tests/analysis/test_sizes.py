"""Buckets of sizes and what is rare in them, held against plain lists."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_api.analysis.sizes import bucket_of, day_of, rare_from, smallest_of, together

amounts = st.integers(1, 2**256 - 1)


@given(amounts, amounts)
def test_a_larger_amount_has_no_lower_bucket(one: int, other: int) -> None:
    assert (bucket_of(one) <= bucket_of(other)) or one > other


@given(amounts)
def test_a_bucket_begins_at_its_smallest_amount_and_is_narrow(amount: int) -> None:
    bucket = bucket_of(amount)
    first, beyond = smallest_of(bucket), smallest_of(bucket + 1)

    assert first <= amount < beyond
    assert bucket_of(first) == bucket
    assert bucket_of(beyond - 1) == bucket
    assert (beyond - first) * 16 <= first or first == amount == beyond - 1


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=200), st.integers(1, 20))
def test_what_is_rare_is_at_most_one_in_so_many(some: list[int], one_in: int) -> None:
    threshold = rare_from(Counter(map(bucket_of, some)), one_in=one_in, least=1)

    assert threshold is not None
    at_least = [sum(bucket_of(one) >= edge for one in some) for edge in (threshold - 1, threshold)]
    assert at_least[1] * one_in <= len(some) < at_least[0] * one_in or one_in == 1


@pytest.mark.parametrize(
    ("sizes", "least", "rare"),
    [
        ({}, 1, None),
        ({5: 999}, 1_000, None),
        ({5: 1_000}, 1_000, 6),  # nobody sends anything else: only more would be rare
        ({5: 999, 7: 1}, 1_000, 6),  # above all others but one
        ({5: 998, 7: 2}, 1_000, 8),
        ({5: 1_997, 7: 1, 9: 2}, 1_000, 8),
        ({5: 1_998, 7: 1, 9: 1}, 1_000, 6),
    ],
)
def test_one_in_a_thousand(sizes: dict[int, int], least: int, rare: int | None) -> None:
    assert rare_from(sizes, one_in=1_000, least=least) == rare


def test_histograms_of_days_add_up_in_any_order() -> None:
    days = [{1: 2, 3: 1}, {}, {3: 4}]

    assert together(days) == together(reversed(days)) == {1: 2, 3: 5}
    assert [day_of(time) for time in (0, 86_399_999, 86_400_000)] == [0, 0, 1]
