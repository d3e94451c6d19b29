"""Faults of wire and engine: what was committed counts once, what was not comes again."""

import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest

from deskgraph.engines.arcadedb import FOLDER, embedded_graph
from deskgraph.engines.folder import EngineFolder
from graph_api.domain.errors import UpstreamUnavailable
from graph_api.settings import EmbeddedSettings
from graph_api.store import migrations
from graph_api.store.graph import Graph
from ingest.jobs.loading import Step
from tests.conftest import NOW, empty
from tests.given import difference, snapshot
from tests.ingest.export import csv_file, export, transfer_rows, written
from tests.ingest.loading import loaded
from tests.real.wire import wire_to


async def test_a_commit_whose_answer_is_lost_counts_once(graph: Graph, tmp_path: Path) -> None:
    written(tmp_path / "data", export(9, transactions=30))
    rows = [
        {"from": row["from_address"], "to": row["to_address"], "value": row["value"]}
        for row in transfer_rows(9, rows=120)
    ]
    csv_file(tmp_path / "data" / "nameless.csv", rows)
    clean = await loaded(graph, tmp_path / "data", rejects=tmp_path / "r", batch=10)
    once = await snapshot(graph)
    await empty(graph)

    async with wire_to(graph.address, every=5) as (address, wire):
        shaky = await Graph.open(address)
        counts = await loaded(shaky, tmp_path / "data", rejects=tmp_path / "r", batch=10)
        await shaky.close()

    assert wire.cuts >= 5
    assert difference(once, await snapshot(graph)) == ""
    assert counts == clean


async def test_a_graph_that_stays_away_ends_the_load_in_a_sentence(
    graph: Graph, tmp_path: Path
) -> None:
    file = csv_file(tmp_path / "transfers.csv", list(transfer_rows(9, rows=200)))
    async with wire_to(graph.address) as (address, wire):
        far = await Graph.open(address)

        def report(step: Step) -> None:
            if step.summary.written >= 60:
                wire.go_down()

        with pytest.raises(UpstreamUnavailable, match=r"^The graph does not answer; try again"):
            await loaded(
                far,
                file,
                rejects=tmp_path,
                batch=20,
                report=report,
                pauses_s=(),
                # Nobody hears that the turn is given back, and this process lives on.
                lease=timedelta(seconds=1),
            )
        await far.close()

    (rest,) = await loaded(graph, file, rejects=tmp_path)

    assert (rest.resumed_after, rest.read, rest.written) == (60, 140, 140)
    flows = await graph.run_alone("MATCH (f:Flow) RETURN sum(f.transfers) AS n")
    assert flows == [{"n": 200}]


async def test_a_load_outlives_an_engine_that_is_killed_and_comes_back(tmp_path: Path) -> None:
    file = csv_file(tmp_path / "transfers.csv", list(transfer_rows(9, rows=300)))
    home = tmp_path / "home"
    engine = embedded_graph(home, EmbeddedSettings(heap_mb=512), on_trouble=lambda *_: None)
    async with engine as address:
        graph = await Graph.open(address)
        await migrations.migrate(graph, now=NOW)
        killed: list[int] = []

        def report(step: Step) -> None:
            if step.summary.written >= 100 and not killed:
                killed.append(process_of(home))
                os.kill(killed[0], signal.SIGKILL)

        (counts,) = await loaded(graph, file, rejects=tmp_path, batch=20, report=report)

        assert process_of(home) != killed[0]
        assert (counts.read, counts.written, counts.known) == (300, 300, 0)
        flows = await graph.run_alone("MATCH (f:Flow) RETURN sum(f.transfers) AS n")
        await graph.close()
    assert flows == [{"n": 300}]


def process_of(home: Path) -> int:
    """The number of the engine's process."""
    note = EngineFolder(home, FOLDER).running()
    assert note is not None
    return note.pid
