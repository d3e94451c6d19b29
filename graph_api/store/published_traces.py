"""Traces in the graph: one node each, with roads to the wallets and transfers of its value."""

from collections.abc import Sequence
from typing import Any, Final

from graph_api.store import publications
from graph_api.store.graph import Graph, Row

_KIND: Final = "traces"


async def put(
    graph: Graph,
    id: str,
    *,
    properties: dict[str, Any],
    wallets: Sequence[Row],
    transfers: Sequence[Row],
) -> None:
    """Write a trace and its roads, in place of what is there of it."""
    roads = {"tie_wallets": wallets, "tie_transfers": transfers}
    await publications.put(graph, _KIND, id, properties=properties, roads=roads)


async def remove(graph: Graph, id: str) -> None:
    """Take a trace and its roads away."""
    await publications.remove(graph, _KIND, id)
