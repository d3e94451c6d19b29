"""Signatures of the transactions that name some addresses, out of a node's index, newest first.

A node tells them address by address, page by page. What several addresses have in common comes
once, and a slot comes when every address has been asked that far down.
"""

from collections.abc import Collection, Iterable, Sequence
from functools import partial
from typing import Any, Final

import msgspec

from ingest.providers.endpoints import Endpoint
from ingest.providers.faults import Garbled, Unsupported
from ingest.providers.rpc import Call
from ingest.sources.solana.source import SolanaSource, said

#: So many signatures make a page; nodes allow no more.
PAGE: Final = 1_000
#: So many addresses are asked for at once.
_AT_ONCE: Final = 50
#: Above all slots.
_NEWEST: Final = 2**63
#: Nodes that keep everything begin here.
_OLDEST: Final = 1


class Signed(msgspec.Struct, frozen=True):
    """A transaction, and the slot that it is in."""

    signature: str
    slot: int


class Listed(msgspec.Struct, frozen=True):
    """Everything from slot ``first`` on that was not listed before, the newest slot first."""

    first: int
    transactions: tuple[Signed, ...]


class Signatures:
    """Lists what names any of the addresses in the slots ``first..last``."""

    def __init__(self, source: SolanaSource, *, first: int, last: int) -> None:
        self._source, self._first, self._last = source, first, last
        self._newest = last
        self._ways: list[_Way] = []
        self._waiting: dict[int, set[str]] = {}
        self._listed: set[str] = set()

    def watch(self, addresses: Iterable[str]) -> None:
        """From now on what names ``addresses`` is listed too."""
        self._ways += [_Way(address, top=self._last) for address in addresses]

    async def next(self, most: int) -> Listed:
        """Some slots with ``most`` transactions or a few more; down to the first where there are
        less. Raises: UpstreamUnavailable.
        """
        while True:
            whole = max([self._first, *(way.low + 1 for way in self._ways if not way.ended)])
            ready = sorted((slot for slot in self._waiting if slot >= whole), reverse=True)
            if ready or whole == self._first:
                break
            await self._turn([way for way in self._ways if not way.ended and way.low >= whole - 1])
        count = 0
        for slot in ready:
            count += len(self._waiting[slot])
            if count >= most:
                whole = slot
                break
        self._last = whole - 1
        return Listed(whole, self._taken(whole))

    async def late(self, addresses: Collection[str], *, down_to: int) -> tuple[Signed, ...]:
        """What names ``addresses``, which are new, in slots that were listed already. Raises:
        UpstreamUnavailable.
        """
        ways = [_Way(address, top=None) for address in addresses]
        self._ways += ways
        while behind := [way for way in ways if not way.ended and way.low >= down_to]:
            await self._turn(behind)
        return self._taken(down_to)

    def _taken(self, whole: int) -> tuple[Signed, ...]:
        slots = sorted((slot for slot in self._waiting if slot >= whole), reverse=True)
        taken = [
            Signed(signature, slot)
            for slot in slots
            for signature in sorted(self._waiting.pop(slot))
            if signature not in self._listed
        ]
        self._listed.update(one.signature for one in taken)
        return tuple(taken)

    async def _turn(self, ways: "Sequence[_Way]") -> None:
        """Read the next page of each of ``ways``."""
        for start in range(0, len(ways), _AT_ONCE):
            some = ways[start : start + _AT_ONCE]
            pages = await self._source.ask(partial(self._pages, ways=some))
            for way, page in zip(some, pages, strict=True):
                for one in page:
                    if self._first <= one.slot and (way.top is None or one.slot <= way.top):
                        self._waiting.setdefault(one.slot, set()).add(one.signature)
                way.turned(page, first=self._first)

    async def _pages(self, node: Endpoint, *, ways: "Sequence[_Way]") -> list[list[Signed]]:
        calls = [Call("getSignaturesForAddress", [way.address, self._options(way)]) for way in ways]
        answers = await node.batch(calls, list[Signed])
        pages = [said(answer, call.method) for call, answer in zip(calls, answers, strict=True)]
        for way, page in zip(ways, pages, strict=True):
            slots = [one.slot for one in page]
            if slots != sorted(slots, reverse=True) or (slots and slots[0] > way.low):
                raise Garbled("It does not list signatures the newest first.")
        if any(len(page) < PAGE for page in pages):
            await self._check_memory(node)
        return pages

    def _options(self, way: "_Way") -> dict[str, Any]:
        options: dict[str, Any] = {"limit": PAGE, "commitment": "finalized"}
        if way.before is None:
            # A node that lags would leave out the newest.
            return options | {"minContextSlot": self._newest}
        return options | {"before": way.before}

    async def _check_memory(self, node: Endpoint) -> None:
        """That a list which ends did not end because the node has forgotten the rest."""
        oldest = await node.one("getFirstAvailableBlock", [], int)
        if oldest is None or oldest > max(self._first, _OLDEST):
            raise Unsupported(f"It keeps nothing of before slot {oldest}.")


class _Way:
    """How far one address is listed: ``low`` is the lowest slot seen, which may not be whole."""

    def __init__(self, address: str, *, top: int | None) -> None:
        self.address, self.top = address, top
        self.before: str | None = None
        self.low: int = _NEWEST
        self.ended = False

    def turned(self, page: Sequence[Signed], *, first: int) -> None:
        """A page was read."""
        if page:
            self.before, self.low = page[-1].signature, page[-1].slot
        self.ended = len(page) < PAGE or self.low < first
