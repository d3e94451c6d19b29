"""Subscribers whose server and who themselves are killed again and again: nothing lost or doubled.

``python -m bench live_kills [--events 100000] [--kills 50]`` tells numbered events on a bus while
clients follow them (``deskgraph.live_client``, each with a book of what it dealt with). Servers are
ended with SIGKILL, now and then with SIGTERM, and start again at the same port; clients die in the
middle of an item and go on from their books. In the end every book holds every number once, in
order. A seed makes the plan, the machine its moments.
"""

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, suppress
from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from bench.live import LANE, ROOT, Telling
from bench.output import Table, write_json
from deskgraph.engines.ports import reserved_port
from deskgraph.engines.valkey import embedded_bus
from deskgraph.live_client import follow
from graph_api.live.bus import Bus
from graph_api.live.streams import Streams
from graph_api.settings import RedisSettings

QUERY: Final = """
subscription Numbered($after: String) {
  transfers(after: $after) {
    ... on LiveEvent { cursor }
    ... on TransferSeen { transfer { blockNumber } }
  }
}
"""
_SIGNALS: Final = (*[signal.SIGKILL] * 4, signal.SIGTERM)
_HOLDER: Final = "kills"
_PATIENCE_S: Final = 120.0


class Refuted(Exception):
    """A client missed something, or heard it twice."""


class Outcome(msgspec.Struct, kw_only=True):
    """What was done, and what it cost."""

    events: int
    clients: int
    server_deaths: int
    client_deaths: int
    lost: int
    doubled: int
    seconds: float


class Book:
    """What a client has dealt with, and how far it is: both change together."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.cursor: str | None = None

    def write(self, number: int, cursor: str) -> None:
        """Both at once; nothing can come between."""
        self.numbers.append(number)
        self.cursor = cursor


class Client:
    """A follower that can be killed, and that goes on from its book."""

    def __init__(self, url: str) -> None:
        self.book, self.deaths = Book(), -1
        self._url = url
        self._task: asyncio.Task[None] | None = None
        self.live()

    def live(self) -> None:
        """Begin, or begin again."""
        self.deaths += 1
        self._task = asyncio.create_task(self._follow())

    async def die(self) -> None:
        """End at whatever moment it is."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _follow(self) -> None:
        async with aclosing(follow(self._url, QUERY, after=self.book.cursor)) as items:
            async for item in items:
                self.book.write(item["transfer"]["blockNumber"], item["cursor"])


class Servers:
    """One server after another, at the same port."""

    def __init__(self, bus_url: str, port: int) -> None:
        self._command = (sys.executable, "-m", "bench.live_server", bus_url, str(port))
        self._process: asyncio.subprocess.Process | None = None
        self.deaths = 0

    async def start(self) -> None:
        """The next one; answers when this returns."""
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert self._process.stdout is not None
        if not await self._process.stdout.readline():
            raise SystemExit("A server did not start.")

    async def kill(self, number: signal.Signals) -> None:
        """End the one that runs."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)
            await self._process.wait()
            self.deaths += 1


async def prove(
    bus_url: str, *, events: int, kills: int, clients: int, seed: int, port: int
) -> tuple[Outcome, list[list[int]]]:
    """One run, and the books of the clients. Raises: Refuted."""
    chance, began_at = Random(seed), time.perf_counter()
    bus = await Bus.connect(bus_url)
    servers = Servers(bus_url, port)
    await servers.start()
    followers = [Client(f"ws://127.0.0.1:{port}/graphql") for _ in range(clients)]
    try:
        deaths = sorted(chance.sample(range(1, events), kills))
        told = _telling(Streams(bus), events, chance=chance)
        async with aclosing(told) as numbers:
            # What happens before anybody listens is nobody's; the first of all is waited for.
            await _first_heard(followers, numbers)
            async for number in numbers:
                while deaths and deaths[0] <= number:
                    deaths.pop(0)
                    await _one_dies(servers, followers, chance)
        await _until(lambda: all(one.book.numbers[-1] == events for one in followers))
        books = [one.book.numbers for one in followers]
    finally:
        for one in followers:
            await one.die()
        await servers.kill(signal.SIGKILL)
        await bus.close()
    outcome = Outcome(
        events=events,
        clients=clients,
        server_deaths=servers.deaths - 1,
        client_deaths=sum(one.deaths for one in followers),
        lost=sum(len(set(range(book[0], events + 1)) - set(book)) for book in books),
        doubled=sum(len(book) - len(set(book)) for book in books),
        seconds=time.perf_counter() - began_at,
    )
    if any(book != [*range(book[0], events + 1)] for book in books):
        raise Refuted(f"Lost {outcome.lost}, doubled {outcome.doubled}, or out of order.")
    return outcome, books


async def _one_dies(servers: Servers, followers: Sequence[Client], chance: Random) -> None:
    if chance.random() < 0.6:
        await servers.kill(chance.choice(_SIGNALS))
        await servers.start()
        return
    victim = chance.choice(followers)
    await victim.die()
    victim.live()


async def _first_heard(followers: Sequence[Client], numbers: AsyncIterator[int]) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        while not all(one.book.numbers for one in followers):
            await anext(numbers)
            await asyncio.sleep(0.05)


async def _telling(streams: Streams, count: int, *, chance: Random) -> AsyncGenerator[int]:
    """Tell events in bursts; the number of the last after each."""
    await streams.hold([LANE], holder=_HOLDER, lasts=timedelta(hours=5))
    telling, told = Telling(), 0
    while told < count:
        burst = [telling.next() for _ in range(min(chance.randrange(1, 40), count - told))]
        await streams.append(LANE, burst, epoch="kills", holder=_HOLDER, begin=1)
        told += len(burst)
        yield told
        await asyncio.sleep(chance.random() * 0.01)


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def run(arguments: argparse.Namespace) -> None:
    """One run by the command line."""
    table = Table("events", "clients", "server deaths", "client deaths", "lost", "doubled", "s")
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="deskgraph-kills-")))
        url = await stack.enter_async_context(embedded_bus(folder, RedisSettings()))
        port = stack.enter_context(reserved_port(0, setting=""))
        outcome, _ = await prove(
            url,
            events=arguments.events,
            kills=arguments.kills,
            clients=arguments.clients,
            seed=arguments.seed,
            port=port,
        )
    table.row(
        f"{outcome.events:,}",
        outcome.clients,
        outcome.server_deaths,
        outcome.client_deaths,
        outcome.lost,
        outcome.doubled,
        f"{outcome.seconds:.0f}",
    )
    write_json(arguments.json, [outcome])


def main(arguments: Sequence[str]) -> None:
    """Prove what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench live_kills", description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="Where the figures go in full.")
    asyncio.run(run(parser.parse_args(arguments)))
