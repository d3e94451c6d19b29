"""Search: every kind of thing by every way to name it, ranked, bounded, alike on both engines."""

from typing import Any

import msgspec
import pytest

from graph_api.domain.categories import Category
from graph_api.domain.errors import BadInput
from graph_api.domain.records import ActorType, Record, Token
from graph_api.store import search
from graph_api.store.graph import Graph
from graph_api.store.search import Hit, Match, SearchKind
from tests import given
from tests.given import NOW, Ledger, address, hash_of, wallet
from tests.schema.asking import counted
from tests.store.test_desks import actor
from tests.store.test_labels import DAY, ms, said


async def hits(graph: Graph, query: str, *, first: int = 20, **asked: Any) -> list[Hit]:
    return await search.search(graph, query=query, now=NOW, first=first, **asked)


async def titles(graph: Graph, query: str, **asked: Any) -> list[str]:
    return [hit.title for hit in await hits(graph, query, **asked)]


@pytest.fixture
async def town(ledger: Ledger) -> Graph:
    """Desks, tokens and labels whose words overlap."""
    await ledger.write(
        actor("genesis", name="Genesis Trading"),
        actor("b2c2", ActorType.MARKET_MAKER, name="B2C2"),
        given.token("usdt", symbol="USDT"),
        msgspec.structs.replace(given.token("fake"), symbol="USDT", name="Genesis Gift"),
        said("w1", "Genesis Trading: OTC Desk 2", confidence=0.9),
        said("w2", "Genesis trading hot wallet", confidence=0.4),
        said("w3", "Fake_Phishing3901", category=Category.PHISHING),
        said("w4", "Straße der Börse 币安"),
        given.transfer("alice", "w1", tx="paid", token=given.erc20("usdt")),
        given.transaction("bob", "w2", tx="coin"),
    )
    return ledger.graph


async def test_words_are_found_in_any_order_and_the_last_by_its_beginning(town: Graph) -> None:
    assert await titles(town, "trading genesis") == [
        "Genesis Trading",
        "Genesis Trading: OTC Desk 2",
        "Genesis trading hot wallet",
    ]
    assert await titles(town, "OTC genesis de") == ["Genesis Trading: OTC Desk 2"]
    assert await titles(town, "GENESIS hot") == ["Genesis trading hot wallet"]
    assert await titles(town, "phishing3901 fake") == ["Fake_Phishing3901"]
    assert await titles(town, "fake phish") == ["Fake_Phishing3901"]
    # Only the last word may be a beginning.
    assert await titles(town, "gene trading") == []


@pytest.mark.parametrize("query", ["STRASSE", "börse", "BÖRSE strasse", "币安", "币"])
async def test_letters_of_any_script_and_case_are_found(town: Graph, query: str) -> None:
    assert await titles(town, query) == ["Straße der Börse 币安"]


async def test_names_that_are_just_so_come_before_texts_with_the_word(town: Graph) -> None:
    found = await hits(town, "genesis")

    assert [(hit.kind.value, hit.match.name) for hit in found] == [
        ("actor", "NAME"),
        ("token", "WORDS"),
        ("label", "WORDS"),
        ("label", "WORDS"),
    ]
    assert [hit.weight for hit in found[2:]] == [0.9, 0.4]


async def test_of_tokens_with_one_symbol_the_busiest_comes_first(town: Graph) -> None:
    found = await hits(town, "usdt")

    assert [(hit.id, hit.match) for hit in found] == [
        (given.erc20("usdt"), Match.NAME),
        (given.erc20("fake"), Match.NAME),
    ]


@pytest.mark.parametrize("form", [str, str.upper, lambda text: text[2:]])
async def test_addresses_and_hashes_are_found_whatever_their_case(town: Graph, form: Any) -> None:
    def typed(text: str) -> str:
        return str(form(text)).replace("0X", "0x")

    (found,) = await hits(town, typed(address("w1")))
    assert (found.kind, found.id, found.match) == (SearchKind.WALLET, wallet("w1"), Match.ADDRESS)
    (found,) = await hits(town, typed(hash_of("paid")))
    assert (found.kind, found.title) == (SearchKind.TRANSACTION, hash_of("paid"))


async def test_an_address_is_found_on_every_chain_that_has_it_the_busiest_first(
    ledger: Ledger,
) -> None:
    await ledger.write(said("desk", everywhere=True), given.transaction("alice", "desk", tx="a"))

    found = await hits(ledger.graph, address("desk"))

    assert len(found) == 8
    assert found[0].id == wallet("desk")


