"""Try a wheel as its user would: in an empty environment, an empty home, an empty folder.

``python -m scripts.fresh_wheel dist/deskgraph-….whl`` installs the locked packages and the wheel
without the sources in reach, then runs the command that it brings.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts import bootstrap
from scripts.tree import ROOT

COMMANDS = (("--version",), ("demo", "--check"))


def main() -> None:
    """Install, run each command, end with the first failure."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m scripts.fresh_wheel WHEEL")
    wheel = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="deskgraph-") as empty:
        try:
            program = installed(wheel, Path(empty))
        except bootstrap.BootstrapError as failed:
            sys.exit(str(failed))
        for command in COMMANDS:
            print(f"$ deskgraph {' '.join(command)}", flush=True)
            status = run_alone([str(program), *command], Path(empty))
            if status != 0:
                sys.exit(f"`deskgraph {' '.join(command)}` of {wheel.name} ended with {status}.")


def installed(wheel: Path, folder: Path) -> Path:
    """The ``deskgraph`` command of an environment in ``folder`` that holds only ``wheel``.

    Raises BootstrapError.
    """
    venv = folder / "venv"
    bootstrap.make_environment(venv)
    lock = str(ROOT / "requirements.lock")
    bootstrap.install(
        venv, "--require-hashes", "-r", lock, what="the packages of requirements.lock"
    )
    bootstrap.install(venv, "--no-deps", str(wheel), what=wheel.name)
    return bootstrap.venv_python(venv).with_name("deskgraph")


def run_alone(command: list[str], folder: Path) -> int:
    """Run with ``folder`` as home and working folder, and none of our settings; the exit code."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DESKGRAPH_", "PYTHON", "VIRTUAL_ENV"))
    }
    return subprocess.run(
        command,
        cwd=folder,
        env={**kept, "HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        check=False,
    ).returncode


if __name__ == "__main__":
    main()
