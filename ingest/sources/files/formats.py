"""The table of formats, and which of them a file is."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from graph_api.domain.errors import BadInput
from ingest.sources.files import bitcoin, ethereum_etl, graphsense, labels, transfer_tables
from ingest.sources.files.format import Dataset, FileFormat, Options
from ingest.sources.files.inputs import NothingToLoad, sniff

#: The first that recognises a file reads it, so plain tables of any spelling come last.
FORMATS: Final[tuple[FileFormat, ...]] = (
    *bitcoin.FORMATS,
    *ethereum_etl.FORMATS,
    *graphsense.FORMATS,
    *labels.FORMATS,
    *transfer_tables.FORMATS,
)
#: Formats whose columns ``--map`` can name.
_MAPPED: Final = ("transfers", "labels")


class UnknownFormat(BadInput):
    """No format recognises the file."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One dataset of a load, and how it is read."""

    format: FileFormat
    dataset: Dataset


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """A load in its order, and a sentence for each file of a folder that is left out."""

    parts: tuple[Part, ...]
    left_out: tuple[str, ...]


def format_named(name: str) -> FileFormat:
    """The format of ``--format``. Raises: BadInput."""
    for known in FORMATS:
        if known.name == name:
            return known
    raise BadInput(f"Unknown format {name!r}; use one of {', '.join(f.name for f in FORMATS)}.")


def recognise(path: Path, options: Options) -> FileFormat:
    """The format of a file, by its columns as ``--map`` renames them.

    Raises: BadInput when the file is damaged; UnknownFormat.
    """
    columns = sniff(path).columns
    formats: Iterable[FileFormat] = FORMATS
    if options.columns:
        named = {column.lower() for column in options.columns.values()}
        columns = columns - named | options.columns.keys()
        formats = (known for known in FORMATS if known.name in _MAPPED)
    for known in formats:
        if known.recognises(columns, path.name):
            return known
    shown = ", ".join(sorted(columns)[:12])
    raise UnknownFormat(
        f"{path} is of no known format (columns: {shown}); name them by --map from=…,to=…, or see "
        "--formats."
    )


def find(paths: Sequence[Path], options: Options, *, format_name: str | None = None) -> Parts:
    """What to load of ``paths``, in which order: what others refer to comes first.

    A folder gives all its files; what no format knows is left out of it, but refused where it was
    named. Raises: BadInput.
    """
    forced = format_named(format_name) if format_name is not None else None
    found: dict[str, list[Path]] = {}
    left_out: list[str] = []
    for path, named in _files(paths):
        try:
            known = forced or recognise(path, options)
        except (UnknownFormat, NothingToLoad) as reason:
            if named:
                raise
            left_out.append(str(reason))
            continue
        if known is graphsense.EXCHANGE_RATES:
            left_out.append(f"{path} holds exchange rates; prices are not read from files.")
            continue
        found.setdefault(known.name, []).append(path)
    parts = [part for name, files in found.items() for part in _parts(format_named(name), files)]
    _name_once(parts, options)
    if not parts:
        raise NothingToLoad(left_out[0] if left_out else "There is no file to load.")
    ordered = sorted(parts, key=lambda part: part.format.order)
    return Parts(parts=tuple(ordered), left_out=tuple(left_out))


def _files(paths: Sequence[Path]) -> Iterator[tuple[Path, bool]]:
    """Each file once, and whether it was named itself."""
    seen: set[Path] = set()
    for path in paths:
        inside = [file for file in sorted(path.rglob("*")) if file.is_file()]
        for file in inside if path.is_dir() else [path]:
            hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
            if file.resolve() not in seen and not hidden:
                seen.add(file.resolve())
                yield file, not path.is_dir()


def _parts(known: FileFormat, paths: list[Path]) -> Iterator[Part]:
    datasets = (
        known.gathers(tuple(paths))
        if known.gathers is not None
        else [Dataset(name=str(path), paths=(path,)) for path in paths]
    )
    for dataset in datasets:
        yield Part(format=known, dataset=dataset)


def _name_once(parts: Sequence[Part], options: Options) -> None:
    tables = [part for part in parts if part.format in transfer_tables.FORMATS]
    if options.dataset is not None and len(tables) > 1:
        raise BadInput(
            f"--dataset names the rows of one file, and these are {len(tables)}; load them one by "
            "one, or leave it out."
        )
