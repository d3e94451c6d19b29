"""Leases: one holder at a time, waited for, taken from the dead, and fenced by their token."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import pytest

from graph_api.domain.chains import EVM_CHAINS
from graph_api.domain.ids import AccountId
from graph_api.domain.records import Label, Record
from graph_api.store import leases
from graph_api.store.graph import Graph
from graph_api.store.holders import is_gone, new_holder
from graph_api.store.leases import Lease, LeaseLost
from graph_api.store.ledger.turn import Turn
from graph_api.store.ledger.writer import LedgerWriter
from graph_api.store.records import moment
from tests import given
from tests.given import ETHEREUM, NOW, snapshot

LASTS: Final = timedelta(seconds=60)
CHAIN: Final = ETHEREUM.id


async def take(graph: Graph, holder: str, *, now: datetime = NOW) -> Lease | None:
    return await leases.take(graph, CHAIN, holder=holder, now=now, lasts=LASTS)


def turn(graph: Graph, *, waiting: Callable[[str], None] = lambda name: None) -> Turn:
    return Turn(graph, clock=lambda: NOW, waiting=waiting)


async def ended_process() -> int:
    """The number of a process that is no more."""
    process = await asyncio.create_subprocess_exec("true")
    await process.wait()
    return process.pid


async def test_a_lease_has_one_holder_until_it_expires(graph: Graph) -> None:
    first = await take(graph, "first")
    assert first is not None
    assert await take(graph, "second", now=NOW + LASTS - timedelta(seconds=1)) is None

    second = await take(graph, "second", now=NOW + LASTS)

    assert second is not None
    assert second.token > first.token
    await leases.release(graph, first)
    assert await take(graph, "third") is None, "who lost a lease cannot give it back"
    await leases.release(graph, second)
    assert await take(graph, "third") is not None


async def test_of_many_that_reach_for_a_lease_one_gets_it(graph: Graph) -> None:
    for _ in range(3):
        taken = await asyncio.gather(*(take(graph, f"holder {n}") for n in range(8)))
        (winner,) = [lease for lease in taken if lease is not None]
        await leases.release(graph, winner)


async def test_who_lost_a_lease_writes_nothing(graph: Graph) -> None:
    slow, quick = await take(graph, "slow"), await take(graph, "quick", now=NOW + LASTS)
    assert slow is not None
    assert quick is not None
    late = LedgerWriter(graph, [slow], clock=lambda: NOW)
    await LedgerWriter(graph, [quick], clock=lambda: NOW).write([given.transfer("a", "b")])
    before = await snapshot(graph)

    with pytest.raises(LeaseLost, match="took over writing eip155:1; run the same command"):
        await late.write([given.transfer("a", "b", log=1)])

    assert await snapshot(graph) == before


async def test_two_writers_in_turns_never_trust_what_they_remember(graph: Graph) -> None:
    one, other = turn(graph), turn(graph)
    for log in range(6):
        writer = (one, other)[log % 2]
        await writer.write([given.transfer("a", "b", log=log, amount_raw=2**70)])
        await writer.give_back()

    flows = await graph.run_alone("MATCH (f:Flow) RETURN f.transfers AS n, f.amount_raw AS sum")

    assert flows == [{"n": 6, "sum": str(6 * 2**70)}]


async def test_a_turn_that_was_lost_can_begin_anew(graph: Graph) -> None:
    mine = turn(graph)
    await mine.write([given.transfer("a", "b", log=0)])
    thief = await take(graph, "thief", now=NOW + LASTS)
    assert thief is not None
    with pytest.raises(LeaseLost):
        await mine.write([given.transfer("a", "b", log=1)])
    await LedgerWriter(graph, [thief], clock=lambda: NOW).write([given.transfer("a", "b", log=2)])
    await leases.release(graph, thief)

    await mine.write([given.transfer("a", "b", log=1)])
    await mine.give_back()

    assert await graph.run_alone("MATCH (f:Flow) RETURN f.transfers AS n") == [{"n": 3}]


async def test_a_lease_of_a_dead_process_of_this_machine_is_free_at_once(graph: Graph) -> None:
    place, _, random = new_holder().split(":")
    gone = f"{place}:{await ended_process()}:{random}"
    assert is_gone(gone)
    dead = await take(graph, gone)
    assert dead is not None

    heir = await take(graph, new_holder())

    assert heir is not None
    assert heir.token > dead.token


async def test_only_processes_of_this_machine_are_ever_called_dead() -> None:
    number = await ended_process()
    assert not is_gone(new_holder())
    assert not is_gone(f"elsewhere/4026531836:{number}:00000000")
    assert not is_gone("tests")


async def test_writers_of_many_chains_and_of_one_never_wait_for_each_other(graph: Graph) -> None:
    def of_one(chain: int, log: int) -> list[Record]:
        fact = given.transfer("a", "b", log=log)
        if chain == 0:
            return [fact]
        return [label(f"{log}", f"{EVM_CHAINS[chain].id}:{given.address('a')}")]

    def of_all(number: int) -> list[Record]:
        accounts = [f"{chain.id}:{given.address('b')}" for chain in EVM_CHAINS]
        return [label(f"all {number}", *accounts)]

    async def write(*batches: list[Record]) -> None:
        mine = turn(graph)
        for batch in batches:
            await mine.write(batch)
        await mine.give_back()

    # Each turn meets its chains in another order, and some meet more of them as they go.
    await asyncio.wait_for(
        asyncio.gather(
            write(of_one(7, 1), of_one(0, 2), of_all(1)),
            write(of_one(0, 3), of_one(5, 4), of_one(3, 5)),
            write(of_all(2), of_one(0, 6)),
            write(of_one(3, 7), of_all(3), of_one(7, 8)),
        ),
        timeout=60,
    )

    labels = await graph.run_alone("MATCH (l:Label) RETURN count(*) AS n")
    ties = await graph.run_alone("MATCH (:Wallet)-[t:HAS_LABEL]->() RETURN count(t) AS n")
    assert (labels[0]["n"], ties[0]["n"]) == (8, 5 + 3 * len(EVM_CHAINS))
    transfers = await graph.run_alone("MATCH (f:Flow) RETURN f.transfers AS n")
    assert transfers == [{"n": 3}]


async def test_a_turn_is_kept_while_nothing_is_written(graph: Graph) -> None:
    now = NOW
    mine = Turn(graph, clock=lambda: now, lasts=timedelta(milliseconds=200))
    await mine.hold([CHAIN])
    now = NOW + timedelta(hours=1)

    async with asyncio.timeout(60):
        while await expires_at(graph) < now:
            pass

    assert await take(graph, "other", now=now) is None
    await mine.give_back()
    assert await take(graph, "other", now=now) is not None


def label(name: str, *accounts: str) -> Label:
    return Label(
        id=name,
        accounts=tuple(map(AccountId, accounts)),
        label=name,
        category=None,
        confidence=0.5,
        source="tests",
    )


async def expires_at(graph: Graph) -> datetime:
    (row,) = await graph.run_alone("MATCH (l:Lease) RETURN l.expires_at AS at")
    return moment(row["at"])
