"""The translation of other people's words."""

import pytest

from graph_api.domain.categories import DEFI, Category, actor_type
from graph_api.domain.records import ActorType
from ingest.sources.files.labels.taxonomy import (
    CONCEPTS,
    actor_type_of,
    concept,
    explorer_word,
    explorer_words,
    list_word,
    named_category,
)


def test_an_actor_is_one_thing_whichever_word_names_it() -> None:
    described: dict[str, set[tuple[str, ActorType]]] = {}
    for meaning in explorer_words().values():
        if meaning.actor is not None and meaning.name is not None:
            said = (meaning.name, actor_type(meaning.category))
            described.setdefault(meaning.actor, set()).add(said)
    twice = {actor: said for actor, said in described.items() if len(said) > 1}
    assert described
    assert not twice


def test_words_are_slugs_and_actors_have_names() -> None:
    for word, meaning in explorer_words().items():
        assert word == word.strip().lower()
        assert (meaning.actor is None) == (meaning.name is None), word


@pytest.mark.parametrize(
    ("word", "category"),
    [
        ("exchange", Category.EXCHANGE),
        ("DeFi_DEX", Category.DEX),
        ("mixing_service", Category.MIXER),
        ("sanction", Category.SANCTIONED),
        ("service_hack", Category.HACK),
        ("otc_desk", Category.OTC_DESK),
        ("market maker", Category.MARKET_MAKER),
        ("no such concept", None),
    ],
)
def test_concepts_have_our_words(word: str, category: Category | None) -> None:
    assert concept(word) is category


def test_all_defi_concepts_are_defi() -> None:
    assert {CONCEPTS[word] for word in CONCEPTS if word.startswith("defi")} <= DEFI


@pytest.mark.parametrize(
    ("concepts", "kind"),
    [
        (["organization", "defi_dex", "exchange"], ActorType.DEX),
        (["organization", "defi_dex", "exchange", "mining_service"], ActorType.EXCHANGE),
        (["phishing", "sanction"], ActorType.SANCTIONED),
        (["organization"], ActorType.OTHER),
        ([], ActorType.OTHER),
    ],
)
def test_what_an_actor_is_above_all(concepts: list[str], kind: ActorType) -> None:
    assert actor_type_of(concepts) is kind


@pytest.mark.parametrize(
    ("category", "name", "told"),
    [
        (Category.OTC_DESK, "HuobiToken (HT)", Category.TOKEN),
        (Category.OTC_DESK, "DIGIFINEXTOKEN", Category.TOKEN),
        (Category.OTC_DESK, "Genesis Trading: OTC Desk 6", Category.OTC_DESK),
        (Category.EXCHANGE, "Wintermute: Binance Deposit", Category.DEPOSIT),
        (Category.EXCHANGE, "Binance: Eth2 Depositor", Category.EXCHANGE),
        (Category.BRIDGE, "Polygon (Matic): Bridge", Category.BRIDGE),
        (Category.HACK, "Multichain Exploiter 4 (Whitehat)", Category.HACK),
        (Category.STABLECOIN, "USD Coin (USDC)", Category.STABLECOIN),
    ],
)
def test_a_name_tells_more_than_the_list_it_stands_on(
    category: Category, name: str, told: Category
) -> None:
    assert named_category(category, name) is told


def test_tables_may_use_any_vocabulary() -> None:
    assert list_word("Hot Wallet") is Category.HOT_WALLET
    assert list_word("cex") is Category.EXCHANGE
    assert list_word("airdrop-hunter") is Category.AIRDROP
    assert list_word("defi_lending") is Category.LENDING
    assert list_word("what is this") is None


def test_an_explorers_word_may_name_an_actor() -> None:
    meaning = explorer_word(" OKX ")
    assert meaning is not None
    assert (meaning.category, meaning.actor, meaning.name) == (Category.EXCHANGE, "okex", "OKX")
    assert explorer_word("no-such-slug") is None
