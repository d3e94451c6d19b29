"""Networks to draw: flows around a wallet, what is folded behind its nodes, and going on."""

from datetime import datetime
from typing import Final

import strawberry

from graph_api.analysis.layout import drawn_at
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId, TokenId
from graph_api.schema.as_of import AsOf
from graph_api.schema.ledger import Wallet
from graph_api.schema.made import all_kept
from graph_api.schema.paging import cursor_of, place_of
from graph_api.schema.scalars import BigInt
from graph_api.schema.steps import batched, root
from graph_api.schema.walks import ONLY, THROUGH, Flow, FlowOrder, within
from graph_api.services.networks import answers, behind, exports, growing, pictures
from graph_api.services.networks.behind import MOST_FLOWS
from graph_api.services.networks.pictures import Fold, NodeKind
from graph_api.services.networks.questions import NetworkQuestion
from graph_api.services.networks.then import THEN_BUDGET
from graph_api.services.walks import HUB, Stop
from graph_api.store.transfers import Direction
from graph_api.store.walks import FlowPlace

_MOST_DEPTH: Final = 4
_MOST_PER_WALLET: Final = 100
_MOST_EDGES: Final = 2_000
_CURSORS: Final = "flow"

strawberry.enum(
    Fold,
    name="NetworkFold",
    description=(
        "What is drawn as one. TOKENS: one edge from a node to another, whatever they sent. "
        "CLUSTERS: wallets of one actor, or of one cluster, are one node."
    ),
)
strawberry.enum(
    NodeKind, name="NetworkNodeKind", description="What a node stands for when wallets are folded."
)


@strawberry.type(description="What of a wallet is not shown, in one direction.")
class FoldedSide:
    """A side of it."""

    flows: int = strawberry.field(description="Flows, of all tokens.")
    transfers: int = strawberry.field(
        description="Transfers; those that nobody sent, such as rewards, are among them."
    )
    wallets: int | None = strawberry.field(
        description=(
            f"Wallets at the other ends; null where counting would read more than {MOST_FLOWS:,} "
            "flows: they are `flows` at most then."
        )
    )

    @classmethod
    def of(cls, side: answers.Side) -> "FoldedSide":
        """As clients see it."""
        return cls(flows=side.flows, transfers=side.transfers, wallets=side.wallets)


@strawberry.type(description="What is folded behind a node: all that it has less what is shown.")
class Folded:
    """Both sides."""

    incoming: FoldedSide = strawberry.field(description="What it received.")
    outgoing: FoldedSide = strawberry.field(description="What it sent.")

    @classmethod
    def of(cls, sides: answers.Sides) -> "Folded":
        """As clients see it."""
        return cls(incoming=FoldedSide.of(sides.incoming), outgoing=FoldedSide.of(sides.outgoing))


@strawberry.type(description="A wallet of a network.")
class NetworkNode:
    """Who it is, how far from the centre, and what is not shown of it."""

    account_id: AccountId = strawberry.field(description="CAIP-10 id of the wallet.")
    hops: int = strawberry.field(description="How many hops from the centre, which has 0.")
    service: bool = strawberry.field(
        description="Whether a label says that it holds or mixes money of many: an exchange, a "
        "bridge, a mixer …"
    )
    shown: int = strawberry.field(
        description="Ends of edges here; an edge to itself has two of them."
    )
    hidden: int = strawberry.field(
        description="Its flows, both ways and of all tokens, that are not among `edges`. With "
        "`asOf`, of wallets that were not gone on from, those of all time."
    )
    stop: Stop | None = strawberry.field(
        description="Why it was not gone on from, or not along all of its flows; null where "
        "everything that was asked for is shown."
    )
    cursor: str | None = strawberry.field(
        description="`after` of a `networkExpansion` that goes on behind what is shown; null: from "
        "the beginning, or there is nothing more where `stop` is null, too."
    )
    x: float = strawberry.field(
        description="Where to begin to draw it, -1 to 1. It follows from its id alone: the same "
        "wallet begins at the same place in every answer."
    )
    y: float = strawberry.field(description="The other coordinate; both lie in a circle around 0.")
    wallet: Wallet = strawberry.field(description="The wallet itself.")
    found: strawberry.Private[answers.NetworkNode]

    folded: Folded | None = batched(
        behind.behind,
        key="found",
        of=Folded.of,
        description="What is folded behind it; null where `asOf` is asked for and nobody counted "
        "what it had then.",
    )

    @classmethod
    def of(cls, node: answers.NetworkNode) -> "NetworkNode":
        """As clients see it."""
        place = drawn_at(node.wallet.id)
        return cls(
            account_id=node.wallet.id,
            hops=node.hops,
            service=node.wallet.service,
            shown=node.shown.flows,
            hidden=node.hidden,
            stop=node.stop,
            cursor=None if node.after is None else _cursor(node.after),
            x=place.x,
            y=place.y,
            wallet=Wallet.of(node.wallet),
            found=node,
        )


