"""Jobs: asked for once, held by one worker at a time, ended once."""

import asyncio
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any

import pytest

from graph_api.domain.errors import BadInput, NotFound
from graph_api.domain.principals import LOCAL, Principal
from graph_api.vault import jobs
from graph_api.vault.jobs import MAX_ATTEMPTS, Job, JobState, LeaseLost, Note
from graph_api.vault.vault import Vault
from tests.vault import given
from tests.vault.given import MINUTE, NOON, SECOND

WORKERS = 8


async def next_job(vault: Vault, worker: str, *, at: datetime = NOON) -> Job | None:
    return await jobs.claim(vault, LOCAL, kinds=["backfill"], worker=worker, now=at, lease=MINUTE)


async def test_a_job_runs_from_asking_to_result(vault: Vault, ann: Principal) -> None:
    arguments = {"chain": "eip155:1", "since": 17_000_000}
    asked = await jobs.enqueue(vault, ann, id="1", kind="backfill", arguments=arguments, now=NOON)
    held = await given.claimed(vault, ann, at=NOON + SECOND)
    half = await jobs.renew(vault, ann, held, progress=0.5, now=NOON + 2 * SECOND, lease=MINUTE)
    done = await jobs.finish(vault, ann, half, result={"blocks": 7}, now=NOON + 3 * SECOND)

    assert (asked.state, asked.principal, asked.workspace) == (JobState.QUEUED, "ann", "ann-desk")
    assert (held.state, held.worker, held.started_at) == (
        JobState.RUNNING,
        "worker",
        NOON + SECOND,
    )
    assert (half.progress, half.lease_until) == (0.5, NOON + 2 * SECOND + MINUTE)
    assert (done.state, done.progress, done.result) == (JobState.DONE, 1.0, {"blocks": 7})
    assert (done.created_at, done.finished_at) == (NOON, NOON + 3 * SECOND)
    assert done.lease_until is None
    assert await jobs.by_id(vault, ann, "1") == done


async def test_a_job_can_fail_with_a_sentence(vault: Vault) -> None:
    await given.job(vault, LOCAL, "1")
    failed = await jobs.fail(
        vault, LOCAL, await given.claimed(vault, LOCAL), error="No node answers.", now=NOON
    )

    assert (failed.state, failed.error) == (JobState.FAILED, "No node answers.")
    assert await jobs.by_id(vault, LOCAL, "1") == failed
    assert await next_job(vault, "other", at=NOON + 2 * MINUTE) is None


async def test_of_eight_claimers_at_once_one_gets_the_job(vault_url: str) -> None:
    async with AsyncExitStack() as stack:
        vaults = [
            await stack.enter_async_context(await Vault.open(vault_url)) for _ in range(WORKERS)
        ]
        await given.job(vaults[0], LOCAL, "1")

        claims = await asyncio.gather(
            *(next_job(vault, f"worker {n}") for n, vault in enumerate(vaults))
        )

        won = [job for job in claims if job is not None]
        assert len(won) == 1
        assert won == [await jobs.by_id(vaults[0], LOCAL, "1")]


async def test_eight_workers_share_out_a_queue(vault_url: str) -> None:
    async def work(vault: Vault, worker: str) -> list[str]:
        ended = []
        while (job := await next_job(vault, worker)) is not None:
            await jobs.finish(vault, LOCAL, job, result=worker, now=NOON)
            ended.append(job.id)
        return ended

    async with AsyncExitStack() as stack:
        vaults = [
            await stack.enter_async_context(await Vault.open(vault_url)) for _ in range(WORKERS)
        ]
        asked = [(await given.job(vaults[0], LOCAL, f"{n:02}")).id for n in range(24)]

        shares = await asyncio.gather(
            *(work(vault, f"worker {n}") for n, vault in enumerate(vaults))
        )

        assert sorted(id for share in shares for id in share) == asked
        ended = await jobs.by_ids(vaults[0], LOCAL, asked)
        assert {(job.state, job.attempts, job.fence) for job in ended.values()} == {
            (JobState.DONE, 1, 1)
        }


