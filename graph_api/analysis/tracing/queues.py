"""FIFO and LIFO: a place keeps its receipts apart, in the order in which they came.

Every unit that leaves is one that came, so what of a place is traced and how it got there is exact.
"""

from abc import ABC
from collections import deque
from collections.abc import Iterator, MutableSequence, Sequence
from typing import ClassVar, Final

from graph_api.analysis.tracing.ledger import Ledger
from graph_api.analysis.tracing.limits import ENDLESS
from graph_api.analysis.tracing.pieces import NONE, End, Fate, Part, Run
from graph_api.analysis.tracing.runs import between, parted, stretched

#: Lists are the smallest queues and the fastest, as long as they are short.
_LONG: Final = 64
#: A run on its way that is of a new seed, which stands at the recipient: this less the seed.
_SEED: Final = -2


class Queues(Ledger, ABC):
    """Places whose units stand apart, in the order in which they came."""

    traced: dict[int, MutableSequence[Run]]
    #: Where in its queue the unit stands that leaves next.
    exit: ClassVar[int]

    def open(self, place: int, runs: Sequence[tuple[int, bool]]) -> None:
        """Let a place begin with these units, the first to leave first."""
        queue: MutableSequence[Run] = []
        for raw, is_traced in runs:
            if raw:
                seed = self.followed(self.seed(place, NONE, raw)) if is_traced else NONE
                queue.append((raw, seed))
        rest = self.balances[place] - sum(raw for raw, _ in runs)
        if rest > 0:
            queue.append((rest, NONE))
        self.balances[place] = 0
        self.traced[place] = queue

    def begin(self, place: int) -> None:
        """Let all that a place holds be traced from now on, where it is not yet."""
        queue = self.traced.get(place)
        if queue is None:
            self.open(place, [(self.balances[place], True)])
            return
        for at, (raw, piece) in enumerate(queue):
            if piece == NONE:
                queue[at] = (raw, self.followed(self.seed(place, NONE, raw)))

    def held(self) -> Iterator[Part]:
        """What is traced in places now, and the piece that it is of."""
        return (run for queue in self.traced.values() for run in queue if run[1] != NONE)

    def remains(self) -> dict[int, list[Run]]:
        """The units of places that hold traced ones, the first to leave first."""
        return {place: list(queue) for place, queue in self.traced.items() if queue}

    def move(self, event: int, sender: int, recipient: int, amount: int) -> None:
        """Let ``amount`` pass."""
        queue = self.traced.get(sender)
        if queue is None:
            self.balances[sender] -= amount
            runs = [(amount, NONE)]
        else:
            runs, exit, left = [], self.exit, amount
            while left:
                raw, piece = queue[exit]
                if raw > left:
                    queue[exit] = (raw - left, piece)
                    raw = left
                else:
                    del queue[exit]
                runs.append((raw, piece))
                left -= raw
            if len(queue) <= 1:
                self._forget(sender, queue)
        if event in self.special:
            runs = self._changed(event, recipient, runs)
        self._give(event, recipient, runs)

    def _give(self, event: int, place: int, runs: Sequence[Run]) -> None:
        queue, is_source = self.traced.get(place), place in self.sources
        for raw, parent in runs:
            piece = NONE
            if parent != NONE or is_source:
                piece = self._arrived(event, place, raw, parent)
            if piece != NONE:
                queue = self._opened(place) if queue is None else queue
                queue.append((raw, piece))
            elif queue is None:
                self.balances[place] += raw
            else:
                _append(queue, raw)

    def _forget(self, place: int, queue: MutableSequence[Run]) -> None:
        """Keep the balance alone of a place where nothing is traced any more."""
        if (queue and queue[0][1] != NONE) or place in self.sources:
            return
        self.balances[place] = queue[0][0] if queue else 0
        del self.traced[place]

    def _opened(self, place: int) -> MutableSequence[Run]:
        balance, self.balances[place] = self.balances[place], 0
        queue = self.traced[place] = [(balance, NONE)] if balance else []
        return queue

    def _arrived(self, event: int, place: int, raw: int, parent: int) -> int:
        """The piece that units are of where they came to; NONE where they are not followed."""
        if parent > NONE:
            return self.followed(self.child(place, event, parent, raw))
        if parent < NONE:
            return self.followed(_SEED - parent)
        return self.followed(self.seed(place, event, raw))

    def _changed(self, event: int, recipient: int, runs: list[Run]) -> list[Run]:
        """The units of a movement where something begins to be traced, or crosses over."""
        if event in self.got:
            runs = self._got(event, runs)
        if event in self.seeds.events or event in self.seeds.parts:
            parts = self.seeds.parts.get(event) or [(self.moves.amounts[event], True)]
            runs = [
                (raw, _SEED - self.seed(recipient, event, raw))
                if is_seed and piece == NONE
                else (raw, piece)
                for (raw, piece), is_seed in parted(runs, parts)
            ]
        return self._paid(event, recipient, runs) if event in self.paid else runs

    def _paid(self, event: int, recipient: int, runs: list[Run]) -> list[Run]:
        """What crosses over ends here, and is remembered."""
        leg = self.paid[event]
        payment = self.sides[leg.crossing].paid[leg.bundle]
        for raw, parent in runs:
            piece = parent
            if parent != NONE:
                piece = (
                    self.child(recipient, event, parent, raw) if parent > NONE else _SEED - parent
                )
                self.ends.append(End(piece, raw, Fate.CROSSED))
            payment.parts.append((raw, piece))
        return [(sum(raw for raw, _ in runs), NONE)]

    def _got(self, event: int, runs: list[Run]) -> list[Run]:
        """What crossed over goes on, unless whoever paid it out is traced itself."""
        if any(piece != NONE for _, piece in runs):
            return runs
        leg = self.got[event]
        side = self.sides[leg.crossing]
        got_raw, whole = side.got_raw[leg.bundle], list[Run]()
        for payment in side.paid:
            length = int(payment.ends * got_raw) - int(payment.begins * got_raw)
            whole += stretched(payment.parts, of=payment.raw, to=length)
        return between(whole, leg.begins, self.moves.amounts[event])


