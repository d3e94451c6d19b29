"""FIFO and LIFO: a place keeps its receipts apart, in the order in which they came.

Every unit that leaves is one that came, so what of a place is traced and how it got there is exact.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

from graph_api.analysis.tracing.ledger import Ledger
from graph_api.analysis.tracing.pieces import NONE, End, Fate, Part, Run
from graph_api.analysis.tracing.runs import between, parted, stretched

#: A run on its way that is of a new seed, which stands at the recipient: this less the seed.
_SEED: Final = -2


class Fifo(Ledger):
    """The units that were received first leave first."""

    traced: dict[int, deque[Run]]

    def open(self, place: int, runs: Sequence[tuple[int, bool]]) -> None:
        """Let a place begin with these units, the first to leave first."""
        queue: deque[Run] = deque()
        for raw, is_traced in runs:
            if raw:
                seed = self._if_followed(self.seed(place, NONE, raw)) if is_traced else NONE
                queue.append((raw, seed))
        rest = self.balances[place] - sum(raw for raw, _ in runs)
        if rest > 0:
            queue.append((rest, NONE))
        self.balances[place] = 0
        self.traced[place] = queue

    def move(self, event: int, sender: int, recipient: int, amount: int) -> None:
        """Let ``amount`` pass."""
        runs = self._taken(sender, amount)
        if event in self.special:
            runs = self._changed(event, recipient, runs)
        self._give(event, recipient, runs)

    def held(self) -> Iterator[Part]:
        """What is traced in places now, and the piece that it is of."""
        return (run for queue in self.traced.values() for run in queue if run[1] != NONE)

    def remains(self) -> dict[int, list[Run]]:
        """The units of places that hold traced ones, the first to leave first."""
        return {place: list(queue) for place, queue in self.traced.items() if queue}

    def _next(self, queue: deque[Run]) -> Run:
        return queue.popleft()

    def _put_back(self, queue: deque[Run], run: Run) -> None:
        queue.appendleft(run)

    def _taken(self, place: int, amount: int) -> list[Run]:
        queue = self.traced.get(place)
        if queue is None:
            self.balances[place] -= amount
            return [(amount, NONE)]
        taken: list[Run] = []
        while amount:
            raw, piece = self._next(queue)
            if raw > amount:
                self._put_back(queue, (raw - amount, piece))
                raw = amount
            taken.append((raw, piece))
            amount -= raw
        if len(queue) <= 1:
            self._forget(place, queue)
        return taken

    def _forget(self, place: int, queue: deque[Run]) -> None:
        """Keep the balance alone of a place where nothing is traced any more."""
        if (queue and queue[0][1] != NONE) or place in self.seeds.places:
            return
        self.balances[place] = queue[0][0] if queue else 0
        del self.traced[place]

    def _give(self, event: int, place: int, runs: Sequence[Run]) -> None:
        queue = self.traced.get(place)
        for raw, parent in runs:
            piece = self._arrived(event, place, raw, parent)
            if queue is None:
                if piece == NONE:
                    self.balances[place] += raw
                    continue
                queue = self._opened(place)
            if piece == NONE and queue and queue[-1][1] == NONE:
                queue[-1] = (queue[-1][0] + raw, NONE)
            else:
                queue.append((raw, piece))

    def _opened(self, place: int) -> deque[Run]:
        balance = self.balances[place]
        queue = self.traced[place] = deque([(balance, NONE)] if balance else ())
        self.balances[place] = 0
        return queue

    def _arrived(self, event: int, place: int, raw: int, parent: int) -> int:
        """The piece that units are of where they came to; NONE where they are not followed."""
        if parent > NONE:
            return self._if_followed(self.child(place, event, parent, raw))
        if parent < NONE:
            return self._if_followed(_SEED - parent)
        if place in self.seeds.places:
            return self._if_followed(self.seed(place, event, raw))
        return NONE

    def _if_followed(self, piece: int) -> int:
        return piece if self.goes_on(piece) else NONE

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
        side = self.sides[self.paid[event].crossing]
        for raw, parent in runs:
            piece = parent
            if parent != NONE:
                piece = (
                    self.child(recipient, event, parent, raw) if parent > NONE else _SEED - parent
                )
                self.ends.append(End(piece, raw, Fate.CROSSED))
            side.paid.append((raw, piece))
        return [(sum(raw for raw, _ in runs), NONE)]

    def _got(self, event: int, runs: list[Run]) -> list[Run]:
        """What crossed over goes on, unless whoever paid it out is traced itself."""
        if any(piece != NONE for _, piece in runs):
            return runs
        leg = self.got[event]
        side = self.sides[leg.crossing]
        whole = stretched(side.paid, of=side.paid_raw, to=side.got_raw)
        return between(whole, leg.begins, self.moves.amounts[event])


class Lifo(Fifo):
    """The units that were received last leave first."""

    def _next(self, queue: deque[Run]) -> Run:
        return queue.pop()

    def _put_back(self, queue: deque[Run], run: Run) -> None:
        queue.append(run)

    def open(self, place: int, runs: Sequence[tuple[int, bool]]) -> None:
        """Let a place begin with these units, the first to leave first."""
        super().open(place, runs)
        self.traced[place].reverse()

    def remains(self) -> dict[int, list[Run]]:
        """The units of places that hold traced ones, the first to leave first."""
        return {place: runs[::-1] for place, runs in super().remains().items()}
