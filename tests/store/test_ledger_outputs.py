"""Outputs in any order: the same holdings, also where only the spend tells whose they were."""

from itertools import permutations
from pathlib import Path

import msgspec

from graph_api.domain.records import UtxoTransaction
from graph_api.store.graph import Graph
from graph_api.store.ledger.recompute import Recount
from tests.conftest import empty
from tests.given import Ledger, difference, snapshot
from tests.store.test_ledger_recompute import coins


def chained() -> list[UtxoTransaction]:
    """Two transactions in a row. The owner of the first output shows when it is spent."""
    first, second = coins()
    nameless = msgspec.structs.replace(first.outputs[0], owner=None)
    return [msgspec.structs.replace(first, outputs=(nameless, first.outputs[1])), second]


async def test_the_order_of_transactions_does_not_matter(graph: Graph, tmp_path: Path) -> None:
    graphs = []
    for order in permutations(chained()):
        await empty(graph)
        async with Ledger.open(graph) as ledger:
            for transaction in order:
                await ledger.write(transaction)
        graphs.append(await snapshot(graph))
    await empty(graph)
    async with Ledger.open(graph) as ledger:
        await ledger.write(*chained())
    graphs.append(await snapshot(graph))

    assert [difference(graphs[0], other) for other in graphs[1:]] == ["", ""]
    assert [str(one) async for one in Recount(graph, tmp_path).differences()] == []