class Fifo(Queues):
    """The units that were received first leave first."""

    exit = 0

    def move(self, event: int, sender: int, recipient: int, amount: int) -> None:
        """Let ``amount`` pass."""
        self._queue(sender)
        super().move(event, sender, recipient, amount)

    def happen(self, until: int) -> None:
        """Let everything before event ``until`` happen. Raises: Spent."""
        if self.min_raw or self.max_hops < ENDLESS:
            super().happen(until)
        else:
            self._stream(until)

    def _stream(self, until: int) -> None:
        # The same without calls for each of the million pieces that come of a hub. What begins,
        # crosses over or ends at a place is left to ``move``.
        traced, special, balances, sources = self.traced, self.special, self.balances, self.sources
        pieces, reached, barred = self.pieces, self.reached, self.barred
        most_pieces, most_wallets = self.most_pieces, self.most_wallets
        count, hops, queue_of = len(pieces), pieces.hops, traced.get
        add_place, add_event = pieces.places.append, pieces.events.append
        add_parent, add_amount, add_hops = pieces.parents.append, pieces.amounts.append, hops.append
        for event, sender, recipient, left in self.movements(until):
            if sender not in traced and recipient not in traced and event not in special:
                balances[sender] -= left
                balances[recipient] += left
                continue
            if count >= most_pieces or len(reached) > most_wallets:
                self.seen = event
                self.check()
            if event in special or recipient in barred or recipient == NONE:
                if left:
                    self.move(event, sender, recipient, left)
                count = len(pieces)
                continue
            queue, target, is_source = queue_of(sender), queue_of(recipient), recipient in sources
            if queue is not None and len(queue) > _LONG:
                queue = self._queue(sender)
                target = queue if sender == recipient else target
            while left:
                raw, parent = queue[0] if queue is not None else (left, NONE)
                if queue is None:
                    balances[sender] -= left
                elif raw > left:
                    queue[0] = (raw - left, parent)
                    raw = left
                else:
                    del queue[0]
                left -= raw
                if parent != NONE or is_source:
                    if target is None:
                        target = self._opened(recipient)
                        reached.add(recipient)
                    target.append((raw, count))
                    add_place(recipient)
                    add_event(event)
                    add_parent(parent)
                    add_amount(raw)
                    count += 1
                    if parent != NONE:
                        add_hops(hops[parent] + 1)
                    else:
                        add_hops(0)
                        reached.add(recipient)
                        self.seed_raw += raw
                elif target is None:
                    balances[recipient] += raw
                else:
                    _append(target, raw)
            if queue is not None and len(queue) <= 1:
                self._forget(sender, queue)
        self.seen = until

    def _queue(self, place: int) -> MutableSequence[Run] | None:
        """The units of a place, the first of which can be taken quickly."""
        queue = self.traced.get(place)
        if queue is not None and len(queue) > _LONG and isinstance(queue, list):
            queue = self.traced[place] = deque(queue)
        return queue


class Lifo(Queues):
    """The units that were received last leave first."""

    exit = -1

    def open(self, place: int, runs: Sequence[tuple[int, bool]]) -> None:
        """Let a place begin with these units, the first to leave first."""
        super().open(place, runs)
        self.traced[place].reverse()

    def remains(self) -> dict[int, list[Run]]:
        """The units of places that hold traced ones, the first to leave first."""
        return {place: runs[::-1] for place, runs in super().remains().items()}


def _append(queue: MutableSequence[Run], raw: int) -> None:
    """Let units that are not traced come last."""
    if queue and queue[-1][1] == NONE:
        queue[-1] = (queue[-1][0] + raw, NONE)
    else:
        queue.append((raw, NONE))
