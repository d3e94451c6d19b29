"""Relay connections: how a page is asked for, checked in one place, and what it looks like.

Cursors are opaque to clients. Each holds the name of its list's order and a place in it, so that a
cursor of another list is refused instead of answered wrongly.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any, Final, Generic, TypeVar

import msgspec
import strawberry

from graph_api.domain.errors import BadInput
from graph_api.domain.pages import Page, Slice

T = TypeVar("T")

_LONGEST_CURSOR: Final = 600


class Paging(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows a list answers: ``default`` when not asked, never more than ``ceiling``."""

    default: int = 20
    ceiling: int = 100

    def size(self, name: str, asked: int | None) -> int:
        """The number of rows to answer. Raises: BadInput outside 1 to the ceiling."""
        if asked is None:
            return self.default
        if not 1 <= asked <= self.ceiling:
            raise BadInput(f"{name} is a number of 1 to {self.ceiling}, not {asked}.")
        return asked

    def page(
        self,
        order: str,
        *,
        first: int | None,
        after: str | None,
        last: int | None,
        before: str | None,
    ) -> Page:
        """The page that the four arguments of a connection ask for. Raises: BadInput."""
        if first is not None and last is not None:
            raise BadInput("Ask for the first or for the last rows, not for both.")
        backward = last is not None or (first is None and before is not None and after is None)
        return Page(
            size=self.size("last" if backward else "first", last if backward else first),
            after=None if after is None else place_of(order, after),
            before=None if before is None else place_of(order, before),
            backward=backward,
            order=order,
        )


def cursor_of(order: str, place: str) -> str:
    """The cursor of ``place`` in the list order named ``order``."""
    return urlsafe_b64encode(f"{order}:{place}".encode()).decode().rstrip("=")


def place_of(order: str, cursor: str) -> str:
    """The place in a cursor. Raises: BadInput when it is none, or belongs to another list."""
    try:
        padded = cursor[:_LONGEST_CURSOR] + "=" * (-len(cursor) % 4)
        found, colon, place = urlsafe_b64decode(padded.encode("ascii")).decode().partition(":")
    except ValueError:
        found = colon = place = ""
    if not colon or len(cursor) > _LONGEST_CURSOR:
        raise BadInput(f"{cursor[:40]!r} is no cursor; pass one that an earlier page returned.")
    if found != order:
        raise BadInput("The cursor comes from a list of another order; pass one of this list.")
    return place


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    """Relay's page information, and whether a bounded search is to be continued."""

    has_next_page: bool = strawberry.field(description="Whether the list goes on after this page.")
    has_previous_page: bool = strawberry.field(
        description="Whether the list has rows before this page."
    )
    start_cursor: str | None = strawberry.field(
        description="Pass it as `before` for the page before."
    )
    end_cursor: str | None = strawberry.field(description="Pass it as `after` for the next page.")
    stopped: bool = strawberry.field(
        description=(
            "True when a search had looked through as many rows as one page may cost before it had "
            "filled the page. Nothing is missing up to the cursor: go on from there."
        )
    )


def _cursor(root: Any) -> str:
    # Made only when asked for.
    return cursor_of(root.order, root.place)


@strawberry.type(description="One row of a list and its cursor.")
class Edge(Generic[T]):
    """A node and where it stands."""

    node: T = strawberry.field(description="The row itself.")
    order: strawberry.Private[str]
    place: strawberry.Private[str]

    cursor: str = strawberry.field(
        resolver=_cursor, description="The row's place in the list; opaque."
    )


def _edges(root: Any) -> list[Edge[Any]]:
    # Most clients ask for the nodes alone.
    return [
        Edge(node=node, order=root.order, place=place)
        for node, place in zip(root.nodes, root.places, strict=True)
    ]


@strawberry.type(description="One page of a list.")
class Connection(Generic[T]):
    """A page with cursors."""

    edges: list[Edge[T]] = strawberry.field(resolver=_edges, description="Rows with their cursors.")
    nodes: list[T] = strawberry.field(description="The same rows without cursors.")
    page_info: PageInfo = strawberry.field(description="Where the page lies in the list.")
    total_count: int | None = strawberry.field(
        description="Rows in the whole list; null where counting them would cost a scan."
    )
    order: strawberry.Private[str]
    places: strawberry.Private[Sequence[str]]


def connection(slice_: Slice[Any], nodes: list[Any], page: Page) -> Connection[Any]:
    """``slice_``, whose rows became ``nodes``, as clients see it."""
    start = slice_.places[0] if slice_.places else None
    end = slice_.places[-1] if slice_.places else None
    if slice_.stopped_at is not None:
        start, end = (slice_.stopped_at, end) if page.backward else (start, slice_.stopped_at)
    return Connection(
        nodes=nodes,
        page_info=PageInfo(
            has_next_page=slice_.more_after,
            has_previous_page=slice_.more_before,
            start_cursor=None if start is None else cursor_of(page.order, start),
            end_cursor=None if end is None else cursor_of(page.order, end),
            stopped=slice_.stopped_at is not None,
        ),
        total_count=slice_.total,
        order=page.order,
        places=slice_.places,
    )


def empty_connection() -> Connection[Any]:
    """The page of a parent that has no rows."""
    info = PageInfo(
        has_next_page=False,
        has_previous_page=False,
        start_cursor=None,
        end_cursor=None,
        stopped=False,
    )
    return Connection(nodes=[], page_info=info, total_count=0, order="", places=())
