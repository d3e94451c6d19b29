"""The programs that tests need beside Python: which are there, and how to have the others.

``python -m scripts.machine`` names what is missing. As root on Debian or Ubuntu ``--install``
fetches it first. Where ``CI`` is set, everything has to be there in the end.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

POSTGRESQL = Path("/usr/lib/postgresql")


@dataclass(frozen=True)
class Need:
    """One program: what tests do with it, where Debian has it, and how to find it."""

    name: str
    purpose: str
    packages: tuple[str, ...]
    present: Callable[[], bool]


def main() -> None:
    """Install where asked and allowed, then say what is missing."""
    if "--install" in sys.argv[1:] and can_install():
        install([need for need in NEEDS if not need.present()])
    missing = [need for need in NEEDS if not need.present()]
    for need in missing:
        print(f"MISSING {need.name}: {need.purpose}. On Debian: apt-get install {_words(need)}")
    if missing and os.environ.get("CI"):
        sys.exit("CI skips no tests: it needs every program above.")


def can_install() -> bool:
    """Whether this is root on a system with apt."""
    return hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(missing: list[Need]) -> None:
    """Fetch the packages of ``missing``, without starting the servers among them."""
    if not missing:
        return
    packages = [package for need in missing for package in need.packages]
    print(f"machine: installing {' '.join(packages)}", flush=True)
    # Debian starts a server that it installs, unless the run level says that nobody needs it.
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-qq", "--yes", "--no-install-recommends", *packages],
    ):
        done = subprocess.run(
            command,
            env=quiet,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            print(f"machine: {' '.join(command)} failed\n{done.stdout}{done.stderr}", flush=True)
            return


def _on_path(*programs: str) -> Callable[[], bool]:
    return lambda: any(shutil.which(program) for program in programs)


def _postgresql() -> bool:
    """Debian keeps the programs of the server off PATH."""
    return shutil.which("initdb") is not None or any(POSTGRESQL.glob("*/bin/initdb"))


def _words(need: Need) -> str:
    return " ".join(need.packages)


NEEDS = (
    Need(
        "redis-server",
        "tests of the bus on a Redis beside the embedded Valkey",
        ("redis-server",),
        _on_path("redis-server"),
    ),
    Need("PostgreSQL", "tests of the vault on a real server", ("postgresql",), _postgresql),
    Need(
        "Chromium",
        "tests in a real browser",
        ("chromium",),
        _on_path("chromium", "chromium-browser", "google-chrome"),
    ),
    Need(
        "Java 17",
        "the second run of the suite, on a real Neo4j",
        ("openjdk-17-jre-headless",),
        _on_path("java"),
    ),
    Need("Maven", "fetching that Neo4j from its published jars", ("maven",), _on_path("mvn")),
)


if __name__ == "__main__":
    main()
