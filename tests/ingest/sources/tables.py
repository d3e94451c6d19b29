"""Small files for readers, and what a reader makes of them."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from graph_api.domain.chains import chain_of
from graph_api.domain.ids import AccountId
from graph_api.domain.records import Record, Reject
from ingest.sources.files.format import Dataset, Entry, Options

ETHEREUM = Options(chains=(chain_of("ethereum"),))

Reader = Callable[[Dataset, Options], Iterator[Entry]]
Table = Sequence[Mapping[str, object]]

ALICE = "0x" + "a1" * 20
BOB = "0x" + "b2" * 20
CAROL = "0x" + "c3" * 20
TOKEN = "0x" + "70" * 20
HASH = "0x" + "ab" * 32
OTHER_HASH = "0x" + "cd" * 32


def account(address: str, chain: str = "eip155:1") -> AccountId:
    return AccountId(f"{chain}:{address}")


def csv_file(path: Path, table: Table) -> Path:
    text = io.StringIO()
    names = list(dict.fromkeys(name for row in table for name in row))
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(dict(row) for row in table)
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def lines_file(path: Path, table: Table) -> Path:
    path.write_bytes(b"".join(msgspec.json.encode(dict(row)) + b"\n" for row in table))
    return path


def parquet_file(path: Path, table: Table) -> Path:
    names = list(dict.fromkeys(name for row in table for name in row))
    columns = {name: [row.get(name) for row in table] for name in names}
    pq.write_table(pa.table(columns), path)
    return path


def entries(read: Reader, path: Path, options: Options = ETHEREUM) -> list[Entry]:
    return list(read(Dataset(name=path.name, paths=(path,)), options))


def records(read: Reader, path: Path, options: Options = ETHEREUM) -> list[Record | Reject]:
    return [entry.record for entry in entries(read, path, options)]


def made(
    read: Reader, folder: Path, *table: Mapping[str, object], options: Options = ETHEREUM
) -> list[Record | Reject]:
    """The records of a CSV file of these rows."""
    return records(read, csv_file(folder / "rows.csv", table), options)


def only_reason(found: Sequence[Record | Reject]) -> str:
    """Why the one row was left out."""
    [rejected] = found
    assert isinstance(rejected, Reject)
    return rejected.reason
