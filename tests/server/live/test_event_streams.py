"""Subscriptions as streams of server-sent events: framing, resuming, and who gets a stream."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.server.live.serving import SEEN, Bus, Served, event, number_of, serving, until_subscribed
from tests.server.small import SECRET, small_schema
from tests.store.bolt.turns import until

STREAM = "text/event-stream"
URQL = "application/graphql-response+json, application/json, text/event-stream, multipart/mixed"


class Stream:
    """What comes, event by event, as it is written."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def block(self) -> dict[str, str]:
        """The fields of the next event."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(20):
            async for line in self._lines:
                if not line and fields:
                    return fields
                if line and not line.startswith(":"):
                    name, _, value = line.partition(":")
                    fields[name] = value.removeprefix(" ")
        raise EOFError

    async def next(self) -> dict[str, str]:
        """The next that is more than a word on the connection."""
        while "event" not in (block := await self.block()):
            pass
        return block

    async def item(self) -> Any:
        block = await self.next()
        return json.loads(block["data"])["data"]["transfers"]


@asynccontextmanager
async def streamed(
    served: Served, query: str = SEEN, *, method: str = "POST", accept: str = STREAM, **more: Any
) -> AsyncIterator[Stream]:
    headers = {"accept": accept, **more.pop("headers", {})}
    asked: dict[str, Any] = {"query": query, "variables": more}
    parameters = {"query": query, "variables": json.dumps(more)}
    options: dict[str, Any] = {"json": asked} if method == "POST" else {"params": parameters}
    async with (
        httpx.AsyncClient(base_url=served.address, timeout=20) as client,
        client.stream(method, "/graphql", headers=headers, **options) as response,
    ):
        yield Stream(response)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("accept", [STREAM, URQL])
async def test_items_come_with_their_cursor_as_the_id(bus: Bus, method: str, accept: str) -> None:
    async with serving(bus) as served, streamed(served, method=method, accept=accept) as stream:
        await until_subscribed(served, 1)
        await bus.tell(event(1))
        block = await stream.next()

    item = json.loads(block["data"])["data"]["transfers"]
    assert (block["event"], block["id"], number_of(item)) == ("next", item["cursor"], 1)
    assert stream.response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert stream.response.headers["cache-control"] == "no-store"
    assert stream.response.headers["x-content-type-options"] == "nosniff"


async def test_lines_end_as_all_clients_read_them(bus: Bus) -> None:
    async with serving(bus) as served:
        headers = {"accept": STREAM}
        async with httpx.AsyncClient(base_url=served.address) as client:
            answer = await client.post(
                "/graphql", json={"query": "{ __typename }"}, headers=headers
            )

    assert b"\r" not in answer.content
    assert answer.content.endswith(
        b'event: next\ndata: {"data":{"__typename":"Query"}}\n\nevent: complete\ndata:\n\n'
    )


async def test_last_event_id_goes_on_behind_it(bus: Bus) -> None:
    async with serving(bus) as served:
        async with streamed(served) as stream:
            await until_subscribed(served, 1)
            await bus.tell(event(1), event(2), event(3))
            first = await stream.next()
        async with streamed(served, headers={"last-event-id": first["id"]}, after="old") as stream:
            assert [number_of(await stream.item()) for _ in range(2)] == [2, 3]


async def test_who_hears_nothing_learns_how_far_it_is(bus: Bus) -> None:
    async with serving(bus, ping_s=0.01) as served:
        async with streamed(served, filter={"wallets": []}) as stream:
            await until_subscribed(served, 1)
            await bus.tell(event(1))
            while "id" not in (block := await stream.block()):
                pass
        async with streamed(served, headers={"last-event-id": block["id"]}):
            await until_subscribed(served, 1)


async def test_who_leaves_is_forgotten(bus: Bus) -> None:
    async with serving(bus) as served:
        async with streamed(served):
            await until_subscribed(served, 1)
        async with asyncio.timeout(20):
            await until(lambda: served.channels.distinct == 0)


async def test_a_restart_ends_a_stream_without_completing_it(bus: Bus) -> None:
    async with serving(bus) as served, streamed(served) as stream:
        await until_subscribed(served, 1)
        served.server.should_exit = True
        with pytest.raises(EOFError):
            await stream.next()


@pytest.mark.parametrize(
    ("query", "code"), [("{ hello", "BAD_INPUT"), ("subscription { nothing }", "BAD_INPUT")]
)
async def test_mistakes_are_told_in_the_stream(bus: Bus, query: str, code: str) -> None:
    async with serving(bus) as served, streamed(served, query) as stream:
        told, over = await stream.next(), await stream.next()

    (error,) = json.loads(told["data"])["errors"]
    assert (told["event"], error["extensions"]["code"], over["event"]) == ("next", code, "complete")


async def test_a_cursor_that_is_too_old_ends_the_stream_with_its_code(bus: Bus) -> None:
    async with serving(bus) as served, streamed(served, after="nonsense") as stream:
        told, over = await stream.next(), await stream.next()

    (error,) = json.loads(told["data"])["errors"]
    assert (error["extensions"]["code"], over["event"]) == ("BAD_INPUT", "complete")


async def test_what_fails_is_masked_in_a_stream_too(bus: Bus) -> None:
    async with (
        serving(bus, schema=small_schema()) as served,
        streamed(served, "subscription { count(to: 1) }") as stream,
    ):
        blocks = [await stream.next() for _ in range(3)]

    assert SECRET not in str(blocks)
    assert json.loads(blocks[1]["data"])["errors"][0]["extensions"]["code"] == "INTERNAL"


async def test_a_get_changes_nothing(bus: Bus) -> None:
    query = 'mutation { setName(name: "me") }'
    async with (
        serving(bus, schema=small_schema()) as served,
        streamed(served, query, method="GET") as stream,
    ):
        told = await stream.next()

    assert json.loads(told["data"])["errors"][0]["extensions"]["code"] == "BAD_INPUT"


async def test_without_a_wish_for_a_stream_a_subscription_is_refused(bus: Bus) -> None:
    async with serving(bus) as served, httpx.AsyncClient(base_url=served.address) as client:
        answer = await client.post("/graphql", json={"query": SEEN})
        query = await client.post(
            "/graphql", json={"query": "{ __typename }"}, headers={"accept": URQL}
        )

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_INPUT"
    assert query.headers["content-type"].startswith("application/graphql-response+json")


async def test_streams_are_limited(bus: Bus) -> None:
    async with serving(bus, max_sockets=1) as served, streamed(served):
        await until_subscribed(served, 1)
        async with streamed(served) as second:
            assert second.response.status_code == 503
