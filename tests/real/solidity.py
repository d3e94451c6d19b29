"""The contracts that tests deploy, compiled once for each version of their sources."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tests.real.cache import cached
from tests.real.node_packages import packages, run

FOLDER = Path(__file__).parent / "contracts"


class Contract(NamedTuple):
    """A compiled contract."""

    abi: list[dict[str, Any]]
    bytecode: str


@cache
def compiled() -> dict[str, Contract]:
    """Every contract of the folder by its name."""
    sources = sorted([*FOLDER.glob("*.sol"), FOLDER / "compile.mjs", FOLDER / "package-lock.json"])
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    folder = cached(f"contracts-{digest}", _compile)
    made = msgspec.json.decode((folder / "contracts.json").read_bytes())
    return {name: Contract(one["abi"], one["bytecode"]) for name, one in made.items()}


def _compile(target: Path) -> None:
    modules = packages(FOLDER) / "node_modules"
    words = run(["node", str(FOLDER / "compile.mjs"), str(FOLDER), str(modules)], cwd=target)
    (target / "contracts.json").write_text(words)
