"""SIGINT and SIGTERM: the step in flight is finished, everything is given back, and it goes on.

A wire holds a commit back, so that the signal comes while a step is truly in flight.
"""

import signal
from pathlib import Path
from typing import Final

import pytest

from deskgraph import connect
from graph_api.store import leases, migrations
from graph_api.store.graph import Graph
from graph_api.store.leases import ACTORS
from graph_api.store.ledger.writer import LEASE_LASTS
from tests.conftest import empty
from tests.given import address, difference, snapshot
from tests.ingest.export import csv_file, transfer_rows
from tests.ingest.jobs.test_interruptions import STOPPED, free
from tests.ingest.loading import DESKGRAPH, command, ended, load_apart, loaded, loader
from tests.real.wire import wire_to

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
BATCH: Final = 30
ADD: Final = (
    *("desks", "add", address("desk"), "--actor", "acme", "--name", "Acme", "--type", "otc_desk"),
    *("--chain", "ethereum", "--reason", "Its own page."),
)


async def checkpoint(graph: Graph) -> int:
    """The row that the only load has come to."""
    (row,) = await graph.run_alone("MATCH (c:Checkpoint) RETURN c.row AS row")
    return int(row["row"])


@pytest.mark.parametrize("stop", SIGNALS)
async def test_the_batch_in_flight_is_finished_and_no_other_begun(
    graph: Graph, tmp_path: Path, stop: signal.Signals
) -> None:
    file = csv_file(tmp_path / "transfers.csv", list(transfer_rows(5, rows=300)))
    await loaded(graph, file, rejects=tmp_path / "clean")
    clean = await snapshot(graph)
    await empty(graph)
    arguments = (file, "--chain", "ethereum", "--batch", str(BATCH), "--json")

    async with (
        wire_to(graph.address) as (far, wire),
        loader(far, tmp_path, *arguments, module=DESKGRAPH) as running,
    ):
        assert await running.batches(2)
        wire.hold()
        await wire.held.wait()
        before = await checkpoint(graph)
        running.send(stop)
        await running.says("Stopping after the step in flight")
        wire.let_go()
        interrupted = await running.ended()

    assert (interrupted.code, interrupted.sentences) == (128 + stop, STOPPED)
    assert await checkpoint(graph) == before + BATCH
    assert await free(graph)
    again = await load_apart(graph.address, tmp_path, *arguments)
    (dataset,) = again.totals["datasets"]
    assert (dataset["resumed_after"], dataset["written"]) == (before + BATCH, 270 - before)
    assert difference(clean, await snapshot(graph)) == ""


@pytest.mark.parametrize("stop", SIGNALS)
async def test_a_second_signal_does_not_wait(
    graph: Graph, tmp_path: Path, stop: signal.Signals
) -> None:
    file = csv_file(tmp_path / "transfers.csv", list(transfer_rows(5, rows=300)))
    await loaded(graph, file, rejects=tmp_path / "clean")
    clean = await snapshot(graph)
    await empty(graph)
    arguments = (file, "--chain", "ethereum", "--batch", str(BATCH), "--json")

    async with (
        wire_to(graph.address) as (far, wire),
        loader(far, tmp_path, *arguments, module=DESKGRAPH) as running,
    ):
        assert await running.batches(2)
        wire.hold()
        await wire.held.wait()
        before = await checkpoint(graph)
        running.send(signal.SIGINT)
        await running.says("Stopping after the step in flight")
        running.send(stop)
        stopped = await running.ended()

    assert stopped.code == 128 + stop
    assert stopped.sentences == [STOPPED[0], "Stopped at once; the same command goes on."]
    # Its leases are left, and nobody has to wait for them to expire.
    assert not await free(graph)
    again = await load_apart(graph.address, tmp_path, *arguments)
    assert again.totals["datasets"][0]["resumed_after"] == before
    assert again.sentences == []
    assert difference(clean, await snapshot(graph)) == ""


