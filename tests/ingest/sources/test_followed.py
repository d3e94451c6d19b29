"""Bitcoin and Solana followed from their nodes into the graph, through forks of their chains."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from random import Random

import httpx
import pytest_asyncio

from graph_api.domain.chains import chain_of
from graph_api.store import transactions
from graph_api.store.graph import Graph
from graph_api.store.ledger.recompute import Recount
from graph_api.store.ledger.turn import Turn
from ingest.pipelines.following import Follower
from ingest.providers.endpoints import Endpoints, EndpointSettings
from ingest.sources.bitcoin.source import BitcoinSource
from ingest.sources.chain import ChainSource
from ingest.sources.solana.source import SolanaSource
from tests.conftest import empty
from tests.given import NOW, difference, snapshot
from tests.ingest.sources.bitcoin.chains import P2PKH, BitcoinNode, Made
from tests.ingest.sources.json_rpc import Answers, serving
from tests.ingest.sources.solana.test_transfers import People, act
from tests.ingest.sources.solana.validator import FIRST_TIME, Done, SolanaNode, Validator


class Nodes:
    """Serves nodes and opens pools over them for one test."""

    def __init__(self, stack: ExitStack, closing: AsyncExitStack) -> None:
        self._stack, self._closing = stack, closing

    def pool(self, node: Answers) -> Endpoints:
        front = self._stack.enter_context(serving(node))
        client = httpx.AsyncClient(verify=False)
        self._closing.push_async_callback(client.aclose)
        return Endpoints(
            "nodes",
            [EndpointSettings(url=front.url)],
            client=client,
            clock=lambda: 0.0,
            sleep=_no_sleep,
            random=Random(7),
        )


async def _no_sleep(_: float) -> None: ...


@pytest_asyncio.fixture
async def nodes() -> AsyncIterator[Nodes]:
    async with AsyncExitStack() as closing:
        with ExitStack() as stack:
            yield Nodes(stack, closing)


async def follow(graph: Graph, source: ChainSource, *, start: int, until: int) -> None:
    turn = Turn(graph, clock=lambda: NOW)
    await Follower(graph, turn, source, start=start).run(until=until)


async def test_bitcoin_goes_back_to_the_fork_and_forward_again(
    graph: Graph, nodes: Nodes, tmp_path: Path
) -> None:
    node = BitcoinNode()
    source = BitcoinSource(
        chain_of("bitcoin"), nodes.pool(node), now=lambda: 1_700_000_000.0 + 600 * 20
    )
    coin = node.grow().made[0]
    for _ in range(4):
        coin = node.grow(Made(((coin.txid, 0),), ((coin.pays[0][0] - 1, P2PKH),))).made[1]
    await follow(graph, source, start=1, until=5)
    node.drop(3)
    for note in (b"a", b"b", b"c", b"d"):
        node.grow(note=note)
    await follow(graph, source, start=1, until=6)
    followed = await snapshot(graph)

    await empty(graph)
    await follow(graph, source, start=1, until=6)
    assert difference(await snapshot(graph), followed) == ""
    assert [str(one) async for one in Recount(graph, tmp_path).differences()] == []


async def test_solana_goes_back_to_the_fork_and_forward_again(
    graph: Graph, nodes: Nodes, tmp_path: Path
) -> None:
    people, dice = People(Validator()), Random(4)
    happened = [people.founded] + [_something(people, dice) for _ in range(40)]
    rewards = [{"pubkey": str(people.b), "lamports": 9, "rewardType": "Fee"}]
    slots = [10, 11, 12, 15, 16, 17, 18, 20]
    node = SolanaNode(
        blocks={slot: happened[5 * at : 5 * at + 5] for at, slot in enumerate(slots)},
        rewards=dict.fromkeys(slots, rewards),
    )
    source = SolanaSource(chain_of("solana"), nodes.pool(node), now=lambda: FIRST_TIME + 40.0)
    await follow(graph, source, start=10, until=20)
    # The last blocks are others, and in part of other slots.
    kept = {slot: done for slot, done in node.blocks.items() if slot < 16}
    node.forks = dict.fromkeys(range(16, 40), "x")
    node.blocks = kept | {16: happened[30:33], 19: [], 21: happened[20:22], 22: happened[35:40]}
    await follow(graph, source, start=10, until=22)
    followed = await snapshot(graph)

    await empty(graph)
    await follow(graph, source, start=10, until=22)
    assert difference(await snapshot(graph), followed) == ""
    assert [str(one) async for one in Recount(graph, tmp_path).differences()] == []
    chain = chain_of("solana").id
    signature = people.founded.signature
    [row] = (await transactions.by_ids(graph, [f"{chain}:{signature}"])).values()  # type: ignore[list-item]
    assert (row.fee_raw, row.status, row.gas_used) == (
        str(people.founded.fee),
        1,
        people.founded.units,
    )


def _something(people: People, dice: Random) -> Done:
    return people.send(*(each for _ in range(dice.randint(1, 3)) for each in act(people, dice)))