async def test_the_oldest_job_of_a_worker_s_kinds_comes_first(vault: Vault) -> None:
    await given.job(vault, LOCAL, "late", at=NOON + MINUTE)
    await given.job(vault, LOCAL, "other", kind="trace", at=NOON)
    await given.job(vault, LOCAL, "early", at=NOON + SECOND)

    order = [job.id for n in range(2) if (job := await next_job(vault, f"worker {n}"))]

    assert order == ["early", "late"]
    assert await next_job(vault, "worker 3") is None
    assert (await given.claimed(vault, LOCAL, kind="trace")).id == "other"


async def test_a_silent_worker_s_job_passes_to_another_for_good(vault: Vault) -> None:
    await given.job(vault, LOCAL, "1")
    silent = await given.claimed(vault, LOCAL, worker="silent")
    assert await next_job(vault, "eager", at=NOON + MINUTE - SECOND) is None

    heir = await next_job(vault, "heir", at=NOON + MINUTE)

    assert heir is not None
    assert (heir.id, heir.attempts, heir.started_at) == ("1", 2, NOON)
    assert heir.fence > silent.fence
    for attempt in (
        jobs.renew(vault, LOCAL, silent, progress=0.9, now=NOON + MINUTE, lease=MINUTE),
        jobs.finish(vault, LOCAL, silent, result="late", now=NOON + MINUTE),
        jobs.fail(vault, LOCAL, silent, error="Late.", now=NOON + MINUTE),
        jobs.give_back(vault, LOCAL, silent),
    ):
        with pytest.raises(LeaseLost, match="Job 1 is no longer held by worker silent"):
            await attempt
    assert await jobs.by_id(vault, LOCAL, "1") == heir


async def test_a_renewed_lease_keeps_others_away(vault: Vault) -> None:
    await given.job(vault, LOCAL, "1")
    held = await given.claimed(vault, LOCAL)

    await jobs.renew(vault, LOCAL, held, progress=0.1, now=NOON + 59 * SECOND, lease=MINUTE)

    assert await next_job(vault, "eager", at=NOON + MINUTE + 58 * SECOND) is None


async def test_a_late_worker_may_end_what_nobody_took_over(vault: Vault) -> None:
    await given.job(vault, LOCAL, "1")
    held = await given.claimed(vault, LOCAL)

    done = await jobs.finish(vault, LOCAL, held, now=NOON + 10 * MINUTE)

    assert done.state is JobState.DONE


async def test_a_job_that_takes_workers_down_is_not_offered_for_ever(vault: Vault) -> None:
    await given.job(vault, LOCAL, "poison")
    await given.job(vault, LOCAL, "sound", at=NOON + SECOND)
    for attempt in range(MAX_ATTEMPTS):
        taken = await next_job(vault, "victim", at=NOON + 2 * attempt * MINUTE)
        assert taken is not None
        assert taken.id == "poison"

    after, failed = NOON + 2 * MAX_ATTEMPTS * MINUTE, list[Job]()
    following = await jobs.claim(
        vault,
        LOCAL,
        kinds=["backfill"],
        worker="survivor",
        now=after,
        lease=MINUTE,
        failed=failed.append,
    )

    assert following is not None
    assert following.id == "sound"
    poison = await jobs.by_id(vault, LOCAL, "poison")
    assert poison is not None
    assert failed == [poison]
    assert (poison.state, poison.finished_at) == (JobState.FAILED, after)
    assert poison.error == "5 workers began this job and none came to its end."


async def test_a_job_given_back_does_not_count_against_it(vault: Vault) -> None:
    await given.job(vault, LOCAL, "1")
    for _ in range(MAX_ATTEMPTS + 2):
        held = await given.claimed(vault, LOCAL)
        waiting = await jobs.give_back(vault, LOCAL, held)

    assert (waiting.state, waiting.attempts, waiting.worker) == (JobState.QUEUED, 0, None)
    assert waiting.fence == MAX_ATTEMPTS + 2
    with pytest.raises(LeaseLost):
        await jobs.finish(vault, LOCAL, held, now=NOON)


async def test_a_cancelled_job_never_starts(vault: Vault) -> None:
    await given.job(vault, LOCAL, "1")
    cancelled = await jobs.cancel(vault, LOCAL, "1", now=NOON + SECOND)

    assert (cancelled.state, cancelled.finished_at) == (JobState.CANCELLED, NOON + SECOND)
    assert await next_job(vault, "worker") is None


