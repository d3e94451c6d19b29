"""Following a real node by command, through reorganisations, restarts and kills.

``DESKGRAPH_ROUNDS=200`` repeats the rough ride that often, on chains of other seeds each time.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from graph_api.domain.events import Event, Line, Topic
from graph_api.domain.ids import ChainId
from graph_api.live.bus import Bus
from graph_api.live.streams import Streams
from graph_api.services.events import Outbox
from graph_api.store import scanners
from graph_api.store.graph import Graph
from graph_api.store.ledger.turn import Turn
from ingest.pipelines.following import Follower
from ingest.pipelines.publishing import Publisher
from tests.conftest import empty
from tests.given import NOW, difference, snapshot
from tests.ingest.jobs.hearing import heard
from tests.ingest.loading import Command, command, ended
from tests.ingest.sources.evm_chain import ETHEREUM, Chain, data_of, source_of
from tests.real.anvil import Anvil
from tests.real.available import Unavailable, skip

pytest_plugins = ["tests.ingest.sources.evm_fixtures"]

CHILD = ("tests.ingest.child", "follow", "ethereum", "--json")
ROUNDS = int(os.environ.get("DESKGRAPH_ROUNDS", "2"))


@pytest_asyncio.fixture
async def streams(redis_url: str) -> AsyncIterator[Streams]:
    """Streams on an empty bus."""
    bus = await Bus.connect(redis_url)
    async with bus.speaking() as client:
        await client.flushall()
    yield Streams(bus)
    await bus.close()


class Ride:
    """A chain that changes at random under a follower that dies at random."""

    def __init__(self, graph: Graph, node: Anvil, home: Path, *, seed: int) -> None:
        self._graph, self._node, self._home = graph, node, home
        self._random = Random(seed)
        self._running = AsyncExitStack()
        self._follower: Command | None = None
        self.deepest = self.kills = 0

    async def run(self, steps: int) -> None:
        """Everything that can happen, ``steps`` times; the follower is at the head at its end."""
        self._chain = await Chain.on(self._node)
        self._coin = await self._chain.deploy(
            "Coin", ["string", "string", "uint256"], "Test coin", "TST", 10**30
        )
        await self._node.call("evm_setAutomine", False)
        await self._mine(6)
        try:
            await self._start()
            for _ in range(steps):
                happens = self._random.choice(
                    (self._grow, self._grow, self._fork, self._fork, self._kill, self._restart)
                )
                await happens()
            await self._mine(1)
            await self._at_head()
        finally:
            await self._running.aclose()

    async def _grow(self) -> None:
        await self._mine(self._random.randrange(1, 12))

    async def _fork(self) -> None:
        height = await self._chain.height()
        # The node forgets the state of its first blocks when it is started again, and with that its
        # contracts: a chain that goes back to one of them is none that could be.
        depth = min(self._random.randrange(1, 65), height - 2)
        self.deepest = max(self.deepest, depth)
        await self._node.call("anvil_reorg", depth, [])
        # A node that has changed its mind goes on from there.
        await self._mine(self._random.randrange(1, 4))

    async def _kill(self) -> None:
        assert self._follower is not None
        # New blocks, so that there is something to be in the middle of.
        await self._mine(3)
        await self._follower.batches(self._random.randrange(2))
        self._follower.send(signal.SIGKILL)
        await self._running.aclose()
        self.kills += 1
        await self._start()

    async def _restart(self) -> None:
        await self._node.restart()
        await self._node.call("evm_setAutomine", False)

    async def _mine(self, blocks: int) -> None:
        for _ in range(blocks):
            for _ in range(self._random.randrange(3)):
                await self._send()
            await self._node.call("evm_mine")

    async def _send(self) -> None:
        start, count = self._random.getrandbits(100), self._random.randrange(1, 12)
        kinds: list[dict[str, Any]] = [
            {"to": self._coin, "data": data_of("scatter(uint160,uint256)", start, count)},
            {"to": self._chain.accounts[self._random.randrange(1, 9)], "value": hex(count)},
        ]
        whole = {
            "from": self._chain.accounts[0],
            "gas": hex(5_000_000),
            **self._random.choice(kinds),
        }
        await self._node.call("eth_sendTransaction", whole)

    async def _start(self) -> None:
        self._running = AsyncExitStack()
        self._follower = await self._running.enter_async_context(
            command(
                self._graph.address, self._home, *CHILD, "--node", self._node.url, "--from", "0"
            )
        )

    async def _at_head(self) -> None:
        """Wait until the follower says that it is where the node is."""
        head = await self._node.call("eth_getBlockByNumber", "latest", False)
        assert self._follower is not None
        await self._follower.says(head["hash"])
        self._follower.send(signal.SIGTERM)
        assert (await self._follower.ended()).code == 128 + signal.SIGTERM


async def fresh(graph: Graph, node: Anvil) -> dict[str, Any]:
    """The graph of the node's chain, followed in one go."""
    await empty(graph)
    async with source_of(node.url) as source:
        follower = Follower(graph, Turn(graph, clock=lambda: NOW), source, start=0, announce=False)
        await follower.run(until=(await source.head()).number)
    return await snapshot(graph)


