"""Bitcoin in five numbered tables: tx_hash, tx_height, adr_hash, tx_output and tx_input.

The layout of the taintedtx project: transactions and addresses are numbers, each table says one
thing of them, and an amount is in satoshi. Nothing says a time. What is known of such files:

- A row that stands in its table twice counts once; the second is a reject.
- An address number without an address leaves the owner unknown.
- Their writer dropped a final ``b`` of every hash: none of its full hashes ends in ``b``, one in
  sixteen is a digit short, and with ``b`` the genesis transaction has its true hash. Such a hash
  is restored, so that it is the same transaction in every source, and flagged ``short_hash``. The
  form of the file is the true hash without its last digit, so a search by prefix finds it.
- Outputs and inputs have numbers of their own: an output's place in its transaction is its rank,
  a transaction's place in its block likewise. A coinbase is the first of its block and has no
  inputs; any other transaction without inputs has lost them and is a reject.

The tables refer to each other in no order, so they are joined in a temporary SQLite file: memory
stays bounded however many years they hold.
"""

import re
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import count
from os.path import commonpath
from pathlib import Path
from typing import Final, NamedTuple

from graph_api.domain.chains import Chain
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import (
    AccountId,
    ChainId,
    account_id,
    normal_hash,
    output_id,
    spent_output_id,
    utxo_transaction_id,
)
from graph_api.domain.records import Output, Reject, Spend, UtxoTransaction
from ingest.sources.files.format import Dataset, Entry, FileFormat, Options
from ingest.sources.files.inputs import Cell, reject, rows, sniff
from ingest.sources.files.utxo import utxo_chain, whole

_SHORT_HASH: Final = re.compile(r"[0-9a-f]{63}")
_LOST_DIGIT: Final = "b"
_WHOLE: Final = re.compile(r"(\d{1,18})(\.0+)?")
_CACHE_KIB: Final = 65_536

_SCHEMA: Final = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE hash (tx INTEGER PRIMARY KEY, txid TEXT NOT NULL, short INTEGER NOT NULL,
                   file INTEGER NOT NULL, line INTEGER NOT NULL);
CREATE TABLE height (tx INTEGER PRIMARY KEY, block INTEGER NOT NULL,
                     file INTEGER NOT NULL, line INTEGER NOT NULL);
CREATE TABLE address (adr INTEGER PRIMARY KEY, account TEXT NOT NULL,
                      file INTEGER NOT NULL, line INTEGER NOT NULL);
CREATE TABLE made (coin INTEGER PRIMARY KEY, tx INTEGER NOT NULL, adr INTEGER NOT NULL,
                   value INTEGER NOT NULL, file INTEGER NOT NULL, line INTEGER NOT NULL);
CREATE TABLE spent (coin INTEGER UNIQUE NOT NULL, tx INTEGER NOT NULL, adr INTEGER NOT NULL,
                    value INTEGER NOT NULL, file INTEGER NOT NULL, line INTEGER NOT NULL);
"""
# Ranks once for all: what is counted per row would cost the square of a block.
_JOIN: Final = """
CREATE TABLE ranked AS
  SELECT coin, tx, adr, value, row_number() OVER (PARTITION BY tx ORDER BY coin) - 1 AS place
  FROM made;
CREATE UNIQUE INDEX ranked_coin ON ranked (coin);
CREATE INDEX ranked_tx ON ranked (tx, place);
CREATE INDEX spent_tx ON spent (tx);
CREATE TABLE placed AS
  SELECT tx, block, row_number() OVER (PARTITION BY block ORDER BY tx) - 1 AS place FROM height;
