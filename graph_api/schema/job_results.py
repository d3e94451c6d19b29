"""What jobs come to, each kind in a type of its own."""

from typing import Annotated

import msgspec
import strawberry

from graph_api.analysis.tracing.limits import Ended as TraceEnded
from graph_api.domain.notices import Outcome, Verdict
from graph_api.domain.wallet_loads import Ended, Loaded, Part, PartRead
from graph_api.schema.cluster_runs import ClusterRun
from graph_api.schema.scalars import BigInt
from graph_api.services import jobs, notices
from graph_api.services.clustering import keeping as replay_keeping
from graph_api.services.clustering.keeping import ReplayDone
from graph_api.services.tracing import keeping
from graph_api.services.tracing.keeping import TraceDone
from graph_api.store.clusters import RunRow
from graph_api.vault.jobs import Job as JobRow

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


def result_of(
    row: JobRow,
) -> WalletLoaded | DestinationTested | ClusterRun | ClusterReplayFinished | TraceFinished | None:
    """What the job came to, or has come to so far."""
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
