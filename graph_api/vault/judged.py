"""What judges of events ask of all workspaces at once: rules that are on, who watches what."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import func, select

from graph_api.domain.alerts import Rule
from graph_api.domain.watchlists import EntryKind
from graph_api.vault.alert_rules import CHANGES, as_rule
from graph_api.vault.tables import alert_rules, counters, watchlist_entries
from graph_api.vault.vault import Door

#: Rows of one statement: SQLite takes up to 32,766 values.
_CHUNK = 500


class Watching(NamedTuple):
    """A list of a workspace."""

    workspace: str
    watchlist: str


async def revision(vault: Door) -> int:
    """Another number whenever a rule of any workspace has changed: a look that costs little."""
    question = select(func.coalesce(func.sum(counters.c.last), 0)).where(
        counters.c.counter == CHANGES
    )
    async with vault.reading() as connection:
        return int((await connection.execute(question)).scalar_one())


async def rules(vault: Door) -> list[Rule]:
    """Every rule that is on, of all workspaces, in the order of workspaces and creation."""
    order = alert_rules.c.workspace, alert_rules.c.created_at, alert_rules.c.id
    question = (
        select(alert_rules)
        .where(alert_rules.c.enabled, alert_rules.c.removed_at.is_(None))
        .order_by(*order)
    )
    async with vault.reading() as connection:
        return [as_rule(row) for row in await connection.execute(question)]


async def watching(vault: Door, kind: EntryKind, keys: Sequence[str]) -> dict[str, list[Watching]]:
    """The lists of all workspaces that name each of ``keys``; who is on none is left out."""
    entry = watchlist_entries.c
    found: dict[str, list[Watching]] = {}
    async with vault.reading() as connection:
        for begin in range(0, len(keys), _CHUNK):
            question = (
                select(entry.key, entry.workspace, entry.watchlist)
                .where(entry.kind == kind, entry.key.in_(keys[begin : begin + _CHUNK]))
                .order_by(entry.workspace, entry.watchlist)
            )
            for row in await connection.execute(question):
                found.setdefault(row.key, []).append(Watching(row.workspace, row.watchlist))
    return found
