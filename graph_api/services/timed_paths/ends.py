"""The wallets that a path may begin or end with: one, or those of an actor or a cluster."""

from datetime import datetime
from typing import Final, NamedTuple

from graph_api.domain.ids import AccountId, ChainId
from graph_api.domain.pages import Page, Slice
from graph_api.services.timed_paths.questions import PathEnd
from graph_api.store import clusters, labels, wallets
from graph_api.store.graph import Graph
from graph_api.store.labels import WalletFilter
from graph_api.store.wallets import WalletRow

#: How many wallets of an actor or a cluster count: the surest ones, or the first.
MOST: Final = 200


class Wallets(NamedTuple):
    """The wallets of an end that are loaded, and whether there are more than count."""

    ids: frozenset[AccountId]
    cut: bool


async def wallets_of(graph: Graph, end: PathEnd, chain: ChainId, *, at: datetime) -> Wallets:
    """Who stands for ``end``: labels are those of a moment, clusters those of the newest run."""
    page = Page(size=MOST)
    if end.wallet is not None:
        found = await wallets.by_ids(graph, [end.wallet])
        return Wallets(frozenset(found), cut=False)
    if end.actor is not None:
        named = await labels.wallets_of_actors(
            graph,
            [end.actor],
            filter=WalletFilter(chain=chain, active=True),
            now=at,
            page=page,
        )
        return _wallets(named.get(end.actor))
    assert end.cluster is not None
    there = (await clusters.by_ids(graph, [end.cluster])).get(end.cluster)
    if there is None:
        return _wallets(None)
    return _wallets((await clusters.members(graph, [there.id], page=page)).get(there.id))


def _wallets(found: Slice[WalletRow] | None) -> Wallets:
    if found is None:
        return Wallets(frozenset(), cut=False)
    return Wallets(
        frozenset(row.id for row in found.rows),
        cut=found.more_after or found.stopped_at is not None,
    )
