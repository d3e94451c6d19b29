"""The surroundings of a wallet: the strongest flows around it, level by level, within limits.

A network is drawn: it has a most of edges, of each wallet the strongest, shared out fairly among
the wallets of a level. Services and hubs are shown but not gone on from, and every wallet tells how
many of its flows are hidden.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

import msgspec

from graph_api.domain.errors import BadInput, GraphApiError, TooCostly
from graph_api.domain.ids import AccountId, TokenId
from graph_api.services.walks import HUB, Stop
from graph_api.store import walks
from graph_api.store.flows import HUB_BUDGET, FlowDegree, FlowRow
from graph_api.store.graph import Graph
from graph_api.store.ledger.shelves import HUB_FLOWS
from graph_api.store.transfers import Direction
from graph_api.store.walks import FlowWish, WalkWallet

#: How many flows one network reads of wallets that are no hubs, before it goes on from no more.
BUDGET: Final = 20_000


class NetworkQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Around whom, how far, and how much of it."""

    centre: AccountId
    depth: int = 2
    direction: Direction = Direction.BOTH
    token: TokenId | None = None
    since: datetime | None = None
    by_amount: bool = False
    per_wallet: int = 25
    max_edges: int = 500
    hub: int = HUB
    through_services: bool = False


class NetworkNode(msgspec.Struct, kw_only=True):
    """A wallet of a network; ``shown`` counts the ends of edges that it has there."""

    wallet: WalkWallet
    hops: int
    shown: int = 0
    stop: Stop | None = None

    @property
    def hidden(self) -> int:
        """How many of its flows, of all tokens and both ways, are not among the edges."""
        return self.wallet.flows - self.shown


