"""Clusters over GraphQL: of a wallet, by id, on other terms, explained, and asked for."""

from typing import Any

from graph_api.domain.clusters import cluster_id
from graph_api.domain.ids import ChainId
from graph_api.domain.labels import claim, on_chain
from graph_api.domain.records import Actor, ActorType
from graph_api.services.clustering.runs import Clustering
from graph_api.vault.vault import Vault
from ingest.jobs.clusters import cluster_worker
from tests.given import ETHEREUM, NOW, Ledger, address, wallet
from tests.schema.asking import answer, ask, ask_as
from tests.services.test_clustering import deposit, exchange

CHAIN = ChainId(ETHEREUM.id)
LINK = "heuristic confidence startId endId transactionId blockNumber start { accountId }"
WALLET = """query ($by: WalletLookup!) { wallet(by: $by) {
  cluster { clusterId size actorId actor { name } suspicion changedBy refused { heuristic }
    run { number done blockNumber labelVersion threshold clusteredWallets }
    members(first: 2) { nodes { accountId } pageInfo { hasNextPage } } }
  clusterEvidence { heuristic confidence } } }"""
CLUSTER = "query ($id: String!) { cluster(id: $id) { clusterId size } }"
REPLAY = """query ($by: WalletLookup!, $threshold: Float, $block: BigInt, $at: DateTime,
    $heuristics: HeuristicChoice) {
  clusterReplay(by: $by, threshold: $threshold, asOfBlock: $block, asOf: $at,
    heuristics: $heuristics) {
    size accountIds complete threshold asOfBlock run { number } evidence { heuristic } } }"""
EXPLAIN = f"""query ($a: WalletLookup!, $b: WalletLookup!, $threshold: Float) {{
  explainCluster(a: $a, b: $b, threshold: $threshold) {{
    confidence published complete run {{ number }} links {{ {LINK} }} }} }}"""
REQUEST = """mutation { requestClustering(chain: "ethereum") { jobId kind state } }"""
JOB = """query ($id: String!) { job(id: $id) { state result { __typename
  ... on ClusterRun { runId number clusters } } } }"""


def by(name: str) -> dict[str, Any]:
    """How a client names a wallet."""
    return {"account": {"chain": "ethereum", "address": address(name)}}


async def clustered(ledger: Ledger) -> None:
    """Three wallets that pay into one deposit address, in three blocks."""
    await ledger.write(*exchange())
    for place, name in enumerate("abc"):
        await ledger.write(*deposit(name, "d", block=100 * (place + 1)))
    await Clustering(ledger.graph, clock=lambda: NOW).run(CHAIN)


async def test_a_wallet_says_who_else_it_is(ledger: Ledger) -> None:
    await clustered(ledger)
    found = (await ask(ledger.graph, WALLET, by=by("a")))["wallet"]
    ids = sorted(wallet(name) for name in "abc")
    assert found["cluster"] == {
        "clusterId": cluster_id(ids[0]),
        "size": 3,
        "actorId": None,
        "actor": None,
        "suspicion": None,
        "changedBy": f"{CHAIN}|1",
        "refused": [],
        "run": {
            "number": 1,
            "done": True,
            "blockNumber": "302",
            "labelVersion": found["cluster"]["run"]["labelVersion"],
            "threshold": 0.6,
            "clusteredWallets": "5",
        },
        "members": {
            "nodes": [{"accountId": id} for id in ids[:2]],
            "pageInfo": {"hasNextPage": True},
        },
    }
    assert len(found["cluster"]["run"]["labelVersion"]) == 16
    assert {"heuristic": "DEPOSIT_REUSE", "confidence": 0.8} in found["clusterEvidence"]
    hot = (await ask(ledger.graph, WALLET, by=by("hot")))["wallet"]["cluster"]
    assert (hot["size"], hot["actor"]) == (2, {"name": "Exchange"})


async def test_two_actors_are_kept_apart_and_the_link_is_named(ledger: Ledger) -> None:
    await ledger.write(*exchange())
    for name in "ab":
        subject = on_chain(ETHEREUM, address(name))
        fund = Actor(id=f"fund-{name}", name=f"Fund {name}", type=ActorType.FUND)
        said = claim(subject, "fund", source="tests", confidence=0.9, actor=fund.id)
        await ledger.write(fund, said)
    for place, name in enumerate("acb"):
        await ledger.write(*deposit(name, "d", block=100 * (place + 1)))
    await Clustering(ledger.graph, clock=lambda: NOW).run(CHAIN)
    found = (await ask(ledger.graph, WALLET, by=by("c")))["wallet"]["cluster"]
    assert (found["size"], found["suspicion"]) == (2, "TWO_ACTORS")
    assert found["actor"] == {"name": "Fund a"}
    assert found["refused"] == [{"heuristic": "DEPOSIT_REUSE"}]
    assert (await ask(ledger.graph, WALLET, by=by("b")))["wallet"]["cluster"] is None
    why = (await ask(ledger.graph, EXPLAIN, a=by("a"), b=by("b")))["explainCluster"]
    assert (len(why["links"]), why["published"]) == (1, False)
    again = (await ask(ledger.graph, REPLAY, by=by("c")))["clusterReplay"]
    assert again["size"] == 2