@strawberry.type(description="A node to draw: a wallet, or several that are folded into one.")
class PictureNode:
    """With its place and its name."""

    node_id: str = strawberry.field(
        description="What edges refer to: an account id, a cluster's id, or `actor:` and an id."
    )
    kind: NodeKind = strawberry.field(description="What it stands for.")
    name: str | None = strawberry.field(description="The actor, or what labels call the wallet.")
    x: float = strawberry.field(description="Where to begin to draw it, -1 to 1, by its id alone.")
    y: float = strawberry.field(description="The other coordinate; both lie in a circle around 0.")
    hops: int = strawberry.field(description="How many hops from the centre, by the shortest way.")
    account_ids: list[AccountId] = strawberry.field(
        description="The wallets of the network that it stands for."
    )
    cluster_size: int | None = strawberry.field(
        description="How many wallets the whole cluster has; null for others."
    )
    service: bool = strawberry.field(description="Whether a label calls one of them a service.")
    stops: list[Stop] = strawberry.field(description="Why they were not gone on from.")
    folded: Folded | None = strawberry.field(
        description="What is not shown of them; null where nobody counted what there was then. "
        "Wallets at the other ends are not counted here."
    )
    flows_within: int = strawberry.field(description="Flows among its wallets, which are no edges.")
    transfers_within: int = strawberry.field(description="Transfers among its wallets.")

    @classmethod
    def of(cls, node: pictures.PictureNode) -> "PictureNode":
        """As clients see it."""
        return cls(
            node_id=node.id,
            kind=node.kind,
            name=node.name,
            x=node.place.x,
            y=node.place.y,
            hops=node.hops,
            account_ids=list(node.wallets),
            cluster_size=node.size,
            service=node.service,
            stops=list(node.stops),
            folded=None if node.behind is None else Folded.of(node.behind),
            flows_within=node.within,
            transfers_within=node.transfers_within,
        )


@strawberry.type(description="An edge to draw: flows from one node to another.")
class PictureEdge:
    """Of one token, or of all where tokens are folded."""

    edge_id: str = strawberry.field(description="The same for the same nodes and token.")
    source: str = strawberry.field(description="`nodeId` of who sent.")
    target: str = strawberry.field(description="`nodeId` of who received.")
    token_ids: list[TokenId | None] = strawberry.field(
        description="CAIP-19 ids of the tokens; null for transfers that name none."
    )
    flow_ids: list[str] = strawberry.field(description="The flows that it sums up.")
    transfers: int = strawberry.field(description="How many transfers.")
    amount_raw: BigInt | None = strawberry.field(
        description="Exact sum in base units; null for several tokens, and where it is unknown."
    )
    amount: float | None = strawberry.field(
        description="The sum in whole units, rounded; null for several tokens or if unknown."
    )
    usd: float | None = strawberry.field(
        description="Sum in US dollars of what is priced; null until something is, and with `asOf`."
    )
    first_at: datetime | None = strawberry.field(description="Time of the earliest, where known.")
    last_at: datetime | None = strawberry.field(description="Time of the latest, where known.")

    @classmethod
    def of(cls, edge: pictures.PictureEdge) -> "PictureEdge":
        """As clients see it."""
        return cls(
            edge_id=edge.id,
            source=edge.source,
            target=edge.target,
            token_ids=list(edge.tokens),
            flow_ids=list(edge.flows),
            transfers=edge.transfers,
            amount_raw=None if edge.amount_raw is None else BigInt(int(edge.amount_raw)),
            amount=edge.amount,
            usd=edge.usd,
            first_at=edge.first_at,
            last_at=edge.last_at,
        )


