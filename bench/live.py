"""Subscribers of one server: from an event on the bus to the last client that hears of it.

``python -m bench live [--subscribers 10000]`` starts the server and a usual Node server
(graphql-ws) on the same machine, connects so many WebSockets to each in turn, and tells events one
by one, round by round. Prints, of each server, the latency from telling to receiving (p50, p99 over
all clients and events), CPU time of the server per delivery, deliveries per second while it is at
work, and memory per idle connection. Then the hard case: as many distinct watchlists of 100
wallets, of which 1, 10 or 100 match an event.

Clients share the machine: with two cores the latency includes what they cost.
"""

import argparse
import asyncio
import os
import random
import resource
import shutil
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec

from bench.cpu import cpu_s
from bench.live_clients import Subscriber, connected, subscribe_message
from bench.output import Table, write_json
from deskgraph.engines.valkey import embedded_bus
from graph_api.domain.events import Event, Lane, Line, Topic
from graph_api.live.bus import Bus
from graph_api.live.streams import Streams
from graph_api.settings import RedisSettings
from scripts.node import with_node
from tests.real.node_packages import packages

QUERY: Final = """
subscription Live($filter: TransferEventFilter) {
  transfers(filter: $filter) {
    ... on LiveEvent { cursor }
    ... on TransferSeen {
      transfer { transferId amountRaw amount senderId recipientId tokenId blockNumber }
    }
  }
}
"""
LANE: Final = Lane(Line.TRANSFERS, "eip155:1")
ROOT: Final = Path(__file__).parent.parent
_HOLDER: Final = "bench"
_PATIENCE_S: Final = 60.0


class Figures(msgspec.Struct, kw_only=True):
    """One server with so many subscribers."""

    server: str
    subscribers: int
    matches: int
    delivered: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    deliveries_per_s: float
    memory_kib: float


class Server(ABC):
    """A server in a process of its own, and how it is told of an event."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, address: str) -> None:
        self.name, self.process, self.address = name, process, address

    def memory_kib(self) -> float:
        """Resident memory."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 1024

    @abstractmethod
    async def tell(self, event: Event) -> None:
        """Let it know of an event."""


class Ours(Server):
    """Hears of events from the bus."""

    streams: Streams

    async def tell(self, event: Event) -> None:
        await self.streams.append(LANE, [event], epoch="bench", holder=_HOLDER, begin=1)


class Node(Server):
    """Hears of events from its standard input."""

    async def tell(self, event: Event) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(msgspec.json.encode(event.body) + b"\n")


@asynccontextmanager
async def ours(streams: Streams, url: str) -> AsyncIterator[Server]:
    """The server of this repository."""
    async with _process(sys.executable, "-m", "bench.live_server", url) as process:
        server = Ours("deskgraph", process, await _address(process))
        server.streams = streams
        await streams.hold([LANE], holder=_HOLDER, lasts=timedelta(hours=1))
        yield server


@asynccontextmanager
async def node() -> AsyncIterator[Server]:
    """graphql-ws on ws, as its documents show it."""
    environment = with_node(os.environ)
    program = shutil.which("node", path=environment["PATH"])
    assert program is not None
    modules = await asyncio.to_thread(packages, ROOT / "tests" / "live_clients")
    script = str(ROOT / "bench" / "peers" / "live.mjs")
    async with _process(program, script, str(modules)) as process:
        yield Node("Node (graphql-ws)", process, await _address(process))


async def run(arguments: argparse.Namespace) -> None:
    """All cells."""
    figures: list[Figures] = []
    table = Table(
        "server",
        "subscribers",
        "matches",
        "delivered",
        "p50 ms",
        "p99 ms",
        "CPU µs per delivery",
        "deliveries/s",
        "KiB per connection",
    )

    def show(cell: Figures) -> None:
        figures.append(cell)
        table.row(
            cell.server,
            f"{cell.subscribers:,}",
            f"{cell.matches:,}",
            f"{cell.delivered:.2%}",
            f"{cell.p50_ms:.1f}",
            f"{cell.p99_ms:.1f}",
            f"{cell.cpu_us:.1f}",
            f"{cell.deliveries_per_s:,.0f}",
            f"{cell.memory_kib:.1f}",
        )

    count, events = arguments.subscribers, arguments.events
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="deskgraph-live-")))
        url = await stack.enter_async_context(embedded_bus(folder, RedisSettings()))
        bus = await Bus.connect(url)
        stack.push_async_callback(bus.close)
        told = Telling()
        for made, tale in ((ours(Streams(bus), url), told), (node(), Telling())):
            async with made as server:
                messages = [subscribe_message(QUERY, {})] * count
                show(await _measure(server, messages, tale, events=events, matches=count))
        async with ours(Streams(bus), url) as server:
            lists = _watchlists(count)
            messages = [subscribe_message(QUERY, {"filter": {"wallets": one}}) for one in lists]
            await _measure_lists(server, messages, told, show, events=events)
    write_json(arguments.json, figures)


