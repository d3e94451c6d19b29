"""Durable jobs: a row is the command, one worker at a time holds it, and its end is on record.

A worker claims a job for the length of a lease and renews it while it works. When it falls silent
the lease runs out and another worker claims the job; every claim carries a higher ``fence``, so
that whoever comes back late is told ``LeaseLost`` and its word is not taken. About one ``subject``
a workspace has one job of a kind that has not ended.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec
from msgspec.structs import asdict, replace
from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from graph_api.domain.errors import BadInput, GraphApiError, NotFound
from graph_api.domain.principals import Principal
from graph_api.vault.columns import as_kept
from graph_api.vault.pages import NEWEST, Page, Window, page
from graph_api.vault.tables import add, jobs
from graph_api.vault.vault import Door

MAX_ATTEMPTS = 5


class JobState(StrEnum):
    """Where a job is; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)
ACTIVE = (JobState.QUEUED, JobState.RUNNING)


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of work that ``principal`` asked for.

    Args:
        subject: What it is about; of two jobs about the same, one waits for the other's end.
        progress: From 0 to 1; ``done`` of ``total`` in ``unit`` where that can be counted.
        message: What it does or waits for, for people.
        result: What it came to, or has come to so far.
        error, code, remedy: Why it failed: a sentence that is safe to show, a word to branch on,
            and what a person can do.
        attempts: The claims that count against the job.
        not_before: When a job that was put off may be claimed again.
    """

    id: str
    workspace: str
    principal: str
    kind: str
    arguments: dict[str, Any]
    state: JobState = JobState.QUEUED
    progress: float = 0.0
    result: Any = None
    error: str | None = None
    attempts: int = 0
    worker: str | None = None
    fence: int = 0
    lease_until: datetime | None = None
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    subject: str | None = None
    done: int | None = None
    total: int | None = None
    unit: str | None = None
    message: str | None = None
    code: str | None = None
    remedy: str | None = None
    not_before: datetime | None = None


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker tells of a job while it works; ``result`` is what it has come to so far."""

    done: int | None = None
    total: int | None = None
    unit: str | None = None
    message: str | None = None
    result: Any = None


class LeaseLost(GraphApiError):
    """The job was cancelled, or passed to another worker, since this worker claimed it."""

    def __init__(self, job: Job) -> None:
        super().__init__(f"Job {job.id} is no longer held by worker {job.worker}.")


async def enqueue(
    vault: Door,
    principal: Principal,
    *,
    id: str,
    kind: str,
    arguments: dict[str, Any],
    now: datetime,
    subject: str | None = None,
) -> Job:
    """Ask for work; the same command with the same ``id`` again is the same job.

    Where a job of that kind about ``subject`` has not ended, it is that one, whoever asked for it.
    Raises BadInput when another command has that id.
    """
    wanted = Job(
        id=id,
        workspace=principal.workspace,
        principal=principal.id,
        kind=kind,
        arguments=as_kept(arguments),
        created_at=now,
        subject=subject,
    )
    async with vault.writing() as connection:
        while not await add(connection, jobs, asdict(wanted)):
            found = await _locked(connection, principal, id)
            if found is not None and _command(found) != _command(wanted):
                raise BadInput(f"Another job has the id {id}.")
            found = found or await _not_ended(connection, principal, kind, subject)
            # None: the one that was in the way has ended meanwhile.
            if found is not None:
                return found
    return wanted


async def by_ids(vault: Door, principal: Principal, ids: Sequence[str]) -> dict[str, Job]:
    """The jobs of the workspace with these ids; what is not there is left out."""
    question = _of(principal).where(jobs.c.id.in_(ids))
    async with vault.reading() as connection:
        return {row.id: _job(row) for row in await connection.execute(question)}


async def by_id(vault: Door, principal: Principal, id: str) -> Job | None:
    """One job of the workspace, if it is there."""
    return (await by_ids(vault, principal, [id])).get(id)


async def history(
    vault: Door,
    principal: Principal,
    window: Window = NEWEST,
    *,
    kinds: Sequence[str] | None = None,
    states: Sequence[JobState] | None = None,
    subject: str | None = None,
) -> Page[Job]:
    """The workspace's jobs, the newest first; of some kinds or states, or about one subject,
    where these are named.
    """
    question = _of(principal)
    if subject is not None:
        question = question.where(jobs.c.subject == subject)
    if kinds is not None:
        question = question.where(jobs.c.kind.in_(kinds))
    if states is not None:
        question = question.where(jobs.c.state.in_(states))
    async with vault.reading() as connection:
        order = jobs.c.created_at, jobs.c.id
        return await page(connection, question, window, order=order, of=_job)


