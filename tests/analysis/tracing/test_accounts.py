"""Traces on account chains: nothing is lost, policies agree with plain counting, and turn round."""

import random
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph_api.analysis.tracing import queues
from graph_api.analysis.tracing.accounts import follow, follow_back
from graph_api.analysis.tracing.ledger import Ledger
from graph_api.analysis.tracing.limits import Budget, Ended, Stops
from graph_api.analysis.tracing.moves import Bundle, Crossing, Moves, Seeds
from graph_api.analysis.tracing.pieces import NONE, End, Fate, Traced
from graph_api.analysis.tracing.policies import Amount, Policy
from graph_api.analysis.tracing.pools import RationalHaircut
from tests.analysis.tracing import naive
from tests.analysis.tracing.worlds import PLACES, moves

CONSERVING = [policy for policy in Policy if policy is not Policy.POISON]
A, B, C, D, POOL, VENUE = range(6)


def world(*movements: tuple[int, int, int], together: bool = False) -> Moves:
    """Movements of sender, recipient and amount, each a transaction of its own or one of all."""
    senders, recipients, amounts = zip(*movements, strict=True)
    transactions = [0] * len(amounts) if together else range(len(amounts))
    return Moves(
        places=PLACES,
        senders=senders,
        recipients=recipients,
        amounts=amounts,
        transactions=transactions,
    )


def from_event(event: int) -> Seeds:
    """All units of one movement."""
    return Seeds(events=frozenset([event]))


def where(found: Traced) -> dict[tuple[int, Fate], Amount]:
    """What ended in each place, and why."""
    sums: Counter[tuple[int, Fate]] = Counter()
    for piece, raw, fate in found.ends:
        sums[found.pieces[piece].place, fate] += raw  # type: ignore[assignment]
    return dict(sums)


def reached(found: Traced) -> set[int]:
    """All places that traced value has come to."""
    return {piece.place for piece in found.pieces} - {NONE}


def total(ends: Sequence[End]) -> Amount:
    """The sum of ends."""
    return sum(end.amount for end in ends)


@settings(deadline=None, max_examples=100)
@given(moves(), st.data())
def test_nothing_is_lost_under_any_policy_but_poison(world: Moves, data: st.DataObject) -> None:
    events = st.integers(0, len(world.amounts) - 1)
    seeds = Seeds(
        events=data.draw(st.frozensets(events, max_size=3)),
        places=data.draw(st.frozensets(st.integers(0, PLACES - 1), max_size=1)),
        since=data.draw(st.integers(0, len(world.amounts))),
    )
    barred = dict.fromkeys(data.draw(st.sets(st.integers(0, 5), max_size=2)), Fate.SERVICE)
    stops = Stops(
        min_raw=data.draw(st.integers(1, 4)),
        max_hops=data.draw(st.one_of(st.none(), st.integers(0, 4))),
    )
    budget = Budget(
        events=data.draw(st.one_of(st.none(), st.integers(0, 20))),
        pieces=data.draw(st.one_of(st.none(), st.integers(0, 20))),
        wallets=data.draw(st.one_of(st.none(), st.integers(0, 4))),
    )
    for policy in CONSERVING:
        for way in (follow, follow_back):
            found = way(world, seeds, policy=policy, barred=barred, stops=stops, budget=budget)
            assert total(found.ends) == found.seed_raw
            assert all(end.amount > 0 for end in found.ends)


@settings(deadline=None, max_examples=100)
@given(moves(), st.data())
def test_each_unit_goes_where_counting_them_one_by_one_says(
    world: Moves, data: st.DataObject
) -> None:
    seed = data.draw(st.integers(0, len(world.amounts) - 1))
    for policy in (Policy.FIFO, Policy.LIFO):
        found = where(follow(world, from_event(seed), policy=policy))
        counted = {
            (place, Fate.FEE if place == NONE else Fate.HELD): sum(units)
            for place, units in naive.units(world, seed, policy).items()
            if any(units)
        }
        assert found == counted
    exact = where(follow(world, from_event(seed), policy=RationalHaircut))
    assert exact == {
        (place, Fate.FEE if place == NONE else Fate.HELD): share
        for place, share in naive.shares(world, seed).items()
        if share
    }


