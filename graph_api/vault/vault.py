"""The door to the vault: an SQLite file or a PostgreSQL database, and transactions on either.

``Vault.open`` connects, ``migrate`` brings the tables up, ``check`` refuses any other state. The
modules beside this one ask and write; each of their functions takes a ``Door`` and a principal.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Any, Protocol, Self, runtime_checkable

import msgspec
from sqlalchemy import Connection, text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from graph_api.domain.errors import GraphApiError, SchemaUnknown
from graph_api.vault import engines, migrating
from graph_api.vault.refusals import translated


class VaultStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Which database, at which revision; a vault with nothing pending can be used."""

    engine: str
    revision: str | None
    newest: str
    pending: list[str]


class VaultHealth(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the vault can serve, and one sentence about it."""

    ready: bool
    detail: str


@runtime_checkable
class Door(Protocol):
    """What a question goes through: the vault itself, or one open transaction of it."""

    def reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A transaction for questions."""
        ...

    def writing(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A transaction for changes, which all happen or leave no trace."""
        ...


class Vault:
    """An open vault; each call is a transaction of its own unless ``together`` joins them."""

    def __init__(self, address: URL, engine: AsyncEngine) -> None:
        self._address, self._engine = address, engine
        self._writer = engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")

    @classmethod
    async def open(
        cls, url: str, *, pool_size: int = 10, patience_s: float = engines.PATIENCE_S
    ) -> Self:
        """Connect to ``sqlite:///path``, whose file is made when absent, or ``postgresql://…``.

        A change waits ``patience_s`` on SQLite for those of others; it cannot be called off before.
        The tables are not looked at: ``migrate`` or ``check`` come next.
        Raises BadInput when the address cannot be a vault, UpstreamUnavailable when it is silent.
        """
        address = engines.address_of(url)
        await asyncio.to_thread(engines.prepare, address)
        vault = cls(address, engines.serving(address, pool_size=pool_size, patience_s=patience_s))
        try:
            await vault._say("SELECT 1")
        except BaseException:
            await vault.close()
            raise
        return vault

    async def close(self) -> None:
        """Let go of every connection."""
        await self._engine.dispose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A transaction for questions, which on SQLite never waits for a writer."""
        with translated():
            async with self._engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction for changes; SQLite lets one in at a time, from its first moment on."""
        with translated():
            async with self._writer.begin() as connection:
                yield connection

    @asynccontextmanager
    async def together(self) -> AsyncIterator[Door]:
        """One transaction for several calls, such as a change's audit and its job.

        An error in one of them ends them all: let it leave the block.
        """
        async with self.writing() as connection:
            yield _Together(connection)

    async def migrate(self, *, now: datetime) -> list[str]:
        """Bring the tables to the newest revision; answers the revisions that it ran.

        Many processes may call it at once: one works, the others wait and find nothing to do.
        Raises SchemaUnknown when a newer program has migrated the vault.
        """

        def upgrade(connection: Connection) -> list[str]:
            return migrating.upgrade(connection, now)

        engine = engines.migrating(self._address)
        try:
            with translated():
                async with engine.begin() as connection:
                    return await connection.run_sync(upgrade)
        finally:
            await engine.dispose()

    async def status(self) -> VaultStatus:
        """Where the vault is, and what ``migrate`` would run; raises SchemaUnknown as that does."""
        async with self.reading() as connection:
            revision = await connection.run_sync(migrating.current_revision)
        known = migrating.revisions()
        done = known.index(revision) + 1 if revision else 0
        name = await self._engine_name()
        return VaultStatus(engine=name, revision=revision, newest=known[-1], pending=known[done:])

    async def check(self) -> None:
        """Raise SchemaUnknown unless the tables are those that this program was written for."""
        status = await self.status()
        if status.pending:
            raise SchemaUnknown(
                f"The vault is at revision {status.revision or 'none'} and this program needs "
                f"{status.newest}: migrate the vault first."
            )

    async def health(self, *, timeout_s: float = 2.0) -> VaultHealth:
        """Whether it answers in time and passes ``check``; what is wrong is told, not raised."""
        try:
            async with asyncio.timeout(timeout_s):
                await self.check()
        except TimeoutError:
            return VaultHealth(ready=False, detail=f"The vault is silent for {timeout_s:g} s.")
        except GraphApiError as error:
            return VaultHealth(ready=False, detail=str(error))
        return VaultHealth(ready=True, detail="The vault answers.")

    async def _engine_name(self) -> str:
        if self._engine.dialect.name == "sqlite":
            return f"SQLite {await self._say('SELECT sqlite_version()')}"
        return f"PostgreSQL {await self._say('SHOW server_version')}"

    async def _say(self, question: str) -> Any:
        async with self.reading() as connection:
            return await connection.scalar(text(question))


class _Together:
    """A door into one open transaction, which ends with the block that opened it."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        with translated():
            yield self._connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        with translated():
            yield self._connection
