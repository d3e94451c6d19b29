"""The audit of the desk registry: who changed what, when and why; nothing in it ever changes."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from msgspec.structs import asdict, replace
from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from graph_api.domain.errors import BadInput
from graph_api.domain.principals import Principal
from graph_api.vault.columns import as_kept
from graph_api.vault.pages import NEWEST, Page, Window, page
from graph_api.vault.tables import add, desk_changes
from graph_api.vault.vault import Door

MAX_REASON = 2_000


class DeskAction(StrEnum):
    """What can happen to an entry of the registry."""

    ADD = "add"
    CORRECT = "correct"
    WITHDRAW = "withdraw"


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """One edit: of an actor, or of one account of it; ``before`` and ``after`` are its entry."""

    action: DeskAction
    actor_id: str
    account_id: str | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    reason: str


class DeskChange(msgspec.Struct, frozen=True, kw_only=True):
    """An edit on record: ``principal`` made it at ``changed_at``."""

    id: str
    workspace: str
    principal: str
    changed_at: datetime
    edit: Edit


async def record(
    vault: Door, principal: Principal, edit: Edit, *, id: str, now: datetime
) -> DeskChange:
    """Put ``edit`` on record for good; the same edit with the same ``id`` again is recorded once.

    Raises BadInput when another edit has that id.
    """
    _check(edit)
    edit = replace(edit, before=as_kept(edit.before), after=as_kept(edit.after))
    change = DeskChange(
        id=id, workspace=principal.workspace, principal=principal.id, changed_at=now, edit=edit
    )
    async with vault.writing() as connection:
        if await add(connection, desk_changes, _values(change)):
            return change
        found = await _found(connection, principal, id)
    if found is None or (found.principal, found.edit) != (principal.id, edit):
        raise BadInput(f"Another change of the desk registry has the id {id}.")
    return found


async def by_id(vault: Door, principal: Principal, id: str) -> DeskChange | None:
    """One change of the principal's workspace, if it is there."""
    async with vault.reading() as connection:
        return await _found(connection, principal, id)


async def history(
    vault: Door,
    principal: Principal,
    window: Window = NEWEST,
    *,
    actor_id: str | None = None,
    account_id: str | None = None,
) -> Page[DeskChange]:
    """The workspace's changes, the newest first; of one actor or account where one is named."""
    question = _of(principal)
    if actor_id is not None:
        question = question.where(desk_changes.c.actor_id == actor_id)
    if account_id is not None:
        question = question.where(desk_changes.c.account_id == account_id)
    order = desk_changes.c.changed_at, desk_changes.c.id
    async with vault.reading() as connection:
        return await page(connection, question, window, order=order, of=_change)


def _of(principal: Principal) -> Select[Any]:
    return select(desk_changes).where(desk_changes.c.workspace == principal.workspace)


async def _found(connection: AsyncConnection, principal: Principal, id: str) -> DeskChange | None:
    row = (await connection.execute(_of(principal).where(desk_changes.c.id == id))).one_or_none()
    return None if row is None else _change(row)


def _check(edit: Edit) -> None:
    if not 1 <= len(edit.reason.strip()) <= MAX_REASON:
        raise BadInput(f"A change of the desk registry needs a reason of 1 to {MAX_REASON} signs.")
    expected = (edit.action is not DeskAction.ADD, edit.action is not DeskAction.WITHDRAW)
    if (edit.before is not None, edit.after is not None) != expected:
        raise BadInput(
            "An addition has an entry after it, a withdrawal one before it, a correction both."
        )


def _values(change: DeskChange) -> dict[str, Any]:
    values = asdict(change)
    return values | asdict(values.pop("edit"))


def _change(row: Row[Any]) -> DeskChange:
    return DeskChange(
        id=row.id,
        workspace=row.workspace,
        principal=row.principal,
        changed_at=row.changed_at,
        edit=Edit(
            action=DeskAction(row.action),
            actor_id=row.actor_id,
            account_id=row.account_id,
            before=row.before,
            after=row.after,
            reason=row.reason,
        ),
    )
