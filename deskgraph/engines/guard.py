"""Runs one engine for as long as the process that asked for it lives; a script of its own.

``python guard.py --log FILE --grace SECONDS [--fatal PREFIX] [--keep FD] -- COMMAND…``

The starter holds the other end of our standard input. When that closes, whether by intention
or because the starter was killed, the engine gets SIGTERM and, after the grace, SIGKILL. The
first line of our standard output is the engine's pid; a second one, its exit code, is written
only when it ended without the starter's wish. A signal is written as the shell writes it, 128
plus its number. The engine's words go to a log of bounded size. Only the standard library is
imported, so that the guard starts in a moment and weighs little.
"""

import argparse
import contextlib
import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

LOG_BYTES = 5_000_000
FAILED = 70
PR_SET_PDEATHSIG = 1


class Log:
    """An append-only file that is put aside once it is full; one older file is kept."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("ab", buffering=0)

    def write(self, data: bytes) -> None:
        """Words are lost when the disk is full; that is no reason to lose the engine too."""
        with contextlib.suppress(OSError):
            self._append(data)

    def _append(self, data: bytes) -> None:
        if self._file.tell() > LOG_BYTES:
            self._file.close()
            self._path.replace(self._path.with_name(f"{self._path.name}.1"))
            self._file = self._path.open("ab", buffering=0)
        self._file.write(data)

    def close(self) -> None:
        self._file.close()


class Guard:
    """The engine's process, and what is known of its end."""

    def __init__(self, command: list[str], *, keep: list[int], grace_s: float) -> None:
        self._engine = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=keep,
            preexec_fn=die_with_parent(),
        )
        assert self._engine.stdout is not None
        self.output = self._engine.stdout.fileno()
        self.pid = self._engine.pid
        self._grace_s = grace_s
        self._kill_at: float | None = None
        self._killed = False
        self._failed = False
        self._is_wished = False

    def stop(self) -> None:
        """Ask the engine to end; a second request changes nothing."""
        if self._kill_at is None:
            self._kill_at = time.monotonic() + self._grace_s
            self._engine.terminate()

    def let_go(self) -> None:
        """The starter wants no more of it; an engine that ended just before did so on its own."""
        self._is_wished = self._engine.poll() is None
        self.stop()

    def fail(self) -> None:
        """The engine said that it cannot start, yet its process may linger."""
        self._failed = True
        self.stop()

    @property
    def is_failure(self) -> bool:
        """Whether the engine's end is news to the starter."""
        return self._failed or not self._is_wished

    def patience_s(self) -> float | None:
        """How long to wait for the next event; None is for as long as it takes."""
        if self._kill_at is None or self._killed:
            return None
        return max(0.0, self._kill_at - time.monotonic())

    def exit_code(self) -> int | None:
        """None while the engine runs, 0 when it was to end; past its grace it is killed."""
        if self.patience_s() == 0:
            self._engine.kill()
            self._killed = True
        code = self._engine.poll()
        if code is None:
            return None
        if self._failed:
            return FAILED
        return 0 if self._is_wished else code if code >= 0 else 128 - code


def die_with_parent() -> Callable[[], None] | None:
    """On Linux, a way for the engine to hear of our own sudden end; elsewhere there is none."""
    if not sys.platform.startswith("linux"):
        return None
    libc, parent = ctypes.CDLL(None), os.getpid()

    def arrange() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(FAILED)

    return arrange


def watch(guard: Guard, log: Log, *, fatal: bytes, wakeup: int) -> int:
    """Pass the engine's words on until it ends; its exit code."""
    selector = selectors.DefaultSelector()
    for fd in (sys.stdin.fileno(), wakeup, guard.output):
        selector.register(fd, selectors.EVENT_READ)
    line = b""
    while (code := guard.exit_code()) is None:
        for key, _ in selector.select(guard.patience_s()):
            data = os.read(key.fd, 65536)
            if key.fd == guard.output:
                log.write(data)
                *lines, line = (line + data).split(b"\n")
                if fatal and any(done.startswith(fatal) for done in lines):
                    guard.fail()
            elif key.fd == wakeup:
                if signal.SIGTERM in data or signal.SIGINT in data:
                    guard.stop()
                continue
            elif not data:
                guard.let_go()
            if not data:
                selector.unregister(key.fd)
    drain(guard.output, log)
    return code


def drain(fd: int, log: Log) -> None:
    """What the engine wrote last; a child that it left behind may hold the pipe open."""
    os.set_blocking(fd, False)
    try:
        while data := os.read(fd, 65536):
            log.write(data)
    except BlockingIOError:
        return


def hear_signals() -> int:
    """A file that gets one byte, its number, for each signal."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    return reading


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--grace", type=float, required=True)
    parser.add_argument("--fatal", type=os.fsencode, default=b"")
    parser.add_argument("--keep", type=int, action="append", default=[])
    parser.add_argument("command", nargs="+")
    asked = parser.parse_args()
    log, wakeup = Log(asked.log), hear_signals()
    try:
        guard = Guard(asked.command, keep=asked.keep, grace_s=asked.grace)
    except OSError as error:
        log.write(f"{asked.command[0]}: {error.strerror}\n".encode())
        say(0)
        say(FAILED)
        return FAILED
    say(guard.pid)
    code = watch(guard, log, fatal=asked.fatal, wakeup=wakeup)
    if guard.is_failure:
        say(code)
    return code


def say(number: int) -> None:
    """Tell the starter, if it still listens."""
    with contextlib.suppress(BrokenPipeError):
        os.write(sys.stdout.fileno(), b"%d\n" % number)


if __name__ == "__main__":
    sys.exit(main())
