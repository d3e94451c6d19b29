"""A week whose truth is planted: every alert once, none missed, and previews that say the same."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from graph_api.domain.events import LineState
from graph_api.live.bus import Bus
from graph_api.live.streams import Streams
from graph_api.services.alert_previews import preview
from graph_api.services.alerting import PRICE_TOLERANCE, Judge
from graph_api.services.events import AlertLine, KeptPast, Outbox
from graph_api.store import outbox
from graph_api.store.graph import Graph, moment
from graph_api.vault import judging
from graph_api.vault.vault import Vault
from ingest.pipelines.judging import JudgingWork
from ingest.pipelines.publishing import Publisher
from tests.alerts.living import LANES, OWNERS, Life, names_of, raised, subject_of
from tests.alerts.world import START, WEEK, Expected, Week
from tests.given import NOW
from tests.real.available import Unavailable, skip
from tests.real.redis import Server, redis_program

PATIENCE_S = 240


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
    news = await judging.news_after(vault, 0, limit=10_000)
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
        publishers = [
            Publisher(one, streams, clock=lambda: moment(START), poll_s=0.05) for one in kept
        ]
        async with at_work(*publishers, work):
            await life.live(week.steps)
            await all_judged(graph, vault)

    assert work.tally.failed == 0
    await checked(graph, vault, week, life)
    await previewed(graph, vault, week, life)
