"""``eth_getLogs`` over many blocks: windows shrink where a node refuses, and grow back.

Nodes say in many words that a range is too much, and some say what would not be.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

from ingest.providers.endpoints import Endpoint
from ingest.providers.faults import Garbled, Overloaded, Unsupported
from ingest.providers.limits import Window
from ingest.providers.rpc import Call, RpcError
from ingest.sources.evm.answers import LogAnswer, number

_LEARNT: Final = "eth_getLogs window"
#: “this block range should work: [0x1, 0x9]”, “retry with the range 1-9”.
_SUGGESTED: Final = re.compile(
    r"range[^\[\d]{0,40}\[?(0x[0-9a-f]+|\d+)\s*(?:,|-|to)\s*(0x[0-9a-f]+|\d+)\]?", re.IGNORECASE
)
#: “up to a 2K block range”, “limited to a 10,000 range”, “at most 500 blocks”.
_BLOCKS_BEFORE: Final = re.compile(
    r"(?:up to|limited to|at most|maximum of|max of|within)\s+(?:an?\s+)?([\d,]+)(k?)\s*"
    r"(?:-?\s*blocks?|range)",
    re.IGNORECASE,
)
#: “maximum is set to 2048”, “greater than 500 max”, “max is 1k blocks”.
_BLOCKS_AFTER: Final = re.compile(
    r"(?:range|blocks)\b.{0,60}?(?:maximum|max|limit|allowed|exceeds?|greater than|larger than|"
    r"more than|over|set to)\D{0,24}?([\d,]{1,12})(k?)\b",
    re.IGNORECASE,
)
#: “maximum block range: 50000”.
_LARGEST: Final = re.compile(r"max(?:imum)?\b[^\d]{0,24}range\W{1,3}([\d,]+)(k?)\b", re.IGNORECASE)
_BLOCKS: Final = (_BLOCKS_BEFORE, _LARGEST, _BLOCKS_AFTER)
_TOO_MUCH: Final = (
    "range",
    "too many",
    "too large",
    "too big",
    "more than",
    "exceed",
    "limit",
    "timeout",
    "timed out",
    "response size",
    "results",
)


async def logs_between(
    endpoint: Endpoint,
    first: int,
    last: int,
    *,
    largest: int,
    topics: Sequence[Any] = (),
    address: str | None = None,
) -> list[LogAnswer]:
    """The logs of the blocks ``first..last``, in order. Raises: EndpointFault."""
    window: Window = endpoint.learnt.setdefault(_LEARNT, Window(largest, largest=largest))
    found: list[LogAnswer] = []
    while first <= last:
        end = min(first + window.size - 1, last)
        asked: dict[str, Any] = {"fromBlock": hex(first), "toBlock": hex(end)}
        if topics:
            asked["topics"] = topics
        if address is not None:
            asked["address"] = address
        (answer,) = await endpoint.batch([Call("eth_getLogs", (asked,))], list[LogAnswer])
        if isinstance(answer, RpcError):
            _shrink(window, answer, asked_for=end - first + 1)
            continue
        if answer is None:
            raise Garbled("It answers eth_getLogs with nothing.")
        found += answer
        if end - first + 1 == window.size:
            window.grow()
        first = end + 1
    return found


def allowed_blocks(message: str) -> int | None:
    """How many blocks at a time the refusal ``message`` allows; None where it does not say."""
    if told := _SUGGESTED.search(message):
        first, last = (int(text, 0) for text in told.groups())
        return last - first + 1 if last >= first else None
    found = next((told for told in (one.search(message) for one in _BLOCKS) if told), None)
    digits = found[1].replace(",", "") if found else ""
    return int(digits) * (1000 if found and found[2] else 1) if digits else None


def refuses_range(message: str) -> bool:
    """Whether a node says that the range, or what is in it, is too much."""
    words = message.lower()
    return any(told in words for told in _TOO_MUCH)


def _shrink(window: Window, refusal: RpcError, *, asked_for: int) -> None:
    """Take less the next time. Raises: Overloaded, Unsupported."""
    too_much = refuses_range(refusal.message) and not refusal.speaks_of_rate
    # A span may have been shorter than the window, and was refused all the same.
    window.size = min(window.size, asked_for)
    allowed = allowed_blocks(refusal.message)
    useful = allowed if allowed is not None and 0 < allowed < window.size else None
    if too_much and window.shrink(to=useful):
        return
    if refusal.limits_rate:
        raise Overloaded(f"It limits requests: {refusal.message[:200]}")
    raise Unsupported(f"It answers eth_getLogs with an error: {refusal.message[:200]}")


def by_transaction(logs: Sequence[LogAnswer]) -> dict[str, list[LogAnswer]]:
    """The logs of each transaction, in the order of the block."""
    found: dict[str, list[LogAnswer]] = {}
    for log in sorted(logs, key=lambda log: (number(log.block_number), number(log.log_index))):
        found.setdefault(log.transaction_hash, []).append(log)
    return found
