"""Locked npm packages and the Node that runs them, for tests that speak with JavaScript."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from scripts.node import with_node
from tests.real.cache import cached


def packages(folder: Path) -> Path:
    """A folder with what ``folder`` locks, kept between runs until the lock changes."""
    lock = (folder / "package-lock.json").read_bytes()

    def install(target: Path) -> None:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(folder / name, target)
        run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=target)

    return cached(f"npm-{folder.name}-{hashlib.sha256(lock).hexdigest()[:16]}", install)


def run(command: list[str], *, cwd: Path) -> str:
    """What a command of Node prints; its failure is the test's, with its own words."""
    environment = with_node(os.environ)
    program = shutil.which(command[0], path=environment["PATH"])
    assert program is not None
    done = subprocess.run(
        [program, *command[1:]], cwd=cwd, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
