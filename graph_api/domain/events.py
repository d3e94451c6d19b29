"""Events: what happened, on which line, under which number.

A line is one gapless sequence of numbers for one chain (or for all of them). What was announced
and what was taken back share a line, so that nobody can hear of them in the wrong order.

What bodies hold, where several parts of the program read them. Times are epoch milliseconds, a key
without a value is null or absent:

- ``transfer.*``: ``id`` (of the Transfer), ``transaction``, ``position``, ``sender``,
  ``recipient``, ``token``, ``amount_raw``, ``amount``, ``derived``, ``block_number``,
  ``block_hash``, ``block_time``.
- ``otc.*``: the same of the transfer, and ``reasons`` (words of ``domain.otc.Reason``), ``usd``
  (dollars at the block's time, a multiple of a millionth), ``actors`` and ``actor_types`` (ids and
  types of the desks that take part), ``counter`` (id of the transfer that went the other way).
- ``wallet.frozen``, ``wallet.freed``, ``wallet.seized`` (an issuer destroyed what a frozen wallet
  held): ``id`` (of the log: ``chain:hash:log:n``), ``wallet``, ``token``, ``issuer`` (a name),
  ``amount_raw`` (what was destroyed), ``transaction``, ``position``, ``block_number``,
  ``block_hash``, ``block_time``. ``wallet.retracted``: the same of what its chain took back, and
  ``was``, the topic under which it had been told.
- ``watchlist.changed``: ``watchlist`` (id), ``workspace``, ``revision``; what is on the list stands
  in the vault.
- ``alert.*``, which are of no chain: ``workspace``, ``alert``, ``rule``, ``kind``, ``severity``.
  The alert itself stands in the vault alone.
"""

from enum import StrEnum
from typing import Any, Final, NamedTuple

import msgspec

#: The version of the JSON that events travel as; a reader refuses a later one.
VERSION: Final = 1
#: Stands for the chain of a line that belongs to none.
ANY_CHAIN: Final = "*"


class Topic(StrEnum):
    """What an event tells."""

    TRANSFER_SEEN = "transfer.seen"
    TRANSFER_RETRACTED = "transfer.retracted"
    TRANSFER_FINALIZED = "transfer.finalized"
    OTC_DETECTED = "otc.detected"
    OTC_RETRACTED = "otc.retracted"
    PRICE_TICKED = "price.ticked"
    ALERT_RAISED = "alert.raised"
    ALERT_RETRACTED = "alert.retracted"
    ALERT_ACKNOWLEDGED = "alert.acknowledged"
    INGEST_PROGRESS = "ingest.progress"
    PROVIDER_STATUS = "provider.status"
    WALLET_FROZEN = "wallet.frozen"
    WALLET_FREED = "wallet.freed"
    WALLET_SEIZED = "wallet.seized"
    WALLET_RETRACTED = "wallet.retracted"
    WATCHLIST_CHANGED = "watchlist.changed"


class Line(StrEnum):
    """Sequences of events; each numbers its chains apart."""

    TRANSFERS = "transfers"
    FINALIZED = "finalized"
    OTC = "otc"
    PRICES = "prices"
    ALERTS = "alerts"
    PROGRESS = "progress"
    PROVIDERS = "providers"
    WALLETS = "wallets"
    WATCHLISTS = "watchlists"


#: The line on which a topic travels.
LINE_OF: Final = {
    Topic.TRANSFER_SEEN: Line.TRANSFERS,
    Topic.TRANSFER_RETRACTED: Line.TRANSFERS,
    Topic.TRANSFER_FINALIZED: Line.FINALIZED,
    Topic.OTC_DETECTED: Line.OTC,
    Topic.OTC_RETRACTED: Line.OTC,
    Topic.PRICE_TICKED: Line.PRICES,
    Topic.ALERT_RAISED: Line.ALERTS,
    Topic.ALERT_RETRACTED: Line.ALERTS,
    Topic.ALERT_ACKNOWLEDGED: Line.ALERTS,
    Topic.INGEST_PROGRESS: Line.PROGRESS,
    Topic.PROVIDER_STATUS: Line.PROVIDERS,
    Topic.WALLET_FROZEN: Line.WALLETS,
    Topic.WALLET_FREED: Line.WALLETS,
    Topic.WALLET_SEIZED: Line.WALLETS,
    Topic.WALLET_RETRACTED: Line.WALLETS,
    Topic.WATCHLIST_CHANGED: Line.WATCHLISTS,
}
#: What takes back what was told before.
RETRACTIONS: Final = frozenset(
    {Topic.TRANSFER_RETRACTED, Topic.OTC_RETRACTED, Topic.WALLET_RETRACTED}
)
#: Lines whose events are kept in the transaction of what they tell: those of alerts in the vault,
#: all others in the outbox of the graph. Other lines tell how things stand now, and nobody misses
#: an old event of theirs.
KEPT_LINES: Final = (
    Line.TRANSFERS,
    Line.FINALIZED,
    Line.OTC,
    Line.PRICES,
    Line.ALERTS,
    Line.WALLETS,
)


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event: ``number`` counts from 1 on its line and chain, ``at`` is epoch milliseconds.

    ``body`` holds plain JSON values; amounts in base units are decimal text.
    """

    topic: Topic
    chain: str = ANY_CHAIN
    number: int
    at: int
    body: dict[str, Any]
    version: int = VERSION

    @property
    def line(self) -> Line:
        """The line that numbers it."""
        return LINE_OF[self.topic]


class News(msgspec.Struct, frozen=True, kw_only=True):
    """An event that has no number yet."""

    topic: Topic
    body: dict[str, Any]


class Lane(NamedTuple):
    """A line of one chain: what has numbers of its own."""

    line: Line
    chain: str

    def __str__(self) -> str:
        return f"{self.line}:{self.chain}"

    @classmethod
    def named(cls, name: str) -> "Lane":
        """The lane that says ``name`` of itself."""
        line, _, chain = name.partition(":")
        return cls(Line(line), chain)


class LineState(msgspec.Struct, frozen=True, kw_only=True):
    """Where a lane stands in the graph: ``first..last`` are kept, none when first > last.

    ``epoch`` names one history of numbers: in another one the same number is another event.
    """

    line: Line
    chain: str
    epoch: str
    first: int
    last: int

    @property
    def lane(self) -> Lane:
        """Which lane it is."""
        return Lane(self.line, self.chain)
