"""Opens files as they come (plain, gzip, zstd; CSV, JSON lines, Parquet) and streams their rows.

What a file is, its bytes decide, not its name. Every cell is text as the file says it and "" where
it says nothing; lists stay lists. A row that cannot be read is a Reject in its place; a file that
cannot be read ends in one BadInput that names it and the line reached.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import StrEnum
from hashlib import blake2b
from itertools import chain, islice, repeat
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO, Final, TextIO, cast

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from graph_api.domain.errors import BadInput
from graph_api.domain.records import Reject

#: One column of ours, or the names that it goes by in files; the first that is there counts.
Column = str | tuple[str, ...]
#: Text nearly always; a list where the file has one (the topics of a log).
Cell = Any
#: Number of the row (from 1), its line in the file (true also after quoted newlines), its cells.
Row = tuple[int, int, Sequence[Cell] | Reject]

#: A longer line or field is no data but a missing newline or quote, and would fill the memory.
MAX_LINE: Final = 16 * 2**20
#: JSON documents and YAML files are read whole.
MAX_DOCUMENT: Final = 512 * 2**20
_SHOWN: Final = 400
_BATCH: Final = 8_192
_YAML_LINES: Final = 10_000
_OBJECT: Final = dict[str, msgspec.Raw]
_COMPRESSED: Final = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_UNSUPPORTED: Final = {
    b"PK\x03\x04": "a zip archive",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"\x04\x22\x4d\x18": "an lz4 file",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}
_YAML_KEY: Final = re.compile(r"([A-Za-z_][\w-]*)\s*:(\s|$)")


class Kind(StrEnum):
    """How a file is written."""

    CSV = "csv"
    LINES = "json lines"
    JSON = "json"
    PARQUET = "parquet"
    YAML = "yaml"


class Sniffed(msgspec.Struct, frozen=True, kw_only=True):
    """What the first bytes tell: the kind, and column names as written (keys for JSON and YAML)."""

    kind: Kind
    names: tuple[str, ...]
    delimiter: str = ","

    @property
    def columns(self) -> frozenset[str]:
        """The names in lower case, by which formats are recognised."""
        return frozenset(name.lower() for name in self.names)


class NothingToLoad(BadInput):
    """The file is sound and has nothing for us; a caller with many files may go on to the next."""


class EmptyFile(NothingToLoad):
    """There is nothing in the file."""


def open_bytes(path: Path) -> BinaryIO:
    """The file's bytes, decompressed. Raises: BadInput when it cannot be opened."""
    with _damage(path, lambda: ""):
        with path.open("rb") as plain:
            magic = plain.read(6)
        for start, what in _UNSUPPORTED.items():
            if magic.startswith(start):
                raise BadInput(f"{path} is {what}; give it as plain UTF-8, gzip or zstd.")
        for start, compression in _COMPRESSED.items():
            if magic.startswith(start):
                # Arrow's stream, unlike others, also tells when a zstd file was cut off.
                stream = pa.CompressedInputStream(pa.OSFile(str(path)), compression)
                return cast(BinaryIO, io.BufferedReader(stream, 1 << 17))
        return path.open("rb", buffering=1 << 17)


def open_text(path: Path, *, errors: str = "strict") -> TextIO:
    """The file's text, decompressed, without a byte order mark, its line ends as they are."""
    return io.TextIOWrapper(open_bytes(path), encoding="utf-8-sig", errors=errors, newline="")


@contextmanager
def reading(path: Path) -> Iterator[TextIO]:
    """The text of a file that is read whole; damage inside the block becomes BadInput.

    Raises: BadInput, also when the text is longer than ``MAX_DOCUMENT``.
    """
    with _damage(path, lambda: ""), open_text(path) as text:
        whole = text.read(MAX_DOCUMENT + 1)
        if len(whole) > MAX_DOCUMENT:
            raise BadInput(
                f"{path} is one document of over {MAX_DOCUMENT >> 20} MB; write one JSON object "
                "a line, or split it."
            )
        yield io.StringIO(whole)


