"""How an EVM chain is read: sizes, rhythms, and which methods of a node are used."""

from enum import StrEnum
from typing import Final

import msgspec


class ReceiptsBy(StrEnum):
    """Where receipts and their logs come from.

    ``block``: all of a block at once, or each by itself where a node cannot. ``logs``: logs by
    windows of ``eth_getLogs``, and receipts each by itself. ``none``: neither is asked for, so
    nobody knows which transactions failed, and no token is seen to move.
    """

    BLOCK = "block"
    LOGS = "logs"
    NONE = "none"


class TracesBy(StrEnum):
    """Where internal transfers come from.

    ``any``: whichever method an endpoint has, none when no endpoint has one. ``trace_block`` and
    ``debug`` insist on a method, and endpoints without it are not asked. ``none``: left out.
    """

    ANY = "any"
    TRACE_BLOCK = "trace_block"
    DEBUG = "debug"
    NONE = "none"


class EvmReading(msgspec.Struct, frozen=True, kw_only=True):
    """How an EVM chain is read.

    Blocks: ``window`` is how many are asked for at a time at first, ``largest_window`` at most;
    ``ahead`` windows are fetched while earlier ones are used. ``log_window`` is how many blocks
    one ``eth_getLogs`` may span at most; refusals make it less for a while.

    Heads: looked for every ``poll_s``, and at once where a WebSocket tells of one. An endpoint is
    stale when its newest block is older than ``stale_after_s`` (None for never: chains of tests
    stand still) or ``stale_blocks`` below that of another.
    """

    receipts: ReceiptsBy = ReceiptsBy.BLOCK
    traces: TracesBy = TracesBy.ANY
    window: int = 16
    largest_window: int = 64
    ahead: int = 2
    log_window: int = 2_000
    poll_s: float = 2.0
    stale_after_s: float | None = 900.0
    stale_blocks: int = 32


#: What a node is asked for each way of tracing, the more telling one first.
TRACE_METHODS: Final = {
    TracesBy.TRACE_BLOCK: "trace_block",
    TracesBy.DEBUG: "debug_traceBlockByNumber",
}
