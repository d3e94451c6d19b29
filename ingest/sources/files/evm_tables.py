"""The tables of EVM exports: which columns they have, by any of their names, and what a row says.

ethereum-etl (files, streams and BigQuery) and GraphSense keep the same tables and spell their
columns differently; both spellings stand side by side here.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from graph_api.domain.addresses import created_contract
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId, TransactionId, address_of
from graph_api.domain.positions import transfer_id
from graph_api.domain.records import (
    Approval,
    Block,
    Receipt,
    Record,
    Token,
    Transaction,
    WalletFact,
    WalletKind,
)
from ingest.sources.cells import base_units, count, flag, moment
from ingest.sources.chain_records import ChainRecords
from ingest.sources.evm import logs, traces
from ingest.sources.evm.known_tokens import known_decimals
from ingest.sources.evm.words import checked_data, topics_of
from ingest.sources.files.format import Dataset, Entry, Options
from ingest.sources.files.inputs import Cell, Column
from ingest.sources.files.tables import Maker, entries, evm_chain

_HASH: Final = ("transaction_hash", "hash", "tx_hash", "txhash")
_BLOCK: Final = ("block_number", "blockid", "block_id")
_TIME: Final = ("block_timestamp", "blocktimestamp", "timestamp")
_INDEX: Final = ("transaction_index", "transactionindex")
_FROM: Final = ("from_address", "fromaddress")
_TO: Final = ("to_address", "toaddress")
_LOG_INDEX: Final = ("log_index", "logindex")


def blocks(dataset: Dataset, options: Options) -> Iterator[Entry]:
    """Blocks with their hashes and times."""
    chain = _records(options, "blocks")
    columns: tuple[Column, ...] = (
        ("number", *_BLOCK),
        ("hash", "block_hash", "blockhash"),
        ("parent_hash", "parenthash"),
        _TIME,
    )

    def make(number: str, own: str, parent: str, time: str) -> Sequence[Record]:
        return (
            Block(
                chain=chain.id,
                number=_known(count(number), "number"),
                hash=_hash(chain, own),
                parent_hash=_hash(chain, parent),
                time=moment(time),
            ),
        )

    return entries(dataset, columns, make, needs=columns[:1])


def transactions(dataset: Dataset, options: Options) -> Iterator[Entry]:
    """Transactions, with what their receipts say where the export has joined it."""
    chain = _records(options, "transactions")
    columns: tuple[Column, ...] = (
        ("hash", *_HASH),
        "nonce",
        _BLOCK,
        _INDEX,
        _FROM,
        _TO,
        "value",
        ("gas_price", "gasprice"),
        ("receipt_effective_gas_price", "receipteffectivegasprice", "effectivegasprice"),
        "input",
        _TIME,
        ("receipt_status", "receiptstatus"),
        ("receipt_gas_used", "receiptgasused"),
        ("receipt_contract_address", "receiptcontractaddress"),
    )
    return entries(dataset, columns, _transaction(chain), needs=(columns[0], _FROM, _TO, "value"))


def receipts(dataset: Dataset, options: Options) -> Iterator[Entry]:
    """Receipts of transactions that may be loaded before or after."""
    chain = _records(options, "receipts")
    columns: tuple[Column, ...] = (
        _HASH,
        _BLOCK,
        _INDEX,
        "status",
        ("gas_used", "gasused"),
        ("effective_gas_price", "effectivegasprice"),
        ("contract_address", "contractaddress"),
    )

    def make(
        hash_: str, block: str, index: str, status: str, gas: str, price: str, contract: str
    ) -> Sequence[Record]:
        transaction = chain.transaction(hash_)
        return (
            Receipt(
                transaction=transaction,
                chain=chain.id,
                hash=_hash_of(transaction),
                block_number=count(block),
                index=count(index),
                status=_status(status),
                gas_used=count(gas),
                gas_price_raw=base_units(price) if price else None,
                contract=chain.account(contract) if contract else None,
            ),
        )

    return entries(dataset, columns, make, needs=(_HASH,))


def token_transfers(dataset: Dataset, options: Options) -> Iterator[Entry]:
    """Transfer events that the exporter has decoded; values are base units."""
    chain = _records(options, "token transfers")
    columns: tuple[Column, ...] = (
        ("token_address", "contract_address"),
        _FROM,
        _TO,
        "value",
        _HASH,
        _LOG_INDEX,
        _BLOCK,
        _TIME,
    )

    def make(
        token: str,
        sender: str,
        recipient: str,
        value: str,
        hash_: str,
        index: str,
        block: str,
        time: str,
    ) -> Sequence[Record]:
        transaction = chain.transaction(hash_)
        position = f"log:{_known(count(index), 'log_index')}"
        return (
            chain.transfer(
                transfer_id(transaction, position),
                position,
                transaction=transaction,
                sender=chain.account(sender),
                recipient=chain.account(recipient),
                token=chain.token(token),
                amount_raw=base_units(value),
                block_number=count(block),
                block_time=moment(time),
            ),
        )

    return entries(dataset, columns, make, needs=columns[:6])


def token_approvals(dataset: Dataset, options: Options) -> Iterator[Entry]:
    """Approval events that the exporter has decoded; values are base units."""
    chain = _records(options, "token approvals")
    columns: tuple[Column, ...] = (
        "token_address",
        "owner_address",
        "spender_address",
        "value",
        _HASH,
        _LOG_INDEX,
        _BLOCK,
        _TIME,
    )

    def make(
        token: str,
        owner: str,
        spender: str,
        value: str,
        hash_: str,
        index: str,
        block: str,
        time: str,
    ) -> Sequence[Record]:
        transaction = chain.transaction(hash_)
        position = f"log:{_known(count(index), 'log_index')}"
        return (
            Approval(
                id=transfer_id(transaction, position),
                chain=chain.id,
                transaction=transaction,
                token=chain.token(token),
                owner=chain.account(owner),
                spender=chain.account(spender),
                amount_raw=base_units(value),
                block_number=count(block),
                block_time=moment(time),
            ),
        )

    return entries(dataset, columns, make, needs=columns[:6])


def log_events(dataset: Dataset, options: Options) -> Iterator[Entry]:
    """Logs, of which transfers, approvals, wrapped coins and swaps are read."""
    chain = _records(options, "logs")
    columns: tuple[Column, ...] = (
        _HASH,
        _LOG_INDEX,
        "address",
        "topics",
        "data",
        _BLOCK,
        _TIME,
    )

    def make(
        hash_: str, index: str, address: str, topic_cell: Cell, data: str, block: str, time: str
    ) -> Sequence[Record]:
        topics = topics_of(topic_cell)
        if not logs.is_read(topics):
            return ()
        event = logs.decode(
            logs.Log(
                transaction=chain.transaction(hash_),
                index=_known(count(index), "log_index"),
                address=address,
                topics=topics,
                data=checked_data(data),
                block_number=count(block),
                block_time=moment(time),
            ),
            chain,
        )
        return (event,) if event is not None else ()

    return entries(dataset, columns, make, needs=columns[:5])


def trace_moves(dataset: Dataset, options: Options) -> Iterator[Entry]:
    """Traces that succeeded and move the chain's own coin, and contracts that they create."""
    chain = _records(options, "traces")
    columns: tuple[Column, ...] = (
        ("trace_id", "traceid"),
        _HASH,
        ("trace_type", "tracetype"),
        ("call_type", "calltype"),
        ("trace_address", "traceaddress"),
        _FROM,
        _TO,
        "value",
        "status",
        "error",
        _BLOCK,
        _TIME,
    )
    needs = (("trace_type", "trace_id", "traceid"), _FROM, _TO, "value", _BLOCK)
    return entries(dataset, columns, _trace(chain), needs=needs)


