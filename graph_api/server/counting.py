"""The folder where the processes of one server count together, and that goes when they do."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar, Final

from prometheus_client import values

_PREFIX: Final = "deskgraph-counts-"
_LOCK: Final = "lock"


class SharedCounts:
    """One file for each worker and kind of metric; who counts as whom is a number."""

    #: The folder that this process has joined; None where it counts alone.
    joined: ClassVar["SharedCounts | None"] = None

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def join(self, worker: int) -> None:
        """Let this process count as ``worker`` from now on; before its first metric is made.

        Whoever takes over a number goes on from the counts of the one before.
        """
        # The library knows one place for each process, and takes it from the environment.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(self.folder)
        values.ValueClass = values.MultiProcessValue(lambda: worker)  # type: ignore[no-untyped-call]
        SharedCounts.joined = self
        self._pid_file(worker).write_text(str(os.getpid()))

    def leave(self, worker: int) -> None:
        """Forget the state of a worker that is gone; what it has counted stays."""
        self._pid_file(worker).unlink(missing_ok=True)
        for file in self.folder.glob(f"gauge_live*_{worker}.db"):
            file.unlink(missing_ok=True)

    def pids(self) -> dict[int, int]:
        """The processes that count, by the number of the worker."""
        found: dict[int, int] = {}
        for file in self.folder.glob("*.pid"):
            with suppress(FileNotFoundError, ValueError):  # it comes or goes just now
                found[int(file.stem)] = int(file.read_text())
        return dict(sorted(found.items()))

    def _pid_file(self, worker: int) -> Path:
        return self.folder / f"{worker}.pid"


@contextmanager
def counting_folder() -> Iterator[SharedCounts]:
    """A private folder that is removed after the block; what killed servers left goes first."""
    _clear_leftovers()
    with tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with (folder / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield SharedCounts(folder)


def _clear_leftovers() -> None:
    """The kernel unlocks what belonged to a process that is gone, however it went."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):  # somebody else's, in use, or cleared by another server just now
            if folder.lstat().st_uid == os.getuid():
                with (folder / _LOCK).open() as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder)
