"""Watchlists that the graph tells of: the wish that it does, and whether it does by now."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from graph_api.domain.principals import Principal
from graph_api.domain.watchlists import Entry, EntryKind, Watchlist
from graph_api.vault.tables import watchlist_entries
from graph_api.vault.vault import Door
from graph_api.vault.watchlist_rows import entry_of, locked, locked_if_any, set_watchlist


async def publish(vault: Door, principal: Principal, id: str, *, now: datetime) -> Watchlist:
    """Wish that the graph tells of a list, from now on. Raises: Refused."""
    async with vault.writing() as connection:
        found = await locked(connection, principal, id)
        if found.published_at is not None:
            return found
        return await set_watchlist(connection, found, published_at=now)


async def unpublish(vault: Door, principal: Principal, id: str) -> Watchlist:
    """Wish that the graph tells of a list no more. Raises: Refused."""
    async with vault.writing() as connection:
        found = await locked(connection, principal, id)
        return await set_watchlist(connection, found, published_at=None)


async def settle(vault: Door, principal: Principal, id: str, *, told: Watchlist | None) -> bool:
    """Say that the graph tells of a list as ``told``; whether that is still how it should be.

    None stands for a list that is not there.
    """
    async with vault.writing() as connection:
        found = await locked_if_any(connection, principal, id)
        if _wish(found) != _wish(told):
            return False
        if found is not None:
            published = None if found.published_at is None else found.revision
            await set_watchlist(connection, found, published_revision=published)
    return True


async def wallets(vault: Door, principal: Principal, id: str) -> Sequence[Entry]:
    """All wallets on a list, which is what the graph can tell of."""
    question = select(watchlist_entries).where(
        watchlist_entries.c.workspace == principal.workspace,
        watchlist_entries.c.watchlist == id,
        watchlist_entries.c.kind == EntryKind.WALLET,
    )
    async with vault.reading() as connection:
        return [entry_of(row) for row in await connection.execute(question)]


def _wish(watchlist: Watchlist | None) -> tuple[datetime, int] | None:
    """What the graph should tell of a list; None for nothing."""
    if watchlist is None or watchlist.published_at is None:
        return None
    return watchlist.published_at, watchlist.revision
