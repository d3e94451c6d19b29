"""Clusters on terms of somebody's own in the graph: one node each, with roads to its wallets."""

from collections.abc import Sequence
from typing import Any, Final

from graph_api.store import publications
from graph_api.store.graph import Graph, Row

_KIND: Final = "replays"


async def put(graph: Graph, id: str, *, properties: dict[str, Any], wallets: Sequence[Row]) -> None:
    """Write a replay and its roads, in place of what is there of it."""
    await publications.put(graph, _KIND, id, properties=properties, roads={"place": wallets})


async def remove(graph: Graph, id: str) -> None:
    """Take a replay and its roads away."""
    await publications.remove(graph, _KIND, id)
