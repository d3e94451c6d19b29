"""Rows that were left out, one JSON object a line: nothing that a file says is lost."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Self

import msgspec

from graph_api.domain.records import Reject


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a rejects file; ``entry`` is the row's number in its dataset."""

    entry: int
    file: str
    line: int
    reason: str
    row: str


class RejectsFile:
    """A rejects file that agrees with the graph: it is safe on disk before a batch is committed,
    and what an interrupted batch had put there goes when the load is taken up again.

    The graph has ``rejected`` rejects of the rows up to ``after``. Where the file has not (it was
    removed, or written elsewhere), it is ``incomplete``: it begins anew, and whoever reads the
    dataset again says by ``write`` what was rejected before.
    """

    def __init__(self, path: Path, *, after: int, rejected: int) -> None:
        self.path, self.incomplete = path, False
        self._after, self._rejected = after, rejected
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        size, lines = self._sound()
        self.incomplete = lines != self._rejected
        if self.incomplete or size == 0:
            self.path.unlink(missing_ok=True)
        else:
            os.truncate(self.path, size)
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, rejects: Sequence[tuple[int, Reject]]) -> None:
        """Append, for ``sync`` to make safe."""
        if not rejects:
            return
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("ab")
        for entry, reject in rejects:
            line = Rejected(
                entry=entry,
                file=reject.file,
                line=reject.line,
                reason=reject.reason,
                row=reject.row,
            )
            self._file.write(msgspec.json.encode(line) + b"\n")

    def sync(self) -> None:
        """Wait until the disk has everything."""
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())

    def _sound(self) -> tuple[int, int]:
        """Bytes and lines of the file that speak of rows which are in the graph."""
        size = lines = 0
        if not self.path.exists():
            return size, lines
        # Entries only grow, so everything from the first that is not in the graph on can go; a
        # last line that a crash cut short is no JSON and goes as well.
        with self.path.open("rb") as file:
            for line in file:
                try:
                    entry = msgspec.json.decode(line, type=Rejected).entry
                except msgspec.DecodeError:
                    break
                if entry > self._after or not line.endswith(b"\n"):
                    break
                size, lines = size + len(line), lines + 1
        return size, lines


def append_rejects(path: Path, rejects: Sequence[Reject]) -> None:
    """Add what a block or a call says and nobody could decode; it is safe on disk then."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        for reject in rejects:
            file.write(msgspec.json.encode(reject) + b"\n")
        file.flush()
        os.fsync(file.fileno())
