"""Pages of what the vault keeps by its moments, and of lists that are all there: places as text,
and what they bound.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from graph_api.domain.errors import BadInput
from graph_api.domain.pages import Page, Slice
from graph_api.vault.pages import First, Last, Place, Window
from graph_api.vault.pages import Page as Found

Row = TypeVar("Row")


def placed(found: Found[Row], place: Callable[[Row], tuple[datetime, str]]) -> Slice[Row]:
    """What was found, each row with its moment and id as cursors carry them."""
    places = [place(row) for row in found.rows]
    return Slice(
        rows=found.rows,
        places=[f"{at.isoformat()} {id}" for at, id in places],
        more_before=found.newer,
        more_after=found.older,
    )


def window(page: Page) -> Window:
    """The part of a list that ``page`` asks for. Raises: BadInput."""
    if page.after is not None and page.before is not None:
        raise BadInput("Ask for what comes after a place or before one, not for both.")
    if page.backward:
        return Last(page.size, before=_place(page.before))
    return First(page.size, after=_place(page.after))


def numbered(rows: Sequence[Row], page: Page) -> Slice[Row]:
    """A page of rows that are all there, by their numbers, which are their places too."""
    first = 0 if page.after is None else int(page.after) + 1
    last = len(rows) if page.before is None else min(int(page.before), len(rows))
    if page.backward:
        first = max(first, last - page.size)
    else:
        last = min(last, first + page.size)
    return Slice(
        rows=rows[first:last],
        places=[str(number) for number in range(first, last)],
        more_before=first > 0,
        more_after=last < len(rows),
        total=len(rows),
    )


def _place(text: str | None) -> Place | None:
    if text is None:
        return None
    at, _, id = text.partition(" ")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadInput("The cursor is none of this list; pass one that an earlier page returned.")
    return Place(moment, id)
