"""When a notice is tried again, and what of a destination may be shown."""

from datetime import UTC, datetime, timedelta

import pytest

from graph_api.domain.notices import (
    JITTER,
    LONGEST_WAIT,
    MAX_TRIES,
    RETRIES,
    DestinationKind,
    next_try,
    pause,
    shown_url,
)

NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)


def test_tries_go_on_for_days_and_end() -> None:
    waits = [next_try(tries, now=NOON, random=0.0) for tries in range(1, MAX_TRIES + 1)]

    assert [at - NOON for at in waits if at] == [*RETRIES]
    assert waits[-1] is None
    assert sum(RETRIES, timedelta()) > timedelta(days=3)


def test_chance_spreads_tries_and_never_shortens_a_wait() -> None:
    latest = next_try(2, now=NOON, random=1.0)

    assert latest == NOON + RETRIES[1] * (1 + JITTER)


def test_a_receiver_may_ask_for_a_longer_wait_within_reason() -> None:
    assert next_try(1, now=NOON, random=0.0, wait_s=120) == NOON + timedelta(seconds=120)
    assert next_try(3, now=NOON, random=0.0, wait_s=120) == NOON + RETRIES[2]
    assert next_try(1, now=NOON, random=0.0, wait_s=1e12) == NOON + LONGEST_WAIT
    assert next_try(1, now=NOON, random=0.0, wait_s=-5) == NOON + RETRIES[0]


def test_a_destination_that_fails_is_left_alone_for_longer_each_time() -> None:
    waits = [pause(failures, now=NOON, random=0.0) - NOON for failures in range(1, 10)]

    assert waits == sorted(waits)
    assert waits[0] < RETRIES[0]
    assert waits[-1] == timedelta(minutes=5)


@pytest.mark.parametrize(
    ("kind", "url", "shown"),
    [
        (
            DestinationKind.WEBHOOK,
            "https://a.example:8443/b?key=word",
            "https://a.example:8443/b?…",
        ),
        (DestinationKind.WEBHOOK, "https://a.example/b", "https://a.example/b"),
        (DestinationKind.SLACK, "https://a.example/services/T1/B2/wxyz", "https://a.example/…wxyz"),
    ],
)
def test_what_may_be_secret_in_an_address_is_not_shown(
    kind: DestinationKind, url: str, shown: str
) -> None:
    assert shown_url(kind, url) == shown
