"""Positions: which transfer of a transaction it is, and how transfers of a chain are ordered.

A transfer's id is ``chain:hash:position``; position is one of ``native``, ``trace:<path>``,
``log:n``, ``ix:n.m``, ``in:n``, ``out:n[.k]``. Value without a transaction takes the block's
place: ``chain:block:<number>:reward:n`` or ``:genesis:n``. A row without any hash is
``file:<dataset>:<row>``: replay is idempotent, overlap with other files is not detected.
"""

import re
from hashlib import blake2b
from typing import Final

from graph_api.domain.chains import Chain
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import TransactionId, TransferId

_CLASSES: Final = {
    "genesis": "0",
    "reward": "1",
    "native": "2",
    "trace": "3",
    "log": "4",
    "ix": "4",
    "in": "5",
    "out": "6",
    "file": "7",
}
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

    Block, kind and place in the block, each digit turned round, then the id: an index that is
    read forwards gives the newest first, and no engine has to sort. The key uses nothing but
    what the transfer itself says, so it is the same whatever is loaded first. Rows without a
    block come last, the end of their file first.
    """
    kind, _, place = position.partition(":")
    numbers = [int(part) for part in place.split(".") if part.isdigit()][:6]
    # A parent's place ends before its children's do: "~" sorts after "." and so after them.
    path = ".".join(f"{_TOP - number:010d}" for number in numbers) + "~"
    block = f"{_TOP - block_number:010d}" if block_number is not None else "~"
    tie = blake2b(transfer.encode(), digest_size=6).hexdigest()
    return f"{block}.{9 - int(_CLASSES.get(kind, '7'))}.{path}.{tie}"
