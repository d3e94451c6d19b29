"""What a bench says: a Markdown table that grows line by line, and a JSON file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec


class Table:
    """Prints its head at once and each row as it is measured."""

    def __init__(self, *columns: str) -> None:
        self.row(*columns)
        self.row(*("---" for _ in columns))

    def row(self, *cells: object) -> None:
        """One line."""
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def write_json(path: Path | None, figures: Sequence[Any]) -> None:
    """The figures in full, where somebody asked for them."""
    if path is not None:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(figures), indent=2) + b"\n")
