"""Rows of explorers as records: transactions, internal transfers, tokens and their logs."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from graph_api.domain.addresses import created_contract
from graph_api.domain.errors import BadInput
from graph_api.domain.records import Record, Reject, Token, Transaction
from ingest.sources.chain_records import ChainRecords
from ingest.sources.evm.answers import LogAnswer
from ingest.sources.evm.blocks import events
from ingest.sources.evm.traces import Trace, records_of

_SELECTOR: Final = 10
_CREATES: Final = ("create", "create2")
_ENDS: Final = ("suicide", "selfdestruct")


#: Our names for what explorers call otherwise.
_NAMES: Final = {
    "sender": "from",
    "recipient": "to",
    "created": "contractAddress",
    "contract": "contractAddress",
    "block_number": "blockNumber",
    "block_hash": "blockHash",
    "time": "timeStamp",
    "index": "transactionIndex",
    "log_index": "logIndex",
    "transaction": "transactionHash",
    "gas_used": "gasUsed",
    "gas_price": "gasPrice",
    "is_error": "isError",
    "receipt_status": "txreceipt_status",
    "method_id": "methodId",
    "place": "traceId",
    "name": "tokenName",
    "symbol": "tokenSymbol",
    "decimals": "tokenDecimal",
}


class Row(msgspec.Struct, rename=_NAMES):
    """What every row has; numbers are decimal text."""

    block_number: int
    time: int
    hash: str


class TransactionRow(Row, kw_only=True, rename=_NAMES):
    """A row of ``txlist``; ``receipt_status`` is empty before receipts had one."""

    sender: str
    recipient: str = ""
    created: str = ""
    value: int
    nonce: int = 0
    index: int | None = None
    gas_used: int | None = None
    gas_price: int | None = None
    is_error: str = "0"
    receipt_status: str = ""
    input: str = ""
    method_id: str = ""
    block_hash: str = ""


class InternalRow(Row, kw_only=True, rename=_NAMES):
    """A row of ``txlistinternal``; ``place`` is where the call stands below its transaction."""

    sender: str
    recipient: str = ""
    created: str = ""
    value: int
    type: str = "call"
    place: str = ""
    is_error: str = "0"


class TokenRow(Row, kw_only=True, rename=_NAMES):
    """A row of ``tokentx``, which tells of the token, but not always which log it was."""

    contract: str
    name: str = ""
    symbol: str = ""
    decimals: str = ""


class LogRow(msgspec.Struct, rename=_NAMES):
    """A row of ``getLogs``; numbers are hexadecimal, and an empty text stands for 0."""

    address: str
    topics: list[str | None]
    data: str
    block_number: str
    time: str
    log_index: str
    transaction: str
    block_hash: str = ""


def transaction(row: TransactionRow, chain: ChainRecords) -> Transaction:
    """The transaction of a row. Raises: BadInput."""
    recipient = row.recipient or row.created or created_contract(row.sender.lower(), row.nonce)
    status = int(row.receipt_status) if row.receipt_status in ("0", "1") else None
    if row.is_error == "1":
        status = 0
    method = row.method_id if len(row.method_id) == _SELECTOR else row.input[:_SELECTOR]
    return Transaction(
        id=chain.transaction(row.hash),
        chain=chain.id,
        hash=row.hash.lower(),
        sender=chain.account(row.sender),
        recipient=chain.account(recipient),
        value_raw=row.value,
        method_id=method.lower() if row.recipient and len(method) == _SELECTOR else None,
        block_number=row.block_number,
        block_time=row.time * 1000,
        index=row.index,
        status=status,
        gas_used=row.gas_used,
        gas_price_raw=row.gas_price,
        creates=not row.recipient,
    )


def internal(row: InternalRow, chain: ChainRecords) -> Sequence[Record]:
    """What a call moved and created. Raises: BadInput where its place is not told."""
    if row.is_error == "1" or not (row.recipient or row.created):
        return ()
    places = row.place.split("_") if row.place else []
    if not places or not all(place.isdecimal() for place in places):
        raise BadInput("The internal transfer comes without its place in the transaction.")
    kind = "create" if row.type in _CREATES else "suicide" if row.type in _ENDS else "call"
    return records_of(
        Trace(
            kind=kind,
            call_type="call" if kind == "call" else "",
            path=".".join(places),
            transaction=chain.transaction(row.hash),
            sender=chain.account(row.sender),
            recipient=chain.account(row.recipient or row.created),
            value_raw=row.value,
            block_number=row.block_number,
            block_time=row.time * 1000,
        ),
        chain,
    )


def token(row: TokenRow, chain: ChainRecords) -> Token:
    """What a row tells of its token. Raises: BadInput."""
    decimals = int(row.decimals) if row.decimals.isdecimal() and len(row.decimals) < 4 else None
    identity = chain.token(row.contract)
    if decimals is not None:
        chain.decimals[identity] = decimals
    return Token(
        id=identity,
        chain=chain.id,
        address=row.contract.lower(),
        symbol=row.symbol or None,
        name=row.name or None,
        decimals=decimals,
    )


def told_by(row: LogRow, chain: ChainRecords) -> Iterator[Record | Reject]:
    """What a log tells, as a node's log does."""
    answer = LogAnswer(
        address=row.address,
        topics=[topic for topic in row.topics if topic],
        data=row.data,
        block_number=_hex(row.block_number),
        block_hash=row.block_hash,
        transaction_hash=row.transaction,
        log_index=_hex(row.log_index),
    )
    return events(iter([answer]), chain, block_time=int(_hex(row.time), 16) * 1000)


def block_of(row: LogRow) -> int:
    """The number of its block."""
    return int(_hex(row.block_number), 16)


def _hex(text: str) -> str:
    """Etherscan writes 0 as ``0x``."""
    return "0x0" if text in ("", "0x") else text