@pytest.mark.parametrize("long", [1, 64])
@settings(deadline=None, max_examples=100)
@given(world=moves(), data=st.data())
def test_the_quick_way_through_fifo_writes_the_same_pieces(
    world: Moves, data: st.DataObject, long: int
) -> None:
    seeds = Seeds(
        events=data.draw(st.frozensets(st.integers(0, len(world.amounts) - 1), max_size=2)),
        places=data.draw(st.frozensets(st.integers(0, PLACES - 1), max_size=2)),
        since=data.draw(st.integers(0, len(world.amounts))),
    )
    barred = dict.fromkeys(data.draw(st.sets(st.integers(0, 5), max_size=1)), Fate.SERVICE)
    budget = Budget(pieces=data.draw(st.one_of(st.none(), st.integers(0, 20))))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queues, "_LONG", long)
        quick = follow(world, seeds, policy=Policy.FIFO, barred=barred, budget=budget)
        # No piece is smaller than one unit, but each of them is looked at.
        careful = follow(
            world, seeds, policy=Policy.FIFO, barred=barred, budget=budget, stops=Stops(min_raw=1)
        )

    assert list(quick.pieces) == list(careful.pieces)
    assert sorted(quick.ends) == sorted(careful.ends)
    assert (quick.seed_raw, quick.looked_at) == (careful.seed_raw, careful.looked_at)


@settings(deadline=None, max_examples=100)
@given(moves(), st.data())
def test_poison_reaches_all_that_haircut_does_and_haircut_all_that_the_others_do(
    world: Moves, data: st.DataObject
) -> None:
    seed = from_event(data.draw(st.integers(0, len(world.amounts) - 1)))
    policies: dict[str, Policy | type[Ledger]] = {
        **{policy.value: policy for policy in Policy},
        "haircut": RationalHaircut,
    }
    places = {name: reached(follow(world, seed, policy=one)) for name, one in policies.items()}

    assert places["poison"] >= places["haircut"]
    for name in ("fifo", "lifo", "tiho"):
        assert places["haircut"] >= places[name]


@settings(deadline=None, max_examples=100)
@given(moves(fees=False), st.data())
def test_what_fifo_and_lifo_followed_leads_back_to_the_seed_and_nowhere_else(
    world: Moves, data: st.DataObject
) -> None:
    seed = data.draw(st.integers(0, len(world.amounts) - 1))
    for policy, turn in ((Policy.FIFO, -1), (Policy.LIFO, 1)):
        found = follow(world, from_event(seed), policy=policy)
        # What left first of all receipts is, the other way round, what comes last; a stack has
        # the same top either way.
        openings = {
            place: [(raw, piece != NONE) for raw, piece in runs[::turn]]
            for place, runs in found.remains.items()
        }
        back = follow_back(world, Seeds(openings=openings), policy=policy)
        returned = [
            piece.amount for piece in back.pieces if piece.event == seed and piece.parent != NONE
        ]

        assert back.seed_raw == found.seed_raw
        assert sum(returned) == found.seed_raw


def test_fifo_leaves_the_oldest_units_first_and_lifo_the_newest() -> None:
    paid = world((NONE, B, 5), (NONE, A, 4), (A, B, 4), (NONE, B, 3), (B, C, 6), (B, D, 5))

    fifo = where(follow(paid, from_event(2), policy=Policy.FIFO))
    lifo = where(follow(paid, from_event(2), policy=Policy.LIFO))

    assert fifo == {(C, Fate.HELD): 1, (D, Fate.HELD): 3}
    assert lifo == {(C, Fate.HELD): 3, (D, Fate.HELD): 1}


def test_haircut_takes_its_part_and_poison_takes_all() -> None:
    paid = world((NONE, B, 7), (A, B, 3), (B, C, 5), (C, D, 1))

    haircut = where(follow(paid, from_event(1), policy=Policy.HAIRCUT))
    exact = where(follow(paid, from_event(1), policy=RationalHaircut))
    poison = where(follow(paid, from_event(1), policy=Policy.POISON))

    assert haircut == {(B, Fate.HELD): 2, (C, Fate.HELD): 1}
    assert exact[C, Fate.HELD] == Fraction(3, 2) * Fraction(4, 5)
    assert poison == {(B, Fate.HELD): 5, (C, Fate.HELD): 4, (D, Fate.HELD): 1}


