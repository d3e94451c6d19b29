"""Runs of clustering that were asked for: done, called off, put off, and on record."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from graph_api.domain.errors import BadInput, UpstreamUnavailable
from graph_api.domain.ids import ChainId
from graph_api.domain.labels import claim, on_chain
from graph_api.domain.principals import LOCAL
from graph_api.services.clustering.due import request_due
from graph_api.services.jobs import CLUSTERING, cancel, request_clustering
from graph_api.vault import jobs
from graph_api.vault.jobs import Job, JobState, Note
from graph_api.vault.vault import Vault
from ingest.jobs.clusters import cluster_worker, keep_clustered
from ingest.jobs.workers import JobWorker, Ring, Tell, nobody
from tests.given import ETHEREUM, NOW, Ledger, address
from tests.services.test_clustering import deposit, exchange

CHAIN = ChainId(ETHEREUM.id)


async def asked(vault: Vault) -> Job:
    """A run is asked for."""
    return await request_clustering(vault, chain=CHAIN, principal=LOCAL, now=NOW)


async def now_of(vault: Vault, job: Job) -> Job:
    """The job as it stands."""
    found = await jobs.by_id(vault, LOCAL, job.id)
    assert found is not None
    return found


async def test_a_run_is_done_and_its_result_says_what_it_found(
    ledger: Ledger, vault: Vault
) -> None:
    await ledger.write(*exchange(), *deposit("a", "d", block=100), *deposit("b", "d", block=200))
    job = await asked(vault)
    assert (await asked(vault)).id == job.id
    heard: list[Job] = []

    async def ring(one: Job) -> None:
        heard.append(one)

    worker = cluster_worker(ledger.graph, vault, clock=lambda: NOW, ring=ring)
    done = await worker.once()
    assert done is not None
    assert (done.id, done.state, done.progress) == (job.id, JobState.DONE, 1.0)
    assert (done.result["clusters"], done.result["wallets"]) == (2, 4)
    assert (done.result["id"], done.result["incremental"]) == (f"{CHAIN}|1", False)
    assert heard[-1] == done
    assert await worker.once() is None

    await ledger.write(*deposit("c", "d", block=300), *deposit("c", "d", block=400))
    assert (await asked(vault)).id != job.id
    again = await worker.once()
    assert again is not None
    assert (again.result["id"], again.result["incremental"]) == (f"{CHAIN}|2", True)


async def test_chains_with_news_are_asked_for_by_themselves_and_not_too_often(
    ledger: Ledger, vault: Vault
) -> None:
    now, every, left_out = NOW, timedelta(minutes=10), list[list[ChainId]]()
    worker = cluster_worker(ledger.graph, vault, clock=lambda: now)

    async def asked_for(*followed: ChainId) -> list[str]:
        asked = await request_due(
            ledger.graph,
            vault,
            followed,
            every=every,
            most_facts=10,
            principal=LOCAL,
            now=now,
        )
        left_out.append(asked.too_large)
        return [job.arguments["chain"] for job in asked.jobs]

    # Nothing is loaded yet; later it is, and somebody follows the chain.
    assert await asked_for(CHAIN) == []
    await ledger.write(*exchange(), *deposit("a", "d", block=100), *deposit("b", "d", block=200))
    assert await asked_for() == []
    assert await asked_for(CHAIN) == [CHAIN]
    # It is under way, has been asked for just now, has no news.
    assert await asked_for(CHAIN) == []
    assert (await worker.once()) is not None
    await ledger.write(*deposit("c", "d", block=300))
    assert await asked_for(CHAIN) == []
    now += every
    # What was clustered before needs nobody to follow it.
    assert await asked_for() == [CHAIN]
    assert (await worker.once()) is not None
    now += every
    assert await asked_for() == []
    # Labels are news too.
    said = claim(
        on_chain(ETHEREUM, address("c")), "x", source="t", confidence=0.9, actor="exchange"
    )
    await ledger.write(said)
    assert await asked_for() == [CHAIN]
    assert (await worker.once()) is not None
    now += every
    # What memory does not take is not tried.
    for block in (400, 500, 600):
        await ledger.write(*deposit("c", "d", block=block))
    assert await asked_for(CHAIN) == []
    assert (left_out[0], left_out[-1]) == ([], [CHAIN])


async def test_asking_goes_on_when_something_was_away(ledger: Ledger, vault: Vault) -> None:
    await ledger.write(*exchange(), *deposit("a", "d", block=100))
    looks, looked_again = 0, asyncio.Event()

    def clock() -> datetime:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise UpstreamUnavailable("The graph", retry_after_s=1)
        if looks == 3:
            looked_again.set()
        return NOW

    asking = asyncio.create_task(
        keep_clustered(ledger.graph, vault, [CHAIN], clock=clock, every=timedelta(milliseconds=1))
    )
    await looked_again.wait()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert await jobs.active(vault, LOCAL) == 1


class Work:
    """Work that waits until it is let go, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.began, self.go, self.error = asyncio.Event(), asyncio.Event(), error
        self.ended_early = False

    async def __call__(self, job: Job, tell: Tell) -> Any:
        tell(0.5, Note(message="Half."))
        self.began.set()
        if self.error is not None:
            raise self.error
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.ended_early = True
            raise
        return {"came": "to this"}