@pytest.mark.parametrize("arguments", [ADD, ("graph", "recompute")], ids=["desks", "recompute"])
async def test_whoever_waits_for_its_turn_can_be_stopped(
    graph: Graph, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    held = [
        await leases.take(graph, name, holder="else:1:1", now=connect.now(), lasts=LEASE_LASTS)
        for name in (ACTORS, "eip155:1")
    ]
    async with command(graph.address, tmp_path, "deskgraph", *arguments) as running:
        await running.says("Another process")
        running.send(signal.SIGTERM)
        stopped = await running.ended()

    assert (stopped.code, stopped.sentences[1:]) == (143, STOPPED)
    for lease in held:
        assert lease is not None
        await leases.release(graph, lease)
    assert await free(graph)
    assert (await ended(graph.address, tmp_path, *arguments)).code == 0


@pytest.mark.parametrize("commit", [2, 3, 4], ids=["before", "write", "after"])
async def test_an_edit_is_in_graph_and_audit_or_in_neither(
    graph: Graph, tmp_path: Path, commit: int
) -> None:
    name = ("--change-id", "0190163d-8694-739b-aea5-966c26f8ad91")
    async with (
        wire_to(graph.address) as (far, wire),
        command(far, tmp_path, "deskgraph", *ADD, *name) as running,
    ):
        wire.hold(commit)
        await wire.held.wait()
        running.send(signal.SIGTERM)
        await running.says("Stopping after the step in flight")
        wire.let_go()
        stopped = await running.ended()

    async def edits() -> tuple[int, int]:
        (row,) = await graph.run_alone("MATCH (l:Label) RETURN count(l) AS n")
        told = await ended(graph.address, tmp_path, "desks", "history", "--json")
        return int(row["n"]), len(told.out.splitlines())

    assert stopped.code in (143, 0), stopped.err
    assert await edits() in ((0, 0), (1, 1))
    assert await free(graph)
    again = await ended(graph.address, tmp_path, *ADD, *name)
    assert (again.code, await edits()) == (0, (1, 1)), again.err


async def test_a_migration_goes_on_where_it_was_interrupted(graph: Graph, tmp_path: Path) -> None:
    known = migrations.migrations()
    last = [migration.number for migration in known[-2:]]
    await graph.run_alone("MATCH (m:Migration) WHERE m.number IN $last DETACH DELETE m", last=last)
    arguments = ("deskgraph", "graph", "migrate")
    async with (
        wire_to(graph.address) as (far, wire),
        command(far, tmp_path, *arguments) as running,
    ):
        wire.hold()
        await wire.held.wait()
        running.send(signal.SIGINT)
        await running.says("Stopping after the step in flight")
        wire.let_go()
        stopped = await running.ended()

    assert (stopped.code, stopped.sentences) == (130, STOPPED)
    state = await migrations.status(graph)
    assert [pending.number for pending in state.pending] == last[1:]
    assert (await ended(graph.address, tmp_path, *arguments[1:])).code == 0
    await migrations.require_current(graph)


async def test_totals_are_right_after_a_recount_that_was_interrupted(
    graph: Graph, tmp_path: Path
) -> None:
    file = csv_file(tmp_path / "transfers.csv", list(transfer_rows(5, rows=300)))
    await loaded(graph, file, rejects=tmp_path / "clean")
    clean = await snapshot(graph)
    await graph.run_alone("MATCH (f:Flow) SET f.amount_raw = '7'")
    await graph.run_alone("MATCH (w:Wallet) SET w.transfers_in = 0")

    async with command(graph.address, tmp_path, "deskgraph", "graph", "recompute") as running:
        await running.prints("amount_raw is 7")
        running.send(signal.SIGINT)
        stopped = await running.ended()

    assert stopped.code in (0, 130)
    assert await free(graph)
    assert (await ended(graph.address, tmp_path, "graph", "recompute")).code == 0
    assert difference(clean, await snapshot(graph)) == ""
