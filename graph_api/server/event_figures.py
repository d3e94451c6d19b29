"""Streams and outbox for Prometheus."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from prometheus_client.core import Metric

from graph_api.server.shared_figures import Values, age_s, gauge
from graph_api.services.events import LaneFigures

_LANE: Final = ("line", "chain")


def families(found: Sequence[LaneFigures], now: datetime) -> Iterator[Metric]:
    """What is known of every lane."""
    each = partial(_each, found)
    yield gauge("stream_events", "Events in the stream.", _LANE, each(lambda one: one.length))
    yield gauge(
        "stream_lag_events",
        "Events of the outbox that are not in the stream.",
        _LANE,
        each(lambda one: one.waiting if one.kept else None),
    )
    yield gauge(
        "stream_lag_seconds",
        "How long the first of them has waited.",
        _LANE,
        each(lambda one: age_s(one.waiting_since, now) or 0.0 if one.kept else None),
    )
    yield gauge(
        "outbox_events",
        "Events in the outbox.",
        _LANE,
        each(lambda one: one.depth if one.kept else None),
    )
    yield gauge(
        "outbox_oldest_seconds",
        "Age of the oldest event in the outbox.",
        _LANE,
        each(lambda one: age_s(one.oldest_at, now)),
    )
    yield gauge(
        "group_lag_events",
        "Events of the stream that a group is not done with.",
        (*_LANE, "group"),
        _lags(found),
    )
    yield gauge(
        "group_dead_events",
        "Events that a group has set aside.",
        (*_LANE, "group"),
        (((*one.lane, group.name), group.dead) for one in found for group in one.groups),
    )


def _each(found: Sequence[LaneFigures], figure: Callable[[LaneFigures], float | None]) -> Values:
    return ((one.lane, figure(one)) for one in found)


def _lags(found: Sequence[LaneFigures]) -> Values:
    for one in found:
        for group in one.groups:
            last = one.stream.last if one.stream else group.done
            yield (*one.lane, group.name), max(0, last - group.done)
