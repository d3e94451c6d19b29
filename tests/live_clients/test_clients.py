"""The usual clients of JavaScript: graphql-ws and graphql-sse, as they are installed."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from scripts.node import with_node
from tests.real.node_packages import packages
from tests.server.live.conftest import bus as bus
from tests.server.live.serving import SEEN, Bus, Served, event, number_of, serving, until_subscribed

HERE = Path(__file__).parent


class Script:
    """A running script of ours, line by line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def word(self) -> Any:
        """What it says next."""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        async with asyncio.timeout(60):
            line = await self.process.stdout.readline()
            assert line, (await self.process.stderr.read()).decode()
        return json.loads(line)


@asynccontextmanager
async def script(name: str, *arguments: str) -> AsyncIterator[Script]:
    """A script of this folder under Node."""
    environment = with_node(os.environ)
    node = shutil.which("node", path=environment["PATH"])
    assert node is not None
    process = await asyncio.create_subprocess_exec(
        node,
        str(HERE / name),
        *arguments,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Script(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def clients(served: Served, what: str, **given: Any) -> Any:
    """``clients.mjs`` at work."""
    folder = str(packages(HERE))
    return script("clients.mjs", served.address, folder, what, json.dumps(given))


@pytest.mark.parametrize("client", ["socket", "stream"])
async def test_a_client_gets_items_and_resumes(bus: Bus, client: str) -> None:
    async with serving(bus) as served:
        async with clients(served, client, query=SEEN, variables={}, count=2) as first:
            await until_subscribed(served, 1)
            await bus.tell(*map(event, range(1, 6)))
            items = [await first.word() for _ in range(3 if client == "socket" else 2)][-2:]
            assert await first.word() == "over"
        cursor = items[-1]["data"]["transfers"]["cursor"]
        wish = {"after": cursor}
        async with clients(served, client, query=SEEN, variables=wish, count=3) as second:
            items = [await second.word() for _ in range(4 if client == "socket" else 3)][-3:]

    assert [number_of(one["data"]["transfers"]) for one in items] == [3, 4, 5]


async def test_every_way_of_breaking_the_protocol_has_its_code(bus: Bus) -> None:
    init, ours = {"type": "connection_init"}, "graphql-transport-ws"
    subscribe = {"type": "subscribe", "id": "1", "payload": {"query": SEEN}}
    attempts = {
        4400: (ours, [{"type": "unheard of"}]),
        4401: (ours, [subscribe]),
        4406: ("graphql-ws", []),
        4408: (ours, []),
        4409: (ours, [init, subscribe, subscribe]),
        4429: (ours, [init, init]),
    }
    given = [{"subprotocol": name, "messages": said} for name, said in attempts.values()]
    async with (
        serving(bus, init_timeout_s=1) as served,
        clients(served, "closes", attempts=given) as script,
    ):
        codes = [await script.word() for _ in attempts]

    assert codes == [*attempts]
