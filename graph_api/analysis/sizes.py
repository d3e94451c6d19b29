"""How large the transfers of a token are: histograms that add up, and what is rare in them.

Sizes are counted in buckets of base units. Up to 31 units each amount has a bucket of its own;
above, each doubling is cut into sixteen, so that amounts of one bucket differ by less than 6.25 %.
Everything is whole numbers, and sums do not depend on the order of what is counted.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

#: Buckets of each doubling, as a power of two.
_BITS: Final = 4
_DAY_MS: Final = 86_400_000

#: How many transfers there were of each bucket.
Sizes = Mapping[int, int]


def bucket_of(amount_raw: int) -> int:
    """The bucket of an amount above zero: larger amounts have the same or a higher one."""
    shift = max(0, amount_raw.bit_length() - _BITS - 1)
    return (shift << _BITS) + (amount_raw >> shift)


def smallest_of(bucket: int) -> int:
    """The smallest amount of a bucket, base units."""
    shift = max(0, (bucket >> _BITS) - 1)
    return (bucket - (shift << _BITS)) << shift


def day_of(time: int) -> int:
    """The day (UTC) of a moment in epoch milliseconds, counted from 1970."""
    return time // _DAY_MS


def together(some: Iterable[Sizes]) -> Counter[int]:
    """The sum of histograms."""
    total: Counter[int] = Counter()
    for sizes in some:
        total.update(sizes)
    return total


def rare_from(sizes: Sizes, *, one_in: int, least: int) -> int | None:
    """The lowest bucket from which on up there was at most one in ``one_in``; it may lie above all
    that there was. None where there were less than ``least``.
    """
    total = sum(sizes.values())
    if total < max(1, least):
        return None
    at_least = 0
    for bucket in sorted(sizes, reverse=True):
        at_least += sizes[bucket]
        if at_least * one_in > total:
            return bucket + 1
    return 0
