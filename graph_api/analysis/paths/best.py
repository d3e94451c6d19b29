"""The best paths in time among transfers, the best first.

Best first search over beginnings of paths: the one that can come to the best end is gone on from
first (A*, Hart, Nilsson and Raphael 1968, with the exact bound of walks that ``completions``
tells). A beginning comes with a list of its continuations in their order, of which one is looked at
only when the one before has been. So paths come out in their order, whatever they are ordered by,
and when the budget ends it, those that came out are still the best.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterator
from heapq import heappop, heappush
from typing import Any, Final, NamedTuple

from graph_api.analysis.paths.completions import Completions, Ranked, Value, ranked
from graph_api.analysis.paths.wishes import Hop, PathOrder, Wish

_ENDLESS: Final = 2**62


class Best(NamedTuple):
    """Paths, the best first; whether there are no better ones, and how many choices it took."""

    paths: list[tuple[Hop, ...]]
    complete: bool
    choices: int


class _Beginning(NamedTuple):
    """Sorts by what it can come to, then by its hops' places in time."""

    value: Value
    path: tuple[int, ...]
    siblings: Iterator["_Beginning"]


def best_paths(
    hops: Collection[Hop],
    wish: Wish,
    *,
    starts: Collection[str],
    ends: Collection[str],
    budget: int = _ENDLESS,
) -> Best:
    """The best paths from any of ``starts`` to any of ``ends``, passing none of either.

    ``budget`` is how many continuations it looks at.
    """
    kept = [
        hop
        for hop in hops
        if wish.takes(hop)
        and hop.sender not in ends
        and hop.recipient not in starts
        and hop.recipient != hop.sender
    ]
    return _Search(ranked(kept), wish, starts=frozenset(starts), ends=frozenset(ends)).run(budget)


def value_of(path: tuple[Hop, ...], by: PathOrder) -> Any:
    """What a path is measured by: hops, its smallest amount, places, or milliseconds."""
    first, last = path[0], path[-1]
    match by:
        case PathOrder.HOPS:
            return len(path)
        case PathOrder.AMOUNT:
            return min(hop.amount or 0 for hop in path)
        case PathOrder.EARLIEST_ARRIVAL:
            return last.place
        case PathOrder.LATEST_DEPARTURE:
            return first.place
    assert first.at is not None
    assert last.at is not None
    return last.at - first.at


class _Search:
    def __init__(
        self, found: Ranked, wish: Wish, *, starts: frozenset[str], ends: frozenset[str]
    ) -> None:
        self._hops, self._ranks = found
        self._wish, self._starts, self._ends = wish, starts, ends
        self._completions = Completions(found, wish, ends=ends)
        self._out: dict[str, list[int]] = {}
        self._out_ranks: dict[str, list[int]] = {}
        for number, hop in enumerate(self._hops):
            if self._completions.of(number, wish.max_hops - 1) is not None:
                self._out.setdefault(hop.sender, []).append(number)
                self._out_ranks.setdefault(hop.sender, []).append(self._ranks[number])
        self._choices = 0

    def run(self, budget: int) -> Best:
        """Take beginnings out of the heap, the most promising first."""
        paths: list[tuple[Hop, ...]] = []
        seen: set[object] = set()
        heap: list[_Beginning] = []
        _push(heap, self._first())
        while heap and len(paths) < self._wish.count:
            if self._choices > budget:
                return Best(paths, complete=False, choices=self._choices)
            beginning = heappop(heap)
            _push(heap, beginning.siblings)
            path = beginning.path
            if self._wish.routes and self._is_seen(path, seen):
                continue
            if self._hops[path[-1]].recipient in self._ends:
                paths.append(tuple(self._hops[number] for number in path))
            else:
                _push(heap, self._next(path))
        return Best(paths, complete=True, choices=self._choices)

    def _is_seen(self, path: tuple[int, ...], seen: set[object]) -> bool:
        """Whether a better beginning by the same wallets came to the same hop, or end."""
        wallets = self._wallets(path)
        key = wallets if wallets[-1] in self._ends else (wallets, path[-1])
        if key in seen:
            return True
        seen.add(key)
        return False

    def _wallets(self, path: tuple[int, ...]) -> tuple[str, ...]:
        return (self._hops[path[0]].sender, *(self._hops[number].recipient for number in path))

    def _first(self) -> Iterator[_Beginning]:
        return self._ordered(
            (number,) for start in self._starts for number in self._out.get(start, ())
        )

    def _next(self, path: tuple[int, ...]) -> Iterator[_Beginning]:
        last = self._hops[path[-1]]
        passed = {self._hops[number].sender for number in path}
        later = bisect_right(self._out_ranks.get(last.recipient, ()), self._ranks[path[-1]])
        return self._ordered(
            (*path, number)
            for number in self._out.get(last.recipient, ())[later:]
            if self._hops[number].recipient not in passed
            and (self._wish.continuity is None or self._wish.follows(self._hops[number], last))
        )

    def _ordered(self, paths: Iterator[tuple[int, ...]]) -> Iterator[_Beginning]:
        found: list[tuple[Value, tuple[int, ...]]] = []
        for path in paths:
            self._choices += 1
            if (value := self._value(path)) is not None:
                found.append((value, path))
        return _siblings(iter(sorted(found)))

    def _value(self, path: tuple[int, ...]) -> Value | None:
        """The best that a beginning can come to; for a whole path, what it is."""
        last, left = path[-1], self._wish.max_hops - len(path)
        value, shortest = self._completions.of(last, left), self._completions.shortest[last]
        if value is None or shortest is None:
            return None
        hops, arrival = len(path) + shortest[0], shortest[1]
        first = self._hops[path[0]]
        match self._wish.by:
            case PathOrder.HOPS:
                return hops, arrival
            case PathOrder.AMOUNT:
                least = min(self._hops[number].amount or 0 for number in path)
                return max(-least, value[0]), hops, arrival
            case PathOrder.EARLIEST_ARRIVAL:
                return value[0], len(path) + value[1]
            case PathOrder.LATEST_DEPARTURE:
                return -self._ranks[path[0]], hops, arrival
        assert first.at is not None
        return value[0] - first.at, len(path) + value[1], value[2]


def _siblings(found: Iterator[tuple[Value, tuple[int, ...]]]) -> Iterator[_Beginning]:
    for value, path in found:
        yield _Beginning(value, path, _NOBODY)


_NOBODY: Final[Iterator[_Beginning]] = iter(())


def _push(heap: list[_Beginning], siblings: Iterator[_Beginning]) -> None:
    """Put the next of ``siblings`` on the heap; it brings the others along."""
    if (one := next(siblings, None)) is not None:
        heappush(heap, one._replace(siblings=siblings))
