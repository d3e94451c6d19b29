"""Runs of clustering that were asked for, and those that follow new blocks by themselves; what one
has read, the next need not read again.
"""

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from graph_api.domain.errors import GraphApiError
from graph_api.domain.ids import ChainId
from graph_api.domain.principals import LOCAL
from graph_api.services.clustering.due import request_due
from graph_api.services.clustering.reading import Progress
from graph_api.services.clustering.runs import Clustering, Limits
from graph_api.services.jobs import CLUSTERING
from graph_api.settings import Settings
from graph_api.store.graph import Graph
from graph_api.vault.jobs import Job, Note
from graph_api.vault.vault import Vault
from ingest.jobs.workers import JobWorker, Ring, Tell, nobody

_AGAIN: Final = "Ask for clustering again; a run repairs what an interrupted one has left."

log: Final = structlog.get_logger("deskgraph.ingest")


def cluster_worker(
    graph: Graph,
    vault: Vault,
    *,
    clock: Callable[[], datetime],
    ring: Ring = nobody,
    changed: Callable[[], None] = lambda: None,
    limits: Limits | None = None,
    folder: Path | None = None,
) -> JobWorker:
    """Works off runs of clustering; ``changed`` is called after each change of the graph, and
    ``folder`` is where the next process finds what was read.
    """
    clustering = Clustering(graph, clock=clock, limits=limits, folder=folder)

    async def do(job: Job, tell: Tell) -> Any:
        def told(progress: Progress) -> None:
            tell(progress.share, _note(progress))

        run = await clustering.run(ChainId(job.arguments["chain"]), tell=told)
        changed()
        return msgspec.to_builtins(run)

    return JobWorker(vault, CLUSTERING, do, clock=clock, remedy=_AGAIN, ring=ring)


async def keep_clustered(
    graph: Graph,
    vault: Vault,
    followed: Collection[ChainId],
    *,
    clock: Callable[[], datetime],
    every: timedelta,
    limits: Limits | None = None,
) -> None:
    """Ask for a run of each chain that has news, ``every`` so often, for ever; who works off jobs
    does it. Chains are those of ``followed``, and what was clustered before.
    """
    most, told = (limits or Limits()).most_facts, set[ChainId]()
    while True:
        try:
            asked = await request_due(
                graph,
                vault,
                followed,
                every=every,
                most_facts=most,
                principal=LOCAL,
                now=clock(),
            )
            for chain in set(asked.too_large) - told:
                await log.awarning("too large to be clustered", chain=chain, most_facts=most)
            told = set(asked.too_large)
        except GraphApiError as error:
            await log.awarning("clustering was not asked for", error=str(error))
        await asyncio.sleep(every.total_seconds())


def _note(progress: Progress) -> Note:
    return Note(
        done=progress.done,
        total=progress.total,
        unit=progress.unit,
        message=progress.message,
    )


def facts_folder(home: Path) -> Path:
    """Where processes of one home keep what runs have read."""
    return home / "clusters"


def cluster_limits(settings: Settings) -> Limits:
    """What the settings say of runs."""
    clusters = settings.clusters
    return Limits(
        threshold=clusters.threshold, largest=clusters.largest, most_facts=clusters.most_facts
    )
