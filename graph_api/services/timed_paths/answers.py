"""What a question for paths is answered: paths with their hops, and on what it all rests.

Amounts are decimal text of base units, because JSON's readers lose digits of large numbers.
"""

from datetime import datetime
from enum import StrEnum

import msgspec

from graph_api.domain.ids import AccountId, TokenId, TransactionId, TransferId
from graph_api.services.as_of import AsOf
from graph_api.services.paths import StoppedAt
from graph_api.services.timed_paths.questions import PathsQuestion


class PathsEnded(StrEnum):
    """How a search ended.

    COMPLETE: of all paths that may be taken these are the best. Otherwise a part of the budget was
    spent, and they are the best of up to ``searched_hops`` hops: FLOWS or TRANSFERS to look at, or
    CHOICES of how to go on.
    """

    COMPLETE = "complete"
    FLOWS = "flows"
    TRANSFERS = "transfers"
    CHOICES = "choices"


class PathHop(msgspec.Struct, frozen=True, kw_only=True):
    """One transfer of a path."""

    transfer: TransferId
    transaction: TransactionId | None
    sender: AccountId
    recipient: AccountId
    token: TokenId | None
    amount_raw: str | None
    block_number: int | None
    block_time: datetime | None


class TimedPath(msgspec.Struct, frozen=True, kw_only=True):
    """One path. ``least_raw`` is its smallest hop, where all are of one token."""

    hops: tuple[PathHop, ...]
    least_raw: str | None

    @property
    def wallets(self) -> tuple[AccountId, ...]:
        """From the first to the last."""
        return (self.hops[0].sender, *(hop.recipient for hop in self.hops))

    @property
    def seconds(self) -> float | None:
        """Between its first and its last hop, where both times are known."""
        first, last = self.hops[0].block_time, self.hops[-1].block_time
        return None if first is None or last is None else (last - first).total_seconds()


class PathsAnswer(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """The paths, the best first.

    Args:
        starts, ends: How many wallets each end has; ``cut`` where there are more of them.
        searched_hops: All paths of up to so many hops were considered.
        stopped: How many wallets were not passed; ``stopped_at`` names the first of them.
        uncounted: Transfers on the way that could not be judged: no known amount, token or time.
    """

    question: PathsQuestion
    as_of: AsOf
    ended: PathsEnded
    searched_hops: int
    paths: tuple[TimedPath, ...]
    starts: int
    ends: int
    cut: bool
    stopped_at: tuple[StoppedAt, ...]
    stopped: int
    wallets_seen: int
    flows_read: int
    transfers_read: int
    uncounted: int
