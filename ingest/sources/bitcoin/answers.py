"""What ``getblock`` and its sisters answer, in every verbosity, in one form.

Where an answer carries a transaction's serialised form (``hex``), that is read and the rest of it
ignored: it hashes to the txid, and the txids to the block. Amounts in JSON are decimal numbers of
coins; they are read as decimals, for a float would round them.
"""

from decimal import Decimal
from typing import Final

import msgspec

from graph_api.domain.errors import BadInput
from ingest.sources.bitcoin.serialized import Coin, Header, PlainTransaction, Point
from ingest.sources.bitcoin.serialized import block as block_of
from ingest.sources.bitcoin.serialized import transaction as transaction_of

_NO_PARENT: Final = "0" * 64
_MAX_MONEY: Final = 21_000_000 * 10**8


class _Script(msgspec.Struct):
    hex: str


class _Paid(msgspec.Struct):
    value: Decimal
    scriptPubKey: _Script  # noqa: N815 - the node's own name


class _Output(_Paid):
    n: int


class _Input(msgspec.Struct):
    txid: str | None = None
    vout: int | None = None
    prevout: _Paid | None = None


class _Transaction(msgspec.Struct):
    txid: str
    vin: list[_Input]
    vout: list[_Output]
    hex: str | None = None


class HeaderAnswer(msgspec.Struct):
    """A block's header as ``getblockheader`` tells it."""

    hash: str
    height: int
    version: int
    merkleroot: str
    time: int
    nonce: int
    bits: str
    previousblockhash: str = _NO_PARENT

    @property
    def header(self) -> Header:
        """The fields that the hash is made of. Raises: BadInput."""
        try:
            bits = int(self.bits, 16)
        except ValueError:
            raise BadInput("A field of the block's header is out of range.") from None
        return Header(
            version=self.version,
            parent_hash=self.previousblockhash,
            merkle_root=self.merkleroot,
            time=self.time,
            bits=bits,
            nonce=self.nonce,
        )


class BlockAnswer(HeaderAnswer, kw_only=True):
    """A block with its transactions: verbosity 2 or 3."""

    tx: list[_Transaction]


class ChainInfo(msgspec.Struct):
    """Where a node says it stands."""

    chain: str
    blocks: int
    headers: int
    bestblockhash: str
    initialblockdownload: bool = False


class PlainBlock(msgspec.Struct, frozen=True, kw_only=True):
    """A block, whatever form it came in; ``spent`` is what its node told of the inputs."""

    hash: str
    height: int | None
    header: Header
    transactions: list[PlainTransaction]
    spent: dict[Point, Coin]


def plain_block(answer: BlockAnswer | str) -> PlainBlock:
    """A block from any verbosity. Raises: BadInput on what is no block."""
    if isinstance(answer, str):
        digest, header, transactions = block_of(_bytes(answer))
        return PlainBlock(
            hash=digest, height=None, header=header, transactions=transactions, spent={}
        )
    return PlainBlock(
        hash=answer.hash,
        height=answer.height,
        header=answer.header,
        transactions=[_plain(told) for told in answer.tx],
        spent={
            Point(spent.txid, spent.vout): _coin(spent.prevout)
            for told in answer.tx
            for spent in told.vin
            if spent.prevout is not None and spent.txid is not None and spent.vout is not None
        },
    )


def plain_transaction(serialized: str) -> PlainTransaction:
    """A transaction from its hex. Raises: BadInput."""
    return transaction_of(_bytes(serialized))


def satoshi(coins: Decimal) -> int:
    """Base units of an amount in whole coins. Raises: BadInput."""
    amount = coins.scaleb(8)
    if amount != amount.to_integral_value() or not 0 <= amount <= _MAX_MONEY:
        raise BadInput(f"{coins} is no amount of bitcoin.")
    return int(amount)


def _plain(told: _Transaction) -> PlainTransaction:
    if told.hex is not None:
        found = plain_transaction(told.hex)
        if found.txid != told.txid:
            raise BadInput(f"The transaction {told.txid[:64]} hashes to another txid.")
        return found
    if [output.n for output in told.vout] != list(range(len(told.vout))):
        raise BadInput(f"The outputs of {told.txid[:64]} are not numbered from 0 without a gap.")
    inputs = tuple(
        Point(spent.txid, spent.vout)
        for spent in told.vin
        if spent.txid is not None and spent.vout is not None
    )
    return PlainTransaction(told.txid, not inputs, inputs, tuple(map(_coin, told.vout)))


def _coin(paid: _Paid) -> Coin:
    return Coin(satoshi(paid.value), paid.scriptPubKey.hex)


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise BadInput("The serialised data is no hex.") from None
