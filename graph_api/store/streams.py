"""Reads long lists by the keys of an index, newest first: pages both ways, filters with a budget.

A stream is a list that belongs to an owner (a wallet's transfers): keys are the owner's digest and
the order of the row, so ascending text is the order of the list. Statements are read forwards
only, because one of the engines sorts whatever it is asked to order: a page from the end is read
as a window of keys that is small enough, and counting finds it.

A filtered page looks at no more than ``BUDGET`` rows; where that does not fill it, it says at
which place it stopped.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import repeat
from typing import Any, Final, Generic, TypeVar

import msgspec

from graph_api.domain.pages import Page, Slice
from graph_api.domain.positions import page_key
from graph_api.store.graph import Graph
from graph_api.store.records import Columns

_ROUNDS: Final = (200, 1_000, 4_000, 15_000)
#: How many rows of a filtered list one page looks at.
BUDGET: Final = sum(_ROUNDS)
_OF_KEYS: Final = ".0123456789abcdef|~"
#: What ids are written with.
OF_IDS: Final = "".join(map(chr, range(33, 127)))
#: Sorts behind every key.
END: Final = "\x7f"
#: The columns by which rows of a stream find their places.
OF_HITS: Final = frozenset({"owner", "side", "scanned", "last", "key"})


Row = TypeVar("Row", bound=msgspec.Struct, covariant=True)


def _digest(owner: str) -> str:
    return page_key(owner, "")


class Stream(msgspec.Struct, Generic[Row], frozen=True, kw_only=True):
    """How a list is read: its statements and its record.

    Beside what a row says, its record has ``owner`` and ``side``, the row's ``key``, how many rows
    of its side were ``scanned`` and the ``last`` key among them; all but these are None where no
    row passed the filters.
    ``scan`` looks through keys and filters, ``window`` counts them; ``newest`` reads them as they
    are, where a shorter statement is worth it. ``prefix`` is what the keys of an owner begin with,
    ``letters`` every character that may follow, in their order. ``reader`` answers instead of
    ``scan`` where that takes more than one statement: few rows among many keys.
    """

    record: type[Row]
    scan: str
    window: str
    newest: str | None = None
    prefix: Callable[[str], str] = _digest
    letters: str = _OF_KEYS
    reader: "Reader | None" = None


Reader = Callable[[Graph, list[dict[str, Any]], dict[str, Any]], Awaitable[list[Any]]]


class Span(msgspec.Struct, frozen=True):
    """Part of a list: orders behind ``after`` and before ``end``."""

    after: str = ""
    end: str = END


_ALL: Final = (Span(),)


class _Walk(Generic[Row]):
    """One owner's page while it is being filled."""

    def __init__(self, owner: str, spans: Sequence[Span], page: Page, *, prefix: str) -> None:
        self.owner, self.page, self._prefix = owner, page, prefix
        self.spans = [part for span in spans if (part := _clipped(span, page)) is not None]
        if page.backward:
            self.spans.reverse()
        self._rows: dict[str, Row] = {}
        self._place: str | None = None

    @property
    def open(self) -> bool:
        """Whether rows are missing and there is a part of the list to look for them."""
        return bool(self.spans) and self.missing > 0

    @property
    def missing(self) -> int:
        """Rows that the page lacks, the one included that tells whether more follow."""
        return self.page.size + 1 - len(self._rows)

    def branch(self, span: Span | None = None) -> dict[str, Any]:
        """The parameters of a statement that reads ``span``, by default what comes next."""
        span = span or self.spans[0]
        return {
            "owner": self.owner,
            "prefix": self._prefix,
            "after": self._prefix + span.after,
            "end": self._prefix + span.end,
        }

    def order(self, key: str) -> str:
        """The place that a key stands for."""
        return key[len(self._prefix) :]

    def keep(self, rows: Sequence[Any], *, until: str | None) -> None:
        """Take rows up to a place; a row of both sides has one place and counts once."""
        begin, kept = len(self._prefix), self._rows
        for row in rows:
            if (key := row.key) is not None:
                place = key[begin:]
                if until is None or place <= until:
                    kept[place] = row

    def go_on_from(self, place: str | None) -> None:
        """All up to ``place`` was looked at; None: all of the span was."""
        if place is None:
            self.spans.pop(0)
            return
        self._place = place
        span = self.spans[0]
        self.spans[0] = Span(span.after, place) if self.page.backward else Span(place, span.end)

    def slice(self) -> Slice[Row]:
        """The page as far as it was filled."""
        page, order = self.page, sorted(self._rows)
        kept = order[-page.size :] if page.backward else order[: page.size]
        more = len(order) > page.size or self.open
        return Slice(
            rows=[self._rows[place] for place in kept],
            places=kept,
            more_before=more if page.backward else page.after is not None,
            more_after=page.before is not None if page.backward else more,
            stopped_at=self._place if self.open else None,
        )


