"""Finds who is one on a chain: reads its facts, derives evidence, publishes clusters.

The first run of a process reads everything. The next ones read the blocks that came since, as long
as nothing else has changed: what labels say, older blocks, the block that the last run ended with.
Either way they publish the same.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

import msgspec

from graph_api.analysis.clustering.deriving import Derivation, Rules
from graph_api.analysis.clustering.facts import Facts
from graph_api.analysis.clustering.union import clusters as united
from graph_api.analysis.clustering.union import strong
from graph_api.domain.clusters import LARGEST, THRESHOLD, Cluster, Evidence
from graph_api.domain.ids import ChainId
from graph_api.services.clustering.reading import (
    Labelled,
    Progress,
    Reading,
    Tell,
    Warm,
    known_wallets,
    milliseconds,
)
from graph_api.store import cluster_runs
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
    """Runs of clustering on the chains of a graph; remembers what it has read of each."""

    def __init__(
        self,
        graph: Graph,
        *,
        clock: Callable[[], datetime],
        rules: Rules | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._graph, self._clock, self._rules = graph, clock, rules
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
                facts=warm.moves or warm.transactions,
                evidence=len(evidence),
                wallets=sum(len(cluster.members) for cluster in found),
                clusters=len(found),
                largest=max((len(cluster.members) for cluster in found), default=0),
                suspicious=sum(cluster.suspicion is not None for cluster in found),
            )
            return await publisher.publish(run, changes, told=_publishing(changes.count, tell))

    def forget(self, chain: ChainId) -> None:
        """Let the next run read everything."""
        self._warm.pop(chain, None)

    def _clusters(self, warm: Warm, evidence: list[Evidence]) -> list[Cluster]:
        actors = {
            wallet: known.actor
            for wallet, known in warm.derivation.facts.known.items()
            if known.actor is not None
        }
        links = strong(evidence, threshold=self._limits.threshold)
        return united(links, actors=actors, largest=self._limits.largest)

    async def _read(
        self, chain: ChainId, reading: "Reading", labels: Labelled
    ) -> tuple[Warm, bool]:
        """The facts as they stand, and whether only new blocks were read for it."""
        before = self._warm.pop(chain, None)
        await reading.look()
        reading.require_at_most(self._limits.most_facts)
        if before is not None and await reading.goes_on_from(before, labels.digest):
            await reading.add_to(before, above=before.block)
            if reading.agrees(before):
                return before, True
        facts = Facts(chain, labels.wallets)
        warm = Warm(
            derivation=Derivation(facts, self._rules),
            labels=labels.digest,
            block=None,
            block_hash=None,
            moves=0,
            transactions=0,
            untimed=0,
        )
        await reading.add_to(warm, above=None)
        return warm, False


def _publishing(total: int, tell: Tell) -> Callable[[int], None]:
    def told(done: int) -> None:
        message, share = f"Publishing {total:,} changes.", 0.7 + 0.3 * done / total
        tell(Progress(message=message, done=done, total=total, unit="changes", share=share))

    return told
