"""Watchlists and what is on them; which lists name a wallet is one look-up."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec.structs import asdict, replace
from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from graph_api.domain.principals import Principal
from graph_api.domain.refusals import RefusalReason, Refused
from graph_api.domain.watchlists import (
    MAX_AT_ONCE,
    MAX_ENTRIES,
    MAX_LISTS,
    Entry,
    EntryKind,
    Members,
    Named,
    Watchlist,
    checked_name,
    checked_note,
)
from graph_api.vault.counters import count_up
from graph_api.vault.pages import NEWEST, Page, Place, Window, page
from graph_api.vault.tables import alert_rules, watchlist_entries, watchlists
from graph_api.vault.vault import Door
from graph_api.vault.watchlist_rows import (
    entry_of,
    in_workspace,
    is_list,
    lists_of,
    locked,
    set_watchlist,
    watchlist_of,
)

#: Counts the changes of a workspace's lists.
CHANGES: Final = "watchlists"
#: Rows of one statement: SQLite takes up to 32,766 values.
_CHUNK: Final = 500


class Added(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a list by adding: what is new on it, and what was on it already."""

    watchlist: Watchlist
    added: list[Entry]
    known: list[Entry]


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a list by removing: what was taken off, and what was not on it."""

    watchlist: Watchlist
    removed: list[Named]
    missing: list[Named]


class Wanted(msgspec.Struct, frozen=True):
    """Something to put on a list."""

    named: Named
    note: str | None = None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How much is on a list."""

    wallets: int = 0
    tokens: int = 0
    actors: int = 0


async def create(
    vault: Door,
    principal: Principal,
    *,
    id: str,
    name: str,
    note: str | None = None,
    now: datetime,
) -> Watchlist:
    """A new, empty list. Raises: Refused when the name is taken or lists are too many."""
    made = Watchlist(
        id=id,
        workspace=principal.workspace,
        principal=principal.id,
        name=checked_name(name, of="a watchlist"),
        note=checked_note(note),
        created_at=now,
        changed_at=now,
    )
    async with vault.writing() as connection:
        # Whoever counts up keeps others from making lists until this one is there.
        await count_up(connection, principal, CHANGES)
        count = select(func.count()).select_from(watchlists).where(in_workspace(principal))
        if (await connection.execute(count)).scalar_one() >= MAX_LISTS:
            raise Refused(
                f"A workspace has up to {MAX_LISTS} watchlists; delete one that is not used.",
                reason=RefusalReason.TOO_MANY,
            )
        await _require_free(connection, principal, made)
        await connection.execute(insert(watchlists).values(asdict(made)))
    return made


async def rename(
    vault: Door,
    principal: Principal,
    id: str,
    *,
    name: str | None = None,
    note: str | None = None,
    now: datetime,
) -> Watchlist:
    """Another name or note; None leaves it, an empty note takes it away. Raises: Refused."""
    async with vault.writing() as connection:
        await count_up(connection, principal, CHANGES)
        found = await locked(connection, principal, id)
        wanted = replace(
            found,
            name=found.name if name is None else checked_name(name, of="a watchlist"),
            note=found.note if note is None else checked_note(note),
        )
        if wanted == found:
            return found
        await _require_free(connection, principal, wanted)
        return await _changed(connection, found, now=now, name=wanted.name, note=wanted.note)


async def remove(vault: Door, principal: Principal, id: str) -> Watchlist:
    """Delete a list and what is on it. Raises: Refused while a rule uses it."""
    async with vault.writing() as connection:
        await count_up(connection, principal, CHANGES)
        found = await locked(connection, principal, id)
        used = (
            select(alert_rules.c.id, alert_rules.c.name)
            .where(
                alert_rules.c.workspace == principal.workspace,
                alert_rules.c.watchlist == id,
                alert_rules.c.removed_at.is_(None),
            )
            .order_by(alert_rules.c.created_at, alert_rules.c.id)
        )
        if rules := (await connection.execute(used)).all():
            names = ", ".join(f"{rule.name!r}" for rule in rules[:3])
            more = f" and {len(rules) - 3} more" if len(rules) > 3 else ""
            raise Refused(
                f"The watchlist {found.name!r} is used by {names}{more}; change or delete these "
                "alert rules first.",
                reason=RefusalReason.IN_USE,
                about=[rule.id for rule in rules],
            )
        await connection.execute(delete(watchlist_entries).where(_on(found)))
        await connection.execute(delete(watchlists).where(is_list(found)))
    return found