def standing(events: list[Event]) -> list[str]:
    """Transfers that were seen and not taken back. Each may stand only once at a time."""
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    stands: dict[str, str] = {}
    for event in events:
        id_, block = event.body["id"], event.body["block_hash"]
        if event.topic is Topic.TRANSFER_SEEN:
            assert id_ not in stands, f"{id_} was announced twice"
            stands[id_] = block
        else:
            assert stands.pop(id_) == block
    return list(stands)


@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_a_rough_ride_ends_where_a_smooth_one_does(
    graph: Graph, streams: Streams, tmp_path: Path, seed: int
) -> None:
    try:
        async with Anvil(tmp_path / "node") as node:
            publisher = Publisher(Outbox(graph), streams, clock=lambda: NOW, poll_s=0.05)
            publishing = asyncio.create_task(publisher.run())
            ride = Ride(graph, node, tmp_path / "home", seed=seed)
            try:
                await ride.run(steps=8)
            finally:
                publishing.cancel()
                await asyncio.gather(publishing, return_exceptions=True)
            await publisher.publish()
            await publisher.leave()
            followed = await snapshot(graph)
            rows = await graph.run_alone("MATCH (l:Line {line: 'transfers'}) RETURN l.last AS last")
            events = await heard(streams, Line.TRANSFERS, rows[0]["last"])
            smooth = await fresh(graph, node)
    except Unavailable as reason:
        skip(reason)

    assert difference(smooth, followed) == ""
    there = await graph.run_alone("MATCH (t:Transfer) RETURN t.id AS id ORDER BY t.order_key DESC")
    assert standing(events) == [row["id"] for row in there]


async def test_follow_fill_verify_and_status_by_command(
    graph: Graph, chain: Chain, tmp_path: Path
) -> None:
    for number in range(1, 13):
        await chain.pay("0x" + f"{number:040x}", number)
    node = ("--node", chain.node.url)

    first = await ended(graph.address, tmp_path, "ingest", "status")
    assert "No chain is followed yet" in first.out
    done = await ended(
        graph.address,
        tmp_path,
        "ingest",
        "follow",
        "ethereum",
        *node,
        "--from",
        "6",
        "--until",
        "12",
    )
    assert done.code == 0, done.err
    last = msgspec.json.decode(done.err.splitlines()[-1])
    assert (last["scanner"]["block"], last["lag"]) == (12, 0)

    filled = await ended(
        graph.address, tmp_path, "ingest", "backfill", "eth", *node, "--from", "1", "--to", "3"
    )
    assert "Blocks 1 to 3 are loaded" in filled.out
    scanner = await scanners.by_chain(graph, ChainId(ETHEREUM.id))
    assert scanner is not None
    assert scanner.gaps == [(4, 5)]
    shown = await ended(graph.address, tmp_path, "ingest", "status")
    assert "4-5" in shown.out

    wrong = await ended(graph.address, tmp_path, "ingest", "verify", "ethereum", *node)
    assert wrong.code == 2
    assert "Block 4 is not in the graph" in wrong.out
    assert "--repair" in wrong.err
    await ended(graph.address, tmp_path, "ingest", "verify", "ethereum", *node, "--repair")
    right = await ended(graph.address, tmp_path, "ingest", "verify", "ethereum", *node)
    assert (right.code, right.out) == (0, "12 blocks compared, 0 differ.\n")
    scanner = await scanners.by_chain(graph, ChainId(ETHEREUM.id))
    assert scanner is not None
    assert scanner.gaps == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("follow", "dogecoin"), "Unknown chain"),
        (
            ("follow", "ethereum"),
            "Name a node of Ethereum: --node URL, or DESKGRAPH_NODES__ETHEREUM",
        ),
        (("follow", "ethereum", "--node", "ftp://node"), "begins with http:// or https://"),
        (
            ("backfill", "ethereum", "--node", "http://127.0.0.1:9", "--from", "5", "--to", "4"),
            "is below",
        ),
        (("verify", "bitcoin", "--node", "http://127.0.0.1:9"), "was never followed"),
    ],
    ids=lambda given: " ".join(given[:2]) if isinstance(given, tuple) else "",
)
async def test_what_cannot_be_followed_is_said_in_one_sentence(
    graph: Graph, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    result = await ended(graph.address, tmp_path, "ingest", *arguments)

    assert result.code == 2
    (sentence,) = result.sentences
    assert words in sentence
