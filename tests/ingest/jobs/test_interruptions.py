"""Whatever ends a load, the same command goes on, and the graph equals one clean load."""

import asyncio
import signal
from pathlib import Path
from random import Random
from typing import Final

import pytest

from graph_api.store.graph import Graph
from tests.conftest import empty
from tests.given import difference, snapshot
from tests.ingest.export import Row, csv_file, export, transfer_rows, written
from tests.ingest.loading import DESKGRAPH, load_apart, loaded, loader

ROWS: Final = 600
BATCH: Final = "30"


#: What a command says that was asked to stop once.
STOPPED: Final = [
    "Stopping after the step in flight; a second signal stops at once.",
    "Interrupted; what was finished stays, and the same command goes on.",
]


def with_bad_rows(rows: list[Row]) -> list[Row]:
    """Every seventh row names no address."""
    return [
        row | {"to_address": "0x123"} if number % 7 == 0 else row for number, row in enumerate(rows)
    ]


async def free(graph: Graph) -> bool:
    """Whether nobody holds a lease."""
    rows = await graph.run_alone("MATCH (l:Lease) WHERE l.holder IS NOT NULL RETURN l.id AS id")
    return not rows


def rejects_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (folder / "rejects").iterdir()}


async def test_killed_at_any_batch_a_load_ends_like_a_clean_one(
    graph: Graph, tmp_path: Path
) -> None:
    random = Random(4)
    data = tmp_path / "data"
    written(data, export(11, transactions=40))
    csv_file(data / "more.csv", with_bad_rows(list(transfer_rows(5, rows=ROWS))))
    arguments = (data, "--chain", "ethereum", "--batch", BATCH, "--json")
    clean = await load_apart(graph.address, tmp_path / "clean", *arguments)
    assert clean.code == 0, clean.err
    once = await snapshot(graph)
    await empty(graph)

    kills = 0
    while kills < 3:
        async with loader(graph.address, tmp_path / "home", *arguments) as running:
            if await running.batches(random.randint(1, 8)):
                running.send(signal.SIGKILL)
                kills += 1
            assert (await running.ended()).code in (-signal.SIGKILL, 0)
    last = await load_apart(graph.address, tmp_path / "home", *arguments)

    assert last.code == 0, last.err
    assert difference(once, await snapshot(graph)) == ""
    assert rejects_of(tmp_path / "home") == rejects_of(tmp_path / "clean")
    counted = await graph.run_alone(
        "MATCH (c:Checkpoint) RETURN sum(c.read) AS read, sum(c.written) AS written, "
        "sum(c.known) AS known, sum(c.rejected) AS rejected, min(c.done) AS done"
    )
    sums = {name: clean.totals[name] for name in ("read", "written", "known", "rejected")}
    assert counted == [sums | {"done": True}]


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
async def test_an_interrupt_gives_the_turn_back_and_says_how_to_go_on(
    graph: Graph, tmp_path: Path, stop: signal.Signals
) -> None:
    file = csv_file(tmp_path / "transfers.csv", with_bad_rows(list(transfer_rows(5, rows=ROWS))))
    arguments = (file, "--chain", "ethereum", "--batch", BATCH, "--json")

    async with loader(graph.address, tmp_path, *arguments, module=DESKGRAPH) as running:
        assert await running.batches(3)
        running.send(stop)
        ended = await running.ended()

    assert ended.code == 128 + stop
    assert ended.sentences == STOPPED
    assert await free(graph)
    (left,) = await graph.run_alone("MATCH (c:Checkpoint) RETURN c.row AS row, c.done AS done")
    assert 90 <= left["row"] < ROWS
    assert not left["done"]
    again = await load_apart(graph.address, tmp_path, *arguments)
    (dataset,) = again.totals["datasets"]
    assert dataset["resumed_after"] == left["row"]
    assert dataset["read"] == ROWS - left["row"]
    assert dataset["read"] == dataset["written"] + dataset["known"] + dataset["rejected"]
    assert len(rejects_of(tmp_path).popitem()[1].splitlines()) == len(range(0, ROWS, 7))


