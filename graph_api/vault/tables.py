"""The vault's tables as they are now; each row says in which workspace it lives and whose it is.

``workspace`` leads every primary key, so that an id means nothing outside its workspace.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from graph_api.vault.columns import Document, Moment, Words

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_key",
        "fk": "%(table_name)s_in_%(referred_table_name)s",
        "ck": "%(table_name)s_%(constraint_name)s",
    }
)

workspaces = Table(
    "workspaces",
    metadata,
    Column("workspace", Words, primary_key=True),
    Column("principal", Words, nullable=False),
    Column("name", Words, nullable=False),
    Column("created_at", Moment, nullable=False),
)

principals = Table(
    "principals",
    metadata,
    Column("workspace", Words, primary_key=True),
    Column("principal", Words, primary_key=True),
    Column("kind", Words, nullable=False),
    Column("joined_at", Moment, nullable=False),
    ForeignKeyConstraint(["workspace"], ["workspaces.workspace"]),
    Index("principals_by_principal", "principal"),
)

desk_changes = Table(
    "desk_changes",
    metadata,
    Column("workspace", Words, primary_key=True),
    Column("id", Words, primary_key=True),
    Column("principal", Words, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("action", Words, nullable=False),
    Column("actor_id", Words, nullable=False),
    Column("account_id", Words),
    Column("before", Document),
    Column("after", Document),
    Column("reason", Words, nullable=False),
    ForeignKeyConstraint(
        ["workspace", "principal"], ["principals.workspace", "principals.principal"]
    ),
    CheckConstraint("action IN ('add', 'correct', 'withdraw')", name="action_known"),
    Index("desk_changes_newest", "workspace", "changed_at", "id"),
    Index("desk_changes_of_actor", "workspace", "actor_id", "changed_at", "id"),
    Index("desk_changes_of_account", "workspace", "account_id", "changed_at", "id"),
)

_NOT_ENDED = text("state IN ('queued', 'running')")

jobs = Table(
    "jobs",
    metadata,
    Column("workspace", Words, primary_key=True),
    Column("id", Words, primary_key=True),
    Column("principal", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("arguments", Document, nullable=False),
    Column("state", Words, nullable=False),
    Column("progress", Double, nullable=False),
    Column("result", Document),
    Column("error", Words),
    Column("attempts", Integer, nullable=False),
    Column("worker", Words),
    Column("fence", Integer, nullable=False),
    Column("lease_until", Moment),
    Column("created_at", Moment, nullable=False),
    Column("started_at", Moment),
    Column("finished_at", Moment),
    Column("subject", Words),
    Column("done", BigInteger),
    Column("total", BigInteger),
    Column("unit", Words),
    Column("message", Words),
    Column("code", Words),
    Column("remedy", Words),
    Column("not_before", Moment),
    ForeignKeyConstraint(
        ["workspace", "principal"], ["principals.workspace", "principals.principal"]
    ),
    CheckConstraint(
        "state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="state_known"
    ),
    Index("jobs_newest", "workspace", "created_at", "id"),
    Index("jobs_waiting", "workspace", "state", "created_at", "id"),
    Index("jobs_of_subject", "workspace", "kind", "subject", "created_at", "id"),
    Index(
        "jobs_one_at_a_time",
        "workspace",
        "kind",
        "subject",
        unique=True,
        sqlite_where=_NOT_ENDED,
        postgresql_where=_NOT_ENDED,
    ),
)

hooks = Table(
    "hooks",
    metadata,
    Column("workspace", Words, primary_key=True),
    Column("sender", Words, primary_key=True),
    Column("hook", Words, primary_key=True),
    Column("principal", Words, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("worker", Words),
    Column("fence", BigInteger, nullable=False),
    Column("lease_until", Moment),
    ForeignKeyConstraint(
        ["workspace", "principal"], ["principals.workspace", "principals.principal"]
    ),
)

inbox = Table(
    "inbox",
    metadata,
    Column("workspace", Words, primary_key=True),
    Column("id", Words, primary_key=True),
    Column("principal", Words, nullable=False),
    Column("sender", Words, nullable=False),
    Column("hook", Words, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("identity", Words, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("size", Integer, nullable=False),
    Column("state", Words, nullable=False),
    Column("reason", Words),
    Column("attempts", Integer, nullable=False),
    Column("said_at", Moment),
    Column("received_at", Moment, nullable=False),
    Column("finished_at", Moment),
    ForeignKeyConstraint(
        ["workspace", "sender", "hook"], ["hooks.workspace", "hooks.sender", "hooks.hook"]
    ),
    CheckConstraint("state IN ('waiting', 'done', 'dead', 'dropped')", name="state_known"),
    Index("inbox_once", "workspace", "sender", "hook", "identity", unique=True),
    Index("inbox_waiting", "workspace", "sender", "hook", "state", "number"),
    Index("inbox_newest", "workspace", "state", "received_at", "id"),
)

gone_blocks = Table(
    "gone_blocks",
    metadata,
    Column("workspace", Words, primary_key=True),
    Column("chain", Words, primary_key=True),
    Column("hash", Words, primary_key=True),
    Column("principal", Words, nullable=False),
    Column("said_at", Moment, nullable=False),
    ForeignKeyConstraint(
        ["workspace", "principal"], ["principals.workspace", "principals.principal"]
    ),
)


async def add(connection: AsyncConnection, table: Table, values: dict[str, Any]) -> bool:
    """Insert a row, or leave the one that has its key alone; whether it was inserted."""
    # Each dialect has its own ``insert`` for one and the same statement.
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    done = await connection.execute(insert(table).values(values).on_conflict_do_nothing())
    return done.rowcount == 1
