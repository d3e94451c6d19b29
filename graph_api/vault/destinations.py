"""Destinations of alerts: where a workspace is told, how, and how well that goes.

What is secret about one is sealed; what is never shown again cannot be read from here without the
seal. One that is removed keeps its row, for the notices that went there.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec.structs import replace
from sqlalchemy import ColumnElement, Row, Select, and_, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from graph_api.domain.alerts import Severity
from graph_api.domain.errors import BadInput, NotFound
from graph_api.domain.notices import (
    Destination,
    DestinationKind,
    Endpoint,
    NoticeState,
    Routing,
)
from graph_api.domain.principals import Principal
from graph_api.domain.quiet_hours import QuietHours
from graph_api.vault.pages import NEWEST, Page, Window, page
from graph_api.vault.sealing import Seal
from graph_api.vault.tables import alert_news, destinations, notices
from graph_api.vault.vault import Door

#: How many a workspace may have.
MOST: Final = 50

_SWITCHED_OFF: Final = "Its destination was switched off."
_REMOVED: Final = "Its destination was removed."


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What a destination has on record; ``oldest_at`` is when the oldest notice was made that
    should have been sent by now.
    """

    waiting: int = 0
    dead: int = 0
    oldest_at: datetime | None = None


async def create(
    vault: Door, principal: Principal, made: Destination, *, sealed: str | None
) -> Destination:
    """A new destination, told of what happens from now on.

    Raises: BadInput when the workspace has as many as it may.
    """
    async with vault.writing() as connection:
        if await _count(connection, principal) >= MOST:
            raise BadInput(f"A workspace has up to {MOST} destinations; remove one first.")
        made = replace(made, after=await _newest_news(connection, principal))
        await connection.execute(
            destinations.insert().values(
                **_values(made), **_identity(principal), id=made.id, sealed=sealed
            )
        )
    return made


async def by_ids(vault: Door, principal: Principal, ids: Sequence[str]) -> dict[str, Destination]:
    """The workspace's destinations with these ids; also ones that were removed."""
    question = _all_of(principal).where(destinations.c.id.in_(ids))
    async with vault.reading() as connection:
        return {row.id: destination_of(row) for row in await connection.execute(question)}


async def history(vault: Door, principal: Principal, window: Window = NEWEST) -> Page[Destination]:
    """The workspace's destinations, the newest first."""
    order = destinations.c.created_at, destinations.c.id
    async with vault.reading() as connection:
        return await page(connection, _of(principal), window, order=order, of=destination_of)


async def change(
    vault: Door,
    principal: Principal,
    id: str,
    *,
    now: datetime,
    changes: Mapping[str, Any],
) -> Destination:
    """Change properties of a destination by their names. Raises: NotFound.

    One that is switched off sends nothing of what waits; one that is switched on begins anew.
    Other quiet hours hold for what they held back already.
    """
    async with vault.writing() as connection:
        before = destination_of(await locked(connection, principal, id))
        after = replace(before, **changes, changed_at=now)
        if before.enabled and not after.enabled:
            await _drop_waiting(connection, principal, id, reason=_SWITCHED_OFF, now=now)
        if after.enabled and not before.enabled:
            after = _afresh(after, news=await _newest_news(connection, principal))
        if after.quiet != before.quiet:
            await _hold_anew(connection, after, now=now)
        await _set(connection, principal, id, **_values(after))
    return after


async def seal_anew(
    vault: Door,
    principal: Principal,
    id: str,
    *,
    sealed: str,
    now: datetime,
    changes: Mapping[str, Any],
) -> Destination:
    """Put another sealed endpoint in place of a destination's. Raises: NotFound."""
    async with vault.writing() as connection:
        before = destination_of(await locked(connection, principal, id))
        after = replace(before, **changes, changed_at=now)
        await _set(connection, principal, id, **_values(after), sealed=sealed)
    return after


async def remove(vault: Door, principal: Principal, id: str, *, now: datetime) -> Destination:
    """Take a destination away: its secrets at once, and what waits is not sent. Raises: NotFound"""
    async with vault.writing() as connection:
        found = destination_of(await locked(connection, principal, id))
        await _drop_waiting(connection, principal, id, reason=_REMOVED, now=now)
        await _set(connection, principal, id, enabled=False, sealed=None, removed_at=now)
    return replace(found, enabled=False, changed_at=now)