CREATE UNIQUE INDEX placed_tx ON placed (tx);
"""
_TRANSACTIONS: Final = """
SELECT hash.tx, txid, short, block, place, file, line FROM hash LEFT JOIN placed USING (tx)
ORDER BY hash.tx
"""
_OUTPUTS: Final = """
SELECT value, account FROM ranked LEFT JOIN address USING (adr) WHERE tx = ? ORDER BY place
"""
_INPUTS: Final = """
SELECT spent.coin, spent.value, account, ranked.value, place, txid
FROM spent LEFT JOIN ranked USING (coin) LEFT JOIN hash ON hash.tx = ranked.tx
     LEFT JOIN address ON address.adr = spent.adr
WHERE spent.tx = ? ORDER BY spent.rowid
"""
_STRAYS: Final = """
SELECT file, line, tx FROM made WHERE tx NOT IN (SELECT tx FROM hash)
UNION ALL SELECT file, line, tx FROM spent WHERE tx NOT IN (SELECT tx FROM hash)
UNION ALL SELECT file, line, tx FROM height WHERE tx NOT IN (SELECT tx FROM hash)
ORDER BY file, line
"""


class _Table(NamedTuple):
    """One of the five: its columns, where its rows are kept, and what they become there."""

    columns: tuple[str, ...]
    insert: str
    values: Callable[[Sequence[Cell], Chain], tuple[int | str, ...]]


class _Named(NamedTuple):
    """A row of ``_TRANSACTIONS``."""

    number: int
    txid: str
    short: int
    block: int | None
    place: int | None
    file: int
    line: int


def read(dataset: Dataset, options: Options) -> Iterator[Entry]:
    """First what is left out, then each transaction, in the order of their numbers.

    Raises: BadInput when a table is missing or damaged.
    """
    chain = utxo_chain(options)
    numbers = count(1)
    with (
        tempfile.TemporaryDirectory(prefix="deskgraph-") as folder,
        closing(_opened(Path(folder) / "tables.db")) as tables,
    ):
        tables.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        tables.executescript(_SCHEMA)
        for left_out in _loaded(tables, dataset, chain):
            yield Entry(next(numbers), left_out)
        tables.executescript(_JOIN)
        for record in _joined(tables, dataset, chain):
            yield Entry(next(numbers), record)


def recognises(columns: frozenset[str], _: str) -> bool:
    """Whether the columns are those of one of the five tables."""
    return _table_of(columns) is not None


def gathers(paths: tuple[Path, ...]) -> list[Dataset]:
    """All tables as one dataset: a coin may be spent years, and files, after it was made."""
    return [Dataset(name=commonpath([path.parent for path in paths]), paths=tuple(sorted(paths)))]


def _opened(path: Path) -> sqlite3.Connection:
    # Each batch may be read by another thread, one at a time.
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False)


def _loaded(tables: sqlite3.Connection, dataset: Dataset, chain: Chain) -> Iterator[Reject]:
    """Keeps every row, and tells those that it could not keep."""
    found = {path: _table_of(sniff(path).columns) for path in dataset.paths}
    missing = [table.columns for table in _TABLES if table not in found.values()]
    if missing:
        raise BadInput(
            f"{dataset.name} has no table with {','.join(missing[0])}; give all five together."
        )
    for file, (path, table) in enumerate(found.items()):
        if table is None:
            raise BadInput(f"{path} is none of the five tables.")
        tables.execute("BEGIN")
        for _, line, cells in rows(path, table.columns):
            if isinstance(cells, Reject):
                yield cells
                continue
            try:
                values = table.values(cells, chain)
            except BadInput as error:
                yield reject(path, line, str(error), cells)
                continue
            if not tables.execute(table.insert, (*values, file, line)).rowcount:
                yield reject(path, line, "The row is listed twice.", cells)
        tables.execute("COMMIT")


def _joined(
    tables: sqlite3.Connection, dataset: Dataset, chain: Chain
) -> Iterator[UtxoTransaction | Reject]:
    for file, line, number in tables.execute(_STRAYS):
        reason = "No table lists the hash of its transaction."
        yield reject(dataset.paths[file], line, reason, f"tx_index {number}")
    for row in tables.execute(_TRANSACTIONS):
        named = _Named._make(row)
        try:
            yield _transaction(tables, named, chain)
        except BadInput as error:
            yield reject(
                dataset.paths[named.file], named.line, str(error), f"{named.number},{named.txid}"
            )


def _transaction(tables: sqlite3.Connection, named: _Named, chain: Chain) -> UtxoTransaction:
    identity = utxo_transaction_id(chain, named.txid, named.block)
    inputs = tuple(_spend(row, chain) for row in tables.execute(_INPUTS, (named.number,)))
    outputs = tuple(
        Output(id=output_id(identity, rank), owner=_owner(account), amount_raw=value)
        for rank, (value, account) in enumerate(tables.execute(_OUTPUTS, (named.number,)))
    )
    return whole(
        UtxoTransaction(
            id=identity,
            chain=ChainId(chain.id),
            hash=named.txid,
            block_number=named.block,
            block_time=None,
            index=named.place,
            coinbase=not inputs and not named.place,
            inputs=inputs,
            outputs=outputs,
            flags=("short_hash",) if named.short else (),
        )
    )


def _spend(row: tuple[int, int, str | None, int | None, int, str | None], chain: Chain) -> Spend:
    coin, value, account, made, place, txid = row
    if made is None or txid is None:
        raise BadInput(f"It spends output_index {coin}, which no table lists.")
    if made != value:
        raise BadInput(f"It spends {value} satoshi of output_index {coin}, which holds {made}.")
    return Spend(
        output=spent_output_id(chain, txid, place), owner=_owner(account), amount_raw=value
    )


def _owner(account: str | None) -> AccountId | None:
    return None if account is None else AccountId(account)


def _hash(cells: Sequence[Cell], chain: Chain) -> tuple[int | str, ...]:
    number, text = cells
    short = _SHORT_HASH.fullmatch(text.lower()) is not None
    return _number(number), normal_hash(chain, text + _LOST_DIGIT if short else text), int(short)


def _address(cells: Sequence[Cell], chain: Chain) -> tuple[int | str, ...]:
    number, text = cells
    return _number(number), account_id(chain, text)


def _numbers(cells: Sequence[Cell], _: Chain) -> tuple[int | str, ...]:
    return tuple(_number(cell) for cell in cells)


def _number(cell: Cell) -> int:
    # Columns with gaps were written as floats: 171.0.
    found = _WHOLE.fullmatch(cell)
    if found is None:
        raise BadInput(f"{cell[:40]!r} is no whole number.")
    return int(found[1])


def _table_of(columns: frozenset[str]) -> _Table | None:
    return next((table for table in _TABLES if columns.issuperset(table.columns)), None)


_TABLES: Final = (
    _Table(("tx_index", "tx_hash"), "INSERT OR IGNORE INTO hash VALUES (?, ?, ?, ?, ?)", _hash),
    _Table(
        ("tx_index", "block_index"), "INSERT OR IGNORE INTO height VALUES (?, ?, ?, ?)", _numbers
    ),
    _Table(
        ("adr_index", "adr_hash"), "INSERT OR IGNORE INTO address VALUES (?, ?, ?, ?)", _address
    ),
    _Table(
        ("output_index", "tx_index", "adr_index", "output_value"),
        "INSERT OR IGNORE INTO made VALUES (?, ?, ?, ?, ?, ?)",
        _numbers,
    ),
    _Table(
        ("output_index", "tx_index", "adr_index", "input_value"),
        "INSERT OR IGNORE INTO spent VALUES (?, ?, ?, ?, ?, ?)",
        _numbers,
    ),
)

BTC_2009: Final = FileFormat(
    name="btc_2009",
    about="Bitcoin in five numbered tables of the taintedtx project, loaded together, in satoshi",
    columns="tx_index,tx_hash + tx_index,block_index + adr_index,adr_hash + "
    "output_index,tx_index,adr_index,output_value + output_index,tx_index,adr_index,input_value",
    order=20,
    recognises=recognises,
    read=read,
    gathers=gathers,
)
