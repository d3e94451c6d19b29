"""Workspaces, and who may act in them; whoever is not in one cannot tell that it exists."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, insert, select, update

from graph_api.domain.errors import BadInput, NotFound
from graph_api.domain.principals import Principal, Workspace
from graph_api.vault.pages import NEWEST, Page, Window, page
from graph_api.vault.tables import principals, workspaces
from graph_api.vault.vault import Door

MAX_NAME = 200


async def create(
    vault: Door, principal: Principal, *, id: str, name: str, now: datetime
) -> Workspace:
    """A new workspace with ``principal`` in it, who may act there from now on."""
    workspace = Workspace(id=id, principal=principal.id, name=_name(name), created_at=now)
    owner = {"workspace": id, "principal": principal.id}
    async with vault.writing() as connection:
        await connection.execute(
            insert(workspaces).values(**owner, name=workspace.name, created_at=now)
        )
        await connection.execute(
            insert(principals).values(**owner, kind=principal.kind, joined_at=now)
        )
    return workspace


async def by_id(vault: Door, principal: Principal, id: str) -> Workspace | None:
    """The workspace ``id`` if ``principal`` is in it, else nothing."""
    async with vault.reading() as connection:
        row = (
            await connection.execute(_of(principal).where(workspaces.c.workspace == id))
        ).one_or_none()
    return None if row is None else _workspace(row)


async def of_principal(
    vault: Door, principal: Principal, window: Window = NEWEST
) -> Page[Workspace]:
    """Every workspace that ``principal`` is in, the newest first."""
    order = workspaces.c.created_at, workspaces.c.workspace
    async with vault.reading() as connection:
        return await page(connection, _of(principal), window, order=order, of=_workspace)


async def rename(vault: Door, principal: Principal, *, name: str) -> Workspace:
    """Give the workspace in which ``principal`` acts another name."""
    name = _name(name)
    here = workspaces.c.workspace == principal.workspace
    async with vault.writing() as connection:
        row = (await connection.execute(_of(principal).where(here))).one_or_none()
        if row is None:
            raise NotFound("The vault knows no such principal in this workspace.")
        await connection.execute(update(workspaces).where(here).values(name=name))
    return Workspace(
        id=row.workspace, principal=row.principal, name=name, created_at=row.created_at
    )


def _of(principal: Principal) -> Select[Any]:
    return (
        select(workspaces)
        .join(principals, principals.c.workspace == workspaces.c.workspace)
        .where(principals.c.principal == principal.id)
    )


def _workspace(row: Row[Any]) -> Workspace:
    return Workspace(
        id=row.workspace, principal=row.principal, name=row.name, created_at=row.created_at
    )


def _name(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= MAX_NAME:
        raise BadInput(f"A workspace's name has 1 to {MAX_NAME} characters.")
    return name
