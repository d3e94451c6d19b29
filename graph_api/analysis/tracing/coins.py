"""Traces on UTXO chains, where transactions spend coins whole and make new ones.

A place is one coin, an event one transaction. Only the transactions that spend a traced coin
matter, so nothing but them has to be given.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import repeat
from typing import Final, NamedTuple, cast

import msgspec

from graph_api.analysis.tracing.accounts import as_origins
from graph_api.analysis.tracing.limits import Budget, Ended, Meter, Spent, Stops
from graph_api.analysis.tracing.pieces import NONE, Book, End, Fate, Part, Run, Traced
from graph_api.analysis.tracing.policies import Amount, Policy
from graph_api.analysis.tracing.runs import parted

#: How many transactions are looked at between two looks at the clock.
_AT_ONCE: Final = 1_024

#: A coin and its base units; None where nobody knows how many.
Coin = tuple[int, int | None]


class Spending(NamedTuple):
    """A transaction: the coins that it spends and those that it makes, in their order."""

    inputs: Sequence[Coin]
    outputs: Sequence[Coin]

    @property
    def fee_raw(self) -> int | None:
        """What the inputs hold beyond the outputs; None where that is not known, or cannot be."""
        spent, made = _total(self.inputs), _total(self.outputs)
        if not self.inputs:
            return 0
        return None if spent is None or made is None or spent < made else spent - made

    def turned(self) -> "Spending":
        """The same in reverse; the fee stands last among what is spent."""
        fee = self.fee_raw
        if not self.inputs or fee == 0:
            return Spending(self.outputs, self.inputs)
        return Spending([*self.outputs, (NONE, fee)], self.inputs)


class CoinSeeds(msgspec.Struct, frozen=True, kw_only=True):
    """Coins that are traced whole, with their amounts, and others of which some units are."""

    coins: Mapping[int, int] = {}
    parts: Mapping[int, Sequence[tuple[int, bool]]] = {}


def follow_coins(
    spendings: Sequence[Spending],
    seeds: CoinSeeds,
    *,
    policy: Policy | type["Ledger"],
    stops: Stops | None = None,
    barred: Mapping[int, Fate] | None = None,
    budget: Budget | None = None,
    clock: Callable[[], float] = lambda: 0.0,
) -> Traced:
    """Where the seeds went; no transaction stands before one whose coins it spends."""
    ledger = _LEDGERS[policy] if isinstance(policy, Policy) else policy
    meter = Meter(budget or Budget(), clock)
    return ledger(spendings, seeds, stops=stops or Stops(), barred=barred or {}, meter=meter).run()


def follow_coins_back(
    spendings: Sequence[Spending],
    seeds: CoinSeeds,
    *,
    policy: Policy,
    stops: Stops | None = None,
    barred: Mapping[int, Fate] | None = None,
    budget: Budget | None = None,
    clock: Callable[[], float] = lambda: 0.0,
) -> Traced:
    """Where the seeds came from; events are numbered as they happened."""
    found = follow_coins(
        [spending.turned() for spending in reversed(spendings)],
        seeds,
        policy=policy,
        stops=stops,
        barred=barred,
        budget=budget,
        clock=clock,
    )
    return as_origins(found, len(spendings) - 1)


class Ledger(Book, ABC):
    """The coins that hold traced units, while transactions happen.

    Of a coin the parts are known that are traced, and where order matters the others too.
    """

    def __init__(
        self,
        spendings: Sequence[Spending],
        seeds: CoinSeeds,
        *,
        stops: Stops,
        barred: Mapping[int, Fate],
        meter: Meter,
    ) -> None:
        super().__init__(stops, barred, meter)
        self._spendings, self._meter, self._most = spendings, meter, 0
        self.traced: dict[int, Sequence[Part]] = {}
        whole = {coin: [(raw, True)] for coin, raw in seeds.coins.items()}
        self._seeds: dict[int, Sequence[tuple[int, bool]]] = {**seeds.parts, **whole}
        made = {coin for spending in spendings for coin, _ in spending.outputs}
        for coin in sorted(self._seeds.keys() - made):
            self._make((coin, sum(raw for raw, _ in self._seeds[coin])), NONE, ())

    def run(self) -> Traced:
        """Let everything happen, or as much as the budget allows."""
        ended, seen = Ended.COMPLETE, 0
        try:
            while seen < len(self._spendings):
                if seen % _AT_ONCE == 0:
                    self._most = seen + self._meter.events_left(seen)
                if seen >= self._most:
                    raise Spent(Ended.EVENTS)
                self._happen(seen, self._spendings[seen])
                seen += 1
        except Spent as spent:
            ended = spent.what
        fate = Fate.HELD if ended is Ended.COMPLETE else Fate.OPEN
        for parts in self.traced.values():
            self.ends += [End(piece, raw, fate) for raw, piece in parts if piece != NONE]
        return Traced(
            pieces=self.pieces,
            ends=self.ends,
            seed_raw=self.seed_raw,
            ended=ended,
            looked_at=seen,
            remains=self.remains(),
            openings={},
        )

    def remains(self) -> dict[int, list[Run]]:
        """The units of coins that hold traced ones, in their order, where there is one."""
        return {}

    @abstractmethod
    def spread(self, spending: Spending, fee_raw: int) -> Iterator[Sequence[Part]]:
        """What each output gets of the inputs, and after them the fee."""

    @abstractmethod
    def arrived(self, coin: int, raw: int, event: int, parts: Sequence[Part]) -> Sequence[Part]:
        """The pieces that come of parts where they came to, and seeds that begin there."""

    def seeds_of(self, coin: int) -> Sequence[tuple[int, bool]]:
        """Which units of a coin are seeds."""
        return self._seeds.get(coin, ())

    def _happen(self, event: int, spending: Spending) -> None:
        shares: Iterator[Sequence[Part]] = repeat(())
        outputs = spending.outputs
        if any(coin in self.traced for coin, _ in spending.inputs):
            self.check()
            fee_raw = spending.fee_raw
            if fee_raw is None:
                self._lose(spending)
            else:
                shares = self.spread(spending, fee_raw)
                outputs = [*outputs, (NONE, fee_raw)]
        elif not any(coin in self._seeds for coin, _ in outputs):
            return
        # Shares may be reckoned one by one: what they are of is let go of at the end.
        for coin, parts in zip(outputs, shares, strict=False):
            self._make(coin, event, parts)
        for spent, _ in spending.inputs:
            self.traced.pop(spent, None)

    def _make(self, coin: Coin, event: int, parts: Sequence[Part]) -> None:
        if not coin[1]:
            return
        kept = self.arrived(coin[0], coin[1], event, parts)
        if any(piece != NONE for _, piece in kept):
            self.traced[coin[0]] = kept

    def _lose(self, spending: Spending) -> None:
        for coin, _ in spending.inputs:
            for raw, piece in self.traced.get(coin, ()):
                if piece != NONE:
                    self.ends.append(End(piece, raw, Fate.UNKNOWN))


class _Fifo(Ledger):
    """The inputs, laid end to end in their order, fill the outputs in theirs."""

    traced: dict[int, list[Run]]  # type: ignore[assignment]

    def remains(self) -> dict[int, list[Run]]:
        """The units of coins that hold traced ones, in their order."""
        return dict(self.traced)

    def spread(self, spending: Spending, fee_raw: int) -> Iterator[list[Run]]:
        """What each output gets of the inputs, and after them the fee."""
        units = iter(self.laid_out(spending))
        left: Run = (0, NONE)
        for _, wanted in [*spending.outputs, (NONE, fee_raw)]:
            missing, share = wanted or 0, list[Run]()
            while missing:
                if not left[0]:
                    left = next(units)
                taken = min(missing, left[0])
                share.append((taken, left[1]))
                missing, left = missing - taken, (left[0] - taken, left[1])
            yield share

    def laid_out(self, spending: Spending) -> list[Run]:
        """All units of the inputs, the first to be spent first."""
        return [
            run
            for coin, raw in spending.inputs
            for run in self.traced.get(coin) or [(raw or 0, NONE)]
        ]

    def arrived(self, coin: int, raw: int, event: int, parts: Sequence[Part]) -> list[Run]:
        """The pieces that come of parts where they came to, and seeds that begin there."""
        come: list[Run] = []
        runs = cast(Sequence[Run], parts) or [(raw, NONE)]
        for (length, parent), is_seed in parted(runs, self.seeds_of(coin)):
            if parent != NONE:
                piece = self.child(coin, event, parent, length)
            elif is_seed:
                piece = self.seed(coin, event, length)
            else:
                come.append((length, NONE))
                continue
            come.append((length, self.followed(piece)))
        return come


class _Lifo(_Fifo):
    """The inputs, laid end to end and turned round, fill the outputs in their order."""

    def laid_out(self, spending: Spending) -> list[Run]:
        """All units of the inputs, the first to be spent first."""
        return super().laid_out(spending)[::-1]


class _Melted(Ledger):
    """What is traced of the inputs is one sum; the path is that of the input of fewest hops."""

    def spread(self, spending: Spending, fee_raw: int) -> Iterator[list[Part]]:
        """What each output gets of the inputs, and after them the fee."""
        parts = [part for coin, _ in spending.inputs for part in self.traced.get(coin, ())]
        parent = min((piece for _, piece in parts), key=self.pieces.hops.__getitem__)
        wanted = [*(raw or 0 for _, raw in spending.outputs), fee_raw]
        for share in self.shares(sum(raw for raw, _ in parts), wanted):
            yield [(share, parent)] if share else []

    @abstractmethod
    def shares(self, traced: Amount, wanted: Sequence[int]) -> Sequence[Amount]:
        """What is traced of outputs of these amounts, the fee being the last."""

    def arrived(self, coin: int, raw: int, event: int, parts: Sequence[Part]) -> list[Part]:
        """The pieces that come of parts where they came to, and seeds that begin there."""
        come = [self.child(coin, event, parent, share) for share, parent in parts]
        wanted = sum(length for length, is_seed in self.seeds_of(coin) if is_seed)
        seeded = min(wanted, raw - sum(share for share, _ in parts))
        if seeded > 0:
            come.append(self.seed(coin, event, seeded))
        return [
            (self.pieces.amounts[piece], piece) for piece in come if self.followed(piece) != NONE
        ]


class _Poison(_Melted):
    """All of the outputs and of the fee, if any of the inputs is traced."""

    def shares(self, traced: Amount, wanted: Sequence[int]) -> Sequence[Amount]:
        """All of them."""
        return wanted


class _Haircut(_Melted):
    """Each output gets what is traced in proportion to its amount.

    The largest remainders are rounded up, the first of equals, so that nothing is lost.
    """

    def shares(self, traced: Amount, wanted: Sequence[int]) -> Sequence[Amount]:
        """In proportion."""
        whole = sum(wanted)
        shares = [int(traced * raw // whole) for raw in wanted]
        remainders = [traced * raw % whole for raw in wanted]
        order = sorted(range(len(wanted)), key=lambda place: -remainders[place])
        for place in order[: int(traced) - sum(shares)]:
            shares[place] += 1
        return shares


class RationalHaircut(_Melted):
    """Each output gets exactly its proportion of what is traced."""

    def shares(self, traced: Amount, wanted: Sequence[int]) -> Sequence[Amount]:
        """In proportion."""
        whole = sum(wanted)
        return [Fraction(traced) * raw / whole for raw in wanted]


class _Tiho(_Melted):
    """What is traced fills the highest outputs first, the first of equals; the fee comes last."""

    def shares(self, traced: Amount, wanted: Sequence[int]) -> Sequence[Amount]:
        """As much as fits."""
        shares: list[Amount] = [0] * len(wanted)
        fee = len(wanted) - 1
        for place in [*sorted(range(fee), key=lambda place: -wanted[place]), fee]:
            shares[place] = min(traced, wanted[place])
            traced -= shares[place]
        return shares


def _total(coins: Sequence[Coin]) -> int | None:
    amounts = [raw for _, raw in coins]
    known = [raw for raw in amounts if raw is not None]
    return sum(known) if len(known) == len(amounts) else None


_LEDGERS: Final[dict[Policy, type[Ledger]]] = {
    Policy.POISON: _Poison,
    Policy.HAIRCUT: _Haircut,
    Policy.FIFO: _Fifo,
    Policy.LIFO: _Lifo,
    Policy.TIHO: _Tiho,
}
