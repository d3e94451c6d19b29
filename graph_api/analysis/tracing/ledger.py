"""What all policies share on an account chain: balances, seeds, crossings, and the run."""

import gc
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from itertools import accumulate
from typing import Any, Final, NamedTuple

from graph_api.analysis.tracing.limits import Ended, Meter, Spent, Stops
from graph_api.analysis.tracing.moves import Bundle, Crossing, Moves, Seeds
from graph_api.analysis.tracing.pieces import Book, End, Fate, Part, Run, Traced

#: How many events are looked at between two looks at the clock.
_AT_ONCE: Final = 8_192


class Leg(NamedTuple):
    """A movement of a crossing: where its units begin among all of its bundle."""

    crossing: int
    bundle: int
    begins: int


class Payment(NamedTuple):
    """A bundle that was paid: its base units, its share of what was got, and what is traced."""

    raw: int
    begins: Fraction
    ends: Fraction
    parts: list[Part]


class Side(NamedTuple):
    """What a crossing took in, and the base units of the bundles that it gave out."""

    paid: list[Payment]
    got_raw: list[int]


class Ledger(Book, ABC):
    """The balances of all places, and what is traced in them, while movements happen.

    ``traced`` has an entry for each place that holds traced units, and for each source, which is a
    place whose receipts are all traced. What is in it is the policy's own matter.
    """

    def __init__(
        self,
        moves: Moves,
        seeds: Seeds,
        crossings: Sequence[Crossing],
        *,
        stops: Stops,
        barred: Mapping[int, Fate],
        meter: Meter,
    ) -> None:
        super().__init__(stops, _without(barred, seeds.places), meter)
        self.moves, self.seeds, self._meter = moves, seeds, meter
        self.balances = moves.openings()
        self.traced: dict[int, Any] = {}
        self._openings = {place: raw for place, raw in enumerate(self.balances[:-1]) if raw}
        self.seen = 0
        self.paid = _legs([one.paid for one in crossings], moves.amounts)
        self.got = _legs([one.got for one in crossings], moves.amounts)
        self.sides = [_side(one, moves.amounts) for one in crossings]
        self.special = {*seeds.events, *seeds.parts, *self.paid, *self.got}
        #: Places whose receipts are traced from now on.
        self.sources: frozenset[int] = frozenset()
        for place, runs in seeds.openings.items():
            self.open(place, runs)

    def run(self) -> Traced:
        """Let everything happen, or as much as the budget allows."""
        with uncollected():
            return self._run()

    def _run(self) -> Traced:
        ended, count = Ended.COMPLETE, len(self.moves.amounts)
        try:
            self._advance(min(self.seeds.since, count))
            self.sources = self.seeds.places
            for place in sorted(self.sources):
                self.begin(place)
            self._advance(count)
        except Spent as spent:
            ended = spent.what
        fate = Fate.HELD if ended is Ended.COMPLETE else Fate.OPEN
        self.ends += [End(piece, raw, fate) for raw, piece in self.held() if raw]
        return Traced(
            pieces=self.pieces,
            ends=self.ends,
            seed_raw=self.seed_raw,
            ended=ended,
            looked_at=self.seen,
            remains=self.remains(),
            openings={place: raw for place, raw in self._openings.items() if place in self.reached},
        )

    def _advance(self, until: int) -> None:
        while self.seen < until:
            left = self._meter.events_left(self.seen)
            self.happen(min(until, self.seen + min(_AT_ONCE, left)))

    def movements(self, until: int) -> Iterator[tuple[int, int, int, int]]:
        """Those from where it stands to ``until``: event, sender, recipient and amount."""
        moves, span = self.moves, slice(self.seen, until)
        return zip(
            range(self.seen, until),
            moves.senders[span],
            moves.recipients[span],
            moves.amounts[span],
            strict=True,
        )

    def happen(self, until: int) -> None:
        """Let everything before event ``until`` happen. Raises: Spent."""
        # The hot path: most movements touch nothing that is traced.
        traced, special, balances, move = self.traced, self.special, self.balances, self.move
        pieces, reached = self.pieces.amounts, self.reached
        most_pieces, most_wallets = self.most_pieces, self.most_wallets
        for event, sender, recipient, amount in self.movements(until):
            if sender in traced or recipient in traced or event in special:
                if len(pieces) >= most_pieces or len(reached) > most_wallets:
                    self.seen = event
                    self.check()
                if amount:
                    move(event, sender, recipient, amount)
            else:
                balances[sender] -= amount
                balances[recipient] += amount
        self.seen = until

    @abstractmethod
    def open(self, place: int, runs: Sequence[tuple[int, bool]]) -> None:
        """Let a place begin with these units, and then the rest of its balance."""

    @abstractmethod
    def begin(self, place: int) -> None:
        """Let all that a place holds be traced from now on, where it is not yet."""

    @abstractmethod
    def move(self, event: int, sender: int, recipient: int, amount: int) -> None:
        """Let ``amount`` pass, by the policy; some of it may be traced, or begin to be."""

    @abstractmethod
    def held(self) -> Iterator[Part]:
        """What is traced in places now, and the piece that it is of."""

    @abstractmethod
    def remains(self) -> dict[int, list[Run]]:
        """All units of places that hold traced ones, in their order, where there is one."""


@contextmanager
def uncollected() -> Iterator[None]:
    """No search for garbage within: it would look through millions of rows, and find no circle."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _legs(sides: Sequence[Sequence[Bundle]], amounts: Sequence[int]) -> dict[int, Leg]:
    legs: dict[int, Leg] = {}
    for crossing, bundles in enumerate(sides):
        for place, bundle in enumerate(bundles):
            begins = 0
            for event in bundle.events:
                legs[event] = Leg(crossing, place, begins)
                begins += amounts[event]
    return legs


def _side(crossing: Crossing, amounts: Sequence[int]) -> Side:
    whole = sum(bundle.worth for bundle in crossing.paid)
    ends = [end / whole for end in accumulate(bundle.worth for bundle in crossing.paid)]
    return Side(
        [
            Payment(_sum(bundle, amounts), begins, end, [])
            for bundle, begins, end in zip(crossing.paid, [Fraction(0), *ends], ends, strict=False)
        ],
        [_sum(bundle, amounts) for bundle in crossing.got],
    )


def _sum(bundle: Bundle, amounts: Sequence[int]) -> int:
    return sum(amounts[event] for event in bundle.events)


def _without(barred: Mapping[int, Fate], sources: frozenset[int]) -> Mapping[int, Fate]:
    if not sources & barred.keys():
        return barred
    return {place: fate for place, fate in barred.items() if place not in sources}
