"""Transactions that several people sign together: their inputs are nobody's common property.

A detector that is wrong costs links, one that is missing joins strangers; so they err on the side
of calling a transaction a CoinJoin.

Source: the constants are those of GraphSense's CoinJoin heuristics; the forms, those of the
wallets' own coordinators (Wasabi 1 and 2, Whirlpool, JoinMarket).
"""

from collections import Counter
from enum import StrEnum
from typing import Final

import msgspec

from graph_api.domain.records import UtxoTransaction

_BITCOIN: Final = 100_000_000
#: Pools of Whirlpool, and the largest fee that a participant brings along for its miners.
_POOLS: Final = {100_000: 5_000, 1_000_000: 50_000, 5_000_000: 175_000, 50_000_000: 1_750_000}
_WASABI_BASE: Final = _BITCOIN // 10
_DUST: Final = 2_730


class JoinKind(StrEnum):
    """Which software makes transactions of this form."""

    WHIRLPOOL = "whirlpool"
    WASABI_1 = "wasabi_1"
    WASABI_2 = "wasabi_2"
    JOINMARKET = "joinmarket"


class CoinJoin(msgspec.Struct, frozen=True):
    """What a transaction looks like, and how sure that is."""

    kind: JoinKind
    confidence: float
    participants: int


def coinjoins(transaction: UtxoTransaction) -> list[CoinJoin]:
    """Every kind of CoinJoin that the transaction may be, the surest first."""
    if transaction.coinbase or len(transaction.inputs) < 2:
        return []
    shape = _Shape(transaction)
    found = (_whirlpool(shape), _wasabi_2(shape), _wasabi_1(shape), _joinmarket(shape))
    return sorted(filter(None, found), key=lambda join: -join.confidence)


class _Shape:
    """A transaction in the numbers that detectors look at."""

    def __init__(self, transaction: UtxoTransaction) -> None:
        self.inputs = len(transaction.inputs)
        self.outputs = [output.amount_raw for output in transaction.outputs if output.amount_raw]
        self.amounts = [spend.amount_raw for spend in transaction.inputs]
        # An owner whom nobody can tell may be anybody.
        owners = Counter(spend.owner or spend.output for spend in transaction.inputs)
        self.owners, self.busiest = len(owners), max(owners.values())
        self.values = Counter(self.outputs)


def _whirlpool(shape: _Shape) -> CoinJoin | None:
    """As many equal outputs as inputs, all of a pool's size; each input has that and a fee."""
    (pool, count), *others = shape.values.most_common(2) or [(0, 0)]
    if others or pool not in _POOLS or count < 5 or count != shape.inputs:
        return None
    enough = (amount is None or pool <= amount <= pool + _POOLS[pool] for amount in shape.amounts)
    return CoinJoin(JoinKind.WHIRLPOOL, 1.0, count) if all(enough) else None


def _wasabi_1(shape: _Shape) -> CoinJoin | None:
    """Ten inputs or more, and three outputs or more of the commonest size, near 0.1 BTC."""
    near = _WASABI_BASE // 20
    sizes = [count for value, count in shape.values.items() if abs(value - _WASABI_BASE) <= near]
    # Of the sizes of version 2, too, one is 0.1 BTC; but others are as common there.
    if shape.inputs < 10 or max(sizes, default=0) < max(3, *shape.values.values()):
        return None
    if shape.owners < 3:
        return None
    return CoinJoin(JoinKind.WASABI_1, 0.8, max(sizes))


def _wasabi_2(shape: _Shape) -> CoinJoin | None:
    """Twenty inputs or more of many owners, and sizes of outputs that repeat."""
    if shape.inputs < 20 or not shape.outputs or min(shape.outputs) < 5_000:
        return None
    repeated = max(shape.values.values())
    if repeated < 2 or shape.busiest * 10 > shape.inputs:
        return None
    return CoinJoin(JoinKind.WASABI_2, 0.7, repeated)


def _joinmarket(shape: _Shape) -> CoinJoin | None:
    """Three equal outputs or more, one for each participant, and one change for each at most."""
    sizes = [count for value, count in shape.values.items() if value > _DUST]
    equal = max(sizes, default=0)
    if equal < 3 or len(shape.outputs) > 2 * equal or shape.owners < equal:
        return None
    return CoinJoin(JoinKind.JOINMARKET, 0.49, equal)
