"""Figures that all processes see alike: looked at when the page is asked for, at most so often.

Only the process that answers may show them; a sum over workers would count them several times.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final, Generic, TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from graph_api.domain.errors import GraphApiError

#: Figures that are younger are not asked for again.
FRESH_S: Final = 5.0
#: What takes longer is not known: whoever reads the page waits for no store that hangs.
PATIENCE_S: Final = 4.0

T = TypeVar("T")

#: A figure of each thing, after the values of its labels; None where nothing is known of it.
Values = Iterable[tuple[Sequence[str], float | None]]


class SharedFigures(Collector, Generic[T]):
    """Await ``refresh`` before the page is written.

    Args:
        subject: Names the gauge that says whether the figures are known.
        look: Asks graph, vault or bus.
        families: What the page says of what was found, at a moment.
    """

    def __init__(
        self,
        subject: str,
        look: Callable[[], Awaitable[Sequence[T]]],
        families: Callable[[Sequence[T], datetime], Iterable[Metric]],
        *,
        clock: Callable[[], datetime],
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._subject, self._look, self._families = subject, look, families
        self._clock, self._patience_s = clock, patience_s
        self._found: Sequence[T] = ()
        self._known = False
        self._fresh_until = float("-inf")

    async def refresh(self) -> None:
        """Look again. When nobody answers, that is a figure too."""
        now = asyncio.get_running_loop().time()
        if now < self._fresh_until:
            return
        self._fresh_until = now + FRESH_S
        try:
            async with asyncio.timeout(self._patience_s):
                self._found, self._known = await self._look(), True
        except (GraphApiError, TimeoutError):
            self._found, self._known = (), False

    def collect(self) -> Iterator[Metric]:
        """All families; what nothing is known of is in none."""
        name = f"deskgraph_{self._subject}_known"
        yield GaugeMetricFamily(name, "1 when these figures could be had.", value=self._known)
        yield from self._families(self._found, self._clock())


def gauge(name: str, about: str, labels: Sequence[str], values: Values) -> Metric:
    """Something that rises and falls."""
    return _filled(GaugeMetricFamily(f"deskgraph_{name}", about, labels=labels), values)


def counter(name: str, about: str, labels: Sequence[str], values: Values) -> Metric:
    """Something that only grows, but for a restart of what counts it."""
    return _filled(CounterMetricFamily(f"deskgraph_{name}", about, labels=labels), values)


def age_s(moment: datetime | None, now: datetime) -> float | None:
    """Seconds since ``moment``."""
    return max(0.0, (now - moment).total_seconds()) if moment else None


def _filled(family: GaugeMetricFamily | CounterMetricFamily, values: Values) -> Metric:
    for labels, value in values:
        if value is not None:
            family.add_metric(labels, value)
    return family
