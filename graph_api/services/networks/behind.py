"""What is folded behind the nodes of a network: flows, transfers and wallets that are not shown."""

from collections.abc import Iterable
from typing import Final

from graph_api.services.networks.answers import NetworkNode, Sides
from graph_api.store import walks
from graph_api.store.graph import Graph

#: With more flows than this nobody counts the wallets on the other sides; nor of more in all.
MOST_FLOWS: Final = 20_000


async def behind(graph: Graph, found: list[NetworkNode]) -> dict[NetworkNode, Sides]:
    """What is behind each node; nothing is told of one whose flows of then nobody counted.

    Wallets are counted of the nodes with the fewest flows first, as far as the budget goes.
    """
    known = [node for node in found if node.total is not None]
    counted = await walks.partners(graph, [node.wallet.id for node in _to_count(known)])
    answers = {}
    for node in known:
        total = node.total
        assert total is not None
        if (row := counted.get(node.wallet.id)) is not None and _lacks_wallets(node):
            total = Sides(
                total.incoming._replace(wallets=row.senders),
                total.outgoing._replace(wallets=row.recipients),
            )
        rest = total.less(node.shown)
        answers[node] = rest if node.hidden else _with_nobody(rest)
    return answers


def _lacks_wallets(node: NetworkNode) -> bool:
    return node.total is not None and node.total.incoming.wallets is None


def _to_count(nodes: Iterable[NetworkNode]) -> list[NetworkNode]:
    left = MOST_FLOWS
    chosen = []
    wanted = [node for node in nodes if node.hidden and _lacks_wallets(node)]
    for node in sorted(wanted, key=lambda node: (node.wallet.flows, node.wallet.id)):
        left -= node.wallet.flows
        if left < 0:
            break
        chosen.append(node)
    return chosen


def _with_nobody(rest: Sides) -> Sides:
    """All flows are shown: behind them are at most transfers that nobody sent."""
    return Sides(rest.incoming._replace(wallets=0), rest.outgoing._replace(wallets=0))
