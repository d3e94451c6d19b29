"""Runs of clustering that were asked for; what one has read, the next need not read again."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec

from graph_api.domain.ids import ChainId
from graph_api.services.clustering.reading import Progress
from graph_api.services.clustering.runs import Clustering, Limits
from graph_api.services.jobs import CLUSTERING
from graph_api.settings import Settings
from graph_api.store.graph import Graph
from graph_api.vault.jobs import Job, Note
from graph_api.vault.vault import Vault
from ingest.jobs.wallets import Ring, nobody
from ingest.jobs.workers import JobWorker, Tell

_AGAIN: Final = "Ask for clustering again; a run repairs what an interrupted one has left."


def cluster_worker(
    graph: Graph,
    vault: Vault,
    *,
    clock: Callable[[], datetime],
    ring: Ring = nobody,
    changed: Callable[[], None] = lambda: None,
    limits: Limits | None = None,
) -> JobWorker:
    """Works off runs of clustering; ``changed`` is called after each change of the graph."""
    clustering = Clustering(graph, clock=clock, limits=limits)

    async def do(job: Job, tell: Tell) -> Any:
        def told(progress: Progress) -> None:
            tell(progress.share, _note(progress))

        run = await clustering.run(ChainId(job.arguments["chain"]), tell=told)
        changed()
        return msgspec.to_builtins(run)

    return JobWorker(vault, CLUSTERING, do, clock=clock, remedy=_AGAIN, ring=ring)


def _note(progress: Progress) -> Note:
    return Note(
        done=progress.done,
        total=progress.total,
        unit=progress.unit,
        message=progress.message,
    )


def cluster_limits(settings: Settings) -> Limits:
    """What the settings say of runs."""
    clusters = settings.clusters
    return Limits(
        threshold=clusters.threshold, largest=clusters.largest, most_facts=clusters.most_facts
    )
