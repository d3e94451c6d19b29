"""All audits of the GraphQL over HTTP specification pass: recommendations as well as duties."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from scripts.node import with_node
from tests.real.cache import cached
from tests.server.served import served

HERE = Path(__file__).parent
AUDITS = 61


def audit(address: str, *, modules: Path) -> list[dict[str, Any]]:
    """The outcome of each audit of the server at ``address``."""
    command = ["node", str(HERE / "audit.mjs"), address, str(modules)]
    done = run(command, cwd=HERE)
    outcomes: list[dict[str, Any]] = json.loads(done)
    return outcomes


@pytest.fixture(scope="session")
def modules() -> Path:
    """A folder with the locked packages, kept between runs for as long as the lock is the same."""
    lock = (HERE / "package-lock.json").read_bytes()
    return cached(f"graphql-http-{hashlib.sha256(lock).hexdigest()[:16]}", install)


def install(folder: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder)
    run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=folder)


def run(command: list[str], *, cwd: Path) -> str:
    environment = with_node(os.environ)
    program = shutil.which(command[0], path=environment["PATH"])
    assert program is not None
    done = subprocess.run(
        [program, *command[1:]], cwd=cwd, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("profile", ["development", "production"])
def test_every_audit_passes(profile: str, modules: Path, tmp_path: Path) -> None:
    # The audits introspect; that a closed schema refuses it is tested elsewhere.
    with served(
        tmp_path / "log",
        DESKGRAPH_PROFILE=profile,
        DESKGRAPH_GRAPHQL__INTROSPECTION="true",
    ) as server:
        outcomes = audit(f"{server.address}/graphql", modules=modules)

    assert [outcome for outcome in outcomes if outcome["status"] != "ok"] == []
    assert len(outcomes) == AUDITS
