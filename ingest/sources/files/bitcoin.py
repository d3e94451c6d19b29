"""Bitcoin files: blocks and transactions of bitcoin-etl, and the table of this family's formats.

Amounts are satoshi, times seconds or a date. An export that was not enriched names what its inputs
spend and neither owner nor amount: both stay None, for the spent outputs have them. Owners:

- one address: that address, also of a pay-to-public-key output (the form of its key's hash);
- no address: the one that the script pays to, since newer nodes tell none for a bare key;
- several (bare multisig), data and odd scripts, and the ``nonstandard…`` names that the exporter
  makes up for them: none. The script is kept where the owner does not say it all.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Final

import msgspec

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
from graph_api.domain.records import Block, Output, Reject, Spend, UtxoTransaction
from graph_api.domain.scripts import address_of_script, is_key_script
from ingest.sources.cells import moment
from ingest.sources.files.bitcoin_tables import BTC_2009
from ingest.sources.files.format import Dataset, Entry, FileFormat, Options
from ingest.sources.files.inputs import Cell, reject, rows
from ingest.sources.files.utxo import utxo_chain, whole

_BLOCK: Final = frozenset({"hash", "number", "timestamp", "merkle_root"})
_TRANSACTION: Final = frozenset({"hash", "inputs", "outputs"})
_COLUMNS: Final = (
    "hash",
    "number",
    "timestamp",
    "block_number",
    "block_timestamp",
    "index",
    "is_coinbase",
    "inputs",
    "outputs",
)
Natural = Annotated[int, msgspec.Meta(ge=0)]


class _Input(msgspec.Struct, frozen=True):
    spent_transaction_hash: str | None = None
    spent_output_index: Natural | None = None
    addresses: list[str] | None = None
    value: Natural | None = None


class _Output(msgspec.Struct, frozen=True):
    index: Natural
    value: Natural
    addresses: list[str] | None = None
    script_hex: str | None = None


class _Block(msgspec.Struct, frozen=True):
    hash: str
    number: Natural
    timestamp: int | str | None = None


class _Transaction(msgspec.Struct, frozen=True):
    hash: str
    outputs: list[_Output]
    inputs: list[_Input] = []
    block_number: Natural | None = None
    block_timestamp: int | str | None = None
    index: Natural | None = None
    is_coinbase: bool | None = None


def read(dataset: Dataset, options: Options) -> Iterator[Entry]:
    """Blocks and transactions in the order of the file; a stream's file mixes both.

    Raises: BadInput for a chain of another family or a damaged file.
    """
    chain = utxo_chain(options)
    [path] = dataset.paths
    for number, line, cells in rows(path, _COLUMNS):
        if isinstance(cells, Reject):
            yield Entry(number, cells)
            continue
        try:
            record = _record(cells, chain)
        except BadInput as error:
            yield Entry(number, reject(path, line, str(error), cells))
        else:
            yield Entry(number, record)


def _record(cells: Sequence[Cell], chain: Chain) -> Block | UtxoTransaction:
    said = {name: cell for name, cell in zip(_COLUMNS, cells, strict=True) if cell != ""}
    said = msgspec.to_builtins({name: _whole(cell) for name, cell in said.items()})
    try:
        if "outputs" in said:
            return _transaction(msgspec.convert(said, _Transaction, strict=False), chain)
        return _block(msgspec.convert(said, _Block, strict=False), chain)
    except msgspec.ValidationError as error:
        raise BadInput(f"{error}.") from None


def _whole(cell: Any) -> Any:
    """Parquet of a warehouse holds amounts as decimals with digits after the point."""
    match cell:
        case Decimal() if cell == cell.to_integral_value():
            return int(cell)
        case list():
            return [_whole(one) for one in cell]
        case dict():
            return {name: _whole(one) for name, one in cell.items()}
    return cell


def _block(said: _Block, chain: Chain) -> Block:
    return Block(
        chain=ChainId(chain.id),
        number=said.number,
        hash=normal_hash(chain, said.hash),
        time=_moment(said.timestamp),
    )


def _transaction(said: _Transaction, chain: Chain) -> UtxoTransaction:
    coinbase = not said.inputs if said.is_coinbase is None else said.is_coinbase
    identity = utxo_transaction_id(chain, said.hash, said.block_number)
    return whole(
        UtxoTransaction(
            id=identity,
            chain=ChainId(chain.id),
            hash=normal_hash(chain, said.hash),
            block_number=said.block_number,
            block_time=_moment(said.block_timestamp),
            index=said.index,
            coinbase=coinbase,
            # Some chains' exports list what a coinbase "spends": no output at all.
            inputs=() if coinbase else tuple(_spend(spent, chain) for spent in said.inputs),
            outputs=tuple(
                _output(made, output_id(identity, made.index), chain)
                for made in sorted(said.outputs, key=lambda made: made.index)
            ),
        )
    )


def _spend(said: _Input, chain: Chain) -> Spend:
    if said.spent_transaction_hash is None or said.spent_output_index is None:
        raise BadInput("An input does not name the output that it spends.")
    return Spend(
        output=spent_output_id(chain, said.spent_transaction_hash, said.spent_output_index),
        owner=_owner(said.addresses, None, chain),
        amount_raw=said.value,
    )


def _output(said: _Output, identity: str, chain: Chain) -> Output:
    owner = _owner(said.addresses, said.script_hex, chain)
    tells_more = said.script_hex and (owner is None or is_key_script(said.script_hex))
    return Output(
        id=identity,
        owner=owner,
        amount_raw=said.value,
        script=said.script_hex if tells_more else None,
    )


def _owner(addresses: list[str] | None, script: str | None, chain: Chain) -> AccountId | None:
    named = [a for a in addresses or () if not a.startswith("nonstandard")]
    if len(named) == 1:
        return _account(chain, named[0])
    if named or not script:
        return None
    address = address_of_script(script)
    return None if address is None else _account(chain, address)


@lru_cache(maxsize=65_536)
def _account(chain: Chain, address: str) -> AccountId:
    """Checksums cost, and a few addresses make up most of any file."""
    return account_id(chain, address)


def _moment(said: int | str | None) -> int | None:
    return None if said is None else moment(str(said))


FORMATS: Final = (
    FileFormat(
        name="bitcoin-etl-blocks",
        about="Blocks as bitcoin-etl exports them, JSON lines or Parquet",
        columns="hash, number, timestamp, merkle_root, …",
        order=10,
        recognises=lambda columns, _: columns >= _BLOCK,
        read=read,
    ),
    FileFormat(
        name="bitcoin-etl-transactions",
        about="Bitcoin transactions with inputs and outputs, enriched or not, in satoshi",
        columns="hash, inputs, outputs, block_number, block_timestamp, is_coinbase, …",
        order=20,
        recognises=lambda columns, _: columns >= _TRANSACTION,
        read=read,
    ),
    BTC_2009,
)
