"""Counts for Prometheus. Labels come from closed sets, never from what a client sent.

One process keeps its counts in memory. Workers keep theirs in one folder (``counting``), so that
whichever is asked answers for all.
"""

import asyncio
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from graph_api.domain.errors import ErrorCode
from graph_api.schema.caching import Documents
from graph_api.server.counting import SharedCounts
from graph_api.server.shared_figures import SharedFigures

ROUTES = ("/graphql", "/health/live", "/health/ready", "/metrics")
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

#: How many operations each executor ran, and for which reason if it was not the compiled one.
Executions = Mapping[tuple[str, str], int]

#: Figures that somebody else keeps, each after the values of its labels.
Figures = Callable[[], Iterable[tuple[tuple[str, ...], float]]]


class Executed(Protocol):
    """What is counted of an executed operation."""

    @property
    def operation_type(self) -> str | None: ...

    @property
    def codes(self) -> list[str]: ...


class Metrics:
    """One registry per application, so that two in one process do not count together."""

    def __init__(self, documents: Documents, *, executions: Executions) -> None:
        self.registry = CollectorRegistry()
        self._shared = SharedCounts.joined
        self._page = _whole(self._shared) if self._shared else self.registry
        self._copies: list[_Copy] = []
        self._seen: list[SharedFigures[Any]] = []
        if self._shared is None:
            ProcessCollector(registry=self._page)
        PlatformCollector(registry=self._page)
        self._count_documents(documents)
        self.counter(
            "deskgraph_executions",
            "Operations by executor; the reason says why one was not compiled.",
            lambda: (((by, why or "none"), count) for (by, why), count in executions.items()),
            labels=("executor", "reason"),
        )
        self.in_flight = Gauge(
            "deskgraph_requests_in_flight",
            "Requests being answered.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self._requests = Counter(
            "deskgraph_requests", "Answers.", ["route", "status"], registry=self.registry
        )
        self._duration = Histogram(
            "deskgraph_request_seconds",
            "Time from request to the end of its answer.",
            ["route"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self._operations = Counter(
            "deskgraph_operations",
            "GraphQL operations by type; refused documents have the type none.",
            ["type", "outcome"],
            registry=self.registry,
        )
        self._errors = Counter(
            "deskgraph_errors", "Errors sent to clients.", ["code"], registry=self.registry
        )
        # The library checks and joins labels at each use; they come from closed sets.
        self._counted = lru_cache(maxsize=256)(Counter.labels)
        self._timed = lru_cache(maxsize=256)(self._duration.labels)
        for code in ErrorCode:
            self._errors.labels(code.value)
        build = Gauge(
            "deskgraph_build_info",
            "Always 1.",
            ["version", "python"],
            registry=self.registry,
            multiprocess_mode="livemax",
        )
        build.labels(program_version(), platform.python_version()).set(1)

    def counter(
        self, name: str, about: str, figures: Figures, *, labels: Sequence[str] = ()
    ) -> None:
        """Show figures that only grow and that somebody else keeps."""
        if self._shared is None:
            self._page.register(_Watched(CounterMetricFamily, name, about, figures, labels))
        else:
            self._copies.append(_Copy(Counter(name, about, labels, registry=None), figures))

    def gauge(self, name: str, about: str, figures: Figures, *, labels: Sequence[str] = ()) -> None:
        """Show figures that rise and fall and that somebody else keeps; workers' are added up."""
        if self._shared is None:
            self._page.register(_Watched(GaugeMetricFamily, name, about, figures, labels))
        else:
            gauge = Gauge(name, about, labels, registry=None, multiprocess_mode="livesum")
            self._copies.append(_Copy(gauge, figures))

    def show(self, figures: SharedFigures[Any]) -> None:
        """Show figures that all processes see alike, once on the page of all workers."""
        self._page.register(figures)
        self._seen.append(figures)

    def answered(self, path: str, status: int, duration_s: float) -> None:
        """Count an answer; status 0 is a client that left before there was one."""
        route = path if path in ROUTES else "other"
        self._counted(self._requests, route, str(status) if status else "none").inc()
        self._timed(route).observe(duration_s)
        for copy in self._copies:
            copy.update()

    def recalled(self, path: str, status: int, durations_s: Sequence[float]) -> None:
        """Count answers that were kept, all of them to queries and without errors."""
        count = len(durations_s)
        self._counted(self._requests, path, str(status)).inc(count)
        self._counted(self._operations, "query", "ok").inc(count)
        observe = self._timed(path).observe
        for duration_s in durations_s:
            observe(duration_s)
        for copy in self._copies:
            copy.update()

    def executed(self, operation: Executed) -> None:
        """Count an operation and each error that its answer carries."""
        outcome = "errors" if operation.codes else "ok"
        self._counted(self._operations, operation.operation_type or "none", outcome).inc()
        for code in operation.codes:
            self._errors.labels(code).inc()

    def refused(self, code: ErrorCode) -> None:
        """Count a request that did not reach the schema."""
        self._errors.labels(code.value).inc()

    async def page(self, _request: Request) -> Response:
        """The text that Prometheus reads."""
        for copy in self._copies:
            copy.update()
        await asyncio.gather(*(figures.refresh() for figures in self._seen))
        text = generate_latest(self._page)
        return Response(text, headers={"content-type": CONTENT_TYPE_LATEST})

    def _count_documents(self, documents: Documents) -> None:
        name = "deskgraph_document_cache"
        self.gauge(f"{name}_entries", "Documents kept.", lambda: [((), len(documents))])
        self.gauge(f"{name}_tokens", "Tokens kept.", lambda: [((), documents.weight)])
        self.counter(f"{name}_hits", "Documents found.", lambda: [((), documents.hits)])
        self.counter(f"{name}_misses", "Documents read.", lambda: [((), documents.misses)])


def program_version() -> str:
    """The installed version; ``unknown`` where the sources run without being installed."""
    try:
        return version("deskgraph")
    except PackageNotFoundError:
        return "unknown"


def _whole(shared: SharedCounts) -> CollectorRegistry:
    """What all workers count, added up, and what is known of each process."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(shared.folder))  # type: ignore[no-untyped-call]
    registry.register(_WorkersCollector(shared))
    return registry


class _Watched(Collector):
    """Reads figures whenever Prometheus does."""

    def __init__(
        self,
        family: type[CounterMetricFamily] | type[GaugeMetricFamily],
        name: str,
        about: str,
        figures: Figures,
        labels: Sequence[str],
    ) -> None:
        self._family, self._figures = family, figures
        self._name, self._about, self._labels = name, about, labels

    def collect(self) -> Iterator[Metric]:
        family = self._family(self._name, self._about, labels=self._labels)
        for labels, value in self._figures():
            family.add_metric(labels, value)
        yield family


class _Copy:
    """Writes figures to where the other workers find them, as far as they have changed."""

    def __init__(self, metric: Counter | Gauge, figures: Figures) -> None:
        self._metric, self._figures = metric, figures
        self._written: dict[tuple[str, ...], float] = {}

    def update(self) -> None:
        written = self._written
        for labels, value in self._figures():
            before = written.get(labels)
            if value != before:
                written[labels] = value
                metric = self._metric.labels(*labels) if labels else self._metric
                metric.inc(value - (before or 0))


class _WorkersCollector(Collector):
    """The processes themselves: memory, CPU time and files of each, by its number."""

    def __init__(self, shared: SharedCounts) -> None:
        self._shared = shared

    def collect(self) -> Iterator[Metric]:
        pids = self._shared.pids()
        yield GaugeMetricFamily("deskgraph_workers", "Processes that answer.", value=len(pids))
        families: dict[str, Metric] = {}
        for worker, pid in pids.items():
            for family in ProcessCollector(pid=partial(int, pid), registry=None).collect():
                whole = families.setdefault(
                    family.name, Metric(family.name, family.documentation, family.type)
                )
                for sample in family.samples:
                    labels = {**sample.labels, "worker": str(worker)}
                    whole.add_sample(sample.name, labels, sample.value)
        yield from families.values()
