"""Pages of what a replay of a chain found: its clusters, the largest first."""

from typing import NamedTuple

from graph_api.domain.pages import Page, Slice
from graph_api.services.clustering.chain_replays import ReplayAnswer, ReplayedCluster
from graph_api.services.places import numbered
from graph_api.store.clusters import EvidenceRow
from graph_api.store.graph import Graph


class ClusterAt(NamedTuple):
    """A cluster, the links within it, and those at its border that were refused."""

    cluster: ReplayedCluster
    links: list[EvidenceRow]
    refused: list[EvidenceRow]


async def clusters(
    graph: Graph, found: list[ReplayAnswer], *, page: Page
) -> dict[ReplayAnswer, Slice[ClusterAt]]:
    """A page of each answer's clusters."""
    return {answer: _clusters(answer, page) for answer in found}


def _clusters(answer: ReplayAnswer, page: Page) -> Slice[ClusterAt]:
    largest = sorted(answer.clusters, key=lambda cluster: (-len(cluster.members), cluster.id))
    slice_ = numbered(largest, page)
    place = {wallet: cluster.id for cluster in slice_.rows for wallet in cluster.members}
    wanted = {id for cluster in slice_.rows for id in cluster.refused}
    links: dict[str, list[EvidenceRow]] = {cluster.id: [] for cluster in slice_.rows}
    refused: dict[str, EvidenceRow] = {}
    for row in answer.evidence:
        if row.id in wanted:
            refused[row.id] = row
        elif row.start in place and place[row.start] == place.get(row.end):
            links[place[row.start]].append(row)
    return Slice(
        rows=[
            ClusterAt(cluster, links[cluster.id], [refused[id] for id in cluster.refused])
            for cluster in slice_.rows
        ],
        places=slice_.places,
        more_before=slice_.more_before,
        more_after=slice_.more_after,
        total=slice_.total,
    )
