"""Notices on record: which there are, dead letters that are tried anew, and forgetting."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace
from sqlalchemy import ColumnElement, Row, Select, and_, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from graph_api.domain.errors import BadInput, NotFound
from graph_api.domain.notices import Destination, Notice, NoticeKind, NoticeState
from graph_api.domain.principals import Principal
from graph_api.vault.destinations import destination_of, locked
from graph_api.vault.pages import NEWEST, Page, Window, page
from graph_api.vault.tables import destinations, notice_alerts, notices
from graph_api.vault.vault import Door

MAX_REASON: Final = 2_000


async def by_ids(vault: Door, principal: Principal, ids: Sequence[str]) -> dict[str, Notice]:
    """The workspace's notices with these ids; what is not there is left out."""
    async with vault.reading() as connection:
        rows = await connection.execute(_of(principal).where(notices.c.id.in_(ids)))
        return {row.id: notice_of(row) for row in rows}


async def history(
    vault: Door,
    principal: Principal,
    window: Window = NEWEST,
    *,
    states: Sequence[NoticeState] | None = None,
    destination: str | None = None,
    alert: str | None = None,
) -> Page[Notice]:
    """The workspace's notices, the newest first; of some states, to one destination or of one
    alert where these are named.
    """
    question = _of(principal)
    if states is not None:
        question = question.where(notices.c.state.in_(states))
    if destination is not None:
        question = question.where(notices.c.destination == destination)
    if alert is not None:
        of_alert = select(notice_alerts.c.notice).where(
            notice_alerts.c.workspace == principal.workspace, notice_alerts.c.alert == alert
        )
        question = question.where(notices.c.id.in_(of_alert))
    async with vault.reading() as connection:
        order = notices.c.made_at, notices.c.id
        return await page(connection, question, window, order=order, of=notice_of)


async def alert_ids(vault: Door, principal: Principal, ids: Sequence[str]) -> dict[str, list[str]]:
    """The alerts that notices tell of, by notice."""
    question = (
        select(notice_alerts.c.notice, notice_alerts.c.alert)
        .where(notice_alerts.c.workspace == principal.workspace, notice_alerts.c.notice.in_(ids))
        .order_by(notice_alerts.c.notice, notice_alerts.c.alert)
    )
    found: dict[str, list[str]] = {}
    async with vault.reading() as connection:
        for row in await connection.execute(question):
            found.setdefault(row.notice, []).append(row.alert)
    return found


async def of_alerts(
    vault: Door, principal: Principal, ids: Sequence[str]
) -> dict[str, list[Notice]]:
    """The notices that tell of alerts, by alert, the oldest first."""
    question = (
        select(notices, notice_alerts.c.alert)
        .join(
            notice_alerts,
            and_(
                notice_alerts.c.workspace == notices.c.workspace,
                notice_alerts.c.notice == notices.c.id,
            ),
        )
        .where(notice_alerts.c.workspace == principal.workspace, notice_alerts.c.alert.in_(ids))
        .order_by(notices.c.made_at, notices.c.id)
    )
    found: dict[str, list[Notice]] = {}
    async with vault.reading() as connection:
        for row in await connection.execute(question):
            found.setdefault(row.alert, []).append(notice_of(row))
    return found


async def replay(vault: Door, principal: Principal, id: str, *, now: datetime) -> Notice:
    """Let a dead letter be tried anew, under the same id; one that waits is tried now.

    Raises: NotFound; BadInput for what was sent or dropped, or whose destination is off.
    """
    async with vault.writing() as connection:
        question = _of(principal).where(notices.c.id == id).with_for_update()
        row = (await connection.execute(question)).first()
        if row is None:
            raise NotFound(f"There is no notice {id[:60]}.")
        notice, destination = notice_of(row), await destination_for(connection, row)
        if notice.state not in (NoticeState.DEAD, NoticeState.WAITING):
            raise BadInput(f"Notice {id} is {notice.state.value}; dead letters can be replayed.")
        if not destination.enabled:
            raise BadInput(f"Destination {destination.id} is switched off; switch it on first.")
        return await set_notice(connection, notice, **_anew(now))


async def replay_all(vault: Door, principal: Principal, destination: str, *, now: datetime) -> int:
    """Let all dead letters of a destination be tried anew. Returns: how many.

    Raises: NotFound; BadInput when it is switched off.
    """
    async with vault.writing() as connection:
        row = await locked(connection, principal, destination)
        if not row.enabled:
            raise BadInput(f"Destination {destination} is switched off; switch it on first.")
        dead = and_(
            notices.c.workspace == principal.workspace,
            notices.c.destination == destination,
            notices.c.state == NoticeState.DEAD,
        )
        changed = update(notices).where(dead).values(**_anew(now))
        return (await connection.execute(changed)).rowcount


async def forget(vault: Door, *, before: datetime) -> int:
    """Delete what ended ``before``; dead letters stay while their destination does.

    Returns: how many.
    """
    removed = (
        select(destinations.c.id)
        .where(
            destinations.c.workspace == notices.c.workspace,
            destinations.c.id == notices.c.destination,
            destinations.c.removed_at.is_not(None),
        )
        .exists()
    )
    ended = and_(
        notices.c.finished_at < before,
        or_(
            notices.c.state.in_((NoticeState.SENT, NoticeState.DROPPED)),
            and_(notices.c.state == NoticeState.DEAD, removed),
        ),
    )
    of_ended = (
        select(notices.c.id)
        .where(
            notices.c.workspace == notice_alerts.c.workspace,
            notices.c.id == notice_alerts.c.notice,
            ended,
        )
        .exists()
    )
    async with vault.writing() as connection:
        await connection.execute(delete(notice_alerts).where(of_ended))
        return (await connection.execute(delete(notices).where(ended))).rowcount


# Rows


def notice_of(row: Any) -> Notice:
    """The notice of a row."""
    return Notice(
        id=row.id,
        workspace=row.workspace,
        principal=row.principal,
        destination=row.destination,
        kind=NoticeKind(row.kind),
        subject=row.subject,
        alerts=row.alerts,
        state=NoticeState(row.state),
        attempts=row.attempts,
        due_at=row.due_at,
        made_at=row.made_at,
        tried_at=row.tried_at,
        finished_at=row.finished_at,
        status=row.status,
        reason=row.reason,
    )


def is_notice(notice: Notice) -> ColumnElement[bool]:
    """That a row is this notice's."""
    return and_(notices.c.workspace == notice.workspace, notices.c.id == notice.id)


async def set_notice(
    connection: AsyncConnection,
    notice: Notice,
    *,
    beside: dict[str, Any] | None = None,
    **changes: Any,
) -> Notice:
    """Change a notice, and columns ``beside`` that it does not show."""
    values = {**changes, **(beside or {})}
    await connection.execute(update(notices).where(is_notice(notice)).values(**values))
    return replace(notice, **changes)


async def destination_for(connection: AsyncConnection, row: Row[Any]) -> Destination:
    """Where the notice of a row goes."""
    here = and_(destinations.c.workspace == row.workspace, destinations.c.id == row.destination)
    return destination_of((await connection.execute(select(destinations).where(here))).one())


def short(reason: str | None) -> str | None:
    """A reason as it is kept."""
    return None if reason is None else reason.replace("\0", " ")[:MAX_REASON]


def _of(principal: Principal) -> Select[Any]:
    return select(notices).where(notices.c.workspace == principal.workspace)


def _anew(now: datetime) -> dict[str, Any]:
    return {
        "state": NoticeState.WAITING,
        "attempts": 0,
        "due_at": now,
        "finished_at": None,
        "reason": None,
    }
