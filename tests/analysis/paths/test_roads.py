"""Roads that time allows: never fewer than those that paths lead along."""

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from graph_api.analysis.paths.roads import EVER, Bounds, Road, Roads
from graph_api.analysis.paths.wishes import Hop, PathOrder, Wish
from tests.analysis.paths.plain import every_path, hops

SLACK = 1_500


def roads_of(found: list[Hop]) -> list[Road]:
    """The flows of transfers; one of unknown time bounds its flow no more."""
    flows: dict[tuple[str, str, str | None], list[Hop]] = defaultdict(list)
    for hop in found:
        flows[hop.sender, hop.recipient, hop.token].append(hop)
    return [
        Road(
            id=f"{sender}{recipient}{token}",
            sender=sender,
            recipient=recipient,
            token=token,
            first=min(-EVER if hop.at is None else hop.at for hop in some),
            last=max(EVER if hop.at is None else hop.at for hop in some),
            amount=None
            if any(hop.amount is None for hop in some)
            else sum(hop.amount or 0 for hop in some),
        )
        for (sender, recipient, token), some in flows.items()
    ]


@settings(max_examples=300)
@given(
    found=hops(most=24),
    most=st.integers(1, 5),
    barred=st.sampled_from(["", "c", "de"]),
    jitter=st.lists(st.integers(-SLACK, 0), min_size=24, max_size=24),
    slack=st.booleans(),
)
def test_every_path_leads_along_roads_between(
    found: list[Hop], most: int, barred: str, jitter: list[int], slack: bool
) -> None:
    if slack:  # times of later blocks may lie before those of earlier ones
        found = [
            hop if hop.at is None else hop._replace(at=hop.at + jitter[number])
            for number, hop in enumerate(found)
        ]
    known = Roads("a", "f", slack_ms=SLACK if slack else 0)
    known.add(roads_of(found))

    between = {road.id for road in known.between(hops=most, barred=barred)}

    wish = Wish(count=1, by=PathOrder.HOPS, max_hops=most)
    open_ = [hop for hop in found if not {hop.sender, hop.recipient} & set(barred)]
    for path in every_path(open_, wish, starts="a", ends="f"):
        assert {f"{hop.sender}{hop.recipient}{hop.token}" for hop in path} <= between


def test_what_ended_before_value_came_leads_nowhere() -> None:
    known = Roads("a", "z")
    known.add(
        [
            Road("early", "b", "z", None, first=1, last=4, amount=9),
            Road("late", "a", "b", None, first=5, last=9, amount=9),
            Road("back", "b", "a", None, first=1, last=9, amount=9),
            Road("long", "b", "c", None, first=6, last=9, amount=9),
            Road("on", "c", "z", None, first=2, last=7, amount=3),
        ]
    )

    assert {road.id for road in known.between(hops=6, barred=())} == {"late", "long", "on"}
    assert known.between(hops=1, barred=()) == []
    assert known.between(hops=6, barred="c") == []
    assert known.forth(hops=6, barred=()).hops == {"a": 0, "b": 1, "c": 2, "z": 3}
    assert len(known) == 4

    known.keep(Bounds(since=5, until=8, least=4))
    assert {road.id for road in known.between(hops=6, barred=())} == set()
    assert len(known) == 2
