"""Positions: which transfer of a transaction it is, and how transfers of a chain are ordered.

A transfer's id is ``chain:hash:position``; position is one of ``native``, ``trace:<path>``,
``log:n``, ``ix:n.m``, ``in:n``, ``out:n[.k]``. Value without a transaction takes the block's
place: ``chain:block:<number>:reward:n``, ``:genesis:n`` or ``:daofork:n``. A row without hash is
``file:<dataset>:<row>``: replay is idempotent, overlap with other files is not detected.
"""

import re
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from graph_api.domain.chains import Chain
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import TransactionId, TransferId

_CLASSES: Final = {
    "genesis": "0",
    "reward": "1",
    "daofork": "1",
    "native": "2",
    "trace": "3",
    "log": "4",
    "ix": "4",
    "in": "5",
    "out": "6",
    "file": "7",
}
_LOG: Final = str(9 - int(_CLASSES["log"]))
_TOP: Final = 9_999_999_999
_POSITION: Final = re.compile(
    r"native|trace:\d+(\.\d+)*|log:\d+|ix:\d+(\.\d+)*|in:\d+|out:\d+(\.\d+)?|reward:\d+|genesis:\d+"
)


def transfer_id(transaction: TransactionId, position: str) -> TransferId:
    """The id of the transfer at ``position`` of ``transaction``. Raises: BadInput."""
    if not _POSITION.fullmatch(position):
        raise BadInput(f"{position[:60]!r} is no position of a transfer.")
    return TransferId(f"{transaction}:{position}")


def block_transfer_id(chain: Chain, block_number: int, position: str) -> TransferId:
    """The id of a reward or genesis allocation, which no transaction carries."""
    return TransferId(f"{chain.id}:block:{block_number}:{position}")


def file_transfer_id(dataset: str, row: int) -> TransferId:
    """The id of a row that has no hash: it is named by its place in its dataset."""
    return TransferId(f"file:{dataset}:{row}")


def order_key(transfer: TransferId, *, block_number: int | None, position: str) -> str:
    """Text whose ascending order is newest first among the transfers of one chain.

    Block, kind and place in the block, each digit turned round, then a digest of the id: an index
    that is read forwards gives the newest first, and no engine has to sort. The key uses nothing
    but what the transfer itself says, so it is the same whatever is loaded first. Rows without a
    block come last, the end of their file first.
    """
    kind, _, place = position.partition(":")
    # A parent's place ends before its children's do: "~" sorts after "." and so after them.
    if place.isdecimal():
        path = f"{_TOP - int(place):010d}~"
    else:
        numbers = [int(part) for part in place.split(".") if part.isdigit()][:6]
        path = ".".join(f"{_TOP - number:010d}" for number in numbers) + "~"
    tie = blake2b(transfer.encode(), digest_size=4).hexdigest()
    return f"{block_part(block_number)}{9 - int(_CLASSES.get(kind, '7'))}{path}{tie}"


def log_order_key(transfer: TransferId, *, block: str, index: int) -> str:
    """``order_key`` of the transfer at ``log:<index>``, the quick way; ``block`` is its part."""
    tie = blake2b(transfer.encode(), digest_size=4).hexdigest()
    return f"{block}{_LOG}{_TOP - index:010d}~{tie}"


def page_key(owner: str, order: str) -> str:
    """What an index is read by for the page of one wallet, token or chain: short, newest first.

    The owner enters as a digest, because index entries cost by their length. Two owners may share
    one, so a statement that reads a page compares the owner as well.
    """
    return f"{owner_digest(owner)}|{order}"


@lru_cache(maxsize=100_000)
def owner_digest(owner: str) -> str:
    """The part of a page key that stands for ``owner``."""
    return blake2b(owner.encode(), digest_size=8).hexdigest()


def block_bounds(owner: str, *, lowest: int | None, highest: int | None) -> tuple[str, str]:
    """Page keys of ``owner`` from block ``highest`` down to ``lowest``: first and one past last.

    None leaves a side open; an open lower side includes what has no block.
    """
    first = "" if highest is None else block_part(highest)
    # "~" sorts after every digit, and "\x7f" after "~".
    last = "\x7f" if lowest is None else block_part(lowest) + "\x7f"
    return page_key(owner, first), page_key(owner, last)


def block_part(number: int | None) -> str:
    """What order keys of a block begin with."""
    return "~" if number is None else f"{_TOP - number:010d}"
