"""What the machine lacks is named with its remedy, and CI does not go on without it."""

import subprocess
import sys
from pathlib import Path

import pytest

from scripts.machine import NEEDS
from scripts.tree import ROOT


@pytest.mark.parametrize(("environment", "status"), [({}, 0), ({"CI": "true"}, 1)])
def test_missing_programs_are_named(
    environment: dict[str, str], status: int, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.machine"],
        cwd=ROOT,
        env={"PATH": str(tmp_path), **environment},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == status
    named = [line.split(":")[0] for line in done.stdout.splitlines()]
    assert {"MISSING redis-server", "MISSING Java 17", "MISSING Maven"} <= set(named)
    assert "On Debian: apt-get install maven" in done.stdout


def test_every_need_says_what_it_is_for_and_how_to_have_it() -> None:
    assert all(need.purpose and need.packages for need in NEEDS)