async def require(vault: Door, principal: Principal, id: str) -> Destination:
    """A destination that is there. Raises: NotFound."""
    question = _of(principal).where(destinations.c.id == id)
    async with vault.reading() as connection:
        row = (await connection.execute(question)).first()
    if row is None:
        raise _missing(id)
    return destination_of(row)


async def opened(
    vault: Door, principal: Principal, id: str, *, seal: Seal | None
) -> tuple[Destination, Endpoint]:
    """A destination with what is secret about it. Raises: NotFound, Unsealable."""
    async with vault.reading() as connection:
        row = (await connection.execute(_of(principal).where(destinations.c.id == id))).first()
    if row is None:
        raise _missing(id)
    found = destination_of(row)
    return found, endpoint_of(found, row.sealed, seal)


async def sealed(vault: Door, principal: Principal) -> dict[str, str]:
    """Everything sealed of the workspace, by destination."""
    question = _of(principal).where(destinations.c.sealed.is_not(None))
    async with vault.reading() as connection:
        return {row.id: row.sealed for row in await connection.execute(question)}


async def reseal(vault: Door, principal: Principal, id: str, *, before: str, after: str) -> None:
    """Put the same endpoint under a newer key, unless it was changed meanwhile."""
    same = and_(_is(principal, id), destinations.c.sealed == before)
    async with vault.writing() as connection:
        await connection.execute(update(destinations).where(same).values(sealed=after))


async def counts(
    vault: Door, principal: Principal, ids: Sequence[str], *, now: datetime
) -> dict[str, Counts]:
    """What waits and what is dead, by destination; held back by quiet hours is not late."""
    late = (notices.c.state == NoticeState.WAITING) & (
        (notices.c.due_at <= now) | (notices.c.attempts > 0)
    )
    question = (
        select(
            notices.c.destination,
            func.count().filter(notices.c.state == NoticeState.WAITING).label("waiting"),
            func.count().filter(notices.c.state == NoticeState.DEAD).label("dead"),
            func.min(notices.c.made_at).filter(late).label("oldest_at"),
        )
        .where(
            notices.c.workspace == principal.workspace,
            notices.c.destination.in_(ids),
            notices.c.state.in_((NoticeState.WAITING, NoticeState.DEAD)),
        )
        .group_by(notices.c.destination)
    )
    async with vault.reading() as connection:
        found = {row.destination: row for row in await connection.execute(question)}
    return {
        id: Counts(waiting=found[id].waiting, dead=found[id].dead, oldest_at=found[id].oldest_at)
        if id in found
        else Counts()
        for id in ids
    }


# Rows, for those who send


async def locked(connection: AsyncConnection, principal: Principal, id: str) -> Row[Any]:
    """The row of a destination, which others wait for that change it. Raises: NotFound."""
    # Not against references: notices may be made for it meanwhile.
    question = _of(principal).where(destinations.c.id == id).with_for_update(key_share=True)
    row: Row[Any] | None = (await connection.execute(question)).first()
    if row is None:
        raise _missing(id)
    return row


def destination_of(row: Any) -> Destination:
    """A row of ``destinations``."""
    return Destination(
        id=row.id,
        workspace=row.workspace,
        principal=row.principal,
        name=row.name,
        kind=DestinationKind(row.kind),
        address=row.address,
        routing=Routing(min_severity=Severity(row.min_severity), rules=tuple(row.rules)),
        quiet=None if row.quiet is None else msgspec.convert(row.quiet, QuietHours),
        enabled=row.enabled,
        created_at=row.created_at,
        changed_at=row.changed_at,
        after=row.after_news,
        secret_at=row.secret_at,
        previous_until=row.previous_until,
        failures=row.failures,
        failing_since=row.failing_since,
        pause_until=row.pause_until,
        disabled_at=row.disabled_at,
        disabled_reason=row.disabled_reason,
        sent=row.sent,
        failed=row.failed,
    )


