"""Watchlists, alert rules, what these raised and in which order, and keys of mutations."""

from datetime import datetime

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

MOMENT = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
SEVERITY = "severity IN ('info', 'warning', 'critical')"


def upgrade(op: Operations, now: datetime) -> None:
    """Eight new tables."""
    _create_counters(op)
    _create_watchlists(op)
    _create_entries(op)
    _create_rules(op)
    _create_alerts(op)
    _create_news(op)
    _create_cool_downs(op)
    _create_idempotency(op)


def _create_counters(op: Operations) -> None:
    op.create_table(
        "counters",
        *_columns("workspace", "counter", "principal"),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("workspace", "counter", name="counters_key"),
        _of_principal("counters"),
    )


def _create_watchlists(op: Operations) -> None:
    op.create_table(
        "watchlists",
        *_columns("workspace", "id", "principal", "name"),
        sa.Column("note", sa.Text),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("published_at", MOMENT),
        sa.Column("published_revision", sa.BigInteger),
        sa.PrimaryKeyConstraint("workspace", "id", name="watchlists_key"),
        _of_principal("watchlists"),
    )
    op.create_index("watchlists_by_name", "watchlists", ["workspace", "name"], unique=True)
    op.create_index("watchlists_newest", "watchlists", ["workspace", "created_at", "id"])


def _create_entries(op: Operations) -> None:
    op.create_table(
        "watchlist_entries",
        *_columns("workspace", "watchlist", "kind", "key", "principal"),
        sa.Column("note", sa.Text),
        sa.Column("added_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint(
            "workspace", "watchlist", "kind", "key", name="watchlist_entries_key"
        ),
        sa.ForeignKeyConstraint(
            ["workspace", "watchlist"],
            ["watchlists.workspace", "watchlists.id"],
            name="watchlist_entries_in_watchlists",
        ),
        _of_principal("watchlist_entries"),
        sa.CheckConstraint(
            "kind IN ('wallet', 'token', 'actor')", name="watchlist_entries_kind_known"
        ),
    )
    entries = "watchlist_entries"
    op.create_index(f"{entries}_by_key", entries, ["kind", "key", "workspace", "watchlist"])
    op.create_index(f"{entries}_newest", entries, ["workspace", "watchlist", "added_at", "key"])


def _create_rules(op: Operations) -> None:
    op.create_table(
        "alert_rules",
        *_columns("workspace", "id", "principal", "name", "kind"),
        sa.Column("condition", DOCUMENT, nullable=False),
        sa.Column("watchlist", sa.Text),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("cool_down_s", sa.Integer, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("muted_until", MOMENT),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("judges_from", MOMENT, nullable=False),
        sa.Column("removed_at", MOMENT),
        sa.PrimaryKeyConstraint("workspace", "id", name="alert_rules_key"),
        _of_principal("alert_rules"),
        sa.CheckConstraint(SEVERITY, name="alert_rules_severity_known"),
    )
    op.create_index("alert_rules_newest", "alert_rules", ["workspace", "created_at", "id"])
    op.create_index("alert_rules_of_watchlist", "alert_rules", ["workspace", "watchlist"])


def _create_alerts(op: Operations) -> None:
    op.create_table(
        "alerts",
        *_columns("workspace", "id", "principal"),
        sa.Column("number", sa.BigInteger, nullable=False),
        *_columns("rule", "rule_name", "kind", "severity", "subject", "title"),
        sa.Column("facts", DOCUMENT, nullable=False),
        *_columns("event"),
        sa.Column("event_at", MOMENT, nullable=False),
        sa.Column("raised_at", MOMENT, nullable=False),
        sa.Column("acknowledged_at", MOMENT),
        sa.Column("acknowledged_by", sa.Text),
        sa.Column("note", sa.Text),
        sa.Column("retracted_at", MOMENT),
        sa.PrimaryKeyConstraint("workspace", "id", name="alerts_key"),
        _of_principal("alerts"),
        _of_rule("alerts"),
        sa.CheckConstraint(SEVERITY, name="alerts_severity_known"),
    )
    op.create_index("alerts_numbered", "alerts", ["workspace", "number"], unique=True)
    op.create_index("alerts_newest", "alerts", ["workspace", "raised_at", "id"])
    op.create_index("alerts_of_rule", "alerts", ["workspace", "rule", "raised_at", "id"])
    op.create_index("alerts_of_event", "alerts", ["event"])


def _create_news(op: Operations) -> None:
    op.create_table(
        "alert_news",
        *_columns("workspace"),
        sa.Column("number", sa.BigInteger, nullable=False, autoincrement=False),
        *_columns("principal", "alert", "news"),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("workspace", "number", name="alert_news_key"),
        _of_principal("alert_news"),
        sa.ForeignKeyConstraint(
            ["workspace", "alert"], ["alerts.workspace", "alerts.id"], name="alert_news_in_alerts"
        ),
        sa.CheckConstraint(
            "news IN ('raised', 'retracted', 'acknowledged')", name="alert_news_news_known"
        ),
    )
    op.create_index("alert_news_of_alert", "alert_news", ["workspace", "alert", "number"])


def _create_cool_downs(op: Operations) -> None:
    op.create_table(
        "cool_downs",
        *_columns("workspace", "rule", "subject", "principal"),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("workspace", "rule", "subject", name="cool_downs_key"),
        _of_principal("cool_downs"),
        _of_rule("cool_downs"),
    )


def _create_idempotency(op: Operations) -> None:
    op.create_table(
        "idempotency",
        *_columns("workspace", "principal", "key", "mutation", "fingerprint"),
        sa.Column("answer", DOCUMENT),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("workspace", "principal", "key", name="idempotency_key"),
        _of_principal("idempotency"),
    )
    op.create_index("idempotency_by_age", "idempotency", ["workspace", "principal", "at"])


def _columns(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _of_principal(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workspace", "principal"],
        ["principals.workspace", "principals.principal"],
        name=f"{table}_in_principals",
    )


def _of_rule(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workspace", "rule"],
        ["alert_rules.workspace", "alert_rules.id"],
        name=f"{table}_in_alert_rules",
    )
