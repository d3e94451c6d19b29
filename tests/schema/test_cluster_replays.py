"""Clusters on terms of one's own through the API: kept, shared on purpose, and written as files."""

import csv
import json
from hashlib import sha256
from io import StringIO
from typing import Any
from xml.etree import ElementTree

import pytest

from graph_api.domain.clusters import cluster_id
from graph_api.domain.principals import LOCAL, Principal, PrincipalKind
from graph_api.services.clustering import exports
from graph_api.services.clustering.runs import Clustering
from graph_api.store import cluster_runs
from graph_api.store.graph import Graph
from graph_api.vault.vault import Vault
from ingest.jobs.replays import replay_workers
from tests.given import NOW, Ledger, wallet
from tests.schema.asking import answer, ask, ask_as
from tests.schema.test_clusters import CHAIN, by, clustered

REQUEST = """mutation ($question: ClusterReplayInput!, $key: String) {
  requestClusterReplay(question: $question, idempotencyKey: $key) { jobId kind state } }"""
JOB = """query ($id: String!) { job(id: $id) { state error { code message } result {
  ... on ClusterReplayFinished { replayId digest clusterCount clusteredWallets } } } }"""
STORED = """query ($id: String!) { storedClusterReplay(id: $id) {
  digest citation name owner publishedAt
  replay { chainId aroundId threshold asOfBlock complete labelVersion clusterCount clusteredWallets
    run { number } export(format: JSON)
    clusters(first: 1) { totalCount pageInfo { hasNextPage }
      nodes { clusterId size accountIds actor { name } suspicion refused { heuristic }
        evidence { heuristic blockNumber } } } } } }"""
LIST = "query { storedClusterReplays { nodes { replayId name } } }"
FILES = """query ($by: WalletLookup!, $a: WalletLookup!, $b: WalletLookup!, $id: String!,
    $format: ExportFormat!) {
  clusterReplay(by: $by) { export(format: $format) }
  explainCluster(a: $a, b: $b) { export(format: $format) }
  cluster(id: $id) { export(format: $format) } }"""
GRAPHML = "{http://graphml.graphdrawing.org/xmlns}"
CHANGE = """mutation ($id: String!) {{ {name}(id: $id{more}) {{ __typename
  ... on StoredClusterReplay {{ name publishedAt }} ... on Refusal {{ reason }} }} }}"""


async def change(graph: Graph, vault: Vault, name: str, id: str, more: str = "", **who: Any) -> Any:
    """Change a kept replay."""
    text = CHANGE.format(name=name, more=more)
    answered, codes = await ask_as(graph, vault, text, id=id, **who)
    assert codes == []
    return answered[name]


async def kept(graph: Graph, vault: Vault, **question: Any) -> str:
    """The id of a replay that was asked for and is done."""
    question = {"chain": "ethereum", **question}
    asked, codes = await ask_as(graph, vault, REQUEST, question=question)
    assert codes == []
    await work(graph, vault)
    id: str = asked["requestClusterReplay"]["jobId"]
    return id


async def work(graph: Graph, vault: Vault) -> None:
    """Work off what was asked for."""
    for worker in replay_workers(graph, vault, clock=lambda: NOW):
        while await worker.once():
            pass


async def stored(graph: Graph, vault: Vault, id: str) -> Any:
    """A kept replay as its owner sees it."""
    answered, codes = await ask_as(graph, vault, STORED, id=id)
    assert codes == []
    return answered["storedClusterReplay"]


