"""Which flows a path in time may lead along, told by their totals before any transfer is read.

A road is one flow: all transfers of a token from one wallet to another, between its first and its
last one. Whoever can be reached at the earliest at some moment cannot go on by a road that ended
before; and so backwards from the end. What this leaves is more than the paths, never less.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

from graph_api.analysis.paths.wishes import Hop

EVER: Final = float("inf")


class Road(NamedTuple):
    """A flow. Times are epoch milliseconds, and endless where they do not bound it."""

    id: str
    sender: str
    recipient: str
    token: str | None
    first: float
    last: float
    amount: int | None


class Reach(NamedTuple):
    """Whom one side reaches: by how many roads at least, and the best moment there."""

    hops: Mapping[str, int]
    at: Mapping[str, float]


class Bounds(NamedTuple):
    """What every hop of a path that is still wanted has to keep to."""

    since: float = -EVER
    until: float = EVER
    least: int = 0

    def takes(self, road: Road) -> bool:
        """Whether a road may hold such a hop: its sum is no smaller than any of its transfers."""
        if road.last < self.since or road.first > self.until:
            return False
        return road.amount is None or road.amount >= self.least

    def admits(self, hop: Hop) -> bool:
        """Whether a hop keeps to them."""
        if hop.amount is not None and hop.amount < self.least:
            return False
        return hop.at is None or self.since <= hop.at <= self.until


class Roads:
    """The roads that are known, by both of their ends: none into ``starts``, none out of ``ends``.

    ``slack_ms`` is how far the time of a later block may lie before that of an earlier one.
    """

    def __init__(
        self, starts: Collection[str], ends: Collection[str], *, slack_ms: float = 0
    ) -> None:
        self._starts, self._ends = sorted(starts), sorted(ends)
        self._closed = (frozenset(starts), frozenset(ends))
        self._slack = slack_ms
        self._known: dict[str, Road] = {}
        self._out: dict[str, list[Road]] = defaultdict(list)
        self._into: dict[str, list[Road]] = defaultdict(list)

    def __len__(self) -> int:
        return len(self._known)

    def add(self, roads: Iterable[Road]) -> None:
        """Learn roads; what leads back to its own sender is none."""
        starts, ends = self._closed
        for road in roads:
            is_closed = road.sender in ends or road.recipient in starts
            if road.id not in self._known and road.sender != road.recipient and not is_closed:
                self._known[road.id] = road
                self._out[road.sender].append(road)
                self._into[road.recipient].append(road)

    def keep(self, bounds: Bounds) -> None:
        """Forget the roads that no path leads along any more."""
        kept = [road for road in self._known.values() if bounds.takes(road)]
        if len(kept) < len(self._known):
            self._known, self._out, self._into = {}, defaultdict(list), defaultdict(list)
            self.add(kept)

    def forth(self, *, hops: int, barred: Collection[str]) -> Reach:
        """Whom value can have reached from the starts, and when at the earliest.

        From those that are ``barred`` it does not go on.
        """
        reached: dict[str, int] = dict.fromkeys(self._starts, 0)
        at: dict[str, float] = dict.fromkeys(self._starts, -EVER)
        changed = dict(at)
        for hop in range(1, hops + 1):
            better: dict[str, float] = {}
            for wallet, moment in changed.items():
                if wallet in barred:
                    continue
                for road in self._out.get(wallet, ()):
                    if road.last + self._slack < moment:
                        continue
                    other = road.recipient
                    arrival = max(moment - self._slack, road.first)
                    if arrival < better.get(other, at.get(other, EVER)):
                        better[other] = arrival
                        reached.setdefault(other, hop)
            at |= better
            changed = better
        return Reach(reached, at)

    def back(self, *, hops: int, barred: Collection[str]) -> Reach:
        """From whom value can have come to the ends, and when it left them at the latest."""
        reached: dict[str, int] = dict.fromkeys(self._ends, 0)
        at: dict[str, float] = dict.fromkeys(self._ends, EVER)
        changed = dict(at)
        for hop in range(1, hops + 1):
            better: dict[str, float] = {}
            for wallet, moment in changed.items():
                if wallet in barred:
                    continue
                for road in self._into.get(wallet, ()):
                    if road.first - self._slack > moment:
                        continue
                    other = road.sender
                    departure = min(moment + self._slack, road.last)
                    if departure > better.get(other, at.get(other, -EVER)):
                        better[other] = departure
                        reached.setdefault(other, hop)
            at |= better
            changed = better
        return Reach(reached, at)

    def between(self, *, hops: int, barred: Collection[str]) -> list[Road]:
        """The roads of all ways of up to ``hops`` that pass nobody who is barred."""
        forth, back = self.forth(hops=hops, barred=barred), self.back(hops=hops, barred=barred)
        return [
            road
            for wallet, before in forth.hops.items()
            if wallet not in barred
            for road in self._out.get(wallet, ())
            if road.recipient not in barred
            and before + 1 + back.hops.get(road.recipient, hops) <= hops
            and max(forth.at[wallet] - self._slack, road.first)
            <= min(back.at[road.recipient] + self._slack, road.last)
        ]
