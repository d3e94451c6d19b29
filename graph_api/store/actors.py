"""Questions about actors: who owns wallets."""

from collections.abc import Sequence
from typing import Final

import msgspec

from graph_api.domain.pages import Page, Slice, slice_of
from graph_api.domain.records import ActorType
from graph_api.store.graph import Graph
from graph_api.store.records import looks_up

#: Sorts behind every id.
_END: Final = "\U0010ffff"


class ActorRow(msgspec.Struct, frozen=True):
    """An actor's own properties. ``confidence`` is that of the description, 0 where there is none.

    ``registered`` says that a desk registry lists it.
    """

    id: str
    name: str
    type: str
    url: str | None
    logo_url: str | None
    jurisdictions: list[str] | None
    source: str | None
    confidence: float
    registered: bool


@looks_up("actors/by_ids", ActorRow)
async def by_ids(graph: Graph, actors: list[str]) -> dict[str, ActorRow]:
    """The actors that are in the graph."""
    return {row.id: row for row in await graph.read("actors/by_ids", ActorRow, ids=actors)}


async def listed(
    graph: Graph,
    *,
    types: Sequence[ActorType] | None = None,
    registered: bool | None = None,
    ids: Sequence[str] | None = None,
    page: Page,
) -> Slice[ActorRow]:
    """A page of actors in the order of their ids; None leaves a condition out."""
    rows = await graph.read(
        "actors/page_back" if page.backward else "actors/page",
        ActorRow,
        after=page.after or "",
        before=page.before or _END,
        types=None if types is None else [type.value for type in types],
        registered=registered,
        ids=None if ids is None else list(ids),
        limit=page.size + 1,
    )
    return slice_of([(row.id, row) for row in rows], page)