class Telling:
    """Events that follow each other."""

    def __init__(self) -> None:
        self.number = 0

    def next(self, **body: Any) -> Event:
        self.number += 1
        number = self.number
        told = {
            "id": f"eip155:1:0x{number:064x}:log:1",
            "transaction": f"eip155:1:0x{number:064x}",
            "position": "log:1",
            "sender": _wallet(1),
            "recipient": _wallet(2),
            "token": "eip155:1/slip44:60",
            "amount_raw": "1000000000000000000",
            "amount": 1.0,
            "derived": False,
            "block_number": number,
            "block_hash": None,
            "block_time": None,
        }
        at = round(datetime.now(UTC).timestamp() * 1000)
        return Event(
            topic=Topic.TRANSFER_SEEN, chain="eip155:1", number=number, at=at, body=told | body
        )


async def _measure(
    server: Server, messages: Sequence[bytes], told: Telling, *, events: int, matches: int
) -> Figures:
    before = server.memory_kib()
    subscribers = await connected(server.address, messages)
    memory_kib = (await _settled(server) - before) / len(subscribers)
    try:
        await _round(server, subscribers, told.next(), matches)  # what is made once is made now
        return await _rounds(
            server, subscribers, told, events=events, matches=matches, memory_kib=memory_kib
        )
    finally:
        for one in subscribers:
            one.close()


async def _measure_lists(
    server: Server, messages: Sequence[bytes], told: Telling, show: Any, *, events: int
) -> None:
    before = server.memory_kib()
    subscribers = await connected(server.address, messages)
    memory_kib = (await _settled(server) - before) / len(subscribers)
    for matches in (1, 10, 100):
        some = {"sender": _shared(matches)}
        await _round(server, subscribers, told.next(**some), matches)
        show(
            await _rounds(
                server,
                subscribers,
                told,
                events=events,
                matches=matches,
                memory_kib=memory_kib,
                **some,
            )
        )
    for one in subscribers:
        one.close()


async def _rounds(
    server: Server,
    subscribers: Sequence[Subscriber],
    told: Telling,
    *,
    events: int,
    matches: int,
    memory_kib: float,
    **body: Any,
) -> Figures:
    latencies, longest = list[float](), list[float]()
    cpu = cpu_s(server.process.pid)
    for _ in range(events):
        some = await _round(server, subscribers, told.next(**body), matches)
        latencies += some
        longest.append(max(some, default=_PATIENCE_S))
    cpu = cpu_s(server.process.pid) - cpu
    cuts = quantiles(latencies, n=100) if len(latencies) > 1 else [*latencies] * 99
    return Figures(
        server=server.name,
        subscribers=len(subscribers),
        matches=matches,
        delivered=len(latencies) / (events * matches),
        p50_ms=cuts[49] * 1000,
        p99_ms=cuts[98] * 1000,
        cpu_us=cpu / len(latencies) * 1e6,
        deliveries_per_s=matches / median(longest),
        memory_kib=memory_kib,
    )


async def _round(
    server: Server, subscribers: Sequence[Subscriber], event: Event, matches: int
) -> list[float]:
    """Tell one event; how long each took that heard of it, seconds."""
    before = [one.items for one in subscribers]
    began_at = time.perf_counter()
    await server.tell(event)
    while time.perf_counter() - began_at < _PATIENCE_S:
        await asyncio.sleep(0.02)
        heard = sum(one.items - was for one, was in zip(subscribers, before, strict=True))
        if heard >= matches:
            break
    return [
        one.last_at - began_at
        for one, was in zip(subscribers, before, strict=True)
        if one.items > was
    ]


async def _settled(server: Server) -> float:
    """Memory once every subscription has begun."""
    await asyncio.sleep(2)
    return server.memory_kib()


def _watchlists(count: int) -> list[list[str]]:
    """As many lists of 100 wallets; of three wallets it is known on how many lists they are."""
    chance = random.Random(7)
    lists = [
        [_wallet(1_000 + chance.randrange(count * 100)) for _ in range(97)] for _ in range(count)
    ]
    for shared in (1, 10, 100):
        for place in range(shared):
            lists[place].append(_shared(shared))
    return lists


def _shared(count: int) -> str:
    return _wallet(10**9 + count)


def _wallet(number: int) -> str:
    return f"eip155:1:0x{number:040x}"


@asynccontextmanager
async def _process(*command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(60):
        while line := (await process.stdout.readline()).decode().strip():
            if line.startswith("http"):
                return line
    raise SystemExit("A server did not start.")


def main(arguments: Sequence[str]) -> None:
    """Measure what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench live", description=__doc__)
    parser.add_argument("--subscribers", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=20, help="Of each round.")
    parser.add_argument("--json", type=Path, help="Where the figures go in full.")
    asyncio.run(run(parser.parse_args(arguments)))
