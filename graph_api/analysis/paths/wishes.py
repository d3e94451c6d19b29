"""What paths are wanted, which transfers may be hops of one, and when a hop follows another.

A path in time is a sequence of transfers, each of which begins where the one before ended and comes
strictly later: a temporal path of Wu, Cheng, Huang, Ke, Lu and Xu, "Path Problems in Temporal
Graphs" (PVLDB 7, 2014), whose contacts take no time. No wallet is passed twice.

*Later* goes by the order of traces: block, transaction, position. Two transfers at one place do not
follow each other: of transactions whose place in their block is not known, those at the same
position; on UTXO chains, all that one transaction moves, because what it pays cannot be spent
before it.
"""

from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Final, NamedTuple

import msgspec

from graph_api.analysis.tracing.order import Order, place_of
from graph_api.domain.chains import Family

#: What a place on a UTXO chain consists of: block, time, and the transaction's place in the block.
_OF_TRANSACTION: Final = 3


class PathOrder(StrEnum):
    """What makes a path better; of equals, that of fewer hops is, then the one that arrives first.

    HOPS: fewer hops (Wu's *shortest*, each contact counting one). AMOUNT: a larger smallest hop.
    EARLIEST_ARRIVAL: it arrives earlier. LATEST_DEPARTURE: it begins later, and so is the freshest.
    FASTEST: less time lies between its first and its last hop.
    """

    HOPS = "hops"
    AMOUNT = "amount"
    EARLIEST_ARRIVAL = "earliest_arrival"
    LATEST_DEPARTURE = "latest_departure"
    FASTEST = "fastest"


class Hop(NamedTuple):
    """A transfer. ``place`` sorts it in time; ``at`` is epoch milliseconds, where known."""

    id: str
    sender: str
    recipient: str
    place: Order
    at: int | None
    token: str | None
    amount: int | None


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """The ``count`` best paths of up to ``max_hops`` hops.

    Args:
        token: Only hops of it; AMOUNT compares amounts of one token and needs it.
        least: Hops of fewer base units do not count, nor do those of no known amount; None: any.
        continuity: Each hop is of the same token as the one before, and of this share of its
            amount at least; None asks for neither.
        routes: No two paths pass the same wallets in the same order: of those, the best counts.
    """

    count: int
    by: PathOrder
    max_hops: int
    token: str | None = None
    least: int | None = None
    continuity: Fraction | None = None
    routes: bool = False

    @property
    def needs_amounts(self) -> bool:
        """Whether hops of no known amount cannot be judged."""
        return self.by is PathOrder.AMOUNT or self.least is not None or self.continuity is not None

    def takes(self, hop: Hop) -> bool:
        """Whether a transfer may be a hop. One of nothing carries no value on."""
        if self.token is not None and hop.token != self.token:
            return False
        return self.knows(hop) and (hop.amount is None or hop.amount >= max(self.least or 0, 1))

    def knows(self, hop: Hop) -> bool:
        """Whether enough is known of a transfer to judge it."""
        if hop.amount is None and self.needs_amounts:
            return False
        if hop.token is None and self.continuity is not None:
            return False
        return hop.at is not None or self.by is not PathOrder.FASTEST

    def follows(self, later: Hop, hop: Hop) -> bool:
        """Whether a path may go on by ``later`` after ``hop``."""
        if later.sender != hop.recipient or later.place <= hop.place:
            return False
        if self.continuity is None:
            return True
        assert hop.amount is not None
        assert later.amount is not None
        return later.token == hop.token and later.amount >= self.least_after(hop.amount)

    def least_after(self, amount: int) -> int:
        """The least that has to go on after so much."""
        assert self.continuity is not None
        return -(-amount * self.continuity.numerator // self.continuity.denominator)


def place_in_time(
    family: Family,
    *,
    id: str,
    position: str,
    block_number: int | None,
    block_time: datetime | None,
    index: int | None,
) -> Order:
    """What ``Hop.place`` is: equal for transfers of which none is known to be later."""
    *place, _ = place_of(
        id=id,
        position=position,
        block_number=block_number,
        block_time=block_time,
        index=index,
    )
    return tuple(place[:_OF_TRANSACTION] if family is Family.UTXO else place)
