"""Airdrops that are gathered, and weaker evidence: approvals, first funders, payers of fees."""

import pytest

from graph_api.analysis.clustering import airdrops
from graph_api.analysis.clustering.airdrops import AirdropRules
from graph_api.analysis.clustering.facts import Facts, Known, Move
from graph_api.analysis.clustering.habits import (
    HabitRules,
    fee_payer,
    first_funder,
    self_authorisation,
)
from graph_api.domain.ids import AccountId, ChainId, TransactionId
from graph_api.domain.records import Approval, WalletKind
from tests.analysis.clustering.given import facts, move, pair, pairs
from tests.given import ETHEREUM, erc20, transaction_id_of, wallet

GIFT = erc20("gift")
RULES = AirdropRules(least_recipients=20)


def gifts(count: int = 20, *, apart: float = 0.001) -> list[Move]:
    return [
        move("source", f"r{place}", 400, hours=place * apart, token=GIFT) for place in range(count)
    ]


def gathered(*moves: Move, deposits: set[AccountId] | None = None, **known: Known) -> set[object]:
    found = facts(*moves, **known)
    found.add_kinds({wallet("code"): WalletKind.CONTRACT})
    return set(pairs(airdrops.evidence(found, RULES, deposits or set())))


def passed(target: str, *recipients: str, amount: int = 400) -> list[Move]:
    return [
        move(one, target, amount, hours=10 + place, token=GIFT)
        for place, one in enumerate(recipients)
    ]


def test_recipients_that_pass_their_gift_on_to_one_place_are_one_with_it() -> None:
    assert gathered(*gifts(), *passed("farmer", "r1", "r2")) == {
        pair("farmer", "r1"),
        pair("farmer", "r2"),
    }


def test_it_holds_from_the_second_gift_on() -> None:
    found = facts(*gifts(), *passed("farmer", "r1", "r2", "r3"))
    blocks = [one.block_number for one in airdrops.evidence(found, RULES, set())]
    assert blocks == [1_000 + 11 * 300, 1_000 + 11 * 300, 1_000 + 12 * 300]


def test_at_a_deposit_address_the_recipients_are_one_and_the_address_is_not() -> None:
    found = gathered(*gifts(), *passed("d", "r1", "r2"), deposits={wallet("d")})
    assert found == {pair("r1", "r2")}


@pytest.mark.parametrize(
    ("why", "moves"),
    [
        ("too few recipients", [*gifts(19), *passed("farmer", "r1", "r2")]),
        ("too slow", [*gifts(apart=1), *passed("farmer", "r1", "r2")]),
        ("another amount", [*gifts(), *passed("farmer", "r1", "r2", amount=399)]),
        ("only one", [*gifts(), *passed("farmer", "r1")]),
        ("back to the distributor", [*gifts(), *passed("source", "r1", "r2")]),
        ("to an exchange", [*gifts(), *passed("hot", "r1", "r2")]),
        ("to a contract", [*gifts(), *passed("code", "r1", "r2")]),
        (
            "sold",
            [
                *gifts(),
                *passed("buyer", "r1", "r2"),
                move("buyer", "r1", 5, hours=11),
                move("buyer", "r2", 5, hours=12),
            ],
        ),
    ],
)
def test_no_farm(why: str, moves: list[Move]) -> None:
    assert gathered(*moves) == set(), why


def test_an_exchange_distributes_nothing() -> None:
    exchange = Known(actor="exchange", service=True)
    assert gathered(*gifts(), *passed("farmer", "r1", "r2"), source=exchange) == set()


def approvals(spender: str, *owners: str, amount: int = 5) -> list[Approval]:
    return [
        Approval(
            id=f"{owner}{spender}",
            chain=ChainId(ETHEREUM.id),
            transaction=transaction_id_of(owner),
            token=erc20("t"),
            owner=wallet(owner),
            spender=wallet(spender),
            amount_raw=amount,
            block_number=7,
        )
        for owner in owners
    ]


def authorised(given: list[Approval], *, kind: WalletKind | None = WalletKind.EOA) -> set[object]:
    found = facts(phisher=Known(illicit=True))
    found.add_approvals(given)
    if kind is not None:
        found.add_kinds({one.spender: kind for one in given})
    return set(pairs(self_authorisation(found, HabitRules())))


def test_who_lets_a_person_spend_is_that_person() -> None:
    assert authorised(approvals("s", "a", "b")) == {pair("a", "s"), pair("b", "s")}


def test_contracts_phishers_crowds_and_refusals_are_nobodys_self() -> None:
    assert authorised(approvals("s", "a"), kind=WalletKind.CONTRACT) == set()
    assert authorised(approvals("s", "a"), kind=None) == set()
    assert authorised(approvals("phisher", "a")) == set()
    assert authorised(approvals("s", *"abcdef")) == set()
    assert authorised(approvals("s", "a", amount=0)) == set()
    assert authorised(approvals("s", "s")) == set()


def funded(*moves: Move) -> set[object]:
    return set(pairs(first_funder(facts(*moves), HabitRules(), {wallet("d")})))


def test_wallets_that_one_person_set_up_are_linked_one_after_the_other() -> None:
    moves = [move("f", name, hours=day * 24) for name, day in (("a", 0), ("b", 3), ("c", 20))]
    assert funded(*moves) == {pair("a", "b")}


def test_exchanges_crowds_and_later_funders_do_not_count() -> None:
    assert funded(move("hot", "a"), move("hot", "b")) == set()
    assert funded(*(move("f", f"w{place}") for place in range(21))) == set()
    later = [move("f", "a", hours=1), move("f", "b", hours=1)]
    assert funded(move("g", "a", hours=0), *later) == set()
    assert funded(move("f", "a"), move("f", "d")) == set()


def test_who_pays_anothers_fees_again_and_again_is_that_other() -> None:
    found = Facts(ChainId("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"))
    moves = [move("owner", "x", hours=1), move("owner", "y", hours=2), move("other", "x", hours=3)]
    found.add_moves(moves)
    found.add_payers({TransactionId(one.transaction or ""): wallet("payer") for one in moves})
    [link] = fee_payer(found, HabitRules())
    assert pairs([link]) == {pair("owner", "payer")}
    assert link.block_number == 1_000 + 2 * 300