def contracts(dataset: Dataset, options: Options) -> Iterator[Entry]:
    """Contracts, and tokens where the export says that one is an ERC-20."""
    chain = _records(options, "contracts")

    def make(address: str, is_erc20: str) -> Sequence[Record]:
        account = chain.account(address)
        fact = WalletFact(id=account, kind=WalletKind.CONTRACT)
        if not flag(is_erc20):
            return (fact,)
        token = chain.token(address)
        return fact, Token(id=token, chain=chain.id, address=address_of(token))

    return entries(dataset, ("address", "is_erc20"), make, needs=("address",))


def tokens(dataset: Dataset, options: Options) -> Iterator[Entry]:
    """Token contracts with symbol, name and decimals."""
    chain = _records(options, "tokens")

    def make(address: str, symbol: str, name: str, decimals: str, supply: str) -> Sequence[Record]:
        token = chain.token(address)
        places = count(decimals)
        if places is not None and places > 255:
            raise BadInput(f"Decimals {decimals!r} are out of range; ERC-20 allows 0 to 255.")
        return (
            Token(
                id=token,
                chain=chain.id,
                address=address_of(token),
                symbol=_words(symbol),
                name=_words(name),
                decimals=places,
                total_supply_raw=base_units(supply) if supply else None,
            ),
        )

    columns = ("address", "symbol", "name", "decimals", "total_supply")
    return entries(dataset, columns, make, needs=("address",))


