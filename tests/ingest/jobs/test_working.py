"""The process that keeps up: chains are followed, events published, and all can ask how it goes."""

import signal
from pathlib import Path

import msgspec
import pytest

from graph_api.domain.events import Line
from graph_api.live.streams import Streams
from graph_api.services import scanning
from graph_api.store.graph import Graph
from graph_api.vault.home import default_url
from graph_api.vault.vault import Vault
from tests.given import NOW
from tests.ingest.jobs.hearing import heard
from tests.ingest.loading import command, ended
from tests.ingest.sources.evm_chain import Chain

pytest_plugins = ["tests.ingest.sources.evm_fixtures"]


async def test_chains_are_followed_and_events_published_by_one_process(
    graph: Graph,
    chain: Chain,
    streams: Streams,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DESKGRAPH_NODES__ETHEREUM", chain.node.url)
    async with await Vault.open(default_url(tmp_path)) as vault:
        await vault.migrate(now=NOW)
    await chain.pay("0x" + "a1" * 20, 5)

    async with command(graph.address, tmp_path, "ingest", "work") as working:
        told = await heard(streams, Line.PROGRESS, 1)
        await chain.pay("0x" + "b2" * 20, 7)
        seen = await heard(streams, Line.TRANSFERS, 2)
        (followed,) = await scanning.followed(graph, streams)
        shown = await ended(graph.address, tmp_path, "ingest", "status")
        listed = await ended(graph.address, tmp_path, "ingest", "status", "--json")
        working.send(signal.SIGTERM)
        stopped = await working.ended()
        assert (stopped.code, stopped.sentences) == (0, []), "a stop is the normal end of it"
    (alone,) = await scanning.followed(graph, None)

    assert [event.body["amount_raw"] for event in seen] == ["5", "7"]
    assert told[0].chain == "eip155:1"
    for words in ("Ethereum", "0 blocks, ", "blocks/s", "healthy", chain.node.url[7:]):
        assert words in shown.out
    line = msgspec.json.decode(listed.out)
    assert (line["chain"], line["block"], line["lag"], line["gaps"]) == ("eip155:1", 2, 0, [])
    assert [node["state"] for node in line["nodes"]] == ["healthy"]
    assert followed.said is not None
    assert followed.said.trouble is None
    assert [(one.state, one.faults) for one in followed.endpoints] == [("healthy", 0)]
    assert (alone.said, alone.endpoints) == (None, ())
    assert alone.scanner is not None
    assert followed.scanner is not None
    assert alone.scanner.block == followed.scanner.block == 2


async def test_a_chain_that_is_followed_by_command_is_told_of_alike(
    graph: Graph,
    chain: Chain,
    streams: Streams,
    tmp_path: Path,
) -> None:
    await chain.pay("0x" + "a1" * 20, 5)
    follow = ("ingest", "follow", "ethereum", "--node", chain.node.url)

    done = await ended(graph.address, tmp_path, *follow, "--until", "1")
    assert done.code == 0, done.err
    (followed,) = await scanning.followed(graph, streams)
    assert followed.said is not None
    assert followed.said.trouble is None
    assert [one.state for one in followed.endpoints] == ["healthy"]

    # Its node is one of another chain, so that nothing is ever written of it.
    async with command(
        graph.address, tmp_path, "ingest", "follow", "bsc", *follow[3:]
    ) as following:
        await heard(streams, Line.PROGRESS, 1, chain="eip155:56")
        following.send(signal.SIGTERM)
        assert (await following.ended()).code == 128 + signal.SIGTERM
    _, bsc = await scanning.followed(graph, streams)
    assert (bsc.chain, bsc.scanner) == ("eip155:56", None)
    assert bsc.said is not None
    assert bsc.said.trouble is not None
    assert "It serves chain 1 and not BNB Smart Chain." in bsc.said.trouble.error
    assert bsc.said.trouble.remedy is not None


async def test_it_needs_a_bus_and_names_that_are_chains(
    graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DESKGRAPH_REDIS__URL", raising=False)
    async with command(graph.address, tmp_path, "ingest", "work") as working:
        ended = await working.ended()

    assert ended.code == 2
    assert "DESKGRAPH_REDIS__URL" in ended.err
