"""Destinations of alerts, the notices that go there, and which alerts each of these tells of."""

from datetime import datetime

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

MOMENT = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
SEVERITY = "severity IN ('info', 'warning', 'critical')"


def upgrade(op: Operations, now: datetime) -> None:
    """Three new tables."""
    _create_destinations(op)
    _create_notices(op)
    _create_notice_alerts(op)


def _create_destinations(op: Operations) -> None:
    op.create_table(
        "destinations",
        *_words("workspace", "id", "principal", "name", "kind", "address"),
        sa.Column("sealed", sa.Text),
        *_words("min_severity"),
        sa.Column("rules", DOCUMENT, nullable=False),
        sa.Column("quiet", DOCUMENT),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("after_news", sa.BigInteger, nullable=False),
        sa.Column("secret_at", MOMENT),
        sa.Column("previous_until", MOMENT),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("failing_since", MOMENT),
        sa.Column("pause_until", MOMENT),
        sa.Column("disabled_at", MOMENT),
        sa.Column("disabled_reason", sa.Text),
        sa.Column("sent", sa.BigInteger, nullable=False),
        sa.Column("failed", sa.BigInteger, nullable=False),
        sa.Column("removed_at", MOMENT),
        sa.PrimaryKeyConstraint("workspace", "id", name="destinations_key"),
        _of_principal("destinations"),
        sa.CheckConstraint("kind IN ('webhook', 'slack', 'email')", name="destinations_kind_known"),
        sa.CheckConstraint(f"min_{SEVERITY}", name="destinations_severity_known"),
    )
    op.create_index("destinations_newest", "destinations", ["workspace", "created_at", "id"])


def _create_notices(op: Operations) -> None:
    op.create_table(
        "notices",
        *_words("workspace", "id", "principal", "destination", "kind", "subject", "severity"),
        sa.Column("alerts", sa.Integer, nullable=False),
        *_words("state"),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("tried_at", MOMENT),
        sa.Column("finished_at", MOMENT),
        sa.Column("status", sa.Integer),
        sa.Column("reason", sa.Text),
        sa.Column("worker", sa.Text),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("lease_until", MOMENT),
        sa.PrimaryKeyConstraint("workspace", "id", name="notices_key"),
        _of_principal("notices"),
        sa.ForeignKeyConstraint(
            ["workspace", "destination"],
            ["destinations.workspace", "destinations.id"],
            name="notices_in_destinations",
        ),
        sa.CheckConstraint(SEVERITY, name="notices_severity_known"),
        sa.CheckConstraint(
            "state IN ('waiting', 'sent', 'dead', 'dropped')", name="notices_state_known"
        ),
    )
    op.create_index("notices_due", "notices", ["state", "due_at", "id"])
    op.create_index("notices_newest", "notices", ["workspace", "made_at", "id"])
    op.create_index(
        "notices_of_destination", "notices", ["workspace", "destination", "state", "made_at", "id"]
    )


def _create_notice_alerts(op: Operations) -> None:
    op.create_table(
        "notice_alerts",
        *_words("workspace", "notice", "alert", "news", "principal"),
        sa.PrimaryKeyConstraint("workspace", "notice", "alert", "news", name="notice_alerts_key"),
        _of_principal("notice_alerts"),
        sa.ForeignKeyConstraint(
            ["workspace", "notice"],
            ["notices.workspace", "notices.id"],
            name="notice_alerts_in_notices",
        ),
        sa.CheckConstraint("news IN ('raised', 'retracted')", name="notice_alerts_news_known"),
    )
    op.create_index("notice_alerts_of_alert", "notice_alerts", ["workspace", "alert"])


def _words(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _of_principal(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workspace", "principal"],
        ["principals.workspace", "principals.principal"],
        name=f"{table}_in_principals",
    )
