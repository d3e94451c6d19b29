"""The locks: every package with its hashes, none with an address.

``python -m scripts.lock`` resolves them anew with uv (``--upgrade`` to the newest versions);
``python -m scripts.lock --check`` says, without a network, whether they belong to pyproject.toml.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from scripts.tree import ROOT, kept_files

RUNTIME = "requirements.lock"
DEV = "requirements-dev.lock"
ADDRESS = re.compile(r"\b(?:https?|git\+\w+|ssh|file)://")
NPM_LOCKS = ("package-lock.json", "npm-shrinkwrap.json")


@dataclass(frozen=True)
class Pin:
    """One locked package."""

    name: str
    version: Version
    hashes: int


def main() -> None:
    """Resolve, or check and say what is wrong."""
    if sys.argv[1:] == ["--check"]:
        faults = [*disagreements(ROOT), *addresses(ROOT)]
        sys.exit("\n".join(faults) if faults else 0)
    if sys.argv[1:] not in ([], ["--upgrade"]):
        sys.exit("usage: python -m scripts.lock [--check | --upgrade]")
    resolve(ROOT, sys.argv[1:])


def resolve(root: Path, options: list[str]) -> None:
    """Write both locks; the second one takes its versions from the first."""
    beside = os.pathsep.join((os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)))
    uv = shutil.which("uv", path=beside)
    if uv is None:
        sys.exit("Writing the locks needs uv on PATH; checking and installing them does not.")
    compile_ = [uv, "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
    compile_ += ["--generate-hashes", "--no-annotate", "--no-header", "--all-extras", *options]
    for name, more in ((RUNTIME, []), (DEV, ["--group", "dev", "--constraint", RUNTIME])):
        subprocess.run(
            [*compile_, *more, "pyproject.toml", "-o", name],
            cwd=root,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        lock = root / name
        lock.write_text(f"{header(root)}\n{lock.read_text()}")


def header(root: Path) -> str:
    """The first line of a lock: what it was resolved from, and how to do it again."""
    return f"# Written by `make lock` from dependencies {inputs(root)}"


def inputs(root: Path) -> str:
    """A digest of everything in pyproject.toml that a lock follows from."""
    text = json.dumps(_declared(root), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def disagreements(root: Path) -> Iterator[str]:
    """What keeps the locks from being those of pyproject.toml, one sentence each."""
    declared = _declared(root)
    extras = [line for lines in declared["extras"].values() for line in lines]
    runtime = [*declared["dependencies"], *extras]
    for name, wanted in ((RUNTIME, runtime), (DEV, [*runtime, *declared["dev"]])):
        lock = root / name
        if lock.read_text().partition("\n")[0] != header(root):
            yield f"{name} does not follow from pyproject.toml: `make lock`."
        found = pins(lock)
        yield from (f"{name}: {pin.name} has no hash." for pin in found if pin.hashes == 0)
        yield from _unmet(name, wanted, found)
    yield from _between(pins(root / RUNTIME), pins(root / DEV))


def addresses(root: Path) -> Iterator[str]:
    """Every package or line of a lock file, of any kind, that names an address."""
    for lock in lock_files(root):
        name = lock.relative_to(root)
        if lock.name in NPM_LOCKS:
            packages = json.loads(lock.read_text()).get("packages", {})
            found = [place for place, package in packages.items() if _fetches(package)]
        else:
            lines = enumerate(lock.read_text().splitlines(), start=1)
            found = [f"line {number}" for number, line in lines if ADDRESS.search(line)]
        yield from (f"{name}: {place} names an address." for place in found)


def lock_files(root: Path) -> list[Path]:
    """The lock files that git keeps, of Python and of Node."""
    paths = [root / name for name in kept_files(root)]
    return [
        path
        for path in paths
        if path.suffix == ".lock" or path.name in (*NPM_LOCKS, "pnpm-lock.yaml")
    ]


def pins(lock: Path) -> list[Pin]:
    """The packages of a lock. Raises ValueError on a line that is neither pin nor comment."""
    text = lock.read_text().replace("\\\n", " ")
    lines = (line.strip() for line in text.splitlines())
    return [_pin(line) for line in lines if line and not line.startswith("#")]


def _pin(line: str) -> Pin:
    head, *hashes = line.split(" --hash=sha256:")
    requirement = Requirement(head.strip())
    exact = [one.version for one in requirement.specifier if one.operator == "=="]
    if len(exact) != 1 or requirement.url:
        raise ValueError(f"A lock holds exact versions only, and this is {head.strip()!r}.")
    return Pin(canonicalize_name(requirement.name), Version(exact[0]), hashes=len(hashes))


def _declared(root: Path) -> dict[str, Any]:
    project = tomllib.loads((root / "pyproject.toml").read_text())
    return {
        "python": project["project"]["requires-python"],
        "dependencies": project["project"]["dependencies"],
        "extras": project["project"].get("optional-dependencies", {}),
        "dev": project["dependency-groups"]["dev"],
    }


def _unmet(lock: str, wanted: list[str], found: list[Pin]) -> Iterator[str]:
    for requirement in map(Requirement, wanted):
        name = canonicalize_name(requirement.name)
        versions = [pin.version for pin in found if pin.name == name]
        if not any(version in requirement.specifier for version in versions):
            yield f"{lock} does not meet {requirement}: `make lock`."


def _between(runtime: list[Pin], dev: list[Pin]) -> Iterator[str]:
    for pin in sorted(set(runtime) - set(dev), key=lambda pin: pin.name):
        yield f"{pin.name} {pin.version} of {RUNTIME} is not in {DEV}: `make lock`."


def _fetches(package: dict[str, Any]) -> bool:
    """Whether an entry says where to fetch from. ``funding`` says where to send money."""
    return ADDRESS.search(json.dumps({**package, "funding": None})) is not None


if __name__ == "__main__":
    main()
