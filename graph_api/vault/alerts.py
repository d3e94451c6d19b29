"""Alerts of a workspace: what rules raised, who has seen to it, and what was taken back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Row, Select, and_, case, func, select, update

from graph_api.domain.alerts import Alert, AlertNews, Severity
from graph_api.domain.principals import Principal
from graph_api.domain.refusals import RefusalReason, Refused
from graph_api.vault.alert_news import hold_news, tell
from graph_api.vault.pages import NEWEST, Page, Window, page
from graph_api.vault.tables import alerts
from graph_api.vault.vault import Door

MAX_NOTE: Final = 2_000
#: So many alerts can be acknowledged at once.
MOST_ACKNOWLEDGED: Final = 500

_FIELDS: Final = Alert.__struct_fields__


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which alerts are asked for; None leaves a condition out.

    ``since`` and ``until`` are about when they were raised; ``until`` is not included.
    """

    severities: tuple[Severity, ...] | None = None
    rules: tuple[str, ...] | None = None
    kinds: tuple[str, ...] | None = None
    subjects: tuple[str, ...] | None = None
    acknowledged: bool | None = None
    retracted: bool | None = None
    since: datetime | None = None
    until: datetime | None = None


async def by_ids(vault: Door, principal: Principal, ids: Sequence[str]) -> dict[str, Alert]:
    """The alerts of the workspace with these ids; what is not there is left out."""
    question = _of(principal).where(alerts.c.id.in_(ids))
    async with vault.reading() as connection:
        return {row.id: _alert(row) for row in await connection.execute(question)}


async def history(
    vault: Door, principal: Principal, window: Window = NEWEST, *, wanted: Wanted | None = None
) -> Page[Alert]:
    """The workspace's alerts, the newest first."""
    question = _filtered(_of(principal), wanted or Wanted())
    async with vault.reading() as connection:
        order = alerts.c.raised_at, alerts.c.id
        return await page(connection, question, window, order=order, of=_alert)


async def after(vault: Door, principal: Principal, number: int, *, limit: int = 500) -> list[Alert]:
    """Up to ``limit`` alerts of the workspace that follow ``number``, in order."""
    question = _of(principal).where(alerts.c.number > number).order_by(alerts.c.number)
    async with vault.reading() as connection:
        return [_alert(row) for row in await connection.execute(question.limit(limit))]


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts of a workspace in numbers; ``open`` ones stand, and nobody has seen to them."""

    severity: Severity
    raised: int = 0
    open: int = 0
    retracted: int = 0


async def tallies(vault: Door, principal: Principal) -> list[Tally]:
    """How many alerts of each severity the workspace has."""
    there = alerts.c.retracted_at.is_not(None)
    waits = and_(alerts.c.retracted_at.is_(None), alerts.c.acknowledged_at.is_(None))
    question = (
        select(
            alerts.c.severity,
            func.count().label("raised"),
            func.sum(case((waits, 1), else_=0)).label("open"),
            func.sum(case((there, 1), else_=0)).label("retracted"),
        )
        .where(alerts.c.workspace == principal.workspace)
        .group_by(alerts.c.severity)
    )
    found = {severity: Tally(severity=severity) for severity in Severity}
    async with vault.reading() as connection:
        for row in await connection.execute(question):
            severity = Severity(row.severity)
            found[severity] = Tally(**{**row._mapping, "severity": severity})
    return list(found.values())


async def acknowledge(
    vault: Door,
    principal: Principal,
    ids: Sequence[str],
    *,
    now: datetime,
    note: str | None = None,
) -> list[Alert]:
    """Say that somebody has seen to alerts, all of them or none; in the order of ``ids``.

    What was acknowledged before stays as it is. Raises: Refused.
    """
    wanted = list(dict.fromkeys(ids))
    note = _note(note)
    if len(wanted) > MOST_ACKNOWLEDGED:
        raise Refused(
            f"Up to {MOST_ACKNOWLEDGED} alerts can be acknowledged at once.",
            reason=RefusalReason.TOO_MANY,
        )
    async with vault.writing() as connection:
        await hold_news(connection)
        question = _of(principal).where(alerts.c.id.in_(wanted)).with_for_update()
        found = {row.id: _alert(row) for row in await connection.execute(question)}
        for id in wanted:
            if id not in found:
                raise Refused(
                    f"There is no alert {id[:60]}.", reason=RefusalReason.NOT_FOUND, about=[id]
                )
            if found[id].acknowledged_at is None:
                found[id] = await _acknowledged(connection, principal, found[id], note, now)
    return [found[id] for id in wanted]


async def _acknowledged(
    connection: Any, principal: Principal, alert: Alert, note: str | None, now: datetime
) -> Alert:
    done: dict[str, Any] = {
        "acknowledged_at": now,
        "acknowledged_by": principal.id,
        "note": note,
    }
    here = and_(alerts.c.workspace == alert.workspace, alerts.c.id == alert.id)
    await connection.execute(update(alerts).where(here).values(done))
    await tell(
        connection,
        alert.workspace,
        principal.id,
        alert=alert.id,
        news=AlertNews.ACKNOWLEDGED,
        now=now,
    )
    return msgspec.structs.replace(alert, **done)


def _of(principal: Principal) -> Select[Any]:
    columns = [alerts.c[name] for name in _FIELDS]
    return select(*columns).where(alerts.c.workspace == principal.workspace)


def _filtered(question: Select[Any], wanted: Wanted) -> Select[Any]:
    for column, values in (
        (alerts.c.severity, wanted.severities),
        (alerts.c.rule, wanted.rules),
        (alerts.c.kind, wanted.kinds),
        (alerts.c.subject, wanted.subjects),
    ):
        if values is not None:
            question = question.where(column.in_([str(value) for value in values]))
    for moment, there in (
        (alerts.c.acknowledged_at, wanted.acknowledged),
        (alerts.c.retracted_at, wanted.retracted),
    ):
        if there is not None:
            question = question.where(moment.is_not(None) if there else moment.is_(None))
    if wanted.since is not None:
        question = question.where(alerts.c.raised_at >= wanted.since)
    if wanted.until is not None:
        question = question.where(alerts.c.raised_at < wanted.until)
    return question


def _alert(row: Row[Any]) -> Alert:
    return Alert(**{**row._mapping, "severity": Severity(row.severity)})


def _note(note: str | None) -> str | None:
    text = (note or "").strip()
    if len(text) > MAX_NOTE:
        raise Refused(f"A note has up to {MAX_NOTE:,} characters.")
    return text or None
