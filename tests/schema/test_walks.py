"""Following value through the API: networks to draw, and paths, in few statements."""

import pytest

from graph_api.domain.categories import Category
from graph_api.store.graph import Graph
from tests import given
from tests.given import Ledger, wallet
from tests.schema.asking import answer, ask
from tests.store.test_labels import said

USD = given.erc20("USD")


@pytest.fixture
async def town(ledger: Ledger) -> Graph:
    """Alice pays a desk through Bob, and through an exchange; the desk pays Carol."""
    await ledger.write(
        given.token("USD", decimals=6, symbol="USD"),
        given.transfer("alice", "bob", tx="1", log=1, token=USD, amount_raw=10**30),
        given.transfer("alice", "bob", tx="1", log=2, token=USD, amount_raw=1),
        given.transfer("bob", "eve", tx="2", token=USD),
        given.transfer("eve", "desk", tx="3", token=None, amount_raw=None),
        given.transfer("desk", "carol", tx="4", token=USD),
        given.transfer("alice", "cex", tx="5", token=USD),
        given.transfer("cex", "desk", tx="6", token=USD),
        said("cex", "Kraken 3", category=Category.HOT_WALLET),
    )
    return ledger.graph


async def test_a_path_names_its_wallets_what_flowed_and_where_the_search_stopped(
    town: Graph,
) -> None:
    found = await answer(
        town,
        """query ($from: AccountId!, $to: AccountId!) { shortestPath(from: $from, to: $to) {
          ending hopCount walletsSeen flowsRead stoppedCount
          wallets { accountId wallet { transfersOut } }
          hops { fromId toId flows { tokenId transfers amountRaw recipient { accountId } } }
          stoppedAt { accountId stop flows wallet { label { label } } }
        } }""",
        **{"from": wallet("alice"), "to": wallet("desk")},
    )

    assert found.errors == []
    path = found.data["shortestPath"]
    names = [wallet(name) for name in ("alice", "bob", "eve", "desk")]
    assert (path["ending"], path["hopCount"]) == ("FOUND", 3)
    assert [one["accountId"] for one in path["wallets"]] == names
    assert [one["wallet"]["transfersOut"] for one in path["wallets"]] == [3, 1, 1, 1]
    assert path["hops"][0] == {
        "fromId": names[0],
        "toId": names[1],
        "flows": [
            {
                "tokenId": USD,
                "transfers": 2,
                "amountRaw": str(10**30 + 1),
                "recipient": {"accountId": names[1]},
            }
        ],
    }
    assert path["hops"][2]["flows"][0]["amountRaw"] is None
    assert path["stoppedAt"] == [
        {
            "accountId": wallet("cex"),
            "stop": "SERVICE",
            "flows": 2,
            "wallet": {"label": {"label": "Kraken 3"}},
        }
    ]
    assert path["stoppedCount"] == 1
    assert path["walletsSeen"] == 5
    # The first step from both ends, whether they may meet at the exchange, another step; the flows
    # of the hops, all wallets that were asked for and the label of one.
    assert len(found.statements) == 6


async def test_what_is_not_found_says_why_and_what_is_not_there_is_null(town: Graph) -> None:
    query = """query ($from: AccountId!, $to: AccountId!, $max: Int!) {
      shortestPath(from: $from, to: $to, maxHops: $max) { ending hopCount wallets { accountId } }
    }"""

    async def ending(start: str, end: str, most: int = 6) -> object:
        data = await ask(town, query, **{"from": wallet(start), "to": wallet(end)}, max=most)
        return data["shortestPath"]

    nothing: dict[str, object] = {"hopCount": None, "wallets": []}
    assert await ending("carol", "alice") == {"ending": "EXHAUSTED", **nothing}
    assert await ending("alice", "desk", 2) == {"ending": "MAX_HOPS", **nothing}
    assert await ending("alice", "nobody") is None


async def test_a_network_is_a_few_statements_whatever_its_size(town: Graph) -> None:
    found = await answer(
        town,
        """query ($id: AccountId!) { network(centre: $id, depth: 3) { complete
          nodes { accountId hops service shown hidden stop wallet { kind transfersIn } }
          edges { flowId senderId recipientId token { symbol } transfers }
          stopped { accountId stop }
        } }""",
        id=wallet("alice"),
    )

    assert found.errors == []
    network = found.data["network"]
    nodes = {node["accountId"]: node for node in network["nodes"]}
    hops = {"alice": 0, "bob": 1, "cex": 1, "eve": 2, "desk": 3}
    assert {wallet(name): count for name, count in hops.items()} == {
        one: node["hops"] for one, node in nodes.items()
    }
    assert nodes[wallet("cex")]["service"] is True
    assert nodes[wallet("bob")]["wallet"] == {"kind": "UNKNOWN", "transfersIn": 2}
    assert (nodes[wallet("desk")]["shown"], nodes[wallet("desk")]["hidden"]) == (1, 2)
    assert [edge["token"] for edge in network["edges"]].count({"symbol": "USD"}) == 3
    assert network["stopped"] == [{"accountId": wallet("cex"), "stop": "SERVICE"}]
    assert network["complete"] is False
    # The centre; of each level the flows of both ways and the wallets there; the tokens.
    assert len(found.statements) == 1 + 3 * 3 + 1

    whole = await ask(
        town,
        "query ($id: AccountId!) { network(centre: $id, depth: 4, throughServices: true) {"
        " complete stopped { accountId } edges { flowId } } }",
        id=wallet("alice"),
    )
    assert whole["network"]["complete"] is True
    assert len(whole["network"]["edges"]) == 6


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("network(centre: $id, depth: 5) { complete }", "depth is a number of 1 to 4"),
        ("network(centre: $id, perWallet: 0) { complete }", "perWallet"),
        ("network(centre: $id, maxEdges: 2001) { complete }", "maxEdges"),
        ("network(centre: $id, hub: 1001) { complete }", "hub"),
        ("network(centre: $id, order: AMOUNT) { complete }", "token"),
        ("shortestPath(from: $id, to: $id) { ending }", "name two"),
        ("shortestPath(from: $id, to: $id, maxHops: 9) { ending }", "maxHops"),
        ("shortestPath(from: $id, to: $id, hub: -1) { ending }", "hub"),
    ],
)
async def test_limits_are_told(town: Graph, field: str, code: str) -> None:
    found = await answer(town, "query ($id: AccountId!) {" + field + "}", id=wallet("alice"))

    assert found.codes == ["BAD_INPUT"]
    assert code in found.errors[0]["message"]
