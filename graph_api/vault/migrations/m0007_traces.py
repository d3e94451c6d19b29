"""Traces that were asked for as jobs: the question, the whole answer, and whom it belongs to."""

from datetime import datetime

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"

MOMENT = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade(op: Operations, now: datetime) -> None:
    """One new table."""
    op.create_table(
        "traces",
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("workspace", "id", "principal", "digest")
        ),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("question", DOCUMENT, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("published_at", MOMENT),
        sa.PrimaryKeyConstraint("workspace", "id", name="traces_key"),
        sa.ForeignKeyConstraint(
            ["workspace", "principal"],
            ["principals.workspace", "principals.principal"],
            name="traces_in_principals",
        ),
    )
    op.create_index("traces_newest", "traces", ["workspace", "made_at", "id"])
    op.create_index("traces_named", "traces", ["workspace", "principal", "name"], unique=True)
