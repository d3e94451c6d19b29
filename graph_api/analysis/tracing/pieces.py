"""Pieces of traced value: where each came from, where it went, and where it ended.

A piece is an amount that reached one place (a wallet's holding of a token, or a coin) by one event
and came out of its parent. Pieces whose parent is ``NONE`` are seeds. What of a piece did not go on
as other pieces stands among the ends, so under every policy but poison the seeds of a token, and
what crossed over into it, are equal to its ends.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from graph_api.analysis.tracing.limits import Ended, Meter, Spent, Stops
from graph_api.analysis.tracing.policies import Amount

#: No place, no piece: a fee's recipient, a seed's parent, and what is not traced.
NONE: Final = -1

#: Units side by side: how many, and the piece that they belong to or ``NONE``.
Run = tuple[int, int]
#: A part of a piece.
Part = tuple[Amount, int]


class Fate(StrEnum):
    """Why a piece, or a part of it, did not go on.

    HELD: it is still there. SERVICE: it reached somebody who holds the money of many. HUB: it
    reached a wallet with too many movements to follow. FEE: it was paid for a transaction. BURNT:
    nobody can move it any more. SMALL, HOPS: a stop rule. CROSSED: it became another token or went
    to another chain, where its children are. UNKNOWN: amounts are missing that decide where it
    went. OPEN: the budget was spent before it was known what became of it. Backwards, ORIGIN: it
    was there before everything that is known; ISSUED: it came into being.
    """

    HELD = "held"
    SERVICE = "service"
    HUB = "hub"
    FEE = "fee"
    BURNT = "burnt"
    SMALL = "small"
    HOPS = "hops"
    CROSSED = "crossed"
    UNKNOWN = "unknown"
    OPEN = "open"
    ORIGIN = "origin"
    ISSUED = "issued"


class End(NamedTuple):
    """How much of a piece ended, and why."""

    piece: int
    amount: Amount
    fate: Fate


class Pieces(msgspec.Struct, frozen=True):
    """Columns, a row for each piece: its place, the event that brought it there (``NONE``: it was
    there), its parent, how much it is and how many hops it is from the seed.
    """

    places: list[int] = msgspec.field(default_factory=list)
    events: list[int] = msgspec.field(default_factory=list)
    parents: list[int] = msgspec.field(default_factory=list)
    amounts: list[Amount] = msgspec.field(default_factory=list)
    hops: list[int] = msgspec.field(default_factory=list)

    def __len__(self) -> int:
        return len(self.places)

    def path(self, piece: int) -> list[int]:
        """The pieces from the seed to ``piece``."""
        way = []
        while piece != NONE:
            way.append(piece)
            piece = self.parents[piece]
        return way[::-1]


class Traced(msgspec.Struct, frozen=True, kw_only=True):
    """What a trace found.

    ``looked_at`` counts events; where it ended early, those after them are not part of the answer.
    ``remains`` are the units of places that still hold traced ones, in their order (FIFO and LIFO).
    ``openings`` are untraced units that places must have had before the first known event.
    """

    pieces: Pieces
    ends: list[End]
    seed_raw: Amount
    ended: Ended
    looked_at: int
    remains: Mapping[int, Sequence[Run]]
    openings: Mapping[int, int]


class Book:
    """Writes pieces and ends down while a trace runs, and knows where it does not go on."""

    def __init__(self, stops: Stops, barred: Mapping[int, Fate], meter: Meter) -> None:
        self.pieces, self.ends = Pieces(), list[End]()
        self.seed_raw: Amount = 0
        self.reached: set[int] = set()
        self._barred, self._meter, self._min_raw = barred, meter, stops.min_raw
        self._max_hops = 2**31 if stops.max_hops is None else stops.max_hops

    def check(self) -> None:
        """Raises: Spent, when there is no room for more pieces or wallets."""
        if len(self.pieces.places) >= self._meter.most_pieces:
            raise Spent(Ended.PIECES)
        self._meter.wallets(len(self.reached))

    def seed(self, place: int, event: int, amount: Amount) -> int:
        """A new piece that the trace begins with."""
        self.seed_raw += amount
        return self._written(place, event, NONE, amount, 0)

    def child(self, place: int, event: int, parent: int, amount: Amount) -> int:
        """A new piece that came out of ``parent``."""
        return self._written(place, event, parent, amount, self.pieces.hops[parent] + 1)

    def goes_on(self, piece: int, otherwise: Fate = Fate.FEE) -> bool:
        """Whether a piece is followed from where it is; if not, its end is written down.

        ``otherwise`` is the fate of what has no place.
        """
        pieces = self.pieces
        place, amount = pieces.places[piece], pieces.amounts[piece]
        fate = otherwise if place == NONE else self._barred.get(place)
        if fate is None:
            if amount < self._min_raw:
                fate = Fate.SMALL
            elif pieces.hops[piece] >= self._max_hops:
                fate = Fate.HOPS
            else:
                return True
        self.ends.append(End(piece, amount, fate))
        return False

    def _written(self, place: int, event: int, parent: int, amount: Amount, hops: int) -> int:
        pieces = self.pieces
        piece = len(pieces.places)
        pieces.places.append(place)
        pieces.events.append(event)
        pieces.parents.append(parent)
        pieces.amounts.append(amount)
        pieces.hops.append(hops)
        if place != NONE:
            self.reached.add(place)
        return piece
