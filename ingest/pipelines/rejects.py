"""Rows that were left out, one JSON object a line: nothing that a file says is lost."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final, Self

import msgspec

from graph_api.domain.records import Reject

_KEPT_OPEN: Final = "ab"


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a rejects file; ``entry`` is the row's number in its dataset."""

    entry: int
    file: str
    line: int
    reason: str
    row: str


class RejectsFile:
    """A rejects file that agrees with the graph: it is safe on disk before a batch is committed,
    and what an interrupted batch had put there goes when the load is taken up again."""

    def __init__(self, path: Path, *, after: int) -> None:
        self.path, self._after = path, after
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        if self.path.exists():
            self._cut()
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, rejects: Sequence[tuple[int, Reject]]) -> None:
        """Append and wait until the disk has it."""
        if not rejects:
            return
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open(_KEPT_OPEN)
        for entry, reject in rejects:
            line = Rejected(
                entry=entry,
                file=reject.file,
                line=reject.line,
                reason=reject.reason,
                row=reject.row,
            )
            self._file.write(msgspec.json.encode(line) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def _cut(self) -> None:
        # Entries only grow, so everything from the first that is not in the graph on can go; a
        # last line that a crash cut short is no JSON and goes as well.
        keep = 0
        with self.path.open("rb") as file:
            for line in file:
                try:
                    entry = msgspec.json.decode(line, type=Rejected).entry
                except msgspec.DecodeError:
                    break
                if entry > self._after or not line.endswith(b"\n"):
                    break
                keep += len(line)
        if keep == 0:
            self.path.unlink()
        else:
            os.truncate(self.path, keep)
