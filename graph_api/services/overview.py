"""How much is loaded, and how loading goes."""

import asyncio
from datetime import datetime

import msgspec

from graph_api.domain.chains import CHAINS
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import ChainId
from graph_api.store import checkpoints, statistics
from graph_api.store.chains import ChainRow
from graph_api.store.checkpoints import Checkpoint
from graph_api.store.graph import Graph
from graph_api.store.statistics import Totals, Writer

MAX_LOADS = 100


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """Counters of chains, and of what belongs to no chain."""

    chains: list[ChainRow]
    totals: Totals


class Ingest(msgspec.Struct, frozen=True, kw_only=True):
    """The loads that moved last, who is writing, and what is loaded."""

    loads: list[Checkpoint]
    writers: list[Writer]
    chains: list[ChainRow]
    totals: Totals


async def loaded(graph: Graph, *, chain: ChainId | None = None) -> Loaded:
    """What is loaded of ``chain``, or of all of them."""
    chains, totals = await asyncio.gather(
        statistics.loaded_chains(graph, _all() if chain is None else [chain]),
        statistics.totals(graph),
    )
    return Loaded(chains=chains, totals=totals)


async def ingest(graph: Graph, *, loads: int = 20, now: datetime) -> Ingest:
    """How loading goes. Raises: BadInput when ``loads`` is more than ``MAX_LOADS``."""
    if not 1 <= loads <= MAX_LOADS:
        raise BadInput(f"loads is a number of 1 to {MAX_LOADS}, not {loads}.")
    newest, writers, all_loaded = await asyncio.gather(
        checkpoints.newest(graph, limit=loads),
        statistics.writers(graph, now=now),
        loaded(graph),
    )
    return Ingest(loads=newest, writers=writers, chains=all_loaded.chains, totals=all_loaded.totals)


def _all() -> list[ChainId]:
    return [ChainId(chain.id) for chain in CHAINS]
