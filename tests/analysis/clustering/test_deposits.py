"""Deposit addresses: who forwards what to whom, and whose wallets that makes one."""

import pytest

from graph_api.analysis.clustering.deposits import Deposits
from graph_api.analysis.clustering.facts import Known, Move
from graph_api.domain.clusters import Heuristic
from graph_api.domain.records import WalletKind
from tests.analysis.clustering.given import HOT, facts, linked, move, pair
from tests.given import erc20, wallet

ETH = 10**18
FEE = 10**15


def deposit(payer: str, address: str, *, hours: float, amount: int = ETH) -> list[Move]:
    """``payer`` pays in, and an hour later it is swept."""
    return [
        move(payer, address, amount, hours=hours),
        move(address, "hot", amount - FEE, hours=hours + 1),
    ]


def test_wallets_that_pay_into_one_deposit_address_are_one() -> None:
    found = facts(*deposit("a", "d", hours=0), *deposit("b", "d", hours=5))
    assert linked(found) == {pair("a", "b")}


def test_the_deposit_address_is_the_exchanges_and_not_the_customers() -> None:
    found = facts(*deposit("a", "d", hours=0), *deposit("b", "d", hours=5))
    assert linked(found, Heuristic.DEPOSIT_ADDRESS) == {frozenset((wallet("d"), HOT))}


def test_a_link_holds_from_the_sweep_that_shows_it() -> None:
    found = facts(*deposit("a", "d", hours=0), *deposit("b", "d", hours=5))
    [link] = (one for one in Deposits(found).evidence() if one.heuristic == "deposit_reuse")
    assert (link.block_number, link.transaction) == (1_000 + 6 * 300, "eip155:1:d-hot-6")


