"""Evidence on UTXO chains: inputs that are spent together, and outputs that may be change."""

from collections.abc import Iterator
from typing import Final

from graph_api.analysis.clustering.coinjoin import coinjoins
from graph_api.analysis.clustering.facts import Facts
from graph_api.domain.clusters import Evidence, Heuristic, link
from graph_api.domain.ids import AccountId, address_of
from graph_api.domain.records import Output, UtxoTransaction

#: A transaction with more outputs pays many; which of them is change nobody can tell.
_MOST_OUTPUTS: Final = 10
_ROUND: Final = 100_000


def multi_input(transaction: UtxoTransaction) -> Iterator[Evidence]:
    """Owners of inputs that one transaction spends are one, unless it is a CoinJoin.

    Source: Nakamoto (2008), section 10; Reid and Harrigan (2013).
    """
    owners = sorted(_owners(transaction))
    if len(owners) < 2 or transaction.coinbase or coinjoins(transaction):
        return
    for owner in owners[1:]:
        yield _link(Heuristic.MULTI_INPUT, transaction, owners[0], owner)


def change(facts: Facts, transaction: UtxoTransaction) -> Iterator[Evidence]:
    """Which output may be what the payer gave back to itself, by three rules, each on its own.

    One-time change: the only output of 2 to 10 that has the inputs' script type, no round amount,
    less than every input, and an address that is met nowhere else but where it is spent. Optimal
    change: the only one that is less than every input. Round payment: of two outputs, the one that
    is not round beside one that is.
    Source: Androulaki et al. (2013); Meiklejohn et al. (2013); Kalodner et al. (2020, BlockSci).
    """
    owners = _owners(transaction)
    outputs = [output for output in transaction.outputs if output.owner is not None]
    direct = any(output.owner in owners for output in outputs)
    if not owners or direct or not 2 <= len(transaction.outputs) <= _MOST_OUTPUTS:
        return
    if transaction.coinbase or coinjoins(transaction):
        return
    amounts = [spend.amount_raw for spend in transaction.inputs]
    if any(amount is None for amount in amounts):
        return
    smallest = min(amount for amount in amounts if amount is not None)
    small = [output for output in outputs if output.amount_raw < smallest]
    fresh = [output for output in small if _is_fresh(facts, transaction, output, owners)]
    rough = [output for output in outputs if output.amount_raw % _ROUND]
    found = (
        (Heuristic.ONE_TIME_CHANGE, fresh),
        (Heuristic.OPTIMAL_CHANGE, small),
        (Heuristic.ROUND_PAYMENT, rough if len(transaction.outputs) == 2 else []),
    )
    for heuristic, candidates in found:
        if len(candidates) == 1 and candidates[0].owner is not None:
            yield _link(heuristic, transaction, min(owners), candidates[0].owner)


def _owners(transaction: UtxoTransaction) -> set[AccountId]:
    return {spend.owner for spend in transaction.inputs if spend.owner is not None}


def _is_fresh(
    facts: Facts, transaction: UtxoTransaction, output: Output, owners: set[AccountId]
) -> bool:
    owner = output.owner
    if owner is None or output.amount_raw % 1_000 == 0:
        return False
    if {_script(one) for one in owners} != {_script(owner)}:
        return False
    paid = 0
    for id in facts.appears[owner]:
        paid += sum(one.owner == owner for one in facts.utxos[id].outputs)
    return paid == 1 and transaction.id in facts.appears[owner]


def _script(owner: AccountId) -> str:
    """What kind of script an address stands for, by its form."""
    address = address_of(owner)
    # Of a native SegWit address: its version, and whether it stands for a key or a script.
    return f"{address[:4]}:{len(address)}" if address.startswith("bc1") else address[:1]


def _link(
    heuristic: Heuristic, transaction: UtxoTransaction, one: AccountId, other: AccountId
) -> Evidence:
    return link(
        heuristic, one, other, transaction=transaction.id, block_number=transaction.block_number
    )
