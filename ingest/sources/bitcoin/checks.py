"""Whether a block that a node sent can be true: its hash, its work, its root, its money."""

from typing import Final

from graph_api.domain.chains import Chain
from graph_api.domain.errors import BadInput
from graph_api.domain.records import UtxoTransaction
from ingest.providers.faults import FalseHeader, FalseMoney, FalseTransactions
from ingest.sources.bitcoin.answers import PlainBlock
from ingest.sources.bitcoin.serialized import Header, header_hash, merkle_root

_FIRST_SUBSIDY: Final = 50 * 10**8
_HALVING: Final = 210_000


def check_header(header: Header, *, named: str) -> None:
    """That ``header`` is the one called ``named``. Raises: FalseHeader."""
    try:
        found = header_hash(header)
    except BadInput as error:
        raise FalseHeader(str(error)) from None
    if found != named:
        raise FalseHeader(f"The header of block {named[:64]} hashes to {found}.")
    if int(named, 16) > target(header.bits):
        raise FalseHeader(f"The hash of block {named} has not the work that the block names.")


def check_block(block: PlainBlock) -> None:
    """That a block's transactions are its own. Raises: FalseHeader, FalseTransactions."""
    check_header(block.header, named=block.hash)
    txids = [transaction.txid for transaction in block.transactions]
    # A list that repeats its end has the same root (CVE-2012-2459).
    if len(set(txids)) < len(txids):
        raise FalseTransactions(f"Block {block.hash} lists a transaction twice.")
    if merkle_root(txids) != block.header.merkle_root:
        raise FalseTransactions(
            f"The {len(txids)} transactions of block {block.hash} have another merkle root."
        )
    if [transaction.coinbase for transaction in block.transactions] != [True] + [False] * (
        len(txids) - 1
    ):
        raise FalseTransactions(f"Block {block.hash} does not start with its only coinbase.")


def check_money(transactions: list[UtxoTransaction], *, height: int, chain: Chain) -> None:
    """That the coinbase takes no more than subsidy and fees, as far as inputs are known.

    Raises: FalseMoney.
    """
    coinbase, *others = transactions
    fees = 0
    for other in others:
        for spend in other.inputs:
            if spend.amount_raw is None:
                return
            fees += spend.amount_raw
        fees -= sum(output.amount_raw for output in other.outputs)
    made = sum(output.amount_raw for output in coinbase.outputs)
    allowed = subsidy(height) + fees
    if made > allowed:
        raise FalseMoney(
            f"Block {height} of {chain.name} makes {made} satoshi and may make {allowed}."
        )


def subsidy(height: int) -> int:
    """Satoshi that the block at ``height`` may bring into being."""
    return _FIRST_SUBSIDY >> height // _HALVING


def target(bits: int) -> int:
    """The number that a hash must not exceed, from its compact form."""
    exponent, mantissa = bits >> 24, bits & 0x7FFFFF
    return mantissa << 8 * (exponent - 3) if exponent >= 3 else mantissa >> 8 * (3 - exponent)
