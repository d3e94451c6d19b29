"""The vault's tables as they are now; each row says in which workspace it lives and whose it is.

``workspace`` leads every primary key, so that an id means nothing outside its workspace.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
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


_OF_PRINCIPAL = ["principals.workspace", "principals.principal"]

# The last number that was given, by what is numbered: "alerts", "alert_news", …
counters = Table(
    "counters",
    metadata,
    Column("workspace", Words, primary_key=True),
    Column("counter", Words, primary_key=True),
    Column("principal", Words, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("epoch", Words),
    ForeignKeyConstraint(["workspace", "principal"], _OF_PRINCIPAL),
)

watchlists = Table(
    "watchlists",
    metadata,
    Column("workspace", Words, primary_key=True),
    Column("id", Words, primary_key=True),
    Column("principal", Words, nullable=False),
    Column("name", Words, nullable=False),
    Column("note", Words),
    Column("created_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("published_at", Moment),
    Column("published_revision", BigInteger),
    ForeignKeyConstraint(["workspace", "principal"], _OF_PRINCIPAL),
    Index("watchlists_by_name", "workspace", "name", unique=True),
    Index("watchlists_newest", "workspace", "created_at", "id"),
)

watchlist_entries = Table(
    "watchlist_entries",
    metadata,
    Column("workspace", Words, primary_key=True),
    Column("watchlist", Words, primary_key=True),
    Column("kind", Words, primary_key=True),
    Column("key", Words, primary_key=True),
    Column("principal", Words, nullable=False),
    Column("note", Words),
    Column("added_at", Moment, nullable=False),
    ForeignKeyConstraint(["workspace", "watchlist"], ["watchlists.workspace", "watchlists.id"]),
    ForeignKeyConstraint(["workspace", "principal"], _OF_PRINCIPAL),
    CheckConstraint("kind IN ('wallet', 'token', 'actor')", name="kind_known"),
    Index("watchlist_entries_by_key", "kind", "key", "workspace", "watchlist"),
    Index("watchlist_entries_newest", "workspace", "watchlist", "added_at", "key"),
)

alert_rules = Table(
    "alert_rules",
    metadata,
    Column("workspace", Words, primary_key=True),
    Column("id", Words, primary_key=True),
    Column("principal", Words, nullable=False),
    Column("name", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("condition", Document, nullable=False),
    Column("watchlist", Words),
    Column("severity", Words, nullable=False),
    Column("cool_down_s", Integer, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("muted_until", Moment),
    Column("created_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("judges_from", Moment, nullable=False),
    Column("removed_at", Moment),
    ForeignKeyConstraint(["workspace", "principal"], _OF_PRINCIPAL),
    CheckConstraint("severity IN ('info', 'warning', 'critical')", name="severity_known"),
    Index("alert_rules_newest", "workspace", "created_at", "id"),
    Index("alert_rules_of_watchlist", "workspace", "watchlist"),
)

alerts = Table(
    "alerts",
    metadata,
    Column("workspace", Words, primary_key=True),
    Column("id", Words, primary_key=True),
    Column("principal", Words, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("rule", Words, nullable=False),
    Column("rule_name", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("severity", Words, nullable=False),
    Column("subject", Words, nullable=False),
    Column("title", Words, nullable=False),
    Column("facts", Document, nullable=False),
    Column("event", Words, nullable=False),
    Column("event_at", Moment, nullable=False),
    Column("raised_at", Moment, nullable=False),
    Column("acknowledged_at", Moment),
    Column("acknowledged_by", Words),
    Column("note", Words),
    Column("retracted_at", Moment),
    Column("cause", Words),
    ForeignKeyConstraint(["workspace", "principal"], _OF_PRINCIPAL),
    ForeignKeyConstraint(["workspace", "rule"], ["alert_rules.workspace", "alert_rules.id"]),
    CheckConstraint("severity IN ('info', 'warning', 'critical')", name="severity_known"),
    Index("alerts_numbered", "workspace", "number", unique=True),
    Index("alerts_newest", "workspace", "raised_at", "id"),
    Index("alerts_of_rule", "workspace", "rule", "raised_at", "id"),
    Index("alerts_of_event", "event"),
    Index("alerts_of_cause", "cause"),
)

# What happened to alerts, in the one order in which it is told; without a gap.
alert_news = Table(
    "alert_news",
    metadata,
    Column("workspace", Words, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("principal", Words, nullable=False),
    Column("alert", Words, nullable=False),
    Column("news", Words, nullable=False),
    Column("at", Moment, nullable=False),
    ForeignKeyConstraint(["workspace", "principal"], _OF_PRINCIPAL),
    ForeignKeyConstraint(["workspace", "alert"], ["alerts.workspace", "alerts.id"]),
    CheckConstraint("news IN ('raised', 'retracted', 'acknowledged')", name="news_known"),
    Index("alert_news_of_alert", "workspace", "alert", "number"),
    Index("alert_news_numbered", "number", unique=True),
)

alert_flows = Table(
    "alert_flows",
    metadata,
    Column("workspace", Words, primary_key=True),
    Column("rule", Words, primary_key=True),
    Column("event", Words, primary_key=True),
    Column("principal", Words, nullable=False),
    Column("subject", Words, nullable=False),
    Column("cause", Words, nullable=False),
    Column("at", Moment, nullable=False),
    Column("micros", BigInteger, nullable=False),
    ForeignKeyConstraint(["workspace", "rule"], ["alert_rules.workspace", "alert_rules.id"]),
    ForeignKeyConstraint(["workspace", "principal"], _OF_PRINCIPAL),
    Index("alert_flows_in_time", "workspace", "rule", "subject", "at"),
    Index("alert_flows_of_cause", "cause"),
    Index("alert_flows_by_age", "at"),
)

cool_downs = Table(
    "cool_downs",
    metadata,
    Column("workspace", Words, primary_key=True),
    Column("rule", Words, primary_key=True),
    Column("subject", Words, primary_key=True),
    Column("principal", Words, nullable=False),
    Column("last_at", Moment, nullable=False),
    ForeignKeyConstraint(["workspace", "principal"], _OF_PRINCIPAL),
    ForeignKeyConstraint(["workspace", "rule"], ["alert_rules.workspace", "alert_rules.id"]),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("workspace", Words, primary_key=True),
    Column("principal", Words, primary_key=True),
    Column("key", Words, primary_key=True),
    Column("mutation", Words, nullable=False),
    Column("fingerprint", Words, nullable=False),
    Column("answer", Document),
    Column("at", Moment, nullable=False),
    ForeignKeyConstraint(["workspace", "principal"], _OF_PRINCIPAL),
    Index("idempotency_by_age", "workspace", "principal", "at"),
)


destinations = Table(
    "destinations",
    metadata,
    Column("workspace", Words, primary_key=True),
    Column("id", Words, primary_key=True),
    Column("principal", Words, nullable=False),
    Column("name", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("address", Words, nullable=False),
    Column("sealed", Words),
    Column("min_severity", Words, nullable=False),
    Column("rules", Document, nullable=False),
    Column("quiet", Document),
    Column("enabled", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("after_news", BigInteger, nullable=False),
    Column("secret_at", Moment),
    Column("previous_until", Moment),
    Column("failures", Integer, nullable=False),
    Column("failing_since", Moment),
    Column("pause_until", Moment),
    Column("disabled_at", Moment),
    Column("disabled_reason", Words),
    Column("sent", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("removed_at", Moment),
    ForeignKeyConstraint(["workspace", "principal"], _OF_PRINCIPAL),
    CheckConstraint("kind IN ('webhook', 'slack', 'email')", name="kind_known"),
    CheckConstraint("min_severity IN ('info', 'warning', 'critical')", name="severity_known"),
    Index("destinations_newest", "workspace", "created_at", "id"),
)

notices = Table(
    "notices",
    metadata,
    Column("workspace", Words, primary_key=True),
    Column("id", Words, primary_key=True),
    Column("principal", Words, nullable=False),
    Column("destination", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("subject", Words, nullable=False),
    Column("severity", Words, nullable=False),
    Column("alerts", Integer, nullable=False),
    Column("state", Words, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("tried_at", Moment),
    Column("finished_at", Moment),
    Column("status", Integer),
    Column("reason", Words),
    Column("worker", Words),
    Column("fence", BigInteger, nullable=False),
    Column("lease_until", Moment),
    ForeignKeyConstraint(["workspace", "principal"], _OF_PRINCIPAL),
    ForeignKeyConstraint(
        ["workspace", "destination"], ["destinations.workspace", "destinations.id"]
    ),
    CheckConstraint("severity IN ('info', 'warning', 'critical')", name="severity_known"),
    CheckConstraint("state IN ('waiting', 'sent', 'dead', 'dropped')", name="state_known"),
    Index("notices_due", "state", "due_at", "id"),
    Index("notices_newest", "workspace", "made_at", "id"),
    Index("notices_of_destination", "workspace", "destination", "state", "made_at", "id"),
)

notice_alerts = Table(
    "notice_alerts",
    metadata,
    Column("workspace", Words, primary_key=True),
    Column("notice", Words, primary_key=True),
    Column("alert", Words, primary_key=True),
    Column("news", Words, primary_key=True),
    Column("principal", Words, nullable=False),
    ForeignKeyConstraint(["workspace", "principal"], _OF_PRINCIPAL),
    ForeignKeyConstraint(["workspace", "notice"], ["notices.workspace", "notices.id"]),
    CheckConstraint("news IN ('raised', 'retracted')", name="news_known"),
    Index("notice_alerts_of_alert", "workspace", "alert"),
)


def _kept(name: str) -> Table:
    """Answers of one kind, as ``shelves`` keeps them."""
    return Table(
        name,
        metadata,
        Column("workspace", Words, primary_key=True),
        Column("id", Words, primary_key=True),
        Column("principal", Words, nullable=False),
        Column("digest", Words, nullable=False),
        Column("made_at", Moment, nullable=False),
        Column("question", Document, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("name", Words),
        Column("published_at", Moment),
        ForeignKeyConstraint(
            ["workspace", "principal"], ["principals.workspace", "principals.principal"]
        ),
        Index(f"{name}_newest", "workspace", "made_at", "id"),
        Index(f"{name}_named", "workspace", "principal", "name", unique=True),
    )


traces = _kept("traces")
cluster_replays = _kept("cluster_replays")


async def add(connection: AsyncConnection, table: Table, values: dict[str, Any]) -> bool:
    """Insert a row, or leave the one that has its key alone; whether it was inserted."""
    # Each dialect has its own ``insert`` for one and the same statement.
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    done = await connection.execute(insert(table).values(values).on_conflict_do_nothing())
    return done.rowcount == 1
