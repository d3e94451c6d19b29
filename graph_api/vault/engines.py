"""Connecting to the two databases: which address means which, and how each is set up."""

import os
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, NullPool, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from graph_api.domain.errors import BadInput
from graph_api.vault import refusals
from graph_api.vault.columns import encode_document

_CONNECT_TIMEOUT_S = 10.0
#: How long a change waits on SQLite while another process writes.
PATIENCE_S = 30.0


def address_of(url: str) -> URL:
    """Which database ``url`` means: an SQLite file, or PostgreSQL by any of its prefixes."""
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        # Without its cause, which would repeat a password.
        raise BadInput("The vault's URL cannot be read as a URL.") from None
    backend = address.drivername.partition("+")[0]
    if backend == "sqlite":
        if address.database in (None, "", ":memory:"):
            raise BadInput("The vault's SQLite URL must name a file, as in sqlite:///vault.db.")
        return address.set(drivername="sqlite+aiosqlite")
    if backend in ("postgresql", "postgres"):
        return address.set(drivername="postgresql+asyncpg")
    raise BadInput(f"The vault's URL must begin with sqlite or postgresql, not with {backend!r}.")


def prepare(address: URL) -> None:
    """Make an SQLite file for its owner alone, before SQLite does; what it adds inherits that."""
    if not _is_sqlite(address):
        return
    path = Path(address.database or "")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        path.chmod(0o600)
    except OSError as error:
        raise BadInput(f"The vault's file {path} cannot be used: {error.strerror}.") from error


def serving(address: URL, *, pool_size: int, patience_s: float = PATIENCE_S) -> AsyncEngine:
    """An engine for questions and changes; ``sqlite_begin`` is how its transactions begin, and
    ``patience_s`` how long they wait on SQLite for another one."""
    if _is_sqlite(address):
        return _sqlite(
            address, "PRAGMA foreign_keys = ON", patience_s=patience_s, pool_size=pool_size
        )
    return _postgresql(address, pool_size=pool_size, pool_pre_ping=True)


def migrating(address: URL) -> AsyncEngine:
    """An engine for one transaction that changes the tables."""
    if _is_sqlite(address):
        # A table is rebuilt by dropping it, which must not touch what refers to it.
        engine = _sqlite(address, "PRAGMA foreign_keys = OFF", poolclass=NullPool)
        return engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")
    return _postgresql(address, poolclass=NullPool)


def _is_sqlite(address: URL) -> bool:
    return address.drivername == "sqlite+aiosqlite"


def _sqlite(
    address: URL, references: str, *, patience_s: float = PATIENCE_S, **options: Any
) -> AsyncEngine:
    engine = create_async_engine(address, json_serializer=encode_document, **options)

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, _: object) -> None:
        # The driver's own BEGIN would come late and leave DDL outside of transactions.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {round(1000 * patience_s)}")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute(references)
        cursor.execute("PRAGMA journal_mode = WAL")
        mode = cursor.fetchone()[0]
        cursor.close()
        if mode != "wal":
            raise BadInput("The vault's file is on a disk where SQLite cannot use its WAL mode.")

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        how = connection.get_execution_options().get("sqlite_begin", "BEGIN")
        connection.exec_driver_sql(how)

    return engine


def _postgresql(address: URL, **options: Any) -> AsyncEngine:
    try:
        import asyncpg  # type: ignore[import-untyped]
    except ImportError as error:
        raise BadInput(
            "A vault on PostgreSQL needs its driver: install deskgraph[postgresql]."
        ) from error
    # asyncpg reads the URL as libpq does: sslmode, sockets, several hosts, password files.
    dsn = address.set(drivername="postgresql").render_as_string(hide_password=False)

    async def connect() -> Any:
        try:
            return await asyncpg.connect(dsn, timeout=_CONNECT_TIMEOUT_S)
        except OSError as error:  # refused, no such host, timed out
            raise refusals.unavailable() from error
        except asyncpg.PostgresError as error:
            raise refusals.of_code(error.sqlstate or "") or BadInput(
                f"PostgreSQL refuses the vault's connection: {error}."
            ) from error
        except asyncpg.ClientConfigurationError as error:
            raise BadInput(f"The vault's PostgreSQL URL cannot be used: {error}.") from error

    return create_async_engine(
        "postgresql+asyncpg://", async_creator=connect, json_serializer=encode_document, **options
    )
