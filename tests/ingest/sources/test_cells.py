"""What the text of a cell means."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_api.domain.errors import BadInput
from ingest.sources.cells import base_units, count, moment, raw_of_units

NOON = 1_488_769_200_000


@pytest.mark.parametrize(
    "text",
    [
        "1488769200",
        "1488769200.0",
        "1.4887692e9",
        "1488769200000",
        "1488769200000000",
        "1488769200000000000",
        "2017-03-06T03:00:00Z",
        "2017-03-06 03:00:00 UTC",
        "2017-03-06 03:00:00",
        "2017-03-06T04:00:00+01:00",
        "2017-03-06 03:00:00.000000 UTC",
    ],
)
def test_a_moment_is_read_from_seconds_to_nanoseconds_and_iso_text(text: str) -> None:
    assert moment(text) == NOON


def test_moments_keep_milliseconds_and_days_begin_at_midnight() -> None:
    assert moment("1488769200.125") == NOON + 125
    assert moment("2017-03-06") == NOON - 3 * 3_600_000
    assert moment("0") == 0
    assert moment("") is None


@pytest.mark.parametrize(
    "text", ["yesterday", "-5", "nan", "inf", "1e99", "2017-13-01", "5000-1-1"]
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        moment(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [("3300000", 3_300_000), ("3300000.0", 3_300_000), ("0x10", 16), ("3.3e6", 3_300_000)],
)
def test_counts_survive_tables_that_made_floats_of_them(text: str, number: int) -> None:
    assert count(text) == number


@pytest.mark.parametrize("text", ["-1", "1.5", "9223372036854775808", "abc", "٣x"])
def test_counts_out_of_range_are_refused(text: str) -> None:
    with pytest.raises(BadInput):
        count(text)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0", 0),
        ("199e17", 199 * 10**17),
        ("1e+18", 10**18),
        ("1.23456789012345e+20", 123456789012345 * 10**6),
        ("5000000000000000000.000000000", 5 * 10**18),
        ("1234567890123456789.000000000", 1234567890123456789),
        ("100000.0", 100_000),
        ("0x0de0b6b3a7640000", 10**18),
        (str(2**256 - 1), 2**256 - 1),
    ],
)
def test_base_units_are_read_without_loss(text: str, amount: int) -> None:
    assert base_units(text) == amount


@pytest.mark.parametrize(
    "text", ["1.2345678901234568e+18", "9007199254740993.0", "1234567890123456789e3"]
)
def test_base_units_that_a_float_has_rounded_are_refused(text: str) -> None:
    with pytest.raises(BadInput, match="went through a float"):
        base_units(text)


@pytest.mark.parametrize(
    "text", ["-1", "1.5", "", "abc", "nan", str(2**256), "1e999999999", "0xzz"]
)
def test_base_units_out_of_range_are_refused(text: str) -> None:
    with pytest.raises(BadInput):
        base_units(text)


@pytest.mark.parametrize(
    ("text", "decimals", "raw"),
    [
        ("18.67", 6, 18_670_000),
        ("10000.0", 6, 10_000_000_000),
        ("18.669999999999998", 6, 18_670_000),
        ("0.30000000000000004", 6, 300_000),
        ("37756.5442328", 18, 377565442328 * 10**11),
        ("1e-06", 6, 1),
        ("1e3", 6, 1_000_000_000),
        ("123456789012.345678", 6, 123456789012345678),
        ("1234.567890123456789012", 18, 1234567890123456789012),
        # Sixteen digits and more behind which a float has lost some: nobody can tell them.
        ("1234.5678901234567", 18, None),
        ("0.12345678901234568", 18, None),
    ],
)
def test_whole_units_are_exact_or_not_given(text: str, decimals: int, raw: int | None) -> None:
    assert raw_of_units(text, decimals) == raw


@pytest.mark.parametrize(
    ("text", "decimals"),
    [("18.6712345", 6), ("-1", 6), ("-0.30000000000000004", 1), ("x", 6), ("nan", 2), ("1e80", 6)],
)
def test_whole_units_finer_than_the_token_or_out_of_range_are_refused(
    text: str, decimals: int
) -> None:
    with pytest.raises(BadInput):
        raw_of_units(text, decimals)


@given(raw=st.integers(0, 2**256 - 1), decimals=st.integers(0, 30))
def test_exact_decimals_come_back_exactly(raw: int, decimals: int) -> None:
    text = format(Decimal(raw).scaleb(-decimals), "f") if raw < 10**27 else None
    if text is not None:
        assert raw_of_units(text, decimals) in (raw, None)
    assert base_units(str(raw)) == raw


@given(raw=st.integers(0, 10**14), decimals=st.integers(0, 8))
def test_a_float_of_few_digits_comes_back_exactly(raw: int, decimals: int) -> None:
    assert raw_of_units(repr(raw / 10**decimals), decimals) == raw
