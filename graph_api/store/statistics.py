"""How much is loaded, and who is loading."""

from datetime import datetime
from typing import Final

import msgspec

from graph_api.domain.ids import ChainId
from graph_api.domain.pages import Page
from graph_api.store import chains, streams
from graph_api.store.chains import ChainRow
from graph_api.store.graph import Graph
from graph_api.store.streams import Stream
from graph_api.store.tokens import TokenHit, TokenRow


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of the whole graph: what belongs to no chain, and to all of them."""

    tokens: int
    labels: int
    actors: int
    loads: int


class Writer(msgspec.Struct, frozen=True, kw_only=True):
    """A process that writes: what its lease is for, and until when it holds unless prolonged."""

    lease: str
    holder: str
    expires_at: datetime


_BUSIEST: Final = Stream(record=TokenHit, scan="tokens/of_chain", window="tokens/of_chain_window")


async def totals(graph: Graph) -> Totals:
    """The counts of the whole graph."""
    (found,) = await graph.read("statistics/counts", Totals)
    return found


async def loaded_chains(graph: Graph, ids: list[ChainId]) -> list[ChainRow]:
    """Those of ``ids`` of which something is loaded, in their order."""
    found = await chains.by_ids(graph, ids)
    return [found[id] for id in ids if found[id].wallets or found[id].blocks]


async def busiest_tokens(
    graph: Graph, chains: list[ChainId], *, first: int
) -> dict[ChainId, list[TokenRow]]:
    """The tokens of each chain with the most transfers, the busiest first."""
    found = await streams.pages(graph, _BUSIEST, chains, page=Page(size=first))
    return {ChainId(chain): list(slice_.rows) for chain, slice_ in found.items()}


async def writers(graph: Graph, *, now: datetime) -> list[Writer]:
    """Who writes now."""
    return await graph.read("statistics/writers", Writer, now=now)
