"""Claims: whom they speak of, what makes them the same, and what edits of the registry do."""

from typing import Any

import pytest

from graph_api.domain.categories import Category, actor_type
from graph_api.domain.chains import EVM_CHAINS, chain_of
from graph_api.domain.errors import BadInput
from graph_api.domain.labels import MAX_TEXT, claim, on_chain, on_chains
from graph_api.domain.records import ActorType, Label
from graph_api.domain.registry import Wallet, actor_of, add, again, correct, withdraw

ADDRESS = "0x28c6c06298d514db089934071355e5743bf21d60"
MIXED = "0x28C6c06298d514Db089934071355E5743bf21d60"
BITCOIN = "16ftSEQ4ctQFDtVZiUBusQUjRrGhM3JYwe"
DAY = 86_400_000


def label(*chains: str, **changes: Any) -> Label:
    """A claim about Binance's 14th wallet."""
    on = on_chains(ADDRESS, [chain_of(name) for name in chains], category=Category.EXCHANGE)
    said: dict[str, Any] = {"source": "test", "confidence": 0.5, "category": Category.EXCHANGE}
    said |= changes
    return claim(on, "Binance 14", **said)


def test_a_source_without_a_chain_speaks_of_every_evm_chain() -> None:
    subject = on_chains(MIXED, category=Category.EXCHANGE)
    assert subject.accounts == tuple(f"{chain.id}:{ADDRESS}" for chain in EVM_CHAINS)


def test_named_chains_narrow_whom_a_claim_speaks_of_but_not_which_claim_it_is() -> None:
    narrow = label("polygon", "gnosis")
    assert narrow.accounts == (f"eip155:137:{ADDRESS}", f"eip155:100:{ADDRESS}")
    assert narrow.id == label().id


@pytest.mark.parametrize("category", [Category.CONTRACT, Category.DEX, Category.TOKEN])
def test_a_contract_needs_its_chain(category: Category) -> None:
    with pytest.raises(BadInput, match="holds on one chain"):
        on_chains(ADDRESS, category=category)
    assert on_chains(ADDRESS, [chain_of("bsc")], category=category).accounts == (
        f"eip155:56:{ADDRESS}",
    )


def test_an_address_of_another_family_needs_its_chain() -> None:
    with pytest.raises(BadInput, match="name its chain"):
        on_chains(BITCOIN, category=None)
    mixed = [chain_of("ethereum"), chain_of("bitcoin")]
    assert on_chains(BITCOIN, mixed, category=None) == on_chain(chain_of("bitcoin"), BITCOIN)
    with pytest.raises(BadInput, match="names none of their chains"):
        on_chains(ADDRESS, [chain_of("bitcoin")], category=None)


def test_a_wrong_checksum_is_refused() -> None:
    with pytest.raises(BadInput, match="checksum"):
        on_chains(MIXED.replace("C6c0", "c6C0"), category=None)


def test_the_same_claim_has_the_same_id_whatever_its_certainty_and_whenever_learned() -> None:
    assert label().id == label(confidence=0.9, learned_at=DAY, note="again", actor="binance").id


@pytest.mark.parametrize(
    "changes",
    [
        {"source": "other"},
        {"category": Category.HOT_WALLET},
        {"source_category": "cex"},
        {"valid_from": DAY},
        {"valid_to": DAY},
    ],
)
def test_another_source_category_or_validity_is_another_claim(changes: dict[str, Any]) -> None:
    assert label(**changes).id != label().id


def test_a_better_translation_of_the_sources_word_does_not_double_the_claim() -> None:
    word: dict[str, Any] = {"source_category": "cex"}
    assert label(**word).id == label(**word, category=Category.HOT_WALLET).id


def test_ids_stay_what_they_are_across_releases() -> None:
    assert label().id == "label:252c68a72e479a00cf0fadf22d64b032"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"confidence": 0}, "fraction"),
        ({"confidence": 1.01}, "fraction"),
        ({"confidence": float("nan")}, "fraction"),
        ({"valid_from": DAY, "valid_to": DAY}, "valid_to"),
    ],
)
def test_impossible_claims_are_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        label(**changes)


