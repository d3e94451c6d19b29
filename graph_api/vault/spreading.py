"""From alerts to notices: each workspace's news of alerts, walked once, in order.

Where a workspace stands is kept in the transaction that makes its notices, so that none is lost and
none is made twice, however many walk. Who was told of an alert is told when it is taken back; what
nobody has begun to send is dropped instead.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, and_, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from graph_api.domain.alerts import Alert, Severity
from graph_api.domain.notices import Destination, NoticeKind, NoticeState, notice_id
from graph_api.domain.quiet_hours import Afterwards
from graph_api.vault.counters import is_counter
from graph_api.vault.destinations import destination_of
from graph_api.vault.tables import (
    add,
    alert_news,
    alert_rules,
    alerts,
    counters,
    destinations,
    notice_alerts,
    notices,
    workspaces,
)
from graph_api.vault.vault import Door

#: So much news is walked in one transaction at most.
AT_ONCE: Final = 200
#: So many alerts one message tells of at most that were held back together.
MOST_TOGETHER: Final = 500

#: The counter that says up to which news notices were made.
_NOTICED: Final = "noticed"
_RAISED: Final = "raised"
_RETRACTED: Final = "retracted"
_TAKEN_BACK: Final = "Every alert that it tells of was taken back before it was sent."


async def behind(vault: Door) -> list[str]:
    """The workspaces that have news which no notices were made of yet."""
    noticed = (
        select(counters.c.last)
        .where(counters.c.workspace == workspaces.c.workspace, counters.c.counter == _NOTICED)
        .scalar_subquery()
    )
    newer = (
        select(alert_news.c.number)
        .where(
            alert_news.c.workspace == workspaces.c.workspace,
            alert_news.c.number > func.coalesce(noticed, 0),
        )
        .exists()
    )
    question = select(workspaces.c.workspace).where(newer).order_by(workspaces.c.workspace)
    async with vault.reading() as connection:
        return list((await connection.scalars(question)).all())


async def spread(vault: Door, workspace: str, *, now: datetime, most: int = AT_ONCE) -> int:
    """Make the notices of the next news of a workspace. Returns: how much news that was."""
    async with vault.writing() as connection:
        position = await _position(connection, workspace)
        if position is None:
            return 0
        question = (
            select(alert_news, alerts, alert_rules.c.muted_until)
            .join(
                alerts,
                and_(alerts.c.workspace == workspace, alerts.c.id == alert_news.c.alert),
            )
            .join(
                alert_rules,
                and_(alert_rules.c.workspace == workspace, alert_rules.c.id == alerts.c.rule),
            )
            .where(alert_news.c.workspace == workspace, alert_news.c.number > position)
            .order_by(alert_news.c.number)
            .limit(most)
        )
        rows = (await connection.execute(question)).all()
        if not rows:
            return 0
        maker = _Maker(connection, await _destinations(connection, workspace), now=now)
        for row in rows:
            await maker.make(row)
        await _move(connection, workspace, rows[-1]._mapping[alert_news.c.number])
    return len(rows)


def alert_of(row: Row[Any]) -> Alert:
    """A row that has the columns of ``alerts``."""
    found = {name: row._mapping[alerts.c[name]] for name in Alert.__struct_fields__}
    return Alert(**found | {"severity": Severity(found["severity"])})


async def make(
    connection: AsyncConnection,
    destination: Destination,
    *,
    kind: NoticeKind,
    subject: str,
    occasion: str,
    severity: Severity,
    due_at: datetime,
    now: datetime,
    alerts: int = 1,
) -> str | None:
    """Put a notice on record about ``subject``, once for each ``occasion``.

    Returns: its id; None where it was there already.
    """
    id = notice_id(destination.workspace, destination.id, kind, f"{subject} {occasion}")
    values = {
        "workspace": destination.workspace,
        "id": id,
        "principal": destination.principal,
        "destination": destination.id,
        "kind": kind.value,
        "subject": subject,
        "severity": severity.value,
        "alerts": alerts,
        "state": NoticeState.WAITING.value,
        "attempts": 0,
        "due_at": due_at,
        "made_at": now,
        "fence": 0,
    }
    return id if await add(connection, notices, values) else None


class _Maker:
    """Makes notices within one transaction."""

    def __init__(
        self, connection: AsyncConnection, found: Sequence[Destination], *, now: datetime
    ) -> None:
        self._connection, self._now = connection, now
        self._destinations = {one.id: one for one in found}

    async def make(self, row: Row[Any]) -> None:
        """The notices of one piece of news; of an acknowledgement nobody is told."""
        news, number = row._mapping[alert_news.c.news], row._mapping[alert_news.c.number]
        alert = alert_of(row)
        if news == _RETRACTED:
            await self._take_back(alert, number)
        elif news == _RAISED and not _is_muted(alert, row.muted_until):
            for one in self._destinations.values():
                if number > one.after and one.routing.wants(alert):
                    await self._tell(one, alert, NoticeKind.RAISED, number)

    async def _take_back(self, alert: Alert, number: int) -> None:
        told = (
            select(notices)
            .join(
                notice_alerts,
                and_(
                    notice_alerts.c.workspace == notices.c.workspace,
                    notice_alerts.c.notice == notices.c.id,
                ),
            )
            .where(
                notice_alerts.c.workspace == alert.workspace,
                notice_alerts.c.alert == alert.id,
                notice_alerts.c.news == _RAISED,
            )
            .with_for_update(of=notices)
        )
        for row in (await self._connection.execute(told)).all():
            if row.attempts == 0 and row.state == NoticeState.WAITING:
                await self._leave_out(row, alert)
            elif row.state != NoticeState.DROPPED and row.destination in self._destinations:
                destination = self._destinations[row.destination]
                await self._tell(destination, alert, NoticeKind.RETRACTED, number)

    async def _leave_out(self, row: Row[Any], alert: Alert) -> None:
        """Nobody has begun to send it: the alert is told to nobody."""
        told = and_(notice_alerts.c.workspace == row.workspace, notice_alerts.c.notice == row.id)
        left = row.alerts - 1
        values: dict[str, Any] = {"alerts": left}
        if left == 0:
            values = {
                "state": NoticeState.DROPPED.value,
                "reason": _TAKEN_BACK,
                "finished_at": self._now,
            }
        else:
            await self._connection.execute(
                delete(notice_alerts).where(
                    told, notice_alerts.c.alert == alert.id, notice_alerts.c.news == _RAISED
                )
            )
        await self._connection.execute(update(notices).where(_is(row)).values(**values))

    async def _tell(
        self, destination: Destination, alert: Alert, kind: NoticeKind, number: int
    ) -> None:
        """Tell of the news of this ``number``: a notice of its own, or a part of one that waits."""
        until = destination.held_until(alert.severity, self._now)
        together = destination.quiet and destination.quiet.afterwards is Afterwards.TOGETHER
        if until is not None and together:
            await self._tell_together(destination, alert, kind, until)
            return
        id = await make(
            self._connection,
            destination,
            kind=kind,
            subject=alert.id,
            occasion=str(number),
            severity=alert.severity,
            due_at=until or self._now,
            now=self._now,
        )
        if id is not None:
            await self._tell_of(destination, id, alert, kind)

    async def _tell_together(
        self, destination: Destination, alert: Alert, kind: NoticeKind, until: datetime
    ) -> None:
        row = await self._open_notice(destination, alert.severity, until)
        if await self._tell_of(destination, row.id, alert, kind):
            await self._connection.execute(
                update(notices).where(_is(row)).values(alerts=notices.c.alerts + 1)
            )

    async def _open_notice(
        self, destination: Destination, severity: Severity, until: datetime
    ) -> Row[Any]:
        """The notice that will tell of all that is held back until then."""
        held = and_(
            notices.c.workspace == destination.workspace,
            notices.c.destination == destination.id,
            notices.c.kind == NoticeKind.HELD,
        )
        is_open = and_(
            held,
            notices.c.state == NoticeState.WAITING,
            notices.c.attempts == 0,
            notices.c.due_at == until,
            notices.c.alerts < MOST_TOGETHER,
        )
        question = select(notices).where(is_open).limit(1).with_for_update()
        found = (await self._connection.execute(question)).first()
        if found is None:
            before = select(func.count()).select_from(notices).where(held)
            number = int(await self._connection.scalar(before) or 0)
            await make(
                self._connection,
                destination,
                kind=NoticeKind.HELD,
                subject=f"{until:%Y-%m-%dT%H:%M:%SZ}",
                occasion=f"{number + 1}",
                severity=severity,
                due_at=until,
                now=self._now,
                alerts=0,
            )
            found = (await self._connection.execute(question)).one()
        return found

    async def _tell_of(
        self, destination: Destination, notice: str, alert: Alert, kind: NoticeKind
    ) -> bool:
        values = {
            "workspace": alert.workspace,
            "notice": notice,
            "alert": alert.id,
            "news": _RETRACTED if kind is NoticeKind.RETRACTED else _RAISED,
            "principal": destination.principal,
        }
        return await add(self._connection, notice_alerts, values)


def _is_muted(alert: Alert, until: datetime | None) -> bool:
    return until is not None and alert.raised_at < until


def _is(row: Row[Any]) -> Any:
    return and_(notices.c.workspace == row.workspace, notices.c.id == row.id)


async def _position(connection: AsyncConnection, workspace: str) -> int | None:
    """Up to where notices were made; others wait here. None where there is no news at all."""
    here = is_counter(workspace, _NOTICED)
    question = select(counters.c.last).where(here).with_for_update()
    found = await connection.scalar(question)
    if found is not None:
        return int(found)
    anyone = select(alert_news.c.principal).where(alert_news.c.workspace == workspace).limit(1)
    principal = await connection.scalar(anyone)
    if principal is None:
        return None
    values = {"workspace": workspace, "counter": _NOTICED, "principal": principal, "last": 0}
    await add(connection, counters, values)
    return int(await connection.scalar(question) or 0)


async def _move(connection: AsyncConnection, workspace: str, number: int) -> None:
    here = is_counter(workspace, _NOTICED)
    await connection.execute(update(counters).where(here).values(last=number))


async def _destinations(connection: AsyncConnection, workspace: str) -> list[Destination]:
    """Those that are told; they stay as they are until the transaction ends."""
    question = (
        select(destinations)
        .where(
            destinations.c.workspace == workspace,
            destinations.c.enabled.is_(True),
            destinations.c.removed_at.is_(None),
        )
        .order_by(destinations.c.created_at, destinations.c.id)
        .with_for_update(read=True)
    )
    return [destination_of(row) for row in await connection.execute(question)]
