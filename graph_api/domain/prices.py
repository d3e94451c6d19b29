"""Prices: what several sources make of one, which of them holds at a moment, and exact values.

A price is US dollars for one whole unit, a Decimal. A stablecoin is priced like anything else.
Whatever is not known is absent; nothing is ever taken for 1 or for 0.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation, localcontext
from typing import Final

import msgspec

from graph_api.domain.errors import BadInput

#: The currency that prices are in.
USD: Final = "USD"
#: Values are kept in millionths of a dollar.
MICROS: Final = 1_000_000
#: So far ahead of ours may the clock of a source be.
_SKEW_MS: Final = 60_000
_PLACES: Final = 18
_DIGITS: Final = 120
#: No price of anything is beyond these; what a source says beyond them is an error of its own.
_LEAST, _MOST = Decimal("1e-18"), Decimal("1e12")


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """What one source says: ``price`` units of ``currency`` for a unit of ``asset`` at ``at`` (ms).

    ``currency`` is ``USD``, or the id of an asset that stands for it until that is priced as well.
    ``price`` and ``at`` are None where the source leaves them out.
    """

    asset: str
    source: str
    price: Decimal | None
    at: int | None
    currency: str = USD


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """US dollars for a whole unit of ``asset``, known since ``at`` (ms), and by whom."""

    asset: str
    usd: Decimal
    at: int
    source: str


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A quote that was not used, and why."""

    asset: str
    source: str
    reason: str


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What a quote has to meet.

    Args:
        max_age_ms: How old it may be.
        deviation: How far from the median of all it may be, a fraction.
        least: How many sources have to agree.
    """

    max_age_ms: int
    deviation: Decimal = Decimal("0.05")
    least: int = 1


def agreed(
    quotes: Sequence[Quote], *, now: int, rules: Rules
) -> tuple[dict[str, Price], list[Refused]]:
    """The price of each asset that enough sources agree on at ``now``, and what was left out.

    Quotes in dollars are settled first; those in another asset are turned into dollars by its
    settled price. Of two sources that contradict one another neither is believed.
    """
    refused: list[Refused] = []
    sound = [
        # A clock that goes ahead of ours does not make a price of the future.
        msgspec.structs.replace(quote, at=min(quote.at, now))
        for quote in quotes
        if _sound(quote, now, rules, refused) and quote.at is not None
    ]
    direct = [quote for quote in sound if quote.currency == USD]
    bridges, _ = _settled(direct, rules)
    in_usd = direct + [
        turned
        for quote in sound
        if quote.currency != USD and (turned := _in_usd(quote, bridges, refused))
    ]
    prices, outliers = _settled(in_usd, rules)
    return prices, refused + outliers


def _sound(quote: Quote, now: int, rules: Rules, refused: list[Refused]) -> bool:
    reason = None
    if quote.price is None or quote.at is None:
        reason = "it names no price" if quote.price is None else "it does not say of when it is"
    elif not _LEAST <= quote.price <= _MOST:
        reason = f"{quote.price} is no price"
    elif quote.at > now + _SKEW_MS:
        reason = f"it is {(quote.at - now) // 1000} s ahead of us"
    elif quote.at < now - rules.max_age_ms:
        reason = f"it is {(now - quote.at) // 1000} s old"
    if reason is not None:
        refused.append(Refused(asset=quote.asset, source=quote.source, reason=reason))
    return reason is None


def _in_usd(quote: Quote, bridges: dict[str, Price], refused: list[Refused]) -> Quote | None:
    bridge = bridges.get(quote.currency)
    if bridge is None or quote.price is None or quote.at is None:
        reason = f"nobody knows the price of {quote.currency}, which it is in"
        refused.append(Refused(asset=quote.asset, source=quote.source, reason=reason))
        return None
    with localcontext(prec=_DIGITS):
        price = quote.price * bridge.usd
    return msgspec.structs.replace(quote, price=price, at=max(quote.at, bridge.at), currency=USD)


def _settled(quotes: Sequence[Quote], rules: Rules) -> tuple[dict[str, Price], list[Refused]]:
    by_asset: dict[str, list[Quote]] = {}
    for quote in quotes:
        by_asset.setdefault(quote.asset, []).append(quote)
    prices: dict[str, Price] = {}
    refused: list[Refused] = []
    for asset, some in by_asset.items():
        middle = median([quote.price for quote in some if quote.price is not None])
        near = [quote for quote in some if _near(quote, middle, rules.deviation)]
        if 2 * len(near) <= len(some) or len(near) < rules.least:
            reason = f"{len(near)} of {len(some)} sources agree, which is too few"
            refused += [_refused(quote, reason) for quote in some]
            continue
        far = f"it is more than {rules.deviation:%} off the median {middle:f}"
        refused += [_refused(quote, far) for quote in some if quote not in near]
        prices[asset] = Price(
            asset=asset,
            usd=rounded(median([quote.price for quote in near if quote.price is not None])),
            at=max(quote.at for quote in near if quote.at is not None),
            source="+".join(sorted({quote.source for quote in near})),
        )
    return prices, refused


def _near(quote: Quote, middle: Decimal, deviation: Decimal) -> bool:
    assert quote.price is not None
    return abs(quote.price - middle) <= deviation * middle


def _refused(quote: Quote, reason: str) -> Refused:
    return Refused(asset=quote.asset, source=quote.source, reason=reason)


def median(numbers: Iterable[Decimal]) -> Decimal:
    """The middle one, or the mean of the two in the middle; there must be one."""
    ordered = sorted(numbers)
    half = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[half]
    with localcontext(prec=_DIGITS):
        return (ordered[half - 1] + ordered[half]) / 2


class Course:
    """The prices of one asset in time."""

    def __init__(self, prices: Iterable[Price]) -> None:
        self._prices = sorted(prices, key=lambda price: price.at)
        self._times = [price.at for price in self._prices]

    def at(self, moment: int, *, tolerance_ms: int) -> Price | None:
        """The newest price that was known at ``moment`` and no older than ``tolerance_ms``."""
        place = bisect_right(self._times, moment) - 1
        if place < 0 or self._times[place] < moment - tolerance_ms:
            return None
        return self._prices[place]

    def between(self, first: int, last: int) -> Sequence[Price]:
        """Prices of ``[first, last]``, the oldest first."""
        return self._prices[bisect_left(self._times, first) : bisect_right(self._times, last)]

    def uncovered(self, moments: Iterable[int], *, tolerance_ms: int) -> list[int]:
        """Those of ``moments`` that it has no price for, ascending."""
        return sorted({one for one in moments if self.at(one, tolerance_ms=tolerance_ms) is None})


def value(amount_raw: int, *, decimals: int, usd: Decimal) -> float:
    """What ``amount_raw`` base units are worth: the exact product, rounded once to a millionth."""
    with localcontext(prec=_DIGITS + _DIGITS, rounding=ROUND_HALF_EVEN):
        exact = (Decimal(amount_raw) * usd).scaleb(-decimals)
        return float(exact.quantize(Decimal(1) / MICROS))


def micros(usd: float) -> int:
    """A kept value in millionths of a dollar: what sums are made of, exact in any order."""
    with localcontext(prec=_DIGITS + _DIGITS, rounding=ROUND_HALF_EVEN):
        return int((Decimal(usd) * MICROS).to_integral_value())


def dollars(total_micros: int) -> float:
    """A sum of millionths as dollars."""
    return total_micros / MICROS


def rounded(usd: Decimal) -> Decimal:
    """``usd`` with as many digits as are kept, without zeros behind."""
    with localcontext(prec=_DIGITS):
        short = usd.quantize(Decimal(1).scaleb(-_PLACES)).normalize()
        return short.quantize(Decimal(1)) if short == short.to_integral_value() else short


def price_of(found: object) -> Decimal | None:
    """The number that a source gives, text, int or float; None where it is none.

    A float is read as the shortest text that stands for it, which is what the source has sent.
    """
    if found is None or isinstance(found, bool):
        return None
    try:
        number = Decimal(str(found))
    except InvalidOperation:
        return None
    return number if number.is_finite() and number > 0 else None


def inverse(price: Decimal | None) -> Decimal | None:
    """The price of what a pair is quoted in, where its base is what we count in."""
    if price is None or price <= 0:
        return None
    with localcontext(prec=_PLACES + 20):
        return 1 / price


def spans(moments: Sequence[int], *, lead_ms: int, gap_ms: int) -> list[tuple[int, int]]:
    """Stretches of time that cover ascending ``moments``, each begun ``lead_ms`` before its first.

    Stretches that are less than ``gap_ms`` apart are asked for together. Raises: BadInput.
    """
    if list(moments) != sorted(moments):
        raise BadInput("Moments have to be in ascending order.")
    found: list[tuple[int, int]] = []
    for one in moments:
        if found and one - lead_ms - gap_ms <= found[-1][1]:
            found[-1] = (found[-1][0], one)
        else:
            found.append((one - lead_ms, one))
    return found