async def test_on_the_terms_of_the_run_it_finds_what_the_run_published(
    ledger: Ledger, vault: Vault
) -> None:
    graph = ledger.graph
    await clustered(ledger)
    question = {"chain": "ethereum"}
    asked, _ = await ask_as(graph, vault, REQUEST, question=question, key="once")
    again, _ = await ask_as(graph, vault, REQUEST, question=question)
    job = asked["requestClusterReplay"]
    assert (job["kind"], job["state"]) == ("cluster_replay", "QUEUED")
    assert again["requestClusterReplay"]["jobId"] == job["jobId"]
    await work(graph, vault)

    told, _ = await ask_as(graph, vault, JOB, id=job["jobId"])
    result = told["job"]["result"]
    assert (told["job"]["state"], result["clusterCount"], result["clusteredWallets"]) == (
        "DONE",
        2,
        5,
    )
    found = await stored(graph, vault, job["jobId"])
    assert result["digest"] == found["digest"]
    assert found["digest"] in found["citation"]
    replay = found["replay"]
    ids = sorted(wallet(name) for name in "abc")
    assert (replay["chainId"], replay["complete"], replay["run"]) == (CHAIN, True, {"number": 1})
    assert (replay["clusters"]["totalCount"], replay["clusters"]["pageInfo"]) == (
        2,
        {"hasNextPage": True},
    )
    assert replay["clusters"]["nodes"] == [
        {
            "clusterId": cluster_id(ids[0]),
            "size": 3,
            "accountIds": ids,
            "actor": None,
            "suspicion": None,
            "refused": [],
            "evidence": replay["clusters"]["nodes"][0]["evidence"],
        }
    ]
    text = replay["export"]
    assert sha256(text.encode()).hexdigest() == found["digest"]
    there = await cluster_runs.kept(graph, CHAIN)
    body = json.loads(text)
    assert {one: some["id"] for some in body["clusters"] for one in some["members"]} == (
        there.members
    )


async def test_other_terms_find_others_and_what_is_published_stays(
    ledger: Ledger, vault: Vault
) -> None:
    graph = ledger.graph
    await clustered(ledger)
    there = await cluster_runs.kept(graph, CHAIN)

    async def found(**terms: Any) -> tuple[int, int]:
        replay = (await stored(graph, vault, await kept(graph, vault, **terms)))["replay"]
        return replay["clusterCount"], replay["clusteredWallets"]

    assert await found(asOfBlock="202") == (2, 4)
    assert await found(asOf="2023-11-14T22:45:00Z") == (1, 2)
    assert await found(threshold=0.9) == (0, 0)
    assert await found(heuristics={"noneOf": ["DEPOSIT_REUSE"]}) == (1, 2)
    assert await found(around={"accountId": wallet("b")}) == (1, 3)
    assert await found(around={"accountId": wallet("nobody")}) == (0, 0)
    # Later runs change nothing about what was kept.
    id = await kept(graph, vault)
    before = await stored(graph, vault, id)
    await Clustering(graph, clock=lambda: NOW).run(CHAIN)
    assert await stored(graph, vault, id) == before
    assert await cluster_runs.kept(graph, CHAIN) == there


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ({"threshold": 0}, "BAD_INPUT"),
        ({"asOfBlock": "1", "asOf": "2023-11-14T22:45:00Z"}, "BAD_INPUT"),
        ({"around": {"accountId": "bitcoin:1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"}}, "BAD_INPUT"),
    ],
)
async def test_what_cannot_be_asked_is_refused(
    ledger: Ledger, vault: Vault, question: dict[str, Any], code: str
) -> None:
    asked = {"chain": "ethereum", **question}
    _, codes = await ask_as(ledger.graph, vault, REQUEST, question=asked)
    assert codes == [code]


async def test_a_chain_that_was_never_clustered_has_nothing_to_replay(
    ledger: Ledger, vault: Vault
) -> None:
    told, _ = await ask_as(ledger.graph, vault, JOB, id=await kept(ledger.graph, vault))
    assert told["job"]["state"] == "FAILED"
    assert told["job"]["error"]["code"] == "NOT_FOUND"
    assert "never clustered" in told["job"]["error"]["message"]