async def newest_about(
    vault: Door, principal: Principal, subjects: Sequence[str], *, kind: str
) -> dict[str, Job]:
    """The newest job of a kind about each of ``subjects``; who has none is left out."""
    question = (
        _of(principal)
        .where(jobs.c.kind == kind, jobs.c.subject.in_(subjects))
        .order_by(jobs.c.created_at, jobs.c.id)
    )
    async with vault.reading() as connection:
        return {row.subject: _job(row) for row in await connection.execute(question)}


async def active(vault: Door, principal: Principal) -> int:
    """How many jobs of the workspace wait or run."""
    question = (
        select(func.count())
        .select_from(jobs)
        .where(jobs.c.workspace == principal.workspace, jobs.c.state.in_(ACTIVE))
    )
    async with vault.reading() as connection:
        return int(await connection.scalar(question) or 0)


async def cancel(vault: Door, principal: Principal, id: str, *, now: datetime) -> Job:
    """Call a job off; its worker learns it when it next renews. A final job stays as it is."""
    async with vault.writing() as connection:
        job = await _locked(connection, principal, id)
        if job is None:
            raise NotFound(f"There is no job {id}.")
        if job.state in FINAL:
            return job
        return await _changed(
            connection, job, state=JobState.CANCELLED, finished_at=now, lease_until=None
        )


async def is_waiting(
    vault: Door, principal: Principal, *, kinds: Sequence[str], now: datetime
) -> bool:
    """Whether there is a job to claim: a look that keeps nobody from writing."""
    question = _of(principal).where(jobs.c.kind.in_(kinds), _is_free(now)).limit(1)
    async with vault.reading() as connection:
        return (await connection.execute(question)).first() is not None


async def claim(
    vault: Door,
    principal: Principal,
    *,
    kinds: Sequence[str],
    worker: str,
    now: datetime,
    lease: timedelta,
    id: str | None = None,
    failed: Callable[[Job], None] = lambda job: None,
) -> Job | None:
    """The oldest job of ``kinds`` that waits or was left behind, now held by ``worker`` alone;
    with ``id`` that one or none.

    A job that took down ``MAX_ATTEMPTS`` workers is failed instead of offered again, and
    ``failed`` is told.
    """
    async with vault.writing() as connection:
        while (job := await _next(connection, principal, kinds, now, id)) is not None:
            if job.attempts < MAX_ATTEMPTS:
                return await _changed(
                    connection,
                    job,
                    state=JobState.RUNNING,
                    worker=worker,
                    attempts=job.attempts + 1,
                    fence=job.fence + 1,
                    lease_until=now + lease,
                    started_at=job.started_at or now,
                    not_before=None,
                )
            error = f"{job.attempts} workers began this job and none came to its end."
            failed(await _failed(connection, job, error=error, now=now))
    return None


async def renew(
    vault: Door,
    principal: Principal,
    job: Job,
    *,
    progress: float,
    now: datetime,
    lease: timedelta,
    note: Note | None = None,
) -> Job:
    """Say how far a claimed job is and keep it; raises LeaseLost when it should be dropped."""
    if not 0.0 <= progress <= 1.0:
        raise BadInput(f"Progress lies between 0 and 1, not at {progress}.")
    async with vault.writing() as connection:
        held = await _held(connection, principal, job)
        told = {} if note is None else asdict(note) | {"result": as_kept(note.result)}
        return await _changed(connection, held, progress=progress, lease_until=now + lease, **told)


async def look(vault: Door, principal: Principal, job: Job) -> Job:
    """A claimed job as it stands, without keeping it; raises LeaseLost."""
    return _same(job, await by_id(vault, principal, job.id))


async def finish(
    vault: Door, principal: Principal, job: Job, *, result: Any = None, now: datetime
) -> Job:
    """End a claimed job with its result, a JSON value; raises LeaseLost."""
    async with vault.writing() as connection:
        held = await _held(connection, principal, job)
        return await _changed(
            connection,
            held,
            state=JobState.DONE,
            progress=1.0,
            result=as_kept(result),
            message=None,
            lease_until=None,
            finished_at=now,
        )


