"""Recorded answers of EVM nodes: ethereum-etl's, Subsquid's, and Rosetta's traces of a testnet."""

import gzip
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from bench.decode import Decoded
from graph_api.domain.chains import Chain, chain_of
from graph_api.domain.errors import GraphApiError
from graph_api.domain.records import Record, Reject
from ingest.sources.chain_records import ChainRecords
from ingest.sources.evm import checks
from ingest.sources.evm.answers import (
    BlockAnswer,
    BlockHead,
    CallFrame,
    LogAnswer,
    ReceiptAnswer,
    TraceAnswer,
    TracedTransaction,
    number,
)
from ingest.sources.evm.blocks import events, facts_of
from ingest.sources.evm.internal import internal_transfers, steps_of_frames, steps_of_traces
from ingest.sources.evm.known_tokens import known_decimals
from ingest.sources.evm.node import BlockAnswers, ref_of
from ingest.sources.evm.transactions import block_of, transactions
from ingest.sources.evm.words import text_of, word

Found = Iterator[Record | Reject]

ETHEREUM: Final = chain_of("ethereum")


def decode(data: Path) -> list[Decoded]:
    """Every folder of recorded answers, in the order of their names."""
    folders = sorted({file.parent for file in data.rglob("*.json*") if _is_answer(file)})
    return [_of_folder(folder, folder.relative_to(data).as_posix()) for folder in folders]


def records_of(file: Path) -> list[Record | Reject]:
    """What one recorded answer says. Raises: GraphApiError, msgspec.DecodeError."""
    return list(_reader(file)(file))


def raw(file: Path) -> bytes:
    """The content of a file that may be compressed."""
    return gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()


def chain_records(chain: Chain = ETHEREUM) -> ChainRecords:
    """Makes the records of ``chain``."""
    return ChainRecords(chain, decimals=known_decimals())


def _of_folder(folder: Path, name: str) -> Decoded:
    found = Decoded(folder=name)
    for file in sorted(folder.iterdir()):
        if not _is_answer(file):
            continue
        found.answers += 2 if _reader(file) is _block_with_receipts else 1
        try:
            records = records_of(file)
        except (GraphApiError, msgspec.DecodeError) as error:
            found.left.append(f"{file.name}: {error}")
            continue
        for record in records:
            if isinstance(record, Reject):
                found.rejects[record.reason] += 1
            else:
                found.records[type(record).__name__] += 1
    return found


def _is_answer(file: Path) -> bool:
    # A block of Subsquid is read together with its receipts.
    return file.name.startswith(("web3_response.", "block_response_", "block.json"))


def _reader(file: Path) -> Callable[[Path], Found]:
    if file.name.startswith("block.json"):
        return _block_with_receipts
    if file.name.startswith("block_response_"):
        return _rosetta
    method = file.name.removeprefix("web3_response.").removesuffix(".json")
    return next(read for start, read in _READERS.items() if method.startswith(start))


def _result(file: Path, of: Any) -> Any:
    return msgspec.json.decode(
        msgspec.json.decode(raw(file), type=dict[str, msgspec.Raw])["result"], type=of
    )


def _block(file: Path) -> Found:
    """A block: with its transactions, or with their hashes only."""
    chain = chain_records()
    if file.stem.endswith("_false"):
        ref_of(_result(file, BlockHead))
        return
    block = _result(file, BlockAnswer)
    checks.block_is(block, number(block.number))
    yield block_of(block, chain)
    yield from transactions(block, [], chain)


def _receipt(file: Path) -> Found:
    receipt = _result(file, ReceiptAnswer)
    assert receipt.logs_bloom is None or checks.bloom_of(receipt.logs) == number(receipt.logs_bloom)
    yield from events(iter(receipt.logs), chain_records(), block_time=None)


def _logs(file: Path) -> Found:
    yield from events(iter(_result(file, list[LogAnswer])), chain_records(), block_time=None)


def _traces(file: Path) -> Found:
    at = number(file.stem.rpartition("_")[2])
    steps = steps_of_traces(_result(file, list[TraceAnswer]))
    yield from internal_transfers(steps, chain_records(), block_number=at, block_time=0)


def _words(file: Path) -> Found:
    """What a contract says of itself: text or a number."""
    told = _result(file, str)
    assert text_of(told) is not None or word(told, 0) >= 0
    yield from ()


def _value(file: Path) -> Found:
    """The id of a chain or of a filter, or that one is gone."""
    assert isinstance(_result(file, str | bool), str | bool)
    yield from ()


def _block_with_receipts(file: Path) -> Found:
    chain = chain_records(chain_of(file.parts[-3]))
    block = msgspec.json.decode(raw(file), type=BlockAnswer)
    beside = file.with_name(file.name.replace("block", "receipts"))
    receipts = msgspec.json.decode(raw(beside), type=list[ReceiptAnswer])
    checks.block_is(block, number(block.number))
    checks.receipts_are_of(block, receipts)
    facts = facts_of(BlockAnswers(block=block, receipts=receipts), chain)
    yield from facts.records
    yield from facts.rejects


class _RosettaFacts(msgspec.Struct):
    receipt: ReceiptAnswer | None = None
    trace: CallFrame | None = None


class _RosettaTransaction(msgspec.Struct):
    metadata: _RosettaFacts | None = None


class _RosettaBlock(msgspec.Struct):
    transactions: Sequence[_RosettaTransaction]


def _rosetta(file: Path) -> Found:
    """Receipts and traces of a block; the block itself is in Rosetta's words, not a node's."""
    chain = chain_records()
    block = msgspec.json.decode(raw(file), type=dict[str, _RosettaBlock])["block"]
    at = int(file.name.removeprefix("block_response_").partition(".")[0])
    for transaction in block.transactions:
        own = transaction.metadata
        if own is None or own.receipt is None:
            continue
        yield from events(iter(own.receipt.logs), chain, block_time=None)
        traced = [TracedTransaction(result=own.trace)]
        steps = steps_of_frames(traced, [own.receipt.transaction_hash])
        yield from internal_transfers(steps, chain, block_number=at, block_time=0)


_READERS: Final[dict[str, Callable[[Path], Found]]] = {
    "eth_getBlockByNumber": _block,
    "eth_getTransactionReceipt": _receipt,
    "eth_getFilterLogs": _logs,
    "trace_block": _traces,
    "eth_call": _words,
    "eth_": _value,
}
