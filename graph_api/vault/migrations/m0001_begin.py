"""Workspaces, principals, the append-only audit of the desk registry, and durable jobs."""

from datetime import datetime

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

MOMENT = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

APPEND_ONLY = {
    "sqlite": [
        """CREATE TRIGGER desk_changes_stay BEFORE UPDATE ON desk_changes
           BEGIN SELECT RAISE(ABORT, 'desk_changes is append-only'); END""",
        """CREATE TRIGGER desk_changes_remain BEFORE DELETE ON desk_changes
           BEGIN SELECT RAISE(ABORT, 'desk_changes is append-only'); END""",
    ],
    "postgresql": [
        """CREATE FUNCTION desk_changes_refuse() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN RAISE EXCEPTION 'desk_changes is append-only'; END $$""",
        """CREATE TRIGGER desk_changes_stay
           BEFORE UPDATE OR DELETE OR TRUNCATE ON desk_changes
           FOR EACH STATEMENT EXECUTE FUNCTION desk_changes_refuse()""",
    ],
}


def upgrade(op: Operations, now: datetime) -> None:
    """From an empty database; the local principal can work at once."""
    _create_workspaces(op, now)
    _create_desk_changes(op)
    _create_jobs(op)


def _create_workspaces(op: Operations, now: datetime) -> None:
    workspaces = op.create_table(
        "workspaces",
        sa.Column("workspace", sa.Text, nullable=False),
        sa.Column("principal", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("workspace", name="workspaces_key"),
    )
    principals = op.create_table(
        "principals",
        sa.Column("workspace", sa.Text, nullable=False),
        sa.Column("principal", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("joined_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("workspace", "principal", name="principals_key"),
        sa.ForeignKeyConstraint(
            ["workspace"], ["workspaces.workspace"], name="principals_in_workspaces"
        ),
    )
    op.create_index("principals_by_principal", "principals", ["principal"])
    local = {"workspace": "local", "principal": "local"}
    op.bulk_insert(workspaces, [{**local, "name": "Local", "created_at": now}])
    op.bulk_insert(principals, [{**local, "kind": "local", "joined_at": now}])


def _create_desk_changes(op: Operations) -> None:
    op.create_table(
        "desk_changes",
        sa.Column("workspace", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("principal", sa.Text, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("actor_id", sa.Text, nullable=False),
        sa.Column("account_id", sa.Text),
        sa.Column("before", DOCUMENT),
        sa.Column("after", DOCUMENT),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("workspace", "id", name="desk_changes_key"),
        sa.ForeignKeyConstraint(
            ["workspace", "principal"],
            ["principals.workspace", "principals.principal"],
            name="desk_changes_in_principals",
        ),
        sa.CheckConstraint(
            "action IN ('add', 'correct', 'withdraw')", name="desk_changes_action_known"
        ),
    )
    op.create_index("desk_changes_newest", "desk_changes", ["workspace", "changed_at", "id"])
    op.create_index(
        "desk_changes_of_actor", "desk_changes", ["workspace", "actor_id", "changed_at", "id"]
    )
    op.create_index(
        "desk_changes_of_account", "desk_changes", ["workspace", "account_id", "changed_at", "id"]
    )
    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


def _create_jobs(op: Operations) -> None:
    op.create_table(
        "jobs",
        sa.Column("workspace", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("principal", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("arguments", DOCUMENT, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("progress", sa.Double, nullable=False),
        sa.Column("result", DOCUMENT),
        sa.Column("error", sa.Text),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("worker", sa.Text),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("lease_until", MOMENT),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("started_at", MOMENT),
        sa.Column("finished_at", MOMENT),
        sa.PrimaryKeyConstraint("workspace", "id", name="jobs_key"),
        sa.ForeignKeyConstraint(
            ["workspace", "principal"],
            ["principals.workspace", "principals.principal"],
            name="jobs_in_principals",
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'failed', 'cancelled')",
            name="jobs_state_known",
        ),
    )
    op.create_index("jobs_newest", "jobs", ["workspace", "created_at", "id"])
    op.create_index("jobs_waiting", "jobs", ["workspace", "state", "created_at", "id"])