async def fail(
    vault: Door,
    principal: Principal,
    job: Job,
    *,
    error: str,
    now: datetime,
    code: str | None = None,
    remedy: str | None = None,
) -> Job:
    """End a claimed job with a sentence that is safe to show; raises LeaseLost."""
    async with vault.writing() as connection:
        held = await _held(connection, principal, job)
        return await _failed(connection, held, error=error, now=now, code=code, remedy=remedy)


async def put_off(
    vault: Door,
    principal: Principal,
    job: Job,
    *,
    message: str,
    until: datetime,
) -> Job:
    """Let a claimed job be tried again at ``until``; ``message`` says why. Raises LeaseLost.

    The try counts against the job.
    """
    async with vault.writing() as connection:
        held = await _held(connection, principal, job)
        return await _changed(
            connection,
            held,
            state=JobState.QUEUED,
            worker=None,
            lease_until=None,
            message=message,
            not_before=until,
        )


async def give_back(vault: Door, principal: Principal, job: Job) -> Job:
    """Let another worker have a claimed job, as a worker does that is told to stop."""
    async with vault.writing() as connection:
        held = await _held(connection, principal, job)
        return await _changed(
            connection,
            held,
            state=JobState.QUEUED,
            worker=None,
            attempts=held.attempts - 1,
            lease_until=None,
            message=None,
        )


def _command(job: Job) -> tuple[str, str, dict[str, Any]]:
    return job.principal, job.kind, job.arguments


def _of(principal: Principal) -> Select[Any]:
    return select(jobs).where(jobs.c.workspace == principal.workspace)


async def _next(
    connection: AsyncConnection,
    principal: Principal,
    kinds: Sequence[str],
    now: datetime,
    id: str | None,
) -> Job | None:
    question = _of(principal).where(jobs.c.kind.in_(kinds), _is_free(now))
    if id is not None:
        question = question.where(jobs.c.id == id)
    # PostgreSQL passes over what another worker is claiming; SQLite has one writer at a time.
    question = (
        question.order_by(jobs.c.created_at, jobs.c.id).limit(1).with_for_update(skip_locked=True)
    )
    row = (await connection.execute(question)).one_or_none()
    return None if row is None else _job(row)


def _is_free(now: datetime) -> ColumnElement[bool]:
    left_behind = and_(jobs.c.state == JobState.RUNNING, jobs.c.lease_until <= now)
    its_time = or_(jobs.c.not_before.is_(None), jobs.c.not_before <= now)
    return or_(and_(jobs.c.state == JobState.QUEUED, its_time), left_behind)


async def _not_ended(
    connection: AsyncConnection, principal: Principal, kind: str, subject: str | None
) -> Job | None:
    question = _of(principal).where(
        jobs.c.kind == kind, jobs.c.subject == subject, jobs.c.state.in_(ACTIVE)
    )
    row = (await connection.execute(question)).one_or_none()
    return None if row is None else _job(row)


async def _held(connection: AsyncConnection, principal: Principal, job: Job) -> Job:
    return _same(job, await _locked(connection, principal, job.id))


def _same(job: Job, found: Job | None) -> Job:
    """``found`` where it is still the one that was claimed. Raises: LeaseLost."""
    if found is None or found.state is not JobState.RUNNING or found.fence != job.fence:
        raise LeaseLost(job)
    return found


async def _locked(connection: AsyncConnection, principal: Principal, id: str) -> Job | None:
    question = _of(principal).where(jobs.c.id == id).with_for_update()
    row = (await connection.execute(question)).one_or_none()
    return None if row is None else _job(row)


async def _failed(
    connection: AsyncConnection,
    job: Job,
    *,
    error: str,
    now: datetime,
    code: str | None = None,
    remedy: str | None = None,
) -> Job:
    return await _changed(
        connection,
        job,
        state=JobState.FAILED,
        error=error,
        code=code,
        remedy=remedy,
        message=None,
        lease_until=None,
        finished_at=now,
    )


async def _changed(connection: AsyncConnection, job: Job, **changes: Any) -> Job:
    here = and_(jobs.c.workspace == job.workspace, jobs.c.id == job.id)
    await connection.execute(update(jobs).where(here).values(**changes))
    return replace(job, **changes)


def _job(row: Row[Any]) -> Job:
    return Job(**{**row._mapping, "state": JobState(row.state)})
