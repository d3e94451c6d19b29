"""Traces that were kept: each belongs to who asked for it, until it is published to the workspace.

The body is the whole answer and never changes; its digest is what a citation names.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec.structs import asdict, replace
from sqlalchemy import ColumnElement, Row, Select, and_, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from graph_api.domain.errors import BadInput
from graph_api.domain.principals import Principal
from graph_api.domain.refusals import RefusalReason, Refused
from graph_api.vault.columns import as_kept
from graph_api.vault.pages import NEWEST, Page, Window, page
from graph_api.vault.tables import add, traces
from graph_api.vault.vault import Door

#: So many traces a workspace keeps.
MOST: Final = 5_000
MAX_NAME: Final = 100


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A trace on record, without its body. ``name`` is what its owner calls it."""

    id: str
    workspace: str
    principal: str
    digest: str
    made_at: datetime
    question: dict[str, Any]
    name: str | None = None
    published_at: datetime | None = None


async def save(
    vault: Door,
    principal: Principal,
    *,
    id: str,
    digest: str,
    question: dict[str, Any],
    body: bytes,
    now: datetime,
) -> Kept:
    """Keep an answer for good; one that is kept under this id already stays. Raises: BadInput."""
    kept = Kept(
        id=id,
        workspace=principal.workspace,
        principal=principal.id,
        digest=digest,
        made_at=now,
        question=as_kept(question),
    )
    async with vault.writing() as connection:
        if await add(connection, traces, {**asdict(kept), "body": body}):
            count = select(func.count()).where(traces.c.workspace == principal.workspace)
            if int(await connection.scalar(count) or 0) > MOST:
                raise BadInput(f"The workspace keeps {MOST:,} traces already; delete some of them.")
            return kept
        row = (await connection.execute(_own(principal).where(traces.c.id == id))).one_or_none()
    if row is None:
        raise BadInput(f"Another trace has the id {id}.")
    return _kept(row)


async def by_ids(vault: Door, principal: Principal, ids: Sequence[str]) -> dict[str, Kept]:
    """The traces with these ids that the principal may see."""
    question = _seen(principal).where(traces.c.id.in_(ids))
    async with vault.reading() as connection:
        return {row.id: _kept(row) for row in await connection.execute(question)}


async def bodies(vault: Door, principal: Principal, ids: Sequence[str]) -> dict[str, bytes]:
    """The answers of traces that the principal may see."""
    question = (
        select(traces.c.id, traces.c.body).where(_is_seen(principal)).where(traces.c.id.in_(ids))
    )
    async with vault.reading() as connection:
        return {row.id: bytes(row.body) for row in await connection.execute(question)}


async def history(vault: Door, principal: Principal, window: Window = NEWEST) -> Page[Kept]:
    """The traces that the principal may see, the newest first."""
    async with vault.reading() as connection:
        order = traces.c.made_at, traces.c.id
        return await page(connection, _seen(principal), window, order=order, of=_kept)


async def call(vault: Door, principal: Principal, id: str, *, name: str) -> Kept:
    """Keep a trace of one's own by name. Raises: Refused."""
    name = name.strip()
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise Refused(f"A name has 1 to {MAX_NAME} printable characters.")
    async with vault.writing() as connection:
        taken = _own(principal).where(traces.c.name == name, traces.c.id != id)
        if (await connection.execute(taken)).first() is not None:
            raise Refused(
                f"Another trace of yours is called {name!r}.", reason=RefusalReason.NAME_TAKEN
            )
        return await _change(connection, principal, id, name=name)


async def publish(vault: Door, principal: Principal, id: str, *, now: datetime) -> Kept:
    """Let the whole workspace see a trace of one's own. Raises: Refused."""
    async with vault.writing() as connection:
        found = await _locked(connection, principal, id)
        return await _change(connection, principal, id, published_at=found.published_at or now)


async def withdraw(vault: Door, principal: Principal, id: str) -> Kept:
    """Keep a trace of one's own to oneself again. Raises: Refused."""
    async with vault.writing() as connection:
        return await _change(connection, principal, id, published_at=None)


async def remove(vault: Door, principal: Principal, id: str) -> Kept:
    """Forget a trace of one's own; its citations lead nowhere then. Raises: Refused."""
    async with vault.writing() as connection:
        found = await _locked(connection, principal, id)
        await connection.execute(delete(traces).where(_is(found)))
        return found


_COLUMNS: Final = [column for column in traces.c if column.name != "body"]


def _is_seen(principal: Principal) -> ColumnElement[bool]:
    """One's own, and what was published in the workspace."""
    mine = or_(traces.c.principal == principal.id, traces.c.published_at.is_not(None))
    return and_(traces.c.workspace == principal.workspace, mine)


def _seen(principal: Principal) -> Select[Any]:
    return select(*_COLUMNS).where(_is_seen(principal))


def _own(principal: Principal) -> Select[Any]:
    here = traces.c.workspace == principal.workspace
    return select(*_COLUMNS).where(here, traces.c.principal == principal.id)


def _is(kept: Kept) -> ColumnElement[bool]:
    return and_(traces.c.workspace == kept.workspace, traces.c.id == kept.id)


async def _locked(connection: AsyncConnection, principal: Principal, id: str) -> Kept:
    question = _own(principal).where(traces.c.id == id).with_for_update()
    row = (await connection.execute(question)).one_or_none()
    if row is None:
        raise Refused(f"There is no trace {id[:60]} of yours.", reason=RefusalReason.NOT_FOUND)
    return _kept(row)


async def _change(
    connection: AsyncConnection, principal: Principal, id: str, **changes: Any
) -> Kept:
    found = await _locked(connection, principal, id)
    await connection.execute(update(traces).where(_is(found)).values(**changes))
    return replace(found, **changes)


def _kept(row: Row[Any]) -> Kept:
    return Kept(**row._mapping)
