"""Opening a vault, how each database is set up, and what a vault refuses."""

import asyncio
import stat
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from graph_api.domain.errors import BadInput, GraphApiError, UpstreamUnavailable
from graph_api.domain.principals import LOCAL
from graph_api.vault import desk_changes, jobs, workspaces
from graph_api.vault.engines import address_of
from graph_api.vault.home import default_url
from graph_api.vault.pages import First
from graph_api.vault.vault import Vault
from tests.vault import given
from tests.vault.cluster import Server
from tests.vault.given import NOON


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_an_sqlite_vault_is_its_owners_alone(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    async with await Vault.open(default_url(home)) as vault:
        await vault.migrate(now=NOON)
        await given.job(vault, LOCAL, "1")
        files = {path.name: mode(path) for path in home.iterdir()}

    assert files == {"vault.db": 0o600, "vault.db-wal": 0o600, "vault.db-shm": 0o600}
    assert mode(home) == 0o700


async def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "vault.db"
    path.touch(mode=0o644)

    async with await Vault.open(default_url(tmp_path)):
        assert mode(path) == 0o600


async def test_sqlite_keeps_every_commit_and_every_reference(tmp_path: Path) -> None:
    async with await Vault.open(default_url(tmp_path)) as vault, vault.reading() as connection:
        kept = {
            name: await connection.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }

    assert kept == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


async def test_questions_do_not_wait_for_a_writer(vault: Vault) -> None:
    async with vault.together() as pending:
        await given.job(pending, LOCAL, "1")

        assert await jobs.by_id(vault, LOCAL, "1") is None
        assert await jobs.by_id(pending, LOCAL, "1") is not None
    assert await jobs.by_id(vault, LOCAL, "1") is not None


async def test_what_is_done_together_happens_wholly_or_not_at_all(vault: Vault) -> None:
    async def change_and_break() -> None:
        async with vault.together() as both:
            await given.change(both, LOCAL, "1")
            await given.job(both, LOCAL, "1")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await change_and_break()

    assert await desk_changes.by_id(vault, LOCAL, "1") is None
    assert await jobs.by_id(vault, LOCAL, "1") is None


async def test_many_writers_at_once_all_get_their_turn(vault: Vault) -> None:
    await asyncio.gather(*(given.job(vault, LOCAL, f"{n:02}") for n in range(40)))

    page = await jobs.history(vault, LOCAL, First(100))
    assert [job.id for job in page.rows] == [f"{n:02}" for n in reversed(range(40))]


@pytest.mark.parametrize(
    "name", ["plain", "with space", "what?", "hash#tag", "100%20", "café 🦊", "a&b=c"]
)
async def test_any_folder_can_hold_the_vault(tmp_path: Path, name: str) -> None:
    async with await Vault.open(default_url(tmp_path / name)):
        assert (tmp_path / name / "vault.db").exists()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", "cannot be read as a URL"),
        ("vault.db", "cannot be read as a URL"),
        ("postgresql://u:hidden@host:port/db", "cannot be read as a URL"),
        ("sqlite://", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
        ("mysql://u:hidden@host/db", "must begin with sqlite or postgresql, not with 'mysql'"),
    ],
)
async def test_an_address_that_cannot_be_a_vault_is_refused(url: str, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence) as refusal:
        await Vault.open(url)
    assert "hidden" not in str(refusal.value)


@pytest.mark.parametrize("prefix", ["postgresql", "postgres", "postgresql+asyncpg"])
def test_postgresql_goes_by_any_of_its_prefixes(prefix: str) -> None:
    address = address_of(f"{prefix}://u@host/db?sslmode=require")

    assert address.drivername == "postgresql+asyncpg"
    assert address.query == {"sslmode": "require"}


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vault.db").write_text("Dear diary, " * 100)

    with pytest.raises(BadInput, match="not an SQLite database"):
        await Vault.open(default_url(tmp_path))


async def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vault.db").mkdir()

    with pytest.raises(BadInput, match="cannot be used: Is a directory"):
        await Vault.open(default_url(tmp_path))


async def test_a_silent_postgresql_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(UpstreamUnavailable, match="The vault does not answer"):
        await Vault.open(f"postgresql://u@/db?host={tmp_path}")


