"""Stretches of blocks: loaded apart from following, compared with their chain, and mended."""

from typing import Any

import pytest

from graph_api.domain.chains import Chain
from graph_api.domain.events import Line, Topic
from graph_api.domain.ids import ChainId
from graph_api.store import outbox, scanners
from graph_api.store.graph import Graph
from graph_api.store.ledger.turn import Turn
from ingest.pipelines.following import Follower
from ingest.pipelines.spanning import Fault, Filling, backfill, mend, verify
from tests.conftest import empty
from tests.given import BITCOIN, ETHEREUM, NOW, difference, snapshot
from tests.ingest.chains import FIRST, GivenChain
from tests.ingest.loading import announced

BOTH = pytest.mark.parametrize("chain", [ETHEREUM, BITCOIN], ids=lambda chain: chain.slug)


def turn_of(graph: Graph) -> Turn:
    return Turn(graph, clock=lambda: NOW)


async def follow(graph: Graph, chain: GivenChain, *, start: int = FIRST) -> None:
    await Follower(graph, turn_of(graph), chain, start=start).run(until=chain.height)


async def faults(graph: Graph, chain: GivenChain) -> list[Fault]:
    return [fault async for fault in verify(graph, chain, first=FIRST, last=chain.height)]


async def repair(graph: Graph, chain: GivenChain) -> None:
    turn = turn_of(graph)
    await mend(turn, chain, await faults(graph, chain))
    await turn.give_back()


async def fill(
    graph: Graph, chain: GivenChain, first: int, last: int, *, announce: bool = False
) -> Filling:
    turn = turn_of(graph)
    try:
        return await backfill(
            graph, turn, chain, first=first, last=last, batch=10, announce=announce
        )
    finally:
        await turn.give_back()


@BOTH
async def test_what_is_filled_in_behind_a_follower_makes_the_graph_of_one_that_began_earlier(
    graph: Graph, chain: Chain
) -> None:
    given = GivenChain(chain, seed=2)
    given.grow(24)
    await follow(graph, given, start=FIRST + 16)
    filled = await fill(graph, given, FIRST, FIRST + 9)
    scanner = await scanners.by_chain(graph, ChainId(chain.id))
    assert scanner is not None
    assert scanner.gaps == [(FIRST + 10, FIRST + 15)]
    assert filled.block == FIRST + 9

    await fill(graph, given, FIRST + 10, FIRST + 15)
    again = await fill(graph, given, FIRST, FIRST + 9)
    scanner = await scanners.by_chain(graph, ChainId(chain.id))
    parts = await snapshot(graph)
    await empty(graph)
    await follow(graph, given)

    assert again.written == 0
    assert scanner is not None
    assert scanner.gaps == []
    assert difference(await snapshot(graph), parts) == ""


@BOTH
async def test_a_graph_that_is_right_has_no_faults(graph: Graph, chain: Chain) -> None:
    given = GivenChain(chain, seed=4)
    given.grow(12)
    await follow(graph, given)

    assert await faults(graph, given) == []


@BOTH
async def test_blocks_that_changed_unheard_are_found_and_mended(graph: Graph, chain: Chain) -> None:
    given = GivenChain(chain, seed=6)
    given.grow(14)
    await follow(graph, given)
    given.fork(6)

    found = await faults(graph, given)
    assert [fault.number for fault in found] == list(range(FIRST + 8, FIRST + 14))
    assert {fault.what for fault in found} == {"is another block"}

    await repair(graph, given)
    mended = await snapshot(graph)
    heard = await outbox.after(graph, Line.TRANSFERS, chain.id, 0, limit=1_000)
    assert await faults(graph, given) == []
    await empty(graph)
    await follow(graph, given)
    assert difference(await snapshot(graph), mended) == ""

    stands: set[str] = set()
    for event in heard:
        if event.topic is Topic.TRANSFER_SEEN:
            stands.add(event.body["id"])
        else:
            stands.remove(event.body["id"])
    assert stands == {
        event.body["id"]
        for event in await outbox.after(graph, Line.TRANSFERS, chain.id, 0, limit=1_000)
    }


async def test_facts_that_are_missing_are_found_and_filled_in(graph: Graph) -> None:
    given = GivenChain(ETHEREUM, seed=8)
    given.grow(10)
    await follow(graph, given)
    whole = await snapshot(graph)
    lost = given.transfers[0]
    await graph.run_alone("MATCH (t:Transfer {id: $id}) DETACH DELETE t", id=lost.id)

    (fault,) = await faults(graph, given)

    assert (fault.number, fault.what, fault.missing, fault.extra, fault.replaced) == (
        lost.block_number,
        "lacks facts",
        1,
        0,
        False,
    )
    assert whole != await snapshot(graph)


async def test_a_stretch_goes_on_where_it_was_interrupted(graph: Graph) -> None:
    given = GivenChain(ETHEREUM, seed=10)
    given.grow(30)
    turn = turn_of(graph)
    seen: list[Filling] = []

    class Enough(Exception):
        pass

    def stop(filling: Filling) -> None:
        seen.append(filling)
        if len(seen) == 2:
            raise Enough

    with pytest.raises(Enough):
        await backfill(graph, turn, given, first=FIRST, last=given.height, batch=10, report=stop)
    await turn.give_back()
    rest = await fill(graph, given, FIRST, given.height)
    parts = await snapshot(graph)
    await empty(graph)
    await fill(graph, given, FIRST, given.height)

    assert rest.written < len(given.records)
    assert difference(await snapshot(graph), parts) == ""


async def events(graph: Graph, chain: GivenChain, line: Line) -> list[tuple[Topic, dict[str, Any]]]:
    told = await announced(graph, line, ChainId(chain.chain.id))
    return [(event.topic, event.body) for event in told]


async def test_what_is_announced_of_a_stretch_is_what_a_follower_tells_once(graph: Graph) -> None:
    given = GivenChain(BITCOIN, seed=12)
    given.grow(BITCOIN.finality_depth + 8)
    await follow(graph, given)
    followed = {line: await events(graph, given, line) for line in (Line.TRANSFERS, Line.FINALIZED)}
    await empty(graph)

    await fill(graph, given, FIRST, FIRST + 2, announce=True)
    await fill(graph, given, FIRST, given.height, announce=True)
    filled = {line: await events(graph, given, line) for line in followed}
    await fill(graph, given, FIRST, given.height, announce=True)
    await fill(graph, given, FIRST + 1, given.height, announce=True)
    again = {line: await events(graph, given, line) for line in followed}
    given.fork(2)
    await repair(graph, given)
    taken_back = [
        body["id"]
        for topic, body in await events(graph, given, Line.TRANSFERS)
        if topic is Topic.TRANSFER_RETRACTED
    ]

    assert all(followed.values())
    assert filled == followed
    assert again == followed
    dropped = [body for _, body in followed[Line.TRANSFERS] if body["block_number"] > FIRST]
    newest = {body["id"] for body in dropped if body["block_number"] > given.height - 2}
    assert newest
    assert set(taken_back) == newest


async def test_a_stretch_announces_nothing_unless_asked(graph: Graph) -> None:
    given = GivenChain(ETHEREUM, seed=14)
    given.grow(20)

    await fill(graph, given, FIRST, FIRST + 2)
    silent = await events(graph, given, Line.TRANSFERS)
    await fill(graph, given, FIRST, given.height, announce=True)

    told = await events(graph, given, Line.TRANSFERS)
    assert silent == []
    assert told
    # What was loaded in silence is no news any more.
    assert {body["block_number"] for _, body in told} <= set(range(FIRST + 3, given.height + 1))
