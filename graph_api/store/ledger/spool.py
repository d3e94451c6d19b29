"""Rows on disk, parted by their keys, so that what belongs together fits into memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import msgspec

Item = tuple[Any, ...]


class Spool:
    """Items by key: all items of a key are in one part, and parts are read one at a time."""

    def __init__(self, folder: Path, *, parts: int) -> None:
        folder.mkdir()
        self._files = [(folder / f"{number}.jsonl").open("w+b") for number in range(parts)]

    def put(self, key: str, item: Item) -> None:
        """Add ``item``; integers beyond 64 bits go in as text."""
        file = self._files[crc32(key.encode()) % len(self._files)]
        file.write(msgspec.json.encode(item) + b"\n")

    def parts(self) -> Iterator[Iterator[Item]]:
        """Every part, to be read before the next is asked for."""
        for file in self._files:
            file.seek(0)
            yield (tuple(msgspec.json.decode(line)) for line in file)

    def close(self) -> None:
        """Nothing more is wanted."""
        for file in self._files:
            file.close()
