"""Pieces of traced value: where each came from, where it went, and where it ended.

A piece is an amount that reached one place (a wallet's holding of a token, or a coin) by one event
and came out of its parent. Pieces whose parent is ``NONE`` are seeds. What of a piece did not go on
as other pieces stands among the ends, so under every policy but poison the seeds of a token, and
what crossed over into it, are equal to its ends.
"""

from array import array
from collections.abc import Iterator, Mapping, MutableSequence, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

import msgspec

from graph_api.analysis.tracing.limits import Ended, Meter, Spent, Stops, or_endless
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


class Piece(NamedTuple):
    """An amount that reached a place by an event (``NONE``: it was there) out of its parent, and
    how many hops it is from the seed.
    """

    place: int
    event: int
    parent: int
    amount: Amount
    hops: int


def _integers() -> MutableSequence[int]:
    return array("q")


class Pieces(msgspec.Struct, frozen=True):
    """All pieces of a trace, each known by its row; a parent stands before its children.

    What ``Piece`` says stands in columns: there may be millions.
    """

    places: MutableSequence[int] = msgspec.field(default_factory=_integers)
    events: MutableSequence[int] = msgspec.field(default_factory=_integers)
    parents: MutableSequence[int] = msgspec.field(default_factory=_integers)
    amounts: list[Amount] = msgspec.field(default_factory=list)
    hops: MutableSequence[int] = msgspec.field(default_factory=_integers)

    def __len__(self) -> int:
        return len(self.amounts)

    def __getitem__(self, piece: int) -> Piece:
        return Piece(*(column[piece] for column in self._columns()))

    def __iter__(self) -> Iterator[Piece]:
        return map(Piece, *self._columns())

    def add(self, place: int, event: int, parent: int, amount: Amount) -> int:
        """Write a piece down."""
        self.places.append(place)
        self.events.append(event)
        self.parents.append(parent)
        self.amounts.append(amount)
        self.hops.append(0 if parent == NONE else self.hops[parent] + 1)
        return len(self.amounts) - 1

    def path(self, piece: int) -> list[int]:
        """The pieces from the seed to ``piece``."""
        way = []
        while piece != NONE:
            way.append(piece)
            piece = self.parents[piece]
        return way[::-1]

    def _columns(self) -> tuple[Any, ...]:
        return self.places, self.events, self.parents, self.amounts, self.hops


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
        self.pieces = Pieces()
        self.ends: list[End] = []
        self.seed_raw: Amount = 0
        self.reached: set[int] = set()
        self.barred, self.min_raw = barred, stops.min_raw
        self.max_hops = or_endless(stops.max_hops)
        self.most_pieces, self.most_wallets = meter.most_pieces, meter.most_wallets

    def check(self) -> None:
        """Raises: Spent, when there are too many pieces or wallets for more of them."""
        if len(self.pieces) >= self.most_pieces:
            raise Spent(Ended.PIECES)
        if len(self.reached) > self.most_wallets:
            raise Spent(Ended.WALLETS)

    def seed(self, place: int, event: int, amount: Amount) -> int:
        """A new piece that the trace begins with."""
        self.seed_raw += amount
        self.reached.add(place)
        return self.pieces.add(place, event, NONE, amount)

    def child(self, place: int, event: int, parent: int, amount: Amount) -> int:
        """A new piece that came out of ``parent``."""
        if place != NONE:
            self.reached.add(place)
        return self.pieces.add(place, event, parent, amount)

    def followed(self, piece: int) -> int:
        """The piece; NONE where it is not followed from where it is, which is written down."""
        place, amount = self.pieces.places[piece], self.pieces.amounts[piece]
        if place == NONE:
            fate = Fate.FEE
        elif place in self.barred:
            fate = self.barred[place]
        elif amount < self.min_raw:
            fate = Fate.SMALL
        elif self.pieces.hops[piece] >= self.max_hops:
            fate = Fate.HOPS
        else:
            return piece
        self.ends.append(End(piece, amount, fate))
        return NONE