async def test_a_worker_learns_that_its_job_was_cancelled(vault: Vault) -> None:
    await given.job(vault, LOCAL, "1")
    held = await given.claimed(vault, LOCAL)
    await jobs.cancel(vault, LOCAL, "1", now=NOON + SECOND)

    with pytest.raises(LeaseLost):
        await jobs.renew(vault, LOCAL, held, progress=0.5, now=NOON, lease=MINUTE)
    assert await next_job(vault, "other", at=NOON + 2 * MINUTE) is None


async def test_what_has_ended_cannot_be_cancelled(vault: Vault) -> None:
    await given.job(vault, LOCAL, "1")
    done = await jobs.finish(vault, LOCAL, await given.claimed(vault, LOCAL), now=NOON)

    assert await jobs.cancel(vault, LOCAL, "1", now=NOON + MINUTE) == done
    with pytest.raises(NotFound, match="There is no job 2"):
        await jobs.cancel(vault, LOCAL, "2", now=NOON)


async def test_the_same_command_twice_is_one_job(vault: Vault) -> None:
    first = await given.job(vault, LOCAL, "1", arguments={"chain": "eip155:1"})
    held = await given.claimed(vault, LOCAL)
    again = await given.job(vault, LOCAL, "1", arguments={"chain": "eip155:1"}, at=NOON + MINUTE)

    assert again == held
    assert again.created_at == first.created_at
    assert len((await jobs.history(vault, LOCAL)).rows) == 1


async def test_a_command_is_known_again_by_its_json(vault: Vault) -> None:
    spans: dict[Any, Any] = {"spans": ((1, 2), (5, 8)), 7: "seven"}
    first = await given.job(vault, LOCAL, "1", arguments=spans)

    assert first.arguments == {"spans": [[1, 2], [5, 8]], "7": "seven"}
    assert await given.job(vault, LOCAL, "1", arguments=spans) == first
    assert await jobs.by_id(vault, LOCAL, "1") == first


async def test_the_same_command_from_many_at_once_is_one_job(vault: Vault) -> None:
    found = await asyncio.gather(*(given.job(vault, LOCAL, "1") for _ in range(WORKERS)))

    assert found == [found[0]] * WORKERS
    assert (await jobs.history(vault, LOCAL)).rows == [found[0]]


@pytest.mark.parametrize("other", [{"kind": "trace"}, {"arguments": {"chain": "eip155:56"}}])
async def test_another_command_cannot_take_the_id(vault: Vault, other: dict[str, Any]) -> None:
    first = await given.job(vault, LOCAL, "1")

    with pytest.raises(BadInput, match="Another job has the id 1"):
        await given.job(vault, LOCAL, "1", **other)

    assert await jobs.by_id(vault, LOCAL, "1") == first


async def test_the_history_can_be_of_some_kinds_and_states(vault: Vault) -> None:
    for n, kind in enumerate(["backfill", "trace", "backfill"]):
        await given.job(vault, LOCAL, str(n), kind=kind, at=NOON + n * SECOND)
    await given.claimed(vault, LOCAL)

    async def ids(**filters: Any) -> list[str]:
        return [job.id for job in (await jobs.history(vault, LOCAL, **filters)).rows]

    assert await ids() == ["2", "1", "0"]
    assert await ids(kinds=["backfill"]) == ["2", "0"]
    assert await ids(states=[JobState.QUEUED]) == ["2", "1"]
    assert await ids(kinds=["backfill"], states=[JobState.RUNNING, JobState.DONE]) == ["0"]
    assert await ids(kinds=[]) == []


@pytest.mark.parametrize("progress", [-0.1, 1.1, float("nan")])
async def test_progress_is_a_fraction(vault: Vault, progress: float) -> None:
    await given.job(vault, LOCAL, "1")
    held = await given.claimed(vault, LOCAL)

    with pytest.raises(BadInput, match="Progress lies between 0 and 1"):
        await jobs.renew(vault, LOCAL, held, progress=progress, now=NOON, lease=MINUTE)


