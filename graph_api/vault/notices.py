"""Notices on record: claimed by one sender at a time, tried until they are sent or given up.

A sender holds a notice for the length of a lease; each claim carries a higher ``fence``, so that
the word of whoever comes back late is not taken. A notice is sent at least once: whoever dies
between sending and saying so leaves it to be sent again, under the same id.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec.structs import replace
from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    case,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from graph_api.domain.alerts import Alert, Severity
from graph_api.domain.errors import BadInput, GraphApiError, NotFound
from graph_api.domain.notices import (
    MAX_TRIES,
    Destination,
    Notice,
    NoticeKind,
    NoticeState,
    Outcome,
    Verdict,
    next_try,
    pause,
)
from graph_api.domain.principals import Principal
from graph_api.vault.destinations import destination_of, locked
from graph_api.vault.pages import NEWEST, Page, Window, page
from graph_api.vault.spreading import alert_of, make
from graph_api.vault.tables import alerts, destinations, notice_alerts, notices
from graph_api.vault.vault import Door

#: So many notices are on their way to one destination at once; one alone while tries fail.
MOST_AT_ONCE: Final = 4
MAX_REASON: Final = 2_000


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


# Sending


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
            notice = _notice(row)
            destination = await _destination(connection, row)
            until = destination.held_until(Severity(row.severity), now)
            if until is not None:
                await _set(connection, notice, due_at=until)
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
        destination = await _locked_destination(connection, held)
        notice = await _mine(connection, held)
        if outcome.verdict is Verdict.DELIVERED:
            await _praise(connection, destination)
            return await _end(connection, notice, NoticeState.SENT, now=now, status=outcome.status)
        await _blame(connection, destination, outcome, now=now, random=random)
        reason = _too_much(destination, outcome, now=now, patience=patience)
        if notice.state is NoticeState.WAITING:
            hopeless = reason is not None or outcome.verdict is not Verdict.AGAIN
            notice = await _again(
                connection, notice, outcome, now=now, random=random, hopeless=hopeless
            )
        if reason is not None and destination.enabled:
            await _switch_off(connection, destination, reason, now=now)
    return notice


async def release(vault: Door, held: Held, *, now: datetime) -> None:
    """Let another sender have a notice at once, as one does that is told to stop."""
    mine = and_(_is(held.notice), notices.c.fence == held.fence)
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


# Looking and mending


async def by_ids(vault: Door, principal: Principal, ids: Sequence[str]) -> dict[str, Notice]:
    """The workspace's notices with these ids; what is not there is left out."""
    async with vault.reading() as connection:
        rows = await connection.execute(_of(principal).where(notices.c.id.in_(ids)))
        return {row.id: _notice(row) for row in rows}


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
        return await page(connection, question, window, order=order, of=_notice)


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
            found.setdefault(row.alert, []).append(_notice(row))
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
        notice, destination = _notice(row), await _destination(connection, row)
        if notice.state not in (NoticeState.DEAD, NoticeState.WAITING):
            raise BadInput(f"Notice {id} is {notice.state.value}; dead letters can be replayed.")
        if not destination.enabled:
            raise BadInput(f"Destination {destination.id} is switched off; switch it on first.")
        return await _set(connection, notice, **_anew(now))


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


# Rows


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
    notice = await _set(
        connection,
        _notice(row),
        attempts=row.attempts + 1,
        tried_at=now,
        _beside={"worker": worker, "fence": row.fence + 1, "lease_until": now + lease},
    )
    return Held(
        notice=notice,
        destination=await _destination(connection, row),
        sealed=row.sealed,
        worker=worker,
        fence=row.fence + 1,
    )


async def _destination(connection: AsyncConnection, row: Row[Any]) -> Destination:
    here = and_(destinations.c.workspace == row.workspace, destinations.c.id == row.destination)
    return destination_of((await connection.execute(select(destinations).where(here))).one())


async def _locked_destination(connection: AsyncConnection, held: Held) -> Destination:
    question = (
        select(destinations)
        .where(_is_destination(held.destination))
        .with_for_update(key_share=True)
    )
    return destination_of((await connection.execute(question)).one())


