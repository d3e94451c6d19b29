"""Finds a server that the system's packages bring, and installs it where that is allowed."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from tests.real.available import Unavailable


@cache
def installed(program: str, *, package: str) -> Path:
    """Where ``program`` is; as root on a Debian machine its package is installed first.

    Raises: Unavailable.
    """
    found = _find(program) or (_install(package) and _find(program))
    if not found:
        raise Unavailable(
            f"{program} is not here, so what needs it was not tested. "
            f"Install it (Debian: `apt-get install {package}`)."
        )
    return found


def _find(program: str) -> Path | None:
    """On PATH, or where Debian keeps the servers of PostgreSQL; the newest first."""
    kept = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_release, reverse=True)
    path = os.pathsep.join([os.environ.get("PATH", ""), *map(str, kept)])
    found = shutil.which(program, path=path)
    return Path(found) if found else None


def _release(bin_folder: Path) -> float:
    return float(bin_folder.parent.name)


def _install(package: str) -> bool:
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        return False
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    commands = ([apt, "update", "-qq"], [apt, "install", "-y", "-qq", package])
    return all(
        subprocess.run(command, env=quiet, capture_output=True, check=False).returncode == 0
        for command in commands
    )
