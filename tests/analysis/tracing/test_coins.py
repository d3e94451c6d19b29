"""Traces on UTXO chains: nothing is lost, policies agree with plain counting, and turn round."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph_api.analysis.tracing.coins import (
    CoinSeeds,
    Ledger,
    RationalHaircut,
    Spending,
    follow_coins,
    follow_coins_back,
)
from graph_api.analysis.tracing.limits import Budget, Stops
from graph_api.analysis.tracing.pieces import NONE, Fate
from graph_api.analysis.tracing.policies import Policy
from tests.analysis.tracing import naive
from tests.analysis.tracing.test_accounts import CONSERVING, reached, total, where
from tests.analysis.tracing.worlds import spendings


def coins_of(world: list[Spending]) -> dict[int, int]:
    """All coins that hold something, with their amounts."""
    return {coin: raw for spending in world for coin, raw in spending.outputs if raw}


@st.composite
def world_and_coin(draw: st.DrawFn, *, fees: bool = True) -> tuple[list[Spending], int, int]:
    """A world, and one of its coins with its amount."""
    world = draw(spendings(fees=fees).filter(coins_of))
    coin, raw = draw(st.sampled_from(sorted(coins_of(world).items())))
    return world, coin, raw


@settings(deadline=None, max_examples=100)
@given(world_and_coin(), st.data())
def test_nothing_is_lost_under_any_policy_but_poison(
    chosen: tuple[list[Spending], int, int], data: st.DataObject
) -> None:
    world, coin, raw = chosen
    barred = dict.fromkeys(data.draw(st.sets(st.integers(0, 20), max_size=3)), Fate.SERVICE)
    stops = Stops(
        min_raw=data.draw(st.integers(1, 4)),
        max_hops=data.draw(st.one_of(st.none(), st.integers(0, 3))),
    )
    budget = Budget(pieces=data.draw(st.one_of(st.none(), st.integers(0, 9))))
    for policy in [*CONSERVING, RationalHaircut]:
        found = follow_coins(
            world,
            CoinSeeds(coins={coin: raw}),
            policy=policy,
            stops=stops,
            barred=barred,
            budget=budget,
        )
        assert found.seed_raw in (0, raw)
        assert total(found.ends) == found.seed_raw


@settings(deadline=None, max_examples=100)
@given(world_and_coin())
def test_each_unit_goes_where_counting_them_one_by_one_says(
    chosen: tuple[list[Spending], int, int],
) -> None:
    world, coin, raw = chosen
    for policy in (Policy.FIFO, Policy.LIFO):
        found = where(follow_coins(world, CoinSeeds(coins={coin: raw}), policy=policy))
        counted = naive.coin_units(world, coin, policy)
        assert found == {
            (place, Fate.FEE if place == NONE else Fate.HELD): sum(units)
            for place, units in counted.items()
            if any(units)
        }


@settings(deadline=None, max_examples=100)
@given(world_and_coin())
def test_poison_reaches_all_that_haircut_does_and_haircut_all_that_the_others_do(
    chosen: tuple[list[Spending], int, int],
) -> None:
    world, coin, raw = chosen
    policies: dict[str, Policy | type[Ledger]] = {
        **{policy.value: policy for policy in Policy},
        "haircut": RationalHaircut,
    }
    coins = {
        name: reached(follow_coins(world, CoinSeeds(coins={coin: raw}), policy=policy))
        for name, policy in policies.items()
    }

    assert coins["poison"] >= coins["haircut"]
    for name in ("fifo", "lifo", "tiho"):
        assert coins["haircut"] >= coins[name]


@settings(deadline=None, max_examples=100)
@given(world_and_coin())
def test_what_fifo_and_lifo_followed_leads_back_to_the_seed_and_nowhere_else(
    chosen: tuple[list[Spending], int, int],
) -> None:
    world, coin, raw = chosen
    for policy in (Policy.FIFO, Policy.LIFO):
        found = follow_coins(world, CoinSeeds(coins={coin: raw}), policy=policy)
        held = [end for end in found.ends if end.fate is Fate.HELD]
        parts = {
            one: [(length, piece != NONE) for length, piece in runs]
            for one, runs in found.remains.items()
        }
        back = follow_coins_back(world, CoinSeeds(parts=parts), policy=policy)
        assert total(held) == back.seed_raw
        at_seed = [piece.amount for piece in back.pieces if piece.place == coin]
        assert sum(at_seed) == back.seed_raw


def test_fifo_fills_outputs_in_order_and_the_fee_comes_last() -> None:
    world = [
        Spending((), [(0, 30)]),
        Spending((), [(1, 20)]),
        Spending([(0, 30), (1, 20)], [(2, 25), (3, 20)]),
    ]

    ends = {
        policy: where(follow_coins(world, CoinSeeds(coins={1: 20}), policy=policy))
        for policy in Policy
    }

    assert ends[Policy.FIFO] == {(3, Fate.HELD): 15, (NONE, Fate.FEE): 5}
    assert ends[Policy.LIFO] == {(2, Fate.HELD): 20}
    assert ends[Policy.HAIRCUT] == {(2, Fate.HELD): 10, (3, Fate.HELD): 8, (NONE, Fate.FEE): 2}
    assert ends[Policy.TIHO] == {(2, Fate.HELD): 20}
    assert ends[Policy.POISON] == {(2, Fate.HELD): 25, (3, Fate.HELD): 20, (NONE, Fate.FEE): 5}


def test_haircut_gives_what_rounding_leaves_over_to_the_largest_remainders() -> None:
    world = [Spending([(0, 5), (1, 5)], [(2, 3), (3, 3), (4, 3)])]

    ends = where(follow_coins(world, CoinSeeds(coins={0: 5}), policy=Policy.HAIRCUT))

    # 1.5, 1.5, 1.5 and 0.5 of the fee: two are rounded up, the first of equals.
    assert ends == {(2, Fate.HELD): 2, (3, Fate.HELD): 2, (4, Fate.HELD): 1}


@pytest.mark.parametrize("policy", list(Policy))
def test_a_transaction_of_which_amounts_are_missing_ends_a_trace(policy: Policy) -> None:
    world = [Spending([(0, 5), (1, None)], [(2, 3)])]

    found = follow_coins(world, CoinSeeds(coins={0: 5}), policy=policy)

    assert where(found) == {(0, Fate.UNKNOWN): 5}


def test_backwards_it_ends_where_coins_came_into_being() -> None:
    world = [
        Spending((), [(0, 30)]),
        Spending([(0, 30)], [(1, 12), (2, 18)]),
        Spending([(9, 4), (2, 18)], [(3, 22)]),
    ]

    found = follow_coins_back(world, CoinSeeds(coins={3: 22}), policy=Policy.FIFO)

    assert where(found) == {(9, Fate.ORIGIN): 4, (NONE, Fate.ISSUED): 18}
    issued = next(end.piece for end in found.ends if end.fate is Fate.ISSUED)
    assert [found.pieces[piece].event for piece in found.pieces.path(issued)] == [NONE, 2, 1, 0]
