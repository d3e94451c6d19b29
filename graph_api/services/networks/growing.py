"""The surroundings of a wallet: the strongest flows around it, level by level, within limits.

A network is drawn: it has a most of edges, of each wallet the strongest, shared out fairly among
the wallets of a level. Services and hubs are shown but not gone on from, and every wallet tells how
many of its flows are hidden, and behind which of them it is gone on from.
"""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from graph_api.domain.errors import BadInput, GraphApiError, TooCostly
from graph_api.domain.ids import AccountId, chain_id_of
from graph_api.services.as_of import AsOf
from graph_api.services.networks.answers import Network, NetworkNode, all_of, ends
from graph_api.services.networks.questions import NetworkQuestion
from graph_api.services.networks.reading import FlowSource, Now, Strongest, wish_of
from graph_api.services.networks.then import Then
from graph_api.services.walks import Stop
from graph_api.store import chains, walks
from graph_api.store.flows import FlowRow
from graph_api.store.graph import Graph

#: How many flows one network reads of wallets that are no hubs, before it goes on from no more.
BUDGET: Final = 20_000


async def around(
    graph: Graph, questions: list[NetworkQuestion], *, now: datetime
) -> dict[NetworkQuestion, Network | GraphApiError]:
    """The network of each question; none where its centre is not in the graph."""
    found = await asyncio.gather(*(_answer(graph, asked, now) for asked in questions))
    answers = zip(questions, found, strict=True)
    return {asked: answer for asked, answer in answers if answer is not None}


async def nodes(graph: Graph, found: list[Network]) -> dict[Network, list[NetworkNode]]:
    """All wallets of each network in the order in which they were reached."""
    moments = {network.at: list[Network]() for network in found}
    for network in found:
        moments[network.at].append(network)
    answers: dict[Network, list[NetworkNode]] = {}
    for at, some in moments.items():
        ids = {wallet: None for network in some for wallet in network.outermost}
        known = await walks.wallets(graph, list(ids), at=at)
        for network in some:
            answers[network] = [*network.inner, *_outermost(network, known)]
    return answers


async def rests_on(graph: Graph, found: list[Network]) -> dict[Network, AsOf]:
    """What the totals of each network are of; of now, all that is loaded."""
    chain = {network: chain_id_of(network.question.centre) for network in found}
    loaded = await chains.by_ids(graph, list(dict.fromkeys(chain.values())))
    answers = {}
    for network, id in chain.items():
        block = network.block if network.question.is_of_then else loaded[id].last_block
        answers[network] = AsOf(chain=id, block=block, at=network.at)
    return answers


def _outermost(network: Network, known: dict[AccountId, walks.WalkWallet]) -> list[NetworkNode]:
    shown = ends(network.edges, network.outermost)
    found = []
    for wallet in network.outermost:
        if wallet in known:
            total = None if network.question.is_of_then else all_of(known[wallet])
            node = NetworkNode(
                wallet=known[wallet], hops=network.hops, total=total, shown=shown[wallet]
            )
            node.stop = Stop.DEPTH if node.hidden else None
            found.append(node)
    return found


async def _answer(
    graph: Graph, asked: NetworkQuestion, now: datetime
) -> Network | GraphApiError | None:
    try:
        asked.check()
        if not asked.is_of_then:
            return await _Growth(graph, asked, Now(graph, asked), at=now).grown()
        then = await Then.of(graph, asked)
        at = now if asked.as_of is None else min(asked.as_of, now)
        network = await _Growth(graph, asked, then, at=at).grown()
    except (BadInput, TooCostly) as refusal:
        return refusal
    return None if network is None else then.told(network)


class _Growth:
    """One network while it grows."""

    def __init__(
        self, graph: Graph, asked: NetworkQuestion, source: FlowSource, *, at: datetime
    ) -> None:
        self._graph, self._asked, self._source, self._at = graph, asked, source, at
        self._place = wish_of(asked).place
        self._nodes: dict[AccountId, NetworkNode] = {}
        self._edges: dict[str, FlowRow] = {}
        self._budget = BUDGET

    async def grown(self) -> Network | None:
        """Grow level by level. Raises: TooCostly."""
        level = await self._add([self._asked.centre], hops=0)
        if not level:
            return None
        new: list[AccountId] = []
        for hops in range(1, self._asked.depth + 1):
            if hops > 1:
                level = await self._add(new, hops=hops - 1)
            chosen = [node for node in level if self._is_passed(node)]
            new = self._take(chosen, await self._flows(chosen))
        shown = ends(self._edges.values(), self._nodes)
        for node in self._nodes.values():
            node.shown = shown[node.wallet.id]
        return Network(
            question=self._asked,
            inner=list(self._nodes.values()),
            outermost=new,
            hops=self._asked.depth,
            edges=list(self._edges.values()),
            at=self._at,
        )

    async def _add(self, wallets: list[AccountId], *, hops: int) -> list[NetworkNode]:
        found = await walks.wallets(self._graph, wallets, at=self._at)
        rows = [found[wallet] for wallet in wallets if wallet in found]
        level = [NetworkNode(wallet=row, hops=hops, total=self._source.total(row)) for row in rows]
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

    async def _flows(self, nodes: list[NetworkNode]) -> dict[AccountId, Strongest]:
        """The strongest flows of each wallet, one more than are shown, without those that are."""
        asked = self._asked
        if not nodes:
            return {}
        limit = asked.per_wallet + len(asked.without) + 1
        after = asked.after if nodes[0].wallet.id == asked.centre else None
        found = await self._source.strongest(nodes, limit=limit, after=after)
        for node in nodes:
            flows, cut = found[node.wallet.id]
            kept = [flow for flow in flows if flow.id not in asked.without]
            node.stop, node.after = (Stop.BUDGET, cut) if cut is not None else (node.stop, None)
            if len(kept) > asked.per_wallet:
                kept = kept[: asked.per_wallet]
                node.stop = node.stop or Stop.EDGES
                node.after = self._place(kept[-1])
            found[node.wallet.id] = Strongest(kept, cut)
        return found

    def _take(self, nodes: list[NetworkNode], flows: dict[AccountId, Strongest]) -> list[AccountId]:
        """Make edges of flows until there are enough; the wallets that are new by them.

        The strongest of each wallet come first, then the second strongest of each, and so on.
        """
        new: dict[AccountId, None] = {}
        full: set[AccountId] = set()
        for node, place in _in_turn(nodes, flows):
            own = flows[node.wallet.id].flows
            flow = own[place]
            if flow.id in self._edges:
                continue
            if len(self._edges) >= self._asked.max_edges:
                if node.wallet.id not in full:
                    full.add(node.wallet.id)
                    node.stop = Stop.EDGES
                    is_centre = node.wallet.id == self._asked.centre
                    start = self._asked.after if is_centre else None
                    node.after = self._place(own[place - 1]) if place else start
                continue
            self._edges[flow.id] = flow
            both = (flow.sender, flow.recipient)
            new.update((wallet, None) for wallet in both if wallet not in self._nodes)
        return list(new)


def _in_turn(
    nodes: list[NetworkNode], flows: dict[AccountId, Strongest]
) -> Iterator[tuple[NetworkNode, int]]:
    """The first flow of each wallet, then the second of each that has one, and so on."""
    longest = max((len(flows[node.wallet.id].flows) for node in nodes), default=0)
    for place in range(longest):
        for node in nodes:
            if place < len(flows[node.wallet.id].flows):
                yield node, place
