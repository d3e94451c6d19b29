"""Blocks and transactions in the form that Bitcoin hashes: nothing in it can be changed unseen.

Sources: the reference client's serialisation, BIP-144 (witnesses, which a txid leaves out).
"""

import hashlib
from typing import Final, NamedTuple

import msgspec

from graph_api.domain.errors import BadInput

HEADER_BYTES: Final = 80
_TWO_TO_FOUR: Final = {0xFD: 2, 0xFE: 4, 0xFF: 8}


class Coin(NamedTuple):
    """One output: satoshi, and the script (hex) that locks them."""

    amount_raw: int
    script: str


class Point(NamedTuple):
    """Which output: the txid that made it and its number there."""

    txid: str
    number: int


_NO_OUTPUT: Final = Point("0" * 64, 0xFFFFFFFF)


class PlainTransaction(msgspec.Struct, frozen=True):
    """A transaction as all nodes see it; ``inputs`` is empty for a coinbase."""

    txid: str
    coinbase: bool
    inputs: tuple[Point, ...]
    outputs: tuple[Coin, ...]


class Header(msgspec.Struct, frozen=True):
    """The fields that a block's hash is made of; ``time`` is Unix seconds."""

    version: int
    parent_hash: str
    merkle_root: str
    time: int
    bits: int
    nonce: int


class _Cursor:
    """Reads forwards through bytes. Raises: BadInput where they end too early."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> bytes:
        found = self.data[self.at : self.at + size]
        if len(found) < size:
            raise BadInput("The serialised data ends too early.")
        self.at += size
        return found

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def count(self) -> int:
        first = self.number(1)
        return self.number(_TWO_TO_FOUR[first]) if first in _TWO_TO_FOUR else first

    def hash(self) -> str:
        return self.take(32)[::-1].hex()


def double_sha256(data: bytes) -> bytes:
    """The hash of blocks, transactions and pairs of them."""
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def block(data: bytes) -> tuple[str, Header, list[PlainTransaction]]:
    """Hash, header and transactions of a whole block. Raises: BadInput."""
    cursor = _Cursor(data)
    digest = double_sha256(cursor.take(HEADER_BYTES))[::-1].hex()
    cursor.at = 0
    header = Header(
        version=int.from_bytes(cursor.take(4), "little", signed=True),
        parent_hash=cursor.hash(),
        merkle_root=cursor.hash(),
        time=cursor.number(4),
        bits=cursor.number(4),
        nonce=cursor.number(4),
    )
    transactions = [_transaction(cursor) for _ in range(cursor.count())]
    _at_end(cursor)
    return digest, header, transactions


def transaction(data: bytes) -> PlainTransaction:
    """One whole transaction. Raises: BadInput."""
    cursor = _Cursor(data)
    found = _transaction(cursor)
    _at_end(cursor)
    return found


def header_hash(header: Header) -> str:
    """The hash of the block that starts with ``header``. Raises: BadInput."""
    try:
        packed = b"".join(
            (
                header.version.to_bytes(4, "little", signed=True),
                bytes.fromhex(header.parent_hash)[::-1],
                bytes.fromhex(header.merkle_root)[::-1],
                header.time.to_bytes(4, "little"),
                header.bits.to_bytes(4, "little"),
                header.nonce.to_bytes(4, "little"),
            )
        )
    except (ValueError, OverflowError):
        raise BadInput("A field of the block's header is out of range.") from None
    return double_sha256(packed)[::-1].hex()


def merkle_root(txids: list[str]) -> str:
    """The root over ``txids``; a row of an odd length repeats its last one."""
    row = [bytes.fromhex(txid)[::-1] for txid in txids]
    while len(row) > 1:
        if len(row) % 2:
            row.append(row[-1])
        row = [double_sha256(row[at] + row[at + 1]) for at in range(0, len(row), 2)]
    return row[0][::-1].hex() if row else ""


def _transaction(cursor: _Cursor) -> PlainTransaction:
    start = cursor.at
    cursor.take(4)
    body = cursor.at
    witnessed = cursor.data[body : body + 1] == b"\x00"
    if witnessed:
        cursor.take(2)
        body = cursor.at
    inputs = [_input(cursor) for _ in range(cursor.count())]
    outputs = tuple(_output(cursor) for _ in range(cursor.count()))
    body_end = cursor.at
    if witnessed:
        for _ in inputs:
            for _ in range(cursor.count()):
                cursor.take(cursor.count())
    lock = cursor.take(4)
    version = cursor.data[start : start + 4]
    txid = double_sha256(version + cursor.data[body:body_end] + lock)[::-1].hex()
    coinbase = inputs == [_NO_OUTPUT]
    return PlainTransaction(txid, coinbase, () if coinbase else tuple(inputs), outputs)


def _input(cursor: _Cursor) -> Point:
    point = Point(cursor.hash(), cursor.number(4))
    cursor.take(cursor.count())
    cursor.take(4)
    return point


def _output(cursor: _Cursor) -> Coin:
    return Coin(cursor.number(8), cursor.take(cursor.count()).hex())


def _at_end(cursor: _Cursor) -> None:
    if cursor.at != len(cursor.data):
        raise BadInput("The serialised data does not end where it should.")
