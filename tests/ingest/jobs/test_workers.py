"""Who works off jobs: what was done in one transaction with its work is not called off after it."""

import asyncio
from typing import Any

from graph_api.domain.principals import LOCAL
from graph_api.services.jobs import cancel, enqueue
from graph_api.vault import jobs
from graph_api.vault.jobs import Job, JobState, Note
from graph_api.vault.vault import Vault
from ingest.jobs.workers import Ended, JobWorker, Tell
from tests.given import NOW

KIND = "chore"


async def asked(vault: Vault) -> Job:
    """A job that does nothing by itself."""
    return await enqueue(vault, LOCAL, KIND, arguments={}, now=NOW)


async def test_a_job_that_ends_with_its_work_may_tidy_up_afterwards(vault: Vault) -> None:
    job, tidied, heard = await asked(vault), list[bool](), list[Job]()

    async def do(job: Job, tell: Tell) -> Any:
        tell(0.5, Note(message="Half of it."))
        async with vault.together() as door:
            ended = await jobs.finish(door, LOCAL, job, result={"made": 1}, now=NOW)
        # Whoever keeps the job has time to learn that it is not there to be kept.
        for _ in range(50):
            await jobs.by_id(vault, LOCAL, job.id)
        tidied.append(True)
        return Ended(ended)

    async def ring(job: Job) -> None:
        heard.append(job)

    worker = JobWorker(
        vault, KIND, do, clock=lambda: NOW, remedy="Ask again.", ring=ring, tell_every_s=0.001
    )
    done = await worker.once()

    assert tidied == [True]
    assert done is not None
    assert (done.id, done.state, done.result) == (job.id, JobState.DONE, {"made": 1})
    assert heard[-1] == done
    assert await jobs.by_id(vault, LOCAL, job.id) == done


async def test_a_job_that_is_called_off_ends_in_the_middle_of_its_work(vault: Vault) -> None:
    job, tidied = await asked(vault), list[bool]()

    async def do(job: Job, tell: Tell) -> Any:
        await cancel(vault, id=job.id, principal=LOCAL, now=NOW)
        try:
            await asyncio.Event().wait()
        finally:
            tidied.append(True)

    worker = JobWorker(vault, KIND, do, clock=lambda: NOW, remedy="", tell_every_s=0.001)
    ended = await worker.once()

    assert ended is not None
    assert (ended.id, ended.state, tidied) == (job.id, JobState.CANCELLED, [True])