def content_digest(path: Path) -> str:
    """16 hex digits that name the content: alike for plain, gzip and zstd of the same file.

    One pass over the file: it costs the decompression and about 1 s per GB of content.
    """
    digest = blake2b(digest_size=8)
    with _damage(path, lambda: ""), open_bytes(path) as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def sniff(path: Path) -> Sniffed:
    """Kind and columns of a file, from its beginning. Raises: BadInput; EmptyFile."""
    with _damage(path, lambda: " near line 1"):
        with open_bytes(path) as stream:
            if stream.read(4) == b"PAR1":
                with pq.ParquetFile(path) as parquet:
                    return Sniffed(kind=Kind.PARQUET, names=tuple(parquet.schema_arrow.names))
        # Only the beginning counts here: whoever reads on says what is wrong with a line.
        with open_text(path, errors="replace") as text:
            first = _first_line(text, path)
            if first.lstrip().startswith(("{", "[")):
                return _sniffed_json(path, first)
            if first.startswith(("---", "#", "%")) or _YAML_KEY.match(first):
                lines = chain((first,), islice(text, _YAML_LINES))
                keys = dict.fromkeys(key[1] for line in lines if (key := _YAML_KEY.match(line)))
                if keys:
                    return Sniffed(kind=Kind.YAML, names=tuple(keys))
            delimiter = max(",;\t", key=first.count)
            header = next(csv.reader(chain((first,), text), delimiter=delimiter))
            return Sniffed(
                kind=Kind.CSV, names=tuple(name.strip() for name in header), delimiter=delimiter
            )


def rows(path: Path, columns: Sequence[Column]) -> Iterator[Row]:
    """The cells of ``columns``, in that order, of every row; "" for a column that is not there.

    Raises: BadInput when the file is damaged or one JSON or YAML document; EmptyFile.
    """
    sniffed = sniff(path)
    match sniffed.kind:
        case Kind.CSV:
            found = _csv_rows(path, sniffed, _spelled(columns, sniffed.names))
        case Kind.PARQUET:
            found = _parquet_rows(path, _spelled(columns, sniffed.names))
        case Kind.LINES:
            found = _line_rows(path, columns)
        case _:
            raise BadInput(f"{path} is one {sniffed.kind} document; write one JSON object a line.")
    number = 0
    for row in found:
        number = row[0]
        yield row
    if number == 0:
        raise EmptyFile(f"{path} has columns but no rows.")


def json_rows(path: Path) -> Iterator[tuple[int, int, dict[str, Any] | Reject]]:
    """The objects of a JSON lines file. Whole numbers are exact, others stay the text they are."""
    decode = msgspec.json.Decoder(dict[str, Any], float_hook=str).decode
    line = number = 0
    with _damage(path, lambda: f" near line {line + 1}"), open_bytes(path) as stream:
        while text := stream.readline(MAX_LINE + 1):
            line += 1
            if len(text) > MAX_LINE:
                raise BadInput(f"{path}, line {line}, is longer than {MAX_LINE >> 20} MB.")
            if line == 1:
                text = text.removeprefix(b"\xef\xbb\xbf")
            if not text.strip():
                continue
            number += 1
            try:
                yield number, line, decode(text)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                reason = f"The line is no JSON object: {error}."
                yield (
                    number,
                    line,
                    reject(path, line, reason, text[:_SHOWN].decode(errors="replace")),
                )


def reject(path: Path, line: int, reason: str, row: object) -> Reject:
    """A row that is left out; ``row`` is shown shortened."""
    shown = row if isinstance(row, str) else ",".join(map(str, cast(Sequence[object], row)))
    return Reject(file=str(path), line=line, reason=reason, row=shown[:_SHOWN])


def text_of(value: object) -> Cell:
    """A JSON value as a cell."""
    if value is None:
        return ""
    if value.__class__ is int:
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def _csv_rows(path: Path, sniffed: Sniffed, names: list[str | None]) -> Iterator[Row]:
    # Process-wide, and only ever raised: the input of a transaction passes the default of 128 KB.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_LINE))
    width = len(sniffed.names)
    for name in names:
        if name is not None and sniffed.names.count(name) > 1:
            raise BadInput(f"{path} has two columns called {name!r}; rename one.")
    # A missing column reads the "" that is appended to each row.
    pick = _picker([width if name is None else sniffed.names.index(name) for name in names])
    line, number = 1, 0
    with _damage(path, lambda: f" near line {line}"), open_text(path) as text:
        reader = csv.reader(text, delimiter=sniffed.delimiter)
        while not next(reader):
            pass
        line = reader.line_num + 1
        for cells in reader:
            if len(cells) == width:
                number += 1
                cells.append("")
                yield number, line, pick(cells)
            elif cells:
                number += 1
                reason = f"The row has {len(cells)} cells where the header has {width}."
                yield number, line, reject(path, line, reason, cells)
            line = reader.line_num + 1


def _parquet_rows(path: Path, names: list[str | None]) -> Iterator[Row]:
    wanted = [name for name in names if name is not None]
    number = 0
    # Without pre_buffer a row group is read page by page, however large it is.
    with (
        _damage(path, lambda: f" near row {number + 1}"),
        pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20) as parquet,
    ):
        for batch in parquet.iter_batches(_BATCH, columns=wanted):
            known = {name: _cells(batch.column(name)) for name in wanted}
            columns = [repeat("") if name is None else known[name] for name in names]
            for cells in islice(zip(*columns, strict=False), batch.num_rows):
                number += 1
                yield number, number, cells


