"""Long work that somebody asked for: how it goes, and calling it off."""

from contextlib import suppress
from datetime import datetime

import strawberry

from graph_api.domain.errors import NotFound, UpstreamUnavailable
from graph_api.domain.events import Event, Line
from graph_api.domain.ids import AccountId
from graph_api.domain.principals import Principal
from graph_api.live.hub import Told
from graph_api.live.interests import Interest
from graph_api.live.streams import Streams
from graph_api.schema.changes import change
from graph_api.schema.context import Context
from graph_api.schema.feeds import feed
from graph_api.schema.job_results import JobResult, result_of
from graph_api.schema.ledger import Wallet
from graph_api.schema.paging import Connection
from graph_api.schema.scalars import BigInt
from graph_api.schema.steps import Argument, batched, root
from graph_api.schema.subscriptions import LiveEvent
from graph_api.services import jobs
from graph_api.store import wallets
from graph_api.store.outbox import new_epoch
from graph_api.vault.jobs import Job as JobRow
from graph_api.vault.jobs import JobState
from graph_api.vault.vault import Vault

strawberry.enum(
    JobState,
    description=(
        "Where a job is: QUEUED until a worker takes it up, RUNNING, and at its end DONE, FAILED "
        "or CANCELLED."
    ),
)


@strawberry.type(description="Why a job failed, and what to do.")
class JobError:
    """For people and for programs."""

    message: str = strawberry.field(description="What is wrong, in a sentence.")
    code: str | None = strawberry.field(
        description=(
            "A word to branch on: `SOURCE_MISSING` where nobody is named who could tell, or a code "
            "of the API's errors."
        )
    )
    remedy: str | None = strawberry.field(description="What a person can do about it.")


@strawberry.type(description="Long work that somebody asked for. Asking, it is on record.")
class Job:
    """Where it stands."""

    job_id: str = strawberry.field(description="Its id, to look after it and to cancel it by.")
    kind: str = strawberry.field(
        description=(
            "What is done: `wallet` reads a wallet's history, `clustering` finds who is one on a "
            "chain, `cluster_replay` does so on other terms, `trace` follows value, `watchlist` "
            "brings the graph's labels of a watchlist up to date, `destination_test` sends a test "
            "to a destination of alerts."
        )
    )
    state: JobState = strawberry.field(description="Where it is.")
    progress: float = strawberry.field(
        description="How near its end is, 0 to 1: that of the work, or that of its budget."
    )
    done: BigInt | None = strawberry.field(description="How much is done, in `unit`.")
    total: BigInt | None = strawberry.field(description="Of how much, in `unit`.")
    unit: str | None = strawberry.field(description="What is counted, such as `blocks`.")
    message: str | None = strawberry.field(
        description="What it does or waits for, in a sentence; null when it has ended."
    )
    account_id: AccountId | None = strawberry.field(
        description="The wallet that it is about; null where it is about none."
    )
    attempts: int = strawberry.field(description="How often a worker has begun it.")
    created_at: datetime = strawberry.field(description="When it was asked for.")
    started_at: datetime | None = strawberry.field(description="When a worker first began it.")
    finished_at: datetime | None = strawberry.field(description="When it ended.")
    result: JobResult | None = strawberry.field(
        description="What it came to, or has come to so far; null before there is anything."
    )
    error: JobError | None = strawberry.field(description="Why it failed; null unless it did.")

    wallet: Wallet | None = batched(
        wallets.by_ids,
        key="account_id",
        of=Wallet.of,
        fresh=True,
        description="The wallet that it is about; null while nothing of it is loaded.",
    )

    @classmethod
    def of(cls, row: JobRow) -> "Job":
        """As clients see it."""
        return cls(
            job_id=row.id,
            kind=row.kind,
            state=row.state,
            progress=row.progress,
            done=None if row.done is None else BigInt(row.done),
            total=None if row.total is None else BigInt(row.total),
            unit=row.unit,
            message=row.message,
            account_id=AccountId(row.subject) if row.kind == jobs.WALLET and row.subject else None,
            attempts=row.attempts,
            created_at=row.created_at,
            started_at=row.started_at,
            finished_at=row.finished_at,
            result=result_of(row),
            error=_error(row),
        )


def _error(row: JobRow) -> JobError | None:
    if row.error is None:
        return None
    return JobError(message=row.error, code=row.code, remedy=row.remedy)


def _job(id: str) -> str:
    return id


async def _cancel_job(context: Context, *, id: str, principal: Principal, now: datetime) -> JobRow:
    job = await jobs.cancel(context.door, id=id, principal=principal, now=now)
    streams = context.part_if_any(Streams)
    if streams is not None:

        async def ring() -> None:
            # Who is subscribed learns it by looking again, too.
            with suppress(UpstreamUnavailable):
                await jobs.ring(streams, job, epoch=new_epoch(), now=now)

        context.afterwards.append(ring)
    return job


@strawberry.type
class JobQuery:
    """Jobs of the workspace."""

    job: Job | None = root(
        jobs.by_ids,
        key=_job,
        of=Job.of,
        arguments={"id": "Its `jobId`."},
        description="One job of the workspace; null where it has none of that id.",
    )
    jobs: Connection[Job] = root(
        jobs.history,
        of=Job.of,
        arguments={
            "states": Argument("Only those in one of these states.", type=list[JobState] | None),
            "wallet": "Only those about this wallet.",
        },
        description="The jobs of the workspace, the newest first.",
    )


@strawberry.type
class JobMutation:
    """Calling long work off."""

    cancel_job: Job = change(
        _cancel_job,
        of=Job.of,
        arguments={"id": "Its `jobId`."},
        description=(
            "Call a job off; what it has done stays. A job that has ended stays as it is."
        ),
    )


@strawberry.type(description="How a job goes: at first as it stands, then whenever that changes.")
class JobProgress(LiveEvent):
    """The last one is that of its end."""

    job_id: str = strawberry.field(description="Its id.")
    job: Job | None = batched(
        jobs.by_ids,
        key="job_id",
        of=Job.of,
        fresh=True,
        description="The job as it stands when this is told.",
    )

    @classmethod
    def of(cls, told: Told) -> "JobProgress":
        """As clients see it."""
        return cls(cursor=told.cursor_text, at=told.at, job_id=told.event.body["job"])


async def _progress(context: Context, *, id: str, principal: Principal) -> Interest:
    vault = context.part(Vault)

    async def present() -> list[Event]:
        job = (await jobs.by_ids(vault, [id], principal=principal)).get(id)
        if job is None:
            raise NotFound(f"There is no job {id[:60]}.")
        news, at = jobs.news_of(job), round(context.clock().timestamp() * 1000)
        return [Event(topic=news.topic, number=0, at=at, body=news.body)]

    # Nobody waits for what is not there.
    await present()
    return Interest(
        line=Line.PROGRESS,
        fields=("job",),
        values=frozenset([id]),
        test=lambda event: event.body["workspace"] == principal.workspace,
        present=present,
        ends=jobs.ends,
    )


@strawberry.type
class JobSubscription:
    """Following jobs to their end."""

    job_progress: JobProgress = feed(
        _progress,
        of=JobProgress.of,
        arguments={"id": "Its `jobId`."},
        description=(
            "How a job goes: first as it stands, then whenever that changes, until it has ended; "
            "the subscription is complete then. Who comes back later begins with how it stands."
        ),
    )
