"""The outbox: events, numbered and kept in the transaction that writes what they tell.

Numbers of a lane have no gap: they are given under a lock that lasts until the transaction ends,
and one that fails gives them back. A publisher copies the events to the bus and later lets the
oldest ones be forgotten; the bus may be emptied at any time, and is refilled from here.
"""

import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from graph_api.domain.events import LINE_OF, Event, Line, LineState, News
from graph_api.store.graph import Graph, Row, Writing
from graph_api.store.records import moment

__all__ = ["LineState", "after", "append", "lines", "older", "oldest", "renew", "trim"]

#: A row holds so many events, or so many characters of them, at most.
ROW_EVENTS: Final = 256
ROW_CHARACTERS: Final = 256_000
#: So many rows are read or forgotten at a time.
ROWS: Final = 32

_DIGITS: Final = 16
# Sorts behind every number.
_END: Final = "~"


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    first: int
    last: int
    at: int
    payload: str


class _Age(msgspec.Struct, frozen=True, kw_only=True):
    first: int
    last: int
    at: int


async def append(
    writing: Writing, line: Line, chain: str, news: Sequence[News], *, now: datetime
) -> int:
    """Number ``news`` and keep them, inside the transaction that writes what they tell.

    Returns: the number of the last one; where there are none, the one that the line had come to.
    """
    strays = {one.topic for one in news if LINE_OF[one.topic] is not line}
    if strays:
        raise ValueError(f"{min(strays)} does not travel on the line {line}.")
    (row,) = await writing.run(
        "outbox/number",
        id=_line_id(line, chain),
        line=line.value,
        chain=chain,
        epoch=new_epoch(),
        count=len(news),
    )
    last: int = row["last"]
    if news:
        await writing.run("outbox/put", rows=_rows(line, chain, news, last=last, now=now))
    return last


async def after(graph: Graph, line: Line, chain: str, number: int, *, limit: int) -> list[Event]:
    """Up to ``limit`` events that follow ``number``, in order; none only when there are none."""
    rows = await graph.read(
        "outbox/after",
        _Kept,
        after=_key(line, chain, number),
        end=_key(line, chain, None),
        limit=max(1, min(limit, ROWS)),
    )
    rows.sort(key=lambda row: row.first)
    events = (event for row in rows for event in _events(row, chain) if event.number > number)
    return [event for event, _ in zip(events, range(limit), strict=False)]


async def lines(graph: Graph) -> list[LineState]:
    """Where every lane stands."""
    return await graph.read("outbox/lines", LineState)


async def oldest(graph: Graph, line: Line, chain: str, number: int = 0) -> datetime | None:
    """When the first event after ``number`` was written; None when there is none."""
    for row in await _ages(graph, line, chain, number, limit=1):
        return moment(row.at)
    return None


async def older(graph: Graph, line: Line, chain: str, than: datetime) -> int:
    """The highest number that was written before ``than``, 0 when there is none.

    Looks at a bounded number of the oldest rows: ask again after they are trimmed.
    """
    reached = 0
    rows = await _ages(graph, line, chain, 0, limit=1_000)
    for row in sorted(rows, key=lambda row: row.first):
        if moment(row.at) >= than:
            break
        reached = row.last
    return reached


async def trim(graph: Graph, line: Line, chain: str, *, through: int) -> int:
    """Forget events up to ``through``; events of one row go together, when all of them may.

    Returns: the lowest number that is kept now; 0 when none was forgotten.
    """
    first = 0

    async def some(writing: Writing) -> bool:
        nonlocal first
        (row,) = await writing.run(
            "outbox/forget",
            after=_key(line, chain, 0),
            end=_key(line, chain, through + 1),
            limit=ROWS,
        )
        if row["last"] is None:
            return False
        first = row["last"] + 1
        await writing.run("outbox/advance", id=_line_id(line, chain), first=first)
        return True

    while await graph.write(some):
        pass
    return first


async def renew(graph: Graph, state: LineState) -> None:
    """Begin a new epoch: numbers that were published are of a history that the graph left.

    Safe to repeat, and when somebody else does it at the same time.
    """

    async def work(writing: Writing) -> None:
        await writing.run(
            "outbox/renew",
            id=_line_id(state.line, state.chain),
            epoch=state.epoch,
            next=new_epoch(),
        )

    await graph.write(work)


def new_epoch() -> str:
    """A name that no other history has."""
    return secrets.token_hex(6)


async def _ages(graph: Graph, line: Line, chain: str, number: int, *, limit: int) -> list[_Age]:
    return await graph.read(
        "outbox/ages",
        _Age,
        after=_key(line, chain, number),
        end=_key(line, chain, None),
        limit=limit,
    )


def _line_id(line: Line, chain: str) -> str:
    return f"{line}|{chain}"


def _key(line: Line, chain: str, last: int | None) -> str:
    """The key of the row that ends with ``last``: all keys after it belong to later events."""
    number = _END if last is None else f"{last:0{_DIGITS}d}"
    return f"{line}|{chain}|{number}"


def _rows(line: Line, chain: str, news: Sequence[News], *, last: int, now: datetime) -> list[Row]:
    first, rows = last - len(news) + 1, list[Row]()
    for texts in _portions(news):
        end = first + len(texts) - 1
        rows.append(
            {
                "id": _key(line, chain, end),
                "line": line.value,
                "chain": chain,
                "first": first,
                "last": end,
                "at": round(now.timestamp() * 1000),
                "payload": f"[{','.join(texts)}]",
            }
        )
        first = end + 1
    return rows


def _portions(news: Sequence[News]) -> Iterator[list[str]]:
    """The JSON texts of ``news``, as many together as one row may hold."""
    texts, size = list[str](), 0
    for one in news:
        text = msgspec.json.encode(one).decode()
        if texts and (len(texts) == ROW_EVENTS or size + len(text) > ROW_CHARACTERS):
            yield texts
            texts, size = [], 0
        texts.append(text)
        size += len(text)
    if texts:
        yield texts


_news: Final[msgspec.json.Decoder[list[News]]] = msgspec.json.Decoder(list[News])


def _events(row: _Kept, chain: str) -> Iterator[Event]:
    for number, one in enumerate(_news.decode(row.payload), row.first):
        body: dict[str, Any] = one.body
        yield Event(topic=one.topic, chain=chain, number=number, at=row.at, body=body)
