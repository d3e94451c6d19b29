"""Dead letters, asked for and replayed by GraphQL: each workspace its own."""

from graph_api.domain.principals import LOCAL, Principal, PrincipalKind
from graph_api.store.graph import Graph
from graph_api.vault import inbox
from graph_api.vault.inbox import DeliveryState
from graph_api.vault.vault import Vault
from tests.schema.asking import ask_as
from tests.vault.test_inbox import buried, put

LIST = """query ($first: Int, $after: String, $hook: String) {
  webhooks { sender hook waiting dead oldestAt }
  deadLetters(first: $first, after: $after, hook: $hook) {
    nodes { deliveryId sender hook state reason attempts size receivedAt body }
    pageInfo { hasNextPage endCursor }
  }
}"""
REPLAY = "mutation ($id: String!) { replayDelivery(id: $id) { deliveryId state reason } }"
DROP = "mutation ($id: String!) { dropDeadLetter(id: $id) { deliveryId state } }"
STRANGER = Principal("stranger", "elsewhere", PrincipalKind.PERSON)


async def test_dead_letters_are_listed_with_what_was_sent(graph: Graph, vault: Vault) -> None:
    for id in ("1", "2", "3"):
        await buried(vault, LOCAL, id)
    await put(vault, LOCAL, "4")

    data, codes = await ask_as(graph, vault, LIST, first=2)
    info = data["deadLetters"]["pageInfo"]
    rest, _ = await ask_as(graph, vault, LIST, first=2, after=info["endCursor"])
    other, _ = await ask_as(graph, vault, LIST, hook="other")

    assert codes == []
    (hook,) = data["webhooks"]
    assert (hook["sender"], hook["waiting"], hook["dead"]) == ("MORALIS", 1, 3)
    nodes = data["deadLetters"]["nodes"] + rest["deadLetters"]["nodes"]
    assert [node["deliveryId"] for node in nodes] == ["3", "2", "1"]
    assert {(node["state"], node["reason"], node["body"]) for node in nodes} == {
        ("DEAD", "No JSON. ", "body")
    }
    assert info["hasNextPage"]
    assert not rest["deadLetters"]["pageInfo"]["hasNextPage"]
    assert other["deadLetters"]["nodes"] == []


async def test_a_dead_letter_is_replayed_or_dropped(graph: Graph, vault: Vault) -> None:
    await buried(vault, LOCAL, "1")
    await buried(vault, LOCAL, "2")

    replayed, _ = await ask_as(graph, vault, REPLAY, id="1")
    dropped, _ = await ask_as(graph, vault, DROP, id="2")
    _, codes = await ask_as(graph, vault, DROP, id="1")

    assert replayed["replayDelivery"] == {"deliveryId": "1", "state": "WAITING", "reason": None}
    assert dropped["dropDeadLetter"] == {"deliveryId": "2", "state": "DROPPED"}
    assert codes == ["BAD_INPUT"]


async def test_nobody_meets_what_belongs_to_another_workspace(graph: Graph, vault: Vault) -> None:
    await buried(vault, LOCAL, "1")

    data, _ = await ask_as(graph, vault, LIST, by_whom=STRANGER)
    tries = [
        await ask_as(graph, vault, query, by_whom=STRANGER, id="1") for query in (REPLAY, DROP)
    ]

    assert (data["webhooks"], data["deadLetters"]["nodes"]) == ([], [])
    assert [codes for _, codes in tries] == [["NOT_FOUND"]] * 2
    found = await inbox.by_id(vault, LOCAL, "1")
    assert found is not None
    assert found.state is DeliveryState.DEAD