class Network(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """Flows around a wallet, and the wallets that were looked at to find them, the centre first.

    The ``outermost`` wallets were reached, in this order, with the last of ``hops``; whoever wants
    to know more of them asks for ``nodes``.
    """

    inner: list[NetworkNode]
    outermost: list[AccountId]
    hops: int
    edges: list[FlowRow]


async def around(
    graph: Graph, questions: list[NetworkQuestion], *, now: datetime
) -> dict[NetworkQuestion, Network | GraphApiError]:
    """The network of each question; none where its centre is not in the graph."""
    found = await asyncio.gather(*(_answer(graph, asked, now) for asked in questions))
    answers = zip(questions, found, strict=True)
    return {asked: answer for asked, answer in answers if answer is not None}


async def nodes(
    graph: Graph, found: list[Network], *, now: datetime
) -> dict[Network, list[NetworkNode]]:
    """All wallets of each network in the order in which they were reached."""
    ids = {wallet: None for network in found for wallet in network.outermost}
    known = await walks.wallets(graph, list(ids), at=now)
    return {network: [*network.inner, *_outermost(network, known)] for network in found}


def _outermost(network: Network, known: dict[AccountId, WalkWallet]) -> list[NetworkNode]:
    shown = _ends(network.edges)
    found = []
    for wallet in network.outermost:
        if wallet in known:
            node = NetworkNode(wallet=known[wallet], hops=network.hops, shown=shown[wallet])
            node.stop = Stop.DEPTH if node.hidden else None
            found.append(node)
    return found


async def _answer(
    graph: Graph, asked: NetworkQuestion, now: datetime
) -> Network | GraphApiError | None:
    try:
        return await _Growth(graph, asked, now).grown()
    except (BadInput, TooCostly) as refusal:
        return refusal


class _Growth:
    """One network while it grows."""

    def __init__(self, graph: Graph, asked: NetworkQuestion, now: datetime) -> None:
        self._graph, self._asked, self._now = graph, asked, now
        self._wish = FlowWish(
            direction=asked.direction,
            token=asked.token,
            since=asked.since,
            by_amount=asked.by_amount,
        )
        self._nodes: dict[AccountId, NetworkNode] = {}
        self._edges: dict[str, FlowRow] = {}
        self._budget = BUDGET

    async def grown(self) -> Network | None:
        """Grow level by level. Raises: BadInput, TooCostly."""
        if self._asked.by_amount and self._asked.token is None:
            raise BadInput("Amounts of different tokens cannot be compared; name a `token` too.")
        level = await self._add([self._asked.centre], hops=0)
        if not level:
            return None
        new: list[AccountId] = []
        for hops in range(1, self._asked.depth + 1):
            if hops > 1:
                level = await self._add(new, hops=hops - 1)
            chosen = [node for node in level if self._is_passed(node)]
            new = self._take(chosen, await self._flows(chosen))
        shown = _ends(self._edges.values())
        for node in self._nodes.values():
            node.shown = shown[node.wallet.id]
        return Network(
            inner=list(self._nodes.values()),
            outermost=new,
            hops=self._asked.depth,
            edges=list(self._edges.values()),
        )

    async def _add(self, wallets: list[AccountId], *, hops: int) -> list[NetworkNode]:
        found = await walks.wallets(self._graph, wallets, at=self._now)
        level = [NetworkNode(wallet=found[one], hops=hops) for one in wallets if one in found]
        self._nodes.update((node.wallet.id, node) for node in level)
        return level

    def _is_passed(self, node: NetworkNode) -> bool:
        """Whether to go on from a wallet; if not, it says why."""
        wallet = node.wallet
        if wallet.id == self._asked.centre:
            return True
        if wallet.service and not self._asked.through_services:
            node.stop = Stop.SERVICE
        elif wallet.flows > self._asked.hub:
            node.stop = Stop.HUB
        elif len(self._edges) >= self._asked.max_edges:
            node.stop = Stop.EDGES
        elif wallet.flows > self._budget:
            node.stop = Stop.BUDGET
        else:
            self._budget -= wallet.flows
            return True
        return False

    async def _flows(self, nodes: list[NetworkNode]) -> dict[AccountId, list[FlowRow]]:
        """The strongest flows of each wallet."""
        limit = self._asked.per_wallet
        hubs = [node for node in nodes if _is_hub(node.wallet, self._asked.direction)]
        small = [node.wallet.id for node in nodes if node not in hubs]
        found = await walks.strongest(self._graph, small, self._wish, limit=limit)
        for hub in hubs:
            found[hub.wallet.id] = await self._flows_of_hub(hub, limit)
        for node in nodes:
            if len(found[node.wallet.id]) == limit < node.wallet.flows:
                node.stop = Stop.EDGES
        return found

    async def _flows_of_hub(self, node: NetworkNode, limit: int) -> list[FlowRow]:
        if self._wish.by_amount:
            raise TooCostly(
                f"{node.wallet.id} has too many flows to sort them by amount; order by transfers."
            )
        degree = FlowDegree(node.wallet.id, node.wallet.flows_in, node.wallet.flows_out)
        flows, sufficed = await walks.busiest_of_hub(
            self._graph, degree, self._wish, limit=limit, budget=HUB_BUDGET
        )
        if not sufficed:
            node.stop = Stop.BUDGET
        return flows

    def _take(
        self, nodes: list[NetworkNode], flows: dict[AccountId, list[FlowRow]]
    ) -> list[AccountId]:
        """Make edges of flows until there are enough; the wallets that are new by them.

        The strongest of each wallet come first, then the second strongest of each, and so on.
        """
        new: dict[AccountId, None] = {}
        for node, flow in _in_turn(nodes, flows):
            if flow.id in self._edges:
                continue
            if len(self._edges) >= self._asked.max_edges:
                node.stop = Stop.EDGES
                continue
            self._edges[flow.id] = flow
            ends = (flow.sender, flow.recipient)
            new.update((wallet, None) for wallet in ends if wallet not in self._nodes)
        return list(new)


def _ends(edges: Iterable[FlowRow]) -> Counter[AccountId]:
    """How many edges begin or end at each wallet."""
    return Counter(wallet for flow in edges for wallet in (flow.sender, flow.recipient))


def _is_hub(wallet: WalkWallet, direction: Direction) -> bool:
    return (direction is not Direction.IN and wallet.flows_out >= HUB_FLOWS) or (
        direction is not Direction.OUT and wallet.flows_in >= HUB_FLOWS
    )


def _in_turn(
    nodes: list[NetworkNode], flows: dict[AccountId, list[FlowRow]]
) -> Iterator[tuple[NetworkNode, FlowRow]]:
    """The first flow of each wallet, then the second of each that has one, and so on."""
    longest = max((len(flows[node.wallet.id]) for node in nodes), default=0)
    for place in range(longest):
        for node in nodes:
            if place < len(flows[node.wallet.id]):
                yield node, flows[node.wallet.id][place]
