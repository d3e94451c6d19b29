"""Where the flows of a network come from: something that knows them, such as totals of now."""

from typing import NamedTuple, Protocol

from graph_api.domain.errors import TooCostly
from graph_api.domain.ids import AccountId
from graph_api.services.networks.answers import NetworkNode, Sides, all_of
from graph_api.services.networks.questions import NetworkQuestion
from graph_api.store import walks
from graph_api.store.flows import HUB_BUDGET, FlowDegree, FlowRow
from graph_api.store.graph import Graph
from graph_api.store.ledger.shelves import HUB_FLOWS
from graph_api.store.transfers import Direction
from graph_api.store.walks import FlowPlace, FlowWish, WalkWallet


class Strongest(NamedTuple):
    """Flows of a wallet, the strongest first. Behind ``cut`` nobody looked."""

    flows: list[FlowRow]
    cut: FlowPlace | None = None


class FlowSource(Protocol):
    """Something that knows flows of wallets."""

    def total(self, wallet: WalkWallet) -> Sides | None:
        """All that a wallet has, as far as it is known before its flows are read."""

    async def strongest(
        self, nodes: list[NetworkNode], *, limit: int, after: FlowPlace | None
    ) -> dict[AccountId, Strongest]:
        """Up to ``limit`` flows of each wallet; one that cannot be told stops there."""


class Now:
    """The totals that are kept."""

    def __init__(self, graph: Graph, asked: NetworkQuestion) -> None:
        self._graph, self._wish = graph, wish_of(asked)

    def total(self, wallet: WalkWallet) -> Sides | None:
        """What the wallet says itself."""
        return all_of(wallet)

    async def strongest(
        self, nodes: list[NetworkNode], *, limit: int, after: FlowPlace | None
    ) -> dict[AccountId, Strongest]:
        """The strongest flows of each wallet. Raises: TooCostly."""
        hubs = [node for node in nodes if _is_hub(node.wallet, self._wish.direction)]
        small = [node.wallet.id for node in nodes if node not in hubs]
        rows = await walks.strongest(self._graph, small, self._wish, limit=limit, after=after)
        found = {wallet: Strongest(flows) for wallet, flows in rows.items()}
        for hub in hubs:
            found[hub.wallet.id] = await self._of_hub(hub, limit, after)
        return found

    async def _of_hub(self, node: NetworkNode, limit: int, after: FlowPlace | None) -> Strongest:
        if self._wish.by_amount:
            raise TooCostly(
                f"{node.wallet.id} has too many flows to sort them by amount; order by transfers."
            )
        degree = FlowDegree(node.wallet.id, node.wallet.flows_in, node.wallet.flows_out)
        flows, cut = await walks.busiest_of_hub(
            self._graph, degree, self._wish, limit=limit, budget=HUB_BUDGET, after=after
        )
        return Strongest(flows, cut)


def wish_of(asked: NetworkQuestion) -> FlowWish:
    """Which flows are wanted."""
    return FlowWish(
        direction=asked.direction,
        token=asked.token,
        since=asked.since,
        by_amount=asked.by_amount,
    )


def _is_hub(wallet: WalkWallet, direction: Direction) -> bool:
    return (direction is not Direction.IN and wallet.flows_out >= HUB_FLOWS) or (
        direction is not Direction.OUT and wallet.flows_in >= HUB_FLOWS
    )
