"""The locks belong to pyproject.toml, hold hashes only, and name no address."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts import lock
from scripts.tree import ROOT


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of what the check reads."""
    for name in ("pyproject.toml", lock.RUNTIME, lock.DEV):
        shutil.copy(ROOT / name, tmp_path)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    return tmp_path


def change(file: Path, pattern: str, replacement: str) -> None:
    text, count = re.subn(pattern, replacement, file.read_text(), count=1, flags=re.MULTILINE)
    assert count == 1
    file.write_text(text)


def test_our_locks_belong_to_our_pyproject() -> None:
    assert list(lock.disagreements(ROOT)) == []


def test_no_lock_file_of_any_kind_names_an_address() -> None:
    assert {lock.RUNTIME, lock.DEV} <= {path.name for path in lock.lock_files(ROOT)}
    assert list(lock.addresses(ROOT)) == []


def test_a_new_dependency_needs_new_locks(house: Path) -> None:
    change(house / "pyproject.toml", r"^dependencies = \[", 'dependencies = [\n    "leftpad>=1",')
    faults = list(lock.disagreements(house))
    assert "requirements.lock does not follow from pyproject.toml: `make lock`." in faults
    assert "requirements.lock does not meet leftpad>=1: `make lock`." in faults


def test_a_setting_of_a_tool_needs_no_new_locks(house: Path) -> None:
    change(house / "pyproject.toml", r"^line-length = 100", "line-length = 99")
    assert list(lock.disagreements(house)) == []


def test_a_pin_changed_by_hand_is_seen(house: Path) -> None:
    change(house / lock.RUNTIME, r"^neo4j==\S+", "neo4j==5.0.0")
    faults = list(lock.disagreements(house))
    assert "requirements.lock does not meet neo4j<7,>=6.4: `make lock`." in faults
    assert (
        "neo4j 5.0.0 of requirements.lock is not in requirements-dev.lock: `make lock`." in faults
    )


def test_a_pin_without_hash_is_seen(house: Path) -> None:
    change(house / lock.DEV, r"^(pytest==\S+) \\\n(?:    --hash=\S+(?: \\)?\n)+", r"\1\n")
    assert list(lock.disagreements(house)) == ["requirements-dev.lock: pytest has no hash."]


@pytest.mark.parametrize("line", ["pytest>=9", "pytest @ file:///tmp/pytest.whl", "-r other.lock"])
def test_a_line_that_pins_nothing_is_refused(line: str, house: Path) -> None:
    (house / lock.DEV).write_text(line)
    with pytest.raises(ValueError, match=r"(?i)exact versions|expected"):
        lock.pins(house / lock.DEV)


def test_addresses_are_found_in_locks_of_python_and_node(house: Path) -> None:
    scheme = "https" + "://"
    packages = {
        "node_modules/fetched": {"resolved": f"{scheme}mirror.example/a.tgz"},
        "node_modules/asks": {"version": "1.0.0", "funding": [f"{scheme}fund.example"]},
    }
    (house / "web").mkdir()
    (house / "web" / "package-lock.json").write_text(json.dumps({"packages": packages}))
    (house / lock.DEV).write_text(f"--index {scheme}mirror.example\n")
    assert list(lock.addresses(house)) == [
        "requirements-dev.lock: line 1 names an address.",
        "web/package-lock.json: node_modules/fetched names an address.",
    ]
