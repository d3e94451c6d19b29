"""A week whose truth is planted: every alert once, none missed, and previews that say the same."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Self

import pytest

from graph_api.domain.events import LineState
from graph_api.live.bus import Bus
from graph_api.live.streams import Streams
from graph_api.services.alert_previews import preview
from graph_api.services.alerting import PRICE_TOLERANCE, Judge
from graph_api.services.events import AlertLine, Kept, KeptPast, Outbox
from graph_api.store import outbox
from graph_api.store.address import GraphAddress
from graph_api.store.graph import Graph
from graph_api.store.records import moment
from graph_api.vault import alert_news, judging
from graph_api.vault.home import default_url
from graph_api.vault.vault import Vault
from ingest.pipelines.judging import JudgingWork
from ingest.pipelines.publishing import Publisher
from tests.alerts.living import LANES, OWNERS, Life, names_of, raised, subject_of
from tests.alerts.world import START, WEEK, Expected, Week
from tests.given import NOW
from tests.ingest.loading import Command, command
from tests.real.available import Unavailable, skip
from tests.real.redis import Server, redis_program

PATIENCE_S = 240
#: How often somebody is killed: `make proof-alerts` asks for more.
KILLS = int(os.environ.get("DESKGRAPH_KILLS", "3"))


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    try:
        async with Server(redis_program(), tmp_path / "bus") as server:
            yield server
    except Unavailable as reason:
        skip(reason)


@asynccontextmanager
async def bus_at(server: Server) -> AsyncIterator[Streams]:
    bus = await Bus.connect(server.url, timeout_s=2.0)
    try:
        yield Streams(bus)
    finally:
        await bus.close()


def publisher(kept: Kept, streams: Streams) -> Publisher:
    """Who tells what is kept, and lets nothing of it be forgotten."""
    return Publisher(kept, streams, clock=lambda: moment(START), poll_s=0.05)


@asynccontextmanager
async def at_work(*work: Publisher | JudgingWork) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(one.run()) for one in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def all_judged(graph: Graph, vault: Vault) -> None:
    """Wait until everything that is told is judged."""
    async with asyncio.timeout(PATIENCE_S):
        for state in await outbox.lines(graph):
            if state.lane in LANES:
                while not await is_judged(vault, state):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)


async def is_judged(vault: Vault, state: LineState) -> bool:
    return await judging.judged_through(vault, state.lane, state.epoch) >= state.last


async def checked(graph: Graph, vault: Vault, week: Week, life: Life) -> None:
    """Every alert was raised once, and no other; what did not stay was taken back."""
    found, gone = await raised(vault, week)
    missed = Counter(life.expected) - Counter(found)
    assert (sorted(missed.elements()), Counter(found) - Counter(life.expected)) == ([], Counter())
    assert {*gone} == life.gone
    news = await alert_news.after(vault, 0, limit=10_000)
    assert [one.number for one in news] == list(range(1, len(found) + len(gone) + 1))
    assert {one.workspace for one in news} == {*OWNERS}


async def previewed(graph: Graph, vault: Vault, week: Week, life: Life) -> None:
    """What previews of the week say is what was raised and stands."""
    names, standing = names_of(week), life.expected - life.gone
    for rule in week.rules:
        if rule.since:
            continue
        seen = await preview(
            graph,
            vault,
            condition=rule.condition,
            cool_down_s=rule.cool_down_s,
            last=timedelta(milliseconds=WEEK + 1),
            principal=OWNERS[rule.workspace],
            now=moment(START + WEEK),
            tolerance=PRICE_TOLERANCE,
        )
        mine = (rule.workspace, rule.id)
        said = {Expected(*mine, *subject_of(one.finding.facts, names)) for one in seen.findings}
        wanted = {one for one in standing if one[:2] == mine}
        assert (mine, said) == (mine, wanted)
        assert (mine, seen.raised, seen.is_complete) == (mine, len(wanted), True)


async def test_a_week_is_judged_as_it_was_planted(
    graph: Graph, vault: Vault, server: Server
) -> None:
    week = Week(noise=20)
    life = Life(graph, vault, week)
    await life.begin()
    async with bus_at(server) as streams:
        work = JudgingWork(
            Judge(graph, vault, clock=lambda: NOW, tolerance=PRICE_TOLERANCE),
            vault,
            streams,
            past=KeptPast(Outbox(graph)),
            clock=lambda: NOW,
            pause_s=0.05,
        )
        kept = (Outbox(graph), AlertLine(vault))
        publishers = [publisher(one, streams) for one in kept]
        async with at_work(*publishers, work):
            await life.live(week.steps)
            await all_judged(graph, vault)

    assert work.tally.failed == 0
    await checked(graph, vault, week, life)
    await previewed(graph, vault, week, life)


class Workers:
    """Processes that judge; one that is killed is followed by another."""

    def __init__(self, address: GraphAddress, home: Path, vault_url: str, bus_url: str) -> None:
        self._start = partial(command, address, home, "tests.alerts.child", vault_url, bus_url)
        self._stack = AsyncExitStack()
        self._running: list[Command] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def start(self) -> None:
        self._running.append(await self._stack.enter_async_context(self._start()))

    async def kill(self, number: int) -> None:
        """End one without a word, and start another."""
        worker = self._running.pop(number)
        worker.send(signal.SIGKILL)
        await worker.ended()
        await self.start()


@pytest.mark.parametrize("graph_address", ["embedded"], indirect=True)
async def test_nothing_is_lost_or_doubled_when_judges_and_the_bus_are_killed(
    graph: Graph, vault: Vault, server: Server, tmp_path: Path
) -> None:
    random = Random(KILLS)
    week = Week(seed=KILLS, noise=10 * KILLS)
    life = Life(graph, vault, week)
    await life.begin()
    size = -(-len(week.steps) // KILLS)
    kept = (Outbox(graph), AlertLine(vault))
    async with (
        bus_at(server) as streams,
        Workers(graph.address, tmp_path, default_url(tmp_path), server.url) as workers,
        at_work(*(publisher(one, streams) for one in kept)),
    ):
        for _ in range(3):
            await workers.start()
        for kill in range(KILLS):
            await life.live(week.steps[kill * size : (kill + 1) * size])
            await workers.kill(random.randrange(3))
            if kill == KILLS // 2:
                # It forgets everything, the places of those who judge included.
                await server.kill()
                await server.start()
        await all_judged(graph, vault)

    await checked(graph, vault, week, life)
