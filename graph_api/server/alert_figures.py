"""Alerts for Prometheus."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from prometheus_client.core import Metric

from graph_api.server.shared_figures import counter, gauge
from graph_api.services.alerts import AlertFigures

_SEVERITY: Final = ("severity",)


def families(found: Sequence[AlertFigures], now: datetime) -> Iterator[Metric]:
    """What is known of alerts; how judging keeps up is told of the group `alerts`."""
    rows = [((tally.severity.value,), tally) for one in found for tally in one.tallies]
    yield gauge("alert_rules", "Alert rules that judge.", (), (((), one.rules) for one in found))
    yield counter(
        "alerts_raised",
        "Alerts that were raised.",
        _SEVERITY,
        ((labels, tally.raised) for labels, tally in rows),
    )
    yield counter(
        "alerts_retracted",
        "Alerts whose cause was taken back by its chain.",
        _SEVERITY,
        ((labels, tally.retracted) for labels, tally in rows),
    )
    yield gauge(
        "alerts_open",
        "Alerts that stand, and that nobody has seen to.",
        _SEVERITY,
        ((labels, tally.open) for labels, tally in rows),
    )
