"""Traces that are jobs, and are kept: to be named, cited, published and forgotten."""

from datetime import datetime
from typing import Annotated

import strawberry

from graph_api.domain.principals import Principal
from graph_api.schema.arguments import Argument
from graph_api.schema.changes import RefusalAnswer, change, change_or_refusal
from graph_api.schema.jobs import Job
from graph_api.schema.paging import Connection
from graph_api.schema.steps import batched, root
from graph_api.schema.trace_questions import TraceInput
from graph_api.schema.traces import Trace
from graph_api.services.tracing import keeping
from graph_api.services.tracing.questions import TraceQuestion
from graph_api.vault.jobs import Job as JobRow
from graph_api.vault.traces import Kept
from graph_api.vault.vault import Door


@strawberry.type(description="A trace that was kept: whole, unchanged, to be cited.")
class StoredTrace:
    """It belongs to who asked for it; others of the workspace see it once it is published."""

    trace_id: str = strawberry.field(description="Its id, which is that of its job.")
    digest: str = strawberry.field(description="SHA-256 of the whole answer as JSON, in hex.")
    citation: str = strawberry.field(description="Id and digest: what a report names.")
    made_at: datetime = strawberry.field(description="When it was answered.")
    owner: str = strawberry.field(description="Who asked for it.")
    name: str | None = strawberry.field(description="What its owner calls it.")
    published_at: datetime | None = strawberry.field(
        description="Since when the workspace sees it; null while it is its owner's alone."
    )

    trace: Trace | None = batched(
        keeping.answers,
        key="trace_id",
        of=Trace.of,
        cost=5,
        fresh=True,
        description="The answer as it was.",
    )

    @classmethod
    def of(cls, kept: Kept) -> "StoredTrace":
        """As clients see it."""
        return cls(
            trace_id=kept.id,
            digest=kept.digest,
            citation=f"trace {kept.id}, sha256 {kept.digest}",
            made_at=kept.made_at,
            owner=kept.principal,
            name=kept.name,
            published_at=kept.published_at,
        )


StoredTraceResult = Annotated[
    StoredTrace | RefusalAnswer,
    strawberry.union("StoredTraceResult", description="The trace as it is now, or why not."),
]


def _id(id: str) -> str:
    return id


async def _request(
    vault: Door, *, question: TraceQuestion, principal: Principal, now: datetime
) -> JobRow:
    return await keeping.request_trace(vault, asked=question, principal=principal, now=now)


@strawberry.type
class StoredTraceQuery:
    """Traces that were kept."""

    stored_trace: StoredTrace | None = root(
        keeping.by_ids,
        key=_id,
        of=StoredTrace.of,
        arguments={"id": "Its `traceId`."},
        description="A trace that was kept; null where there is none that you may see.",
    )
    stored_traces: Connection[StoredTrace] = root(
        keeping.history,
        of=StoredTrace.of,
        description="Your traces, and those that are published in the workspace, newest first.",
    )


@strawberry.type
class StoredTraceMutation:
    """Asking for traces, and what becomes of those that are kept."""

    request_trace: Job = change(
        _request,
        of=Job.of,
        arguments={"question": Argument("What is traced.", type=TraceInput)},
        description=(
            "Trace as a job, within a larger budget; the answer is kept and can be cited. Asked "
            "again while it runs it answers the same job."
        ),
    )
    name_trace: StoredTraceResult = change_or_refusal(
        keeping.name,
        of=StoredTrace.of,
        arguments={"id": "Its `traceId`.", "name": "Up to 100 characters; yours alone has it."},
        description="Keep a trace of yours by name.",
    )
    publish_trace: StoredTraceResult = change_or_refusal(
        keeping.publish,
        of=StoredTrace.of,
        arguments={"id": "Its `traceId`."},
        description=(
            "Let the workspace see a trace of yours, and write it into the graph as a `Trace` with "
            "roads to wallets, for everybody who may ask the graph."
        ),
    )
    withdraw_trace: StoredTraceResult = change_or_refusal(
        keeping.withdraw,
        of=StoredTrace.of,
        arguments={"id": "Its `traceId`."},
        description="Take a trace back from the workspace and from the graph; it stays yours.",
    )
    delete_trace: StoredTraceResult = change_or_refusal(
        keeping.delete,
        of=StoredTrace.of,
        arguments={"id": "Its `traceId`."},
        description="Forget a trace of yours for good; who cites it finds nothing.",
    )
