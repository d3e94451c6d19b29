"""What issuers' acts say of wallets, and until when."""

import random

import pytest

from graph_api.domain.issuers import ISSUANCES, Act, label_id_of, labels_of
from graph_api.domain.records import FreezeKind
from tests.given import erc20, wallet

FROZEN, FREED, SEIZED = FreezeKind


def act(kind: FreezeKind, block: int, *, log: int = 0, who: str = "eve", of: str = "coin") -> Act:
    return Act(
        id=f"{block}:{log}:{who}:{of}",
        kind=kind,
        wallet=wallet(who),
        token=erc20(of),
        issuer="Issuer",
        symbol=of.upper(),
        block_number=block,
        block_time=block * 1_000,
        log=log,
    )


@pytest.mark.parametrize(
    ("acts", "spans"),
    [
        ([act(FROZEN, 1)], [(1_000, None)]),
        ([act(FROZEN, 1), act(FREED, 2)], [(1_000, 2_000)]),
        ([act(FROZEN, 1), act(FREED, 2), act(FROZEN, 3)], [(1_000, 2_000), (3_000, None)]),
        ([act(FROZEN, 1), act(FROZEN, 2), act(FREED, 3)], [(1_000, 3_000)]),
        ([act(FREED, 1)], []),
        ([act(FREED, 1), act(FROZEN, 2), act(FREED, 3), act(FREED, 4)], [(2_000, 3_000)]),
        ([act(FROZEN, 1), act(SEIZED, 2)], [(1_000, None)]),
        ([act(FROZEN, 1, log=9), act(FREED, 1, log=10)], []),
        ([act(FREED, 1, log=9), act(FROZEN, 1, log=10)], [(1_000, None)]),
        (
            [act(FROZEN, 1), act(FREED, 2), act(FROZEN, 2, log=1)],
            [(1_000, 2_000), (2_000, None)],
        ),
        ([act(FROZEN, 1), act(FREED, 2, of="other")], [(1_000, None)]),
        ([act(FROZEN, 1), act(FREED, 2, who="bob")], [(1_000, None)]),
    ],
)
def test_a_wallet_is_frozen_from_one_act_to_another_in_whichever_order_they_are_told(
    acts: list[Act], spans: list[tuple[int, int | None]]
) -> None:
    shuffled = random.Random(1).sample(acts, len(acts))

    found = labels_of(shuffled)

    assert [(one.valid_from, one.valid_to) for one in found] == spans
    assert found == labels_of(acts)


def test_a_label_says_what_is_frozen_by_whom_and_is_named_by_its_act() -> None:
    (label,) = labels_of([act(FROZEN, 1)])

    assert label.id == label_id_of("1:0:eve:coin")
    assert (label.label, label.source) == ("COIN frozen by Issuer", erc20("coin"))
    assert (label.category, label.confidence, label.actor) == ("frozen", 1.0, None)


def test_each_token_of_the_table_is_issued_by_one_issuer() -> None:
    assert len(ISSUANCES) == 15
    assert {one.issuer for one in ISSUANCES.values()} == {"Tether", "Circle", "Paxos"}
