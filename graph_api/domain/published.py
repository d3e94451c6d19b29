"""What the graph tells of a watchlist: one label for each wallet that is on it.

A label's id says which list it is of, so that a list's labels are one range of ids. Whatever
changes in what it says makes another label, and the one before is taken back.
"""

from collections.abc import Iterable
from datetime import datetime
from hashlib import blake2b
from typing import Final

from graph_api.domain.ids import AccountId
from graph_api.domain.labels import plain
from graph_api.domain.records import Label
from graph_api.domain.watchlists import Entry, EntryKind, Watchlist

#: That somebody watches a wallet says nothing of who it is: every other label weighs more.
CONFIDENCE: Final = 0.01
#: Sorts behind every sign of a digest.
_BEHIND: Final = "~"


def source_of(watchlist: Watchlist) -> str:
    """What labels of a list name as their source."""
    return f"watchlist:{plain(watchlist.name)}"


def labels_of(watchlist: Watchlist, entries: Iterable[Entry], *, now: datetime) -> list[Label]:
    """The labels that should stand; none of a list that is not published.

    One that stands already has the same id, whenever it was written.
    """
    since = watchlist.published_at
    if since is None:
        return []
    return [
        _label(watchlist, entry, since, now) for entry in entries if entry.kind is EntryKind.WALLET
    ]


def bounds_of(watchlist: str) -> tuple[str, str]:
    """From which id on, and before which one, the labels of a list are."""
    return _prefix(watchlist), f"{_prefix(watchlist)}{_BEHIND}"


def taken_back(label: str, *, at: datetime) -> Label:
    """What to write to take a label back."""
    return Label(
        id=label,
        accounts=(),
        label="",
        category=None,
        confidence=CONFIDENCE,
        source="",
        withdrawn_at=_ms(at),
    )


def _label(watchlist: Watchlist, entry: Entry, since: datetime, now: datetime) -> Label:
    note = None if entry.note is None else plain(entry.note)
    times = str(_ms(since)), str(_ms(entry.added_at))
    said = (watchlist.name, entry.key, *times, note or "")
    digest = blake2b("\x1f".join(said).encode(), digest_size=16).hexdigest()
    return Label(
        id=f"{_prefix(watchlist.id)}{digest}",
        accounts=(AccountId(entry.key),),
        label=plain(watchlist.name),
        category=None,
        confidence=CONFIDENCE,
        source=source_of(watchlist),
        learned_at=_ms(now),
        note=note,
    )


def _prefix(watchlist: str) -> str:
    return f"label:watchlist:{watchlist}:"


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
