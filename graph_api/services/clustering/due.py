"""Which chains are due for a run: those of which something new is known since the last one."""

from collections.abc import Collection
from datetime import datetime, timedelta

import msgspec

from graph_api.domain.chains import CHAINS, Family, chain_of
from graph_api.domain.ids import ChainId
from graph_api.domain.principals import Principal
from graph_api.services import jobs
from graph_api.services.clustering.reading import known_wallets
from graph_api.store import chains, clusters
from graph_api.store.chains import ChainRow
from graph_api.store.clusters import RunRow
from graph_api.store.graph import Graph
from graph_api.vault import jobs as kept_jobs
from graph_api.vault.jobs import Job
from graph_api.vault.vault import Vault


class Asked(msgspec.Struct, frozen=True):
    """What was asked for, and chains that were not because memory does not take them."""

    jobs: list[Job]
    too_large: list[ChainId]


def facts_of(counters: ChainRow) -> int:
    """How many facts of a chain a run takes: transfers, or transactions on UTXO chains."""
    is_utxo = chain_of(counters.id).family is Family.UTXO
    return counters.transactions if is_utxo else counters.transfers


async def outdated(
    graph: Graph, candidates: Collection[ChainId], *, most_facts: int, now: datetime
) -> list[ChainId]:
    """Those of ``candidates`` whose published run knows less, or was told otherwise, than the graph
    has now, and that fit into memory; in the order of their ids.
    """
    wanted = sorted(candidates)
    counters = await chains.by_ids(graph, wanted)
    published = await clusters.published(graph, wanted)
    return [
        chain
        for chain in wanted
        if 0 < facts_of(counters[chain]) <= most_facts
        and not await _is_current(graph, counters[chain], published.get(chain), now)
    ]


async def _is_current(graph: Graph, counters: ChainRow, run: RunRow | None, now: datetime) -> bool:
    if run is None or not run.done:
        return False
    if (run.facts, run.block_number) != (facts_of(counters), counters.last_block):
        return False
    return (await known_wallets(graph, counters.id, at=now)).digest == run.labels


async def request_due(
    graph: Graph,
    vault: Vault,
    followed: Collection[ChainId],
    *,
    every: timedelta,
    most_facts: int,
    principal: Principal,
    now: datetime,
) -> Asked:
    """Ask for a run of each outdated chain that is followed, or that was clustered before, and that
    nobody has asked for within ``every``. Raises: TooCostly when too many jobs wait.
    """
    before = await clusters.published(graph, [ChainId(chain.id) for chain in CHAINS])
    candidates = {*followed, *before}
    newest = await kept_jobs.newest_about(
        vault, principal, sorted(candidates), kind=jobs.CLUSTERING
    )
    rested = {chain for chain in candidates if _has_rested(newest.get(chain), now - every)}
    counters = await chains.by_ids(graph, sorted(candidates))
    return Asked(
        jobs=[
            await jobs.request_clustering(vault, chain=chain, principal=principal, now=now)
            for chain in await outdated(graph, rested, most_facts=most_facts, now=now)
        ],
        too_large=[chain for chain, row in counters.items() if facts_of(row) > most_facts],
    )


def _has_rested(job: Job | None, until: datetime) -> bool:
    """Whether the last run that was asked for has ended, and was asked for by ``until``."""
    return job is None or (job.state in kept_jobs.FINAL and job.created_at <= until)
