"""In which order movements of value happened: by block, transaction and position.

Within a transaction its fee comes first, then what its signer sent, then internal moves, then
token transfers by their place in the block. Where nobody knows a transaction's place in its block,
it stands behind those whose place is known, by position; ties are broken by ids, so that the order
is the same whatever was loaded first. Movements of several chains are ordered by time.
"""

import re
from datetime import datetime
from typing import Any, Final

#: Sorts behind every number that is known.
LAST: Final = 2**62
#: The position of what a signer pays for a transaction.
FEE: Final = "fee"

Order = tuple[Any, ...]

_NUMBERS: Final = re.compile(r"\d+")
_CLASSES: Final = {
    "genesis": 0,
    "reward": 1,
    "daofork": 1,
    FEE: 2,
    "native": 3,
    "trace": 4,
    "log": 5,
    "ix": 5,
    "in": 6,
    "out": 7,
}
_OTHER: Final = 8


def place_of(
    *,
    id: str,
    position: str,
    block_number: int | None,
    block_time: datetime | None,
    index: int | None,
) -> Order:
    """Sorts movements of one chain."""
    kind, _, path = position.partition(":")
    return (
        LAST if block_number is None else block_number,
        LAST if block_time is None else _milliseconds(block_time),
        LAST if index is None else index,
        _CLASSES.get(kind, _OTHER),
        tuple(map(int, _NUMBERS.findall(path))),
        id,
    )


def by_time(place: Order, chain: str) -> Order:
    """The same, to sort movements of several chains."""
    return (place[1], chain, *place)


def behind(place: Order, other: Order) -> Order:
    """Right behind ``other``, for a movement that cannot have come before it."""
    return (*other, "", *place)


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
