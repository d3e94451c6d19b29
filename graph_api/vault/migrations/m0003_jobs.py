"""Jobs tell more: what they are about, how far they are in units, what is wrong and what to do."""

from datetime import datetime

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0003"
down_revision = "0002"


def upgrade(op: Operations, now: datetime) -> None:
    """New columns, and one job at a time about each subject."""
    moment, text = sa.DateTime(timezone=True), sa.Text
    for name, kind in (
        ("subject", text),
        ("done", sa.BigInteger),
        ("total", sa.BigInteger),
        ("unit", text),
        ("message", text),
        ("code", text),
        ("remedy", text),
        ("not_before", moment),
    ):
        op.add_column("jobs", sa.Column(name, kind))
    of_subject = ["workspace", "kind", "subject"]
    op.create_index("jobs_of_subject", "jobs", [*of_subject, "created_at", "id"])
    not_ended = sa.text("state IN ('queued', 'running')")
    op.create_index(
        "jobs_one_at_a_time",
        "jobs",
        of_subject,
        unique=True,
        sqlite_where=not_ended,
        postgresql_where=not_ended,
    )