def working(vault: Vault, work: Work, *, ring: Ring = nobody) -> JobWorker:
    return JobWorker(
        vault,
        CLUSTERING,
        work,
        clock=lambda: NOW,
        remedy="Ask again.",
        ring=ring,
        tell_every_s=0.01,
    )


async def test_a_job_that_is_called_off_is_left_at_once(vault: Vault) -> None:
    job, work = await asked(vault), Work()
    running = asyncio.create_task(working(vault, work).once())
    await work.began.wait()
    await cancel(vault, id=job.id, principal=LOCAL, now=NOW)
    ended = await running
    assert ended is not None
    assert ended.state is JobState.CANCELLED
    assert work.ended_early


async def test_progress_is_told_while_it_works(vault: Vault) -> None:
    job, work, told = await asked(vault), Work(), asyncio.Event()

    async def ring(one: Job) -> None:
        if (await now_of(vault, one)).progress == 0.5:
            told.set()

    running = asyncio.create_task(working(vault, work, ring=ring).once())
    await told.wait()
    assert (await now_of(vault, job)).message == "Half."
    work.go.set()
    ended = await running
    assert ended is not None
    assert (ended.state, ended.result) == (JobState.DONE, {"came": "to this"})


async def test_a_worker_that_stops_gives_its_job_back(vault: Vault) -> None:
    job, work = await asked(vault), Work()
    running = asyncio.create_task(working(vault, work).once())
    await work.began.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    back = await now_of(vault, job)
    assert (back.state, back.attempts, work.ended_early) == (JobState.QUEUED, 0, True)


@pytest.mark.parametrize(
    ("error", "state", "code"),
    [
        (UpstreamUnavailable("The graph", retry_after_s=1), JobState.QUEUED, None),
        (BadInput("No such thing."), JobState.FAILED, "BAD_INPUT"),
        (ValueError("a secret"), JobState.FAILED, "INTERNAL"),
    ],
)
async def test_what_is_away_is_tried_again_and_what_is_wrong_is_not(
    vault: Vault, error: Exception, state: JobState, code: str | None
) -> None:
    await asked(vault)
    ended = await working(vault, Work(error)).once()
    assert ended is not None
    assert (ended.state, ended.code) == (state, code)
    assert "secret" not in str(ended.error)
    assert ended.remedy == (None if code is None else "Ask again.")
    if state is JobState.QUEUED:
        assert ended.not_before == NOW + timedelta(seconds=5)
