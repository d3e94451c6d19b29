"""What a trace on an account chain runs over: movements in order, its seeds, and crossings.

A place is one wallet's holding of one token, an event one movement between two places.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

import msgspec


class Moves(msgspec.Struct, frozen=True, kw_only=True):
    """Movements in their order, as columns: an event's number is its row.

    Places are numbers from 0 to ``places`` - 1. A sender of ``NONE`` is where value comes into
    being, a recipient of ``NONE`` takes a fee. Movements of one transaction stand together and
    have its number.
    """

    places: int
    senders: Sequence[int]
    recipients: Sequence[int]
    amounts: Sequence[int]
    transactions: Sequence[int]

    def turned(self) -> "Moves":
        """The same in reverse: the last movement first, from its recipient to its sender."""
        return Moves(
            places=self.places,
            senders=self.recipients[::-1],
            recipients=self.senders[::-1],
            amounts=self.amounts[::-1],
            transactions=self.transactions[::-1],
        )

    def openings(self) -> list[int]:
        """The untraced units that each place must have had at first, or it had paid too much.

        One more stands at the end, for ``NONE``, and means nothing.
        """
        balances, missing = [0] * (self.places + 1), [0] * (self.places + 1)
        for sender, recipient, amount in zip(
            self.senders, self.recipients, self.amounts, strict=True
        ):
            left = balances[sender] - amount
            if left < 0:
                missing[sender] -= left
                left = 0
            balances[sender] = left
            balances[recipient] += amount
        return missing


class Seeds(msgspec.Struct, frozen=True, kw_only=True):
    """What is traced from where it begins. What is traced already does not begin again.

    Args:
        events: Movements of which all units are traced.
        places: Whatever they hold when event ``since`` is about to happen, and receive from then
            on, is traced.
        parts: Movements of which some units are: runs of an amount, and whether it is traced.
        openings: Places that hold such runs at first, the first to leave before the others.
    """

    events: frozenset[int] = frozenset()
    places: frozenset[int] = frozenset()
    since: int = 0
    parts: Mapping[int, Sequence[tuple[int, bool]]] = {}
    openings: Mapping[int, Sequence[tuple[int, bool]]] = {}

    def turned(self, turn: int) -> "Seeds":
        """The same among movements that are turned round, event ``turn`` having come first.

        ``since`` has no meaning there: whoever wants to leave the last ones out leaves them out.
        """
        return Seeds(
            events=frozenset(turn - event for event in self.events),
            places=self.places,
            parts={turn - event: parts for event, parts in self.parts.items()},
            openings=self.openings,
        )


class Bundle(NamedTuple):
    """Movements of one token in a crossing, and their worth beside the other bundles there."""

    events: tuple[int, ...]
    worth: Fraction = Fraction(1)

    def turned(self, turn: int) -> "Bundle":
        """The same among movements that are turned round."""
        return Bundle(tuple(turn - event for event in reversed(self.events)), self.worth)


class Crossing(msgspec.Struct, frozen=True, kw_only=True):
    """Value that went on as something else: a swap, or a transfer over a bridge.

    ``paid`` and ``got`` are movements, every one that was paid before the first that was got. What
    is traced of a bundle that was paid is traced of its share of each that was got, in proportion;
    of several that were paid each has a share by its worth, the first the first units.
    """

    paid: tuple[Bundle, ...]
    got: tuple[Bundle, ...]

    def turned(self, turn: int) -> "Crossing":
        """The same among movements that are turned round: what was got is paid."""
        return Crossing(
            paid=tuple(bundle.turned(turn) for bundle in self.got),
            got=tuple(bundle.turned(turn) for bundle in self.paid),
        )
