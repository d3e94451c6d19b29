"""Pages of long lists: which part is asked for, and the part that answers.

A place is the sort key of a row within its list. Pages begin and end at places and never at
numbers of rows, so that they stay where they are while rows are added.
"""

from collections.abc import Sequence
from typing import Generic, TypeVar

import msgspec

Row = TypeVar("Row", covariant=True)


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Up to ``size`` rows between two places: the first of them, or the last when ``backward``.

    ``order`` names the order that the places belong to.
    """

    size: int
    after: str | None = None
    before: str | None = None
    backward: bool = False
    order: str = ""


class Slice(msgspec.Struct, Generic[Row], frozen=True, kw_only=True):
    """Rows in the order of their list, each with its place.

    ``more_before`` and ``more_after`` tell whether the list goes on at either end. ``stopped_at``
    is set where a search gave up for now before it had filled the page: what comes next has been
    looked at up to that place, and the caller may go on from there. ``total`` counts the whole
    list where that costs nothing.
    """

    rows: Sequence[Row]
    places: Sequence[str]
    more_before: bool = False
    more_after: bool = False
    stopped_at: str | None = None
    total: int | None = None


def slice_of(
    rows: Sequence[tuple[str, Row]], page: Page, *, total: int | None = None
) -> Slice[Row]:
    """The slice of ``rows`` that were read from the page's near end, one more than its size.

    Each row comes with its place. A backward page is read against the order of the list.
    """
    more, kept = len(rows) > page.size, rows[: page.size]
    if page.backward:
        kept = kept[::-1]
    return Slice(
        rows=[row for _, row in kept],
        places=[place for place, _ in kept],
        more_before=more if page.backward else page.after is not None,
        more_after=page.before is not None if page.backward else more,
        total=total,
    )
