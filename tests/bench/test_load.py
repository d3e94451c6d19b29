"""The load bench, tiny: the bare loop writes what a load has written, and nothing less."""

from pathlib import Path

import pytest

from bench import loop
from bench.engines import size
from bench.load import Case, load
from bench.loop import TOTALS, Recording
from bench.synthetic import write_transfers
from graph_api.store.graph import Graph
from tests.conftest import empty

BATCH = 300


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """Files of which every batch touches flows and holdings of the batches before."""
    made = write_transfers(tmp_path / "files", transfers=1_000, wallets=60)
    return Case("tiny", tuple(made), ("ethereum",))


async def values(graph: Graph) -> dict[str, list[object]]:
    """Every property of every node of the ledger."""
    rows = await graph.run_alone(
        "MATCH (n) WHERE NOT n:Migration AND NOT n:Lease AND NOT n:Checkpoint "
        "RETURN labels(n)[0] AS label, properties(n) AS properties"
    )
    found: dict[str, list[object]] = {}
    for row in rows:
        found.setdefault(row["label"], []).append(sorted(row["properties"].items()))
    return {label: sorted(some, key=str) for label, some in found.items()}


async def test_the_loop_ends_with_the_graph_of_the_load(graph: Graph, case: Case) -> None:
    recording = Recording()
    with recording.running():
        await load(graph, case, batch=BATCH)
    loaded, sizes = await values(graph), await size(graph)

    await empty(graph)
    await loop.write(graph, recording.batches())

    assert await size(graph) == sizes
    assert await values(graph) == loaded
    assert recording.spent["ledger/create_moved_transfers"].rows == len(loaded["Transfer"]) == 1_000


async def test_the_loop_of_facts_leaves_out_totals_alone(graph: Graph, case: Case) -> None:
    recording = Recording()
    with recording.running():
        await load(graph, case, batch=BATCH)
    loaded = await values(graph)

    await empty(graph)
    await loop.write(graph, recording.batches(without=TOTALS))

    left = await values(graph)
    assert loaded.keys() - left.keys() == {"Flow", "Holding", "Chain"}
    assert all(left[label] == loaded[label] for label in left)


async def test_a_batch_is_one_transaction_and_names_all_that_it_touches(
    graph: Graph, case: Case
) -> None:
    recording = Recording()
    with recording.running():
        await load(graph, case, batch=BATCH)

    batches = [dict(batch) for batch in recording.batches()]

    moved = [len(batch["ledger/create_moved_transfers"]) for batch in batches[1:]]
    assert moved[:-1] == [BATCH] * (len(moved) - 1)
    assert "ledger/set_holdings" in batches[-1]
    assert "ledger/set_wallets" in batches[-1]
