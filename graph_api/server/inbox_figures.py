"""The inbox of webhooks for Prometheus."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from prometheus_client.core import Metric

from graph_api.server.shared_figures import age_s, gauge
from graph_api.vault.inbox import HookState

_HOOK: Final = ("sender", "hook")


def families(found: Sequence[HookState], now: datetime) -> Iterator[Metric]:
    """What is known of every hook that ever accepted a call."""
    hooks = [((one.sender.value, one.hook), one) for one in found]
    yield gauge(
        "inbox_waiting_calls",
        "Calls that wait to be worked off.",
        _HOOK,
        ((labels, one.waiting) for labels, one in hooks),
    )
    yield gauge(
        "inbox_waiting_seconds",
        "How long the oldest of them has waited.",
        _HOOK,
        ((labels, age_s(one.oldest_at, now) or 0.0) for labels, one in hooks),
    )
    yield gauge(
        "inbox_dead_letters",
        "Calls that could not be read, or not wholly.",
        _HOOK,
        ((labels, one.dead) for labels, one in hooks),
    )
