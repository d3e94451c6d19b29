"""Node is found on the machine, or in the locked wheel."""

import subprocess
import sys
from pathlib import Path

import pytest

from scripts import node
from scripts.tree import ROOT

BARE = "/bin:/usr/sbin"


def write_node(folder: Path, version: str) -> None:
    """A program that claims to be a Node of this version, with an npm beside it."""
    folder.mkdir()
    for name in ("node", "npm"):
        (folder / name).write_text(f"#!/bin/sh\necho {version}\n")
        (folder / name).chmod(0o755)


def test_a_new_node_of_the_machine_is_used(tmp_path: Path) -> None:
    write_node(tmp_path / "bin", "v22.1.0")
    assert node.folder(f"{tmp_path}/bin") == tmp_path / "bin"


@pytest.mark.parametrize("command", ["node", "npm", "npx"])
def test_an_old_node_is_passed_over_for_that_of_the_wheel(command: str, tmp_path: Path) -> None:
    write_node(tmp_path / "bin", "v16.20.2")
    environment = node.with_node({"PATH": f"{tmp_path}/bin:/usr/bin:/bin", "HOME": str(tmp_path)})
    answer = subprocess.run(
        [node.folder(f"{tmp_path}/bin") / command, "--version"],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert int(answer.strip().lstrip("v").split(".")[0]) >= 10
    assert answer.strip() != "v16.20.2"


def test_a_command_runs_with_that_node_first_on_path(tmp_path: Path) -> None:
    write_node(tmp_path / "bin", "v16.20.2")
    answer = subprocess.run(
        [sys.executable, ROOT / "scripts/node.py", "sh", "-c", "node --version"],
        env={"PATH": f"{tmp_path}/bin:/usr/bin:/bin"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert int(answer.strip().lstrip("v").split(".")[0]) >= node.OLDEST
