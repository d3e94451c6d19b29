"""Networks and transaction graphs through the API: to draw, to go on from, to take away."""

import csv
import json
from io import BytesIO, StringIO
from typing import Any

import networkx as nx
import pytest

from graph_api.domain.categories import Category
from graph_api.store.graph import Graph
from tests import given
from tests.given import DAY, NOON, Ledger, hash_of, wallet
from tests.schema.asking import answer, ask
from tests.store.test_labels import said

USD = given.erc20("USD")


@pytest.fixture
async def town(ledger: Ledger) -> Graph:
    """Alice pays five people and an exchange in two tokens; the exchange pays many."""
    people = [f"p{number}" for number in range(5)]
    await ledger.write(
        given.token("USD", decimals=0, symbol="USD"),
        *(
            given.transfer(
                "alice", name, tx=f"{name}{n}", token=USD, amount_raw=n, block=n, at=NOON
            )
            for place, name in enumerate(people)
            for n in range(place + 1)
        ),
        given.transfer("alice", "cex", tx="in", token=USD, amount_raw=9, block=7, at=NOON + DAY),
        given.transfer("alice", "cex", tx="in", log=1, block=7, at=NOON + DAY),
        *(given.transfer("cex", f"q{n}", tx=f"q{n}", block=9, at=NOON + 9 * DAY) for n in range(4)),
        given.transfer("p4", "cex", tx="p4", token=USD, amount_raw=1, block=9, at=NOON + 9 * DAY),
        said("cex", "Kraken 3", category=Category.EXCHANGE),
    )
    return ledger.graph


async def test_a_node_tells_what_is_behind_it_and_is_gone_on_from(town: Graph) -> None:
    found = await answer(
        town,
        """query ($id: AccountId!) { network(centre: $id, perWallet: 3) {
          nodes { accountId stop cursor x y folded {
            incoming { flows transfers wallets } outgoing { flows transfers wallets } } }
          edges { flowId recipientId }
          undated asOf { chainId blockNumber }
        } }""",
        id=wallet("alice"),
    )
    assert found.errors == []
    network = found.data["network"]
    nodes = {node["accountId"]: node for node in network["nodes"]}
    alice = nodes[wallet("alice")]
    assert (alice["stop"], alice["folded"]["outgoing"]) == (
        "EDGES",
        {"flows": 4, "transfers": 5, "wallets": 3},
    )
    assert network["asOf"] == {"chainId": "eip155:1", "blockNumber": "9"}
    assert network["undated"] == 0
    # The centre; of both levels the flows of both ways, and the wallets; who is behind; the chain.
    assert len(found.statements) == 1 + 3 + 3 + 1 + 1

    query = """query ($id: AccountId!, $after: String, $without: [String!]) {
      networkExpansion(wallet: $id, after: $after, first: 2, without: $without) {
        edges { flowId recipientId } nodes { accountId cursor stop x y } } }"""
    shown = [edge["flowId"] for edge in network["edges"]]
    more = await ask(town, query, id=wallet("alice"), after=alice["cursor"])
    rest = await ask(
        town, query, id=wallet("alice"), after=more["networkExpansion"]["nodes"][0]["cursor"]
    )
    every = shown + [
        edge["flowId"]
        for part in (more, rest)
        for edge in part["networkExpansion"]["edges"]
    ]  # fmt: skip
    assert len(set(every)) == len(every)
    assert len([one for one in every if one not in shown]) == 4
    last = rest["networkExpansion"]["nodes"][0]
    assert (last["stop"], last["cursor"]) == (None, None)
    assert (last["x"], last["y"]) == (alice["x"], alice["y"])

    # A service is gone on from, too, without what is there already.
    kraken = await ask(town, query, id=wallet("cex"), without=every)
    edges = kraken["networkExpansion"]["edges"]
    assert len(edges) == 2
    assert not {edge["flowId"] for edge in edges} & set(every)


async def test_a_network_of_then_says_of_when_it_is(town: Graph) -> None:
    query = """query ($id: AccountId!, $block: BigInt, $at: DateTime) {
      network(centre: $id, depth: 1, asOfBlock: $block, asOf: $at) {
        edges { recipientId transfers amountRaw usd }
        nodes { accountId folded { outgoing { flows } } }
        undated asOf { blockNumber at } } }"""

    found = (await ask(town, query, id=wallet("alice"), block=2))["network"]
    by_time = (await ask(town, query, id=wallet("alice"), at="2023-11-15T00:00:00Z"))["network"]

    edges = {edge["recipientId"]: edge for edge in found["edges"]}
    assert edges[wallet("p4")]["transfers"] == 3
    assert edges[wallet("p4")]["amountRaw"] == "3"
    assert wallet("cex") not in edges
    assert found["asOf"]["blockNumber"] == "2"
    folded = {node["accountId"]: node["folded"] for node in found["nodes"]}
    assert folded[wallet("alice")] == {"outgoing": {"flows": 0}}
    assert folded[wallet("p4")] is None
    assert {edge["recipientId"] for edge in by_time["edges"]} == set(edges)
    assert by_time["asOf"]["at"] == "2023-11-15T00:00:00Z"


