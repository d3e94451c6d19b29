"""Notices of alerts for Prometheus."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from prometheus_client.core import Metric

from graph_api.server.shared_figures import age_s, counter, gauge
from graph_api.services.notices import DestinationFigures

_DESTINATION: Final = ("destination", "kind")


def families(found: Sequence[DestinationFigures], now: datetime) -> Iterator[Metric]:
    """What is known of every destination."""
    rows = [((one.destination.id, one.destination.kind.value), one) for one in found]
    yield gauge(
        "notices_waiting",
        "Notices that wait, those held back by quiet hours among them.",
        _DESTINATION,
        ((labels, one.counts.waiting) for labels, one in rows),
    )
    yield gauge(
        "notices_waiting_seconds",
        "How long the oldest has waited that should have been sent.",
        _DESTINATION,
        ((labels, age_s(one.counts.oldest_at, now) or 0.0) for labels, one in rows),
    )
    yield gauge(
        "notices_dead",
        "Notices that were given up.",
        _DESTINATION,
        ((labels, one.counts.dead) for labels, one in rows),
    )
    yield gauge(
        "notices_destination_on",
        "1 while a destination is told of alerts.",
        _DESTINATION,
        ((labels, float(one.destination.enabled)) for labels, one in rows),
    )
    yield counter(
        "notices_sent",
        "Tries that succeeded.",
        _DESTINATION,
        ((labels, one.destination.sent) for labels, one in rows),
    )
    yield counter(
        "notices_failed",
        "Tries that failed.",
        _DESTINATION,
        ((labels, one.destination.failed) for labels, one in rows),
    )
