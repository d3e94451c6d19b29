"""Pages of what a workspace has, newest first, that stay in place while more is added."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Row, Select, literal, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from graph_api.domain.errors import BadInput

MAX_ROWS = 500
Record = TypeVar("Record")


class Place(msgspec.Struct, frozen=True):
    """Where a row stands in the order: its moment, then its id."""

    at: datetime
    id: str


class First(msgspec.Struct, frozen=True):
    """The newest ``rows``, or the next older ones after a place."""

    rows: int = 20
    after: Place | None = None


class Last(msgspec.Struct, frozen=True):
    """The oldest ``rows``, or the next newer ones before a place."""

    rows: int = 20
    before: Place | None = None


Window = First | Last
NEWEST = First()


class Page(msgspec.Struct, Generic[Record], frozen=True, kw_only=True):
    """Some rows, always newest first; ``older`` and ``newer`` tell whether more lie that way.

    Past the place where a window begins nothing is looked up: there it says whether one was given.
    """

    rows: list[Record]
    newer: bool
    older: bool


async def page(
    connection: AsyncConnection,
    question: Select[Any],
    window: Window,
    *,
    order: tuple[ColumnElement[datetime], ColumnElement[str]],
    of: Callable[[Row[Any]], Record],
) -> Page[Record]:
    """The rows of ``question`` inside ``window``, in the order of moment and id."""
    if not 1 <= window.rows <= MAX_ROWS:
        raise BadInput(f"A page has 1 to {MAX_ROWS} rows, not {window.rows}.")
    bounded = _bounded(question, window, order).limit(window.rows + 1)
    found = [of(row) for row in await connection.execute(bounded)]
    more, rows = len(found) > window.rows, found[: window.rows]
    if isinstance(window, First):
        return Page(rows=rows, newer=window.after is not None, older=more)
    return Page(rows=rows[::-1], newer=more, older=window.before is not None)


def _bounded(
    question: Select[Any],
    window: Window,
    order: tuple[ColumnElement[datetime], ColumnElement[str]],
) -> Select[Any]:
    key, at, id_ = tuple_(*order), *order
    if isinstance(window, First):
        if window.after is not None:
            question = question.where(key < _literal(window.after, order))
        return question.order_by(at.desc(), id_.desc())
    if window.before is not None:
        question = question.where(key > _literal(window.before, order))
    return question.order_by(at, id_)


def _literal(place: Place, order: tuple[ColumnElement[Any], ColumnElement[Any]]) -> Any:
    at, id_ = order
    return tuple_(literal(place.at, at.type), literal(place.id, id_.type))
