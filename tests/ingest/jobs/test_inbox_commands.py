"""The inbox as a person meets it on the command line."""

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from graph_api.domain.principals import LOCAL
from graph_api.settings import Settings
from graph_api.vault.home import default_url
from graph_api.vault.vault import Vault
from ingest.jobs import commands
from tests.ingest.child import door
from tests.vault.given import NOON
from tests.vault.test_inbox import buried


@pytest.fixture
async def home(tmp_path: Path) -> Path:
    async with await Vault.open(default_url(tmp_path)) as vault:
        await vault.migrate(now=NOON)
        for id in ("1", "2", "3"):
            await buried(vault, LOCAL, id)
    return tmp_path


def run(home: Path, *arguments: str) -> Result:
    group = commands.group(door)
    return CliRunner().invoke(group, ["inbox", *arguments], obj=Settings(home=home))


def dead(home: Path) -> list[str]:
    said = run(home, "list", "--json").stdout.splitlines()
    return [msgspec.json.decode(line)["id"] for line in said]


def test_dead_letters_are_listed_and_shown(home: Path) -> None:
    listed, shown = run(home, "list"), run(home, "show", "2")

    assert dead(home) == ["3", "2", "1"]
    assert "No JSON." in listed.stdout
    assert "3 bodies are dead." in listed.stderr
    assert "reason" in shown.stdout
    assert shown.stdout.endswith("\nbody\n")
    assert run(home, "show", "2", "--raw").stdout_bytes == b"body"
    assert "no body 9" in str(run(home, "show", "9").exception)


def test_dead_letters_are_replayed_and_dropped(home: Path) -> None:
    assert run(home, "replay", "1").stdout == "1 bodies wait again.\n"
    assert dead(home) == ["3", "2"]
    assert run(home, "drop", "3").stdout == "1 bodies are dropped.\n"
    assert dead(home) == ["2"]
    assert run(home, "replay", "--all").stdout == "1 bodies wait again.\n"
    assert dead(home) == []
    assert len(run(home, "list", "--state", "waiting", "--json").stdout.splitlines()) == 2
    assert run(home, "replay").exit_code == 2