async def test_a_picture_folds_tokens_and_is_taken_away(town: Graph) -> None:
    data = await ask(
        town,
        """query ($id: AccountId!) { network(centre: $id) {
          plain: picture { edges { source } }
          picture(fold: [TOKENS, CLUSTERS]) {
            nodes { nodeId kind name accountIds clusterSize stops flowsWithin }
            edges { source target tokenIds transfers amountRaw flowIds } }
          json: export(format: JSON) csv: export(format: CSV)
          graphml: export(format: GRAPHML, fold: [TOKENS])
        } }""",
        id=wallet("alice"),
    )
    network = data["network"]
    assert len(network["plain"]["edges"]) == 8
    edges = {(edge["source"], edge["target"]): edge for edge in network["picture"]["edges"]}
    assert len(edges) == 7
    to_exchange = edges[wallet("alice"), wallet("cex")]
    assert (to_exchange["transfers"], to_exchange["amountRaw"]) == (2, None)
    assert len(to_exchange["tokenIds"]) == len(to_exchange["flowIds"]) == 2
    names = {node["nodeId"]: node["name"] for node in network["picture"]["nodes"]}
    assert names[wallet("cex")] == "Kraken 3"

    rows = list(csv.DictReader(StringIO(network["csv"])))
    assert len(rows) == 8
    assert {row["target_label"] for row in rows if row["target"] == wallet("cex")} == {"Kraken 3"}
    graph = nx.read_graphml(BytesIO(network["graphml"].encode()))
    assert graph.number_of_edges() == 7
    assert graph.nodes[wallet("cex")]["label"] == "Kraken 3"
    assert -1 <= graph.nodes[wallet("cex")]["x"] <= 1
    whole = json.loads(network["json"])
    assert whole["question"]["centre"] == wallet("alice")
    assert len(whole["nodes"]) == len(names)


async def test_transactions_around_a_wallet_are_paged_and_taken_away(town: Graph) -> None:
    query = """query ($id: AccountId!, $after: String) {
      transactionGraph(wallet: $id, first: 2, after: $after) {
        transactions { nodeId transactionId blockNumber more x y transaction { hash } }
        wallets { accountId wallet { label { label } } }
        edges { kind source target tokenId amountRaw amount token { symbol } }
        endCursor stopped asOf { blockNumber }
        csv: export(format: CSV) graphml: export(format: GRAPHML) json: export(format: JSON)
      } }"""

    first = (await ask(town, query, id=wallet("alice")))["transactionGraph"]

    newest = first["transactions"][0]
    assert newest["transactionId"] == f"eip155:1:{hash_of('in')}"
    assert newest["blockNumber"] == "7"
    kinds = [(edge["kind"], edge["source"], edge["target"]) for edge in first["edges"][:4]]
    assert kinds[:2] == [
        ("SENT", wallet("alice"), newest["nodeId"]),
        ("RECEIVED", newest["nodeId"], wallet("cex")),
    ]
    labels = {one["accountId"]: one["wallet"]["label"] for one in first["wallets"]}
    assert labels[wallet("cex")] == {"label": "Kraken 3"}
    graph = nx.read_graphml(BytesIO(first["graphml"].encode()))
    assert graph.nodes[newest["nodeId"]]["kind"] == "transaction"
    assert len(list(csv.DictReader(StringIO(first["csv"])))) == len(first["edges"])
    assert len(json.loads(first["json"])["edges"]) == len(first["edges"])
    seen = [one["nodeId"] for one in first["transactions"]]
    page: dict[str, Any] = first
    while page["endCursor"]:
        data = await ask(town, query, id=wallet("alice"), after=page["endCursor"])
        page = data["transactionGraph"]
        seen += [one["nodeId"] for one in page["transactions"]]
    assert len(set(seen)) == len(seen) == 16


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ('networkExpansion(wallet: $id, after: "x") { complete }', "no cursor"),
        ("networkExpansion(wallet: $id, first: 0) { complete }", "first"),
        ("networkExpansion(wallet: $id, order: AMOUNT) { complete }", "token"),
        (
            'network(centre: $id, asOfBlock: 1, asOf: "2024-01-01T00:00:00Z") { complete }',
            "not both",
        ),
        ("transactionGraph(wallet: $id, first: 101) { stopped }", "first is a number"),
        ("transactionGraph(wallet: $id, perTransaction: 501) { stopped }", "perTransaction"),
        ('transactionGraph(wallet: $id, after: "x") { stopped }', "no cursor"),
    ],
)
async def test_what_cannot_be_asked_is_told(town: Graph, field: str, words: str) -> None:
    found = await answer(town, "query ($id: AccountId!) {" + field + "}", id=wallet("alice"))

    assert found.codes == ["BAD_INPUT"]
    assert words in found.errors[0]["message"]
