"""Who is behind wallets, as clients ask: labels, actors, desks, and as it was known on a day."""

import msgspec
import pytest

from graph_api.domain.categories import Category
from graph_api.domain.records import ActorType
from graph_api.store.graph import Graph
from tests import given
from tests.given import NOW, Ledger, wallet
from tests.schema.asking import answer, ask
from tests.store.test_desks import actor
from tests.store.test_labels import DAY, ms, said


@pytest.fixture
async def street(ledger: Ledger) -> Graph:
    """Two desks, an exchange, and what several sources say of their wallets."""
    await ledger.write(
        actor("genesis", name="Genesis Trading", registered=True, confidence=1.0),
        actor("wintermute", ActorType.MARKET_MAKER, name="Wintermute"),
        actor("binance", ActorType.EXCHANGE, name="Binance"),
        said("w1", "Genesis OTC", actor="genesis", confidence=0.6),
        said("w1", "Binance 14", actor="binance", confidence=0.5, category=Category.HOT_WALLET),
        said("w1", "Binance hot", actor="binance", confidence=0.5, source="another"),
        said("w2", "Genesis 2", actor="genesis", confidence=0.9, learned_at=ms(NOW - 5 * DAY)),
        said("w3", "币安 ☂", confidence=0.3, category=Category.EXCHANGE),
        given.transaction("w1", "w2", tx="a"),
    )
    return ledger.graph


async def test_a_wallet_has_labels_a_winner_and_an_owner(street: Graph) -> None:
    found = await answer(
        street,
        """query ($a: AccountId!, $b: AccountId!) {
          a: wallet(by: {accountId: $a}) { ...said }
          b: wallet(by: {accountId: $b}) { ...said }
        }
        fragment said on Wallet {
          labels(first: 2) { label confidence category source actor { name type } }
          label { label }
          actor { actorId registered }
        }""",
        a=wallet("w1"),
        b=wallet("w3"),
    )

    assert found.errors == []
    assert found.data["a"] == {
        "labels": [
            {
                "label": "Genesis OTC",
                "confidence": 0.6,
                "category": "OTC_DESK",
                "source": "tests",
                "actor": {"name": "Genesis Trading", "type": "OTC_DESK"},
            },
            found.data["a"]["labels"][1],
        ],
        # 0.5² + 0.5² outweigh 0.6².
        "label": {"label": found.data["a"]["label"]["label"]},
        "actor": {"actorId": "binance", "registered": False},
    }
    assert found.data["a"]["label"]["label"].startswith("Binance")
    assert found.data["b"]["labels"][0]["label"] == found.data["b"]["label"]["label"] == "币安 ☂"
    assert found.data["b"]["actor"] is None
    # Wallets; labels; labels and their actors; the winners; the owners and who they are.
    assert len(found.statements) == 6


async def test_an_answer_can_be_given_as_of_a_day(ledger: Ledger) -> None:
    label = said("w1", "Was a desk", actor="desk", learned_at=ms(NOW - 9 * DAY))
    await ledger.write(actor("desk"), msgspec.structs.replace(label, withdrawn_at=ms(NOW - DAY)))

    data = await ask(
        ledger.graph,
        """query ($wallet: AccountId!, $day: DateTime!) {
          wallet(by: {accountId: $wallet}) {
            then: labels(asOf: $day) { label withdrawnAt }
            thenOwner: actor(asOf: $day) { actorId }
            now: labels { label }
            nowOwner: actor { actorId }
          }
          actor(id: "desk") {
            then: wallets(asOf: $day) { nodes { accountId } }
            now: wallets { nodes { accountId } }
          }
        }""",
        wallet=wallet("w1"),
        day=(NOW - 2 * DAY).isoformat(),
    )

    assert data["wallet"] == {
        "then": [{"label": "Was a desk", "withdrawnAt": "2026-01-14T12:00:00Z"}],
        "thenOwner": {"actorId": "desk"},
        "now": [],
        "nowOwner": None,
    }
    assert data["actor"] == {
        "then": {"nodes": [{"accountId": wallet("w1")}]},
        "now": {"nodes": []},
    }


async def test_actors_are_listed_searched_and_found_again_by_their_ids(street: Graph) -> None:
    data = await ask(
        street,
        """{
          all: actors { nodes { actorId } }
          makers: actors(type: MARKET_MAKER) { nodes { actorId } }
          words: actors(search: "trading gen") { nodes { id name } }
          none: actors(search: "nobody") { nodes { id } pageInfo { hasNextPage } }
          one: actor(id: "Genesis") { id labels { nodes { id label } } }
        }""",
    )

    assert [one["actorId"] for one in data["all"]["nodes"]] == ["binance", "genesis", "wintermute"]
    assert data["makers"]["nodes"] == [{"actorId": "wintermute"}]
    assert data["words"]["nodes"] == [{"id": data["one"]["id"], "name": "Genesis Trading"}]
    assert data["none"] == {"nodes": [], "pageInfo": {"hasNextPage": False}}
    (surest, _) = data["one"]["labels"]["nodes"]
    again = await ask(
        street,
        """query ($ids: [ID!]!) {
          nodes(ids: $ids) { ... on Actor { name } ... on Label { label } }
        }""",
        ids=[data["one"]["id"], surest["id"]],
    )
    assert again["nodes"] == [{"name": "Genesis Trading"}, {"label": "Genesis 2"}]


