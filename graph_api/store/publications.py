"""What people have published in the graph: one node each, with roads to what it speaks of.

The statements of a kind stand in one folder: ``put`` and ``remove`` for the node, ``untie`` for
roads, and one for each kind of road.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from graph_api.store.graph import Graph, Row, Writing

_AT_ONCE: Final = 1_000


async def put(
    graph: Graph,
    kind: str,
    id: str,
    *,
    properties: dict[str, Any],
    roads: Mapping[str, Sequence[Row]],
) -> None:
    """Write one and its roads, each kind by its statement, in place of what is there of it."""
    await remove(graph, kind, id)

    async def itself(writing: Writing) -> None:
        await writing.run(f"{kind}/put", id=id, **properties)

    await graph.write(itself)
    for name, rows in roads.items():
        for start in range(0, len(rows), _AT_ONCE):
            some = list(rows[start : start + _AT_ONCE])

            async def tie(writing: Writing, name: str = name, some: list[Row] = some) -> None:
                await writing.run(f"{kind}/{name}", id=id, rows=some)

            await graph.write(tie)


async def remove(graph: Graph, kind: str, id: str) -> None:
    """Take one and its roads away."""

    async def untie(writing: Writing) -> int:
        rows = await writing.run(f"{kind}/untie", id=id, limit=_AT_ONCE)
        return int(rows[0]["gone"])

    while await graph.write(untie):
        pass

    async def itself(writing: Writing) -> None:
        await writing.run(f"{kind}/remove", id=id)

    await graph.write(itself)
