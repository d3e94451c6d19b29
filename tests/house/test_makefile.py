"""The two commands of the README, and the rest of the Makefile."""

import re
import shutil
import subprocess
from pathlib import Path

from scripts.tree import ROOT


def make(*arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    program = shutil.which("make")
    assert program, "make is not on PATH"
    return subprocess.run(
        [program, "--no-print-directory", *arguments],
        cwd=ROOT,
        env={"PATH": path} if path else None,
        check=False,
        capture_output=True,
        text=True,
    )


def test_make_alone_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    declared = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert declared
    listed = re.findall(r"^  make ([\w-]+) +\S", make().stdout, re.MULTILINE)
    assert sorted(listed) == sorted(declared[1].split())


def test_demo_takes_real_files() -> None:
    assert (
        '.venv/bin/deskgraph demo --data "some/folder"'
        in make("-n", "demo", "DATA=some/folder").stdout
    )
    assert "--data" not in make("-n", "demo").stdout


def test_a_machine_without_python_gets_one_sentence(tmp_path: Path) -> None:
    done = make("bootstrap", path=str(tmp_path))
    assert done.returncode != 0
    assert done.stderr.splitlines()[0] == "Deskgraph needs Python 3.11 or later, and PATH has none."
