"""``deskgraph clusters`` as a user meets it: runs, clusters, and why wallets are taken for one."""

import json
from csv import DictReader
from io import StringIO

import pytest
import pytest_asyncio

from tests.given import Ledger, address, wallet
from tests.ingest.jobs.test_command import Command, command
from tests.ingest.loading import Ended
from tests.services.test_clustering import deposit, exchange

__all__ = ["command"]


@pytest_asyncio.fixture
async def clusters(ledger: Ledger, command: Command) -> Command:
    """Two customers of an exchange, of whom nobody was asked yet."""
    await ledger.write(*exchange(), *deposit("a", "d", block=100), *deposit("b", "d", block=200))
    return command


def said(command: Command, *arguments: str) -> Ended:
    """What a subcommand says."""
    return command(*arguments, command=("clusters",))


def name(of: str) -> str:
    """How a user names a wallet."""
    return f"ethereum:{address(of)}"


def test_a_run_is_published_and_its_clusters_shown(clusters: Command) -> None:
    before = said(clusters, "show", name("a"))
    assert (before.code, "deskgraph clusters run" in before.err) == (2, True)

    run = said(clusters, "run", "ethereum")
    assert (run.code, run.err) == (0, "")
    assert run.out == (
        "Ethereum, run 1: 2 pieces of evidence of 4 facts; 2 clusters of 4 wallets, the largest "
        "of 2; 0 were not merged as far as their evidence goes.\n"
    )
    again = json.loads(said(clusters, "run", "ethereum", "--json").out)
    assert (again["number"], again["clusters"], again["done"]) == (2, 2, True)

    shown = said(clusters, "show", name("a"), "--first", "1")
    first = min(wallet("a"), wallet("b"))
    assert shown.out.startswith(f"cluster:{first}: 2 wallets (run 2, block 202, labels ")
    assert f"  {first}\n  and 1 more" in shown.out
    listed = said(clusters, "show", name("hot"), "--json").out.splitlines()
    rows = [json.loads(line) for line in listed]
    assert {row["wallet"] for row in rows} == {wallet("d"), wallet("hot")}


def test_evidence_is_explained(clusters: Command) -> None:
    unknown = said(clusters, "explain", name("a"), name("b"))
    assert "never clustered" in unknown.out
    said(clusters, "run", "ethereum")
    why = said(clusters, "explain", name("a"), name("b"), "--json")
    (link,) = [json.loads(line) for line in why.out.splitlines()]
    assert (link["heuristic"], link["block_number"]) == ("deposit_reuse", 202)
    shown = said(clusters, "explain", name("a"), name("b"))
    assert "Confidence 0.800; both are in one cluster (run 1, block 202, labels " in shown.out
    assert "deposit reuse" in shown.out
    early = said(clusters, "explain", name("a"), name("b"), "--as-of-block", "201")
    assert early.out.startswith("No evidence leads from")
    wrong = said(clusters, "explain", name("a"), name("b"), "--threshold", "2")
    assert (wrong.code, "fraction" in wrong.err) == (2, True)


def test_a_cluster_is_written_as_a_file(clusters: Command) -> None:
    said(clusters, "run", "ethereum")
    table = said(clusters, "export", name("a"))
    assert [row["wallet"] for row in DictReader(StringIO(table.out))] == sorted(
        wallet(one) for one in "ab"
    )
    alone = json.loads(
        said(clusters, "export", name("a"), "--format", "json", "--threshold", "0.9").out
    )
    assert (alone["wallets"], alone["evidence"]) == ([wallet("a")], [])
    drawn = said(clusters, "export", name("a"), "--format", "graphml").out
    assert drawn.count("<node ") == 2


def test_a_chain_of_more_facts_than_memory_takes_is_refused(
    clusters: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESKGRAPH_CLUSTERS__MOST_FACTS", "3")
    refused = said(clusters, "run", "ethereum")
    assert refused.code == 2
    assert "DESKGRAPH_CLUSTERS__MOST_FACTS" in refused.err
