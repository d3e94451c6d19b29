"""The index of interests finds whom an event concerns, as asking each of them would."""

from random import Random

import pytest

from graph_api.domain.events import Event, Line
from graph_api.live.interests import CHAIN, Index, Interest
from tests.live.given import event

PARTIES = ("sender", "recipient")


def interest(*values: str, fields: tuple[str, ...] = PARTIES) -> Interest:
    return Interest(line=Line.TRANSFERS, fields=fields, values=frozenset(values))


def test_whom_an_event_concerns_is_found_once() -> None:
    index: Index[str] = Index()
    index.add(interest("alice", "bob"), "both")
    index.add(interest("carol"), "carol")
    index.add(interest("eip155:1", fields=(CHAIN,)), "chain")
    index.add(Interest(line=Line.TRANSFERS), "all")

    assert sorted(index.matches(event(1, sender="alice", recipient="bob"))) == [
        "all",
        "both",
        "chain",
    ]


def test_a_list_stands_for_each_of_its_values() -> None:
    index: Index[str] = Index()
    index.add(interest("desk", fields=("types",)), "desks")

    assert index.matches(event(1, types=["fund", "desk"])) == ["desks"]
    assert index.matches(event(1, types=[])) == index.matches(event(1)) == []


def test_a_test_is_asked_besides() -> None:
    index: Index[str] = Index()
    wanted = Interest(
        line=Line.TRANSFERS,
        fields=PARTIES,
        values=frozenset(["alice"]),
        test=lambda one: one.body["amount"] > 1,
    )
    index.add(wanted, "large")

    assert index.matches(event(1, sender="alice", amount=2)) == ["large"]
    assert index.matches(event(1, sender="alice", amount=1)) == []


@pytest.mark.parametrize("seed", range(5))
def test_the_index_agrees_with_asking_each_also_after_some_have_left(seed: int) -> None:
    chance = Random(seed)
    names = [f"wallet {number}" for number in range(12)]
    index: Index[int] = Index()
    interests: dict[int, Interest] = {}
    for number in range(200):
        if interests and chance.random() < 0.4:
            gone = chance.choice([*interests])
            index.discard(gone)
            del interests[gone]
        if interests and chance.random() < 0.4:
            other = chance.choice([*interests])
            changed = _changed(interests[other], chance, names)
            index.change(changed, other)
            interests[other] = changed
        fields = chance.choice([PARTIES, ("token",), (CHAIN,)])
        some = None if chance.random() < 0.1 else frozenset(chance.sample(names, 3))
        one = Interest(line=Line.TRANSFERS, fields=fields, values=some)
        index.add(one, number)
        interests[number] = one
        told: Event = event(
            1,
            sender=chance.choice(names),
            recipient=chance.choice(names),
            token=chance.choice([*names, None]),
        )
        expected = [key for key, value in interests.items() if value.wants(told)]
        assert sorted(index.matches(told)) == expected
    for number in interests:
        index.discard(number)
    assert (len(index), index.matches(told)) == (0, [])


def _changed(before: Interest, chance: Random, names: list[str]) -> Interest:
    """The same with a few other values, or sometimes something else altogether."""
    if before.values is None or chance.random() < 0.2:
        return interest(*chance.sample(names, 2), fields=chance.choice([PARTIES, ("token",)]))
    kept = chance.sample(sorted(before.values), len(before.values) // 2)
    values = frozenset([*kept, *chance.sample(names, chance.randrange(3))])
    return Interest(line=Line.TRANSFERS, fields=before.fields, values=values)
