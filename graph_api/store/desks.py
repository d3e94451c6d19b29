"""Questions about desks: actors that trade over the counter, and what their wallets did."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from graph_api.domain.pages import Page, Slice, slice_of
from graph_api.domain.positions import page_key
from graph_api.domain.records import ActorType
from graph_api.store import actors, streams
from graph_api.store.actors import ActorRow
from graph_api.store.graph import Graph

#: What a desk is when nobody asks for other types.
DESK_TYPES: Final = (ActorType.OTC_DESK, ActorType.MARKET_MAKER, ActorType.PROP_TRADING)
#: How many of a desk's labels its totals are made of.
MAX_LABELS: Final = 1_000
#: How many actors one page of desks looks at, and how many at a time.
_BUDGET: Final = 400
_AT_ONCE: Final = 100


class DeskSource(StrEnum):
    """Where a desk is known from."""

    REGISTRY = "registry"
    DATABASE = "database"
    ALL = "all"


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """What an actor's labelled wallets did, as far as it is loaded.

    ``scanned`` labels were looked at, ``labels`` of them held at the moment; transfers between two
    of its wallets count at both.
    """

    actor: str
    scanned: int = 0
    labels: int = 0
    wallets: int = 0
    active_wallets: int = 0
    transfers_in: int = 0
    transfers_out: int = 0
    first_seen_at: datetime | None = None
    last_seen_at: datetime | None = None


class DeskRow(msgspec.Struct, frozen=True):
    """An actor that trades, and its wallets' activity."""

    actor: ActorRow
    activity: Activity

    @property
    def validated(self) -> bool:
        """Whether the database shows it at work: a labelled wallet has loaded transfers."""
        return self.activity.active_wallets > 0

    def known_from(self, source: DeskSource) -> bool:
        """Whether a desk registry lists it, or the database shows it at work."""
        in_registry = self.actor.registered and source is not DeskSource.DATABASE
        in_database = self.validated and source is not DeskSource.REGISTRY
        return in_registry or in_database


async def by_ids(
    graph: Graph, desks: list[str], *, as_of: datetime | None = None, now: datetime
) -> dict[str, DeskRow]:
    """The actors of these ids as desks, whatever their type."""
    found = await actors.by_ids(graph, desks)
    rows = await _with_activity(graph, list(found.values()), at=as_of or now)
    return {row.actor.id: row for row in rows}


async def listed(
    graph: Graph,
    *,
    source: DeskSource = DeskSource.ALL,
    validated_only: bool = False,
    types: Sequence[ActorType] | None = None,
    as_of: datetime | None = None,
    now: datetime,
    page: Page,
) -> Slice[DeskRow]:
    """A page of desks in the order of their ids.

    Args:
        source: Those of desk registries, those that the database shows at work, or both.
        validated_only: Leave out those of which no labelled wallet has loaded transfers.
        types: What kinds of actors count as desks; ``DESK_TYPES`` where not given.
    """
    registered = True if source is DeskSource.REGISTRY else None
    rows: list[tuple[str, DeskRow]] = []
    window, looked_at, stopped = page, 0, None
    while len(rows) <= page.size:
        window = msgspec.structs.replace(window, size=_AT_ONCE)
        some = await actors.listed(
            graph, types=types or DESK_TYPES, registered=registered, page=window
        )
        ordered = list(some.rows)[::-1] if page.backward else list(some.rows)
        rows += [
            (row.actor.id, row)
            for row in await _with_activity(graph, ordered, at=as_of or now)
            if row.known_from(source) and (row.validated or not validated_only)
        ]
        if not (some.more_before if page.backward else some.more_after):
            break
        window = _behind(window, ordered[-1].id)
        looked_at += len(ordered)
        if looked_at >= _BUDGET and len(rows) <= page.size:
            stopped = ordered[-1].id
            break
    found = slice_of(rows, page)
    if stopped is None:
        return found
    more = {"more_before": True} if page.backward else {"more_after": True}
    return msgspec.structs.replace(found, stopped_at=stopped, **more)


async def _with_activity(graph: Graph, rows: Sequence[ActorRow], *, at: datetime) -> list[DeskRow]:
    branches = [
        {"owner": row.id, "after": page_key(row.id, ""), "end": page_key(row.id, streams.END)}
        for row in rows
    ]
    found = {
        activity.actor: activity
        for activity in await graph.read_each(
            "desks/activity", Activity, branches, scan=MAX_LABELS, at=at
        )
    }
    return [DeskRow(row, found.get(row.id) or Activity(actor=row.id)) for row in rows]


def _behind(page: Page, place: str) -> Page:
    if page.backward:
        return msgspec.structs.replace(page, before=place)
    return msgspec.structs.replace(page, after=place)