def endpoint_of(destination: Destination, sealed: str | None, seal: Seal | None) -> Endpoint:
    """What is secret about a destination, opened. Raises: Unsealable."""
    if destination.kind is DestinationKind.EMAIL:
        return Endpoint(addresses=tuple(destination.address.split(", ")))
    if sealed is None or seal is None:
        raise BadInput("The vault has no key: set DESKGRAPH_VAULT__KEYS.")
    text = seal.open(sealed, belongs_to=owner_of(destination))
    return msgspec.json.decode(text, type=Endpoint)


def closed(destination: Destination, endpoint: Endpoint, seal: Seal) -> str:
    """``endpoint``, sealed for ``destination`` alone."""
    return seal.close(msgspec.json.encode(endpoint).decode(), belongs_to=owner_of(destination))


def owner_of(destination: Destination) -> str:
    """What a sealed endpoint belongs to."""
    return f"destination {destination.workspace} {destination.id}"


def _of(principal: Principal) -> Select[Any]:
    return _all_of(principal).where(destinations.c.removed_at.is_(None))


def _all_of(principal: Principal) -> Select[Any]:
    return select(destinations).where(destinations.c.workspace == principal.workspace)


def _is(principal: Principal, id: str) -> ColumnElement[bool]:
    return and_(destinations.c.workspace == principal.workspace, destinations.c.id == id)


async def _count(connection: AsyncConnection, principal: Principal) -> int:
    question = select(func.count()).select_from(_of(principal).subquery())
    return int(await connection.scalar(question) or 0)


async def _set(connection: AsyncConnection, principal: Principal, id: str, **values: Any) -> None:
    await connection.execute(update(destinations).where(_is(principal, id)).values(**values))


async def _drop_waiting(
    connection: AsyncConnection, principal: Principal, id: str, *, reason: str, now: datetime
) -> None:
    waiting = and_(
        notices.c.workspace == principal.workspace,
        notices.c.destination == id,
        notices.c.state == NoticeState.WAITING,
    )
    await connection.execute(
        update(notices)
        .where(waiting)
        .values(state=NoticeState.DROPPED, reason=reason, finished_at=now, lease_until=None)
    )


async def _hold_anew(connection: AsyncConnection, after: Destination, *, now: datetime) -> None:
    """What was never tried waits for the end of the quiet hours that hold from now on."""
    for severity in Severity:
        held = and_(
            notices.c.workspace == after.workspace,
            notices.c.destination == after.id,
            notices.c.state == NoticeState.WAITING,
            notices.c.attempts == 0,
            notices.c.severity == severity,
            notices.c.due_at > now,
        )
        until = after.held_until(severity, now) or now
        await connection.execute(update(notices).where(held).values(due_at=until))


async def _newest_news(connection: AsyncConnection, principal: Principal) -> int:
    """Up to here a destination is told of nothing that begins now."""
    newest = select(func.max(alert_news.c.number)).where(
        alert_news.c.workspace == principal.workspace
    )
    return int(await connection.scalar(newest) or 0)


def _afresh(destination: Destination, *, news: int) -> Destination:
    return replace(
        destination,
        after=news,
        failures=0,
        failing_since=None,
        pause_until=None,
        disabled_at=None,
        disabled_reason=None,
    )


def _missing(id: str) -> NotFound:
    return NotFound(f"There is no destination {id[:60]}.")


def _identity(principal: Principal) -> dict[str, str]:
    return {"workspace": principal.workspace, "principal": principal.id}


def _values(destination: Destination) -> dict[str, Any]:
    """The columns that may change."""
    quiet = destination.quiet
    return {
        "name": destination.name,
        "kind": destination.kind.value,
        "address": destination.address,
        "min_severity": destination.routing.min_severity.value,
        "rules": list(destination.routing.rules),
        "quiet": None if quiet is None else msgspec.to_builtins(quiet),
        "enabled": destination.enabled,
        "created_at": destination.created_at,
        "changed_at": destination.changed_at,
        "after_news": destination.after,
        "secret_at": destination.secret_at,
        "previous_until": destination.previous_until,
        "failures": destination.failures,
        "failing_since": destination.failing_since,
        "pause_until": destination.pause_until,
        "disabled_at": destination.disabled_at,
        "disabled_reason": destination.disabled_reason,
        "sent": destination.sent,
        "failed": destination.failed,
    }
