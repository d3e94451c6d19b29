"""How a vault gets its tables, and which vaults are refused."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from graph_api.domain.errors import SchemaUnknown
from graph_api.domain.principals import LOCAL, Workspace
from graph_api.vault import workspaces
from graph_api.vault.migrating import revisions
from graph_api.vault.tables import metadata
from graph_api.vault.vault import Vault
from tests.vault import given
from tests.vault.given import MINUTE, NOON

MIGRATE_WHEN_TOLD = """
import asyncio, sys
from datetime import UTC, datetime
from graph_api.vault.vault import Vault

async def main():
    async with await Vault.open(sys.argv[1]) as vault:
        print(*await vault.migrate(now=datetime(2024, 5, 17, tzinfo=UTC)), sep=",")

print("ready", flush=True)
sys.stdin.readline()
asyncio.run(main())
"""


async def test_an_empty_vault_is_brought_up_once(empty_url: str) -> None:
    async with await Vault.open(empty_url) as vault:
        before = await vault.status()
        ran = await vault.migrate(now=NOON)
        again = await vault.migrate(now=NOON + MINUTE)
        after = await vault.status()

    assert (before.revision, before.pending) == (None, ran)
    assert ran
    assert again == []
    assert (after.revision, after.pending) == (after.newest, [])
    assert after.newest == ran[-1]


async def test_a_migrated_vault_knows_the_local_principal(vault: Vault) -> None:
    page = await workspaces.of_principal(vault, LOCAL)

    assert page.rows == [Workspace(id="local", principal="local", name="Local", created_at=NOON)]


async def test_the_migrations_lead_to_the_declared_tables(vault: Vault) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))

    def checks(connection: Connection) -> set[str | None]:
        known = inspect(connection)
        names = known.get_table_names()
        return {check["name"] for name in names for check in known.get_check_constraints(name)}

    async with vault.reading() as connection:
        assert await connection.run_sync(differences) == []
        assert await connection.run_sync(checks) == {
            "alert_news_news_known",
            "alert_rules_severity_known",
            "alerts_severity_known",
            "desk_changes_action_known",
            "destinations_kind_known",
            "destinations_severity_known",
            "inbox_state_known",
            "jobs_state_known",
            "notice_alerts_news_known",
            "notices_severity_known",
            "notices_state_known",
            "watchlist_entries_kind_known",
        }


async def test_processes_that_start_together_migrate_once(empty_url: str) -> None:
    starters = [await _starter(empty_url) for _ in range(4)]
    said = sorted(await asyncio.gather(*(_let_go(starter) for starter in starters)))

    async with await Vault.open(empty_url) as vault:
        assert (await vault.status()).pending == []
    assert [starter.returncode for starter in starters] == [0] * 4
    assert said == ["", "", "", ",".join(revisions())]


async def _starter(url: str) -> Process:
    starter = await asyncio.create_subprocess_exec(
        sys.executable, "-c", MIGRATE_WHEN_TOLD, url, stdin=PIPE, stdout=PIPE
    )
    assert starter.stdout is not None
    assert await starter.stdout.readline() == b"ready\n"
    return starter


async def _let_go(starter: Process) -> str:
    said, _ = await starter.communicate(b"\n")
    return said.decode().strip()


async def test_a_vault_of_a_newer_program_is_refused(vault: Vault) -> None:
    async with vault.writing() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    sentence = "revision 9999, which this program does not know"
    with pytest.raises(SchemaUnknown, match=sentence):
        await vault.migrate(now=NOON)
    with pytest.raises(SchemaUnknown, match=sentence):
        await vault.status()
    with pytest.raises(SchemaUnknown, match=sentence):
        await vault.check()
    health = await vault.health()
    assert not health.ready
    assert sentence in health.detail


async def test_a_vault_without_tables_is_refused_until_it_is_migrated(empty_url: str) -> None:
    async with await Vault.open(empty_url) as vault:
        with pytest.raises(SchemaUnknown, match="migrate the vault first"):
            await vault.check()
        assert not (await vault.health()).ready

        await vault.migrate(now=NOON)

        await vault.check()
        assert (await vault.health()).ready


async def test_a_migration_that_breaks_off_leaves_nothing(empty_url: str) -> None:
    def tables(connection: Connection) -> list[str]:
        return inspect(connection).get_table_names()

    async with await Vault.open(empty_url) as vault:
        async with vault.writing() as connection:
            await connection.execute(text("CREATE TABLE jobs (somebody_elses INTEGER)"))
        with pytest.raises(DBAPIError, match="already exists"):
            await vault.migrate(now=NOON)
        async with vault.reading() as connection:
            assert await connection.run_sync(tables) == ["jobs"]
        assert (await vault.status()).revision is None


@pytest.mark.parametrize(
    "statement", ["UPDATE desk_changes SET reason = 'another'", "DELETE FROM desk_changes"]
)
async def test_the_audit_cannot_be_rewritten_even_by_hand(vault: Vault, statement: str) -> None:
    await given.change(vault, LOCAL, "1")

    with pytest.raises(DBAPIError, match="append-only"):
        async with vault.writing() as connection:
            await connection.execute(text(statement))