def test_tiho_fills_the_highest_payments_of_a_transaction_and_what_is_kept_competes() -> None:
    paid = world((NONE, A, 6), (B, A, 8), (A, C, 3), (A, NONE, 1), (A, D, 5))
    one = Moves(
        places=PLACES,
        senders=paid.senders,
        recipients=paid.recipients,
        amounts=paid.amounts,
        transactions=[0, 1, 2, 2, 2],
    )

    apart = where(follow(paid, from_event(1), policy=Policy.TIHO))
    together = where(follow(one, from_event(1), policy=Policy.TIHO))

    # Apart: 11 are kept beside 3 paid, 10 beside 1, then 5 beside 5, where the payment comes first.
    assert apart == {(A, Fate.HELD): 3, (D, Fate.HELD): 5}
    # Together: 5 to D and 5 kept come before 3 to C.
    assert together == {(A, Fate.HELD): 3, (D, Fate.HELD): 5}
    last = where(
        follow(
            world((B, A, 9), (A, C, 3), (A, D, 4), together=True), from_event(0), policy=Policy.TIHO
        )
    )
    assert last == {(C, Fate.HELD): 3, (D, Fate.HELD): 4, (A, Fate.HELD): 2}


def test_a_place_that_paid_more_than_it_received_had_the_rest_before() -> None:
    paid = world((A, B, 4), (B, C, 6), (B, D, 3))

    found = follow(paid, from_event(0), policy=Policy.FIFO)

    assert found.openings == {B: 5}
    assert where(found) == {(C, Fate.HELD): 1, (D, Fate.HELD): 3}


def test_it_stops_at_services_at_dust_and_after_some_hops_and_says_so() -> None:
    paid = world((A, B, 10), (B, VENUE, 4), (B, C, 1), (B, C, 3), (C, D, 3), (VENUE, D, 4))

    found = follow(
        paid,
        from_event(0),
        policy=Policy.LIFO,
        barred={VENUE: Fate.SERVICE},
        stops=Stops(min_raw=2, max_hops=2),
    )

    assert where(found) == {
        (VENUE, Fate.SERVICE): 4,
        (C, Fate.SMALL): 1,
        (D, Fate.HOPS): 3,
        (B, Fate.HELD): 2,
    }
    exit = next(end for end in found.ends if end.fate is Fate.SERVICE)
    assert [found.pieces[piece].place for piece in found.pieces.path(exit.piece)] == [B, VENUE]


@pytest.mark.parametrize(
    ("budget", "ended"),
    [
        (Budget(events=2), Ended.EVENTS),
        (Budget(pieces=2), Ended.PIECES),
        (Budget(wallets=1), Ended.WALLETS),
        (Budget(seconds=5), Ended.SECONDS),
    ],
)
def test_a_budget_that_is_spent_leaves_an_answer_in_part(budget: Budget, ended: Ended) -> None:
    seconds = iter(range(0, 100, 5))
    paid = world((A, B, 10), (B, C, 4), (B, D, 1), (C, D, 3))

    found = follow(
        paid, from_event(0), policy=Policy.FIFO, budget=budget, clock=lambda: next(seconds)
    )

    assert found.ended is ended
    assert found.looked_at < 4
    assert total(found.ends) == found.seed_raw
    assert {end.fate for end in found.ends} <= {Fate.OPEN}


@pytest.mark.parametrize("policy", list(Policy))
def test_all_that_a_hub_moved_is_followed_until_the_time_is_up(policy: Policy) -> None:
    chance, events = random.Random(3), 60_000
    others = chance.choices(range(1, 500), k=events)
    paid = Moves(
        places=500,
        senders=[0 if event % 2 else other for event, other in enumerate(others)],
        recipients=[other if event % 2 else 0 for event, other in enumerate(others)],
        amounts=chance.choices(range(1, 9), k=events),
        transactions=range(events),
    )
    seconds = count()

    found = follow(
        paid,
        Seeds(places=frozenset([0])),
        policy=policy,
        budget=Budget(seconds=4),
        clock=lambda: next(seconds),
    )

    assert found.ended is Ended.SECONDS
    assert 0 < found.looked_at < events
    assert {end.fate for end in found.ends} == {Fate.OPEN}
    assert policy is Policy.POISON or total(found.ends) == found.seed_raw


