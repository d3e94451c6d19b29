"""Clusters on terms of somebody's own: united with progress, and kept; and what the graph tells of
those that are published.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from graph_api.services.clustering.keeping import PUBLICATION, REPLAY, run_replay
from graph_api.services.clustering.publishing import bring_up_to_date
from graph_api.store.graph import Graph
from graph_api.vault.jobs import Job, Note
from graph_api.vault.vault import Vault
from ingest.jobs.workers import JobWorker, Ring, Tell, nobody, owner_of


def replay_workers(
    graph: Graph, vault: Vault, *, clock: Callable[[], datetime], ring: Ring = nobody
) -> list[JobWorker]:
    """One that unites wallets, and one that publishes what was found."""

    async def unite(job: Job, tell: Tell) -> Any:
        def report(read: int, most: int) -> None:
            message = f"Read {read:,} links of evidence."
            tell(read / most, Note(done=read, total=most, unit="links", message=message))

        done = await run_replay(graph, vault, job, owner=owner_of(job), now=clock(), report=report)
        return msgspec.to_builtins(done)

    async def publish(job: Job, tell: Tell) -> Any:
        tell(0.0, Note(message="Writing the clusters into the graph, or taking them away."))
        id = job.arguments["replay"]
        return {"published": await bring_up_to_date(graph, vault, id, owner=owner_of(job))}

    again = "Ask again, with a higher threshold, fewer heuristics or an earlier block."
    return [
        JobWorker(vault, REPLAY, unite, clock=clock, remedy=again, ring=ring),
        JobWorker(
            vault,
            PUBLICATION,
            publish,
            clock=clock,
            remedy="Publish or withdraw it again.",
            ring=ring,
        ),
    ]