@strawberry.type(description="A network as it is drawn.")
class Picture:
    """Nodes and edges that fit together."""

    nodes: list[PictureNode] = strawberry.field(description="Those near the centre first.")
    edges: list[PictureEdge] = strawberry.field(description="Those near the centre first.")

    @classmethod
    def of(cls, found: pictures.Picture) -> "Picture":
        """As clients see it."""
        return cls(
            nodes=[PictureNode.of(node) for node in found.nodes],
            edges=[PictureEdge.of(edge) for edge in found.edges],
        )


@strawberry.type(
    description=(
        "The surroundings of a wallet. Every wallet that was gone on from shows its strongest "
        "flows; flows among the outermost wallets are left out."
    )
)
class Network:
    """Nodes and edges to draw."""

    edges: list[Flow] = strawberry.field(
        resolver=all_kept(Flow.of, lambda root: root.found.edges),
        description="Flows among the nodes, those near the centre and the strongest first.",
    )
    complete: bool = strawberry.field(
        description="Whether everything of that depth is shown: false where the walk stopped at a "
        "service or a hub, or left edges out."
    )
    stopped: list[NetworkNode] = strawberry.field(
        description="Those of the nodes where the walk stopped before it had reached the depth."
    )
    undated: int = strawberry.field(
        description="Transfers of the wallets that were gone on from which are left out, because "
        "nobody knows whether they had happened; 0 for totals of now."
    )
    found: strawberry.Private[answers.Network]

    nodes: list[NetworkNode] = batched(
        growing.nodes,
        key="found",
        of=NetworkNode.of,
        cost=2,
        description="Wallets in the order in which they were reached, the centre first.",
    )
    as_of: AsOf | None = batched(
        growing.rests_on,
        key="found",
        of=AsOf.of,
        description="Up to where the chain was known.",
    )
    picture: Picture | None = batched(
        pictures.pictures,
        key="found",
        of=Picture.of,
        cost=10,
        arguments={"fold": "What is drawn as one; nothing if it is left out."},
        description="The same as it is drawn, with names; smaller where something is folded.",
    )
    export: str | None = batched(
        exports.exports,
        key="found",
        cost=10,
        arguments={
            "format": "JSON and GRAPHML have nodes and edges, CSV has the edges.",
            "fold": "What is drawn as one; nothing if it is left out.",
        },
        description="The picture as the text of a file.",
    )

    @classmethod
    def of(cls, found: answers.Network) -> "Network":
        """As clients see it."""
        stopped = [NetworkNode.of(node) for node in found.inner if node.stop is not None]
        return cls(complete=not stopped, stopped=stopped, undated=found.undated, found=found)


def _network(
    centre: AccountId,
    depth: int = 2,
    direction: Direction = Direction.BOTH,
    token: TokenId | None = None,
    since: datetime | None = None,
    order: FlowOrder = FlowOrder.TRANSFERS,
    per_wallet: int = 25,
    max_edges: int = 500,
    hub: int = HUB,
    through_services: bool = False,
    as_of: datetime | None = None,
    as_of_block: BigInt | None = None,
) -> NetworkQuestion:
    return NetworkQuestion(
        centre=centre,
        depth=within("depth", depth, _MOST_DEPTH),
        direction=direction,
        token=token,
        since=since,
        by_amount=order is FlowOrder.AMOUNT,
        per_wallet=within("perWallet", per_wallet, _MOST_PER_WALLET),
        max_edges=within("maxEdges", max_edges, _MOST_EDGES),
        hub=within("hub", hub, HUB),
        through_services=through_services,
        as_of=as_of,
        as_of_block=as_of_block,
    )


