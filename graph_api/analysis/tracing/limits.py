"""Where a trace stops of itself, and how much it may cost before it answers in part."""

from collections.abc import Callable
from enum import StrEnum
from typing import Final

import msgspec


class Stops(msgspec.Struct, frozen=True, kw_only=True):
    """Pieces below ``min_raw`` base units, or ``max_hops`` hops away, are not followed further."""

    min_raw: int = 0
    max_hops: int | None = None


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """The most that one trace takes; None is no bound."""

    events: int | None = None
    wallets: int | None = None
    pieces: int | None = None
    seconds: float | None = None


class Ended(StrEnum):
    """Why a trace ended: it had come to all ends, or which part of its budget was spent."""

    COMPLETE = "complete"
    EVENTS = "events"
    WALLETS = "wallets"
    PIECES = "pieces"
    SECONDS = "seconds"


class Spent(Exception):
    """A part of the budget is spent."""

    def __init__(self, what: Ended) -> None:
        super().__init__(what.value)
        self.what = what


class Meter:
    """Counts what a trace costs. ``clock`` tells seconds and only goes on."""

    def __init__(self, budget: Budget, clock: Callable[[], float]) -> None:
        self._budget, self._clock = budget, clock
        self._began = clock()
        self._most_events = or_endless(budget.events)
        self.most_wallets = or_endless(budget.wallets)
        self.most_pieces = or_endless(budget.pieces)

    @property
    def seconds(self) -> float:
        """How long it has taken."""
        return self._clock() - self._began

    def events_left(self, seen: int) -> int:
        """How many events may still be looked at, and whether there is time. Raises: Spent."""
        if self._budget.seconds is not None and self.seconds >= self._budget.seconds:
            raise Spent(Ended.SECONDS)
        if seen >= self._most_events:
            raise Spent(Ended.EVENTS)
        return self._most_events - seen


#: More than there is of anything.
ENDLESS: Final = 2**62


def or_endless(most: int | None) -> int:
    """A bound as a number."""
    return ENDLESS if most is None else most
