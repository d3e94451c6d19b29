"""Plain tables of transfers: one row a transfer, two columns needed, a mapping for any spelling.

A row with a hash and a log index is the same transfer as in any other file; a ``native`` row with a
hash is its transaction's own value. All others are named by a digest of the content, or --dataset,
and their place in it: loading the same again adds nothing, overlap with other files is not seen.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from math import inf
from typing import Final

from graph_api.domain.addresses import ZERO_EVM
from graph_api.domain.chains import Family, chain_of
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import (
    TokenId,
    address_of,
    chain_of_id,
    parse_token,
)
from graph_api.domain.positions import file_transfer_id, transfer_id
from graph_api.domain.records import Record, Reject, Token
from ingest.sources.cells import base_units, count, moment, raw_of_units
from ingest.sources.chain_records import ChainRecords
from ingest.sources.evm.known_tokens import known_decimals
from ingest.sources.files.format import Dataset, Entry, FileFormat, Options
from ingest.sources.files.inputs import content_digest, reject
from ingest.sources.files.tables import require, table_rows

#: Our columns, and the spellings that are understood without ``--map``, the best known first.
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "from": ("from", "from_address", "sender", "source", "src", "fromaddress"),
    "to": ("to", "to_address", "recipient", "receiver", "target", "dst", "toaddress"),
    "value": ("value", "amount_raw", "value_raw"),
    "value_units": ("value_units", "amount"),
    "token": ("token", "token_address", "contract_address", "contract", "mint"),
    "symbol": ("symbol", "token_symbol"),
    "decimals": ("decimals", "token_decimals"),
    "time": ("time", "timestamp", "block_timestamp", "block_time", "time_stamp", "date"),
    "hash": ("hash", "transaction_hash", "tx_hash", "txhash", "txid", "signature"),
    "log_index": ("log_index", "logindex"),
    "block": ("block", "block_number", "blockid", "slot"),
    "chain": ("chain", "chain_id", "network"),
    "kind": ("kind", "token_type"),
}
#: Columns of ``token_transfers`` as some exports have them: whole tokens, no hash, no log index.
_UNITS_COLUMNS: Final = frozenset(
    ("from_address", "to_address", "time_stamp", "contract_address", "value")
)
_NATIVE_KINDS: Final = ("native", "coin", "internal")
_NFT_KINDS: Final = ("erc721", "erc-721", "erc1155", "erc-1155", "nft")
#: How tables write "no token contract".
_NATIVE_TOKENS: Final = ("native", ZERO_EVM, "0x" + "e" * 40)
_KEPT_TOKENS: Final = 100_000


def transfers(dataset: Dataset, options: Options) -> Iterator[Entry]:
    """Transfers of a table, its columns found by ``--map`` or by their usual names."""
    return _entries(dataset, options, _spellings(options.columns))


def unit_transfers(dataset: Dataset, options: Options) -> Iterator[Entry]:
    """Token transfers whose ``value`` is in whole tokens."""
    spellings = {**COLUMNS, "value": (), "value_units": ("value",)}
    return _entries(dataset, options, spellings)


def recognises(columns: frozenset[str], file_name: str) -> bool:
    """Whether sender and recipient can be told by their names."""
    del file_name
    return all(not columns.isdisjoint(COLUMNS[name]) for name in ("from", "to"))


FORMATS: Final[tuple[FileFormat, ...]] = (
    FileFormat(
        name="token-transfers-in-units",
        about="Token transfers in whole tokens, without hash and log index.",
        columns="from_address, to_address, time_stamp, contract_address, value, block_number",
        order=60,
        recognises=lambda columns, _: columns >= _UNITS_COLUMNS and "log_index" not in columns,
        read=unit_transfers,
    ),
    FileFormat(
        name="transfers",
        about="A table of transfers. --map names its columns where they are not found by "
        "themselves: --map from=payer,to=payee,value_units=amount,time=when.",
        columns="from, to; value (base units) or value_units (whole units), token, symbol, "
        "decimals, time, hash, log_index, block, chain, kind (native, internal, erc20)",
        order=61,
        recognises=recognises,
        read=transfers,
    ),
)


def _spellings(mapped: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    unknown = sorted(mapped.keys() - COLUMNS.keys())
    if unknown:
        raise BadInput(f"--map knows no column {unknown[0]!r}; use {', '.join(COLUMNS)}.")
    taken = {column.lower() for column in mapped.values()}
    usual = {name: tuple(n for n in names if n not in taken) for name, names in COLUMNS.items()}
    return usual | {name: (column.lower(),) for name, column in mapped.items()}


def _entries(
    dataset: Dataset, options: Options, spellings: Mapping[str, tuple[str, ...]]
) -> Iterator[Entry]:
    needs = [spellings[name] for name in COLUMNS if name in {"from", "to", *options.columns}]
    for path in dataset.paths:
        if not require(path, needs).intersection(spellings["chain"]):
            options.chain("transfers")
    make = _maker(dataset, options)
    for number, path, line, cells in table_rows(dataset, list(spellings.values())):
        if isinstance(cells, Reject):
            yield Entry(number, cells)
            continue
        try:
            made = make(number, *cells)
        except BadInput as error:
            yield Entry(number, reject(path, line, str(error), cells))
            continue
        for record in made:
            yield Entry(number, record)


def _maker(dataset: Dataset, options: Options) -> Callable[..., Sequence[Record]]:
    """Makes the records of a row out of its number and its cells, in the order of ``COLUMNS``."""
    name = options.dataset or content_digest(dataset.paths[0])
    chain_called = _chains(options)
    token_of = lru_cache(_KEPT_TOKENS)(_token)
    is_new = _first_time()

    def make(
        row: int,
        sender: str,
        recipient: str,
        value: str,
        value_units: str,
        token_text: str,
        symbol: str,
        decimals_text: str,
        time: str,
        hash_: str,
        log_index: str,
        block: str,
        chain_name: str,
        kind: str,
    ) -> Sequence[Record]:
        chain = chain_called(chain_name)
        token = token_of(chain, token_text, kind)
        decimals = count(decimals_text) if decimals_text else chain.decimals.get(token or "")
        raw, amount = None, None
        if value:
            raw = _exact(value)
        elif value_units:
            decimals = options.decimals if decimals is None else decimals
            raw, amount = _scaled(value_units, decimals)
        transaction = chain.transaction(hash_) if hash_ else None
        position = _position(chain, kind, log_index) if hash_ else None
        if position is not None and transaction is not None:
            transfer = transfer_id(transaction, position)
        else:
            transfer, position = file_transfer_id(name, row), f"file:{row}"
        moved = chain.transfer(
            transfer,
            position,
            transaction=transaction,
            sender=chain.account(sender),
            recipient=chain.account(recipient),
            token=token,
            amount_raw=raw,
            amount=amount,
            block_number=count(block) if block else None,
            block_time=moment(time) if time else None,
            derived=chain.chain.family is Family.UTXO,
        )
        if token is None or token == chain.native or not (symbol or value_units or decimals_text):
            return (moved,)
        # Whoever scales an amount by decimals must also say them of the token.
        fact = _fact(chain, token, symbol=symbol, decimals=decimals)
        return (fact, moved) if is_new(fact) else (moved,)

    return make


def _first_time() -> Callable[[Token], bool]:
    """Tells whether a token was not said before, or not for long."""
    said: set[Token] = set()

    def is_new(token: Token) -> bool:
        if token in said:
            return False
        if len(said) >= _KEPT_TOKENS:
            said.clear()
        said.add(token)
        return True

    return is_new


def _chains(options: Options) -> Callable[[str], ChainRecords]:
    """Finds the chain that a row names, or the one of ``--chain`` where it names none."""
    decimals = {**known_decimals(), **options.known_decimals}
    found: dict[str, ChainRecords] = {}

    def called(name: str) -> ChainRecords:
        if name not in found:
            chain = chain_of(name) if name else options.chain("transfers")
            if options.chains and chain not in options.chains:
                asked = ", ".join(chain.slug for chain in options.chains)
                raise BadInput(f"Wrong chain: the row is of {chain.slug}, asked for is {asked}.")
            found[name] = ChainRecords(chain, decimals=decimals)
        return found[name]

    return called


def _token(chain: ChainRecords, text: str, kind: str) -> TokenId | None:
    kind = kind.lower()
    if kind in _NFT_KINDS:
        raise BadInput(f"Kind {kind!r} moves a thing, not an amount.")
    if kind in _NATIVE_KINDS or text.lower() in (*_NATIVE_TOKENS, chain.chain.symbol.lower()):
        return chain.native
    if not text:
        return None
    if "/" not in text:
        return chain.token(text)
    token = parse_token(text)
    if chain_of_id(token) != chain.chain:
        raise BadInput(f"Token {text[:90]!r} is of another chain than {chain.chain.slug}.")
    return token


def _exact(text: str) -> int:
    try:
        return base_units(text)
    except BadInput as error:
        if "." not in text:
            raise
        raise BadInput(f"{error} Whole units are read with --map value_units=<column>.") from None


def _scaled(text: str, decimals: int | None) -> tuple[int | None, float]:
    """Base units, None where they cannot be told exactly, and whole units."""
    raw = raw_of_units(text, decimals) if decimals is not None else None
    try:
        amount = float(text)
    except ValueError:
        raise BadInput(f"{text[:60]!r} is no amount.") from None
    if not 0 <= amount < inf:
        raise BadInput(f"Amount {text[:60]!r} is out of range.")
    return raw, amount


def _position(chain: ChainRecords, kind: str, log_index: str) -> str | None:
    """Where in its transaction the row's transfer is, None where the row does not tell."""
    if chain.chain.family is not Family.EVM:
        return None
    if log_index:
        return f"log:{count(log_index)}"
    return "native" if kind.lower() == "native" else None


def _fact(chain: ChainRecords, token: TokenId, *, symbol: str, decimals: int | None) -> Token:
    return Token(
        id=token,
        chain=chain.id,
        address=address_of(token),
        symbol=symbol or None,
        decimals=decimals,
    )
