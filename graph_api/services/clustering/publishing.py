"""What the graph tells of a published replay: for analysts who join it with a plain ``MATCH``."""

from functools import partial

from graph_api.domain.principals import Principal
from graph_api.services.clustering import keeping
from graph_api.services.clustering.chain_replays import ReplayAnswer
from graph_api.services.publications import settle
from graph_api.store import published_replays
from graph_api.store.graph import Graph, Row
from graph_api.vault.shelves import Kept
from graph_api.vault.vault import Vault


async def bring_up_to_date(graph: Graph, vault: Vault, id: str, *, owner: Principal) -> bool:
    """Write a replay into the graph while it is published; whether it is there now."""

    async def look() -> Kept | None:
        return (await keeping.by_ids(vault, [id], principal=owner)).get(id)

    async def put(kept: Kept) -> None:
        answer = (await keeping.answers(vault, [id], principal=owner))[id]
        await _put(graph, kept, answer)

    return await settle(look, put=put, remove=partial(published_replays.remove, graph, id))


async def _put(graph: Graph, kept: Kept, answer: ReplayAnswer) -> None:
    await published_replays.put(
        graph,
        kept.id,
        properties={
            "name": kept.name,
            "workspace": kept.workspace,
            "owner": kept.principal,
            "digest": kept.digest,
            "chain": answer.question.chain,
            "run": None if answer.run is None else answer.run.id,
            "threshold": answer.threshold,
            "as_of_block": answer.block,
            "clusters": len(answer.clusters),
            "wallets": answer.wallets,
            "made_at": kept.made_at,
        },
        wallets=_wallets(answer),
    )


def _wallets(answer: ReplayAnswer) -> list[Row]:
    return [
        {
            "wallet": wallet,
            "cluster": cluster.id,
            "size": len(cluster.members),
            "actor": cluster.actor,
        }
        for cluster in answer.clusters
        for wallet in cluster.members
    ]