async def test_a_token_is_found_by_its_contract(town: Graph) -> None:
    found = await hits(town, address("usdt"))

    assert (SearchKind.TOKEN, given.erc20("usdt")) in [(hit.kind, hit.id) for hit in found]


async def test_beginnings_of_addresses_and_hashes_are_found(town: Graph) -> None:
    assert await titles(town, address("w1")[:12]) == [address("w1")]
    assert await titles(town, hash_of("paid")[:20].upper().replace("X", "x")) == [hash_of("paid")]


async def test_kinds_and_number_of_hits_are_limited(town: Graph) -> None:
    assert await titles(town, "genesis", kinds=[SearchKind.TOKEN]) == ["USDT"]
    assert await titles(town, "genesis", first=1) == ["Genesis Trading"]
    only = await hits(town, address("w1"), kinds=[SearchKind.LABEL, SearchKind.TOKEN])
    assert only == []


@pytest.mark.parametrize("query", ["", "  ", "-- !", "x" * 201])
async def test_nothing_to_look_for_is_bad_input(town: Graph, query: str) -> None:
    with pytest.raises(BadInput):
        await hits(town, query)


async def test_labels_that_do_not_hold_are_not_found(ledger: Ledger) -> None:
    await ledger.write(
        said("w1", "was wrong", learned_at=ms(NOW - 9 * DAY)),
        said("w2", "is over", valid_to=ms(NOW - DAY)),
        said("w3", "not yet", valid_from=ms(NOW + DAY)),
    )
    label = said("w1", "was wrong", learned_at=ms(NOW - 9 * DAY))
    await ledger.write(msgspec.structs.replace(label, withdrawn_at=ms(NOW - DAY)))

    assert [await titles(ledger.graph, text) for text in ("wrong", "over", "yet")] == [[], [], []]


async def test_a_new_name_takes_the_place_of_the_old(ledger: Ledger) -> None:
    graph = ledger.graph
    await ledger.write(actor("desk", name="Old Name"))
    await ledger.write(actor("desk", name="New Name", confidence=0.9))

    assert await titles(graph, "old") == []
    assert await titles(graph, "new name") == ["New Name"]

    bare = Token(id=given.erc20("T"), chain=given.token("T").chain, address=address("T"))
    await ledger.write(bare)
    await ledger.write(msgspec.structs.replace(bare, symbol="TTT"))
    await ledger.write(msgspec.structs.replace(bare, symbol="XXX", name="Tree Token"))

    assert await titles(graph, "tree ttt") == ["TTT"]
    assert await titles(graph, "xxx") == []
    assert await graph.run_alone("MATCH (t:Term) RETURN count(t) AS n") == [{"n": 6}]


async def test_coins_are_found_by_their_names(town: Graph) -> None:
    assert await titles(town, "ethereum", kinds=[SearchKind.TOKEN]) == ["ETH"]


async def test_a_reload_makes_no_second_entry(ledger: Ledger) -> None:
    batch: list[Record] = [actor("desk"), given.token("USD"), said("w1", "One Desk", actor="desk")]
    await ledger.write(*batch)
    before = await ledger.graph.run_alone("MATCH (t:Term) RETURN count(t) AS n")

    await ledger.write(*batch)

    assert await ledger.graph.run_alone("MATCH (t:Term) RETURN count(t) AS n") == before


async def test_a_word_of_many_is_searched_in_its_order_with_few_statements(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More labels share the words than a word looks at, and than it may lead to."""
    monkeypatch.setattr(search, "SCAN", 300)
    await ledger.write(
        *[
            said(f"m{number}", f"Fake Phishing {number}", confidence=0.1 + number / 1000)
            for number in range(600)
        ]
    )
    graph = ledger.graph

    with counted() as sent:
        surest = await hits(graph, "phish", first=10)
        one = await titles(graph, "fake phishing 7")

    assert [hit.title for hit in surest] == [f"Fake Phishing {599 - n}" for n in range(10)]
    # What only one of the words leads to is found however many share the others.
    assert one[0] == "Fake Phishing 7"
    assert len(sent) < 16


async def test_actors_are_found_by_words_of_name_and_slug(town: Graph) -> None:
    found: list[Any] = await search.actors_called(town, "gene")
    assert [row.name for row in found] == ["Genesis Trading"]
    found = await search.actors_called(town, "B2C")
    assert [row.id for row in found] == ["b2c2"]
