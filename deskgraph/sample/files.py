"""Writes text files that come out the same, byte for byte, whenever they are written."""

import csv
import gzip
import json
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO, cast


class Lines:
    """A text file; one whose name ends in ``.gz`` is compressed, without a time in its header."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._plain = path.open("wb")
        binary = cast(BinaryIO, self._plain)
        if path.suffix == ".gz":
            binary = cast(
                BinaryIO, gzip.GzipFile(filename="", mode="wb", fileobj=self._plain, mtime=0)
            )
        self.text = TextIOWrapper(binary, encoding="utf-8", newline="\n")

    def close(self) -> None:
        self.text.close()
        self._plain.close()


class Table(Lines):
    """A CSV file with a header."""

    def __init__(self, path: Path, columns: str) -> None:
        super().__init__(path)
        self._writer = csv.writer(self.text, lineterminator="\n")
        self.add(*columns.split())

    def add(self, *cells: object) -> None:
        """One row; None is an empty cell."""
        self._writer.writerow(cells)


class JsonLines(Lines):
    """One JSON object a line."""

    def add(self, said: dict[str, Any]) -> None:
        self.text.write(json.dumps(said, separators=(",", ":"), ensure_ascii=False) + "\n")