def _transaction(chain: ChainRecords) -> Maker:
    def make(
        hash_: str,
        nonce: str,
        block: str,
        index: str,
        sender: str,
        recipient: str,
        value: str,
        gas_price: str,
        effective_price: str,
        data: str,
        time: str,
        status: str,
        gas_used: str,
        contract: str,
    ) -> Sequence[Record]:
        transaction = chain.transaction(hash_)
        signer = chain.account(sender)
        price = effective_price or gas_price
        callee: AccountId | None
        if recipient:
            callee = chain.account(recipient)
        elif contract:
            callee = chain.account(contract)
        else:
            callee = _created(chain, signer, nonce)
        return (
            Transaction(
                id=transaction,
                chain=chain.id,
                hash=_hash_of(transaction),
                sender=signer,
                recipient=callee,
                value_raw=base_units(value),
                method_id=_selector(data) if recipient else None,
                block_number=count(block),
                block_time=moment(time),
                index=count(index),
                status=_status(status),
                gas_used=count(gas_used),
                gas_price_raw=base_units(price) if price else None,
                creates=not recipient,
            ),
        )

    return make


def _trace(chain: ChainRecords) -> Maker:
    failed_calls = traces.FailedCalls()

    def make(
        trace_id: str,
        hash_: str,
        kind: str,
        call_type: str,
        address: Cell,
        sender: str,
        recipient: str,
        value: str,
        status: str,
        error: str,
        block: str,
        time: str,
    ) -> Sequence[Record]:
        kind = kind or trace_id.partition("_")[0]
        path = _path(trace_id, address)
        of_block = kind in traces.BLOCK_KINDS
        transaction = None if of_block else chain.transaction(hash_)
        failed = status == "0" if status else bool(error)
        if transaction is not None:
            failed = failed_calls.undone(transaction, path, failed=failed)
        # Geth names neither heir nor value of a contract that ends; nothing can be said of it.
        if failed or not (recipient or value.strip("0")):
            return ()
        return traces.records_of(
            traces.Trace(
                kind=kind,
                call_type=call_type,
                path=path,
                transaction=transaction,
                sender=chain.account(sender) if sender or not of_block else None,
                recipient=chain.account(recipient),
                value_raw=base_units(value) if value else 0,
                block_number=_known(count(block), "block_number"),
                block_time=moment(time),
            ),
            chain,
        )

    return make


def _path(trace_id: str, address: Cell) -> str:
    """The place of a trace, of its address (``0,1`` or a list) or its id (``call_0x…_0_1``).

    The address of a reward is empty; its id has its number.
    """
    if address and isinstance(address, list):
        return ".".join(map(str, address))
    if address:
        return str(address).strip("[]").replace(" ", "").replace(",", ".")
    return ".".join(trace_id.split("_")[2:])


def _created(chain: ChainRecords, sender: AccountId, nonce: str) -> AccountId | None:
    number = count(nonce)
    if number is None:
        return None
    return chain.account(created_contract(address_of(sender), number))


def _selector(data: str) -> str | None:
    """The first four bytes of a call's input; None for a plain payment."""
    if not data or data[:2] != "0x":
        if not data:
            return None
        raise BadInput(f"Input {data[:20]!r} is no hex; it starts with 0x.")
    return data[:10].lower() if len(data) >= 10 else None


def _status(text: str) -> int | None:
    """1 or 0; None before Byzantium, where receipts have no status. Raises: BadInput."""
    status = count(text)
    if status is not None and status > 1:
        raise BadInput(f"Status {text[:20]!r} is neither 0 nor 1.")
    return status


def _hash(chain: ChainRecords, text: str) -> str | None:
    return _hash_of(chain.transaction(text)) if text else None


def _hash_of(transaction: TransactionId) -> str:
    return transaction.rpartition(":")[2]


def _known(number: int | None, name: str) -> int:
    if number is None:
        raise BadInput(f"The row has no {name}.")
    return number


def _words(text: str) -> str | None:
    """Symbols and names of early tokens are 32 bytes, filled up with NULs."""
    return text.replace("\x00", "").strip() or None


def _records(options: Options, table: str) -> ChainRecords:
    decimals = {**known_decimals(), **options.known_decimals}
    return ChainRecords(evm_chain(options, table), decimals=decimals)
