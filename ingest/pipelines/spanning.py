"""Blocks by their numbers: load a stretch of them, or compare one with its chain and mend it."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Final

import msgspec

from graph_api.domain.ids import ChainId
from graph_api.store import checkpoints
from graph_api.store.announced import Announced
from graph_api.store.checkpoints import Progress
from graph_api.store.graph import Graph
from graph_api.store.ledger import spans
from graph_api.store.ledger.spans import Kept, Mended
from graph_api.store.ledger.turn import Turn
from graph_api.store.stretches import FORMAT, Filled
from ingest.pipelines.following import BATCH
from ingest.pipelines.telling import derived, ids_told
from ingest.sources.chain import BlockFacts, ChainSource

#: Blocks that are compared at a time.
_COMPARED: Final = 50


class Filling(msgspec.Struct, frozen=True, kw_only=True):
    """How far a stretch is loaded."""

    first: int
    last: int
    block: int
    written: int


async def backfill(
    graph: Graph,
    turn: Turn,
    source: ChainSource,
    *,
    first: int,
    last: int,
    batch: int = BATCH,
    announce: bool = False,
    report: Callable[[Filling], None] = lambda filling: None,
) -> Filling:
    """Load the blocks ``first..last``, from where an earlier run came to.

    With ``announce`` the world is told of what is new. Raises: UpstreamUnavailable, Reorged when
    the stretch is not settled yet.
    """
    chain = ChainId(source.chain.id)
    identity = f"{FORMAT}:{source.chain.slug}:{first}-{last}"
    async with turn.dataset(identity):
        before = await checkpoints.by_id(graph, identity)
        block = before.row if before else first - 1
        filling = Filling(first=first, last=last, block=block, written=0)
        final = await _final(source) if announce else None
        async with aclosing(_batches(source, block + 1, last, size=batch)) as batches:
            async for some in batches:
                records = [record for facts in some for record in facts.records]
                records += derived(records)
                reached = some[-1].ref.number
                place = Filled(
                    chain=chain,
                    first=first,
                    progress=Progress(
                        id=identity,
                        source=f"{source.chain.slug} {first}..{last}",
                        format=FORMAT,
                        row=reached,
                        read=len(records),
                        rejected=0,
                        done=reached == last,
                    ),
                )
                counts = await turn.write(
                    records, Announced(place=place, final=final) if announce else place
                )
                filling = msgspec.structs.replace(
                    filling, block=reached, written=filling.written + counts.written
                )
                report(filling)
    return filling


async def _final(source: ChainSource) -> int:
    """The newest block that its chain calls final, or that is deep enough."""
    told = await source.final()
    return (await source.head()).number - source.chain.finality_depth if told is None else told


async def _batches(
    source: ChainSource, first: int, last: int, *, size: int
) -> AsyncGenerator[list[BlockFacts]]:
    some: list[BlockFacts] = []
    if first > last:
        return
    async for facts in source.blocks(first, last):
        some.append(facts)
        if sum(len(one.records) for one in some) >= size:
            yield some
            some = []
    if some:
        yield some


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """How a block in the graph differs from its chain.

    ``missing`` and ``extra`` count facts. ``replaced``: what the graph has of the block must go.
    ``announced``: the world was told of it.
    """

    number: int
    what: str
    missing: int = 0
    extra: int = 0
    replaced: bool = False
    announced: bool = False


async def verify(
    graph: Graph, source: ChainSource, *, first: int, last: int
) -> AsyncGenerator[Fault]:
    """What is wrong with the blocks ``first..last``, in order."""
    chain = ChainId(source.chain.id)
    for start in range(first, last + 1, _COMPARED):
        end = min(start + _COMPARED - 1, last)
        there = await spans.kept(graph, chain, start, end)
        async for facts in source.blocks(start, end):
            fault = _fault(facts, there[facts.ref.number], source)
            if fault is not None:
                yield fault


async def mend(turn: Turn, source: ChainSource, faults: Sequence[Fault]) -> None:
    """Write blocks as their chain has them; where the graph has other facts, these go first."""
    chain = ChainId(source.chain.id)
    await turn.hold([chain])
    # What a block made, a later one may have used: the later one goes first and comes back last.
    for fault in sorted(faults, key=lambda fault: -fault.number):
        if fault.replaced:
            await turn.drop(chain, fault.number)
    for fault in sorted(faults, key=lambda fault: fault.number):
        async for facts in source.blocks(fault.number, fault.number):
            place = Mended(
                chain=chain,
                number=fault.number,
                hash=facts.ref.hash,
                announced=fault.announced,
            )
            records = list(facts.records)
            await turn.write([*records, *derived(records)], place)


def _fault(facts: BlockFacts, there: Kept, source: ChainSource) -> Fault | None:
    told, have = ids_told(facts, source.chain), there.transactions | there.transfers
    other = there.hash not in (None, facts.ref.hash)
    if other:
        what = "is another block"
    elif there.hash is None and not have:
        what = "is not in the graph"
    elif told - have:
        what = "lacks facts"
    elif have - told:
        what = "has facts that its chain does not have"
    else:
        return None
    return Fault(
        number=facts.ref.number,
        what=what,
        missing=len(told - have),
        extra=len(have - told),
        replaced=other or bool(have - told),
        announced=there.announced,
    )
