"""Subscriptions for Prometheus: how many, how late, and what became of those who fell behind."""

from collections.abc import Callable
from typing import Final

from prometheus_client import Histogram

from graph_api.server.channels import Channels
from graph_api.server.metrics import Metrics

#: From an event's transaction to its subscribers, seconds.
LAGS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0)


def show(channels: Channels, metrics: Metrics, *, connections: Callable[[], int]) -> None:
    """Add what is known of ``channels`` to the metrics."""
    tally = channels.tally
    metrics.gauge(
        "deskgraph_live_connections",
        "WebSockets and streams of events that are open.",
        lambda: [((), connections())],
    )
    metrics.gauge(
        "deskgraph_live_subscribers",
        "Subscriptions that are told of events.",
        lambda: [((), channels.subscribers)],
    )
    metrics.gauge(
        "deskgraph_live_distinct",
        "How many of them want something that no other wants; each event is answered so often.",
        lambda: [((), channels.distinct)],
    )
    metrics.counter(
        "deskgraph_live_delivered",
        "Items handed to subscribers.",
        lambda: [((), tally.delivered)],
    )
    metrics.counter(
        "deskgraph_live_dropped",
        "Subscriptions that were ended: the client was slow, or answers were.",
        lambda: [((why,), count) for why, count in tally.drops.items()],
        labels=("reason",),
    )
    metrics.counter(
        "deskgraph_live_resumed",
        "Subscriptions that went on behind a cursor, by where what they missed came from.",
        lambda: [((where,), count) for where, count in tally.resumes.items()],
        labels=("source",),
    )
    lag = Histogram(
        "deskgraph_live_lag_seconds",
        "Age of events when they are handed to those who follow them live.",
        buckets=LAGS,
        registry=metrics.registry,
    )
    tally.observe = lag.observe
