"""Traces that were asked for: followed within their budget, with progress, and kept."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec

from graph_api.analysis.tracing.limits import Budget
from graph_api.domain.principals import Principal, PrincipalKind
from graph_api.services.tracing.keeping import TRACE, run_trace
from graph_api.services.tracing.questions import AS_A_JOB
from graph_api.store.graph import Graph
from graph_api.vault.jobs import Job, Note
from graph_api.vault.vault import Vault
from ingest.jobs.wallets import Ring, nobody
from ingest.jobs.workers import JobWorker, Tell

_AGAIN: Final = "Ask again, with fewer hops, a smaller window or a higher `minRaw`."


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

        # The worker acts for everybody; what it finds belongs to who asked.
        owner = Principal(job.principal, job.workspace, PrincipalKind.LOCAL)
        done = await run_trace(
            graph,
            vault,
            job,
            owner=owner,
            now=clock(),
            seconds=seconds,
            budget=budget,
            report=report,
        )
        return msgspec.to_builtins(done)

    return JobWorker(vault, TRACE, do, clock=clock, remedy=_AGAIN, ring=ring)