async def put(
    vault: Door, principal: Principal, id: str, wanted: Sequence[Wanted], *, now: datetime
) -> Added:
    """Put things on a list. What is on it already stays, with the new note where one is given.

    Raises: Refused.
    """
    # The last of several that name the same counts.
    asked = {one.named: checked_note(one.note) for one in _some(wanted)}
    async with vault.writing() as connection:
        await count_up(connection, principal, CHANGES)
        watchlist = await locked(connection, principal, id)
        known = await _entries(connection, watchlist, list(asked))
        new = [
            Entry(kind=one.kind, key=one.key, note=note, added_at=now, principal=principal.id)
            for one, note in asked.items()
            if one not in known
        ]
        await _require_room(connection, watchlist, len(new))
        for some in _chunks(new):
            rows = [_row(watchlist, entry) for entry in some]
            await connection.execute(insert(watchlist_entries), rows)
        noted = [one for one, entry in known.items() if asked[one] not in (None, entry.note)]
        for one in noted:
            known[one] = replace(known[one], note=asked[one])
            here = and_(_on(watchlist), _names([one]))
            await connection.execute(update(watchlist_entries).where(here).values(note=asked[one]))
        if new or noted:
            watchlist = await _changed(connection, watchlist, now=now)
    return Added(watchlist=watchlist, added=new, known=list(known.values()))


async def take(
    vault: Door, principal: Principal, id: str, unwanted: Sequence[Named], *, now: datetime
) -> Removed:
    """Take things off a list. Raises: Refused."""
    asked = list(dict.fromkeys(_some(unwanted)))
    async with vault.writing() as connection:
        await count_up(connection, principal, CHANGES)
        watchlist = await locked(connection, principal, id)
        known = await _entries(connection, watchlist, asked)
        for some in _chunks(list(known)):
            await connection.execute(delete(watchlist_entries).where(_on(watchlist), _names(some)))
        if known:
            watchlist = await _changed(connection, watchlist, now=now)
    return Removed(
        watchlist=watchlist,
        removed=list(known),
        missing=[one for one in asked if one not in known],
    )


async def by_ids(vault: Door, principal: Principal, ids: Sequence[str]) -> dict[str, Watchlist]:
    """The workspace's lists with these ids; what is not there is left out."""
    question = lists_of(principal).where(watchlists.c.id.in_(ids))
    async with vault.reading() as connection:
        return {row.id: watchlist_of(row) for row in await connection.execute(question)}


async def history(vault: Door, principal: Principal, window: Window = NEWEST) -> Page[Watchlist]:
    """The workspace's lists, the newest first."""
    order = watchlists.c.created_at, watchlists.c.id
    async with vault.reading() as connection:
        return await page(connection, lists_of(principal), window, order=order, of=watchlist_of)


async def entries(
    vault: Door,
    principal: Principal,
    id: str,
    window: Window = NEWEST,
    *,
    kind: EntryKind | None = None,
) -> Page[Entry]:
    """What is on a list, the newest first; of one kind where it is named."""
    question = select(watchlist_entries).where(
        watchlist_entries.c.workspace == principal.workspace, watchlist_entries.c.watchlist == id
    )
    if kind is not None:
        question = question.where(watchlist_entries.c.kind == kind)
    order = watchlist_entries.c.added_at, watchlist_entries.c.key
    async with vault.reading() as connection:
        return await page(connection, question, window, order=order, of=entry_of)


def place_of(entry: Entry) -> Place:
    """Where an entry stands among all that are on its list."""
    return Place(entry.added_at, entry.key)


async def standings(vault: Door, principal: Principal, ids: Sequence[str]) -> dict[str, Standing]:
    """How much is on each list; of one that is not there, nothing."""
    kinds = watchlist_entries.c.watchlist, watchlist_entries.c.kind
    question = (
        select(*kinds, func.count().label("entries"))
        .where(
            watchlist_entries.c.workspace == principal.workspace,
            watchlist_entries.c.watchlist.in_(ids),
        )
        .group_by(*kinds)
    )
    found: dict[str, dict[str, int]] = {id: {} for id in ids}
    async with vault.reading() as connection:
        for row in await connection.execute(question):
            found[row.watchlist][f"{row.kind}s"] = row.entries
    return {id: Standing(**counts) for id, counts in found.items()}


