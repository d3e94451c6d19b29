"""Clusters on terms of somebody's own as jobs: asked for, kept for good, and looked up again.

A replay that was kept is known by the id of its job. It belongs to who asked for it; published, the
whole workspace sees it.
"""

import asyncio
from datetime import datetime
from hashlib import blake2b, sha256
from typing import Final

import msgspec
import zstandard

from graph_api.domain.pages import Page, Slice
from graph_api.domain.principals import Principal
from graph_api.services.clustering.chain_replays import (
    ReplayAnswer,
    ReplayQuestion,
    Report,
    replay_chain,
)
from graph_api.services.exporting import as_json
from graph_api.services.jobs import enqueue, require_room
from graph_api.services.places import placed, window
from graph_api.store.graph import Graph
from graph_api.vault import replays
from graph_api.vault.jobs import Job
from graph_api.vault.shelves import Kept
from graph_api.vault.vault import Door, Vault

#: Unites wallets by terms; its subject is a digest of the question and who asked.
REPLAY: Final = "cluster_replay"
#: Brings what the graph tells of a replay up to date.
PUBLICATION: Final = "cluster_replay_publication"


class ReplayDone(msgspec.Struct, frozen=True, kw_only=True):
    """What a job of this kind came to, without what is nobody else's business."""

    replay: str
    digest: str
    clusters: int
    wallets: int


async def request_replay(
    vault: Door, *, asked: ReplayQuestion, principal: Principal, now: datetime
) -> Job:
    """Ask for a replay; the job that is at the same one already, if the same person asked for it.

    Raises: TooCostly when too many jobs wait.
    """
    arguments = msgspec.to_builtins(asked)
    await require_room(vault, principal)
    text = msgspec.json.encode([principal.id, arguments], order="sorted")
    return await enqueue(
        vault,
        principal,
        REPLAY,
        arguments=arguments,
        subject=f"replay:{blake2b(text, digest_size=16).hexdigest()}",
        now=now,
    )


async def run_replay(
    graph: Graph,
    vault: Door,
    job: Job,
    *,
    owner: Principal,
    now: datetime,
    report: Report = lambda _read, _all: None,
) -> ReplayDone:
    """Answer a job's question, and keep the answer."""
    asked = msgspec.convert(job.arguments, ReplayQuestion)
    answer = await replay_chain(graph, asked, now=now, report=report)
    text = await asyncio.to_thread(as_json, answer)
    kept = await replays.save(
        vault,
        owner,
        id=job.id,
        digest=sha256(text).hexdigest(),
        question=job.arguments,
        body=await asyncio.to_thread(zstandard.compress, text),
        now=now,
    )
    return ReplayDone(
        replay=kept.id,
        digest=kept.digest,
        clusters=len(answer.clusters),
        wallets=answer.wallets,
    )


async def by_ids(vault: Vault, ids: list[str], *, principal: Principal) -> dict[str, Kept]:
    """The replays with these ids that the principal may see."""
    return await replays.by_ids(vault, principal, ids)


async def answers(vault: Vault, ids: list[str], *, principal: Principal) -> dict[str, ReplayAnswer]:
    """What was answered, as it was."""
    bodies = await replays.bodies(vault, principal, ids)
    return {
        id: msgspec.json.decode(zstandard.decompress(body), type=ReplayAnswer)
        for id, body in bodies.items()
    }


async def history(vault: Vault, *, page: Page, principal: Principal) -> Slice[Kept]:
    """The replays that the principal may see, the newest first."""
    found = await replays.history(vault, principal, window(page))
    return placed(found, lambda kept: (kept.made_at, kept.id))


async def name(vault: Door, *, id: str, name: str, principal: Principal) -> Kept:
    """Keep a replay by name. Raises: Refused."""
    return await replays.call(vault, principal, id, name=name)


async def publish(vault: Door, *, id: str, principal: Principal, now: datetime) -> Kept:
    """Let the workspace and the graph tell of a replay. Raises: Refused."""
    kept = await replays.publish(vault, principal, id, now=now)
    await _tell(vault, id, principal=principal, now=now)
    return kept


async def withdraw(vault: Door, *, id: str, principal: Principal, now: datetime) -> Kept:
    """Let nobody else see a replay any more. Raises: Refused."""
    kept = await replays.withdraw(vault, principal, id)
    await _tell(vault, id, principal=principal, now=now)
    return kept


async def delete(vault: Door, *, id: str, principal: Principal, now: datetime) -> Kept:
    """Forget a replay, in the graph too. Raises: Refused."""
    kept = await replays.remove(vault, principal, id)
    await _tell(vault, id, principal=principal, now=now)
    return kept


async def _tell(vault: Door, id: str, *, principal: Principal, now: datetime) -> None:
    """Ask for what the graph tells of a replay to be brought up to date.

    Belongs into the transaction of the change. A job that is under way may have looked before.
    """
    await enqueue(vault, principal, PUBLICATION, arguments={"replay": id}, now=now)
