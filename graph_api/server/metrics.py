"""Counts for Prometheus. Labels come from closed sets, never from what a client sent."""

import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Protocol

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
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from graph_api.domain.errors import ErrorCode
from graph_api.schema.caching import Documents

ROUTES = ("/graphql", "/health/live", "/health/ready", "/metrics")
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


#: How many operations each executor ran, and for which reason if it was not the compiled one.
Executions = Mapping[tuple[str, str], int]


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
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.registry.register(_DocumentCacheCollector(documents))
        self.registry.register(_ExecutionsCollector(executions))
        self.in_flight = Gauge(
            "deskgraph_requests_in_flight", "Requests being answered.", registry=self.registry
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
        for code in ErrorCode:
            self._errors.labels(code.value)
        build = Gauge(
            "deskgraph_build_info", "Always 1.", ["version", "python"], registry=self.registry
        )
        build.labels(program_version(), platform.python_version()).set(1)

    def answered(self, path: str, status: int, duration_s: float) -> None:
        """Count an answer; status 0 is a client that left before there was one."""
        route = path if path in ROUTES else "other"
        self._requests.labels(route, str(status) if status else "none").inc()
        self._duration.labels(route).observe(duration_s)

    def executed(self, operation: Executed) -> None:
        """Count an operation and each error that its answer carries."""
        outcome = "errors" if operation.codes else "ok"
        self._operations.labels(operation.operation_type or "none", outcome).inc()
        for code in operation.codes:
            self._errors.labels(code).inc()

    def refused(self, code: ErrorCode) -> None:
        """Count a request that did not reach the schema."""
        self._errors.labels(code.value).inc()

    async def page(self, _request: Request) -> Response:
        """The text that Prometheus reads."""
        text = generate_latest(self.registry)
        return Response(text, headers={"content-type": CONTENT_TYPE_LATEST})


def program_version() -> str:
    """The installed version; ``unknown`` where the sources run without being installed."""
    try:
        return version("deskgraph")
    except PackageNotFoundError:
        return "unknown"


class _DocumentCacheCollector(Collector):
    def __init__(self, documents: Documents) -> None:
        self.documents = documents

    def collect(self) -> Iterator[Metric]:
        documents = self.documents
        name = "deskgraph_document_cache"
        yield GaugeMetricFamily(f"{name}_entries", "Documents kept.", value=len(documents))
        yield GaugeMetricFamily(f"{name}_tokens", "Tokens kept.", value=documents.weight)
        yield CounterMetricFamily(f"{name}_hits", "Documents found.", value=documents.hits)
        yield CounterMetricFamily(f"{name}_misses", "Documents read.", value=documents.misses)


class _ExecutionsCollector(Collector):
    def __init__(self, executions: Executions) -> None:
        self.executions = executions

    def collect(self) -> Iterator[Metric]:
        family = CounterMetricFamily(
            "deskgraph_executions",
            "Operations by executor; the reason says why one was not compiled.",
            labels=["executor", "reason"],
        )
        for (executor, reason), count in self.executions.items():
            family.add_metric([executor, reason or "none"], count)
        yield family