async def members(vault: Door, principal: Principal, ids: Sequence[str]) -> dict[str, Members]:
    """Everything on each list, as it is now; what is not there is left out."""
    question = (
        select(
            watchlists.c.id,
            watchlists.c.revision,
            watchlist_entries.c.kind,
            watchlist_entries.c.key,
        )
        .outerjoin(watchlist_entries)
        .where(in_workspace(principal), watchlists.c.id.in_(ids))
    )
    # One statement, so that what is on a list and its revision are of the same moment.
    revisions: dict[str, int] = {}
    found: dict[str, dict[str, set[str]]] = {}
    async with vault.reading() as connection:
        for row in await connection.execute(question):
            revisions[row.id] = row.revision
            kinds = found.setdefault(row.id, {})
            if row.kind is not None:
                kinds.setdefault(f"{row.kind}s", set()).add(row.key)
    return {
        id: Members(
            revision=revisions[id], **{kind: frozenset(keys) for kind, keys in kinds.items()}
        )
        for id, kinds in found.items()
    }


async def naming(
    vault: Door, principal: Principal, kind: EntryKind, keys: Sequence[str]
) -> dict[str, list[Watchlist]]:
    """The workspace's lists that name each of ``keys``, by their names."""
    found: dict[str, list[Watchlist]] = {}
    async with vault.reading() as connection:
        for some in _chunks(keys):
            question = (
                select(watchlists, watchlist_entries.c.key.label("named"))
                .join(watchlist_entries)
                .where(
                    in_workspace(principal),
                    watchlist_entries.c.kind == kind,
                    watchlist_entries.c.key.in_(some),
                )
                .order_by(watchlists.c.name, watchlists.c.id)
            )
            for row in await connection.execute(question):
                found.setdefault(row.named, []).append(watchlist_of(row))
    return found


def _on(watchlist: Watchlist) -> ColumnElement[bool]:
    return and_(
        watchlist_entries.c.workspace == watchlist.workspace,
        watchlist_entries.c.watchlist == watchlist.id,
    )


def _names(some: Sequence[Named]) -> ColumnElement[bool]:
    keys: dict[EntryKind, list[str]] = {}
    for one in some:
        keys.setdefault(one.kind, []).append(one.key)
    entry = watchlist_entries.c
    return or_(*(and_(entry.kind == kind, entry.key.in_(those)) for kind, those in keys.items()))


async def _require_free(
    connection: AsyncConnection, principal: Principal, wanted: Watchlist
) -> None:
    question = lists_of(principal).where(
        watchlists.c.name == wanted.name, watchlists.c.id != wanted.id
    )
    other = (await connection.execute(question)).one_or_none()
    if other is not None:
        raise Refused(
            f"Another watchlist is named {wanted.name!r}.",
            reason=RefusalReason.NAME_TAKEN,
            about=[other.id],
        )


async def _require_room(connection: AsyncConnection, watchlist: Watchlist, more: int) -> None:
    count = select(func.count()).select_from(watchlist_entries).where(_on(watchlist))
    there = (await connection.execute(count)).scalar_one() if more else 0
    if there + more > MAX_ENTRIES:
        raise Refused(
            f"A watchlist holds up to {MAX_ENTRIES:,} entries; {watchlist.name!r} has {there:,} "
            f"and would get {more:,} more.",
            reason=RefusalReason.TOO_MANY,
        )


async def _entries(
    connection: AsyncConnection, watchlist: Watchlist, some: Sequence[Named]
) -> dict[Named, Entry]:
    found: dict[Named, Entry] = {}
    for part in _chunks(some):
        question = select(watchlist_entries).where(_on(watchlist), _names(part))
        for row in await connection.execute(question):
            entry = entry_of(row)
            found[entry.named] = entry
    return found


async def _changed(
    connection: AsyncConnection, watchlist: Watchlist, *, now: datetime, **changes: Any
) -> Watchlist:
    revision = watchlist.revision + 1
    return await set_watchlist(connection, watchlist, changed_at=now, revision=revision, **changes)


def _some(given: Sequence[Any]) -> Sequence[Any]:
    if not 1 <= len(given) <= MAX_AT_ONCE:
        raise Refused(f"Name 1 to {MAX_AT_ONCE:,} entries at once.", reason=RefusalReason.TOO_MANY)
    return given


def _chunks(some: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for begin in range(0, len(some), _CHUNK):
        yield some[begin : begin + _CHUNK]


def _row(watchlist: Watchlist, entry: Entry) -> dict[str, Any]:
    return {"workspace": watchlist.workspace, "watchlist": watchlist.id, **asdict(entry)}
