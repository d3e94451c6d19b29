"""Turns rows and document entries into numbered records; one that cannot be read is a reject."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from graph_api.domain.errors import BadInput
from graph_api.domain.records import Record, Reject
from ingest.sources.files.format import Dataset, Entry
from ingest.sources.files.inputs import Column, Kind, reading, reject, rows, sniff
from ingest.sources.files.labels.documents import Item, yaml_items

Header = TypeVar("Header")


def of_rows(
    dataset: Dataset,
    columns: Sequence[Column],
    read_row: Callable[[Path, Sequence[str]], Iterable[Record]],
    *,
    needs: Sequence[Column] = (),
) -> Iterator[Entry]:
    """What ``read_row`` makes of each row of the dataset's tables.

    Raises: BadInput when a table lacks one of the columns that it ``needs``.
    """
    before = 0
    for path in dataset.paths:
        _check_columns(path, needs)
        number = 0
        for number, line, cells in rows(path, columns):
            row = before + number
            if isinstance(cells, Reject):
                yield Entry(row, cells)
                continue
            try:
                for record in read_row(path, cells):
                    yield Entry(row, record)
            except BadInput as error:
                yield Entry(row, reject(path, line, str(error), cells))
        before += number


def of_items(
    dataset: Dataset,
    key: str,
    read_item: Callable[[Header, Item], Iterable[Record | Reject]],
    *,
    header: Callable[[Path, dict[str, Any]], Header],
    before: frozenset[str] = frozenset(),
) -> Iterator[Entry]:
    """What ``read_item`` makes of each entry of the list ``key`` of the dataset's YAML files.

    ``header`` makes of a file's other keys what ``read_item`` gets; those of ``before`` speak for
    every entry and must stand before them. Raises: BadInput, also what ``header`` raises.
    """
    count = 0
    for path in dataset.paths:
        number = 0
        said: Header | None = None
        with reading(path) as text:
            for item in yaml_items(text, path, key=key, before=before):
                number = item.number
                said = header(path, item.header) if said is None else said
                try:
                    for record in read_item(said, item):
                        yield Entry(count + number, record)
                except BadInput as error:
                    refusal = reject(path, item.line, str(error), shown(item.value))
                    yield Entry(count + number, refusal)
        count += number


def shown(value: Any) -> str:
    """A document's entry on one line."""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {inner}" for key, inner in value.items())
    return str(value)


def _check_columns(path: Path, needs: Sequence[Column]) -> None:
    sniffed = sniff(path)
    # Writers of JSON lines leave out what a row does not have: the first may lack anything.
    for column in needs if sniffed.kind is not Kind.LINES else ():
        names = (column,) if isinstance(column, str) else column
        if not any(name.lower() in sniffed.columns for name in names):
            raise BadInput(f"{path} has no column {' or '.join(names)}; name it with --map.")