@pytest.mark.parametrize("policy", list(Policy))
def test_value_goes_on_through_a_swap_in_proportion(policy: Policy) -> None:
    """A pays 10 of one token to a pool, half of it traced, and gets 40 of another."""
    paid = Moves(
        places=6,
        senders=[NONE, C, A, POOL, B],
        recipients=[A, A, POOL, B, D],
        amounts=[5, 5, 10, 40, 20],
        transactions=[0, 1, 2, 2, 3],
    )
    # B is what A holds of the other token.
    swap = Crossing(paid=(Bundle((2,)),), got=(Bundle((3,)),))

    found = follow(
        paid,
        from_event(1),
        policy=policy,
        barred={POOL: Fate.SERVICE},
        crossings=[swap],
    )

    ends = where(found)
    if policy is Policy.POISON:
        assert ends == {(POOL, Fate.CROSSED): 10, (B, Fate.HELD): 20, (D, Fate.HELD): 20}
        return
    assert ends.pop((POOL, Fate.CROSSED)) == 5
    assert sum(ends.values()) == 20
    (crossed,) = (end.piece for end in found.ends if end.fate is Fate.CROSSED)
    assert [piece.amount for piece in found.pieces if piece.parent == crossed] == [20]
    if policy is Policy.FIFO:
        # What was traced came last, and lies behind the 20 that were paid on.
        assert ends == {(B, Fate.HELD): 20}


@pytest.mark.parametrize("policy", CONSERVING)
def test_value_goes_on_in_all_that_was_got_and_of_all_that_was_paid_by_its_share(
    policy: Policy,
) -> None:
    """A pays 12 of one token, 4 of them traced, and B, its other one, 8; it gets 40 as C and 20
    as D. What A paid was worth three times as much.
    """
    paid = Moves(
        places=6,
        senders=[NONE, VENUE, NONE, A, B, POOL, POOL],
        recipients=[A, A, B, POOL, POOL, C, D],
        amounts=[8, 4, 8, 12, 8, 40, 20],
        transactions=[0, 1, 2, 3, 3, 3, 3],
    )
    swap = Crossing(
        paid=(Bundle((3,), Fraction(3)), Bundle((4,), Fraction(1))),
        got=(Bundle((5,)), Bundle((6,))),
    )

    found = follow(paid, from_event(1), policy=policy, crossings=[swap])
    back = follow_back(
        paid,
        Seeds(events=frozenset([5])),
        policy=policy,
        crossings=[Crossing(paid=swap.paid, got=(Bundle((5,), Fraction(1, 3)), *swap.got[1:]))],
    )

    ends = where(found)
    assert ends.pop((POOL, Fate.CROSSED)) == 4
    # Three quarters of what was got are A's, and of these a third is traced.
    assert ends == {(C, Fate.HELD): 10, (D, Fate.HELD): 5}
    # A quarter of what was paid was for C.
    assert where(back)[POOL, Fate.CROSSED] == 40
    came = Counter(
        {piece.event: piece.amount for piece in back.pieces if piece.event in (3, 4)},
    )
    assert came == {3: 3, 4: 2}


@settings(deadline=None, max_examples=100)
@given(moves(fees=False), st.data())
def test_what_crosses_over_is_never_more_than_what_was_got(
    world: Moves, data: st.DataObject
) -> None:
    count = len(world.amounts)
    cut = data.draw(st.integers(0, count))
    groups = st.lists(st.integers(0, 2), min_size=count, max_size=count)
    sides = data.draw(groups)
    worths = data.draw(st.lists(st.integers(1, 5), min_size=4, max_size=4))
    bundles = [
        [
            Bundle(some, Fraction(worths[2 * side + which]))
            for which in range(2)
            if (some := tuple(one for one in events if sides[one] == which))
        ]
        for side, events in enumerate((range(cut), range(cut, count)))
    ]
    crossings = [Crossing(paid=tuple(bundles[0]), got=tuple(bundles[1]))] if all(bundles) else []
    seeds = from_event(data.draw(st.integers(0, count - 1)))
    for policy in CONSERVING:
        for walk in (follow, follow_back):
            found = walk(world, seeds, policy=policy, crossings=crossings)

            crossed = [end.piece for end in found.ends if end.fate is Fate.CROSSED]
            came = [piece for piece in found.pieces if piece.parent in crossed]
            assert total(found.ends) == found.seed_raw + sum(piece.amount for piece in came)
            for event in {piece.event for piece in came}:
                units = sum(piece.amount for piece in found.pieces if piece.event == event)
                assert units <= world.amounts[event]


@pytest.mark.parametrize("policy", [Policy.FIFO, Policy.LIFO, Policy.HAIRCUT, Policy.TIHO])
def test_a_wallet_is_followed_from_a_moment_on_with_all_that_it_has_then(policy: Policy) -> None:
    paid = world((NONE, A, 9), (A, B, 4), (C, A, 2), (A, D, 7))

    found = follow(paid, Seeds(places=frozenset([A]), since=2), policy=policy)

    assert found.seed_raw == 5 + 2
    assert where(found) == {(D, Fate.HELD): 7}
