"""Who moved value with wallets, as far as what is loaded can tell."""

from datetime import datetime

from graph_api.domain.errors import BadInput, GraphApiError
from graph_api.domain.ids import ChainId, TokenId, chain_of_id
from graph_api.store import blocks, flows
from graph_api.store.flows import CounterpartyRow, FlowDegree
from graph_api.store.graph import Graph
from graph_api.store.transfers import Direction


async def counterparties(
    graph: Graph,
    wallets: list[FlowDegree],
    *,
    first: int,
    direction: Direction = Direction.BOTH,
    token: TokenId | None = None,
    since: datetime | None = None,
) -> dict[FlowDegree, list[CounterpartyRow] | GraphApiError]:
    """As ``flows.counterparties``; where no time is known, ``since`` is refused: an empty list
    would say that nobody moved anything.
    """
    refused: dict[FlowDegree, list[CounterpartyRow] | GraphApiError] = {}
    if since is not None:
        untimed = await _untimed(graph, wallets)
        refused = {one: untimed[chain] for one in wallets if (chain := _chain(one)) in untimed}
    asked = [one for one in wallets if one not in refused]
    found = await flows.counterparties(
        graph, asked, first=first, direction=direction, token=token, since=since
    )
    return {**found, **refused}


async def _untimed(graph: Graph, wallets: list[FlowDegree]) -> dict[ChainId, BadInput]:
    refusals: dict[ChainId, BadInput] = {}
    for chain in {_chain(one) for one in wallets}:
        try:
            await blocks.require_times(graph, [chain])
        except BadInput as refusal:
            refusals[chain] = refusal
    return refusals


def _chain(degree: FlowDegree) -> ChainId:
    return ChainId(chain_of_id(degree.wallet).id)
