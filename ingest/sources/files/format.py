"""What a file format is, and what its reader gets and yields.

A reader is a generator: it holds one row (or one transaction) at a time, never a file. The same
file with the same options yields the same entries in the same order, so that an interrupted load
goes on at an entry's number.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from graph_api.domain.chains import Chain
from graph_api.domain.errors import BadInput
from graph_api.domain.records import Record, Reject


class Entry(NamedTuple):
    """One thing that a file says: its number in the dataset (from 1) and the record or reject.

    Several records of one row carry the same ``row``.
    """

    row: int
    record: Record | Reject


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller says about files that they do not say themselves.

    Args:
        chains: The chains of ``--chain``; formats that carry their own chain may do without.
        columns: ``--map``: our column to the file's column.
        decimals: ``--decimals``: of amounts in whole units, where the token is not known.
        known_decimals: Decimals by token id, from the graph and the built-in list.
        dataset: ``--dataset``: names rows without a hash; by default a digest of the content.
        learned_at: When labels became known to us, epoch ms; None for the file's own date.
        source: ``--source``: who says so, where a label file does not tell.
    """

    chains: tuple[Chain, ...] = ()
    columns: dict[str, str] = msgspec.field(default_factory=dict)
    decimals: int | None = None
    known_decimals: dict[str, int] = msgspec.field(default_factory=dict)
    dataset: str | None = None
    learned_at: int | None = None
    source: str | None = None

    def chain(self, format_name: str) -> Chain:
        """The one chain of a format whose rows do not name theirs. Raises: BadInput."""
        if len(self.chains) != 1:
            raise BadInput(f"A {format_name} file names no chain; add one --chain.")
        return self.chains[0]


class Dataset(msgspec.Struct, frozen=True, kw_only=True):
    """The files that are read together: one, or the five of a format that spreads over tables."""

    name: str
    paths: tuple[Path, ...]


class FileFormat(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table of formats.

    ``recognises`` gets a path's column names (CSV header, Parquet schema, keys of the first JSON
    line; for YAML and whole-file JSON the top-level keys) in lower case, and its file name.
    ``order`` is the place in a load of many files: what others refer to comes first.
    ``gathers``, where a format spreads over several files, makes datasets out of the given paths.
    """

    name: str
    about: str
    columns: str
    order: int
    recognises: Callable[[frozenset[str], str], bool]
    read: Callable[[Dataset, Options], Iterator[Entry]]
    gathers: Callable[[tuple[Path, ...]], list[Dataset]] | None = None