async def _mine(connection: AsyncConnection, held: Held) -> Notice:
    """The notice as it stands, if ``held`` is the last claim of it. Raises: HoldLost."""
    question = select(notices).where(_is(held.notice)).with_for_update()
    row = (await connection.execute(question)).first()
    if row is None or row.fence != held.fence or row.lease_until is None:
        raise HoldLost(held)
    return _notice(row)


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
    status, reason = outcome.status, _short(outcome.reason)
    due_at = next_try(notice.attempts, now=now, random=random, wait_s=outcome.wait_s)
    if hopeless or due_at is None:
        return await _end(
            connection, notice, NoticeState.DEAD, now=now, status=status, reason=reason
        )
    return await _set(
        connection, notice, due_at=due_at, status=status, reason=reason, _beside=_FREE
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
    return await _set(
        connection,
        notice,
        state=state,
        finished_at=now,
        status=status,
        reason=reason,
        _beside=_FREE,
    )


async def _praise(connection: AsyncConnection, destination: Destination) -> None:
    await _set_destination(
        connection,
        destination,
        failures=0,
        failing_since=None,
        pause_until=None,
        sent=destination.sent + 1,
    )


async def _blame(
    connection: AsyncConnection,
    destination: Destination,
    outcome: Outcome,
    *,
    now: datetime,
    random: float,
) -> None:
    # Of tries that were under way together, one says that it fails.
    is_known = destination.pause_until is not None and destination.pause_until > now
    failures = destination.failures + (0 if is_known else 1)
    await _set_destination(
        connection,
        destination,
        failures=failures,
        failing_since=destination.failing_since or now,
        pause_until=pause(failures, now=now, random=random, wait_s=outcome.wait_s),
        failed=destination.failed + 1,
    )


def _too_much(
    destination: Destination, outcome: Outcome, *, now: datetime, patience: timedelta
) -> str | None:
    """Why a destination is to be switched off, if it is."""
    if outcome.verdict is Verdict.GONE:
        return _short(outcome.reason) or "It wants no more notices."
    since = destination.failing_since
    if since is not None and now - since >= patience:
        last = f" The last time: {outcome.reason}" if outcome.reason else ""
        return _short(f"Every try has failed since {since:%Y-%m-%d %H:%M} UTC.{last}")
    return None


async def _switch_off(
    connection: AsyncConnection, destination: Destination, reason: str, *, now: datetime
) -> None:
    """Switch it off, set aside what waits for it, and tell the others."""
    await _set_destination(
        connection, destination, enabled=False, disabled_at=now, disabled_reason=reason
    )
    waiting = and_(
        notices.c.workspace == destination.workspace,
        notices.c.destination == destination.id,
        notices.c.state == NoticeState.WAITING,
    )
    await connection.execute(
        update(notices)
        .where(waiting)
        .values(state=NoticeState.DEAD, finished_at=now, reason=f"Its destination is off: {reason}")
    )
    others = select(destinations).where(
        destinations.c.workspace == destination.workspace,
        destinations.c.id != destination.id,
        destinations.c.enabled.is_(True),
    )
    for row in (await connection.execute(others)).all():
        await make(
            connection,
            destination_of(row),
            kind=NoticeKind.DISABLED,
            subject=destination.id,
            occasion=now.isoformat(),
            severity=Severity.WARNING,
            due_at=now,
            now=now,
            alerts=0,
        )


async def _set(
    connection: AsyncConnection,
    notice: Notice,
    *,
    _beside: dict[str, Any] | None = None,
    **changes: Any,
) -> Notice:
    """Change a notice, and columns ``_beside`` that it does not show."""
    values = {**changes, **(_beside or {})}
    await connection.execute(update(notices).where(_is(notice)).values(**values))
    return replace(notice, **changes)


async def _set_destination(
    connection: AsyncConnection, destination: Destination, **values: Any
) -> None:
    here = _is_destination(destination)
    await connection.execute(update(destinations).where(here).values(**values))


def _is(notice: Notice) -> ColumnElement[bool]:
    return and_(notices.c.workspace == notice.workspace, notices.c.id == notice.id)


def _is_destination(destination: Destination) -> ColumnElement[bool]:
    return and_(
        destinations.c.workspace == destination.workspace, destinations.c.id == destination.id
    )


def _notice(row: Any) -> Notice:
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


def _short(reason: str | None) -> str | None:
    return None if reason is None else reason.replace("\0", " ")[:MAX_REASON]


_FREE: Final = {"worker": None, "lease_until": None}
