"""Words: what search takes for the same, and where it stops."""

import pytest

from graph_api.domain.words import MAX_LENGTH, MAX_WORDS, phrase, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Binance: Hot Wallet 14", ("binance", "hot", "wallet", "14")),
        ("Fake_Phishing3901", ("fake", "phishing3901")),
        ("STRASSE Straße", ("strasse",)),
        ("ΟΔΟΣ οδός", ("οδοσ", "οδόσ")),
        ("ＵＳＤＴ ﬁat", ("usdt", "fiat")),
        ("币安 热钱包", ("币安", "热钱包")),
        ("🚀 to the moon", ("to", "the", "moon")),
        ("--- !!", ()),
    ],
)
def test_words_are_whole_folded_and_distinct(text: str, found: tuple[str, ...]) -> None:
    assert words(text) == found


def test_a_long_text_is_found_by_its_beginning() -> None:
    found = words(
        " ".join(f"{'x' * 100}{number}" if number == 0 else f"w{number}" for number in range(99))
    )

    assert found[0] == "x" * MAX_LENGTH
    assert len(found) == MAX_WORDS


def test_a_phrase_shows_whole_words_and_beginnings() -> None:
    text = phrase(words("Hot Wallet"))

    assert " hot " in text
    assert " wal" in text
    assert " wal " not in text
