"""Rows of watchlists and of what is on them: asked for, locked and changed in a transaction."""

from typing import Any

from msgspec.structs import replace
from sqlalchemy import ColumnElement, Row, Select, and_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from graph_api.domain.principals import Principal
from graph_api.domain.refusals import RefusalReason, Refused
from graph_api.domain.watchlists import Entry, EntryKind, Watchlist
from graph_api.vault.tables import watchlists


def in_workspace(principal: Principal) -> ColumnElement[bool]:
    """That a list is in the workspace."""
    return watchlists.c.workspace == principal.workspace


def lists_of(principal: Principal) -> Select[Any]:
    """The workspace's lists."""
    return select(watchlists).where(in_workspace(principal))


def is_list(watchlist: Watchlist) -> ColumnElement[bool]:
    """That a row is this list's."""
    return and_(watchlists.c.workspace == watchlist.workspace, watchlists.c.id == watchlist.id)


async def locked(connection: AsyncConnection, principal: Principal, id: str) -> Watchlist:
    """A list, which others wait for that change it. Raises: Refused."""
    found = await locked_if_any(connection, principal, id)
    if found is None:
        raise Refused(f"There is no watchlist {id[:60]}.", reason=RefusalReason.NOT_FOUND)
    return found


async def locked_if_any(
    connection: AsyncConnection, principal: Principal, id: str
) -> Watchlist | None:
    """A list, which others wait for that change it; None if it is not there."""
    question = lists_of(principal).where(watchlists.c.id == id).with_for_update()
    row = (await connection.execute(question)).one_or_none()
    return None if row is None else watchlist_of(row)


async def set_watchlist(
    connection: AsyncConnection, watchlist: Watchlist, **changes: Any
) -> Watchlist:
    """Change columns of a list that is locked."""
    await connection.execute(update(watchlists).where(is_list(watchlist)).values(changes))
    return replace(watchlist, **changes)


def watchlist_of(row: Row[Any]) -> Watchlist:
    """The list of a row."""
    return Watchlist(**{name: getattr(row, name) for name in Watchlist.__struct_fields__})


def entry_of(row: Row[Any]) -> Entry:
    """The entry of a row."""
    return Entry(
        kind=EntryKind(row.kind),
        key=row.key,
        note=row.note,
        added_at=row.added_at,
        principal=row.principal,
    )
