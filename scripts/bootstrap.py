"""The environment in ``.venv``: made from the lock, and left alone while it is current.

Standard library only, since it runs before anything is installed. The stamp is written last: an
interrupted run leaves none, and the next one goes on from whatever is there.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
if sys.version_info < OLDEST:
    this, needed = (".".join(map(str, version[:2])) for version in (sys.version_info, OLDEST))
    sys.exit(
        f"Deskgraph needs Python {needed} or later, and this is {this}. "
        "Install a newer one, or name the one to use: make PYTHON=python3.12"
    )

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements-dev.lock"


class BootstrapError(Exception):
    """A step failed; the message says what to do."""


def main() -> None:
    """Bring ``.venv`` up to date, one line for each step that has something to do."""
    try:
        made = ensure(ROOT, VENV, lock=LOCK)
    except BootstrapError as failed:
        sys.exit(str(failed))
    except KeyboardInterrupt:
        sys.exit("Interrupted; run the same command again to go on.")
    if made:
        say(f"{VENV.name} is ready")


def ensure(root: Path, venv: Path, *, lock: Path) -> bool:
    """Make ``venv`` hold the packages of ``lock`` and the project; false if it did already."""
    stamp = venv / ".stamp"
    wanted = digest(root, venv, lock=lock)
    if stamp.is_file() and stamp.read_text() == wanted and interpreter_runs(venv):
        return False
    stamp.unlink(missing_ok=True)
    make_environment(venv)
    install(venv, "--require-hashes", "-r", str(lock), what=f"the packages of {lock.name}")
    install(venv, "--no-deps", "--no-build-isolation", "-e", str(root), what="the project itself")
    stamp.write_text(wanted)
    return True


def digest(root: Path, venv: Path, *, lock: Path) -> str:
    """What the environment follows from: the lock, the project, this Python and the place."""
    python = f"{sys.implementation.name} {sys.version} {sys.platform} {venv}"
    parts = (lock.read_bytes(), (root / "pyproject.toml").read_bytes(), python.encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def make_environment(venv: Path) -> None:
    """An empty environment of this Python, unless ``venv`` is one that works."""
    if interpreter_runs(venv):
        return
    python = base_python()
    uv = shutil.which("uv")
    say(f"making {venv.name} with {'uv' if uv else 'venv'} and Python {sys.version.split()[0]}")
    if uv:
        run([uv, "venv", "--quiet", "--clear", "--python", python, str(venv)])
        return
    try:
        run([python, "-m", "venv", "--clear", str(venv)])
    except BootstrapError as failed:
        raise BootstrapError(
            f"{failed}\nThis Python cannot make an environment with pip. On Debian and Ubuntu "
            "`apt-get install python3-venv` mends that; uv on PATH works as well."
        ) from failed


def install(venv: Path, *arguments: str, what: str) -> None:
    """Install into ``venv`` with uv where it is there, with the environment's own pip elsewhere."""
    python = str(venv_python(venv))
    uv = shutil.which("uv")
    say(f"installing {what} with {'uv' if uv else 'pip'}")
    if uv:
        run([uv, "pip", "install", "--quiet", "--python", python, *arguments])
        return
    if not succeeds([python, "-m", "pip", "--version"]):
        run([python, "-m", "ensurepip"])
    quiet = ("--quiet", "--disable-pip-version-check", "--no-input")
    run([python, "-m", "pip", "install", *quiet, *arguments])


def venv_python(venv: Path) -> Path:
    """The interpreter of an environment."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def base_python() -> str:
    """The interpreter to build from: never one that lives in the environment to be replaced."""
    return getattr(sys, "_base_executable", None) or sys.executable


def interpreter_runs(venv: Path) -> bool:
    """Whether ``venv`` has an interpreter of this very version that starts."""
    check = f"import sys; sys.exit(sys.version_info[:3] != {tuple(sys.version_info[:3])})"
    return succeeds([str(venv_python(venv)), "-c", check])


def succeeds(command: list[str]) -> bool:
    """Whether a command is there and ends well; it prints nothing."""
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def run(command: list[str]) -> None:
    """Run a command; its own output goes to standard error.

    Raises BootstrapError when it fails.
    """
    status = subprocess.run(command, stdout=sys.stderr, check=False).returncode
    if status != 0:
        raise BootstrapError(f"This command ended with {status}: {' '.join(command)}")


def say(line: str) -> None:
    """One line of progress."""
    print(f"bootstrap: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