async def test_many_jobs_are_found_by_their_ids_at_once(vault: Vault) -> None:
    one, two = await given.job(vault, LOCAL, "1"), await given.job(vault, LOCAL, "2")

    assert await jobs.by_ids(vault, LOCAL, ["2", "1", "absent"]) == {"1": one, "2": two}
    assert await jobs.by_ids(vault, LOCAL, []) == {}


async def about(vault: Vault, id: str, subject: str, *, at: datetime = NOON) -> Job:
    """A job about ``subject`` is asked for."""
    return await jobs.enqueue(
        vault, LOCAL, id=id, kind="backfill", arguments={}, now=at, subject=subject
    )


async def test_about_one_subject_one_job_waits_or_runs(vault: Vault) -> None:
    first = await about(vault, "1", "a")
    again = await about(vault, "2", "a", at=NOON + SECOND)
    other = await about(vault, "3", "b", at=NOON + 2 * SECOND)
    held = await given.claimed(vault, LOCAL)
    while_it_runs = await about(vault, "4", "a", at=NOON + 3 * SECOND)
    await jobs.finish(vault, LOCAL, held, now=NOON + MINUTE)
    afterwards = await about(vault, "5", "a", at=NOON + MINUTE)

    assert again == first
    assert (other.id, while_it_runs, afterwards.id) == ("3", held, "5")
    assert await jobs.active(vault, LOCAL) == 2
    newest = await jobs.newest_about(vault, LOCAL, ["a", "b", "c"], kind="backfill")
    assert {subject: job.id for subject, job in newest.items()} == {"a": "5", "b": "3"}
    assert [job.id for job in (await jobs.history(vault, LOCAL, subject="a")).rows] == ["5", "1"]


async def test_of_many_who_ask_about_one_subject_at_once_all_get_the_same_job(vault: Vault) -> None:
    found = await asyncio.gather(*(about(vault, str(n), "a") for n in range(WORKERS)))

    assert {job.id for job in found} == {found[0].id}
    assert (await jobs.history(vault, LOCAL)).rows == [found[0]]


async def test_a_job_that_is_put_off_waits_for_its_time_and_says_why(vault: Vault) -> None:
    await given.job(vault, LOCAL, "1")
    held = await given.claimed(vault, LOCAL)
    off = await jobs.put_off(vault, LOCAL, held, message="No node answers.", until=NOON + MINUTE)

    assert (off.state, off.message, off.attempts) == (JobState.QUEUED, "No node answers.", 1)
    assert await next_job(vault, "eager", at=NOON + MINUTE - SECOND) is None
    waiting = [
        await jobs.is_waiting(vault, LOCAL, kinds=["backfill"], now=at)
        for at in (NOON + MINUTE - SECOND, NOON + MINUTE)
    ]
    assert waiting == [False, True]
    again = await next_job(vault, "patient", at=NOON + MINUTE)
    assert again is not None
    assert (again.attempts, again.not_before) == (2, None)


async def test_a_worker_tells_how_far_a_job_is_and_what_it_came_to_so_far(vault: Vault) -> None:
    await given.job(vault, LOCAL, "1")
    held = await given.claimed(vault, LOCAL)
    note = Note(done=40, total=100, unit="blocks", message="Reading.", result={"written": 3})
    told = await jobs.renew(vault, LOCAL, held, progress=0.4, now=NOON, lease=MINUTE, note=note)
    failed = await jobs.fail(
        vault, LOCAL, told, error="No node.", code="SOURCE_MISSING", remedy="Name one.", now=NOON
    )

    assert (told.done, told.total, told.unit, told.message) == (40, 100, "blocks", "Reading.")
    assert (failed.result, failed.message) == ({"written": 3}, None)
    assert (failed.error, failed.code, failed.remedy) == (
        "No node.",
        "SOURCE_MISSING",
        "Name one.",
    )
    assert await jobs.by_id(vault, LOCAL, "1") == failed


async def test_one_job_can_be_claimed_by_its_id(vault: Vault) -> None:
    await given.job(vault, LOCAL, "1")
    await given.job(vault, LOCAL, "2", at=NOON + SECOND)

    async def claim(id: str) -> Job | None:
        return await jobs.claim(
            vault, LOCAL, kinds=["backfill"], worker="w", now=NOON, lease=MINUTE, id=id
        )

    second = await claim("2")
    assert second is not None
    assert second.id == "2"
    assert await claim("2") is None
