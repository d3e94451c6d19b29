"""Nothing that we lock is under a licence that would reach over to our code."""

import json
import re
from importlib import metadata

import pytest

from scripts import lock
from scripts.tree import ROOT

# LGPL is in the list as well: nothing needs it, so the first one is a decision to take.
RECIPROCAL = re.compile(
    r"\b[AL]?GPL|GNU (?:Affero|Lesser|Library|General)|SSPL|BUSL|Business Source|Commons Clause"
)

#: What packages say in their sources and not in their metadata.
ELSEWHERE = {
    "jsonalias": "MIT",  # pyproject.toml of its repository
    "memorystream": "MIT",  # package.json, in the old form that locks leave out
    "solders": "Apache-2.0",  # the licence file in its wheel
}


def permits(terms: str) -> bool:
    """Whether terms leave our code alone; of ``A OR B`` one is enough."""
    choices = [terms] if " AND " in terms else re.split(r"\bOR\b", terms)
    return any(not RECIPROCAL.search(choice) for choice in choices)


def stated(package: metadata.Distribution) -> str:
    """What a package says about its licence; empty when it says nothing."""
    about = package.metadata
    if "License-Expression" in about:
        return about["License-Expression"]
    named = [line for line in about.get_all("Classifier") or [] if line.startswith("License ::")]
    text = about["License"].strip() if "License" in about else ""
    return "; ".join(named) or ("" if text == "UNKNOWN" else text)


def installed() -> dict[str, str]:
    """The stated licence of every locked package that this platform has."""
    found = {}
    for pin in lock.pins(ROOT / lock.DEV):
        try:
            terms = stated(metadata.distribution(pin.name))
            found[pin.name] = terms or ELSEWHERE.get(pin.name, "")
        except metadata.PackageNotFoundError:
            continue
    return found


def test_locked_python_packages_are_permissive() -> None:
    licences = installed()
    assert len(licences) > 60
    assert {
        name: terms for name, terms in licences.items() if not terms or not permits(terms)
    } == {}


def test_locked_node_packages_are_permissive() -> None:
    locks = [path for path in lock.lock_files(ROOT) if path.name == "package-lock.json"]
    licences = {
        name: str(package.get("license") or ELSEWHERE.get(name.rpartition("/")[2], ""))
        for path in locks
        for name, package in json.loads(path.read_text())["packages"].items()
        if "node_modules/" in name and not package.get("link")
    }
    assert {
        name: terms for name, terms in licences.items() if not terms or not permits(terms)
    } == {}


@pytest.mark.parametrize(
    ("terms", "answer"),
    [
        ("MIT", True),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", True),
        ("(MIT OR GPL-3.0-or-later)", True),
        ("GPL-3.0-only", False),
        ("AGPL-3.0", False),
        ("LGPL-2.1-or-later", False),
        ("GPL-2.0-only AND (MIT OR Apache-2.0)", False),
        ("License :: OSI Approved :: GNU General Public License v3 (GPLv3)", False),
    ],
)
def test_terms_are_read_right(terms: str, answer: bool) -> None:
    assert permits(terms) is answer