async def test_a_database_that_is_not_there_is_named(postgresql: Server) -> None:
    with pytest.raises(BadInput, match='database "absent" does not exist'):
        await Vault.open(postgresql.url_of("absent"))


async def test_settings_in_a_postgresql_url_reach_the_server(postgresql: Server) -> None:
    url = postgresql.url_of("postgres") + "&application_name=desk"
    async with await Vault.open(url) as vault, vault.reading() as connection:
        assert await connection.scalar(text("SHOW application_name")) == "desk"


async def test_a_vault_outlives_its_connections(postgresql: Server, migrated: str) -> None:
    name = await postgresql.create(template=migrated)
    async with await Vault.open(postgresql.url_of(name)) as vault:
        await given.job(vault, LOCAL, "1")
        async with await Vault.open(postgresql.url) as other, other.writing() as connection:
            cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
            await connection.execute(text(cut), {"name": name})

        assert await jobs.by_id(vault, LOCAL, "1") is not None
    await postgresql.drop(name)


async def test_a_connection_lost_on_the_way_is_ours_to_report(
    postgresql: Server, migrated: str
) -> None:
    name = await postgresql.create(template=migrated)
    async with await Vault.open(postgresql.url_of(name)) as vault:
        with pytest.raises(UpstreamUnavailable):
            async with vault.reading() as connection:
                await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    await postgresql.drop(name)


async def test_a_vault_that_went_away_is_not_ready(postgresql: Server, migrated: str) -> None:
    name = await postgresql.create(template=migrated)
    async with await Vault.open(postgresql.url_of(name)) as vault:
        assert (await vault.health()).ready
        await postgresql.drop(name)
        assert not (await vault.health()).ready


async def test_the_engine_says_its_name(vault: Vault, vault_url: str) -> None:
    name = (await vault.status()).engine

    assert name.startswith("SQLite 3." if vault_url.startswith("sqlite") else "PostgreSQL ")


@pytest.mark.parametrize(
    "words", ["Ω≈ç√ 数据 🦊", "e\u0301 is not \u00e9", "' OR 1=1 --", "\\u0000"]
)
async def test_words_come_back_as_they_went_in(vault: Vault, words: str) -> None:
    document = {words: [words, {"deep": words}]}
    await jobs.enqueue(vault, LOCAL, id=words, kind=words, arguments=document, now=NOON)

    job = await jobs.by_id(vault, LOCAL, words)

    assert job is not None
    assert (job.id, job.kind, job.arguments) == (words, words, document)


async def test_documents_keep_exact_numbers(vault: Vault) -> None:
    document = {"wei": 2**256 - 1, "below": -(10**40), "fraction": 0.1, "no": None, "yes": True}
    await given.job(vault, LOCAL, "1", arguments=document)

    job = await jobs.by_id(vault, LOCAL, "1")

    assert job is not None
    assert job.arguments == document


@pytest.mark.parametrize(
    "document",
    [
        {"text": "a\0b"},
        {"key\0": 1},
        {"slashes": "\\\\\0"},
        {"half": "\ud800"},
        {"number": float("nan")},
        {"number": float("inf")},
        {"bytes": b"raw"},
    ],
)
async def test_a_document_that_one_database_could_not_keep_is_refused_by_both(
    vault: Vault, document: dict[str, Any]
) -> None:
    with pytest.raises(BadInput):
        await given.job(vault, LOCAL, "1", arguments=document)


@pytest.mark.parametrize("words", ["a\0b", "half \ud800"])
async def test_words_that_one_database_could_not_keep_are_refused_by_both(
    vault: Vault, words: str
) -> None:
    with pytest.raises(BadInput, match="Text in the vault must"):
        await workspaces.rename(vault, LOCAL, name=words)
    with pytest.raises(GraphApiError, match="Text in the vault must"):
        await jobs.by_id(vault, LOCAL, words)


async def test_a_time_without_zone_is_a_fault(vault: Vault) -> None:
    with pytest.raises(Exception, match="has no time zone"):
        await given.job(vault, LOCAL, "1", at=NOON.replace(tzinfo=None))