def _line_rows(path: Path, columns: Sequence[Column]) -> Iterator[Row]:
    # Writers leave out what is null, so keys differ from row to row; few sets of them occur.
    spellings: dict[tuple[str, ...], list[str | None]] = {}
    for number, line, row in json_rows(path):
        if isinstance(row, Reject):
            yield number, line, row
            continue
        keys = tuple(row)
        names = spellings.get(keys)
        if names is None:
            if len(spellings) > 1000:
                spellings.clear()
            names = spellings[keys] = _spelled(columns, keys)
        values = [None if name is None else row[name] for name in names]
        yield number, line, [v if v.__class__ is str else text_of(v) for v in values]


def _cells(column: pa.Array) -> list[Cell]:
    """A Parquet column as cells: converted as a whole, not cell by cell, wherever Arrow can."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _cells(column.dictionary_decode())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_struct(kind):
        return [_flat(value) for value in column.to_pylist()]
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return ["" if value is None else "0x" + value.hex() for value in column.to_pylist()]
    if pa.types.is_fixed_size_binary(kind):
        return _cells(column.cast(pa.binary()))
    if pa.types.is_timestamp(kind):
        # Finer units would only lengthen the text: blocks have seconds.
        column = pc.cast(column, pa.timestamp("ms", kind.tz), safe=False).cast(pa.int64())
    elif pa.types.is_decimal(kind) and kind.scale:
        with suppress(pa.ArrowInvalid):
            column = column.cast(pa.decimal256(76, 0))
    if not pa.types.is_string(column.type):
        column = column.cast(pa.string())
    return cast(list[Cell], column.fill_null("").to_pylist())


def _flat(value: object) -> Cell:
    """Lists as lists, also in the form ``{list: [{element: …}]}`` that BigQuery exports."""
    if isinstance(value, dict) and isinstance(value.get("list"), list):
        value = value["list"]
    if isinstance(value, list):
        return [item.get("element", item) if isinstance(item, dict) else item for item in value]
    return "" if value is None else value


def _spelled(columns: Sequence[Column], names: Sequence[str]) -> list[str | None]:
    """The file's spelling of each column, None where it has none."""
    lower = {name.lower(): name for name in reversed(names)}
    choices = ((column,) if isinstance(column, str) else column for column in columns)
    return [
        next((lower[name.lower()] for name in choice if name.lower() in lower), None)
        for choice in choices
    ]


def _picker(indexes: list[int]) -> Callable[[list[str]], Sequence[str]]:
    if len(indexes) > 1:
        return itemgetter(*indexes)
    return lambda cells: tuple(cells[index] for index in indexes)


def _first_line(text: TextIO, path: Path) -> str:
    while line := text.readline(MAX_LINE + 1):
        if line.strip():
            return line
    raise EmptyFile(f"{path} is empty.")


def _sniffed_json(path: Path, first: str) -> Sniffed:
    with suppress(msgspec.DecodeError):
        return Sniffed(kind=Kind.LINES, names=tuple(msgspec.json.decode(first, type=_OBJECT)))
    with reading(path) as text:
        whole = text.read()
        names: tuple[str, ...] = ()
        try:
            if first.lstrip().startswith("{"):
                names = tuple(msgspec.json.decode(whole, type=_OBJECT))
            elif items := msgspec.json.decode(whole, type=list[msgspec.Raw]):
                with suppress(msgspec.ValidationError):
                    names = tuple(msgspec.json.decode(items[0], type=_OBJECT))
        except msgspec.DecodeError as error:
            raise BadInput(f"{path} starts like JSON and is none: {error}.") from None
    return Sniffed(kind=Kind.JSON, names=names)


@contextmanager
def _damage(path: Path, where: Callable[[], str]) -> Iterator[None]:
    """Says in one sentence what is wrong with a file, and how far it was read."""
    try:
        yield
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path}, line {_undecodable(path)}, is not UTF-8; convert it.") from None
    except csv.Error as error:
        raise BadInput(f"{path} is damaged{where()}: {error} (an unclosed quote?).") from None
    except (OSError, EOFError, pa.ArrowException) as error:
        reason = str(error).strip().rstrip(".").splitlines() or ["the file ends too early"]
        raise BadInput(f"{path} is damaged{where()}: {reason[0]}.") from None


def _undecodable(path: Path) -> int:
    """The line that is not UTF-8. The decoder works on blocks and cannot tell it."""
    with open_bytes(path) as stream:
        for line, text in enumerate(stream, 1):
            try:
                text.decode()
            except UnicodeDecodeError:
                return line
    return 1
