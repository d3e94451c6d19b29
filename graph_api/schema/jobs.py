"""Long work that somebody asked for: how it goes, what it came to, and wallets that are asked for.

An address that nothing is loaded of has a way on: ``walletStatus`` tells it, ``requestWallet``
takes it.
"""

from contextlib import suppress
from datetime import datetime
from typing import Annotated

import msgspec
import strawberry

from graph_api.analysis.tracing.limits import Ended as TraceEnded
from graph_api.domain.addresses import shown_address
from graph_api.domain.chains import chain_of
from graph_api.domain.errors import NotFound, UpstreamUnavailable
from graph_api.domain.events import Event, Line
from graph_api.domain.ids import AccountId, ChainId, address_of, chain_id_of
from graph_api.domain.notices import Outcome, Verdict
from graph_api.domain.principals import Principal
from graph_api.domain.wallet_loads import Ended, Loaded, Part, PartRead
from graph_api.live.hub import Told
from graph_api.live.interests import Interest
from graph_api.live.streams import Streams
from graph_api.schema.changes import change
from graph_api.schema.cluster_runs import ClusterRun
from graph_api.schema.context import Context
from graph_api.schema.feeds import feed
from graph_api.schema.inputs import WalletLookup
from graph_api.schema.ledger import Wallet
from graph_api.schema.paging import Connection
from graph_api.schema.scalars import BigInt
from graph_api.schema.scanning import BlockSpan
from graph_api.schema.steps import Argument, batched, extends, root
from graph_api.schema.subscriptions import LiveEvent
from graph_api.services import jobs, notices, standings
from graph_api.services.clustering import keeping as replay_keeping
from graph_api.services.clustering.keeping import ReplayDone
from graph_api.services.standings import Knowledge, Standing
from graph_api.services.tracing import keeping
from graph_api.services.tracing.keeping import TraceDone
from graph_api.store import histories, wallets
from graph_api.store.clusters import RunRow
from graph_api.store.histories import History
from graph_api.store.outbox import new_epoch
from graph_api.vault.jobs import Job as JobRow
from graph_api.vault.jobs import JobState
from graph_api.vault.vault import Door, Vault

strawberry.enum(
    JobState,
    description=(
        "Where a job is: QUEUED until a worker takes it up, RUNNING, and at its end DONE, FAILED "
        "or CANCELLED."
    ),
)
strawberry.enum(
    Part,
    name="WalletPart",
    description=(
        "What of a wallet's history: its TOKENS, its transactions and moves of the chain's own "
        "COIN, or EVERYTHING where a chain has no such parts."
    ),
)
strawberry.enum(
    Ended,
    name="WalletLoadEnd",
    description=(
        "Why reading a wallet ended: COMPLETE when all is read that cannot change any more, else "
        "which part of the budget was spent first."
    ),
)
strawberry.enum(
    Knowledge,
    name="WalletKnowledge",
    description=(
        "What is known of a wallet: something is loaded of it (KNOWN), a job is reading it "
        "(FETCHING), it was read and there is nothing (EMPTY), or nobody has asked (UNKNOWN)."
    ),
)


@strawberry.type(description="How far one part of a wallet's history is read.")
class WalletPartRead:
    """Where it stands."""

    part: Part = strawberry.field(description="Which part.")
    source: str = strawberry.field(description="Who tells it.")
    from_block: BigInt | None = strawberry.field(
        description="Everything from this block on is read; null while nothing of late is."
    )
    to_block: BigInt = strawberry.field(description="Up to this one, which cannot change any more.")
    unseen: str | None = strawberry.field(
        description="What the source cannot tell, in a sentence; null where that is nothing."
    )

    @classmethod
    def of(cls, found: PartRead) -> "WalletPartRead":
        """As clients see it."""
        first = None if found.first is None else BigInt(found.first)
        return cls(
            part=found.part,
            source=found.source,
            from_block=first,
            to_block=BigInt(found.last),
            unseen=found.unseen,
        )


@strawberry.type(description="What a request for a wallet has cost.")
class WalletLoadCost:
    """Counted over all tries of the request."""

    blocks: BigInt = strawberry.field(description="Blocks, counted for each part.")
    records: int = strawberry.field(description="Transfers, transactions and descriptions.")
    requests: int = strawberry.field(description="Calls of nodes and explorers.")
    seconds: float = strawberry.field(description="Of asking and writing, not of waiting.")


