"""Actors and desks: from registries, from the database, and with wallets that are at work."""

from typing import Any

import msgspec
import pytest

from graph_api.domain.pages import Page
from graph_api.domain.records import Actor, ActorType
from graph_api.store import actors, desks
from graph_api.store.desks import Activity, DeskSource
from graph_api.store.graph import Graph
from tests import given
from tests.given import NOW, Ledger
from tests.schema.asking import counted
from tests.store.test_labels import DAY, all_pages, ms, said


def actor(id: str, type: ActorType = ActorType.OTC_DESK, **rest: Any) -> Actor:
    """Somebody called like the id."""
    return Actor(id=id, name=rest.pop("name", id.title()), type=type, source="tests", **rest)


@pytest.fixture
async def street(ledger: Ledger) -> Graph:
    """A listed desk at work, a listed one unseen, one that labels alone name, and an exchange."""
    await ledger.write(
        actor("listed", registered=True, confidence=1.0),
        actor("quiet", registered=True, jurisdictions=("CH",)),
        actor("labelled", ActorType.MARKET_MAKER),
        actor("nameless", ActorType.PROP_TRADING),
        actor("exchange", ActorType.EXCHANGE, registered=True),
        said("w1", "hot", actor="listed"),
        said("w1", "hot, says another", actor="listed", source="another"),
        said("w2", "cold", actor="listed", everywhere=True),
        said("w3", actor="labelled"),
        said("w4", actor="exchange"),
        given.transaction("alice", "w1", tx="a", at=ms(NOW - 3 * DAY)),
        given.transaction("w1", "w3", tx="b", at=ms(NOW - 2 * DAY)),
        given.transaction("w4", "w1", tx="c", at=ms(NOW - DAY)),
    )
    return ledger.graph


async def ids(graph: Graph, **asked: Any) -> list[str]:
    found = await desks.listed(graph, now=NOW, page=Page(size=20), **asked)
    return [row.actor.id for row in found.rows]


async def test_desks_are_known_from_registries_and_from_the_database(street: Graph) -> None:
    assert await ids(street) == ["labelled", "listed", "quiet"]
    assert await ids(street, source=DeskSource.REGISTRY) == ["listed", "quiet"]
    assert await ids(street, source=DeskSource.DATABASE) == ["labelled", "listed"]
    assert await ids(street, validated_only=True) == ["labelled", "listed"]
    assert await ids(street, source=DeskSource.REGISTRY, validated_only=True) == ["listed"]
    assert await ids(street, types=(ActorType.EXCHANGE,)) == ["exchange"]


async def test_a_desk_sums_up_its_wallets_once_each(street: Graph) -> None:
    found = await desks.by_ids(street, ["listed", "quiet", "nobody"], now=NOW)

    assert found["listed"].activity == Activity(
        actor="listed",
        scanned=3,
        labels=3,
        wallets=9,
        active_wallets=1,
        transfers_in=2,
        transfers_out=1,
        first_seen_at=NOW - 3 * DAY,
        last_seen_at=NOW - DAY,
    )
    assert found["quiet"].activity == Activity(actor="quiet")
    assert found["quiet"].actor.jurisdictions == ["CH"]
    assert set(found) == {"listed", "quiet"}


async def test_a_desk_as_of_a_day_has_the_wallets_that_were_known_then(ledger: Ledger) -> None:
    label = said("w1", actor="desk", learned_at=ms(NOW - 9 * DAY))
    await ledger.write(
        actor("desk"),
        msgspec.structs.replace(label, withdrawn_at=ms(NOW - 5 * DAY)),
        given.transaction("alice", "w1", tx="a"),
    )

    async def wallets(days: int) -> int:
        found = await desks.by_ids(ledger.graph, ["desk"], as_of=NOW - days * DAY, now=NOW)
        return found["desk"].activity.wallets

    assert [await wallets(days) for days in (10, 9, 6, 5, 0)] == [0, 1, 1, 0, 0]


async def test_a_desk_of_many_labels_is_summed_up_by_the_surest(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desks, "MAX_LABELS", 30)
    await ledger.write(
        *[said(f"w{n}", f"{n}", actor="desk", confidence=0.1 + n / 1000) for n in range(300)],
        *[given.transaction("alice", f"w{n}", tx=f"t{n}") for n in range(265, 275)],
    )

    activity = (await desks.by_ids(ledger.graph, ["desk"], now=NOW))["desk"].activity

    assert (activity.scanned, activity.wallets, activity.active_wallets) == (30, 30, 5)


@pytest.mark.parametrize("backward", [False, True])
async def test_pages_of_desks_cover_the_list_once(ledger: Ledger, backward: bool) -> None:
    many = [actor(f"desk-{number:03d}", registered=number % 3 == 0) for number in range(250)]
    await ledger.write(*many)

    with counted() as sent:
        rows = await all_pages(
            lambda page: desks.listed(ledger.graph, now=NOW, page=page), size=40, backward=backward
        )

    assert [row.actor.id for row in rows] == [one.id for one in many if one.registered]
    assert len(sent) <= 24


async def test_a_search_for_desks_at_work_stops_and_goes_on(ledger: Ledger) -> None:
    await ledger.write(
        *[actor(f"idle-{number:03d}") for number in range(450)],
        actor("working"),
        said("w1", actor="working"),
        given.transaction("alice", "w1", tx="a"),
    )

    first = await desks.listed(ledger.graph, now=NOW, page=Page(size=5))
    assert (list(first.rows), first.stopped_at, first.more_after) == ([], "idle-399", True)
    rows = await all_pages(lambda page: desks.listed(ledger.graph, now=NOW, page=page), size=5)
    assert [row.actor.id for row in rows] == ["working"]


@pytest.mark.parametrize("backward", [False, True])
async def test_actors_are_listed_by_type_and_ids(street: Graph, backward: bool) -> None:
    async def listed(**asked: Any) -> list[str]:
        rows = await all_pages(
            lambda page: actors.listed(street, page=page, **asked), size=2, backward=backward
        )
        return [row.id for row in rows]

    assert await listed() == ["exchange", "labelled", "listed", "nameless", "quiet"]
    assert await listed(types=[ActorType.OTC_DESK]) == ["listed", "quiet"]
    assert await listed(registered=True) == ["exchange", "listed", "quiet"]
    assert await listed(ids=["quiet", "nobody"]) == ["quiet"]


async def test_an_actor_that_no_source_describes_has_its_slug_for_a_name(ledger: Ledger) -> None:
    await ledger.write(said("w1", actor="some-slug"))
    bare = (await actors.by_ids(ledger.graph, ["some-slug"]))["some-slug"]

    await ledger.write(actor("some-slug", name="Some Name"))
    described = (await actors.by_ids(ledger.graph, ["some-slug"]))["some-slug"]

    assert (bare.name, bare.type, bare.confidence) == ("some-slug", "other", 0.0)
    assert (described.name, described.type) == ("Some Name", "otc_desk")
