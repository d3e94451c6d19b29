"""Pages of what the vault keeps by its moments: places as text, and the window that they bound."""

from collections.abc import Callable
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
