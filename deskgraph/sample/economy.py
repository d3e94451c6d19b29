"""Sixty days of a small invented economy, written as files that ``deskgraph ingest load`` reads.

The same seed, size and last day give the same bytes. docs/sample-data.md tells who takes part and
what each file holds.
"""

import json
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final, Protocol

from deskgraph.sample import cast
from deskgraph.sample.agenda import DAY
from deskgraph.sample.coin_life import CoinLife
from deskgraph.sample.desks import Desk, MarketMaker
from deskgraph.sample.exchanges import Exchange
from deskgraph.sample.founding import found
from deskgraph.sample.labels import write_labels
from deskgraph.sample.retail import Retail
from deskgraph.sample.shadows import Shadows
from deskgraph.sample.world import DAYS, World
from graph_api.domain.errors import BadInput

#: Sizes by name, as multiples of about 2,000 transfers.
SIZES: Final = {"small": 1, "medium": 10, "large": 100}
LAST_DAY: Final = date(2026, 3, 1)


class Story(Protocol):
    """Something that happens: ``open`` puts it on the agenda."""

    def open(self) -> None: ...


def write_economy(
    folder: Path,
    *,
    seed: int,
    size: str,
    last_day: date = LAST_DAY,
    truth: Path | None = None,
) -> list[Path]:
    """Write the economy below ``folder``; the files in the order in which to load them.

    A file of transfers lies in a folder that is named by its chain's slug. ``last_day`` is the
    day before the economy closes. ``truth``, when given, gets as JSON what really happened: the
    settlements, deposit addresses, mixed payments, coinjoins, owners.
    Raises: BadInput for another size than ``SIZES`` has.
    """
    if size not in SIZES:
        raise BadInput(f"There is no size {size!r}; use one of {', '.join(SIZES)}.")
    closes_at = int(datetime(last_day.year, last_day.month, last_day.day, tzinfo=UTC).timestamp())
    opens_at = closes_at + DAY - DAYS * DAY
    world = World(folder, seed=seed, opens_at=opens_at, scale=SIZES[size])
    market = found(world)
    exchanges = [Exchange(world, market, name) for name in cast.EXCHANGES]
    stories: tuple[Story, ...] = (
        *exchanges,
        *(Desk(world, market, role, exchanges) for role in cast.DESKS),
        *(MarketMaker(world, market, name, exchanges) for name in cast.MARKET_MAKERS),
        Retail(world, market, exchanges),
        Shadows(world, market),
        CoinLife(world),
    )
    for story in stories:
        story.open()
    world.agenda.run()
    world.close()
    labels = write_labels(folder, world, market, exchanges)
    if truth is not None:
        told = json.dumps(asdict(world.truth), indent=1, ensure_ascii=False, sort_keys=True)
        truth.write_text(told + "\n", encoding="utf-8", newline="\n")
    return [*world.ethereum.paths, *world.polygon.paths, *world.bitcoin.paths, *labels]
