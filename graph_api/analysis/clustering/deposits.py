"""Deposit addresses: an exchange gives one to each customer, so who pays into one is one.

An address is a deposit address when everything that it ever sent went to one exchange, and what
it sent is what it had received shortly before. The address is the exchange's; those who paid into
it are its customer's.
Source: Victor, "Address clustering heuristics for Ethereum" (FC 2020); its blocks are hours here,
so that they carry over to chains of other block times.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from typing import Final

import msgspec

from graph_api.analysis.clustering.facts import Facts, Move
from graph_api.domain.clusters import Evidence, Heuristic, link
from graph_api.domain.ids import AccountId, TokenId, TransactionId

HOUR_MS: Final = 3_600_000

Pair = tuple[AccountId, AccountId]


class DepositRules(msgspec.Struct, frozen=True, kw_only=True):
    """Where the lines are drawn.

    Args:
        within_ms: How long after it came in a deposit is forwarded: 10,000 Ethereum blocks.
        fee_raw: How much of the chain's own coin may stay behind or be burnt: 0.01 of it.
        forwarded: The least share of what it sent that matches what it received.
        most_senders: More people than one pay into an address that more wallets pay into.
        most_deposits: Whoever pays into more addresses pays other people's bills.
        most_strangers: So many who have an address of their own at the same exchange may pay into
            one; it is shared when there are more.
        own_share: More than this of what a wallet pays in at an exchange goes to its own address.
        corroborated: A single payment of a wallet that pays in elsewhere more often counts where
            another wallet uses both addresses, too.
        most_alone: So do all payments of one that pays into more addresses than this.
        most_moves: An address that moves more is no single customer's.
    """

    within_ms: int = 33 * HOUR_MS
    fee_raw: int = 10**16
    forwarded: float = 0.8
    most_senders: int = 50
    most_deposits: int = 4
    most_strangers: int = 1
    own_share: float = 0.5
    corroborated: bool = True
    most_alone: int = 2
    most_moves: int = 5_000


class Use(msgspec.Struct, frozen=True):
    """That a wallet paid in and it was passed on: how often, and first by which transaction."""

    wallet: AccountId
    transaction: TransactionId | None
    block_number: int | None
    times: int = 1

    @property
    def place(self) -> tuple[float, str]:
        """Sorts the earliest first, and one without a block last."""
        return float("inf") if self.block_number is None else self.block_number, self.wallet


class Deposit(msgspec.Struct, frozen=True):
    """An address that forwards to ``collector``; ``uses`` are sorted by wallet.

    ``timed`` is False where the source tells neither times nor amounts, and the ways alone speak.
    """

    address: AccountId
    collector: AccountId
    uses: tuple[Use, ...]
    timed: bool
    block_number: int | None
    transaction: TransactionId | None


class Deposits:
    """The deposit addresses among facts; what has not changed is not looked at again."""

    def __init__(self, facts: Facts, rules: DepositRules | None = None) -> None:
        self._facts, self._rules = facts, rules or DepositRules()
        self._found: dict[AccountId, tuple[int, int, Deposit | None]] = {}

    def addresses(self) -> dict[AccountId, Deposit]:
        """All deposit addresses as the facts stand, each with the persons who use it."""
        facts, found = self._facts, dict[AccountId, Deposit]()
        for address in self._candidates():
            sizes = len(facts.sent[address]), len(facts.received[address])
            known = self._found.get(address)
            if known is None or known[:2] != sizes:
                known = (*sizes, deposit(facts, address, self._rules))
                self._found[address] = known
            # What stands behind a sender may become known later.
            if known[2] is not None and (uses := self._personal(known[2].uses)):
                found[address] = msgspec.structs.replace(known[2], uses=uses)
        return found

    def evidence(self) -> Iterator[Evidence]:
        """Addresses with whom they forward to, and customers with themselves."""
        customers = _Customers(self._facts, self.addresses(), self._rules)
        for one in customers.found.values():
            yield link(
                Heuristic.DEPOSIT_ADDRESS,
                one.address,
                one.collector,
                transaction=one.transaction,
                block_number=one.block_number,
            )
            yield from customers.linked(one)

    def _personal(self, uses: tuple[Use, ...]) -> tuple[Use, ...]:
        return tuple(use for use in uses if self._facts.is_personal(use.wallet))

    def _candidates(self) -> Iterator[AccountId]:
        """Who has sent to a collector: found from the collectors, who are few."""
        facts, seen = self._facts, set()
        for wallet, known in facts.known.items():
            if known.collects:
                for move in facts.received.get(wallet, ()):
                    if move.sender is not None and move.sender not in seen:
                        seen.add(move.sender)
                        if move.sender in facts.received and facts.is_personal(move.sender):
                            yield move.sender


class _Customers:
    """Who pays into which addresses, seen from those who pay."""

    def __init__(self, facts: Facts, found: dict[AccountId, Deposit], rules: DepositRules) -> None:
        self.found, self._facts, self._rules = found, facts, rules
        #: How often a wallet paid into which addresses of which exchange.
        self._used: dict[AccountId, dict[str, Counter[AccountId]]] = {}
        for one in found.values():
            for use in one.uses:
                here = self._used.setdefault(use.wallet, {}).setdefault(
                    self._exchange(one), Counter()
                )
                here[one.address] += use.times
        #: How many wallets paid into both of two addresses.
        self._both: Counter[Pair] = Counter(
            pair for used in self._used.values() for pair in combinations(_addresses(used), 2)
        )

    def linked(self, deposit: Deposit) -> Iterator[Evidence]:
        """The customer's wallets: a star around the first of them.

        As of any block, those who had paid in by then hang together.
        """
        strangers = sum(self._is_stranger(use, deposit) for use in deposit.uses)
        if strangers > self._rules.most_strangers or len(deposit.uses) > self._rules.most_senders:
            return
        uses = sorted(
            (use for use in deposit.uses if self._is_own(use, deposit)), key=lambda use: use.place
        )
        heuristic = Heuristic.DEPOSIT_REUSE if deposit.timed else Heuristic.DEPOSIT_TOPOLOGY
        for use in uses[1:]:
            yield link(
                heuristic,
                uses[0].wallet,
                use.wallet,
                transaction=use.transaction,
                block_number=use.block_number,
            )

    def _exchange(self, deposit: Deposit) -> str:
        return self._facts.says(deposit.collector).actor or deposit.collector

    def _is_stranger(self, use: Use, deposit: Deposit) -> bool:
        """Whether it has an address of its own at the exchange, and this is not it."""
        here = self._used[use.wallet][self._exchange(deposit)]
        return any(times > use.times for address, times in here.items())

    def _is_own(self, use: Use, deposit: Deposit) -> bool:
        """Whether most of what it paid in at the exchange went here, and not to many others."""
        used = self._used[use.wallet]
        here = used[self._exchange(deposit)]
        return (
            sum(map(len, used.values())) <= self._rules.most_deposits
            and here[deposit.address] > self._rules.own_share * here.total()
            and (not self._rules.corroborated or self._is_likely(use, deposit, used))
        )

    def _is_likely(self, use: Use, deposit: Deposit, used: dict[str, Counter[AccountId]]) -> bool:
        """Whether it is no single favour of one who pays in elsewhere again and again, and none of
        several people's bills.
        """
        mine = deposit.address
        others = {
            one: times for here in used.values() for one, times in here.items() if one != mine
        }
        if any(self._both[min(mine, one), max(mine, one)] > 1 for one in others):
            return True
        if all(times == 1 for times in others.values()):
            return True
        return use.times > 1 and len(others) < self._rules.most_alone


def _addresses(used: dict[str, Counter[AccountId]]) -> list[AccountId]:
    return sorted(address for here in used.values() for address in here)


def deposit(facts: Facts, address: AccountId, rules: DepositRules) -> Deposit | None:
    """What makes ``address`` a deposit address, or None."""
    sent, received = facts.sent[address], facts.received[address]
    if len(sent) + len(received) > rules.most_moves:
        return None
    collector = _collector(facts, sent)
    if collector is None:
        return None
    if all(move.block_time is None and move.amount_raw is None for move in (*sent, *received)):
        return _by_ways(facts, address, collector)
    return _by_sweeps(facts, address, collector, rules)


def _collector(facts: Facts, sent: list[Move]) -> AccountId | None:
    """The first of whom everything went to, where that is one exchange."""
    targets = {move.recipient: facts.says(move.recipient) for move in sent}
    owners = {known.actor or wallet for wallet, known in targets.items() if known.collects}
    if len(owners) != 1 or not all(known.collects for known in targets.values()):
        return None
    return min(targets)


def _by_ways(facts: Facts, address: AccountId, collector: AccountId) -> Deposit | None:
    if any(move.recipient != collector for move in facts.sent[address]):
        return None
    senders = {move.sender for move in facts.received[address] if move.sender is not None}
    uses = tuple(Use(sender, None, None) for sender in sorted(senders) if sender != address)
    return Deposit(address, collector, uses, False, None, None)


def _by_sweeps(
    facts: Facts, address: AccountId, collector: AccountId, rules: DepositRules
) -> Deposit | None:
    sent = facts.sent[address]
    matched = 0
    uses: dict[AccountId, Use] = {}
    first: Move | None = None
    # Sweeps come in the order of their time: a wallet's first use is its earliest.
    for sweep, lots in _sweeps(facts, address, rules):
        matched += 1
        first = first or sweep
        for lot in lots:
            if lot.sender is not None:
                first_use = uses.get(
                    lot.sender, Use(lot.sender, sweep.transaction, sweep.block_number, 0)
                )
                uses[lot.sender] = msgspec.structs.replace(first_use, times=first_use.times + 1)
    if first is None or matched < rules.forwarded * len(sent):
        return None
    people = tuple(uses[wallet] for wallet in sorted(uses))
    return Deposit(address, collector, people, True, first.block_number, first.transaction)


def _sweeps(
    facts: Facts, address: AccountId, rules: DepositRules
) -> Iterator[tuple[Move, list[Move]]]:
    """What was sent, each with the deposits that it passes on."""
    waiting: dict[TokenId, list[Move]] = {}
    for move in sorted((*facts.received[address], *facts.sent[address]), key=_moment):
        amount, time = move.amount_raw, move.block_time
        if move.token is None or amount is None or time is None:
            continue
        lots = waiting.get(move.token, [])
        if move.sender == address:
            lots = [lot for lot in lots if time - (lot.block_time or 0) <= rules.within_ms]
            spare = rules.fee_raw if move.token == facts.native else 0
            swept = _swept(lots, amount, spare)
            if swept:
                yield move, swept
                lots = [lot for lot in lots if lot not in swept]
        elif move.sender is not None and not facts.says(move.sender).collects:
            # What an exchange pays in is gas for the sweep.
            lots = [*lots, move]
        waiting[move.token] = lots


def _swept(lots: list[Move], amount: int, spare: int) -> list[Move]:
    """The deposits that make up ``amount``: one of them, or the oldest so and so many."""
    for lot in lots:
        if 0 <= (lot.amount_raw or 0) - amount <= spare:
            return [lot]
    total = 0
    for count, lot in enumerate(lots, 1):
        total += lot.amount_raw or 0
        if 0 <= total - amount <= spare:
            return lots[:count]
    return []


def _moment(move: Move) -> tuple[int, int, str]:
    # What comes in sorts before what goes out of the same block, since it must have come first.
    return move.block_time or 0, move.block_number or 0, move.order
