"""All clusters of a chain on terms of somebody's own, from the evidence that its run has found."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec

from graph_api.analysis.clustering.union import clusters as united
from graph_api.analysis.clustering.union import strong
from graph_api.domain.chains import chain_of
from graph_api.domain.clusters import LARGEST, Cluster, Suspicion
from graph_api.domain.errors import BadInput, NotFound, TooCostly, UpstreamUnavailable
from graph_api.domain.ids import AccountId, ChainId, chain_id_of
from graph_api.services.clustering.reading import known_wallets
from graph_api.services.clustering.replays import Basis, Terms, last_block
from graph_api.store import cluster_runs, clusters
from graph_api.store.clusters import EvidenceRow, RunRow
from graph_api.store.graph import Graph

#: How many links one answer rests on.
MOST_LINKS: Final = 500_000

#: Hears how many links are read, of how many.
Report = Callable[[int, int], None]


class ReplayQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked; with ``around`` only for the cluster that this wallet is in."""

    chain: ChainId
    terms: Terms = Terms()
    around: AccountId | None = None

    def __post_init__(self) -> None:
        if self.around is not None and chain_id_of(self.around) != self.chain:
            raise BadInput("The wallet and the chain that it is asked of are not the same chain's.")


class ReplayedCluster(msgspec.Struct, frozen=True, kw_only=True):
    """Wallets that the terms take for one; ``refused`` are ids of evidence."""

    id: str
    members: tuple[AccountId, ...]
    actor: str | None
    suspicion: Suspicion | None
    refused: tuple[str, ...]


class ReplayAnswer(Basis, frozen=True, eq=False, kw_only=True):
    """The clusters, and the evidence in them and at their borders.

    ``labels`` is a digest of what labels said when it was answered.
    """

    question: ReplayQuestion
    labels: str
    clusters: tuple[ReplayedCluster, ...]
    evidence: tuple[EvidenceRow, ...]

    @property
    def wallets(self) -> int:
        """How many are in clusters."""
        return sum(len(cluster.members) for cluster in self.clusters)


async def replay_chain(
    graph: Graph,
    asked: ReplayQuestion,
    *,
    now: datetime,
    most_links: int = MOST_LINKS,
    report: Report = lambda _read, _all: None,
) -> ReplayAnswer:
    """Unite the wallets of a chain by the terms, as a run does by its own.

    Raises: NotFound where the chain was never clustered; TooCostly for too much evidence;
    UpstreamUnavailable while a run is being published.
    """
    run = await _settled(graph, asked.chain)
    block = await last_block(graph, asked.chain, asked.terms)
    links = await _links(graph, asked, run, block, most_links=most_links, report=report)
    labels = await known_wallets(graph, asked.chain, at=now)
    if (await _settled(graph, asked.chain)).id != run.id:
        raise _unsettled(asked.chain)
    actors = {wallet: known.actor for wallet, known in labels.wallets.items() if known.actor}
    evidence = [row.evidence for row in links.values()]
    found = await asyncio.to_thread(united, evidence, actors=actors, largest=LARGEST)
    if asked.around is not None:
        found = [cluster for cluster in found if asked.around in cluster.members]
    return ReplayAnswer(
        question=asked,
        complete=True,
        run=run,
        block=block,
        threshold=asked.terms.threshold,
        labels=labels.digest,
        clusters=tuple(_replayed(cluster) for cluster in found),
        evidence=tuple(_of_clusters(links, found)),
    )


async def _settled(graph: Graph, chain: ChainId) -> RunRow:
    """The published run, wholly published."""
    run = (await clusters.published(graph, [chain])).get(chain)
    if run is None:
        name = chain_of(chain).name
        raise NotFound(f"{name} was never clustered; `requestClustering` asks for it.")
    if not run.done:
        raise _unsettled(chain)
    return run


def _unsettled(chain: ChainId) -> UpstreamUnavailable:
    return UpstreamUnavailable(f"A run of clustering on {chain_of(chain).name}", retry_after_s=30)


async def _links(
    graph: Graph,
    asked: ReplayQuestion,
    run: RunRow,
    block: int | None,
    *,
    most_links: int,
    report: Report,
) -> dict[str, EvidenceRow]:
    """The evidence that counts, by its ids."""
    terms, read = asked.terms, 0
    heuristics = None if terms.choice is None else terms.choice.heuristics()
    found: dict[str, EvidenceRow] = {}
    async for page in cluster_runs.evidence(graph, asked.chain):
        rows = {row.id: row for row in page}
        kept = strong(
            [row.evidence for row in page],
            threshold=terms.threshold,
            heuristics=heuristics,
            as_of_block=block,
        )
        found.update((one.id, rows[one.id]) for one in kept)
        if len(found) > most_links:
            raise TooCostly(
                f"These terms take more than the {most_links:,} links of one answer; ask with a "
                "higher threshold, fewer heuristics or an earlier block."
            )
        read += len(page)
        report(read, max(read, run.evidence))
    if terms.choice is None:
        return found
    return {
        one.id: found[one.id] for one in terms.choice.of(row.evidence for row in found.values())
    }


def _replayed(cluster: Cluster) -> ReplayedCluster:
    return ReplayedCluster(
        id=cluster.id,
        members=cluster.members,
        actor=cluster.actor,
        suspicion=cluster.suspicion,
        refused=tuple(one.id for one in cluster.refused),
    )


def _of_clusters(links: dict[str, EvidenceRow], found: list[Cluster]) -> list[EvidenceRow]:
    """Links within clusters, and those that were refused at their borders."""
    place = {wallet: cluster.id for cluster in found for wallet in cluster.members}
    refused = {one.id for cluster in found for one in cluster.refused}
    return [
        row
        for id, row in links.items()
        if id in refused or (row.start in place and place[row.start] == place.get(row.end))
    ]
