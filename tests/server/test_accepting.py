"""How processes share the connections of one socket; here two of them in one event loop."""

import asyncio
import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

import pytest
from structlog.testing import capture_logs

from graph_api.server import accepting
from graph_api.server.accepting import SharedListener, Shares

NEVER_S = 3600.0
PLACES = 4


class Greeting(asyncio.Protocol):
    """Says which process took the connection."""

    def __init__(self, number: int, connections: set["Greeting"]) -> None:
        self.number, self.connections = number, connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport
        self.connections.add(self)
        transport.write(b"%d\n" % self.number)

    def connection_lost(self, error: Exception | None) -> None:
        self.connections.discard(self)


class Door:
    """One socket, and as many processes on it as are asked for."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.file = folder / "connections"
        self.shares = Shares.of_nobody(self.file, places=PLACES)
        self._stack = stack
        self._clients: list[asyncio.StreamWriter] = []

    def process(self, number: int, *, defer_s: float = NEVER_S) -> SharedListener:
        connections: set[Greeting] = set()
        listener = SharedListener(
            self._stack.enter_context(self.listener.dup()),
            lambda: Greeting(number, connections),
            connections,
            shares=Shares(self.file),
            number=number,
            defer_s=defer_s,
        )
        self._stack.callback(listener.close)
        self._stack.callback(self._hang_up, connections)
        return listener

    def _hang_up(self, connections: set[Greeting]) -> None:
        for connection in connections:
            connection.transport.close()

    async def taken_by(self) -> int:
        reader, writer = await asyncio.open_connection(*self.listener.getsockname())
        self._clients.append(writer)
        self._stack.callback(writer.close)
        return int(await reader.readline())


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with ExitStack() as stack:
        yield Door(tmp_path, stack)


async def test_each_process_gets_its_part_of_many_that_come_at_once(door: Door) -> None:
    first, second = door.process(1, defer_s=0.005), door.process(2, defer_s=0.005)
    taken = await asyncio.gather(*(door.taken_by() for _ in range(20)))

    assert (taken.count(1), taken.count(2)) == (first.tell(), second.tell())
    assert 8 <= taken.count(1) <= 12


async def test_a_process_that_is_alone_takes_all(door: Door) -> None:
    door.process(1)
    second = door.process(2)
    second.close()

    assert {await door.taken_by() for _ in range(5)} == {1}


async def test_one_that_does_not_wake_keeps_nobody_waiting_for_long(door: Door) -> None:
    door.shares.tell(2, 0)
    door.process(1, defer_s=0.001)

    assert {await door.taken_by() for _ in range(5)} == {1}


async def test_one_that_is_gone_is_not_waited_for(door: Door) -> None:
    door.shares.tell(2, 0)
    door.shares.leave(2)
    door.process(1)

    assert {await door.taken_by() for _ in range(5)} == {1}


async def test_connections_wait_while_there_are_too_few_files(door: Door) -> None:
    process = door.process(1)
    scarce = OSError(errno.EMFILE, "Too many open files")
    refused = asyncio.Event()

    class Scarce(socket.socket):
        def accept(self) -> tuple[socket.socket, object]:
            refused.set()
            raise scarce

    with capture_logs() as lines, patch.object(accepting, "RETRY_AFTER_S", 0.001):
        there = process._listener
        process._listener = Scarce(fileno=there.fileno())
        taken = asyncio.create_task(door.taken_by())
        await refused.wait()
        process._listener.detach()
        process._listener = there
        assert await taken == 1

    assert lines[0]["event"] == "connections wait"
    assert lines[0]["reason"] == "Too many open files"
