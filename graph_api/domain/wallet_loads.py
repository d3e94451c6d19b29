"""What was asked for of one wallet: what it may cost, what it came to, and why it ended."""

from enum import StrEnum
from typing import Self

import msgspec
from msgspec.structs import replace

from graph_api.domain.ids import AccountId


class Part(StrEnum):
    """What of a wallet's history one source tells: EVERYTHING where a chain has no parts."""

    TOKENS = "tokens"
    COIN = "coin"
    EVERYTHING = "everything"


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """What one request may cost. It is looked at after each stretch, which may go beyond it."""

    blocks: int
    records: int
    requests: int
    seconds: float


class Ended(StrEnum):
    """Why reading has ended: all is read, or which part of the budget is spent."""

    COMPLETE = "complete"
    BLOCKS = "blocks"
    RECORDS = "records"
    REQUESTS = "requests"
    SECONDS = "seconds"


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """What was spent so far; ``seconds`` are those of asking and writing, not of waiting."""

    blocks: int = 0
    records: int = 0
    requests: int = 0
    seconds: float = 0.0

    def __add__(self, more: Self) -> Self:
        return replace(
            self,
            blocks=self.blocks + more.blocks,
            records=self.records + more.records,
            requests=self.requests + more.requests,
            seconds=self.seconds + more.seconds,
        )

    def share(self, budget: Budget) -> float:
        """How much of the budget that is: 1 or more when it is used up."""
        return max(part / whole for part, whole, _ in self._against(budget))

    def reason(self, budget: Budget) -> Ended | None:
        """What of the budget is used up, if anything is."""
        found = (ended for part, whole, ended in self._against(budget) if part >= whole)
        return next(found, None)

    def _against(self, budget: Budget) -> list[tuple[float, float, Ended]]:
        return [
            (self.blocks, budget.blocks, Ended.BLOCKS),
            (self.records, budget.records, Ended.RECORDS),
            (self.requests, budget.requests, Ended.REQUESTS),
            (self.seconds, budget.seconds, Ended.SECONDS),
        ]


class PartRead(msgspec.Struct, frozen=True, kw_only=True):
    """How far one part is read: everything from block ``first`` to ``last``, and maybe more.

    ``first`` is None while nothing up to ``last`` is read; ``unseen`` is what the source cannot
    tell, in a sentence.
    """

    part: Part
    source: str
    first: int | None
    last: int
    unseen: str | None = None


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """What has become of a request, or so far while ``ended`` is None.

    ``done`` of ``total`` blocks were read, counted for each part; ``written`` facts were new.
    """

    account: AccountId
    parts: tuple[PartRead, ...] = ()
    done: int = 0
    total: int = 0
    written: int = 0
    known: int = 0
    rejected: int = 0
    spent: Spent = Spent()
    ended: Ended | None = None