def _expansion(
    wallet: AccountId,
    after: str | None = None,
    without: list[str] | None = None,
    first: int = 25,
    direction: Direction = Direction.BOTH,
    token: TokenId | None = None,
    since: datetime | None = None,
    order: FlowOrder = FlowOrder.TRANSFERS,
    as_of: datetime | None = None,
    as_of_block: BigInt | None = None,
) -> NetworkQuestion:
    if without is not None and len(without) > _MOST_EDGES:
        raise BadInput(f"`without` names {_MOST_EDGES:,} flows at most.")
    first = within("first", first, _MOST_PER_WALLET)
    return NetworkQuestion(
        centre=wallet,
        depth=1,
        direction=direction,
        token=token,
        since=since,
        by_amount=order is FlowOrder.AMOUNT,
        per_wallet=first,
        max_edges=first,
        as_of=as_of,
        as_of_block=as_of_block,
        after=None if after is None else _place(after),
        without=frozenset(without or ()),
    )


def _cursor(place: FlowPlace) -> str:
    order = FlowOrder.AMOUNT if place.by_amount else FlowOrder.TRANSFERS
    return cursor_of(_CURSORS, f"{order.value}|{place.strength!r}|{place.id}")


def _place(cursor: str) -> FlowPlace:
    order, _, rest = place_of(_CURSORS, cursor).partition("|")
    strength, _, id = rest.partition("|")
    try:
        return FlowPlace(float(strength), id, FlowOrder(order) is FlowOrder.AMOUNT)
    except ValueError:
        raise BadInput(f"{cursor[:40]!r} is no cursor; pass one that a node has.") from None


_THEN: Final = {
    "as_of": f"Totals as they were at this moment, counted from up to {THEN_BUDGET:,} transfers; "
    "wallets for which these do not suffice stop with BUDGET, and show only flows that had ended "
    "by then. Labels, too, are those of then.",
    "as_of_block": "Totals as they were at this block, likewise; labels are those of now.",
}
_WAYS: Final = {
    "direction": "OUT follows what is sent, IN what is received.",
    "token": ONLY,
    "since": "Only flows with a transfer since then; totals are of all time.",
    "order": "Which flows are the strongest; AMOUNT needs a `token`.",
}


@strawberry.type
class NetworkQuery:
    """Where networks begin, and go on."""

    network: Network | None = root(
        growing.around,
        key=_network,
        of=Network.of,
        cost=50,
        arguments={
            "centre": "The wallet around which to look.",
            "depth": f"How many hops from it: 1 to {_MOST_DEPTH}.",
            "per_wallet": f"How many flows of each wallet: 1 to {_MOST_PER_WALLET}.",
            "max_edges": f"How many flows in all: 1 to {_MOST_EDGES:,}.",
            "hub": f"Wallets with more flows are not gone on from: 1 to {HUB:,}.",
            "through_services": THROUGH,
            **_WAYS,
            **_THEN,
        },
        description=(
            "The strongest flows around a wallet, hop by hop, to draw. It stops at services and "
            "hubs, the centre excepted, and says so; null when nothing of the wallet is loaded."
        ),
    )
    network_expansion: Network | None = root(
        growing.around,
        key=_expansion,
        of=Network.of,
        cost=20,
        arguments={
            "wallet": "The node that is gone on from, whatever it is: a service or a hub, too.",
            "after": "The `cursor` of the node; the strongest flows first where it is left out.",
            "without": f"`flowId`s that are shown already, up to {_MOST_EDGES:,}: left out.",
            "first": f"How many flows: 1 to {_MOST_PER_WALLET}.",
            **_WAYS,
            **_THEN,
        },
        description=(
            "More flows of one node of a network, and the wallets at their ends: ask with the "
            "same arguments as the network, and add what is new to it. Its own `cursor` goes on."
        ),
    )