@strawberry.type(description="What a request for a wallet came to, or has come to so far.")
class WalletLoaded:
    """The outcome of a job of the kind `wallet`."""

    parts: list[WalletPartRead] = strawberry.field(description="How far each part is read.")
    written: int = strawberry.field(description="Facts that were new.")
    known: int = strawberry.field(description="Facts that were in the graph already.")
    rejected: int = strawberry.field(description="What could not be decoded.")
    cost: WalletLoadCost = strawberry.field(description="What it cost.")
    ended: Ended | None = strawberry.field(description="Why it ended; null while it goes on.")
    way_on: str | None = strawberry.field(
        description="How to read on where the budget ended it; null where nothing is left."
    )

    @classmethod
    def of(cls, found: Loaded) -> "WalletLoaded":
        """As clients see it."""
        spent = found.spent
        return cls(
            parts=[WalletPartRead.of(part) for part in found.parts],
            written=found.written,
            known=found.known,
            rejected=found.rejected,
            cost=WalletLoadCost(
                blocks=BigInt(spent.blocks),
                records=spent.records,
                requests=spent.requests,
                seconds=spent.seconds,
            ),
            ended=found.ended,
            way_on=_way_on(found),
        )


def _way_on(found: Loaded) -> str | None:
    if found.ended in (None, Ended.COMPLETE):
        return None
    return (
        f"The budget of {found.ended.value} ended it; `requestWallet` reads on from there. "
        f"DESKGRAPH_WALLETS__{found.ended.value.upper()} sets how far one request goes."
    )


@strawberry.type(description="What came of a test of a destination.")
class DestinationTested:
    """One try, which no other follows."""

    delivered: bool = strawberry.field(description="Whether it was taken.")
    status: int | None = strawberry.field(
        description="What was answered: a status of HTTP or of SMTP; null where nothing was."
    )
    took_ms: int = strawberry.field(description="How long that took, milliseconds.")
    answer: str | None = strawberry.field(description="The beginning of what was answered.")
    reason: str | None = strawberry.field(description="Why it was not taken, in a sentence.")

    @classmethod
    def of(cls, found: Outcome) -> "DestinationTested":
        """As clients see it."""
        return cls(
            delivered=found.verdict is Verdict.DELIVERED,
            status=found.status,
            took_ms=found.took_ms,
            answer=found.answer,
            reason=found.reason,
        )


@strawberry.type(description="What a trace came to; `storedTrace` has the answer.")
class TraceFinished:
    """Of whom it is, the answer tells those alone who may see it."""

    trace_id: str = strawberry.field(description="The `id` that `storedTrace` takes.")
    digest: str = strawberry.field(description="SHA-256 of the whole answer, in hex.")
    complete: bool = strawberry.field(
        description="Whether it came to all ends; else its budget was spent before."
    )
    wallets_reached: int = strawberry.field(description="Wallets that value came to.")
    piece_count: int = strawberry.field(description="Pieces of value that were followed.")

    @classmethod
    def of(cls, found: TraceDone) -> "TraceFinished":
        """As clients see it."""
        return cls(
            trace_id=found.trace,
            digest=found.digest,
            complete=found.ended is TraceEnded.COMPLETE,
            wallets_reached=found.wallets,
            piece_count=found.pieces,
        )


@strawberry.type(description="What a replay came to; `storedClusterReplay` has the answer.")
class ClusterReplayFinished:
    """Of whom it is, the answer tells those alone who may see it."""

    replay_id: str = strawberry.field(description="The `id` that `storedClusterReplay` takes.")
    digest: str = strawberry.field(description="SHA-256 of the whole answer, in hex.")
    cluster_count: int = strawberry.field(description="Clusters, of two wallets or more.")
    clustered_wallets: int = strawberry.field(description="Wallets that are in one of them.")

    @classmethod
    def of(cls, found: ReplayDone) -> "ClusterReplayFinished":
        """As clients see it."""
        return cls(
            replay_id=found.replay,
            digest=found.digest,
            cluster_count=found.clusters,
            clustered_wallets=found.wallets,
        )


JobResult = Annotated[
    WalletLoaded | DestinationTested | ClusterRun | ClusterReplayFinished | TraceFinished,
    strawberry.union("JobResult", description="What a job came to, by its kind."),
]


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
            result=_result(row),
            error=_error(row),
        )


def _result(
    row: JobRow,
) -> WalletLoaded | DestinationTested | ClusterRun | ClusterReplayFinished | TraceFinished | None:
    if row.result is None:
        return None
    match row.kind:
        case jobs.WALLET:
            return WalletLoaded.of(msgspec.convert(row.result, Loaded))
        case notices.TEST:
            return DestinationTested.of(msgspec.convert(row.result, Outcome))
        case jobs.CLUSTERING:
            return ClusterRun.of(msgspec.convert(row.result, RunRow))
        case replay_keeping.REPLAY:
            return ClusterReplayFinished.of(msgspec.convert(row.result, ReplayDone))
        case keeping.TRACE:
            return TraceFinished.of(msgspec.convert(row.result, TraceDone))
    return None


