"""Answers that were kept: each belongs to who asked for it, until it is published to the workspace.

The body is the whole answer and never changes; its digest is what a citation names.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec.structs import asdict, replace
from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Table,
    and_,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from graph_api.domain.errors import BadInput
from graph_api.domain.principals import Principal
from graph_api.domain.refusals import RefusalReason, Refused
from graph_api.vault.columns import as_kept
from graph_api.vault.pages import NEWEST, Page, Window, page
from graph_api.vault.tables import add
from graph_api.vault.vault import Door

#: So many answers of a kind a workspace keeps.
MOST: Final = 5_000
MAX_NAME: Final = 100


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """An answer on record, without its body. ``name`` is what its owner calls it."""

    id: str
    workspace: str
    principal: str
    digest: str
    made_at: datetime
    question: dict[str, Any]
    name: str | None = None
    published_at: datetime | None = None


class Shelf:
    """The answers of one kind, in ``table``; ``noun`` is what people call one."""

    def __init__(self, table: Table, *, noun: str) -> None:
        self._table, self._noun = table, noun
        self._columns = [column for column in table.c if column.name != "body"]

    async def save(
        self,
        vault: Door,
        principal: Principal,
        *,
        id: str,
        digest: str,
        question: dict[str, Any],
        body: bytes,
        now: datetime,
    ) -> Kept:
        """Keep an answer for good; one that has this id already stays. Raises: BadInput."""
        kept = Kept(
            id=id,
            workspace=principal.workspace,
            principal=principal.id,
            digest=digest,
            made_at=now,
            question=as_kept(question),
        )
        async with vault.writing() as connection:
            if await add(connection, self._table, {**asdict(kept), "body": body}):
                count = select(func.count()).where(self._table.c.workspace == principal.workspace)
                if int(await connection.scalar(count) or 0) > MOST:
                    raise BadInput(
                        f"The workspace keeps {MOST:,} {self._noun}s already; delete some of them."
                    )
                return kept
            row = (
                await connection.execute(self._own(principal).where(self._table.c.id == id))
            ).one_or_none()
        if row is None:
            raise BadInput(f"Another {self._noun} has the id {id}.")
        return _kept(row)

    async def by_ids(
        self, vault: Door, principal: Principal, ids: Sequence[str]
    ) -> dict[str, Kept]:
        """Those with these ids that the principal may see."""
        question = self._seen(principal).where(self._table.c.id.in_(ids))
        async with vault.reading() as connection:
            return {row.id: _kept(row) for row in await connection.execute(question)}

    async def bodies(
        self, vault: Door, principal: Principal, ids: Sequence[str]
    ) -> dict[str, bytes]:
        """The bodies of those that the principal may see."""
        question = (
            select(self._table.c.id, self._table.c.body)
            .where(self._is_seen(principal))
            .where(self._table.c.id.in_(ids))
        )
        async with vault.reading() as connection:
            return {row.id: bytes(row.body) for row in await connection.execute(question)}

    async def history(
        self, vault: Door, principal: Principal, window: Window = NEWEST
    ) -> Page[Kept]:
        """Those that the principal may see, the newest first."""
        async with vault.reading() as connection:
            order = self._table.c.made_at, self._table.c.id
            return await page(connection, self._seen(principal), window, order=order, of=_kept)

    async def call(self, vault: Door, principal: Principal, id: str, *, name: str) -> Kept:
        """Keep one of one's own by name. Raises: Refused."""
        name = name.strip()
        if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
            raise Refused(f"A name has 1 to {MAX_NAME} printable characters.")
        async with vault.writing() as connection:
            taken = self._own(principal).where(self._table.c.name == name, self._table.c.id != id)
            if (await connection.execute(taken)).first() is not None:
                raise Refused(
                    f"Another {self._noun} of yours is called {name!r}.",
                    reason=RefusalReason.NAME_TAKEN,
                )
            return await self._change(connection, principal, id, name=name)

    async def publish(self, vault: Door, principal: Principal, id: str, *, now: datetime) -> Kept:
        """Let the whole workspace see one of one's own. Raises: Refused."""
        async with vault.writing() as connection:
            found = await self._locked(connection, principal, id)
            return await self._change(
                connection, principal, id, published_at=found.published_at or now
            )

    async def withdraw(self, vault: Door, principal: Principal, id: str) -> Kept:
        """Keep one of one's own to oneself again. Raises: Refused."""
        async with vault.writing() as connection:
            return await self._change(connection, principal, id, published_at=None)

    async def remove(self, vault: Door, principal: Principal, id: str) -> Kept:
        """Forget one of one's own; its citations lead nowhere then. Raises: Refused."""
        async with vault.writing() as connection:
            found = await self._locked(connection, principal, id)
            await connection.execute(delete(self._table).where(self._is(found)))
            return found

    def _is_seen(self, principal: Principal) -> ColumnElement[bool]:
        """One's own, and what was published in the workspace."""
        mine = or_(self._table.c.principal == principal.id, self._table.c.published_at.is_not(None))
        return and_(self._table.c.workspace == principal.workspace, mine)

    def _seen(self, principal: Principal) -> Select[Any]:
        return select(*self._columns).where(self._is_seen(principal))

    def _own(self, principal: Principal) -> Select[Any]:
        here = self._table.c.workspace == principal.workspace
        return select(*self._columns).where(here, self._table.c.principal == principal.id)

    def _is(self, kept: Kept) -> ColumnElement[bool]:
        return and_(self._table.c.workspace == kept.workspace, self._table.c.id == kept.id)

    async def _locked(self, connection: AsyncConnection, principal: Principal, id: str) -> Kept:
        question = self._own(principal).where(self._table.c.id == id).with_for_update()
        row = (await connection.execute(question)).one_or_none()
        if row is None:
            raise Refused(
                f"There is no {self._noun} {id[:60]} of yours.", reason=RefusalReason.NOT_FOUND
            )
        return _kept(row)

    async def _change(
        self, connection: AsyncConnection, principal: Principal, id: str, **changes: Any
    ) -> Kept:
        found = await self._locked(connection, principal, id)
        await connection.execute(update(self._table).where(self._is(found)).values(**changes))
        return replace(found, **changes)


def _kept(row: Row[Any]) -> Kept:
    return Kept(**row._mapping)
