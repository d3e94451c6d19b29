"""How well a path that has come to a hop can end: exact for walks, a bound for paths.

Hops are looked at from the last one back. What a hop can come to follows from the hops of its
recipient that are later: of these the best is kept for each wallet; where an amount has to go on,
the best for each amount. A walk may pass a wallet twice, which a path may not, so that a path is
never better than this.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple

from graph_api.analysis.paths.wishes import Hop, PathOrder, Wish

#: The lower the better; compared with others of the same order only.
Value = tuple[Any, ...]
_NO_BOUND: Final = float("inf")


class Ranked(NamedTuple):
    """Hops in time; hops at one place have one rank."""

    hops: Sequence[Hop]
    ranks: Sequence[int]


def ranked(hops: Collection[Hop]) -> Ranked:
    """Hops in time, those at one place by their ids."""
    ordered = sorted(hops, key=lambda hop: (hop.place, hop.id))
    ranks: list[int] = []
    for rank, (_, some) in enumerate(groupby(ordered, key=lambda hop: hop.place)):
        ranks.extend(rank for _ in some)
    return Ranked(ordered, ranks)


class Completions:
    """What each hop can come to at the best within so and so many hops more."""

    def __init__(self, found: Ranked, wish: Wish, *, ends: Collection[str]) -> None:
        self._hops, self._ranks = found
        self._wish, self._ends = wish, ends
        #: Hops that are still to come at least, and the rank of the arrival then.
        self.shortest = self._passed(
            base=lambda hop: (0, self._ranks[hop]), grown=lambda _, value: (value[0] + 1, value[1])
        )
        self._layers = self._layered() if wish.by in _LAYERED else []

    def of(self, hop: int, left: int) -> Value | None:
        """The best that ``hop`` can come to with ``left`` hops more, by the wish's own measure."""
        if self._layers:
            return self._layers[min(left, len(self._layers) - 1)][hop]
        value = self.shortest[hop]
        return value if value is not None and value[0] <= left else None

    def _layered(self) -> list[list[Value | None]]:
        base, grown = self._measure()
        layers: list[list[Value | None]] = [[None] * len(self._hops)]
        for _ in range(self._wish.max_hops):
            layers.append(self._passed(base=base, grown=grown, before=layers[-1]))
        return layers[1:]

    def _measure(self) -> tuple[Callable[[int], Value], Callable[[int, Value], Value]]:
        hops, ranks = self._hops, self._ranks
        match self._wish.by:
            case PathOrder.AMOUNT:
                return (
                    lambda _: (-_NO_BOUND,),
                    lambda hop, value: (max(-(hops[hop].amount or 0), value[0]),),
                )
            case PathOrder.FASTEST:
                return (
                    lambda hop: (hops[hop].at, 0, ranks[hop]),
                    lambda _, value: (value[0], value[1] + 1, value[2]),
                )
            case _:
                return (
                    lambda hop: (ranks[hop], 0),
                    lambda _, value: (value[0], value[1] + 1),
                )

    def _passed(
        self,
        *,
        base: Callable[[int], Value],
        grown: Callable[[int, Value], Value],
        before: list[Value | None] | None = None,
    ) -> list[Value | None]:
        """One pass from the last hop back; what goes on is that of ``before``, or of this pass."""
        found: list[Value | None] = [None] * len(self._hops)
        source = found if before is None else before
        later: dict[object, _Best | _BestByAmount] = {}
        kind = _Best if self._wish.continuity is None else _BestByAmount
        for _, group in groupby(range(len(self._hops) - 1, -1, -1), key=self._ranks.__getitem__):
            some = list(group)
            for hop in some:
                if self._hops[hop].recipient in self._ends:
                    found[hop] = base(hop)
                elif (best := later.get(self._exit(hop))) is not None:
                    found[hop] = best.after(self._least(hop))
            for hop in some:
                if (value := source[hop]) is not None:
                    entry = later.setdefault(self._entry(hop), kind())
                    entry.take(self._hops[hop].amount or 0, grown(hop, value))
        return found

    def _exit(self, hop: int) -> object:
        """Among which hops the next one is looked for."""
        one = self._hops[hop]
        return one.recipient if self._wish.continuity is None else (one.recipient, one.token)

    def _entry(self, hop: int) -> object:
        one = self._hops[hop]
        return one.sender if self._wish.continuity is None else (one.sender, one.token)

    def _least(self, hop: int) -> int:
        if self._wish.continuity is None:
            return 0
        amount = self._hops[hop].amount
        assert amount is not None
        return self._wish.least_after(amount)


#: Orders by which more hops may do better, so that what is left of them matters.
_LAYERED: Final = frozenset({PathOrder.AMOUNT, PathOrder.EARLIEST_ARRIVAL, PathOrder.FASTEST})


class _Best:
    """The best of some hops."""

    def __init__(self) -> None:
        self._value: Value | None = None

    def take(self, amount: int, value: Value) -> None:
        """Add a hop."""
        del amount
        if self._value is None or value < self._value:
            self._value = value

    def after(self, least: int) -> Value | None:
        """The best of all."""
        del least
        return self._value


class _BestByAmount:
    """The best of some hops for each amount: no larger one is as good as a smaller one."""

    def __init__(self) -> None:
        self._amounts: list[int] = []
        self._values: list[Value] = []

    def take(self, amount: int, value: Value) -> None:
        """Add a hop, and forget those that are neither larger nor better."""
        place = bisect_left(self._amounts, amount)
        if place < len(self._amounts) and self._values[place] <= value:
            return
        end = place + (place < len(self._amounts) and self._amounts[place] == amount)
        while place and value <= self._values[place - 1]:
            place -= 1
        self._amounts[place:end] = [amount]
        self._values[place:end] = [value]

    def after(self, least: int) -> Value | None:
        """The best of those of ``least`` at least."""
        place = bisect_left(self._amounts, least)
        return self._values[place] if place < len(self._values) else None
