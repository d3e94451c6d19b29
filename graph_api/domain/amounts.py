"""Exact amounts: base units as integers, whole units as decimals, and the text forms of both."""

import re
from decimal import Decimal, InvalidOperation, localcontext
from typing import Final

from graph_api.domain.errors import BadInput

# EVM words are 256 bits and no chain here has larger amounts.
MAX_RAW: Final = 2**256 - 1
RAW_DIGITS: Final = 78

_INTEGER: Final = re.compile(r"\d{1,78}")


def raw_of(text: str) -> int:
    """Base units from decimal or ``0x`` text.

    Raises: BadInput when it is no whole number of 0 to 2^256 - 1.
    """
    if _INTEGER.fullmatch(text):
        amount = int(text)
    elif text[:2] == "0x" and len(text) <= 66:
        try:
            amount = int(text, 16)
        except ValueError:
            raise _out_of_range(text) from None
    else:
        amount = _whole(text)
    if amount > MAX_RAW:
        raise _out_of_range(text)
    return amount


def raw_from_units(text: str, decimals: int) -> int:
    """Base units from whole units such as ``18.67``.

    Raises: BadInput when it is negative, out of range or finer than ``decimals`` digits.
    """
    amount = _decimal(text)
    with localcontext(prec=RAW_DIGITS + 40):
        raw = amount.scaleb(decimals)
        if raw != raw.to_integral_value():
            raise BadInput(f"Amount {text[:60]!r} has more than {decimals} decimal digits.")
        if not 0 <= raw <= MAX_RAW:
            raise _out_of_range(text)
        return int(raw)


def units(amount_raw: int, decimals: int | None) -> float | None:
    """Whole units to rank and chart by; never to add up. None while decimals are unknown."""
    if decimals is None:
        return None
    return float(amount_raw / 10**decimals)


def exact_units(amount_raw: int, decimals: int) -> Decimal:
    """Whole units without loss."""
    with localcontext(prec=RAW_DIGITS + 40):
        return Decimal(amount_raw).scaleb(-decimals)


def sortable(amount_raw: int) -> str:
    """Zero-padded, so that text order is the order of amounts; negative ones come first."""
    if amount_raw >= 0:
        return f"{amount_raw:0{RAW_DIGITS}d}"
    return f"-{10**RAW_DIGITS + amount_raw:0{RAW_DIGITS}d}"


def _whole(text: str) -> int:
    amount = _decimal(text)
    with localcontext(prec=RAW_DIGITS + 40):
        if amount != amount.to_integral_value():
            raise BadInput(f"Amount {text[:60]!r} is no whole number of base units.")
        if not 0 <= amount <= MAX_RAW:
            raise _out_of_range(text)
        return int(amount)


def _decimal(text: str) -> Decimal:
    try:
        amount = Decimal(text.strip())
    except InvalidOperation:
        raise BadInput(f"{text[:60]!r} is no amount.") from None
    # A huge exponent would make an integer of that many digits; no amount needs one.
    if not amount.is_finite() or abs(amount.adjusted()) > 2 * RAW_DIGITS:
        raise _out_of_range(text)
    return amount


def _out_of_range(text: str) -> BadInput:
    return BadInput(f"Amount {text[:60]!r} is out of range; it must lie between 0 and 2^256 - 1.")
