"""Traces that were asked for: followed within their budget, with progress, and kept; and what the
graph tells of those that are published.
"""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec

from graph_api.analysis.tracing.limits import Budget
from graph_api.services.tracing.keeping import PUBLICATION, TRACE, run_trace
from graph_api.services.tracing.publishing import bring_up_to_date
from graph_api.services.tracing.questions import AS_A_JOB
from graph_api.store.graph import Graph
from graph_api.vault.jobs import Job, Note
from graph_api.vault.vault import Vault
from ingest.jobs.workers import JobWorker, Ring, Tell, nobody, owner_of

_AGAIN: Final = "Ask again, with fewer hops, a smaller window or a higher `minRaw`."


def trace_workers(
    graph: Graph, vault: Vault, *, clock: Callable[[], datetime], ring: Ring = nobody
) -> list[JobWorker]:
    """One that follows value, and one that publishes what was found."""
    return [
        trace_worker(graph, vault, clock=clock, ring=ring),
        publication_worker(graph, vault, clock=clock, ring=ring),
    ]


def trace_worker(
    graph: Graph,
    vault: Vault,
    *,
    clock: Callable[[], datetime],
    ring: Ring = nobody,
    seconds: Callable[[], float] = time.monotonic,
    budget: Budget = AS_A_JOB,
) -> JobWorker:
    """Works off traces, one at a time."""

    async def do(job: Job, tell: Tell) -> Any:
        most = budget.events or 1

        def report(read: int, wallets: int) -> None:
            message = f"Read {read:,} movements; value has reached {wallets:,} wallets."
            note = Note(done=read, total=most, unit="movements", message=message)
            tell(read / most, note)

        done = await run_trace(
            graph,
            vault,
            job,
            owner=owner_of(job),
            now=clock(),
            seconds=seconds,
            budget=budget,
            report=report,
        )
        return msgspec.to_builtins(done)

    return JobWorker(vault, TRACE, do, clock=clock, remedy=_AGAIN, ring=ring)


def publication_worker(
    graph: Graph, vault: Vault, *, clock: Callable[[], datetime], ring: Ring = nobody
) -> JobWorker:
    """Brings what the graph tells of traces up to date."""

    async def do(job: Job, tell: Tell) -> Any:
        tell(0.0, Note(message="Writing the trace into the graph, or taking it away."))
        is_there = await bring_up_to_date(graph, vault, job.arguments["trace"], owner=owner_of(job))
        return {"published": is_there}

    return JobWorker(
        vault, PUBLICATION, do, clock=clock, remedy="Publish or withdraw it again.", ring=ring
    )
