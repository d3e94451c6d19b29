"""Rules about prices: a move within a window."""

from collections.abc import Iterable
from decimal import Decimal, localcontext
from typing import Final

from graph_api.analysis.alert_rules.facts import Fact, Known, clean, plain, price_told, span_said
from graph_api.analysis.alert_rules.happenings import Ticked
from graph_api.analysis.alert_rules.kind import Kind
from graph_api.domain.alerts import Direction, Finding, PriceMove
from graph_api.domain.prices import Price

_DIGITS: Final = 240
_WHOLE_BPS: Final = 10_000


def price_move(condition: PriceMove, ticked: Ticked, known: Known) -> Finding | None:
    """The price is far enough from the lowest, or the highest, of the window.

    Where both are, the larger move is told. One alert speaks for its window.
    """
    if ticked.price.asset != condition.asset:
        return None
    moves = []
    for way, price in _extremes(condition, known.course):
        change = _change(price.usd, ticked.price.usd)
        if way is Direction.OUT:
            change = -change
        if change >= condition.min_change_bps:
            moves.append((change, way, price))
    if not moves:
        return None
    change, way, since = max(moves, key=lambda move: (move[0], move[2].at))
    up = way is Direction.IN
    percent = plain(round(change / 100, 2))
    return Finding(
        subject=f"{'up' if up else 'down'}:{condition.asset}",
        title=(
            f"{clean(ticked.symbol)} {'rose' if up else 'fell'} by {percent} % within "
            f"{span_said(condition.window_s)}, to ${plain(ticked.price.usd)}."
        ),
        facts={
            "price": price_told(ticked.price),
            "since": price_told(since),
            "changeBps": plain(round(change if up else -change, 4)),
            "windowS": condition.window_s,
        },
    )


def _extremes(condition: PriceMove, course: Iterable[Price]) -> list[tuple[Direction, Price]]:
    prices = list(course)
    found = []
    if prices and condition.direction is not Direction.OUT:
        found.append((Direction.IN, min(prices, key=lambda price: (price.usd, -price.at))))
    if prices and condition.direction is not Direction.IN:
        found.append((Direction.OUT, max(prices, key=lambda price: (price.usd, price.at))))
    return found


def _change(before: Decimal, after: Decimal) -> Decimal:
    """By how much, in hundredths of a per cent of what it was before."""
    with localcontext(prec=_DIGITS):
        return (after - before) * _WHOLE_BPS / before


PRICE_MOVE: Final = Kind(
    condition=PriceMove,
    happening=Ticked,
    needs=lambda _: frozenset({Fact.COURSE}),
    may=lambda condition, ticked: ticked.price.asset == condition.asset,
    judge=price_move,
    quiet_s=lambda condition: condition.window_s,
)
