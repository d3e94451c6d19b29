"""Traces as jobs: asked for, run, kept for good, and looked up again.

A trace that was kept is known by the id of its job. It belongs to who asked for it; published, the
whole workspace sees it.
"""

from collections.abc import Callable
from datetime import datetime
from hashlib import blake2b
from typing import Final

import msgspec
import zstandard

from graph_api.analysis.tracing.limits import Budget, Ended
from graph_api.domain.pages import Page, Slice
from graph_api.domain.principals import Principal
from graph_api.services.jobs import enqueue, require_room
from graph_api.services.places import placed, window
from graph_api.services.tracing.accounts import Report
from graph_api.services.tracing.answers import TraceAnswer, digest, encoded
from graph_api.services.tracing.questions import AS_A_JOB, TraceQuestion
from graph_api.services.tracing.running import nobody, trace
from graph_api.store.graph import Graph
from graph_api.vault import traces
from graph_api.vault.jobs import Job
from graph_api.vault.traces import Kept
from graph_api.vault.vault import Door, Vault

#: Follows value; its subject is a digest of the question and who asked.
TRACE: Final = "trace"
#: Brings what the graph tells of a trace up to date.
PUBLICATION: Final = "trace_publication"


class TraceDone(msgspec.Struct, frozen=True, kw_only=True):
    """What a job of this kind came to, without what is nobody else's business."""

    trace: str
    digest: str
    ended: Ended
    events: int
    wallets: int
    pieces: int


async def request_trace(
    vault: Door, *, asked: TraceQuestion, principal: Principal, now: datetime
) -> Job:
    """Ask for a trace; the job that is at the same one already, if the same person asked for it.

    Raises: TooCostly when too many jobs wait.
    """
    arguments = msgspec.to_builtins(asked)
    await require_room(vault, principal)
    text = msgspec.json.encode([principal.id, arguments], order="sorted")
    return await enqueue(
        vault,
        principal,
        TRACE,
        arguments=arguments,
        subject=f"trace:{blake2b(text, digest_size=16).hexdigest()}",
        now=now,
    )


async def run_trace(
    graph: Graph,
    vault: Door,
    job: Job,
    *,
    owner: Principal,
    now: datetime,
    seconds: Callable[[], float],
    budget: Budget = AS_A_JOB,
    report: Report = nobody,
) -> TraceDone:
    """Answer a job's question as of the moment it was asked, and keep the answer."""
    asked = msgspec.convert(job.arguments, TraceQuestion)
    answer = await trace(graph, asked, now=now, budget=budget, seconds=seconds, report=report)
    text = encoded(answer)
    kept = await traces.save(
        vault,
        owner,
        id=job.id,
        digest=digest(answer),
        question=job.arguments,
        body=zstandard.compress(text),
        now=now,
    )
    return TraceDone(
        trace=kept.id,
        digest=kept.digest,
        ended=answer.ended,
        events=answer.events,
        wallets=answer.wallets,
        pieces=len(answer.pieces),
    )


async def by_ids(vault: Vault, ids: list[str], *, principal: Principal) -> dict[str, Kept]:
    """The traces with these ids that the principal may see."""
    return await traces.by_ids(vault, principal, ids)


async def answers(vault: Vault, ids: list[str], *, principal: Principal) -> dict[str, TraceAnswer]:
    """What traces were answered, as it was."""
    bodies = await traces.bodies(vault, principal, ids)
    return {
        id: msgspec.json.decode(zstandard.decompress(body), type=TraceAnswer)
        for id, body in bodies.items()
    }


async def history(vault: Vault, *, page: Page, principal: Principal) -> Slice[Kept]:
    """The traces that the principal may see, the newest first."""
    found = await traces.history(vault, principal, window(page))
    return placed(found, lambda kept: (kept.made_at, kept.id))


async def name(vault: Door, *, id: str, name: str, principal: Principal) -> Kept:
    """Keep a trace by name. Raises: Refused."""
    return await traces.call(vault, principal, id, name=name)


async def publish(vault: Door, *, id: str, principal: Principal, now: datetime) -> Kept:
    """Let the workspace and the graph tell of a trace. Raises: Refused."""
    kept = await traces.publish(vault, principal, id, now=now)
    await _tell(vault, id, principal=principal, now=now)
    return kept


async def withdraw(vault: Door, *, id: str, principal: Principal, now: datetime) -> Kept:
    """Let nobody else see a trace any more. Raises: Refused."""
    kept = await traces.withdraw(vault, principal, id)
    await _tell(vault, id, principal=principal, now=now)
    return kept


async def delete(vault: Door, *, id: str, principal: Principal, now: datetime) -> Kept:
    """Forget a trace, in the graph too. Raises: Refused."""
    kept = await traces.remove(vault, principal, id)
    await _tell(vault, id, principal=principal, now=now)
    return kept


async def _tell(vault: Door, id: str, *, principal: Principal, now: datetime) -> None:
    """Ask for what the graph tells of a trace to be brought up to date.

    Belongs into the transaction of the change. A job that is under way may have looked before.
    """
    await enqueue(
        vault,
        principal,
        PUBLICATION,
        arguments={"trace": id},
        now=now,
    )
