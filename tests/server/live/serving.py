"""A real server on a real bus, events on its streams, and clients that speak raw frames."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from functools import cache
from typing import Any, cast

from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from graph_api.domain.events import LINE_OF, Event, Lane, Topic
from graph_api.live.hub import Hub
from graph_api.live.streams import Streams
from graph_api.schema.context import Context
from graph_api.schema.guarded import GuardedSchema
from graph_api.schema.schema import build_schema
from graph_api.server.app import create_app, schema_options
from graph_api.server.channels import Channels
from graph_api.server.graphql import ContextGetter
from graph_api.server.serving import Server, address_of
from graph_api.settings import HttpSettings, LiveSettings, Settings
from graph_api.store.graph import Graph
from tests.executors import EXECUTOR
from tests.given import NOW, wallet
from tests.live.given import EPOCH, HOLDER, Kept
from tests.store.bolt.turns import until

SUBPROTOCOL = "graphql-transport-ws"
CHAIN = "eip155:1"
SEEN = """
subscription Seen($filter: TransferEventFilter, $after: String, $delivery: Delivery! = INSTANT) {
  transfers(filter: $filter, after: $after, delivery: $delivery) {
    kind: __typename
    ... on LiveEvent { cursor }
    ... on TransferSeen { transfer { transferId } }
    ... on TransferRetracted { transfer { transferId } }
    ... on TransferFinalized { transfer { transferId } }
  }
}
"""


def event(
    number: int,
    topic: Topic = Topic.TRANSFER_SEEN,
    *,
    chain: str = CHAIN,
    at: datetime = NOW,
    **body: Any,
) -> Event:
    """An event of a transfer that is named by its number."""
    told = {
        "id": f"{chain}:0x{number:064x}:log:1",
        "transaction": f"{chain}:0x{number:064x}",
        "position": "log:1",
        "sender": wallet("alice"),
        "recipient": wallet("bob"),
        "token": f"{chain}/slip44:60",
        "amount_raw": "1000",
        "amount": 1e-15,
        "derived": False,
        "block_number": number,
        "block_hash": None,
        "block_time": None,
    }
    ms = round(at.timestamp() * 1000)
    return Event(topic=topic, chain=chain, number=number, at=ms, body=told | body)


class Bus:
    """What is told, and told again when it is asked for."""

    def __init__(self, streams: Streams) -> None:
        self.streams, self.kept = streams, Kept()
        self.epoch = EPOCH

    async def tell(self, *some: Event) -> None:
        """Append events, which follow each other on one lane."""
        line = LINE_OF[some[0].topic]
        lane = Lane(line, some[0].chain)
        self.kept.add(some)
        await self.streams.hold([lane], holder=HOLDER, lasts=timedelta(minutes=5))
        await self.streams.append(
            lane, list(some), epoch=self.epoch, holder=HOLDER, begin=some[0].number
        )


@asynccontextmanager
async def serving(
    bus: Bus,
    *,
    schema: GuardedSchema | None = None,
    context_getter: ContextGetter | None = None,
    listener: socket.socket | None = None,
    **live: Any,
) -> AsyncIterator["Served"]:
    """A server of the whole schema; its questions to a graph would fail, for it has none."""
    settings = Settings(
        executor=EXECUTOR, live=LiveSettings(**live), http=HttpSettings(graceful_stop_s=5)
    )
    channels = Channels()
    channels.hub = Hub(bus.streams, past=bus.kept)

    async def nothing(_request: object) -> Context:
        return Context(graph=cast(Graph, None), clock=lambda: NOW)

    app = create_app(
        schema or _whole_schema(),
        settings=settings,
        context_getter=context_getter or nothing,
        channels=channels,
    )
    try:
        async with answering(app, settings.http, listener) as (server, address):
            yield Served(server, address, channels)
    finally:
        await channels.close()


@cache
def _whole_schema() -> GuardedSchema:
    return build_schema(**schema_options(Settings(executor=EXECUTOR)))


@asynccontextmanager
async def answering(
    app: Starlette, http: HttpSettings, listener: socket.socket | None = None
) -> AsyncIterator[tuple[Server, str]]:
    """The server that people run, in this process."""
    listener = listener or socket.create_server(("127.0.0.1", 0))
    ready = asyncio.Event()
    server = Server(app, http, ready=lambda _: ready.set())
    with listener:
        running = asyncio.create_task(server.serve(sockets=[listener]))
        started = asyncio.create_task(ready.wait())
        await asyncio.wait({running, started}, return_when=asyncio.FIRST_COMPLETED)
        try:
            yield server, address_of(listener)
        finally:
            started.cancel()
            server.should_exit = True
            await running


class Served:
    """A server that answers."""

    def __init__(self, server: Server, address: str, channels: Channels) -> None:
        self.server, self.address, self.channels = server, address, channels

    @property
    def socket_address(self) -> str:
        return self.address.replace("http", "ws", 1) + "/graphql"

    @asynccontextmanager
    async def client(self, **options: Any) -> AsyncIterator["Client"]:
        """A socket that has begun."""
        async with self.raw(**options) as client:
            await client.send(type="connection_init")
            assert await client.receive() == {"type": "connection_ack"}
            yield client

    @asynccontextmanager
    async def raw(
        self, *, subprotocol: str | None = SUBPROTOCOL, **options: Any
    ) -> AsyncIterator["Client"]:
        """A socket that has said nothing."""
        protocols = [Subprotocol(subprotocol)] if subprotocol else None
        async with connect(
            self.socket_address, subprotocols=protocols, compression=None, **options
        ) as connection:
            yield Client(connection)


class Client:
    """One WebSocket, message by message."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, **message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def receive(self) -> Any:
        """The next message, pings of the protocol left out."""
        while True:
            async with asyncio.timeout(20):
                message = json.loads(await self.connection.recv())
            if message["type"] != "ping":
                return message

    async def closing(self) -> tuple[int, str]:
        """The code and the reason that the socket is closed with; what comes before is dropped."""
        async with asyncio.timeout(20):
            with suppress(ConnectionClosed):
                while True:
                    await self.connection.recv()
        code, reason = self.connection.close_code, self.connection.close_reason
        assert code is not None
        return code, reason or ""

    async def subscribe(self, query: str = SEEN, *, id: str = "1", **variables: Any) -> None:
        await self.send(type="subscribe", id=id, payload={"query": query, "variables": variables})

    async def item(self, *, id: str = "1") -> Any:
        """The next item of a subscription."""
        message = await self.receive()
        assert (message["type"], message["id"]) == ("next", id), message
        assert "errors" not in message["payload"], message
        return message["payload"]["data"]["transfers"]

    async def numbers(self, count: int, *, id: str = "1") -> list[int]:
        """The numbers of the next transfers."""
        return [number_of(await self.item(id=id)) for _ in range(count)]


def number_of(item: Any) -> int:
    """The number that a transfer is named by."""
    return int(item["transfer"]["transferId"].split(":")[2], 16)


async def until_subscribed(served: Served, count: int) -> None:
    """Wait until so many subscriptions are there, and with the others."""
    async with asyncio.timeout(20):
        await until(lambda: served.channels.subscribers >= count)