def test_texts_are_one_printable_line_of_bounded_length() -> None:
    subject = on_chain(chain_of("ethereum"), ADDRESS)
    tidy = claim(subject, " a\n\tb\x00\u202ec \U0001f40b", source="test", confidence=1)
    assert tidy.label == "a bc \U0001f40b"
    assert len(claim(subject, "x" * 9000, source="test", confidence=1).label) == MAX_TEXT
    with pytest.raises(BadInput, match="needs a text"):
        claim(subject, " \x00\n", source="test", confidence=1)


def test_what_an_actor_is_follows_from_its_wallets() -> None:
    assert actor_type(Category.OTC_DESK) is ActorType.OTC_DESK
    assert actor_type(Category.HOT_WALLET) is ActorType.EXCHANGE
    assert actor_type(Category.PHISHING) is ActorType.SCAM
    assert actor_type(Category.USER) is ActorType.OTHER
    assert {actor_type(category) for category in Category} <= set(ActorType)


WALLET = Wallet(address=MIXED, label="Desk 1", category=Category.OTC_DESK, actor="desk")


def test_an_added_address_is_known_since_the_day_of_its_addition() -> None:
    added = add(WALLET, chains=[chain_of("ethereum")], at=DAY)
    assert added.accounts == (f"eip155:1:{ADDRESS}",)
    assert (added.learned_at, added.withdrawn_at, added.actor) == (DAY, None, "desk")
    assert add(WALLET, at=DAY).accounts == tuple(f"{chain.id}:{ADDRESS}" for chain in EVM_CHAINS)


def test_a_withdrawal_keeps_what_was_known_before_it() -> None:
    added = add(WALLET, at=DAY)
    gone = withdraw(added, at=3 * DAY)
    assert (gone.id, gone.learned_at, gone.withdrawn_at) == (added.id, DAY, 3 * DAY)
    with pytest.raises(BadInput, match="already"):
        withdraw(gone, at=4 * DAY)
    with pytest.raises(BadInput, match="before it was learned"):
        withdraw(added, at=0)


def test_a_correction_withdraws_the_old_and_states_the_new() -> None:
    added = add(WALLET, at=DAY)
    ended = Wallet(
        address=MIXED, label="Desk 1", category=Category.OTC_DESK, actor="desk", valid_to=2 * DAY
    )
    old, new = correct(added, ended, at=3 * DAY)
    assert old == withdraw(added, at=3 * DAY)
    assert (new.valid_to, new.learned_at, new.withdrawn_at) == (2 * DAY, 3 * DAY, None)
    assert new.id != old.id


def test_a_correction_of_what_does_not_make_the_claim_still_keeps_both() -> None:
    added = add(WALLET, at=DAY)
    surer = Wallet(
        address=MIXED, label="Desk 1", category=Category.OTC_DESK, actor="desk", confidence=0.6
    )
    old, new = correct(added, surer, at=3 * DAY)
    assert new.id != old.id
    assert (old.confidence, new.confidence) == (1.0, 0.6)


def test_a_correction_that_says_the_same_is_refused() -> None:
    with pytest.raises(BadInput, match="says the same"):
        correct(add(WALLET, at=DAY), WALLET, at=2 * DAY)


def test_what_was_withdrawn_can_be_said_again() -> None:
    gone = withdraw(add(WALLET, at=DAY), at=2 * DAY)
    back = again(gone, at=5 * DAY)
    assert (back.learned_at, back.withdrawn_at) == (5 * DAY, None)
    assert back.id not in (gone.id, again(gone, at=6 * DAY).id)


def test_an_actor_of_the_registry_outranks_what_files_say() -> None:
    desk = actor_of("desk", "Desk", category=Category.OTC_DESK)
    assert (desk.type, desk.confidence) == (ActorType.OTC_DESK, 1.0)
