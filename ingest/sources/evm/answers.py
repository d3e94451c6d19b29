"""What an EVM node answers, with the fields that are used here. Numbers are ``0x`` text.

Source: the Ethereum execution API specification, and the traces of Parity and Geth.
"""

import msgspec

from ingest.providers.faults import Garbled


class BlockHead(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """A block without its transactions."""

    number: str
    hash: str
    parent_hash: str
    timestamp: str


class TransactionAnswer(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """A transaction in a block."""

    hash: str
    block_hash: str | None
    sender: str = msgspec.field(name="from")
    value: str
    nonce: str
    transaction_index: str | None
    to: str | None = None
    input: str = "0x"
    gas_price: str | None = None


class BlockAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """A block with its transactions in full."""

    number: str
    hash: str
    parent_hash: str
    timestamp: str
    transactions: list[TransactionAnswer]
    logs_bloom: str | None = None
    miner: str | None = None


class LogAnswer(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """A log, of a receipt or of ``eth_getLogs``."""

    address: str
    topics: list[str]
    data: str
    log_index: str
    transaction_hash: str
    block_hash: str
    block_number: str


class ReceiptAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """A receipt; before Byzantium it has no status."""

    transaction_hash: str
    block_hash: str
    gas_used: str
    logs: list[LogAnswer]
    status: str | None = None
    effective_gas_price: str | None = None
    contract_address: str | None = None
    logs_bloom: str | None = None


class TraceAction(msgspec.Struct, frozen=True, rename="camel"):
    """What a trace of ``trace_block`` does; which fields there are depends on its type."""

    sender: str | None = msgspec.field(name="from", default=None)
    to: str | None = None
    value: str | None = None
    call_type: str | None = None
    address: str | None = None
    refund_address: str | None = None
    balance: str | None = None
    author: str | None = None
    reward_type: str | None = None


class TraceOutcome(msgspec.Struct, frozen=True):
    """What came of a trace; None in its place where it failed."""

    address: str | None = None


class TraceAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """One trace of ``trace_block``."""

    type: str
    action: TraceAction
    trace_address: list[int]
    block_hash: str
    result: TraceOutcome | None = None
    error: str | None = None
    transaction_hash: str | None = None


class CallFrame(msgspec.Struct, frozen=True):
    """One call of Geth's ``callTracer``, with those below it."""

    type: str
    sender: str | None = msgspec.field(name="from", default=None)
    to: str | None = None
    value: str | None = None
    error: str | None = None
    calls: list["CallFrame"] = []


class TracedTransaction(msgspec.Struct, frozen=True, rename="camel"):
    """One transaction of ``debug_traceBlockByNumber``."""

    result: CallFrame | None = None
    tx_hash: str | None = None
    error: str | None = None


def number(text: str) -> int:
    """The number in ``0x`` text. Raises: Garbled."""
    try:
        return int(text, 16)
    except ValueError:
        raise Garbled(f"It writes {text[:40]!r} where a number stands.") from None
