"""What assets cost: now, or as it was known at a moment, and how old that is."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from graph_api.domain.errors import BadInput
from graph_api.store import prices
from graph_api.store.graph import Graph
from graph_api.store.prices import AssetRow, Moment, PriceRow

#: How many assets can be asked for at once.
MAX_ASSETS: Final = 100


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A price: US dollars for a whole unit, by ``source``, known since ``at``.

    ``age_s`` is how old it was at the moment that was asked for.
    """

    asset: str
    usd: Decimal
    source: str
    at: datetime
    age_s: float


async def assets(graph: Graph) -> list[AssetRow]:
    """Every asset, in the order of their ids."""
    return await prices.assets(graph)


async def price(
    graph: Graph, *, asset: str, at: datetime | None = None, now: datetime
) -> Known | None:
    """What ``asset`` (an id or a symbol) cost ``at`` a moment, or costs now; None while unknown."""
    rows = _named([asset], await prices.assets(graph))
    if at is None:
        return next((_newest(row, now) for row in rows), None)
    found = await prices.at(graph, [Moment(asset=row.id, at=at) for row in rows])
    return next((_known(one, at) for one in found.values()), None)


async def several(graph: Graph, *, assets: list[str] | None = None, now: datetime) -> list[Known]:
    """What ``assets`` cost now, or all of them; unknown and unpriced ones are left out.

    Raises: BadInput when these are more than ``MAX_ASSETS``.
    """
    rows = await prices.assets(graph)
    wanted = rows if assets is None else _named(assets, rows)
    found = (_newest(row, now) for row in wanted)
    return [one for one in found if one is not None]


async def ids_of(graph: Graph, names: Sequence[str]) -> list[str]:
    """The ids of the assets ``names``, which are ids or symbols. Raises: BadInput for others."""
    rows = await prices.assets(graph)
    known = _by_name(rows)
    for name in names:
        if _key(name) not in known:
            raise BadInput(f"No asset is called {name!r}; `assets` lists those that are priced.")
    return [row.id for row in _named(names, rows)]


def _named(names: Sequence[str], rows: Sequence[AssetRow]) -> list[AssetRow]:
    if len(names) > MAX_ASSETS:
        raise BadInput(f"Up to {MAX_ASSETS} assets can be asked for at once.")
    known = _by_name(rows)
    found = (known.get(_key(name)) for name in names)
    return list({row.id: row for row in found if row is not None}.values())


def _by_name(rows: Sequence[AssetRow]) -> dict[str, AssetRow]:
    return {row.symbol.lower(): row for row in reversed(rows)} | {row.id: row for row in rows}


def _key(name: str) -> str:
    return name.strip().lower()


def _newest(row: AssetRow, now: datetime) -> Known | None:
    if row.usd is None or row.source is None or row.at is None:
        return None
    return _known(PriceRow(asset=row.id, usd=row.usd, source=row.source, at=row.at), now)


def _known(row: PriceRow, moment: datetime) -> Known:
    return Known(
        asset=row.asset,
        usd=Decimal(row.usd),
        source=row.source,
        at=row.at,
        age_s=max(0.0, (moment - row.at).total_seconds()),
    )