@pytest.mark.parametrize(
    ("why", "moves"),
    [
        ("it keeps what it gets", [move("a", "d"), move("b", "d"), move("d", "hot", ETH // 2)]),
        (
            "it waits too long",
            [move("a", "d"), move("b", "d"), move("d", "hot", 2 * ETH, hours=99)],
        ),
        (
            "it pays somebody else too",
            [
                *deposit("a", "d", hours=0),
                *deposit("b", "d", hours=5),
                move("d", "friend", 1, hours=9),
            ],
        ),
        ("it pays more than it got", [move("a", "d"), move("b", "d"), move("d", "hot", 3 * ETH)]),
        (
            "it forwards before it gets",
            [move("a", "d", hours=2), move("b", "d", hours=2), move("d", "hot", 2 * ETH, hours=1)],
        ),
        (
            "tokens lose nothing on the way",
            [
                move("a", "d", token=erc20("t")),
                move("b", "d", token=erc20("t")),
                move("d", "hot", 2 * ETH - FEE, token=erc20("t")),
            ],
        ),
    ],
)
def test_no_deposit_address(why: str, moves: list[Move]) -> None:
    assert linked(facts(*moves)) == set(), why


def test_one_sweep_may_take_several_deposits() -> None:
    found = facts(
        move("a", "d", hours=0), move("b", "d", hours=1), move("d", "hot", 2 * ETH - FEE, hours=2)
    )
    assert linked(found) == {pair("a", "b")}


def test_gas_that_the_exchange_pays_in_is_no_deposit() -> None:
    dollars = erc20("dollars")
    found = facts(
        move("a", "d", 500, token=dollars),
        move("hot", "d", FEE, hours=1),
        move("d", "hot", 500, hours=2, token=dollars),
        move("b", "d", 700, hours=5, token=dollars),
        move("d", "hot", 700, hours=6, token=dollars),
    )
    assert linked(found) == {pair("a", "b")}


def test_services_and_contracts_are_no_customers() -> None:
    other = Known(actor="bridge", service=True)
    found = facts(
        *deposit("a", "d", hours=0),
        *deposit("bridge", "d", hours=5),
        *deposit("code", "d", hours=10),
        bridge=other,
    )
    found.add_kinds({wallet("code"): WalletKind.CONTRACT})
    assert linked(found) == set()


def test_a_friend_with_an_account_of_its_own_stays_a_friend() -> None:
    found = facts(
        *deposit("a", "mine", hours=0),
        *deposit("b", "mine", hours=5),
        *deposit("c", "yours", hours=0),
        *deposit("c", "yours", hours=5),
        *deposit("c", "mine", hours=10),
    )
    assert linked(found) == {pair("a", "b")}


def test_an_address_that_strangers_share_links_nobody() -> None:
    # Two of the three are known to have an account of their own at the same exchange.
    moves = [
        *deposit("a", "shared", hours=0),
        *deposit("b", "shared", hours=5),
        *deposit("c", "shared", hours=10),
    ]
    for name in ("a", "b"):
        moves += deposit(name, f"of {name}", hours=20) + deposit(name, f"of {name}", hours=25)
    assert linked(facts(*moves)) == set()


def test_whoever_pays_into_many_accounts_pays_for_others() -> None:
    moves = [one for number in range(5) for one in deposit("boss", f"d{number}", hours=number)]
    moves += [one for number in range(5) for one in deposit(f"w{number}", f"d{number}", hours=30)]
    assert linked(facts(*moves)) == set()


def test_ways_alone_are_evidence_of_their_own_kind() -> None:
    found = facts(
        *(
            move(one, other, None, hours=None, token=None)
            for one, other in (
                ("a", "d"),
                ("b", "d"),
                ("d", "hot"),
                ("c", "e"),
                ("e", "hot"),
                ("e", "elsewhere"),
            )
        )
    )
    assert linked(found, Heuristic.DEPOSIT_TOPOLOGY) == {pair("a", "b")}
    assert linked(found) == set()


def test_what_becomes_known_later_counts() -> None:
    found = facts(*deposit("a", "d", hours=0), *deposit("b", "d", hours=5))
    deposits = Deposits(found)
    assert len(deposits.addresses()) == 1
    found.add_kinds({wallet("b"): WalletKind.CONTRACT})
    assert not [one for one in deposits.evidence() if one.heuristic == "deposit_reuse"]
    found.add_moves([move("d", "friend", ETH, hours=50)])
    assert deposits.addresses() == {}


def test_a_single_favour_is_none_of_the_customers_payments() -> None:
    second = Known(actor="second", service=True, collects=True)

    def elsewhere(payer: str, *, hours: float) -> list[Move]:
        swept = move("far", "second", ETH - FEE, hours=hours + 1)
        return [move(payer, "far", hours=hours), swept]

    moves = [*deposit("a", "d", hours=0), *deposit("b", "d", hours=5)]
    moves += [*deposit("friend", "d", hours=10)]
    moves += [*elsewhere("friend", hours=20), *elsewhere("friend", hours=30)]
    assert linked(facts(*moves, second=second)) == {pair("a", "b")}
    # Another wallet that uses both addresses shows that they are one customer's.
    moves += elsewhere("a", hours=40)
    paid_by_one = linked(facts(*moves, second=second))
    assert paid_by_one == {pair("a", "b"), pair("a", "friend")}


def test_whoever_pays_into_an_account_at_each_of_three_exchanges_pays_for_others() -> None:
    exchanges = {
        name: Known(actor=name, service=True, collects=True) for name in ("second", "third")
    }

    def month(payer: str, *, hours: float) -> list[Move]:
        moves = deposit(payer, "d", hours=hours)
        for name in exchanges:
            moves += [move(payer, f"at {name}", hours=hours)]
            moves += [move(f"at {name}", name, ETH - FEE, hours=hours + 1)]
        return moves

    moves = [*deposit("a", "d", hours=100), *deposit("b", "d", hours=110)]
    moves += [*month("boss", hours=0), *month("boss", hours=50)]
    assert linked(facts(*moves, **exchanges)) == {pair("a", "b")}
    # Unless another wallet uses two of them too.
    moves += month("a", hours=150)
    assert pair("a", "boss") in linked(facts(*moves, **exchanges))
