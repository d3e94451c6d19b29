"""The list of commands says what each does, and is shown without loading any of them."""

import subprocess
import sys

from deskgraph.__main__ import COMMANDS


def test_every_command_is_where_the_list_says_and_says_the_same_of_itself() -> None:
    for one in COMMANDS:
        command = one.load()
        first = (command.help or "").partition("\n\n")[0]
        assert (command.name, " ".join(first.split())) == (one.name, one.help)


def test_help_is_shown_without_engines_servers_or_sources() -> None:
    script = (
        "import sys; sys.argv = ['deskgraph', '--help']; from deskgraph.__main__ import main; "
        "main(); print(*sorted(sys.modules))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    ).stdout

    assert all(f"\n  {one.name} " in shown for one in COMMANDS)
    loaded = set(shown.splitlines()[-1].split())
    heavy = {"neo4j", "sqlalchemy", "strawberry", "redis", "solders", "httpx", "uvicorn", "numpy"}
    assert not heavy & loaded
