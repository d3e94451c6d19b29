"""What alerts hang on, what flows through the windows of rules, and epochs of numbers."""

from datetime import datetime

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0006"
down_revision = "0005"


def upgrade(op: Operations, now: datetime) -> None:
    """A table for flows, and columns that judging needs."""
    op.add_column("counters", sa.Column("epoch", sa.Text))
    op.add_column("alerts", sa.Column("cause", sa.Text))
    op.create_index("alerts_of_cause", "alerts", ["cause"])
    op.create_index("alert_news_numbered", "alert_news", ["number"], unique=True)
    text = [
        sa.Column(name, sa.Text, nullable=False)
        for name in ("workspace", "rule", "event", "principal", "subject", "cause")
    ]
    op.create_table(
        "alert_flows",
        *text,
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("micros", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("workspace", "rule", "event", name="alert_flows_key"),
        sa.ForeignKeyConstraint(
            ["workspace", "rule"],
            ["alert_rules.workspace", "alert_rules.id"],
            name="alert_flows_in_alert_rules",
        ),
        sa.ForeignKeyConstraint(
            ["workspace", "principal"],
            ["principals.workspace", "principals.principal"],
            name="alert_flows_in_principals",
        ),
    )
    op.create_index("alert_flows_in_time", "alert_flows", ["workspace", "rule", "subject", "at"])
    op.create_index("alert_flows_of_cause", "alert_flows", ["cause"])
    op.create_index("alert_flows_by_age", "alert_flows", ["at"])
