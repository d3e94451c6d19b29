"""Which revision a vault is at, and the way from there to the newest, over one connection."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext, MigrationStep, RevisionStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from graph_api.domain.errors import SchemaUnknown

# Any number of our own: who migrates a PostgreSQL vault holds it until the transaction ends.
_ADVISORY_LOCK = 0x6465736B_7661756C


def revisions() -> list[str]:
    """Every revision that this program knows, the oldest first."""
    return [step.revision for step in _scripts().walk_revisions()][::-1]


def current_revision(connection: Connection) -> str | None:
    """Where the vault is; ``None`` before its first migration.

    Raises SchemaUnknown when a program that is newer than this one has migrated it.
    """
    heads = MigrationContext.configure(connection).get_current_heads()
    unknown = sorted(set(heads) - set(revisions()))
    if unknown:
        raise SchemaUnknown(
            f"The vault is at revision {unknown[0]}, which this program does not know: "
            "run the release that migrated it, or restore a backup."
        )
    return heads[0] if heads else None


def upgrade(connection: Connection, now: datetime) -> list[str]:
    """Bring the vault to the newest revision in the caller's transaction; answers what it ran.

    The lock makes others wait here, who then find nothing left to do. SQLite has it already:
    its transaction began IMMEDIATE.
    """
    on_sqlite = connection.dialect.name == "sqlite"
    if not on_sqlite:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    current_revision(connection)
    ran: list[str] = []
    context = _context(connection, ran)
    # Operations arrive as an argument: Alembic's own way is a global, which two vaults
    # that migrate in one process would take from each other.
    context.run_migrations(op=Operations(context), now=_as_kept(now, on_sqlite))
    if on_sqlite:
        _check_references(connection)
    return ran


def _context(connection: Connection, ran: list[str]) -> MigrationContext:
    scripts = _scripts()

    def steps(heads: tuple[str, ...], _: MigrationContext) -> list[RevisionStep]:
        missing = scripts.iterate_revisions("head", heads, implicit_base=True)
        upgrade_by = MigrationStep.upgrade_from_script
        return [upgrade_by(scripts.revision_map, script) for script in missing][::-1]

    def note(*, step: Any, **_: Any) -> None:
        ran.append(step.up_revision_id)

    return MigrationContext.configure(connection, opts={"fn": steps, "on_version_apply": (note,)})


def _scripts() -> ScriptDirectory:
    folder = Path(__file__).with_name("migrations")
    return ScriptDirectory(folder, version_locations=[folder])


def _as_kept(now: datetime, on_sqlite: bool) -> datetime:
    return now.astimezone(UTC).replace(tzinfo=None) if on_sqlite else now


def _check_references(connection: Connection) -> None:
    # References are not enforced while a migration rebuilds tables, so they are checked at its end.
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise RuntimeError(f"A migration broke a reference from {broken[0]} to {broken[2]}.")