async def test_what_a_page_of_clusters_costs_does_not_grow_with_wallets(ledger: Ledger) -> None:
    await clustered(ledger)
    one = await answer(ledger.graph, WALLET, by=by("a"))
    lookups = " ".join(
        f'{name}: wallet(by: {{account: {{chain: "ethereum", address: "{address(name)}"}}}}) '
        "{ cluster { size run { number } } }"
        for name in "abc"
    )
    many = await answer(ledger.graph, f"{{ {lookups} }}")
    assert many.errors == []
    assert len(many.statements) == 3
    assert len(one.statements) <= 7


async def test_ids_lead_to_clusters_or_to_nothing(ledger: Ledger) -> None:
    await clustered(ledger)
    ids = sorted(wallet(name) for name in "abc")
    found = {"clusterId": cluster_id(ids[0]), "size": 3}
    for id, expected in (
        (cluster_id(ids[0]), found),
        (cluster_id(ids[2]), found),
        (cluster_id(wallet("nobody")), None),
        ("nonsense", None),
    ):
        assert (await ask(ledger.graph, CLUSTER, id=id))["cluster"] == expected


async def test_other_terms_give_other_clusters(ledger: Ledger) -> None:
    await clustered(ledger)

    async def size(**terms: Any) -> int:
        found = await ask(ledger.graph, REPLAY, by=by("a"), **terms)
        assert found["clusterReplay"]["complete"]
        assert found["clusterReplay"]["run"] == {"number": 1}
        size: int = found["clusterReplay"]["size"]
        assert len(found["clusterReplay"]["accountIds"]) == size
        return size

    assert await size() == 3
    assert await size(threshold=0.9) == 1
    assert await size(block="202") == 2
    assert await size(at="2023-11-14T22:45:00Z") == 1
    assert await size(at="2024-01-01T00:00:00Z") == 3
    assert await size(heuristics={"anyOf": ["AIRDROP"]}) == 1
    assert await size(heuristics={"anyOf": ["DEPOSIT_REUSE"], "noneOf": ["AIRDROP"]}) == 3
    assert await size(heuristics={"allOf": ["DEPOSIT_REUSE", "AIRDROP"]}) == 1
    nested = {"anyOfChoices": [{"allOf": ["DEPOSIT_REUSE"]}]}
    assert await size(heuristics=nested) == 3


async def test_terms_that_cannot_be_are_refused(ledger: Ledger) -> None:
    await clustered(ledger)
    for terms in (
        {"threshold": 0.0},
        {"threshold": 1.5},
        {"block": "5", "at": "2024-01-01T00:00:00Z"},
    ):
        found = await answer(ledger.graph, REPLAY, by=by("a"), **terms)
        assert found.codes == ["BAD_INPUT"]
    other = {"account": {"chain": "bsc", "address": address("b")}}
    assert (await answer(ledger.graph, EXPLAIN, a=by("a"), b=other)).codes == ["BAD_INPUT"]


async def test_a_merge_is_explained_by_its_chain_of_evidence(ledger: Ledger) -> None:
    await clustered(ledger)
    found = (await ask(ledger.graph, EXPLAIN, a=by("b"), b=by("c")))["explainCluster"]
    assert (found["published"], found["complete"], len(found["links"])) == (True, True, 2)
    assert abs(found["confidence"] - 0.64) < 1e-9
    assert {link["blockNumber"] for link in found["links"]} == {"202", "302"}
    strangers = (await ask(ledger.graph, EXPLAIN, a=by("a"), b=by("hot")))["explainCluster"]
    assert (strangers["links"], strangers["confidence"]) == ([], None)
    assert not strangers["published"]
    self = (await ask(ledger.graph, EXPLAIN, a=by("a"), b=by("a")))["explainCluster"]
    assert (self["confidence"], self["links"]) == (1.0, [])


async def test_a_run_is_asked_for_and_its_result_is_shown(ledger: Ledger, vault: Vault) -> None:
    graph = ledger.graph
    await ledger.write(*exchange(), *deposit("a", "d", block=1), *deposit("b", "d", block=9))
    asked, codes = await ask_as(graph, vault, REQUEST)
    assert codes == []
    assert (asked["requestClustering"]["kind"], asked["requestClustering"]["state"]) == (
        "clustering",
        "QUEUED",
    )
    again, _ = await ask_as(graph, vault, REQUEST)
    assert again == asked
    await cluster_worker(graph, vault, clock=lambda: NOW).once()
    shown, _ = await ask_as(graph, vault, JOB, id=asked["requestClustering"]["jobId"])
    assert shown["job"] == {
        "state": "DONE",
        "result": {
            "__typename": "ClusterRun",
            "runId": f"{CHAIN}|1",
            "number": 1,
            "clusters": "2",
        },
    }
