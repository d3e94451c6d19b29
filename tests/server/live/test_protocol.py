"""The protocol graphql-transport-ws, frame by frame: what is answered, and every way it closes."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.requests import Request
from websockets.exceptions import InvalidStatus

from graph_api.domain.errors import Forbidden
from tests.server.live.serving import SEEN, Bus, Served, serving, until_subscribed
from tests.server.small import SECRET, small_schema
from tests.store.bolt.turns import until


@pytest.fixture
async def small(bus: Bus) -> AsyncIterator[Served]:
    async with serving(bus, schema=small_schema(), context_getter=context) as served:
        yield served


async def context(request: Request) -> dict[str, Any]:
    """Who is let in says so."""
    if request.headers.get("authorization") == "nobody":
        raise Forbidden("You may not come in.")
    return {"who": request.headers.get("authorization")}


async def test_queries_and_mutations_are_answered_and_completed(small: Served) -> None:
    async with small.client() as client:
        await client.subscribe('{ hello(name: "you") }', id="q")
        await client.subscribe('mutation { setName(name: "me") }', id="m")
        said = [await client.receive() for _ in range(4)]

    assert [one for one in said if one["id"] == "q"] == [
        {"id": "q", "type": "next", "payload": {"data": {"hello": "Hello, you!"}}},
        {"id": "q", "type": "complete"},
    ]
    assert [one["type"] for one in said if one["id"] == "m"] == ["next", "complete"]


async def test_a_subscription_that_is_no_feed_is_executed_for_its_client(small: Served) -> None:
    async with small.client() as client:
        await client.subscribe("subscription { count(to: 2) }")
        said = [await client.receive() for _ in range(4)]

    assert [one["payload"]["data"] for one in said[:2]] == [{"count": 0}, {"count": 1}]
    (error,) = said[2]["payload"]["errors"]
    assert error["extensions"]["code"] == "INTERNAL"
    assert said[3] == {"id": "1", "type": "complete"}
    assert SECRET not in str(said)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ hello", "BAD_INPUT"),
        ("{ nothing }", "BAD_INPUT"),
        ("query A { hello } query B { hello }", "BAD_INPUT"),
        ("query ($n: Int!) { needed(number: $n) }", "BAD_INPUT"),
        ("subscription { count(to: 1) other: count(to: 1) }", "BAD_INPUT"),
        ("{ " + " ".join(f"a{n}: hello" for n in range(101)) + " }", "TOO_COSTLY"),
    ],
)
async def test_a_mistake_ends_its_operation_alone(small: Served, query: str, code: str) -> None:
    async with small.client() as client:
        await client.subscribe(query, id="wrong")
        message = await client.receive()
        await client.subscribe("{ hello }", id="right")
        right = await client.receive()

    if message["type"] == "next":  # mistakes in variables are found when it is executed
        message["payload"] = message["payload"]["errors"]
        assert right == {"id": "wrong", "type": "complete"}
    else:
        assert right["type"] == "next"
    assert message["payload"][0]["extensions"]["code"] == code


async def test_an_error_of_ours_keeps_its_code(small: Served) -> None:
    async with small.client() as client:
        await client.subscribe("{ missing }")
        payload = (await client.receive())["payload"]

    assert payload["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    assert payload["data"] == {"missing": None}


async def test_a_ping_is_answered_and_a_pong_is_not(small: Served) -> None:
    async with small.raw() as client:
        await client.send(type="ping", payload={"any": "thing"})
        assert await client.receive() == {"type": "pong"}
        await client.send(type="pong")
        await client.send(type="connection_init", payload=None)
        assert await client.receive() == {"type": "connection_ack"}


async def test_what_is_completed_by_its_client_says_nothing_more(bus: Bus) -> None:
    async with serving(bus) as served, served.client() as client:
        await client.subscribe()
        await until_subscribed(served, 1)
        await client.send(type="complete", id="1")
        await client.send(type="complete", id="never begun")
        async with asyncio.timeout(20):
            await until(lambda: served.channels.subscribers == 0)
        await client.subscribe(id="1")
        await until_subscribed(served, 1)

    async with asyncio.timeout(20):
        await until(lambda: served.channels.distinct == 0)


# Closing


@pytest.mark.parametrize(
    "text",
    [
        "1",
        "null",
        "[]",
        '"text"',
        "{}",
        "{",
        "[" * 50_000,
        '{"type":1}',
        '{"type":"' + "x" * 1_000 + '"}',
        '{"type":"\\ud800"}',
        '{"type":"connection_init","payload":[]}',
        '{"type":"subscribe"}',
        '{"type":"subscribe","id":1,"payload":{"query":"{hello}"}}',
        '{"type":"subscribe","id":"","payload":{"query":"{hello}"}}',
        '{"type":"subscribe","id":"' + "x" * 1_000 + '","payload":{"query":"{hello}"}}',
        '{"type":"subscribe","id":"\\ud800","payload":{"query":"{hello}"}}',
        '{"type":"subscribe","id":"1","payload":"{hello}"}',
        '{"type":"subscribe","id":"1","payload":{"query":1}}',
        '{"type":"subscribe","id":"1","payload":{"query":"{hello}","variables":1}}',
        '{"type":"complete"}',
        '{"type":"ping","payload":1}',
        b"\x00\x01",
    ],
)
async def test_4400_what_is_no_message_closes_the_socket(small: Served, text: str | bytes) -> None:
    async with small.client() as client:
        await client.connection.send(text)
        code, reason = await client.closing()

    assert (code, bool(reason)) == (4400, True)


async def test_4401_nothing_is_answered_before_the_first_message(small: Served) -> None:
    async with small.raw() as client:
        await client.subscribe("{ hello }")
        assert (await client.closing())[0] == 4401


async def test_4403_who_may_not_come_in_is_told_why(small: Served) -> None:
    async with small.raw() as client:
        await client.send(type="connection_init", payload={"Authorization": "nobody"})
        assert await client.closing() == (4403, "You may not come in.")


@pytest.mark.parametrize("subprotocol", [None, "graphql-ws"])
async def test_4406_other_subprotocols_are_not_spoken(
    small: Served, subprotocol: str | None
) -> None:
    async with small.raw(subprotocol=subprotocol) as client:
        assert (await client.closing())[0] == 4406


async def test_4408_who_says_nothing_is_parted_from(bus: Bus) -> None:
    async with serving(bus, init_timeout_s=0.05) as served, served.raw() as client:
        assert (await client.closing())[0] == 4408


async def test_4409_an_id_names_one_operation_at_a_time(bus: Bus) -> None:
    async with serving(bus) as served, served.client() as client:
        await client.subscribe(id="one")
        await client.subscribe(id="one")
        assert await client.closing() == (4409, "Subscriber for one already exists")


async def test_4429_one_first_message_is_enough(small: Served) -> None:
    async with small.client() as client:
        await client.send(type="connection_init")
        assert (await client.closing())[0] == 4429


async def test_1009_a_message_has_a_largest_size(small: Served) -> None:
    async with small.client() as client:
        await client.connection.send(json.dumps({"type": "ping", "payload": {"x": "x" * 70_000}}))
        assert (await client.closing())[0] == 1009


# Limits


async def test_operations_of_a_socket_are_limited_and_the_others_go_on(bus: Bus) -> None:
    async with serving(bus, max_operations=1) as served, served.client() as client:
        await client.subscribe(id="first")
        await client.subscribe(id="second")
        message = await client.receive()
        await client.send(type="complete", id="first")
        await client.subscribe("{ __typename }", id="third")
        assert (await client.receive())["type"] == "next"

    assert (message["type"], message["id"]) == ("error", "second")
    assert message["payload"][0]["extensions"]["code"] == "RATE_LIMITED"


async def test_sockets_are_limited(bus: Bus) -> None:
    async with serving(bus, max_sockets=1) as served, served.client():
        with pytest.raises(InvalidStatus) as refused:
            async with served.raw():
                pass
    assert refused.value.response.status_code == 503


@pytest.mark.parametrize(
    ("origin", "origins", "let_in"),
    [
        (None, [], True),
        ("{address}", [], True),
        ("https://elsewhere.example", [], False),
        ("null", [], False),
        ("https://elsewhere.example", ["https://elsewhere.example"], True),
        ("https://elsewhere.example", ["*"], True),
    ],
)
async def test_pages_of_other_origins_are_let_in_by_name_alone(
    bus: Bus, origin: str | None, origins: list[str], let_in: bool
) -> None:
    async with serving(bus, origins=origins) as served:
        origin = origin and origin.format(address=served.address)
        options: dict[str, Any] = {"origin": origin} if origin else {}
        if let_in:
            async with served.client(**options) as client:
                await client.subscribe("{ __typename }")
                assert (await client.receive())["type"] == "next"
            return
        with pytest.raises(InvalidStatus) as refused:
            async with served.raw(**options):
                pass
    assert refused.value.response.status_code == 403


# Parting


async def test_a_restart_tells_everybody_to_resume(bus: Bus) -> None:
    async with serving(bus) as served, served.client() as client, served.raw() as silent:
        await client.subscribe()
        await until_subscribed(served, 1)
        served.server.should_exit = True
        told = await client.closing()

        assert (await silent.closing())[0] == 1012
    assert told == (1012, "The server restarts: connect again, and resume after the last cursor.")


async def test_a_ping_says_where_a_subscription_may_go_on(bus: Bus) -> None:
    async with serving(bus, ping_s=0.01) as served, served.client() as client:
        await client.subscribe(SEEN, filter={"wallets": []})
        await until_subscribed(served, 1)
        async with asyncio.timeout(20):
            cursors: dict[str, str] = {}
            while not cursors:
                message = json.loads(await client.connection.recv())
                assert message["type"] == "ping"
                cursors = message["payload"]["cursors"]
        await client.subscribe(SEEN, id="2", after=cursors["1"])
        await until_subscribed(served, 2)


async def test_without_a_bus_a_subscription_says_so(bus: Bus) -> None:
    async with serving(bus) as served, served.client() as client:
        served.channels.hub = None
        await client.subscribe()
        message = await client.receive()

    assert message["payload"][0]["extensions"]["code"] == "UPSTREAM_UNAVAILABLE"