async def test_desks_come_from_the_registry_and_from_the_database(street: Graph) -> None:
    found = await answer(
        street,
        """{
          desks { nodes { actor { actorId } registered validated } }
          listed: desks(source: REGISTRY, validatedOnly: true) { nodes { ...totals } }
          exchanges: desks(types: [EXCHANGE]) { nodes { actor { actorId } } }
          desk(id: "genesis") { ...totals actor { wallets { nodes { accountId } } } }
          nobody: desk(id: "nobody") { validated }
        }
        fragment totals on Desk {
          walletCount activeWalletCount labelCount transfersIn transfersOut lastSeenAt complete
        }""",
    )

    assert found.errors == []
    totals = {
        "walletCount": 2,
        "activeWalletCount": 2,
        "labelCount": 2,
        "transfersIn": "1",
        "transfersOut": "1",
        "lastSeenAt": "2023-11-14T22:13:20Z",
        "complete": True,
    }
    assert found.data == {
        "desks": {
            "nodes": [{"actor": {"actorId": "genesis"}, "registered": True, "validated": True}]
        },
        "listed": {"nodes": [totals]},
        "exchanges": {"nodes": [{"actor": {"actorId": "binance"}}]},
        "desk": totals
        | {
            "actor": {
                "wallets": {"nodes": [{"accountId": wallet("w2")}, {"accountId": wallet("w1")}]}
            }
        },
        "nobody": None,
    }


async def test_labels_are_listed_by_actor_and_category(street: Graph) -> None:
    data = await ask(
        street,
        """{
          all: labels { nodes { label } }
          byActor: labels(actor: "binance") { nodes { label } }
          hot: labels(actor: "binance", filter: {category: HOT_WALLET}) { nodes { label } }
          sure: labels(filter: {category: OTC_DESK, minConfidence: 0.6}) {
            nodes { label wallets { accountId transfersOut } }
          }
        }""",
    )

    assert len(data["all"]["nodes"]) == 5
    assert {one["label"] for one in data["byActor"]["nodes"]} == {"Binance 14", "Binance hot"}
    assert data["hot"]["nodes"] == [{"label": "Binance 14"}]
    assert data["sure"]["nodes"] == [
        {"label": "Genesis 2", "wallets": [{"accountId": wallet("w2"), "transfersOut": 0}]},
        {"label": "Genesis OTC", "wallets": [{"accountId": wallet("w1"), "transfersOut": 1}]},
    ]


async def test_wallets_are_listed_by_actor_and_category(street: Graph) -> None:
    data = await ask(
        street,
        """query ($day: DateTime!) {
          byActor: wallets(filter: {actor: "genesis"}) { nodes { accountId } }
          before: wallets(filter: {actor: "genesis", asOf: $day}) { nodes { accountId } }
          both: wallets(filter: {actor: "binance", category: HOT_WALLET}) { nodes { accountId } }
          byCategory: wallets(filter: {category: EXCHANGE, chain: "ethereum"}) {
            nodes { accountId }
          }
          sure: wallets(filter: {category: OTC_DESK, minConfidence: 0.8}) { nodes { accountId } }
          active: wallets(filter: {actor: "genesis", activeSince: "2030-01-01T00:00:00Z"}) {
            nodes { accountId }
          }
        }""",
        day=(NOW - 8 * DAY).isoformat(),
    )

    ids = {name: [one["accountId"] for one in listed["nodes"]] for name, listed in data.items()}
    assert ids == {
        "byActor": [wallet("w2"), wallet("w1")],
        "before": [wallet("w1")],
        "both": [wallet("w1")],
        "byCategory": [wallet("w3")],
        "sure": [wallet("w2")],
        "active": [],
    }


async def test_pages_of_labelled_wallets_go_on_from_their_cursors(ledger: Ledger) -> None:
    await ledger.write(*[said(name, actor="desk", everywhere=True) for name in ("w1", "w2", "w3")])
    query = """query ($after: String, $before: String, $first: Int, $last: Int) {
      actor(id: "desk") {
        wallets(after: $after, before: $before, first: $first, last: $last) {
          nodes { accountId }
          pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        }
      }
    }"""

    forward: list[str] = []
    after = None
    while True:
        page = (await ask(ledger.graph, query, after=after, first=5))["actor"]["wallets"]
        forward += [one["accountId"] for one in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    before = (await ask(ledger.graph, query, before=after, last=50))["actor"]["wallets"]

    assert len(set(forward)) == len(forward) == 24
    assert [one["accountId"] for one in before["nodes"]] == forward[:-1]
    assert before["pageInfo"]["hasPreviousPage"] is False


@pytest.mark.parametrize(
    "field",
    [
        "labels(first: 1001) { nodes { id } }",
        "labels(filter: {minConfidence: 2}) { nodes { id } }",
        'actor(id: "") { id }',
        'actors(search: "--") { nodes { id } }',
        'labels(after: "bm9uZTp4") { nodes { id } }',
        'wallets(filter: {actor: "a", chain: "eth"}, order: NEWEST_ACTIVITY) { nodes { id } }',
        "wallets(filter: {category: DEX, minConfidence: -1}) { nodes { id } }",
        "desks(types: [NOBODY]) { nodes { validated } }",
    ],
)
async def test_what_cannot_be_is_bad_input(street: Graph, field: str) -> None:
    found = await answer(street, f"{{ {field} }}")

    assert found.codes == ["BAD_INPUT"]


async def test_a_page_of_actors_asks_as_much_as_one(street: Graph) -> None:
    query = """query ($first: Int) {
      actors(first: $first) {
        nodes {
          labels(first: 2) { nodes { wallets { accountId labels { label } } } }
          wallets(first: 2) { nodes { chainId } }
        }
      }
    }"""

    one, all_ = [await answer(street, query, first=first) for first in (1, 3)]

    assert one.errors == all_.errors == []
    assert len(all_.data["actors"]["nodes"]) == 3
    assert len(all_.statements) <= len(one.statements) + 1
    assert len(all_.statements) <= 8
