"""FIFO and LIFO: a place keeps its receipts apart, in the order in which they came.

Every unit that leaves is one that came, so what of a place is traced and how it got there is exact.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
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
                seed = self.followed(self.seed(place, NONE, raw)) if is_traced else NONE
                queue.append((raw, seed))
        rest = self.balances[place] - sum(raw for raw, _ in runs)
        if rest > 0:
            queue.append((rest, NONE))
        self.balances[place] = 0
        self.traced[place] = queue

    def held(self) -> Iterator[Part]:
        """What is traced in places now, and the piece that it is of."""
        return (run for queue in self.traced.values() for run in queue if run[1] != NONE)

    def remains(self) -> dict[int, list[Run]]:
        """The units of places that hold traced ones, the first to leave first."""
        return {place: list(queue) for place, queue in self.traced.items() if queue}

    #: The units that leave next, and putting some of them back.
    next_run: Callable[[deque[Run]], Run] = staticmethod(deque.popleft)
    put_back: Callable[[deque[Run], Run], None] = staticmethod(deque.appendleft)

    def move(self, event: int, sender: int, recipient: int, amount: int) -> None:
        """Let ``amount`` pass."""
        queue = self.traced.get(sender)
        if queue is None:
            self.balances[sender] -= amount
            runs = [(amount, NONE)]
        else:
            runs, next_run, left = [], self.next_run, amount
            while left:
                run = next_run(queue)
                raw = run[0]
                if raw > left:
                    self.put_back(queue, (raw - left, run[1]))
                    run, raw = (left, run[1]), left
                runs.append(run)
                left -= raw
            if len(queue) <= 1:
                self._forget(sender, queue)
        if event in self.special:
            runs = self._changed(event, recipient, runs)
        self._give(event, recipient, runs)

    def _give(self, event: int, place: int, runs: Sequence[Run]) -> None:
        queue, rows = self.traced.get(place), self.rows
        is_source = place in self.sources
        is_plain = place != NONE and place not in self.barred and not self.min_raw
        for raw, parent in runs:
            if is_plain and parent > NONE and (hops := rows[parent][4] + 1) < self.max_hops:
                # As ``_arrived`` does it, without three calls for each of a million pieces.
                piece = len(rows)
                rows.append((place, event, parent, raw, hops))
                self.reached.add(place)
            elif parent != NONE or is_source:
                piece = self._arrived(event, place, raw, parent)
            else:
                piece = NONE
            if queue is None:
                if piece == NONE:
                    self.balances[place] += raw
                    continue
                queue = self._opened(place)
            if piece == NONE and queue and queue[-1][1] == NONE:
                queue[-1] = (queue[-1][0] + raw, NONE)
            else:
                queue.append((raw, piece))

    def _forget(self, place: int, queue: deque[Run]) -> None:
        """Keep the balance alone of a place where nothing is traced any more."""
        if (queue and queue[0][1] != NONE) or place in self.sources:
            return
        self.balances[place] = queue[0][0] if queue else 0
        del self.traced[place]

    def _opened(self, place: int) -> deque[Run]:
        balance = self.balances[place]
        queue = self.traced[place] = deque([(balance, NONE)] if balance else ())
        self.balances[place] = 0
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

    next_run: Callable[[deque[Run]], Run] = staticmethod(deque.pop)
    put_back: Callable[[deque[Run], Run], None] = staticmethod(deque.append)

    def open(self, place: int, runs: Sequence[tuple[int, bool]]) -> None:
        """Let a place begin with these units, the first to leave first."""
        super().open(place, runs)
        self.traced[place].reverse()

    def remains(self) -> dict[int, list[Run]]:
        """The units of places that hold traced ones, the first to leave first."""
        return {place: runs[::-1] for place, runs in super().remains().items()}