async def pages(
    graph: Graph,
    stream: Stream[Row],
    owners: Sequence[str],
    *,
    page: Page,
    spans: Mapping[str, Sequence[Span]] | None = None,
    filters: dict[str, Any] | None = None,
    columns: Columns = None,
) -> dict[str, Slice[Row]]:
    """The page of each owner's list.

    Args:
        spans: The parts of an owner's list to look at, in its order; all of it when absent.
        filters: The parameters of the statement's filters, None where one is not used.
        columns: What of the rows is looked at.
    """
    walks: list[_Walk[Row]] = [
        _Walk(owner, (spans or {}).get(owner, _ALL), page, prefix=stream.prefix(owner))
        for owner in owners
    ]
    filters = filters or {}
    filtered = stream.reader is not None or any(value is not None for value in filters.values())
    for scan in _ROUNDS if filtered else repeat(None):
        active = [walk for walk in walks if walk.open]
        if not active:
            break
        read = _read_back if page.backward else _read_on
        await read(graph, stream, active, filters, scan=scan, columns=columns)
    return {walk.owner: walk.slice() for walk in walks}


async def _read_on(
    graph: Graph,
    stream: Stream[Row],
    walks: Sequence[_Walk[Row]],
    filters: dict[str, Any],
    *,
    scan: int | None,
    columns: Columns,
) -> None:
    """The next rows of each walk; ``scan`` of them are looked at where they are filtered."""
    limit = max(walk.missing for walk in walks)
    branches = [walk.branch() for walk in walks]
    if stream.newest is not None and scan is None:
        rows = await graph.read_each(
            stream.newest, stream.record, branches, limit=limit, columns=columns
        )
    else:
        sizes = {"scan": scan or limit, "limit": limit}
        rows = await _scanned(graph, stream, branches, filters | sizes, columns=columns)
    for walk, mine in _by_walk(walks, rows):
        reached = [_reached(side, scan or limit, limit) for side in _by_side(mine)]
        # What one side shows behind the place where another stopped may lack rows of the other.
        end = min((walk.order(key) for key in reached if key is not None), default=None)
        walk.keep(mine, until=end)
        walk.go_on_from(end)


async def _read_back(
    graph: Graph,
    stream: Stream[Row],
    walks: Sequence[_Walk[Row]],
    filters: dict[str, Any],
    *,
    scan: int | None,
    columns: Columns,
) -> None:
    """The rows before the end of each walk, within a window of keys that holds enough of them."""
    wanted = scan or max(walk.missing for walk in walks)
    most = 4 * wanted + 100
    windows = await _windows(graph, stream, walks, wanted=wanted, most=most)
    branches = [walk.branch(windows[walk.owner]) for walk in walks]
    sizes = {"scan": most, "limit": most}
    rows = await _scanned(graph, stream, branches, filters | sizes, columns=columns)
    for walk, mine in _by_walk(walks, rows):
        if any(_reached(side, most, most) for side in _by_side(mine)):
            continue  # rows came in since they were counted: the window is looked for again
        low = windows[walk.owner].after
        walk.keep(mine, until=None)
        walk.go_on_from(None if low == walk.spans[0].after else low)


async def _scanned(
    graph: Graph,
    stream: Stream[Row],
    branches: list[dict[str, Any]],
    parameters: dict[str, Any],
    *,
    columns: Columns,
) -> list[Any]:
    if stream.reader is not None:
        return await stream.reader(graph, branches, parameters)
    return [
        *await graph.read_each(stream.scan, stream.record, branches, columns=columns, **parameters)
    ]


