"""Inputs spent together, CoinJoins that do not count, and change that is reported."""

import pytest

from graph_api.analysis.clustering.coinjoin import JoinKind, coinjoins
from graph_api.analysis.clustering.facts import Facts
from graph_api.analysis.clustering.utxo import change, multi_input
from graph_api.domain.clusters import Heuristic
from graph_api.domain.ids import ChainId
from graph_api.domain.records import UtxoTransaction
from tests.analysis.clustering.given import coins, holder, pairs
from tests.given import BITCOIN

COIN = 10**8


def many(prefix: str, amounts: list[int]) -> list[tuple[str, int]]:
    return [(f"{prefix}{place}", amount) for place, amount in enumerate(amounts)]


def joined(*transactions: UtxoTransaction) -> Facts:
    facts = Facts(ChainId(BITCOIN.id))
    facts.add_utxos(transactions)
    return facts


def test_owners_of_inputs_are_one() -> None:
    found = list(multi_input(coins("t", many("in", [5, 6, 7]), [("out", 17)])))
    assert pairs(found) == {frozenset((holder("in0"), holder(other))) for other in ("in1", "in2")}
    assert {(one.block_number, one.transaction) for one in found} == {(100, f"{BITCOIN.id}:t")}


def test_a_coinbase_and_a_single_owner_link_nobody() -> None:
    assert not list(multi_input(coins("t", [], [("out", 50)], coinbase=True)))
    assert not list(multi_input(coins("t", [("a", 1), ("a", 2)], [("out", 3)])))


WHIRLPOOL = coins(
    "w", many("in", [1_000_000 + 9_000 * n for n in range(5)]), many("out", [1_000_000] * 5)
)
WASABI_1 = coins(
    "w1",
    many("in", [COIN // 5] * 10),
    many("out", [10_050_000] * 6) + many("rest", [9_900_001 + n for n in range(9)]),
)
WASABI_2 = coins(
    "w2",
    many("in", [COIN // 9 + n for n in range(24)]),
    many("out", [2**20, 2**20, 2**22, 2**22, 2**21, 8_192, 50_000_000]),
)
JOINMARKET = coins(
    "jm",
    many("in", [COIN, COIN, 2 * COIN, COIN]),
    many("out", [COIN // 2] * 3) + many("rest", [COIN // 3, COIN // 4, COIN // 5]),
)


@pytest.mark.parametrize(
    ("transaction", "kind"),
    [
        (WHIRLPOOL, JoinKind.WHIRLPOOL),
        (WASABI_1, JoinKind.WASABI_1),
        (WASABI_2, JoinKind.WASABI_2),
        (JOINMARKET, JoinKind.JOINMARKET),
    ],
)
def test_coinjoins_are_told_and_link_nobody(transaction: UtxoTransaction, kind: JoinKind) -> None:
    assert kind in {join.kind for join in coinjoins(transaction)}
    assert not list(multi_input(transaction))
    assert not list(change(joined(transaction), transaction))


@pytest.mark.parametrize(
    "transaction",
    [
        coins("two equal", many("in", [COIN] * 3), many("out", [COIN, COIN])),
        coins("consolidation", many("in", [COIN] * 40), [("out", 40 * COIN)]),
        coins("few owners", [("a", COIN)] * 9, many("out", [COIN] * 4)),
        coins("dust", many("in", [COIN] * 5), many("out", [546] * 5)),
    ],
)
def test_ordinary_transactions_are_no_coinjoins(transaction: UtxoTransaction) -> None:
    assert coinjoins(transaction) == []


def test_one_time_change_is_the_one_fresh_rough_small_output() -> None:
    payment = coins("p", many("in", [COIN, COIN]), [("shop", 150_000_000), ("rest", 49_997_123)])
    [found] = [
        one
        for one in change(joined(payment), payment)
        if one.heuristic is Heuristic.ONE_TIME_CHANGE
    ]
    assert pairs([found]) == {frozenset((holder("in0"), holder("rest")))}
    assert found.confidence == 0.5


def test_change_that_is_met_elsewhere_is_not_fresh() -> None:
    payment = coins("p", many("in", [COIN, COIN]), [("shop", 150_000_000), ("rest", 49_997_123)])
    later = coins("q", [("x", COIN)], [("rest", COIN)])
    spent = coins("s", [("rest", 49_997_123)], [("y", 49_990_000)])

    def fresh(*more: UtxoTransaction) -> int:
        found = change(joined(payment, *more), payment)
        return sum(one.heuristic is Heuristic.ONE_TIME_CHANGE for one in found)

    assert (fresh(later), fresh(spent)) == (0, 1)


@pytest.mark.parametrize(
    ("why", "outputs"),
    [
        ("change went to an address of the inputs", [("shop", COIN), ("in0", 49_997_123)]),
        ("one output", [("shop", 49_997_123)]),
        ("too many outputs", many("shop", [49_997_123 + n for n in range(11)])),
        ("two candidates", [("shop", 49_997_123), ("rest", 49_997_124)]),
    ],
)
def test_no_one_time_change(why: str, outputs: list[tuple[str, int]]) -> None:
    payment = coins("p", many("in", [COIN, COIN]), outputs)
    found = [one.heuristic for one in change(joined(payment), payment)]
    assert Heuristic.ONE_TIME_CHANGE not in found, why


def test_round_payments_and_optimal_change_are_rules_of_their_own() -> None:
    payment = coins("p", many("in", [COIN, COIN]), [("shop", 150_000_000), ("rest", 49_997_123)])
    assert {one.heuristic for one in change(joined(payment), payment)} == {
        Heuristic.ONE_TIME_CHANGE,
        Heuristic.OPTIMAL_CHANGE,
        Heuristic.ROUND_PAYMENT,
    }
