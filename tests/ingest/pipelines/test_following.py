"""Following a chain ends in the graph of a fresh load, whatever the chain did on the way."""

import asyncio
from collections.abc import Sequence
from random import Random

import pytest

from graph_api.domain.chains import Chain
from graph_api.domain.events import Event, Line, Topic
from graph_api.domain.ids import ChainId
from graph_api.store import outbox, scanners
from graph_api.store.graph import Graph
from graph_api.store.ledger.rollback import WINDOW
from graph_api.store.ledger.turn import Turn
from ingest.pipelines.following import Follower, Step, TooDeep
from tests.conftest import empty
from tests.given import BITCOIN, ETHEREUM, NOW, difference, snapshot
from tests.ingest.chains import FIRST, GivenChain


def follower(graph: Graph, chain: GivenChain, **options: object) -> Follower:
    turn = Turn(graph, clock=lambda: NOW)
    return Follower(graph, turn, chain, start=chain.first, **options)  # type: ignore[arg-type]


async def follow(graph: Graph, chain: GivenChain, **options: object) -> None:
    await follower(graph, chain, **options).run(until=chain.height)


async def fresh(graph: Graph, chain: GivenChain) -> dict[str, Sequence[object]]:
    """The graph of the chain as it stands, followed from its start in one go."""
    await empty(graph)
    await follow(graph, chain, announce=False)
    return await snapshot(graph)


async def events(graph: Graph, line: Line, chain: Chain) -> list[Event]:
    found: list[Event] = []
    while True:
        last = found[-1].number if found else 0
        more = await outbox.after(graph, line, chain.id, last, limit=1_000)
        if not more:
            return found
        found += more


@pytest.mark.parametrize("chain", [ETHEREUM, BITCOIN], ids=lambda chain: chain.slug)
async def test_a_chain_that_changed_leaves_no_trace_of_what_it_was(
    graph: Graph, chain: Chain
) -> None:
    given = GivenChain(chain, seed=3)
    given.grow(20)
    await follow(graph, given)
    random = Random(1)
    for depth in (1, 2, 7, 20):
        given.fork(depth, grow=depth + random.randrange(3))
        await follow(graph, given)
    followed = await snapshot(graph)

    assert difference(await fresh(graph, given), followed) == ""


async def test_whoever_listens_can_tell_what_stands(graph: Graph) -> None:
    given = GivenChain(ETHEREUM, seed=5)
    given.grow(12)
    await follow(graph, given)
    for depth in (3, 1, 9):
        given.fork(depth)
        await follow(graph, given)

    heard = await events(graph, Line.TRANSFERS, ETHEREUM)

    assert [event.number for event in heard] == list(range(1, len(heard) + 1))
    stands: dict[str, Event] = {}
    for event in heard:
        id_ = event.body["id"]
        if event.topic is Topic.TRANSFER_SEEN:
            assert id_ not in stands, "seen twice"
            stands[id_] = event
        else:
            assert stands.pop(id_).body["block_hash"] == event.body["block_hash"]
    assert list(stands) == [one.id for one in given.transfers]
    assert any(event.topic is Topic.TRANSFER_RETRACTED for event in heard)


async def test_what_is_final_is_told_once_and_in_order(graph: Graph) -> None:
    given = GivenChain(ETHEREUM, seed=7)
    given.grow(5)
    await follow(graph, given)
    for _ in range(8):
        given.fork(4, grow=20)
        await follow(graph, given)

    final = await events(graph, Line.FINALIZED, ETHEREUM)

    deep = given.height - ETHEREUM.finality_depth
    told = [event.body["id"] for event in final]
    assert told == [one.id for one in given.transfers if (one.block_number or 0) <= deep]
    assert final
    scanner = await scanners.by_chain(graph, ChainId(ETHEREUM.id))
    assert scanner is not None
    assert (scanner.final, scanner.deepest) == (deep, 4)


async def test_a_chain_that_shrinks_below_its_start_is_followed_anew(graph: Graph) -> None:
    given = GivenChain(ETHEREUM, seed=9)
    given.grow(6)
    await follow(graph, given)
    given.fork(6, grow=8)
    await follow(graph, given)
    followed = await snapshot(graph)

    scanner = await scanners.by_chain(graph, ChainId(ETHEREUM.id))
    assert scanner is not None
    assert list(scanner.ranges) == [FIRST, given.height]
    assert difference(await fresh(graph, given), followed) == ""


async def test_a_node_that_lags_behind_takes_nothing_back(graph: Graph) -> None:
    given = GivenChain(ETHEREUM, seed=11)
    given.grow(8)
    await follow(graph, given)
    before = await snapshot(graph)
    lagging = GivenChain(ETHEREUM, seed=11)
    lagging.grow(5)

    running = asyncio.create_task(follower(graph, lagging).run())
    lagging.grow(1)
    lagging.waited_for.clear()
    await lagging.waited_for.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert difference(before, await snapshot(graph)) == ""


async def test_a_change_below_the_window_stops_with_what_to_do(graph: Graph) -> None:
    given = GivenChain(ETHEREUM, seed=13)
    given.grow(WINDOW + 10)
    await follow(graph, given)
    given.fork(WINDOW + 5)

    with pytest.raises(TooDeep, match=r"ingest verify ethereum .*--repair"):
        await follow(graph, given)


async def test_two_followers_of_one_chain_take_turns(graph: Graph) -> None:
    given = GivenChain(ETHEREUM, seed=15)
    given.grow(15)
    steps: list[Step] = []

    await asyncio.gather(
        follow(graph, given, report=steps.append), follow(graph, given, report=steps.append)
    )
    followed = await snapshot(graph)

    heard = await events(graph, Line.TRANSFERS, ETHEREUM)
    assert [event.body["id"] for event in heard] == [one.id for one in given.transfers]
    assert difference(await fresh(graph, given), followed) == ""


async def test_a_node_that_lost_everything_once_is_followed_from_its_first_block_again(
    graph: Graph,
) -> None:
    given = GivenChain(ETHEREUM, seed=17, first=0)
    given.grow(3)
    await follow(graph, given)
    given.fork(3, grow=1)
    await follow(graph, given)
    given.grow(3)
    await follow(graph, given)
    followed = await snapshot(graph)

    assert difference(await fresh(graph, given), followed) == ""
