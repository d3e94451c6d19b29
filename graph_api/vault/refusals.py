"""What the two databases refuse, said as errors of ours; what is a fault of ours passes through."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from graph_api.domain.errors import BadInput, GraphApiError, NotFound, UpstreamUnavailable

_RETRY_AFTER_S = 1.0
# SQLSTATE classes: connection lost, out of resources, stopped or starting by an operator.
_BUSY = ("08", "53", "57", "SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_IOERR", "SQLITE_FULL")
_NOBODY = ("23503", "SQLITE_CONSTRAINT_FOREIGNKEY")
_TAKEN = ("23505", "SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_UNIQUE")


def unavailable() -> UpstreamUnavailable:
    """The vault's database does not answer now."""
    return UpstreamUnavailable("The vault", retry_after_s=_RETRY_AFTER_S)


def of_code(code: str) -> GraphApiError | None:
    """The error of ours for an SQLSTATE or the name of an SQLite error; ``None`` for a fault."""
    if code.startswith(_BUSY):
        return unavailable()
    if code in _NOBODY:
        return NotFound("The vault knows no such principal in this workspace.")
    if code in _TAKEN:
        return BadInput("The vault holds another object with this id.")
    if code == "SQLITE_NOTADB":
        return BadInput("The vault's file is not an SQLite database.")
    return None


@contextmanager
def translated() -> Iterator[None]:
    """Raise errors of ours from what a database or its driver raises in the block."""
    try:
        yield
    except PoolTimeout as error:
        raise unavailable() from error
    except (StatementError, sqlite3.Error) as error:
        ours = _ours(error)
        if ours is None:
            raise
        raise ours from error


def _ours(error: StatementError | sqlite3.Error) -> GraphApiError | None:
    cause = error.orig if isinstance(error, StatementError) else error
    if isinstance(cause, GraphApiError):
        return cause
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return unavailable()
    code = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)
    return of_code(code or "")
