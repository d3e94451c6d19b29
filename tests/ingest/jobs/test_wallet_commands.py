"""Wallets that are asked for by command, and by the process that keeps up."""

import asyncio
import signal
from pathlib import Path

import msgspec
import pytest

from graph_api.domain.events import ANY_CHAIN, Lane, Line
from graph_api.domain.principals import LOCAL
from graph_api.live.streams import Streams
from graph_api.services import jobs as asked
from graph_api.store.graph import Graph
from graph_api.vault import jobs
from graph_api.vault.home import default_url
from graph_api.vault.jobs import FINAL, JobState
from graph_api.vault.vault import Vault
from tests.given import NOW
from tests.ingest.loading import command, ended
from tests.ingest.pipelines.test_wallets import busy
from tests.ingest.sources.evm_chain import Chain

pytest_plugins = ["tests.ingest.sources.evm_fixtures"]


async def test_a_wallet_is_read_by_command_and_its_job_looked_after(
    graph: Graph, chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DESKGRAPH_REDIS__URL", raising=False)
    async with await Vault.open(default_url(tmp_path)) as vault:
        await vault.migrate(now=NOW)
    whose = await busy(chain, times=2)
    wallet = ("ingest", "wallet", whose, "--node", chain.node.url)

    part = await ended(graph.address, tmp_path, *wallet, "--records", "1")
    whole = await ended(graph.address, tmp_path, *wallet, "--json")
    listed = await ended(graph.address, tmp_path, "jobs", "list", "--json")
    job = msgspec.json.decode(listed.out.splitlines()[0])
    cancelled = await ended(graph.address, tmp_path, "jobs", "cancel", job["id"])

    assert part.code == 0, part.err
    assert "of nodes of Ethereum" in part.out
    assert "budget of records" in part.out or "are new" in part.out
    assert (whole.totals["state"], whole.totals["result"]["ended"]) == ("done", "complete")
    assert msgspec.json.decode(whole.err.splitlines()[0])["kind"] == "wallet"
    assert [msgspec.json.decode(line)["state"] for line in listed.out.splitlines()] == [
        "done",
        "done",
    ]
    assert cancelled.out == f"Job {job['id']} had ended.\n"


async def test_the_process_that_keeps_up_reads_what_was_asked_for_and_rings(
    graph: Graph,
    chain: Chain,
    streams: Streams,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DESKGRAPH_NODES__ETHEREUM", chain.node.url)
    whose = await busy(chain, times=1)
    async with await Vault.open(default_url(tmp_path)) as vault:
        await vault.migrate(now=NOW)
        job = await asked.request_wallet(vault, wallet=whose, principal=LOCAL, now=NOW)
        async with command(graph.address, tmp_path, "ingest", "work") as working:
            while job.state not in FINAL:
                await asyncio.sleep(0.05)
                job = await jobs.by_id(vault, LOCAL, job.id) or job
            working.send(signal.SIGTERM)
            assert (await working.ended()).code == 0
    told = await streams.after(Lane(Line.PROGRESS, ANY_CHAIN), 0, limit=100)

    assert job.state is JobState.DONE, job.error
    assert {entry.event.body["job"] for entry in told} == {job.id}
    assert told[-1].event.body["state"] == "done"
