"""How an endpoint has been doing, and until when it is left alone."""

import random
from typing import Final

import msgspec

from ingest.providers.faults import EndpointFault, Lie, Overloaded

_LONGEST_S: Final = 600.0
#: How much of a new answer's time enters the average.
_SHARE: Final = 0.2


class EndpointStatus(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint as people and metrics see it; ``fault`` is the last one, with its remedy.

    ``state`` is ``healthy``, ``resting`` (it failed) or ``quarantined`` (it said what is not
    true); ``free_in_s`` is when it is asked again.
    """

    name: str
    state: str
    free_in_s: float
    answers: int
    faults: int
    latency_ms: float | None
    head: int | None
    fault: str | None
    fault_text: str | None
    remedy: str | None


class Health:
    """What is known of one endpoint. Times are those of the pool's clock."""

    def __init__(self, name: str, *, random: random.Random) -> None:
        self.name, self._random = name, random
        self.answers = self.faults = 0
        self.head: int | None = None
        self.last: EndpointFault | None = None
        self._latency_s: float | None = None
        self._in_a_row, self._free_at = 0, float("-inf")

    def succeeded(self, *, took_s: float) -> None:
        """It gave an answer that held."""
        self.answers += 1
        self._in_a_row = 0
        before = took_s if self._latency_s is None else self._latency_s
        self._latency_s = before + _SHARE * (took_s - before)

    def failed(self, fault: EndpointFault, *, now: float) -> None:
        """It did what ``fault`` says; it rests the longer the more often that happens."""
        if fault.pause_s is None:
            return
        self.faults, self.last = self.faults + 1, fault
        pause = min(fault.pause_s * 2**self._in_a_row, max(_LONGEST_S, fault.pause_s))
        if isinstance(fault, Overloaded) and fault.retry_after_s is not None:
            pause = max(fault.retry_after_s, fault.pause_s)
        self._in_a_row = min(self._in_a_row + 1, 16)
        if isinstance(fault, Lie):
            self.head = None
        # Many processes that failed together shall not come back together.
        self._free_at = max(self._free_at, now + pause * self._random.uniform(1.0, 1.25))

    def free_in_s(self, now: float) -> float:
        """How long it is still left alone."""
        return max(self._free_at - now, 0.0)

    def status(self, now: float) -> EndpointStatus:
        """All of it, to be shown."""
        rests = self.free_in_s(now)
        resting = "quarantined" if isinstance(self.last, Lie) else "resting"
        return EndpointStatus(
            name=self.name,
            state=resting if rests else "healthy",
            free_in_s=round(rests, 3),
            answers=self.answers,
            faults=self.faults,
            latency_ms=None if self._latency_s is None else round(1000 * self._latency_s, 3),
            head=self.head,
            fault=self.last.name if self.last else None,
            fault_text=str(self.last) if self.last else None,
            remedy=self.last.remedy if self.last else None,
        )
