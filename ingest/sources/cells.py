"""What the text of a cell means: counts, moments and amounts, each checked for its range.

Tables come from many hands: pandas turns integers with gaps into floats (``3300000.0``) and large
ones into ``1e+18``, exports write moments as seconds, milliseconds or ISO text. What can be read
without loss is read; what was rounded on the way is refused, never guessed.
"""

import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final

from graph_api.domain.amounts import MAX_RAW, raw_from_units, raw_of
from graph_api.domain.errors import BadInput

#: What a graph's integers hold.
_MAX_COUNT: Final = 2**63 - 1
#: 15 significant digits survive a float; the 16th and 17th may be invented by it.
_FLOAT_DIGITS: Final = 15
_LAST_MOMENT: Final = 7_258_118_400_000  # the year 2200
_SCIENTIFIC: Final = re.compile(r"[+-]?([\d.]+)([eE][+-]?\d+)?")


def count(text: str) -> int | None:
    """A whole number of 0 to 2^63 - 1 (a block, an index, an amount of gas); None for "".

    Raises: BadInput.
    """
    if text.isdecimal() and len(text) < 19:
        return int(text)
    if not text:
        return None
    number = raw_of(text)
    if number > _MAX_COUNT:
        raise BadInput(f"Number {text[:60]!r} is out of range.")
    return number


def flag(text: str) -> bool:
    """Whether a cell says yes."""
    return text.lower() in ("true", "t", "1", "yes")


@lru_cache(maxsize=4_096)
def moment(text: str) -> int | None:
    """Epoch milliseconds of seconds, ms, µs or ns (told by their size) or ISO text; None for "".

    A moment without a zone is UTC. Raises: BadInput.
    """
    if not text:
        return None
    try:
        milliseconds = _of_number(Decimal(text)) if _is_number(text) else _of_iso(text)
    except (ValueError, ArithmeticError):
        raise BadInput(f"{text[:60]!r} is no moment; write Unix seconds or ISO 8601.") from None
    if not 0 <= milliseconds <= _LAST_MOMENT:
        raise BadInput(f"Moment {text[:60]!r} is out of range.")
    return milliseconds


def base_units(text: str) -> int:
    """An amount in base units. Raises: BadInput when it is none, or a float has rounded it."""
    if text.isdecimal() and len(text) < 78:
        return int(text)
    if (("e" in text or "E" in text) or text.endswith(".0")) and text[:2] != "0x":
        written = _SCIENTIFIC.fullmatch(text)
        if written and len(written[1].replace(".", "").strip("0")) > _FLOAT_DIGITS:
            raise BadInput(
                f"Amount {text[:60]!r} went through a float, which keeps 15 digits; "
                "base units need all of them."
            )
    return raw_of(text)


def raw_of_units(text: str, decimals: int) -> int | None:
    """Base units of an amount in whole units; None where a float has cut off its last digits.

    ``18.669999999999998`` of a token with six decimals can only have been 18.67. Raises: BadInput
    when it is negative, out of range or finer than the token.
    """
    if _cut_off(text, decimals):
        return None
    try:
        return raw_from_units(text, decimals)
    except BadInput:
        rounded = _rounded(text, decimals)
        if rounded is None:
            raise
        return rounded


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal() or _SCIENTIFIC.fullmatch(text) is not None


def _of_number(number: Decimal) -> int:
    # Blocks exist since 2009: seconds stay below 10^11 until the year 5138, ms are above it.
    for exponent in (0, 3, 6, 9):
        if number < Decimal(10) ** (11 + exponent):
            return int(number.scaleb(3 - exponent))
    raise ValueError(number)


def _of_iso(text: str) -> int:
    when = datetime.fromisoformat(text.strip().replace(" UTC", "+00:00"))
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return round(when.timestamp() * 1000)


def _cut_off(text: str, decimals: int) -> bool:
    fraction = text.partition(".")[2]
    digits = len(text.replace(".", "").strip("0"))
    return digits > _FLOAT_DIGITS and len(fraction) < decimals and repr(float(text)) == text


def _rounded(text: str, decimals: int) -> int | None:
    """The amount that a float near ``text`` stood for, if a float can be to blame."""
    if len(text.replace(".", "").strip("-0")) <= _FLOAT_DIGITS or text.startswith("-"):
        return None
    try:
        if repr(float(text)) != text:
            return None
    except ValueError:
        return None
    raw = round(Decimal(text).scaleb(decimals))
    off = abs(float(Decimal(raw).scaleb(-decimals)) - float(text))
    return raw if off <= 8 * 2**-52 * float(text) and raw <= MAX_RAW else None
