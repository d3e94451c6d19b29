"""What the vault's tests begin with: a moment, and objects on record in a few words."""

from datetime import UTC, datetime, timedelta
from typing import Any

from graph_api.domain.principals import Principal
from graph_api.vault import desk_changes, jobs
from graph_api.vault.desk_changes import DeskAction, DeskChange, Edit
from graph_api.vault.jobs import Job
from graph_api.vault.vault import Door

NOON = datetime(2024, 5, 17, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
WALLET = "eip155:1:0x" + "ab" * 20


def addition(*, actor: str = "desk", account: str | None = WALLET) -> Edit:
    """An account of an actor, put into the registry."""
    return Edit(
        action=DeskAction.ADD,
        actor_id=actor,
        account_id=account,
        after={"name": actor, "confidence": 0.9},
        reason="Named on the desk's own site.",
    )


async def change(
    vault: Door,
    principal: Principal,
    id: str,
    *,
    at: datetime = NOON,
    actor: str = "desk",
    account: str | None = WALLET,
) -> DeskChange:
    """An addition on record."""
    edit = addition(actor=actor, account=account)
    return await desk_changes.record(vault, principal, edit, id=id, now=at)


async def job(
    vault: Door,
    principal: Principal,
    id: str,
    *,
    kind: str = "backfill",
    at: datetime = NOON,
    arguments: dict[Any, Any] | None = None,
) -> Job:
    """A job that waits."""
    return await jobs.enqueue(vault, principal, id=id, kind=kind, arguments=arguments or {}, now=at)


async def claimed(
    vault: Door,
    principal: Principal,
    *,
    kind: str = "backfill",
    worker: str = "worker",
    at: datetime = NOON,
) -> Job:
    """The next job, held by a worker for a minute; there must be one."""
    job = await jobs.claim(vault, principal, kinds=[kind], worker=worker, now=at, lease=MINUTE)
    assert job is not None
    return job
