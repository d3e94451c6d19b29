"""Who is one, asked another way: at another threshold, by other evidence, as of a block, and why.

Evidence is read from where a question begins, link by link, within a budget; what does not fit is
told. What is published stays as it is.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from graph_api.analysis.clustering.choosing import Choice
from graph_api.analysis.clustering.explaining import cheapest_chain
from graph_api.analysis.clustering.union import clusters as united
from graph_api.domain.clusters import THRESHOLD, Evidence, Suspicion
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId, ChainId, chain_id_of
from graph_api.services import attribution
from graph_api.store import blocks, clusters
from graph_api.store.clusters import EvidenceRow, RunRow
from graph_api.store.graph import Graph

#: How many links one question reads.
BUDGET: Final = 20_000
_AT_ONCE: Final = 500


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """Which evidence counts.

    Args:
        threshold: Less sure evidence does not, a fraction in (0, 1].
        choice: Kinds of evidence, put together like sets; None for all.
        as_of_block, as_of: Evidence that became known later does not; one of them at most.
    """

    threshold: float = THRESHOLD
    choice: Choice | None = None
    as_of_block: int | None = None
    as_of: datetime | None = None

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise BadInput(f"A threshold is a fraction in (0, 1], not {self.threshold:g}.")
        if self.as_of is not None and self.as_of_block is not None:
            raise BadInput("Give asOf or asOfBlock, not both.")


class Basis(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """What an answer rests on.

    ``complete`` is False where the budget ended before the evidence did. ``run`` is the run that
    found the evidence, None where the chain was never clustered. ``block`` is the last that counts.
    """

    complete: bool
    run: RunRow | None
    block: int | None
    threshold: float


class Replay(Basis, frozen=True, eq=False, kw_only=True):
    """The wallets that ``terms`` take for one, and what was looked at for it."""

    wallets: tuple[AccountId, ...]
    evidence: tuple[EvidenceRow, ...]
    actor: str | None = None
    suspicion: Suspicion | None = None
    refused: tuple[EvidenceRow, ...] = ()


class Explanation(Basis, frozen=True, eq=False, kw_only=True):
    """Why two wallets are taken for one.

    ``links`` lead from one to the other; empty where none do, and ``confidence`` is None then.
    ``published`` says whether the published run has them in one cluster.
    """

    links: tuple[EvidenceRow, ...]
    confidence: float | None
    published: bool


class _Read(msgspec.Struct, frozen=True):
    links: dict[str, EvidenceRow]
    complete: bool


async def replay(graph: Graph, wallet: AccountId, terms: Terms, *, now: datetime) -> Replay:
    """The cluster of ``wallet`` by ``terms``; the wallet alone where nothing links it.

    Actors are kept apart as they are in published clusters, by what labels say now.
    """
    run, block = await _run(graph, wallet, terms)
    read = await _component(graph, [wallet], terms, block)
    chosen = _chosen(read, terms)
    wallets = sorted({end for one in chosen for end in (one.start, one.end)})
    owners = await attribution.owners(graph, wallets, now=now)
    found = united(chosen, actors={wallet: actor.id for wallet, actor in owners.items()})
    mine = next((cluster for cluster in found if wallet in cluster.members), None)
    if mine is None:
        return Replay(
            wallets=(wallet,),
            evidence=(),
            complete=read.complete,
            run=run,
            block=block,
            threshold=terms.threshold,
        )
    inside = set(mine.members)
    return Replay(
        wallets=mine.members,
        evidence=tuple(
            read.links[one.id] for one in chosen if one.start in inside and one.end in inside
        ),
        complete=read.complete,
        run=run,
        block=block,
        threshold=terms.threshold,
        actor=mine.actor,
        suspicion=mine.suspicion,
        refused=tuple(read.links[one.id] for one in mine.refused),
    )


async def explain(graph: Graph, one: AccountId, other: AccountId, terms: Terms) -> Explanation:
    """The chain of evidence that is most likely right. Raises: BadInput for two chains."""
    if chain_id_of(one) != chain_id_of(other):
        raise BadInput("Evidence links wallets of one chain; these are of two.")
    run, block = await _run(graph, one, terms)
    read = await _component(graph, [one, other], terms, block)
    chain = cheapest_chain(_chosen(read, terms), one, other)
    there = await clusters.by_wallets(graph, sorted({one, other}))
    return Explanation(
        links=() if chain is None else tuple(read.links[link.id] for link in chain.links),
        confidence=None if chain is None else chain.confidence,
        published=one == other
        or (one in there and other in there and there[one].id == there[other].id),
        complete=read.complete,
        run=run,
        block=block,
        threshold=terms.threshold,
    )


async def last_block(graph: Graph, chain: ChainId, terms: Terms) -> int | None:
    """The last block that counts; None for all that the run knew."""
    if terms.as_of is not None:
        return await blocks.highest_until(graph, chain, terms.as_of)
    return terms.as_of_block


async def _run(graph: Graph, wallet: AccountId, terms: Terms) -> tuple[RunRow | None, int | None]:
    chain = chain_id_of(wallet)
    run = (await clusters.published(graph, [chain])).get(chain)
    return run, await last_block(graph, chain, terms)


async def _component(
    graph: Graph, start: Sequence[AccountId], terms: Terms, block: int | None
) -> _Read:
    """All evidence that hangs together with ``start``, or as much of it as the budget allows."""
    heuristics = None if terms.choice is None else terms.choice.heuristics()
    found: dict[str, EvidenceRow] = {}
    seen, frontier = set(start), sorted(set(start))
    while frontier:
        some, frontier = frontier[:_AT_ONCE], frontier[_AT_ONCE:]
        left = BUDGET - len(found)
        rows = await clusters.links(
            graph,
            some,
            least=terms.threshold,
            block=block,
            heuristics=heuristics,
            limit=left + 1,
        )
        found.update((row.id, row) for row in rows[:left])
        if len(rows) > left:
            return _Read(found, False)
        new = {end for row in rows for end in (row.start, row.end)} - seen
        seen |= new
        frontier += sorted(new)
    return _Read(found, True)


def _chosen(read: _Read, terms: Terms) -> list[Evidence]:
    evidence = [read.links[id].evidence for id in sorted(read.links)]
    return evidence if terms.choice is None else terms.choice.of(evidence)
