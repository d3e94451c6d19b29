"""The best paths in time: the same as by trying all of them, in order, whatever the budget."""

from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from graph_api.analysis.paths.best import best_paths, value_of
from graph_api.analysis.paths.wishes import Hop, PathOrder, Wish, place_in_time
from graph_api.domain.chains import Family
from tests.analysis.paths.plain import TOKENS, every_path, hops

ENDS = st.sampled_from([("a", "f"), ("ab", "f"), ("a", "ef"), ("ab", "ef")])


@st.composite
def wishes(draw: st.DrawFn) -> Wish:
    by = draw(st.sampled_from(PathOrder))
    return Wish(
        count=draw(st.integers(1, 6)),
        by=by,
        max_hops=draw(st.integers(1, 5)),
        token="x" if by is PathOrder.AMOUNT else draw(st.sampled_from([None, *TOKENS])),
        least=draw(st.sampled_from([None, None, 2])),
        continuity=draw(
            st.sampled_from([None, None, Fraction(1), Fraction(1, 2), Fraction("0.9")])
        ),
        routes=draw(st.booleans()),
    )


@settings(max_examples=600)
@given(found=hops(), wish=wishes(), ends=ENDS)
def test_the_best_paths_are_those_of_all(
    found: list[Hop], wish: Wish, ends: tuple[str, str]
) -> None:
    starts, targets = ends

    best = best_paths(found, wish, starts=starts, ends=targets)

    expected = every_path(found, wish, starts=starts, ends=targets)
    assert best.complete
    assert [[hop.id for hop in path] for path in best.paths] == [
        [hop.id for hop in path] for path in expected[: wish.count]
    ]


@settings(max_examples=200)
@given(found=hops(), wish=wishes(), ends=ENDS, budget=st.integers(0, 30))
def test_a_path_goes_on_in_time_and_passes_nobody_twice(
    found: list[Hop], wish: Wish, ends: tuple[str, str], budget: int
) -> None:
    starts, targets = ends

    best = best_paths(found, wish, starts=starts, ends=targets, budget=budget)

    whole = best_paths(found, wish, starts=starts, ends=targets)
    assert best.paths == whole.paths[: len(best.paths)]
    assert best.complete or best.choices > budget
    for path in best.paths:
        wallets = [path[0].sender, *(hop.recipient for hop in path)]
        assert len(path) <= wish.max_hops
        assert len(set(wallets)) == len(wallets)
        assert (wallets[0] in starts, wallets[-1] in targets) == (True, True)
        assert not {*starts, *targets}.intersection(wallets[1:-1])
        for before, after in pairwise(path):
            assert before.recipient == after.sender
            assert before.place < after.place
            if wish.continuity is not None:
                assert before.token == after.token
                assert (after.amount or 0) >= wish.continuity * (before.amount or 0)


def test_what_a_path_is_measured_by() -> None:
    path = (
        Hop("1", "a", "b", (7,), 1_000, "x", 10),
        Hop("2", "b", "c", (8,), 4_500, "x", 6),
    )

    assert {by: value_of(path, by) for by in PathOrder} == {
        PathOrder.HOPS: 2,
        PathOrder.AMOUNT: 6,
        PathOrder.EARLIEST_ARRIVAL: (8,),
        PathOrder.LATEST_DEPARTURE: (7,),
        PathOrder.FASTEST: 3_500,
    }


def test_a_crowd_of_like_paths_costs_no_more_than_those_that_are_wanted() -> None:
    crowd = [
        Hop(f"{leg} {number}", chr(97 + leg), chr(98 + leg), (1_000 * leg + number,), None, "x", 5)
        for leg in range(4)
        for number in range(500)
    ]
    wish = Wish(count=5, by=PathOrder.AMOUNT, max_hops=6, token="x")

    best = best_paths(crowd, wish, starts="a", ends="e")
    by_route = best_paths(
        crowd, Wish(count=5, by=PathOrder.HOPS, max_hops=6, routes=True), starts="a", ends="e"
    )

    assert len(best.paths) == 5
    assert best.choices < 50_000
    assert [[hop.id for hop in path] for path in by_route.paths] == [["0 0", "1 0", "2 0", "3 0"]]


def test_a_place_in_time_is_equal_where_nobody_knows_which_came_first() -> None:
    def place(family: Family, id: str, position: str, index: int | None) -> object:
        return place_in_time(
            family,
            id=id,
            position=position,
            block_number=5,
            block_time=datetime(2026, 1, 1, tzinfo=UTC),
            index=index,
        )

    assert place(Family.EVM, "one", "native", None) == place(Family.EVM, "two", "native", None)
    assert place(Family.EVM, "one", "native", 1) < place(Family.EVM, "two", "native", 2)  # type: ignore[operator]
    assert place(Family.EVM, "one", "log:2", None) > place(Family.EVM, "two", "log:1", None)  # type: ignore[operator]
    assert place(Family.UTXO, "one", "out:1", 3) == place(Family.UTXO, "one", "out:0", 3)
