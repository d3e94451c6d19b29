"""Clusters on terms of somebody's own: the question, the whole answer, and whom it belongs to."""

from datetime import datetime

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"

MOMENT = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade(op: Operations, now: datetime) -> None:
    """One new table."""
    op.create_table(
        "cluster_replays",
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("workspace", "id", "principal", "digest")
        ),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("question", DOCUMENT, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("published_at", MOMENT),
        sa.PrimaryKeyConstraint("workspace", "id", name="cluster_replays_key"),
        sa.ForeignKeyConstraint(
            ["workspace", "principal"],
            ["principals.workspace", "principals.principal"],
            name="cluster_replays_in_principals",
        ),
    )
    op.create_index("cluster_replays_newest", "cluster_replays", ["workspace", "made_at", "id"])
    op.create_index(
        "cluster_replays_named",
        "cluster_replays",
        ["workspace", "principal", "name"],
        unique=True,
    )
