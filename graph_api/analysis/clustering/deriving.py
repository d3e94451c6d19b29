"""All evidence that the facts of a chain hold."""

from collections.abc import Iterable, Iterator

import msgspec

from graph_api.analysis.clustering import airdrops, habits, utxo
from graph_api.analysis.clustering.airdrops import AirdropRules
from graph_api.analysis.clustering.deposits import DepositRules, Deposits
from graph_api.analysis.clustering.facts import Facts
from graph_api.analysis.clustering.habits import HabitRules
from graph_api.domain.chains import Family, chain_of
from graph_api.domain.clusters import Evidence
from graph_api.domain.ids import TransactionId
from graph_api.domain.records import UtxoTransaction


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """Where the lines of every heuristic are drawn."""

    deposits: DepositRules = DepositRules()
    airdrops: AirdropRules = AirdropRules()
    habits: HabitRules = HabitRules()


class Derivation:
    """Evidence from facts that grow.

    It is worked out from all facts each time, so that what was added when makes no difference;
    of single addresses and transactions, only what has changed is looked at again.
    """

    def __init__(self, facts: Facts, rules: Rules | None = None) -> None:
        self.facts, self._rules = facts, rules or Rules()
        self._deposits = Deposits(facts, self._rules.deposits)
        self._spent: dict[TransactionId, tuple[UtxoTransaction, tuple[Evidence, ...]]] = {}

    def evidence(self) -> dict[str, Evidence]:
        """The earliest evidence of each kind for each pair, by its id."""
        family = chain_of(self.facts.chain).family
        if family is Family.UTXO:
            return earliest(self._of_coins())
        if family is Family.SOLANA:
            return earliest(self._of_solana())
        return earliest(self._of_accounts())

    def _of_accounts(self) -> Iterator[Evidence]:
        yield from self._deposits.evidence()
        addresses = set(self._deposits.addresses())
        yield from airdrops.evidence(self.facts, self._rules.airdrops, addresses)
        yield from habits.self_authorisation(self.facts, self._rules.habits)
        yield from habits.first_funder(self.facts, self._rules.habits, addresses)

    def _of_solana(self) -> Iterator[Evidence]:
        yield from habits.first_funder(self.facts, self._rules.habits, set())
        yield from habits.fee_payer(self.facts, self._rules.habits)

    def _of_coins(self) -> Iterator[Evidence]:
        for transaction in self.facts.utxos.values():
            known = self._spent.get(transaction.id)
            if known is None or known[0] is not transaction:
                known = transaction, tuple(utxo.multi_input(transaction))
                self._spent[transaction.id] = known
            yield from known[1]
            yield from utxo.change(self.facts, transaction)


def earliest(evidence: Iterable[Evidence]) -> dict[str, Evidence]:
    """One for each kind and pair: what is known first."""
    found: dict[str, Evidence] = {}
    for one in evidence:
        if one.start == one.end:
            continue
        other = found.get(one.id)
        if other is None or _place(one) < _place(other):
            found[one.id] = one
    return found


def _place(one: Evidence) -> tuple[float, str]:
    block = float("inf") if one.block_number is None else one.block_number
    return block, one.transaction or ""
