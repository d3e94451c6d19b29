"""Clients that never miss, as the documents show them: killed, restarted, parted from, resumed."""

import json
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.live_kills import prove
from deskgraph.engines.ports import reserved_port
from deskgraph.live_client import Refused, follow
from scripts.tree import ROOT
from tests.live_clients.test_clients import HERE, Script, script
from tests.real.node_packages import packages
from tests.server.live.conftest import bus as bus
from tests.server.live.serving import (
    SEEN,
    Bus,
    Served,
    event,
    number_of,
    serving,
    until_subscribed,
)

TYPESCRIPT = ROOT / "docs" / "examples" / "live_client.ts"


@asynccontextmanager
async def in_typescript(served: Served, folder: Path, **variables: Any) -> AsyncIterator[Script]:
    """The client of the documents at work."""
    modules = packages(HERE)
    source = folder / "live_client.ts"
    shutil.copy(TYPESCRIPT, source)
    (folder / "node_modules").symlink_to(modules / "node_modules")
    given = json.dumps({"after": None, **variables})
    arguments = (served.socket_address, str(modules), str(source), str(folder), SEEN, given)
    async with script("follow.mjs", *arguments) as running:
        yield running


async def test_servers_and_clients_are_killed_and_nothing_is_lost_or_doubled(
    bus: Bus, embedded_bus_url: str
) -> None:
    with reserved_port(0, setting="") as port:
        outcome, books = await prove(
            embedded_bus_url, events=1_000, kills=4, clients=3, seed=3, port=port
        )

    assert outcome.server_deaths + outcome.client_deaths == 4
    assert all(book == [*range(book[0], 1_001)] for book in books)


async def test_the_typescript_client_lives_through_restarts(bus: Bus, tmp_path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    again = listener.dup()
    async with AsyncExitStack() as stack:
        async with serving(bus, listener=listener) as first:
            client = await stack.enter_async_context(in_typescript(first, tmp_path))
            await until_subscribed(first, 1)
            await bus.tell(*map(event, range(1, 11)))
            numbers = [number_of(await client.word()) for _ in range(10)]
        await bus.tell(*map(event, range(11, 21)))
        async with serving(bus, listener=again) as second:
            numbers += [number_of(await client.word()) for _ in range(10)]
            await until_subscribed(second, 1)
            await bus.tell(event(21))
            numbers.append(number_of(await client.word()))

    assert numbers == [*range(1, 22)]


async def test_the_typescript_client_says_why_it_is_refused(bus: Bus, tmp_path: Path) -> None:
    async with serving(bus) as served, in_typescript(served, tmp_path, after="no") as client:
        assert (await client.word())["code"] == "BAD_INPUT"


async def test_the_python_client_says_why_it_is_refused(bus: Bus) -> None:
    async with serving(bus) as served:
        with pytest.raises(Refused) as refused:
            async with aclosing(follow(served.socket_address, SEEN, after="no")) as items:
                await anext(items)
    assert refused.value.code == "BAD_INPUT"