async def test_a_replay_is_its_owners_until_it_is_published_and_again_when_withdrawn(
    ledger: Ledger, vault: Vault
) -> None:
    graph = ledger.graph
    await clustered(ledger)
    ann = Principal("ann", LOCAL.workspace, PrincipalKind.PERSON)
    id = await kept(graph, vault)
    named = await change(graph, vault, "nameClusterReplay", id, ', name: "The customers"')
    assert named["name"] == "The customers"

    async def in_graph() -> list[dict[str, Any]]:
        return await graph.run_alone(
            "MATCH (r:ClusterReplay {name: 'The customers'})-[p:PLACED]->(w:Wallet) "
            "RETURN p.cluster AS cluster, p.size AS size, w.id AS wallet, r.threshold AS threshold "
            "ORDER BY size DESC, wallet"
        )

    async def seen_by_ann() -> list[str]:
        listed, _ = await ask_as(graph, vault, LIST, by_whom=ann)
        return [one["replayId"] for one in listed["storedClusterReplays"]["nodes"]]

    assert await seen_by_ann() == []
    refused = await change(graph, vault, "publishClusterReplay", id, by_whom=ann)
    assert refused["reason"] == "NOT_FOUND"
    await change(graph, vault, "publishClusterReplay", id)
    await work(graph, vault)
    assert await seen_by_ann() == [id]
    rows = await in_graph()
    ids = sorted(wallet(name) for name in "abc")
    assert [row["wallet"] for row in rows[:3]] == ids
    assert {(row["cluster"], row["size"]) for row in rows[:3]} == {(cluster_id(ids[0]), 3)}
    assert len(rows) == 5

    await change(graph, vault, "withdrawClusterReplay", id)
    await work(graph, vault)
    assert (await seen_by_ann(), await in_graph()) == ([], [])
    await change(graph, vault, "publishClusterReplay", id)
    await change(graph, vault, "deleteClusterReplay", id)
    await work(graph, vault)
    assert await in_graph() == []
    assert await stored(graph, vault, id) is None


async def test_answers_are_written_as_files(ledger: Ledger) -> None:
    await clustered(ledger)
    ids = sorted(wallet(name) for name in "abc")
    names = {"by": by("a"), "a": by("a"), "b": by("b"), "id": cluster_id(ids[0])}

    async def files(format: str) -> list[str]:
        found = await ask(ledger.graph, FILES, format=format, **names)
        return [found[name]["export"] for name in ("clusterReplay", "explainCluster", "cluster")]

    replay, why, cluster = [json.loads(text) for text in await files("JSON")]
    assert (replay["wallets"], cluster["members"]) == (ids, ids)
    assert [link["heuristic"] for link in why["links"]] == ["deposit_reuse"]
    assert {one["id"] for one in replay["evidence"]} == {one["id"] for one in cluster["evidence"]}

    replay, why, cluster = [list(csv.DictReader(StringIO(one))) for one in await files("CSV")]
    assert replay == cluster
    assert [(row["wallet"], row["cluster"], row["size"]) for row in replay] == [
        (id, cluster_id(ids[0]), "3") for id in ids
    ]
    assert {row["heuristic"] for row in (*replay, *why)} == {"deposit_reuse"}
    assert all(row["tied_to"] in ids and row["tied_to"] != row["wallet"] for row in replay)

    for text, count in zip(await files("GRAPHML"), (3, 2, 3), strict=True):
        (drawn,) = ElementTree.fromstring(text).iter(f"{GRAPHML}graph")
        nodes = {node.get("id") for node in drawn.iter(f"{GRAPHML}node")}
        ends = {
            edge.get(end) for edge in drawn.iter(f"{GRAPHML}edge") for end in ("source", "target")
        }
        assert len(nodes) == count
        assert nodes == ends


async def test_a_cluster_too_large_for_a_file_names_the_way_on(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    await clustered(ledger)
    monkeypatch.setattr(exports, "MOST_WALLETS", 2)
    found = await answer(
        ledger.graph,
        """query ($large: String!, $small: String!) {
          large: cluster(id: $large) { export(format: CSV) }
          small: cluster(id: $small) { export(format: CSV) } }""",
        large=cluster_id(wallet("a")),
        small=cluster_id(wallet("hot")),
    )
    assert found.codes == ["TOO_COSTLY"]
    assert "requestClusterReplay" in found.errors[0]["message"]
    assert found.data["large"] == {"export": None}
    assert wallet("hot") in found.data["small"]["export"]
