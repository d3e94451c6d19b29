"""Traces in the graph: one node each, with roads to the wallets and transfers of its value."""

from collections.abc import Sequence
from typing import Any, Final

from graph_api.store.graph import Graph, Row, Writing

_AT_ONCE: Final = 1_000


async def put(
    graph: Graph,
    id: str,
    *,
    properties: dict[str, Any],
    wallets: Sequence[Row],
    transfers: Sequence[Row],
) -> None:
    """Write a trace and its roads, in place of what is there of it."""
    await remove(graph, id)

    async def itself(writing: Writing) -> None:
        await writing.run("traces/put", id=id, **properties)

    await graph.write(itself)
    for name, rows in (("traces/tie_wallets", wallets), ("traces/tie_transfers", transfers)):
        for start in range(0, len(rows), _AT_ONCE):
            some = list(rows[start : start + _AT_ONCE])

            async def tie(writing: Writing, name: str = name, some: list[Row] = some) -> None:
                await writing.run(name, id=id, rows=some)

            await graph.write(tie)


async def remove(graph: Graph, id: str) -> None:
    """Take a trace and its roads away."""

    async def untie(writing: Writing) -> int:
        rows = await writing.run("traces/untie", id=id, limit=_AT_ONCE)
        return int(rows[0]["gone"])

    while await graph.write(untie):
        pass

    async def itself(writing: Writing) -> None:
        await writing.run("traces/remove", id=id)

    await graph.write(itself)
