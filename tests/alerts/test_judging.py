"""Who judges, and what becomes of what cannot be judged."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from graph_api.domain.alerts import LargeTransfer, Severity, Size
from graph_api.domain.events import Lane, Line, News, Topic
from graph_api.domain.principals import LOCAL
from graph_api.live.bus import Bus
from graph_api.live.dead_letters import DeadLetters
from graph_api.live.streams import Streams
from graph_api.services.alerting import PRICE_TOLERANCE, Judge
from graph_api.services.events import KeptPast, Outbox
from graph_api.store import outbox
from graph_api.store.graph import Graph, Writing
from graph_api.vault import alert_rules, alerts, judging
from graph_api.vault.vault import Vault
from ingest.pipelines.judging import GROUP, JudgingWork
from ingest.pipelines.publishing import Publisher
from tests.given import ETHER, ETHEREUM, NOW, transaction_id_of, wallet

pytestmark = pytest.mark.parametrize("graph_address", ["embedded"], indirect=True)
LANE = Lane(Line.TRANSFERS, ETHEREUM.id)
LATER = NOW + timedelta(minutes=1)


@pytest.fixture
async def streams(embedded_bus_url: str) -> AsyncIterator[Streams]:
    """An empty bus."""
    bus = await Bus.connect(embedded_bus_url, timeout_s=2.0)
    async with bus.speaking() as client:
        await client.flushall()
    yield Streams(bus)
    await bus.close()


@pytest.fixture
async def rule(vault: Vault) -> str:
    condition = LargeTransfer(size=Size(min_amount_raw=1))
    await alert_rules.create(
        vault, LOCAL, id="any", name="Any", condition=condition, severity=Severity.INFO, now=NOW
    )
    return "any"


def seen(name: str, **body: Any) -> News:
    told = {
        "id": f"{transaction_id_of(name)}:log:0",
        "position": "log:0",
        "sender": wallet(name),
        "recipient": wallet("desk"),
        "token": ETHER,
        "amount_raw": "1",
        "block_number": 1,
        "block_time": 1,
    }
    return News(topic=Topic.TRANSFER_SEEN, body=told | body)


async def tell(graph: Graph, streams: Streams, *news: News) -> int:
    """Events that are published; the number of the last."""

    async def work(writing: Writing) -> int:
        return await outbox.append(writing, Line.TRANSFERS, ETHEREUM.id, news, now=LATER)

    last = await graph.write(work)
    publisher = Publisher(Outbox(graph), streams, clock=lambda: NOW)
    await publisher.publish()
    await publisher.leave()
    return last


def worker(graph: Graph, vault: Vault, streams: Streams, **options: Any) -> JudgingWork:
    return JudgingWork(
        Judge(graph, vault, clock=lambda: NOW, tolerance=PRICE_TOLERANCE),
        vault,
        streams,
        past=KeptPast(Outbox(graph)),
        clock=lambda: NOW,
        pause_s=0.02,
        **options,
    )


@asynccontextmanager
async def at_work(*workers: JudgingWork) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(one.run()) for one in workers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def until_judged(graph: Graph, vault: Vault, number: int) -> None:
    (state,) = [one for one in await outbox.lines(graph) if one.lane == LANE]
    async with asyncio.timeout(60):
        while await judging.judged_through(vault, LANE, state.epoch) < number:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def subjects(vault: Vault) -> list[str]:
    return [one.subject for one in await alerts.after(vault, LOCAL, 0)]


async def test_an_event_that_cannot_be_judged_holds_up_nothing_and_is_set_aside(
    graph: Graph, vault: Vault, streams: Streams, rule: str
) -> None:
    damaged = seen("damaged", amount_raw="much")
    last = await tell(graph, streams, seen("first"), damaged, seen("second"))
    work = worker(graph, vault, streams)
    letters = DeadLetters(streams, GROUP)

    async with at_work(work):
        await until_judged(graph, vault, last)
    (dead,) = await letters.listed()

    assert await subjects(vault) == [wallet("first"), wallet("second")]
    assert (dead.event.number, dead.event.body["id"]) == (2, damaged.body["id"])
    assert "ValueError" in dead.reason
    assert work.tally.failed == 5
    assert work.tally.judged == 2


async def test_one_judges_a_lane_and_another_follows_it_at_once(
    graph: Graph, vault: Vault, streams: Streams, rule: str
) -> None:
    first, second = worker(graph, vault, streams), worker(graph, vault, streams)
    names = [f"sender {number}" for number in range(30)]

    async with at_work(second):
        async with at_work(first):
            await until_judged(graph, vault, await tell(graph, streams, *map(seen, names[:15])))
            tallies = sorted([first.tally.judged, second.tally.judged])
        # Whoever held the lane has given it back, or holds it still.
        await until_judged(graph, vault, await tell(graph, streams, *map(seen, names[15:])))

    assert tallies == [0, 15]
    assert second.tally.judged >= 15
    assert await subjects(vault) == [wallet(name) for name in names]


async def test_a_rule_judges_nothing_that_was_learned_before_it(
    graph: Graph, vault: Vault, streams: Streams
) -> None:
    late = LargeTransfer(size=Size(min_amount=Decimal(0)))
    await alert_rules.create(
        vault, LOCAL, id="l", name="Late", condition=late, severity=Severity.INFO, now=LATER
    )
    last = await tell(graph, streams, seen("early"))

    async with at_work(worker(graph, vault, streams)):
        await until_judged(graph, vault, last)

    assert await subjects(vault) == []


async def test_what_another_judge_took_and_did_not_judge_is_judged_in_its_place(
    graph: Graph, vault: Vault, streams: Streams, rule: str
) -> None:
    names = [f"sender {number}" for number in range(9)]
    await tell(graph, streams, *map(seen, names[:3]))
    async with at_work(worker(graph, vault, streams)):
        await until_judged(graph, vault, 3)
    await tell(graph, streams, *map(seen, names[3:6]))
    async with streams.bus.speaking() as client:
        key: Any = {streams.key(LANE): ">"}
        answer: Any = await client.xreadgroup(GROUP, "judge", key)
        ((_, taken),) = answer
        # It dies just after it has said that it is done, of which the vault knows nothing.
        await client.xack(streams.key(LANE), GROUP, *(id for id, _ in taken))
    await tell(graph, streams, *map(seen, names[6:]))

    async with at_work(worker(graph, vault, streams)):
        await until_judged(graph, vault, 9)

    assert len(taken) == 3
    assert await subjects(vault) == [wallet(name) for name in names]
