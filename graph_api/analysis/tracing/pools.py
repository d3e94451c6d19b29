"""Poison, haircut and TIHO: a place melts its receipts together, and a rule says what leaves.

A pool knows how much of it is traced. The path of what leaves it is that of the receipt which took
the fewest hops, the first of equals.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from graph_api.analysis.tracing.ledger import Ledger
from graph_api.analysis.tracing.pieces import NONE, End, Fate, Part, Run
from graph_api.analysis.tracing.policies import Amount, Share, rational, rounded


class Pool:
    """How many units of a place are traced, and the piece that stands for them."""

    __slots__ = ("piece", "raw")

    def __init__(self, raw: Amount = 0, piece: int = NONE) -> None:
        self.raw, self.piece = raw, piece


class Haircut(Ledger):
    """What is traced leaves in proportion: of ``a`` units of a balance of ``b``, t·a/b."""

    traced: dict[int, Pool]
    #: How a part of what is traced is reckoned.
    share: Share = staticmethod(rounded)

    def open(self, place: int, runs: Sequence[tuple[int, bool]]) -> None:
        """Let a place begin with these units; their order does not matter."""
        self.traced.setdefault(place, Pool())
        raw = sum(raw for raw, is_traced in runs if is_traced)
        if raw:
            self._keep(place, self.seed(place, NONE, raw))

    def begin(self, place: int) -> None:
        """Let all that a place holds be traced from now on, where it is not yet."""
        pool = self.traced.setdefault(place, Pool())
        untraced = self.balances[place] - pool.raw
        if untraced > 0:
            self._keep(place, self.seed(place, NONE, untraced))

    def move(self, event: int, sender: int, recipient: int, amount: int) -> None:
        """Let ``amount`` pass."""
        runs = self._taken(event, sender, amount)
        self.balances[sender] -= amount
        if event in self.got and not runs:
            runs = self._got(event, amount)
        seed = self._seeded(event, recipient, amount - sum(raw for raw, _ in runs))
        self.balances[recipient] += amount
        come = [self.child(recipient, event, parent, raw) for raw, parent in runs]
        if seed != NONE:
            come.append(seed)
        for piece in come:
            if event in self.paid:
                self._cross(event, piece)
            else:
                self._keep(recipient, piece)

    def held(self) -> Iterator[Part]:
        """What is traced in places now, and the piece that stands for it."""
        return ((pool.raw, pool.piece) for pool in self.traced.values() if pool.piece != NONE)

    def remains(self) -> dict[int, list[Run]]:
        """Pools have no order."""
        return {}

    def leaving(self, event: int, place: int, amount: int, traced: Amount) -> Amount:
        """How much of what is traced leaves with a movement."""
        return self.share(traced, amount, self.balances[place])

    def _taken(self, event: int, place: int, amount: int) -> list[Part]:
        pool = self.traced.get(place)
        if pool is None or not pool.raw:
            return []
        raw = self.leaving(event, place, amount, pool.raw)
        parent = pool.piece
        self._lessen(place, pool, raw)
        return [(raw, parent)] if raw else []

    def _lessen(self, place: int, pool: Pool, raw: Amount) -> None:
        pool.raw -= raw
        if not pool.raw:
            pool.piece = NONE
            if place not in self.sources:
                del self.traced[place]

    def _keep(self, place: int, piece: int) -> None:
        """Put a piece that came into the pool, if it goes on from there."""
        if self.followed(piece) == NONE:
            return
        pool = self.traced.get(place)
        if pool is None:
            pool = self.traced[place] = Pool()
        pool.raw += self.pieces.amounts[piece]
        hops = self.pieces.hops
        if pool.piece == NONE or hops[piece] < hops[pool.piece]:
            pool.piece = piece

    def _seeded(self, event: int, place: int, untraced: Amount) -> int:
        """The seed that begins with a movement; NONE where none does."""
        seeds = self.seeds
        if event in seeds.events or place in self.sources:
            raw = untraced
        elif event in seeds.parts:
            wanted = sum(raw for raw, is_traced in seeds.parts[event] if is_traced)
            raw = min(wanted, untraced)
        else:
            return NONE
        return self.seed(place, event, raw) if raw else NONE

    def _cross(self, event: int, piece: int) -> None:
        """What crosses over ends here, and is remembered."""
        raw = self.pieces.amounts[piece]
        self.ends.append(End(piece, raw, Fate.CROSSED))
        leg = self.paid[event]
        self.sides[leg.crossing].paid[leg.bundle].parts.append((raw, piece))

    def _got(self, event: int, amount: int) -> list[Part]:
        """What crossed over goes on, in proportion."""
        parts = [
            (self.share(raw, amount * (payment.ends - payment.begins), payment.raw), piece)
            for payment in self.sides[self.got[event].crossing].paid
            for raw, piece in payment.parts
        ]
        return [(raw, piece) for raw, piece in parts if raw]


class RationalHaircut(Haircut):
    """Haircut without rounding: exact, and soon slow, for denominators grow with each hop."""

    share = staticmethod(rational)


class Poison(Haircut):
    """Whatever a place has and sends is traced, once it has received something that is."""

    def leaving(self, event: int, place: int, amount: int, traced: Amount) -> Amount:
        """All of it."""
        return amount

    def held(self) -> Iterator[Part]:
        """The balances of all places that are traced."""
        for place, pool in self.traced.items():
            if pool.piece != NONE:
                yield self.balances[place], pool.piece

    def _lessen(self, place: int, pool: Pool, raw: Amount) -> None:
        """It does not get less."""

    def _got(self, event: int, amount: int) -> list[Part]:
        """All of what was got is traced, if anything of what was paid is."""
        for payment in self.sides[self.got[event].crossing].paid:
            if payment.parts:
                return [(amount, payment.parts[0][1])]
        return []


class Tiho(Haircut):
    """What is traced leaves with the highest payments of a transaction; see ``policies``."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._planned: dict[int, Amount] = {}
        super().__init__(*arguments, **options)

    def leaving(self, event: int, place: int, amount: int, traced: Amount) -> Amount:
        """As much as fits, when all payments up to the next receipt are looked at together."""
        if event not in self._planned:
            self._plan(event, place, traced)
        return self._planned.pop(event)

    def _plan(self, event: int, place: int, traced: Amount) -> None:
        payments = self._payments(event, place)
        amounts, recipients = self.moves.amounts, self.moves.recipients
        kept = self.balances[place] - sum(amounts[one] for one in payments)
        fees = [one for one in payments if recipients[one] == NONE]
        order = sorted(set(payments) - set(fees), key=lambda one: (-amounts[one], one))
        for one in order:
            if amounts[one] < kept:
                traced, kept = traced - min(traced, kept), -1
            self._planned[one] = min(traced, amounts[one])
            traced -= self._planned[one]
        traced -= min(traced, max(kept, 0))
        for one in fees:
            self._planned[one] = min(traced, amounts[one])
            traced -= self._planned[one]

    def _payments(self, first: int, place: int) -> list[int]:
        """The payments of a place in a transaction, from one of them on until it receives."""
        moves = self.moves
        payments, transaction = [], moves.transactions[first]
        for event in range(first, len(moves.amounts)):
            if moves.transactions[event] != transaction:
                break
            if moves.senders[event] == place and moves.amounts[event]:
                payments.append(event)
            if moves.recipients[event] == place:
                break
        return payments
