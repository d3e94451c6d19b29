"""Watchlists on the command line: filled from files, all lines or none."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from click.testing import CliRunner, Result

from deskgraph.watchlist_commands import group
from graph_api.domain.principals import LOCAL
from graph_api.domain.watchlists import EntryKind
from graph_api.services.watchlists import PUBLICATION
from graph_api.settings import Settings
from graph_api.vault import jobs, watchlists
from graph_api.vault.home import default_url
from graph_api.vault.vault import Vault
from tests.given import NOW

Answer = TypeVar("Answer")
Ask = Callable[[Vault], Awaitable[Answer]]

ALICE, BOB = "0x" + "a1" * 20, "0x" + "b0" * 20


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with a vault in it."""
    monkeypatch.delenv("DESKGRAPH_REDIS__URL", raising=False)
    in_vault(tmp_path, lambda vault: vault.migrate(now=NOW))
    return tmp_path


def in_vault(home: Path, ask: Ask[Answer]) -> Answer:
    """What the vault answers."""

    async def asked() -> Answer:
        async with await Vault.open(default_url(home)) as vault:
            return await ask(vault)

    return asyncio.run(asked())


def asked(home: Path, *words: str, lines: str = "") -> Result:
    """A command of ours, told ``lines`` on its standard input."""
    return CliRunner().invoke(group, words, obj=Settings(home=home), input=lines)


def said(home: Path, *words: str, lines: str = "") -> str:
    done = asked(home, *words, lines=lines)
    assert done.exit_code == 0, done.exception
    return done.stdout


def test_a_list_is_filled_from_a_file_and_shown(home: Path) -> None:
    shouted = ALICE.upper().replace("X", "x")
    file = home / "desks.csv"
    file.write_text(f"address,note\n{shouted},the first\n\n# later\npolygon:{BOB}\n")
    add = ("add", "Desks", str(file), "--chain", "ethereum")

    missing = asked(home, *add)
    first = said(home, *add, "--create")
    again = said(home, *add, "--create")
    shown = said(home, "show", "Desks").splitlines()
    listed: Any = msgspec.json.decode(said(home, "list", "--json"))
    gone = f"eip155:1:{ALICE}\neip155:10:{ALICE}\n"
    removed = said(home, "remove", listed["id"], "-", lines=gone)

    assert missing.exit_code != 0
    assert "There is no watchlist 'Desks'" in str(missing.exception)
    assert first == "2 added, 0 were on it already.\n"
    assert again == "0 added, 2 were on it already.\n"
    assert sorted(shown) == [f"wallet  eip155:137:{BOB}", f"wallet  eip155:1:{ALICE}  the first"]
    assert (listed["name"], listed["wallets"]) == ("Desks", 2)
    assert removed == "1 removed, 1 were not on it.\n"


def test_a_line_that_names_nothing_is_told_and_none_is_added(home: Path) -> None:
    lines = f"ethereum:{ALICE}\nethereum:0x12\n"

    done = asked(home, "add", "Desks", "-", "--create", lines=lines)
    nowhere = asked(home, "add", "Desks", "nowhere.csv", "--create")

    assert done.exit_code != 0
    assert "Line 2: " in str(done.exception)
    assert "nowhere.csv cannot be read" in str(nowhere.exception)
    assert in_vault(home, lambda vault: watchlists.history(vault, LOCAL)).rows == []


def test_more_lines_than_fit_into_one_change_are_added_together(home: Path) -> None:
    lines = "".join(f"0x{number:040x}\n" for number in range(1_001))

    done = said(home, "add", "Many", "-", "--create", "--chain", "ethereum", lines=lines)

    assert done == "1,001 added, 0 were on it already.\n"
    (found,) = in_vault(home, lambda vault: watchlists.history(vault, LOCAL)).rows
    standing = in_vault(home, lambda vault: watchlists.standings(vault, LOCAL, [found.id]))
    assert standing[found.id].wallets == 1_001


def test_a_list_is_published_by_command(home: Path) -> None:
    said(home, "add", "Desks", "-", "--create", "--kind", "actor", lines="wintermute\n")

    said(home, "publish", "Desks")
    (found,) = in_vault(home, lambda vault: watchlists.history(vault, LOCAL)).rows
    said(home, "unpublish", "Desks")
    (after,) = in_vault(home, lambda vault: watchlists.history(vault, LOCAL)).rows
    entries = in_vault(
        home, lambda vault: watchlists.entries(vault, LOCAL, found.id, kind=EntryKind.ACTOR)
    )
    asked_for = in_vault(home, lambda vault: jobs.history(vault, LOCAL))

    assert [entry.key for entry in entries.rows] == ["wintermute"]
    assert found.published_at is not None
    assert after.published_at is None
    assert [job.kind for job in asked_for.rows] == [PUBLICATION]
