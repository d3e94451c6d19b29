"""Whether what a node sent is what was asked for, and all of it.

Source: the Ethereum yellow paper, §4.3.1 (the bloom filter of a block's logs).
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from struct import Struct
from typing import Final

from graph_api.domain.addresses import ZERO_EVM
from ingest.providers.faults import Garbled, MissingLogs, WrongBlock
from ingest.sources.evm.answers import (
    BlockAnswer,
    BlockHead,
    LogAnswer,
    ReceiptAnswer,
    TraceAnswer,
    TracedTransaction,
    number,
)
from ingest.sources.evm.hashing import keccak_256

_BITS: Final = 2048
_LAST_BIT: Final = _BITS - 1
_THREE: Final = Struct(">3H")
#: The bloom as text of binary digits, which int() reads in one go.
_NO_BITS: Final = b"0" * _BITS
_ONE: Final = ord("1")


def number_is(block: BlockHead | BlockAnswer, wanted: int) -> None:
    """The block has the number that was asked for. Raises: WrongBlock."""
    if number(block.number) != wanted:
        raise WrongBlock(f"Asked for block {wanted} it sent block {number(block.number)}.")


def block_is(block: BlockAnswer, wanted: int) -> None:
    """The block is the one that was asked for, and so are its transactions. Raises: WrongBlock."""
    number_is(block, wanted)
    for place, transaction in enumerate(block.transactions):
        if transaction.block_hash != block.hash or transaction.transaction_index != hex(place):
            raise WrongBlock(f"A transaction of its block {wanted} is of another block.")


def receipts_are_of(block: BlockAnswer, receipts: Sequence[ReceiptAnswer]) -> None:
    """One receipt for each transaction, in order, with logs of this block and without a gap.

    Raises: WrongBlock, MissingLogs.
    """
    at = number(block.number)
    if len(receipts) != len(block.transactions):
        raise WrongBlock(
            f"To the {len(block.transactions)} transactions of block {at} "
            f"it sent {len(receipts)} receipts."
        )
    for transaction, receipt in zip(block.transactions, receipts, strict=True):
        if receipt.transaction_hash != transaction.hash or receipt.block_hash != block.hash:
            raise WrongBlock(f"A receipt of its block {at} is of another block or transaction.")
        for log in receipt.logs:
            if log.block_hash != block.hash or log.transaction_hash != transaction.hash:
                raise WrongBlock(f"A log in its receipts of block {at} is of another block.")
    logs_are_whole(block, [log for receipt in receipts for log in receipt.logs])


def logs_are_whole(block: BlockAnswer, logs: Sequence[LogAnswer]) -> None:
    """The logs make the block's bloom: none is missing and none was invented.

    Raises: MissingLogs.
    """
    if block.logs_bloom is None:
        return
    told = _bloom_in(block.logs_bloom)
    if told != bloom_of(logs):
        raise MissingLogs(
            f"The {len(logs)} logs that it sent for block {number(block.number)} "
            "do not make the bloom of that block."
        )


def traces_are_of(block: BlockAnswer, traces: Sequence[TraceAnswer]) -> None:
    """The traces are of this block, and every transaction has its own. Raises: WrongBlock."""
    at = number(block.number)
    if any(trace.block_hash != block.hash for trace in traces):
        raise WrongBlock(f"A trace that it sent for block {at} is of another block.")
    told = {trace.transaction_hash for trace in traces if trace.transaction_hash is not None}
    wanted = {transaction.hash for transaction in block.transactions}
    if not _signed(block) <= told <= wanted:
        raise WrongBlock(f"It traced other transactions than those of block {at}.")


def traced_hashes(block: BlockAnswer, traced: Sequence[TracedTransaction]) -> list[str]:
    """The hashes of the transactions that were traced, one call each. Raises: WrongBlock."""
    signed = _signed(block)
    hashes = [transaction.hash for transaction in block.transactions]
    if len(traced) == len(signed) < len(hashes):
        hashes = [one for one in hashes if one in signed]
    # Old versions of Geth do not name the transaction.
    named = [own.tx_hash or one for own, one in zip(traced, hashes, strict=False)]
    if named != hashes or any(own.result is None for own in traced):
        raise WrongBlock(
            f"It traced other transactions than those of block {number(block.number)}."
        )
    return hashes


def _signed(block: BlockAnswer) -> set[str]:
    """Hashes of what somebody signed. Polygon's own transactions come from nobody, untraced."""
    return {one.hash for one in block.transactions if one.sender != ZERO_EVM}


def bloom_of(logs: Iterable[LogAnswer]) -> int:
    """The bloom filter that ``logs`` make, as one number of 2048 bits."""
    words: set[str] = set()
    for log in logs:
        words.add(log.address)
        words.update(log.topics)
    digits = bytearray(_NO_BITS)
    for word in words:
        first, second, third = bits_of(word)
        # The first digit is the highest bit.
        digits[~(first & _LAST_BIT)] = _ONE
        digits[~(second & _LAST_BIT)] = _ONE
        digits[~(third & _LAST_BIT)] = _ONE
    return int(digits, 2)


# Contracts and event signatures come in block after block, and so do busy accounts.
@lru_cache(maxsize=200_000)
def bits_of(word: str) -> tuple[int, int, int]:
    """Three bits, each told by the lower eleven bits of a number."""
    try:
        first, second, third = _THREE.unpack_from(keccak_256(bytes.fromhex(word[2:])).digest())
    except ValueError:
        raise Garbled(f"It writes {word[:70]!r} where an address or topic stands.") from None
    return first, second, third


@lru_cache(maxsize=256)
def _bloom_in(text: str) -> int:
    return number(text)
