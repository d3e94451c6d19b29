"""Prices: what several sources make of one, which one holds at a moment, and exact sums."""

import random
from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph_api.domain.assets import ASSETS, Asset, asset_named, of_tokens
from graph_api.domain.errors import BadInput
from graph_api.domain.prices import (
    Course,
    Price,
    Quote,
    Rules,
    agreed,
    dollars,
    inverse,
    micros,
    price_of,
    rounded,
    spans,
    value,
)

NOW = 1_700_000_000_000
RULES = Rules(max_age_ms=60_000)


def quote(source: str, price: str | None, *, asset: str = "ethereum", **more: object) -> Quote:
    """What ``source`` says now."""
    number = None if price is None else Decimal(price)
    told = Quote(asset=asset, source=source, price=number, at=NOW)
    return msgspec.structs.replace(told, **more)


def test_the_median_of_sources_that_agree_is_the_price() -> None:
    quotes = [quote("a", "2000"), quote("b", "2010"), quote("c", "2004", at=NOW - 5_000)]
    prices, refused = agreed(quotes, now=NOW, rules=RULES)

    assert prices == {
        "ethereum": Price(asset="ethereum", usd=Decimal(2004), at=NOW, source="a+b+c")
    }
    assert refused == []


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        (quote("odd", None), "it names no price"),
        (quote("odd", "2000", at=None), "it does not say of when it is"),
        (quote("odd", "0"), "0 is no price"),
        (quote("odd", "1e13"), "1E+13 is no price"),
        (quote("odd", "2000", at=NOW - 61_000), "it is 61 s old"),
        (quote("odd", "2000", at=NOW + 61_000), "it is 61 s ahead of us"),
        (quote("odd", "2500"), "it is more than 5% off the median 2001"),
        (quote("odd", "2000", currency="tether"), "nobody knows the price of tether"),
    ],
)
def test_a_quote_that_cannot_be_right_is_refused_with_its_reason(odd: Quote, reason: str) -> None:
    prices, refused = agreed([quote("a", "2000"), quote("b", "2001"), odd], now=NOW, rules=RULES)

    assert prices["ethereum"].source == "a+b"
    assert [one.source for one in refused] == ["odd"]
    assert refused[0].reason.startswith(reason)


def test_of_two_that_contradict_one_another_neither_is_believed() -> None:
    prices, refused = agreed([quote("a", "2000"), quote("b", "3000")], now=NOW, rules=RULES)

    assert prices == {}
    assert {one.reason for one in refused} == {"0 of 2 sources agree, which is too few"}


def test_more_sources_can_be_asked_for() -> None:
    quotes = [quote("a", "2000"), quote("b", "2001")]
    rules = msgspec.structs.replace(RULES, least=3)

    assert agreed(quotes, now=NOW, rules=rules)[0] == {}


def test_a_stablecoin_that_lost_its_peg_does_not_raise_what_is_quoted_in_it() -> None:
    quotes = [
        quote("a", "0.5", asset="tether", at=NOW - 9_000),
        quote("b", "4000", currency="tether"),
        quote("c", "2000"),
    ]
    prices, refused = agreed(quotes, now=NOW, rules=RULES)

    assert prices["tether"].usd == Decimal("0.5")
    assert (prices["ethereum"].usd, prices["ethereum"].source) == (Decimal(2000), "b+c")
    assert refused == []


def test_a_clock_that_goes_ahead_makes_no_price_of_the_future() -> None:
    prices, _ = agreed([quote("a", "2000", at=NOW + 30_000)], now=NOW, rules=RULES)
    assert prices["ethereum"].at == NOW


def test_a_price_is_never_from_after_the_moment_nor_too_old() -> None:
    course = Course(
        Price(asset="x", usd=Decimal(usd), at=at, source="s")
        for at, usd in ((300, 3), (100, 1), (200, 2))
    )
    found = {at: course.at(at, tolerance_ms=100) for at in (99, 100, 199, 200, 400, 401)}

    assert {at: one and int(one.usd) for at, one in found.items()} == {
        99: None,
        100: 1,
        199: 1,
        200: 2,
        400: 3,
        401: None,
    }
    assert course.uncovered([401, 50, 150, 401], tolerance_ms=100) == [50, 401]


def test_stretches_to_ask_for_begin_before_their_first_moment_and_are_joined_when_near() -> None:
    assert spans([1_000, 1_400, 9_000], lead_ms=100, gap_ms=500) == [(900, 1_400), (8_900, 9_000)]
    with pytest.raises(BadInput):
        spans([2, 1], lead_ms=1, gap_ms=1)


@given(
    amount=st.integers(0, 2**256 - 1),
    decimals=st.integers(0, 36),
    usd=st.decimals("0.000000000000000001", "1e9", allow_nan=False, places=18),
)
def test_a_value_is_the_exact_product_rounded_once(
    amount: int, decimals: int, usd: Decimal
) -> None:
    exact = Fraction(amount) * Fraction(usd) / 10**decimals
    worth = value(amount, decimals=decimals, usd=usd)

    # Off by half a millionth, and by half of what the last bit of a float stands for.
    assert abs(Fraction(worth) - exact) <= Fraction(1, 2_000_000) + abs(exact) / 2**53


@given(st.lists(st.floats(0, 1e15), max_size=40), st.randoms())
@settings(max_examples=50)
def test_sums_are_the_same_in_every_order(worths: list[float], chance: random.Random) -> None:
    total = sum(map(micros, worths))
    chance.shuffle(worths)
    for worth in worths:
        total -= micros(worth)
    assert total == 0


@given(st.integers(0, 8 * 10**15))
def test_millionths_survive_their_float(worth: int) -> None:
    assert micros(dollars(worth)) == worth


def test_numbers_of_sources_are_read_as_they_were_sent() -> None:
    assert price_of(0.1) == Decimal("0.1")
    assert price_of("1e-7") == Decimal("0.0000001")
    assert price_of(3) == Decimal(3)
    strange: list[object] = [None, True, "", "NaN", "Infinity", -1, 0, []]
    assert {price_of(one) for one in strange} == {None}
    assert rounded(inverse(Decimal(3)) or Decimal(0)) == Decimal("0.333333333333333333")
    assert f"{rounded(Decimal(1000))}" == "1000"
    assert inverse(None) is None


def test_assets_are_found_by_id_and_symbol_and_share_no_token() -> None:
    assert asset_named(" usdc ").id == "usd-coin"
    assert asset_named("Ethereum").symbol == "ETH"
    with pytest.raises(BadInput, match="Unknown asset 'dogecoin'"):
        asset_named("dogecoin")
    assert len(of_tokens(ASSETS)) == sum(len(one.tokens) for one in ASSETS)
    twice = (*ASSETS, Asset(id="other", symbol="O", tokens=ASSETS[0].tokens))
    with pytest.raises(BadInput, match="Both bitcoin and other claim"):
        of_tokens(twice)
