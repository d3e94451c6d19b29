"""Any order, overlap, batch size or packing of the same files ends in the same graph."""

import gzip
from collections.abc import Sequence
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some

from graph_api.domain.events import Event, Line, Topic
from graph_api.domain.ids import ChainId
from graph_api.store.graph import Graph
from tests.conftest import empty
from tests.given import ETHEREUM, difference, snapshot
from tests.ingest.export import TABLES, csv_file, export, transfer_rows, written
from tests.ingest.loading import announced, loaded


async def one_by_one(
    graph: Graph, files: Sequence[Path], *, batch: int = 4_000, rejects: Path
) -> None:
    """Each file in a load of its own, so that their order is the one that is given."""
    for file in files:
        await loaded(graph, file, batch=batch, rejects=rejects)


@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    seed=some.integers(0, 1_000),
    order=some.permutations(TABLES),
    batch=some.sampled_from([2, 7, 4_000]),
)
async def test_tables_in_any_order_and_batches_make_one_graph(
    graph: Graph,
    tmp_path_factory: pytest.TempPathFactory,
    *,
    seed: int,
    order: Sequence[str],
    batch: int,
) -> None:
    folder = tmp_path_factory.mktemp("export")
    files = written(folder, export(seed, transactions=16))
    await empty(graph)
    await loaded(graph, folder, rejects=folder / "rejects")
    together = await snapshot(graph)
    await empty(graph)

    await one_by_one(graph, [files[name] for name in order], batch=batch, rejects=folder / "r")

    assert difference(together, await snapshot(graph)) == ""


async def test_a_failed_payment_never_counts_whichever_file_comes_first(
    graph: Graph, tmp_path: Path
) -> None:
    files = written(tmp_path, export(3, transactions=40))
    failed = {
        row["transaction_hash"]
        for row in export(3, transactions=40)["receipts"]
        if row["status"] == 0
    }
    assert failed
    for order in (("transactions", "receipts"), ("receipts", "transactions")):
        await empty(graph)
        await one_by_one(graph, [files[name] for name in order], rejects=tmp_path / "r")
        moved = await graph.run_alone("MATCH (t:Transfer) RETURN t.transaction AS id")
        assert failed.isdisjoint(str(row["id"]).rpartition(":")[2] for row in moved)


async def test_overlapping_files_add_nothing_twice(graph: Graph, tmp_path: Path) -> None:
    rows = list(transfer_rows(1, rows=300))
    whole = csv_file(tmp_path / "whole.csv", rows)
    parts = [
        csv_file(tmp_path / f"part{number}.csv", rows[first : first + 150])
        for number, first in enumerate((150, 0, 75))
    ]
    (clean,) = await loaded(graph, whole, rejects=tmp_path / "r")
    once = await snapshot(graph)
    assert (clean.read, clean.written, clean.known) == (300, 300, 0)
    await empty(graph)

    counts = await loaded(graph, *parts, rejects=tmp_path / "r", batch=40)

    assert difference(once, await snapshot(graph)) == ""
    assert [one.written + one.known for one in counts] == [150, 150, 150]
    assert sum(one.written for one in counts) == 300


async def test_the_same_content_packed_otherwise_is_known_as_a_whole(
    graph: Graph, tmp_path: Path
) -> None:
    plain = csv_file(tmp_path / "plain.csv", list(transfer_rows(2, rows=90)))
    content = plain.read_bytes()
    packed = tmp_path / "packed.csv.gz"
    packed.write_bytes(gzip.compress(content))
    squeezed = tmp_path / "squeezed.csv.zst"
    squeezed.write_bytes(zstandard.compress(content))
    (first,) = await loaded(graph, plain, rejects=tmp_path / "r")
    before = await snapshot(graph)

    for file in (packed, squeezed, plain):
        (again,) = await loaded(graph, file, rejects=tmp_path / "r")
        assert (again.read, again.written, again.known) == (90, 0, 90)
    assert (first.written, await snapshot(graph)) == (90, before)


async def test_rows_without_a_hash_are_loaded_once_per_content_or_name(
    graph: Graph, tmp_path: Path
) -> None:
    rows = [
        {"from": row["from_address"], "to": row["to_address"], "value": 5}
        for row in transfer_rows(2, rows=20)
    ]
    file = csv_file(tmp_path / "plain.csv", rows)
    for batch in (3, 4_000):
        await loaded(graph, file, rejects=tmp_path / "r", batch=batch)
    await loaded(graph, file, rejects=tmp_path / "r", dataset="named")

    (count,) = await graph.run_alone("MATCH (t:Transfer) RETURN count(*) AS n")

    assert count["n"] == 40


async def test_rows_without_a_hash_are_known_again_whatever_the_options(
    graph: Graph, tmp_path: Path
) -> None:
    rows = [
        {"from": row["from_address"], "to": row["to_address"], "value": 5}
        for row in transfer_rows(2, rows=60)
    ]
    part = csv_file(tmp_path / "part.csv", rows[:30])
    whole = csv_file(tmp_path / "whole.csv", rows)
    await loaded(graph, whole, rejects=tmp_path / "r", dataset="named")
    before = await snapshot(graph)
    await empty(graph)

    counts = [
        await loaded(graph, part, rejects=tmp_path / "r", batch=20, dataset="named"),
        await loaded(graph, part, rejects=tmp_path / "r", batch=20, dataset="named", decimals=3),
        await loaded(graph, whole, rejects=tmp_path / "r", batch=20, dataset="named"),
    ]

    assert [(one.written, one.known) for (one,) in counts] == [(30, 0), (0, 30), (30, 30)]
    assert difference(before, await snapshot(graph)) == ""


async def test_a_load_tells_what_is_new_once_in_order_and_only_when_asked(
    graph: Graph, tmp_path: Path
) -> None:
    files = written(tmp_path / "export", export(5, transactions=40))
    rejects = tmp_path / "rejects"
    await loaded(graph, files["transactions"], rejects=rejects)
    silent = await told(graph)
    payments = await transfer_ids(graph)

    await loaded(graph, tmp_path / "export", announce=True, batch=7, rejects=rejects)
    first = await told(graph)
    await loaded(graph, tmp_path / "export", announce=True, rejects=rejects)
    await loaded(graph, *files.values(), announce=True, batch=11, rejects=rejects)

    assert silent == []
    ids = [event.body["id"] for event in first]
    # What was loaded in silence is no news any more, all else is told once.
    assert sorted(ids) == sorted(await transfer_ids(graph) - payments)
    assert {event.topic for event in first} == {Topic.TRANSFER_SEEN}
    assert await told(graph) == first
    # A batch is told in the order of its chain.
    blocks = [event.body["block_number"] for event in first[:7]]
    assert blocks == sorted(blocks)


async def told(graph: Graph) -> list[Event]:
    return await announced(graph, Line.TRANSFERS, ChainId(ETHEREUM.id))


async def transfer_ids(graph: Graph) -> set[str]:
    _, rows = await graph.read_values("MATCH (t:Transfer) RETURN t.id AS id", {})
    return {row[0] for row in rows}