def _by_walk(
    walks: Sequence[_Walk[Row]], rows: Sequence[Any]
) -> list[tuple[_Walk[Row], list[Any]]]:
    if len(walks) == 1:
        return [(walks[0], [*rows])]
    by_owner: dict[str, list[Any]] = {walk.owner: [] for walk in walks}
    for row in rows:
        by_owner[row.owner].append(row)
    return [(walk, by_owner[walk.owner]) for walk in walks]


def _by_side(rows: Sequence[Any]) -> list[list[Any]]:
    if len({row.side for row in rows}) == 1:
        return [[*rows]]
    by_side: dict[str, list[Any]] = {}
    for row in rows:
        by_side.setdefault(row.side, []).append(row)
    return list(by_side.values())


def _reached(rows: Sequence[Any], scan: int, limit: int) -> str | None:
    """The last key that was looked at on one side, or None where nothing lies behind it."""
    keys = [row.key for row in rows if row.key is not None]
    scanned, last = rows[0].scanned, rows[0].last
    if (len(rows) if scanned is None else len(keys)) >= limit:
        return max(keys, default=None)
    return last if scanned is not None and scanned >= scan else None


async def _windows(
    graph: Graph, stream: Stream[Row], walks: Sequence[_Walk[Row]], *, wanted: int, most: int
) -> dict[str, Span]:
    """For each owner the part before the end of its span that holds ``wanted`` to ``most`` rows.

    Windows that share their end are counted together, each up to ``most``. The smallest that holds
    enough is taken; one that holds too much is divided by the next letter of its keys.
    """
    found = {walk.owner: walk.spans[0] for walk in walks}
    lows = {walk.owner: _shorter(walk.spans[0]) for walk in walks}
    while any(lows.values()):
        branches: list[dict[str, Any]] = []
        asked: list[tuple[str, str]] = []
        for walk in walks:
            for low in lows[walk.owner]:
                window = walk.branch(Span(low, walk.spans[0].end))
                branches.append(
                    {"number": len(asked), "low": window["after"], "high": window["end"]}
                )
                asked.append((walk.owner, low))
        counts = [0] * len(asked)
        for row in await graph.read_each(stream.window, _Count, branches, most=most):
            counts[row.number] += row.rows
        for walk in walks:
            mine = [
                (low, count)
                for (owner, low), count in zip(asked, counts, strict=True)
                if owner == walk.owner
            ]
            if mine:
                found[walk.owner], lows[walk.owner] = _smallest(
                    mine,
                    found[walk.owner],
                    wanted=wanted,
                    most=most,
                    letters=stream.letters,
                )
    return found


def _shorter(span: Span) -> list[str]:
    """Places before the end of ``span``, each about ten times as far away as the one before it."""
    prefixes = (span.end[:length] for length in range(len(span.end) - 1, 0, -1))
    return [*(prefix for prefix in prefixes if prefix > span.after), span.after]


def _smallest(
    counted: Sequence[tuple[str, int]], within: Span, *, wanted: int, most: int, letters: str
) -> tuple[Span, list[str]]:
    """The smallest window that holds enough, and where finer ones begin if it holds too much."""
    shorter = within.end
    for low, count in counted:
        if count >= wanted:
            finer = _between(low, shorter, letters) if count >= most else []
            return Span(low, within.end), [*finer, low] if finer else []
        shorter = low
    return within, []


def _between(low: str, high: str, letters: str) -> list[str]:
    """Places that divide what lies between two, by one letter, from the higher to the lower."""
    length = 0
    while length < min(len(low), len(high)) and low[length] == high[length]:
        length += 1
    while length <= len(low):
        steps = (low[:length] + letter for letter in reversed(letters))
        if between := [step for step in steps if low < step < high]:
            return between
        length += 1
    return []


class _Count(msgspec.Struct, frozen=True):
    number: int
    rows: int


def _clipped(span: Span, page: Page) -> Span | None:
    """The part of ``span`` between the cursors of ``page``."""
    after = max(span.after, page.after or "")
    end = min(span.end, page.before or END)
    return Span(after, end) if after < end else None
