"""Reference prices in US cents: a seeded random walk by day, straight lines in between."""

from random import Random
from typing import Final

from deskgraph.sample.agenda import DAY, Agenda

#: The first day's price in cents, and the usual change of a day.
_STARTS: Final = {"BTC": (6_400_000, 0.022), "ETH": (310_000, 0.03)}


class Prices:
    """What one whole coin costs at any moment of the economy."""

    def __init__(self, chance: Random, agenda: Agenda) -> None:
        self._agenda = agenda
        self.days = {
            coin: _walk(chance, start, change, agenda.days + 1)
            for coin, (start, change) in _STARTS.items()
        }

    def cents(self, coin: str) -> int:
        """The price now; a stable coin costs a dollar."""
        if coin not in self.days:
            return 100
        day, second = divmod(self._agenda.now - self._agenda.opens_at, DAY)
        before, after = self.days[coin][day : day + 2]
        return before + (after - before) * second // DAY


def _walk(chance: Random, start: int, change: float, days: int) -> list[int]:
    prices = [start]
    while len(prices) < days:
        moved = round(prices[-1] * (1 + chance.gauss(0, change)))
        # Pulled back to where it began: sixty days of chance must not end in a crash.
        prices.append(moved + (start - moved) // 20)
    return prices
