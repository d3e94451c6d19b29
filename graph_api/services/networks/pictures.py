"""Networks as they are drawn: nodes with places and names, edges that may sum up several flows.

Folding makes pictures smaller. ``TOKENS`` draws one edge from a wallet to another, whatever they
sent. ``CLUSTERS`` draws wallets of one actor or one cluster as one node: a wallet stands with the
actor that its labels name, else with the actor of its cluster, else with its cluster. What moved
within a node is no edge; the node tells how much it was.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from graph_api.analysis.layout import Place, drawn_at
from graph_api.domain.ids import AccountId, TokenId
from graph_api.services import attribution
from graph_api.services.networks import growing
from graph_api.services.networks.answers import Network, NetworkNode, Side, Sides
from graph_api.services.walks import Stop
from graph_api.store import actors, clusters
from graph_api.store.flows import FlowRow
from graph_api.store.graph import Graph


class Fold(StrEnum):
    """What is drawn as one."""

    TOKENS = "tokens"
    CLUSTERS = "clusters"


class NodeKind(StrEnum):
    """What a node stands for."""

    WALLET = "wallet"
    CLUSTER = "cluster"
    ACTOR = "actor"


class PictureNode(msgspec.Struct, frozen=True, kw_only=True):
    """A wallet, or several that are drawn as one.

    Args:
        wallets: Those of the network that it stands for, the one first that was reached first.
        size: How many wallets the whole cluster has; None for others.
        behind: What is not shown of them; None where nobody counted what there was then.
        within: Flows among them, which are no edges.
    """

    id: str
    kind: NodeKind
    name: str | None
    place: Place
    hops: int
    wallets: tuple[AccountId, ...]
    size: int | None
    service: bool
    stops: tuple[Stop, ...]
    behind: Sides | None
    within: int
    transfers_within: int


class PictureEdge(msgspec.Struct, frozen=True, kw_only=True):
    """Flows from one node to another: of one token, or of all.

    ``amount_raw`` and ``amount`` are None where they are of several tokens, or not known.
    """

    id: str
    source: str
    target: str
    tokens: tuple[TokenId | None, ...]
    flows: tuple[str, ...]
    transfers: int
    amount_raw: str | None
    amount: float | None
    usd: float | None
    first_at: datetime | None
    last_at: datetime | None


class Picture(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """All of a network, to draw."""

    network: Network
    nodes: list[PictureNode]
    edges: list[PictureEdge]


class _Group(NamedTuple):
    id: str
    kind: NodeKind
    name: str | None = None
    size: int | None = None


async def pictures(
    graph: Graph, found: list[Network], *, fold: tuple[Fold, ...] = ()
) -> dict[Network, Picture]:
    """Each network as it is drawn."""
    nodes = await growing.nodes(graph, found)
    return {network: await _picture(graph, network, nodes[network], fold) for network in found}


async def _picture(
    graph: Graph, network: Network, nodes: list[NetworkNode], fold: tuple[Fold, ...]
) -> Picture:
    wallets = [node.wallet.id for node in nodes]
    groups = {wallet: _Group(wallet, NodeKind.WALLET) for wallet in wallets}
    if Fold.CLUSTERS in fold:
        groups |= await _groups(graph, wallets, network.at)
    names = await attribution.labels_that_win(graph, wallets, as_of=network.at, now=network.at)
    labels = {wallet: label.label for wallet, label in names.items()}
    drawn, within = _edges(network.edges, groups, by_token=Fold.TOKENS not in fold)
    return Picture(network=network, nodes=_nodes(nodes, groups, labels, within), edges=drawn)


async def _groups(graph: Graph, wallets: list[AccountId], at: datetime) -> dict[AccountId, _Group]:
    """With whom wallets are drawn."""
    owners = await attribution.owners(graph, wallets, as_of=at, now=at)
    known = await clusters.by_wallets(graph, wallets)
    named = sorted({row.actor for row in known.values() if row.actor})
    of_clusters = await actors.by_ids(graph, named) if named else {}
    found = {}
    for wallet, row in known.items():
        actor = of_clusters.get(row.actor) if row.actor else None
        if actor is not None:
            found[wallet] = _Group(f"actor:{actor.id}", NodeKind.ACTOR, actor.name)
        else:
            found[wallet] = _Group(row.id, NodeKind.CLUSTER, size=row.size)
    for wallet, actor in owners.items():
        found[wallet] = _Group(f"actor:{actor.id}", NodeKind.ACTOR, actor.name)
    return found


def _edges(
    flows: Iterable[FlowRow], groups: dict[AccountId, _Group], *, by_token: bool
) -> tuple[list[PictureEdge], dict[str, list[FlowRow]]]:
    """Edges between nodes in the order of their strongest flows, and the flows within nodes."""
    sums: dict[tuple[str, str, str | None], list[FlowRow]] = defaultdict(list)
    within: dict[str, list[FlowRow]] = defaultdict(list)
    for flow in flows:
        source, target = groups.get(flow.sender), groups.get(flow.recipient)
        if source is None or target is None:
            continue  # a wallet that was removed since
        if source.id == target.id and source.kind is not NodeKind.WALLET:
            within[source.id].append(flow)
        else:
            sums[source.id, target.id, flow.token if by_token else ""].append(flow)
    return [_edge(*key, flows=some) for key, some in sums.items()], within


def _edge(source: str, target: str, token: str | None, *, flows: list[FlowRow]) -> PictureEdge:
    tokens = tuple(dict.fromkeys(flow.token for flow in flows))
    amounts = [flow.amount for flow in flows if flow.amount is not None]
    raws = [int(flow.amount_raw) for flow in flows if flow.amount_raw is not None]
    one = len(tokens) == 1
    values = [flow.usd for flow in flows if flow.usd is not None]
    digest = blake2b("|".join((source, target, token or "-")).encode(), digest_size=12)
    return PictureEdge(
        id=digest.hexdigest(),
        source=source,
        target=target,
        tokens=tokens,
        flows=tuple(flow.id for flow in flows),
        transfers=sum(flow.transfers for flow in flows),
        amount_raw=str(sum(raws)) if one and len(raws) == len(flows) else None,
        amount=sum(amounts) if one and len(amounts) == len(flows) else None,
        usd=sum(values) if values else None,
        first_at=min((flow.first_at for flow in flows if flow.first_at), default=None),
        last_at=max((flow.last_at for flow in flows if flow.last_at), default=None),
    )


def _nodes(
    nodes: list[NetworkNode],
    groups: dict[AccountId, _Group],
    labels: dict[AccountId, str],
    within: dict[str, list[FlowRow]],
) -> list[PictureNode]:
    together: dict[str, list[NetworkNode]] = defaultdict(list)
    for node in nodes:
        together[groups[node.wallet.id].id].append(node)
    return [
        PictureNode(
            id=id,
            kind=group.kind,
            name=group.name or next((labels[w] for w in wallets if w in labels), None),
            place=drawn_at(id),
            hops=min(node.hops for node in some),
            wallets=wallets,
            size=group.size,
            service=any(node.wallet.service for node in some),
            stops=tuple(dict.fromkeys(node.stop for node in some if node.stop)),
            behind=_behind(some),
            within=len(within[id]),
            transfers_within=sum(flow.transfers for flow in within[id]),
        )
        for id, some in together.items()
        for group, wallets in [(groups[some[0].wallet.id], tuple(n.wallet.id for n in some))]
    ]


def _behind(nodes: list[NetworkNode]) -> Sides | None:
    """Of all of them; who is on the other sides may be the same for several."""
    found = [node.behind for node in nodes]
    incoming = [one.incoming for one in found if one is not None]
    outgoing = [one.outgoing for one in found if one is not None]
    if len(incoming) < len(nodes):
        return None
    return Sides(_sum(incoming), _sum(outgoing))


def _sum(sides: list[Side]) -> Side:
    flows, transfers = (sum(side[part] or 0 for side in sides) for part in (0, 1))
    return Side(flows, transfers, sides[0].wallets if len(sides) == 1 else None)