async def test_rejects_are_whole_even_where_the_file_was_lost(graph: Graph, tmp_path: Path) -> None:
    rows = with_bad_rows(list(transfer_rows(5, rows=ROWS)))
    file = csv_file(tmp_path / "transfers.csv", rows)
    arguments = (file, "--chain", "ethereum", "--batch", BATCH, "--json")
    async with loader(graph.address, tmp_path / "one", *arguments) as running:
        assert await running.batches(4)
        running.send(signal.SIGKILL)
        await running.ended()

    again = await load_apart(graph.address, tmp_path / "other", *arguments)

    (dataset,) = again.totals["datasets"]
    assert dataset["resumed_after"] >= 120
    assert dataset["rejects_file"] == str(next((tmp_path / "other" / "rejects").iterdir()))
    lines = rejects_of(tmp_path / "other").popitem()[1].splitlines()
    assert len(lines) == len(set(lines)) == len(range(0, ROWS, 7))


async def test_eight_loaders_at_once_take_turns(graph: Graph, tmp_path: Path) -> None:
    rows = list(transfer_rows(6, rows=400))
    files = [
        csv_file(tmp_path / f"{number}.csv", rows[first : first + 120])
        for number, first in enumerate((0, 40, 80, 120, 160, 200, 240, 280))
    ]
    await loaded(graph, *files, rejects=tmp_path / "r")
    once = await snapshot(graph)
    await empty(graph)
    waited: list[str] = []

    ends = await asyncio.gather(
        *(
            loaded(graph, file, rejects=tmp_path / "r", batch=25, waiting=waited.append)
            for file in files
        )
    )

    assert difference(once, await snapshot(graph)) == ""
    assert sum(end.written for (end,) in ends) == 400
    assert {(end.read, end.rejected) for (end,) in ends} == {(120, 0)}
    assert waited == ["eip155:1"] * 7
    assert await free(graph)


async def test_eight_processes_at_once_take_turns(graph: Graph, tmp_path: Path) -> None:
    rows = with_bad_rows(list(transfer_rows(6, rows=400)))
    files = [
        csv_file(tmp_path / f"{number}.csv", rows[first : first + 120])
        for number, first in enumerate(range(0, 320, 40))
    ]
    await loaded(graph, *files, rejects=tmp_path / "r")
    once = await snapshot(graph)
    await empty(graph)
    arguments = ("--chain", "ethereum", "--batch", "25", "--json")

    ends = await asyncio.gather(
        *(load_apart(graph.address, tmp_path, file, *arguments) for file in files)
    )

    assert [end.code for end in ends] == [0] * 8, [end.err for end in ends]
    assert difference(once, await snapshot(graph)) == ""
    bad = [len(range(-first % 7, 120, 7)) for first in range(0, 320, 40)]
    assert [end.totals["rejected"] for end in ends] == bad
    assert sum(end.totals["written"] for end in ends) == 400 - len(range(0, 400, 7))
    assert await free(graph)


async def test_one_file_twice_at_once_is_loaded_once(graph: Graph, tmp_path: Path) -> None:
    # Neither says the chain, so both begin, and they meet at the dataset.
    rows = [
        {"from": row["from_address"], "to": row["to_address"], "value": 5, "chain": "ethereum"}
        if number % 7
        else {"from": "0x1", "to": "0x2", "value": 5, "chain": "ethereum"}
        for number, row in enumerate(transfer_rows(7, rows=300))
    ]
    file = csv_file(tmp_path / "transfers.csv", rows)

    ends = await asyncio.gather(
        *(load_apart(graph.address, tmp_path, file, "--batch", "20", "--json") for _ in range(2))
    )

    assert [end.code for end in ends] == [0, 0], [end.err for end in ends]
    bad = len(range(0, 300, 7))
    assert sorted(end.totals["written"] for end in ends) == [0, 300 - bad]
    assert len(rejects_of(tmp_path).popitem()[1].splitlines()) == bad
    assert await graph.run_alone("MATCH (t:Transfer) RETURN count(*) AS n") == [{"n": 300 - bad}]
