"""Subscriptions by watchlist: they follow their lists, and nobody hears of another's."""

from typing import Any, cast

import pytest
from msgspec import json
from sqlalchemy import text

from graph_api.domain.errors import GraphApiError
from graph_api.domain.events import Topic
from graph_api.domain.principals import LOCAL, Principal, PrincipalKind
from graph_api.domain.watchlists import EntryKind, Named
from graph_api.live.hub import Hub
from graph_api.schema.checks import places
from graph_api.schema.context import Context
from graph_api.schema.feeds import feed_of
from graph_api.schema.freezes import FreezeFilterInput
from graph_api.schema.otc import OtcEventFilterInput
from graph_api.schema.schema import build_schema
from graph_api.schema.subscribing import subscription
from graph_api.server.channels import Channels
from graph_api.services.watchlists import ring
from graph_api.store.graph import Graph
from graph_api.vault import watchlists, workspaces
from graph_api.vault.vault import Vault
from graph_api.vault.watchlists import Wanted
from tests.given import NOW, wallet
from tests.server.live.serving import (
    SEEN,
    Bus,
    Client,
    event,
    number_of,
    serving,
    until_subscribed,
)
from tests.server.live.test_job_progress import seen_by
from tests.store.bolt.turns import until

OTHER = Principal("other", "elsewhere", PrincipalKind.PERSON)
TOKEN = "eip155:1/erc20:0x" + "a" * 40
ADD = """mutation ($id: String!, $entries: [WatchlistEntryInput!]!) {
  addToWatchlist(id: $id, entries: $entries) { ... on WatchlistAdded { added { key } } } }"""
REMOVE = """mutation ($id: String!, $items: [WatchlistItem!]!) {
  removeFromWatchlist(id: $id, items: $items) { ... on WatchlistRemoved { removed { key } } } }"""


def of(*names: str) -> list[Wanted]:
    return [Wanted(Named(EntryKind.WALLET, wallet(name))) for name in names]


@pytest.fixture
async def listed(vault: Vault) -> str:
    """A list with Carol on it."""
    await watchlists.create(vault, LOCAL, id="desks", name="Desks", now=NOW)
    await watchlists.put(vault, LOCAL, "desks", of("carol"), now=NOW)
    return "desks"


async def change(client: Client, text: str, **variables: Any) -> None:
    """Change a list over another socket."""
    payload = {"query": text, "variables": variables}
    await client.send(type="subscribe", id="change", payload=payload)
    answer = await client.receive()
    assert "errors" not in answer["payload"], answer
    assert (await client.receive())["type"] == "complete"


async def until_wanted(channels: Channels, key: str, *, is_wanted: bool = True) -> None:
    """Wait until the only channel wants (or does not want) what ``key`` sends."""
    seen = event(1, sender=key, recipient=None)
    await until(lambda: [one.interest.wants(seen) for one in channels] == [is_wanted])


async def test_a_subscription_follows_its_list(bus: Bus, vault: Vault, listed: str) -> None:
    context = seen_by(bus, vault)
    async with (
        serving(bus, context_getter=context) as served,
        served.client() as client,
        served.client() as other,
    ):
        await client.subscribe(filter={"watchlists": [listed]})
        await until_subscribed(served, 1)
        await bus.tell(event(1, sender=wallet("carol")), event(2, sender=wallet("dave")))
        entries = [{"item": {"wallet": wallet("dave")}}, {"item": {"token": TOKEN}}]
        await change(other, ADD, id=listed, entries=entries)
        await until_wanted(served.channels, wallet("dave"))
        await bus.tell(event(3, sender=wallet("dave")), event(4), event(5, token=TOKEN))
        await change(other, REMOVE, id=listed, items=[{"wallet": wallet("carol")}])
        await until_wanted(served.channels, wallet("carol"), is_wanted=False)
        await bus.tell(
            event(6, sender=wallet("carol")),
            event(7, Topic.TRANSFER_RETRACTED, sender=wallet("carol")),
            event(8, recipient=wallet("dave")),
        )
        heard = [await client.item() for _ in range(5)]

    assert [number_of(item) for item in heard] == [1, 3, 5, 7, 8]
    assert heard[3]["kind"] == "TransferRetracted"


async def test_a_change_between_asking_and_listening_is_not_missed(
    bus: Bus, vault: Vault, listed: str
) -> None:
    wanted = await subscription(
        build_schema(),
        SEEN,
        operation_name=None,
        variables={"filter": {"watchlists": [listed]}},
        context=await seen_by(bus, vault)(None),
        encode=json.encode,
    )
    assert wanted is not None
    # Nobody tells of this one.
    await watchlists.put(vault, LOCAL, listed, of("dave"), now=NOW)
    channels = Channels()
    channels.hub = Hub(bus.streams, past=bus.kept)
    subscriber = await channels.subscribe(wanted, Silent())
    await until_wanted(channels, wallet("dave"))
    subscriber.leave()
    assert list(channels) == []
    await channels.close()


class Silent:
    """A client that is told nothing."""

    def put(self, answer: bytes, cursor: str) -> None:
        raise AssertionError(answer)

    async def room(self) -> None:
        """There is always some."""

    def fail(self, error: GraphApiError) -> None:
        raise AssertionError(error)

    def complete(self) -> None:
        raise AssertionError("complete")


