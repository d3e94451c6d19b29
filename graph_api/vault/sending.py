"""Sending notices: they are claimed by one sender at a time, tried until they are sent or given up.

A sender holds a notice for the length of a lease; each claim carries a higher ``fence``, so that
the word of whoever comes back late is not taken. A notice is sent at least once: whoever dies
between sending and saying so leaves it to be sent again, under the same id.
"""

from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Row, Select, and_, case, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from graph_api.domain.alerts import Alert, Severity
from graph_api.domain.errors import GraphApiError
from graph_api.domain.notices import (
    MAX_TRIES,
    Destination,
    Notice,
    NoticeState,
    Outcome,
    Verdict,
    next_try,
)
from graph_api.vault.destination_health import (
    blame,
    locked_destination,
    praise,
    switch_off,
    too_much,
)
from graph_api.vault.notices import destination_for, is_notice, notice_of, set_notice, short
from graph_api.vault.spreading import alert_of
from graph_api.vault.tables import alerts, destinations, notice_alerts, notices
from graph_api.vault.vault import Door

#: So many notices are on their way to one destination at once; one alone while tries fail.
MOST_AT_ONCE: Final = 4
_FREE: Final = {"worker": None, "lease_until": None}


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A notice in a sender's hands, where it goes, and what is sealed of that."""

    notice: Notice
    destination: Destination
    sealed: str | None
    worker: str
    fence: int


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a notice tells of: alerts that were raised, and some that were taken back."""

    raised: list[Alert]
    retracted: list[Alert]


class HoldLost(GraphApiError):
    """The notice passed to another sender since this one claimed it."""

    def __init__(self, held: Held) -> None:
        super().__init__(f"Worker {held.worker} no longer holds notice {held.notice.id}.")


async def is_due(vault: Door, *, now: datetime) -> bool:
    """Whether there is a notice to claim: a look that keeps nobody from writing."""
    async with vault.reading() as connection:
        return (await connection.execute(_due(now))).first() is not None


async def claim(vault: Door, *, worker: str, now: datetime, lease: timedelta) -> Held | None:
    """The notice of any workspace that is due longest, now held by ``worker``; None if none is.

    What quiet hours hold back by now waits for their end, and what took down too many senders is a
    dead letter.
    """
    async with vault.writing() as connection:
        while (row := await _next(connection, now)) is not None:
            notice = notice_of(row)
            destination = await destination_for(connection, row)
            until = destination.held_until(Severity(row.severity), now)
            if until is not None:
                await set_notice(connection, notice, due_at=until)
            elif notice.attempts >= MAX_TRIES:
                reason = f"{notice.attempts} tries began and none came to its end."
                await _end(connection, notice, NoticeState.DEAD, now=now, reason=reason)
            else:
                return await _held(connection, row, worker=worker, now=now, lease=lease)
    return None


async def told(vault: Door, held: Held) -> Told:
    """The alerts that a notice tells of, in the order of their numbers."""
    question = (
        select(alerts, notice_alerts.c.news)
        .join(
            notice_alerts,
            and_(
                notice_alerts.c.workspace == alerts.c.workspace,
                notice_alerts.c.alert == alerts.c.id,
            ),
        )
        .where(
            notice_alerts.c.workspace == held.notice.workspace,
            notice_alerts.c.notice == held.notice.id,
        )
        .order_by(alerts.c.number)
    )
    async with vault.reading() as connection:
        rows = (await connection.execute(question)).all()
    return Told(
        raised=[alert_of(row) for row in rows if row.news == "raised"],
        retracted=[alert_of(row) for row in rows if row.news == "retracted"],
    )


async def settle(
    vault: Door,
    held: Held,
    outcome: Outcome,
    *,
    now: datetime,
    random: float,
    patience: timedelta,
) -> Notice:
    """Put on record what a try came to. Raises: HoldLost.

    A destination that only fails for ``patience``, or that wants no more, is switched off.
    """
    async with vault.writing() as connection:
        # The destination first, as everybody does who changes both.
        destination = await locked_destination(connection, held.destination)
        notice = await _mine(connection, held)
        if outcome.verdict is Verdict.DELIVERED:
            await praise(connection, destination)
            return await _end(connection, notice, NoticeState.SENT, now=now, status=outcome.status)
        await blame(connection, destination, outcome, now=now, random=random)
        reason = too_much(destination, outcome, now=now, patience=patience)
        if notice.state is NoticeState.WAITING:
            hopeless = reason is not None or outcome.verdict is not Verdict.AGAIN
            notice = await _again(
                connection, notice, outcome, now=now, random=random, hopeless=hopeless
            )
        if reason is not None and destination.enabled:
            await switch_off(connection, destination, reason, now=now)
    return notice


async def release(vault: Door, held: Held, *, now: datetime) -> None:
    """Let another sender have a notice at once, as one does that is told to stop."""
    mine = and_(is_notice(held.notice), notices.c.fence == held.fence)
    async with vault.writing() as connection:
        await connection.execute(
            update(notices).where(mine).values(worker=None, lease_until=None, due_at=now)
        )


async def give_up(vault: Door, held: Held, *, reason: str, now: datetime) -> Notice:
    """Make a claimed notice a dead letter for a reason that is not its destination's fault.

    Raises: HoldLost.
    """
    async with vault.writing() as connection:
        notice = await _mine(connection, held)
        return await _end(connection, notice, NoticeState.DEAD, now=now, reason=reason)


async def _next(connection: AsyncConnection, now: datetime) -> Row[Any] | None:
    # PostgreSQL passes over what another sender is claiming; SQLite has one writer at a time.
    question = _due(now).with_for_update(of=notices, skip_locked=True)
    row: Row[Any] | None = (await connection.execute(question)).first()
    return row


def _due(now: datetime) -> Select[Any]:
    """The next notice whose destination takes one more."""
    busy = notices.alias("busy")
    under_way = (
        select(func.count())
        .select_from(busy)
        .where(
            busy.c.workspace == notices.c.workspace,
            busy.c.destination == notices.c.destination,
            busy.c.state == NoticeState.WAITING,
            busy.c.lease_until > now,
        )
        .scalar_subquery()
    )
    return (
        select(notices, destinations.c.sealed)
        .join(
            destinations,
            and_(
                destinations.c.workspace == notices.c.workspace,
                destinations.c.id == notices.c.destination,
            ),
        )
        .where(
            notices.c.state == NoticeState.WAITING,
            notices.c.due_at <= now,
            or_(notices.c.lease_until.is_(None), notices.c.lease_until <= now),
            destinations.c.enabled.is_(True),
            or_(destinations.c.pause_until.is_(None), destinations.c.pause_until <= now),
            under_way < case((destinations.c.failures == 0, MOST_AT_ONCE), else_=1),
        )
        .order_by(notices.c.due_at, notices.c.id)
        .limit(1)
    )


async def _held(
    connection: AsyncConnection, row: Row[Any], *, worker: str, now: datetime, lease: timedelta
) -> Held:
    notice = await set_notice(
        connection,
        notice_of(row),
        attempts=row.attempts + 1,
        tried_at=now,
        beside={"worker": worker, "fence": row.fence + 1, "lease_until": now + lease},
    )
    return Held(
        notice=notice,
        destination=await destination_for(connection, row),
        sealed=row.sealed,
        worker=worker,
        fence=row.fence + 1,
    )


async def _mine(connection: AsyncConnection, held: Held) -> Notice:
    """The notice as it stands, if ``held`` is the last claim of it. Raises: HoldLost."""
    question = select(notices).where(is_notice(held.notice)).with_for_update()
    row = (await connection.execute(question)).first()
    if row is None or row.fence != held.fence or row.lease_until is None:
        raise HoldLost(held)
    return notice_of(row)


async def _again(
    connection: AsyncConnection,
    notice: Notice,
    outcome: Outcome,
    *,
    now: datetime,
    random: float,
    hopeless: bool,
) -> Notice:
    """Wait for another try, or give it up."""
    status, reason = outcome.status, short(outcome.reason)
    due_at = next_try(notice.attempts, now=now, random=random, wait_s=outcome.wait_s)
    if hopeless or due_at is None:
        return await _end(
            connection, notice, NoticeState.DEAD, now=now, status=status, reason=reason
        )
    return await set_notice(
        connection, notice, due_at=due_at, status=status, reason=reason, beside=_FREE
    )


async def _end(
    connection: AsyncConnection,
    notice: Notice,
    state: NoticeState,
    *,
    now: datetime,
    status: int | None = None,
    reason: str | None = None,
) -> Notice:
    return await set_notice(
        connection,
        notice,
        state=state,
        finished_at=now,
        status=status,
        reason=reason,
        beside=_FREE,
    )