def _error(row: JobRow) -> JobError | None:
    if row.error is None:
        return None
    return JobError(message=row.error, code=row.code, remedy=row.remedy)


@strawberry.type(description="What was read of one part of a wallet's history, by request.")
class WalletHistory:
    """Of all requests together."""

    part: Part = strawberry.field(description="Which part.")
    source: str = strawberry.field(description="Who told it last.")
    spans: list[BlockSpan] = strawberry.field(description="The blocks that were read, ascending.")
    complete: bool = strawberry.field(
        description="Whether nothing was left, from the first block on, when it was read last."
    )
    facts: int = strawberry.field(description="How many facts were told.")
    updated_at: datetime = strawberry.field(description="When it was read last.")

    @classmethod
    def of(cls, found: History) -> "WalletHistory":
        """As clients see it."""
        return cls(
            part=found.part,
            source=found.source,
            spans=[BlockSpan(first=BigInt(low), last=BigInt(high)) for low, high in found.spans],
            complete=found.done,
            facts=found.facts,
            updated_at=found.updated_at,
        )


@extends(Wallet)
class WalletHistories:
    """What was asked for of a wallet."""

    histories: list[WalletHistory] = batched(
        histories.of_wallets,
        key="account_id",
        of=WalletHistory.of,
        description=(
            "What of its history was read by request, part by part; empty where nobody has asked. "
            "Blocks that were followed whole are told by `scanners`."
        ),
    )


@strawberry.type(description="What is known of an address, be anything loaded of it or not.")
class WalletStatus:
    """Never the end of the way."""

    account_id: AccountId = strawberry.field(description="CAIP-10 id.")
    chain_id: ChainId = strawberry.field(description="CAIP-2 id of its chain.")
    address: str = strawberry.field(description="As people write it: EIP-55 on EVM chains.")
    state: Knowledge = strawberry.field(description="How much is known.")
    way_on: str = strawberry.field(description="What to do to know more, in a sentence.")
    wallet: Wallet | None = strawberry.field(description="What is loaded; null while nothing is.")
    histories: list[WalletHistory] = strawberry.field(
        description="What of its history was read by request, part by part."
    )
    followed: list[BlockSpan] = strawberry.field(
        description="Blocks of its chain that were fetched whole, so that nothing of it is missing."
    )
    job: Job | None = strawberry.field(
        description="The newest job about it in this workspace; null where there is none."
    )

    @classmethod
    def of(cls, found: Standing) -> "WalletStatus":
        """As clients see it."""
        chain = chain_of(chain_id_of(found.account))
        edges = found.followed
        return cls(
            account_id=found.account,
            chain_id=ChainId(chain.id),
            address=shown_address(chain, address_of(found.account)),
            state=found.knowledge,
            way_on=found.way_on,
            wallet=Wallet.of(found.row) if found.row else None,
            histories=[WalletHistory.of(one) for one in found.histories],
            followed=[
                BlockSpan(first=BigInt(low), last=BigInt(high))
                for low, high in zip(edges[::2], edges[1::2], strict=True)
            ],
            job=Job.of(found.job) if found.job else None,
        )


def _wallet(by: WalletLookup) -> AccountId:
    return by.asked()


def _job(id: str) -> str:
    return id


async def _standings(
    context: Context, accounts: list[AccountId], *, principal: Principal
) -> dict[AccountId, Standing]:
    vault = context.part(Vault)
    return await standings.of_wallets(context.graph, vault, accounts, principal=principal)


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


async def _request_wallet(
    vault: Door, *, by: AccountId, principal: Principal, now: datetime
) -> JobRow:
    return await jobs.request_wallet(vault, wallet=by, principal=principal, now=now)


@strawberry.type
class JobQuery:
    """Jobs, and wallets that are asked for."""

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
    wallet_status: WalletStatus = root(
        _standings,
        key=_wallet,
        of=WalletStatus.of,
        cost=4,
        arguments={"by": "Its name."},
        description=(
            "What is known of an address, and how to know more: also of one that nothing is loaded "
            "of, where `wallet` answers null."
        ),
        fresh=True,
    )


@strawberry.type
class JobMutation:
    """Asking for long work, and calling it off."""

    request_wallet: Job = change(
        _request_wallet,
        of=Job.of,
        arguments={"by": Argument("Its name.", type=WalletLookup)},
        description=(
            "Read the history of a wallet, newest first, within the budget of "
            "`DESKGRAPH_WALLETS__…`. Asked again while it is read it answers the same job; "
            "afterwards a new one, which goes on where the last one ended."
        ),
    )
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
