"""Search as clients see it: hits of all kinds, each with its object."""

import pytest

from graph_api.store.graph import Graph
from tests import given
from tests.given import Ledger, address, hash_of, wallet
from tests.schema.asking import answer, ask
from tests.store.test_desks import actor
from tests.store.test_labels import said

SEARCH = """query ($query: String!, $kinds: [SearchKind!], $first: Int) {
  search(query: $query, kinds: $kinds, first: $first) {
    kind title match
    node {
      __typename
      ... on Wallet { accountId }
      ... on Transaction { hash }
      ... on Token { symbol }
      ... on Actor { actorId }
      ... on Label { label wallets { accountId } }
    }
  }
}"""


@pytest.fixture
async def town(ledger: Ledger) -> Graph:
    """One of each kind, all about a desk."""
    await ledger.write(
        actor("desk", name="The Desk"),
        given.token("DESK"),
        said("w1", "Cold wallet of the desk"),
        given.transaction("w1", "w2", tx="paid"),
    )
    return ledger.graph


async def test_every_hit_has_its_object(town: Graph) -> None:
    found = await answer(town, SEARCH, query="desk")

    assert found.errors == []
    assert found.data["search"] == [
        {
            "kind": "ACTOR",
            "title": "The Desk",
            "match": "NAME",
            "node": {"__typename": "Actor", "actorId": "desk"},
        },
        {
            "kind": "TOKEN",
            "title": "DESK",
            "match": "NAME",
            "node": {"__typename": "Token", "symbol": "DESK"},
        },
        {
            "kind": "LABEL",
            "title": "Cold wallet of the desk",
            "match": "WORDS",
            "node": {
                "__typename": "Label",
                "label": "Cold wallet of the desk",
                "wallets": [{"accountId": wallet("w1")}],
            },
        },
    ]
    # Words of three kinds, what they lead to, the objects of three types, the label's wallets.
    assert len(found.statements) <= 13


async def test_addresses_and_hashes_lead_to_wallets_and_transactions(town: Graph) -> None:
    hits = (await ask(town, SEARCH, query=address("w1").upper().replace("X", "x")))["search"]
    assert [(hit["match"], hit["node"]["accountId"]) for hit in hits] == [("ADDRESS", wallet("w1"))]

    hits = (await ask(town, SEARCH, query=hash_of("paid")[:30]))["search"]
    assert [(hit["match"], hit["node"]["hash"]) for hit in hits] == [("BEGINNING", hash_of("paid"))]


async def test_kinds_and_first_narrow_the_answer(town: Graph) -> None:
    hits = (await ask(town, SEARCH, query="desk", kinds=["LABEL", "TOKEN"], first=1))["search"]

    assert [hit["title"] for hit in hits] == ["DESK"]


@pytest.mark.parametrize("asked", [{"query": ""}, {"query": "x" * 300}, {"query": "a", "first": 0}])
async def test_what_cannot_be_is_bad_input(town: Graph, asked: dict[str, object]) -> None:
    found = await answer(town, SEARCH, **asked)

    assert found.codes == ["BAD_INPUT"]
    assert found.statements == []
