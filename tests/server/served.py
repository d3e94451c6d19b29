"""A live server for tests that need a socket, a signal or a browser."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "tests.server.child")


@dataclass(frozen=True)
class Served:
    """A child process that answers at ``address``."""

    process: "subprocess.Popen[str]"
    address: str

    def next_line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def let_go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()


@contextmanager
def served(log: Path, **environment: str) -> Iterator[Served]:
    """Start the small schema on a free port; its log lines go to the file ``log``."""
    with log.open("w") as stderr, start(stderr.fileno(), **environment) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address, log.read_text()
        try:
            yield Served(process, address)
        finally:
            process.kill()


def start(stderr: int, **environment: str) -> "subprocess.Popen[str]":
    """The child process, whether or not it comes up."""
    return subprocess.Popen(
        COMMAND,
        cwd=ROOT,
        env={**os.environ, "DESKGRAPH_HTTP__PORT": "0", **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )
