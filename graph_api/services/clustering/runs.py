"""Finds who is one on a chain: reads its facts, derives evidence, publishes clusters.

A run reads the blocks that came since the last one, as long as nothing else has changed: older
blocks, and the block that the last run ended with. What was read before is in memory, or in a file
that an earlier process has written. Otherwise it reads everything. Either way it publishes the
same.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import msgspec

from graph_api.analysis.clustering.deriving import Derivation, Rules
from graph_api.analysis.clustering.facts import Facts
from graph_api.analysis.clustering.union import clusters as united
from graph_api.analysis.clustering.union import strong
from graph_api.domain.clusters import LARGEST, THRESHOLD, Cluster, Evidence
from graph_api.domain.ids import ChainId
from graph_api.services.clustering.facts_file import FactsFile, Mark, Read
from graph_api.services.clustering.reading import (
    Labelled,
    Progress,
    Reading,
    Tell,
    Warm,
    known_wallets,
    milliseconds,
)
from graph_api.store import cluster_runs, migrations
from graph_api.store.clusters import RunRow
from graph_api.store.graph import Graph


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Which evidence merges, how large a cluster may become, and what fits into memory.

    ``most_facts`` counts transfers, or transactions on UTXO chains.
    """

    threshold: float = THRESHOLD
    largest: int = LARGEST
    most_facts: int = 5_000_000


class Clustering:
    """Runs of clustering on the chains of a graph; remembers what it has read of each, in files of
    ``folder`` too where one is given.
    """

    def __init__(
        self,
        graph: Graph,
        *,
        clock: Callable[[], datetime],
        rules: Rules | None = None,
        limits: Limits | None = None,
        folder: Path | None = None,
    ) -> None:
        self._graph, self._clock, self._rules, self._folder = graph, clock, rules, folder
        self._limits = limits or Limits()
        self._warm: dict[ChainId, Warm] = {}

    async def run(self, chain: ChainId, *, tell: Tell = lambda progress: None) -> RunRow:
        """Cluster a chain and publish it.

        Raises: UpstreamUnavailable while another process does; LeaseLost when one took over;
        TooCostly where the chain has more facts than may be in memory.
        """
        async with cluster_runs.turn(self._graph, chain, clock=self._clock) as publisher:
            run = await publisher.begin()
            reading = Reading(self._graph, chain, publisher, tell=tell)
            labels = await known_wallets(self._graph, chain, at=self._clock())
            warm, incremental = await self._read(chain, reading, labels)
            tell(Progress(message="Deriving.", done=0, total=0, unit="", share=0.6))
            # Beside the loop: it takes seconds, and leases must be kept meanwhile.
            evidence = await asyncio.to_thread(warm.derivation.evidence)
            found = await asyncio.to_thread(self._clusters, warm, list(evidence.values()))
            await publisher.keep()
            # Not before: who is called off while a thread is at it leaves nothing half done behind.
            self._warm[chain] = warm
            there = await cluster_runs.kept(self._graph, chain)
            changes = cluster_runs.changes(there, evidence, found)
            run = msgspec.structs.replace(
                run,
                block_number=reading.counters.last_block,
                block_time=milliseconds(reading.counters.last_at),
                labels=labels.digest,
                threshold=self._limits.threshold,
                incremental=incremental,
                facts=warm.mark.moves or warm.mark.transactions,
                evidence=len(evidence),
                wallets=sum(len(cluster.members) for cluster in found),
                clusters=len(found),
                largest=max((len(cluster.members) for cluster in found), default=0),
                suspicious=sum(cluster.suspicion is not None for cluster in found),
            )
            return await publisher.publish(run, changes, told=_publishing(changes.count, tell))

    def _clusters(self, warm: Warm, evidence: list[Evidence]) -> list[Cluster]:
        actors = {
            wallet: known.actor
            for wallet, known in warm.facts.known.items()
            if known.actor is not None
        }
        links = strong(evidence, threshold=self._limits.threshold)
        return united(links, actors=actors, largest=self._limits.largest)

    async def _read(self, chain: ChainId, reading: Reading, labels: Labelled) -> tuple[Warm, bool]:
        """The facts as they stand, and whether only new blocks were read for it."""
        await reading.look()
        reading.require_at_most(self._limits.most_facts)
        warm = self._warm.pop(chain, None) or await self._remembered(chain, labels)
        if await reading.goes_on_from(before := warm.mark):
            read = await reading.add_to(warm, above=before.block)
            if reading.agrees(warm.mark):
                self._relabel(warm, labels)
                await _remember(warm, read, before)
                return warm, True
        fresh = self._empty(chain, labels, warm.file)
        read = await reading.add_to(fresh, above=None)
        await _remember(fresh, read, Mark())
        return fresh, False

    async def _remembered(self, chain: ChainId, labels: Labelled) -> Warm:
        """What an earlier process has read; empty where nothing is known of one."""
        if self._folder is None:
            return self._empty(chain, labels, None)
        [first, *_] = (await migrations.status(self._graph)).applied
        # A graph is known by the moment that it was made.
        file = FactsFile(self._folder, chain, source=str(first.applied_at))
        warm = self._empty(chain, labels, file)
        warm.mark = await asyncio.to_thread(file.load, warm.facts)
        return warm

    def _empty(self, chain: ChainId, labels: Labelled, file: FactsFile | None) -> Warm:
        derivation = Derivation(Facts(chain, labels.wallets), self._rules)
        return Warm(derivation=derivation, labels=labels.digest, file=file)

    def _relabel(self, warm: Warm, labels: Labelled) -> None:
        """Derive anew, from the same facts, where labels say something else than before."""
        if warm.labels != labels.digest:
            warm.facts.known = labels.wallets
            warm.derivation, warm.labels = Derivation(warm.facts, self._rules), labels.digest


async def _remember(warm: Warm, read: Read, before: Mark) -> None:
    """Write what was read into the file; the next process can do without, so can this one."""
    if warm.file is not None:
        with suppress(OSError):
            await asyncio.to_thread(
                warm.file.save, read, before, warm.mark, everything=lambda: _all_of(warm.facts)
            )


def _all_of(facts: Facts) -> Read:
    moves = [move for some in facts.received.values() for move in some]
    return Read(moves, list(facts.utxos.values()), facts.payers)


def _publishing(total: int, tell: Tell) -> Callable[[int], None]:
    def told(done: int) -> None:
        message, share = f"Publishing {total:,} changes.", 0.7 + 0.3 * done / total
        tell(Progress(message=message, done=done, total=total, unit="changes", share=share))

    return told