async def test_who_cannot_look_at_its_list_again_is_told_to_come_back(
    bus: Bus, vault: Vault, listed: str
) -> None:
    async with (
        serving(bus, context_getter=seen_by(bus, vault)) as served,
        served.client() as client,
    ):
        await client.subscribe(filter={"watchlists": [listed]})
        await until_subscribed(served, 1)
        changed = await watchlists.put(vault, LOCAL, listed, of("dave"), now=NOW)
        async with vault.writing() as connection:
            await connection.execute(text("ALTER TABLE watchlists RENAME TO mislaid"))
        await ring(bus.streams, changed.watchlist, now=NOW)
        refusal = await client.receive()

    assert refusal["type"] == "error"
    assert refusal["payload"][0]["extensions"]["code"] == "UPSTREAM_UNAVAILABLE"


async def test_all_conditions_must_hold(bus: Bus, vault: Vault, listed: str) -> None:
    async with (
        serving(bus, context_getter=seen_by(bus, vault)) as served,
        served.client() as client,
    ):
        wish = {"watchlists": [listed], "wallets": [wallet("bob")], "minAmountRaw": "5000"}
        await client.subscribe(filter=wish)
        await until_subscribed(served, 1)
        await bus.tell(
            event(1, sender=wallet("carol")),
            event(2, sender=wallet("carol"), recipient=wallet("dave"), amount_raw="5000"),
            event(3, amount_raw="5000"),
            event(4, sender=wallet("carol"), amount_raw="5000"),
        )

        assert await client.numbers(1) == [4]


@pytest.mark.parametrize(
    ("principal", "wanted", "code"),
    [
        (OTHER, ["desks"], "NOT_FOUND"),
        (LOCAL, ["gone"], "NOT_FOUND"),
        (LOCAL, [], "BAD_INPUT"),
        (LOCAL, [str(number) for number in range(21)], "BAD_INPUT"),
    ],
)
async def test_lists_that_are_not_there_are_refused(
    bus: Bus, vault: Vault, listed: str, principal: Principal, wanted: list[str], code: str
) -> None:
    context = seen_by(bus, vault, principal)
    async with serving(bus, context_getter=context) as served, served.client() as client:
        await client.subscribe(filter={"watchlists": wanted})
        refusal = await client.receive()

    assert refusal["type"] == "error"
    assert refusal["payload"][0]["extensions"]["code"] == code


async def test_the_same_id_in_two_workspaces_is_two_lists(
    bus: Bus, vault: Vault, listed: str
) -> None:
    await workspaces.create(vault, OTHER, id="elsewhere", name="Elsewhere", now=NOW)
    await watchlists.create(vault, OTHER, id=listed, name="Desks", now=NOW)
    await watchlists.put(vault, OTHER, listed, of("dave"), now=NOW)
    principals = iter([LOCAL, OTHER])
    contexts = {who: seen_by(bus, vault, who) for who in (LOCAL, OTHER)}

    async def context(request: object) -> Any:
        return await contexts[next(principals)](request)

    async with (
        serving(bus, context_getter=context) as served,
        served.client() as mine,
        served.client() as theirs,
    ):
        await mine.subscribe(filter={"watchlists": [listed]})
        await until_subscribed(served, 1)
        await theirs.subscribe(filter={"watchlists": [listed]})
        await until_subscribed(served, 2)
        await bus.tell(event(1, sender=wallet("dave")), event(2, sender=wallet("carol")))

        assert await mine.numbers(1) == [2]
        assert await theirs.numbers(1) == [1]


@pytest.mark.parametrize(
    ("field", "topic", "known", "told"),
    [
        ("otc_events", Topic.OTC_DETECTED, {"sender": wallet("carol")}, True),
        ("otc_events", Topic.OTC_DETECTED, {"actors": ["desk"]}, True),
        ("otc_events", Topic.OTC_DETECTED, {"actors": ["other"]}, False),
        ("freezes", Topic.WALLET_FROZEN, {"wallet": wallet("carol")}, True),
        ("freezes", Topic.WALLET_FROZEN, {"wallet": wallet("dave")}, False),
    ],
)
async def test_other_news_are_filtered_by_lists_too(
    vault: Vault, listed: str, field: str, topic: Topic, known: dict[str, Any], told: bool
) -> None:
    desk = Wanted(Named(EntryKind.ACTOR, "desk"))
    await watchlists.put(vault, LOCAL, listed, [desk], now=NOW)
    declared = feed_of(
        next(
            place.field
            for place in places(build_schema())
            if place.parent.name == "Subscription" and place.field.python_name == field
        )
    )
    assert declared is not None
    given: dict[str, Any] = {"chains": None, "wallets": None, "tokens": None}
    wish = OtcEventFilterInput if field == "otc_events" else FreezeFilterInput
    context = Context(graph=cast(Graph, None), clock=lambda: NOW, parts=(vault,))

    interest = await declared.wanted(context, {"filter": wish(**given, watchlists=[listed])})

    assert interest.private
    assert interest.wants(event(1, topic, **known)) is told


async def test_a_list_that_is_deleted_lets_nothing_through(
    bus: Bus, vault: Vault, listed: str
) -> None:
    delete = 'mutation { deleteWatchlist(id: "desks") { ... on WatchlistDeleted { name } } }'
    async with (
        serving(bus, context_getter=seen_by(bus, vault)) as served,
        served.client() as client,
        served.client() as other,
    ):
        await client.subscribe(filter={"watchlists": [listed]})
        await until_subscribed(served, 1)
        await change(other, delete)
        await until_wanted(served.channels, wallet("carol"), is_wanted=False)
        await client.subscribe(id="2")
        await until_subscribed(served, 2)
        await bus.tell(event(1, sender=wallet("carol")))

        assert (await client.receive())["id"] == "2"
