"""Streams and outbox for Prometheus: looked at when the page is asked for, at most so often."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from graph_api.domain.errors import GraphApiError
from graph_api.services.events import LaneFigures

#: Figures that are younger are not asked for again.
FRESH_S: Final = 5.0

_LANE: Final = ("line", "chain")


class EventFigures(Collector):
    """Await ``refresh`` before the page is written.

    All processes see the same streams: only the one that answers may count them, never a sum.
    """

    def __init__(
        self, look: Callable[[], Awaitable[Sequence[LaneFigures]]], *, clock: Callable[[], datetime]
    ) -> None:
        self._look, self._clock = look, clock
        self._found: Sequence[LaneFigures] = ()
        self._answers = True
        self._fresh_until = 0.0

    async def refresh(self) -> None:
        """Look again. When graph or bus does not answer, that is a figure too."""
        now = asyncio.get_running_loop().time()
        if now < self._fresh_until:
            return
        self._fresh_until = now + FRESH_S
        try:
            self._found, self._answers = await self._look(), True
        except GraphApiError:
            self._found, self._answers = (), False

    def collect(self) -> Iterator[Metric]:
        """All families; none of them has a lane that nothing is known of."""
        yield GaugeMetricFamily(
            "deskgraph_events_known", "1 when graph and bus told the figures.", value=self._answers
        )
        now = self._clock()
        yield self._family("stream_events", "Events in the stream.", lambda one: one.length)
        yield self._family(
            "stream_lag_events",
            "Events of the outbox that are not in the stream.",
            lambda one: one.waiting if one.kept else None,
        )
        yield self._family(
            "stream_lag_seconds",
            "How long the first of them has waited.",
            lambda one: _age(one.waiting_since, now) or 0.0 if one.kept else None,
        )
        yield self._family(
            "outbox_events", "Events in the outbox.", lambda one: one.depth if one.kept else None
        )
        yield self._family(
            "outbox_oldest_seconds",
            "Age of the oldest event in the outbox.",
            lambda one: _age(one.oldest_at, now),
        )
        yield self._groups()

    def _family(
        self, name: str, about: str, figure: Callable[[LaneFigures], float | None]
    ) -> GaugeMetricFamily:
        family = GaugeMetricFamily(f"deskgraph_{name}", about, labels=_LANE)
        for one in self._found:
            value = figure(one)
            if value is not None:
                family.add_metric(one.lane, value)
        return family

    def _groups(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "deskgraph_group_lag_events",
            "Events of the stream that a group is not done with.",
            labels=(*_LANE, "group"),
        )
        for one in self._found:
            for group in one.groups:
                last = one.stream.last if one.stream else group.done
                family.add_metric((*one.lane, group.name), max(0, last - group.done))
        return family


def _age(moment: datetime | None, now: datetime) -> float | None:
    return max(0.0, (now - moment).total_seconds()) if moment else None
