"""The inbox of webhooks: hooks with their order and who works on them, bodies, blocks gone."""

from datetime import datetime

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0002"
down_revision = "0001"

MOMENT = sa.DateTime(timezone=True)


def upgrade(op: Operations, now: datetime) -> None:
    """Three new tables."""
    _create_hooks(op)
    _create_inbox(op)
    _create_gone_blocks(op)


def _create_hooks(op: Operations) -> None:
    op.create_table(
        "hooks",
        sa.Column("workspace", sa.Text, nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("hook", sa.Text, nullable=False),
        sa.Column("principal", sa.Text, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("worker", sa.Text),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("lease_until", MOMENT),
        sa.PrimaryKeyConstraint("workspace", "sender", "hook", name="hooks_key"),
        _of_principal("hooks"),
    )


def _create_inbox(op: Operations) -> None:
    op.create_table(
        "inbox",
        sa.Column("workspace", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("principal", sa.Text, nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("hook", sa.Text, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("identity", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("said_at", MOMENT),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT),
        sa.PrimaryKeyConstraint("workspace", "id", name="inbox_key"),
        sa.ForeignKeyConstraint(
            ["workspace", "sender", "hook"],
            ["hooks.workspace", "hooks.sender", "hooks.hook"],
            name="inbox_in_hooks",
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'done', 'dead', 'dropped')", name="inbox_state_known"
        ),
    )
    of_hook = ["workspace", "sender", "hook"]
    op.create_index("inbox_once", "inbox", [*of_hook, "identity"], unique=True)
    op.create_index("inbox_waiting", "inbox", [*of_hook, "state", "number"])
    op.create_index("inbox_newest", "inbox", ["workspace", "state", "received_at", "id"])


def _create_gone_blocks(op: Operations) -> None:
    op.create_table(
        "gone_blocks",
        sa.Column("workspace", sa.Text, nullable=False),
        sa.Column("chain", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("principal", sa.Text, nullable=False),
        sa.Column("said_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("workspace", "chain", "hash", name="gone_blocks_key"),
        _of_principal("gone_blocks"),
    )


def _of_principal(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workspace", "principal"],
        ["principals.workspace", "principals.principal"],
        name=f"{table}_in_principals",
    )
