"""How a destination fares: what tries say of it, and when it is switched off by itself."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from graph_api.domain.alerts import Severity
from graph_api.domain.notices import (
    Destination,
    NoticeKind,
    NoticeState,
    Outcome,
    Verdict,
    pause,
)
from graph_api.vault.destinations import destination_of
from graph_api.vault.notices import short
from graph_api.vault.spreading import make
from graph_api.vault.tables import destinations, notices


async def locked_destination(connection: AsyncConnection, destination: Destination) -> Destination:
    """A destination as it stands, which others wait for that change it."""
    question = select(destinations).where(_is(destination)).with_for_update(key_share=True)
    return destination_of((await connection.execute(question)).one())


async def praise(connection: AsyncConnection, destination: Destination) -> None:
    """A try succeeded: it is well."""
    await _set(
        connection,
        destination,
        failures=0,
        failing_since=None,
        pause_until=None,
        sent=destination.sent + 1,
    )


async def blame(
    connection: AsyncConnection,
    destination: Destination,
    outcome: Outcome,
    *,
    now: datetime,
    random: float,
) -> None:
    """A try failed: it is left alone for a while."""
    # Of tries that were under way together, one says that it fails.
    is_known = destination.pause_until is not None and destination.pause_until > now
    failures = destination.failures + (0 if is_known else 1)
    await _set(
        connection,
        destination,
        failures=failures,
        failing_since=destination.failing_since or now,
        pause_until=pause(failures, now=now, random=random, wait_s=outcome.wait_s),
        failed=destination.failed + 1,
    )


def too_much(
    destination: Destination, outcome: Outcome, *, now: datetime, patience: timedelta
) -> str | None:
    """Why a destination is to be switched off, if it is."""
    if outcome.verdict is Verdict.GONE:
        return short(outcome.reason) or "It wants no more notices."
    since = destination.failing_since
    if since is not None and now - since >= patience:
        last = f" The last time: {outcome.reason}" if outcome.reason else ""
        return short(f"Every try has failed since {since:%Y-%m-%d %H:%M} UTC.{last}")
    return None


async def switch_off(
    connection: AsyncConnection, destination: Destination, reason: str, *, now: datetime
) -> None:
    """Switch it off, set aside what waits for it, and tell the others."""
    await _set(connection, destination, enabled=False, disabled_at=now, disabled_reason=reason)
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


async def _set(connection: AsyncConnection, destination: Destination, **values: Any) -> None:
    here = _is(destination)
    await connection.execute(update(destinations).where(here).values(**values))


def _is(destination: Destination) -> ColumnElement[bool]:
    return and_(
        destinations.c.workspace == destination.workspace, destinations.c.id == destination.id
    )
