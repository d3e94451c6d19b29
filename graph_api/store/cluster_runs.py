"""Publishes what a run of clustering found: the difference to what is there, in bounded batches.

While a run is being published, wallets of changed clusters move one batch after another; the run
says ``done`` when all are where they belong. A run that was interrupted is repaired by the next,
which compares with what is there and not with what was meant.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import msgspec

from graph_api.domain.clusters import Cluster, Evidence, id_bounds
from graph_api.domain.errors import UpstreamUnavailable
from graph_api.domain.ids import AccountId, ChainId, TransactionId
from graph_api.domain.positions import page_key
from graph_api.store import cluster_facts, clusters, leases
from graph_api.store.cluster_facts import Keyed
from graph_api.store.clusters import EvidenceRow, RunRow, run_id
from graph_api.store.graph import Graph, Row, Writing
from graph_api.store.holders import new_holder
from graph_api.store.leases import Lease
from graph_api.store.unbroken import unbroken

BATCH: Final = 1_000
LASTS: Final = timedelta(seconds=60)
#: A cluster names so many links that were refused; docs/methods/clusters.md tells which those are.
MOST_REFUSED: Final = 50
_T = TypeVar("_T")


class _Evidence(Keyed, frozen=True, gc=False):
    heuristic: str
    start: AccountId
    end: AccountId
    transaction: TransactionId | None
    block_number: int | None
    confidence: float


class _Member(Keyed, frozen=True, gc=False):
    cluster: str


class Summary(msgspec.Struct, frozen=True):
    """What is kept of a cluster besides its wallets."""

    size: int
    actor: str | None
    suspicion: str | None
    refused: list[str]


class _Cluster(Keyed, frozen=True):
    size: int
    actor: str | None
    suspicion: str | None
    refused: list[str] | None


class Kept(msgspec.Struct, frozen=True):
    """What is in the graph: evidence by id, the cluster of each wallet, clusters by id."""

    evidence: dict[str, Evidence]
    members: dict[AccountId, str]
    clusters: dict[str, Summary]


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What must be written so that the graph holds what a run found."""

    gone_evidence: list[Evidence]
    new_evidence: list[Evidence]
    clusters: dict[str, Summary]
    moved: dict[AccountId, str]
    left: list[AccountId]
    gone_clusters: list[str]

    @property
    def count(self) -> int:
        """How many things change."""
        return sum(len(part) for part in msgspec.structs.astuple(self))


async def evidence(graph: Graph, chain: ChainId) -> AsyncIterator[list[EvidenceRow]]:
    """All evidence of a chain, in the order of its ids, a page at a time."""
    spans = f"{chain}|", f"{chain}}}"
    async for page in cluster_facts.pages(graph, "evidence", _Evidence, *spans):
        yield [_row_of(row) for row in page]


async def kept(graph: Graph, chain: ChainId) -> Kept:
    """What is in the graph of a chain's clusters."""
    found = Kept({}, {}, {})
    async for page in evidence(graph, chain):
        found.evidence.update((row.id, row.evidence) for row in page)
    spans = f"{chain}:", f"{chain};"
    async for members in cluster_facts.pages(graph, "members", _Member, *spans):
        found.members.update((AccountId(row.key), row.cluster) for row in members)
    async for some in cluster_facts.pages(graph, "clusters", _Cluster, *id_bounds(chain)):
        for row in some:
            found.clusters[row.key] = Summary(
                row.size, row.actor, row.suspicion, list(row.refused or ())
            )
    return found


def changes(there: Kept, evidence: Mapping[str, Evidence], found: Sequence[Cluster]) -> Changes:
    """What makes the graph hold ``evidence`` and the clusters ``found``."""
    summaries = {cluster.id: _summary(cluster) for cluster in found}
    members = {wallet: cluster.id for cluster in found for wallet in cluster.members}
    return Changes(
        gone_evidence=[old for id, old in there.evidence.items() if evidence.get(id) != old],
        new_evidence=[new for id, new in evidence.items() if there.evidence.get(id) != new],
        clusters={id: new for id, new in summaries.items() if there.clusters.get(id) != new},
        moved={
            wallet: cluster
            for wallet, cluster in members.items()
            if there.members.get(wallet) != cluster
        },
        left=[wallet for wallet in there.members if wallet not in members],
        gone_clusters=[id for id in there.clusters if id not in summaries],
    )


@asynccontextmanager
async def turn(
    graph: Graph, chain: ChainId, *, clock: Callable[[], datetime]
) -> AsyncIterator["Publisher"]:
    """The right to publish clusters of a chain.

    Raises: UpstreamUnavailable while another run has it.
    """
    lease = await leases.take(
        graph, f"clusters:{chain}", holder=new_holder(), now=clock(), lasts=LASTS
    )
    if lease is None:
        raise UpstreamUnavailable(f"Another run of clustering on {chain}", retry_after_s=30)
    try:
        yield Publisher(graph, chain, lease, clock=clock)
    finally:
        await leases.release(graph, lease)


class Publisher:
    """Writes batches for as long as its lease is its own."""

    def __init__(
        self, graph: Graph, chain: ChainId, lease: Lease, *, clock: Callable[[], datetime]
    ) -> None:
        self._graph, self._chain, self._lease, self._clock = graph, chain, lease, clock

    async def keep(self) -> None:
        """Prolong the right while facts are read and thought about. Raises: LeaseLost."""
        await self._write()

    async def begin(self) -> RunRow:
        """A new run; it is not published yet."""
        before = (await clusters.published(self._graph, [self._chain])).get(self._chain)
        number = 1 if before is None else before.number + 1
        return RunRow(
            id=run_id(self._chain, number),
            chain=self._chain,
            number=number,
            started_at=round(self._clock().timestamp() * 1000),
        )

    async def publish(
        self, run: RunRow, changes: Changes, *, told: Callable[[int], None] = lambda done: None
    ) -> RunRow:
        """Write what changes, then that the run is done. ``told`` hears how much is written.

        Raises: LeaseLost when another run took over.
        """
        done = 0
        await self._put(run)
        for steps, size in self._steps(run, changes):
            await self._write(*steps)
            done += size
            told(done)
        ended = msgspec.structs.replace(
            run, done=True, finished_at=round(self._clock().timestamp() * 1000)
        )
        await self._put(ended)
        return ended

    def _steps(
        self, run: RunRow, changes: Changes
    ) -> Iterable[tuple[list[tuple[str, dict[str, Any]]], int]]:
        """The statements of each transaction, and how many things they change."""
        for gone in _batches(changes.gone_evidence):
            ends = [{"id": one.id, "end": one.end} for one in gone]
            ids = [one.id for one in gone]
            yield (
                [
                    ("clusters/delete_links", {"rows": ends}),
                    ("clusters/delete_evidence", {"ids": ids}),
                ],
                len(gone),
            )
        for new in _batches(changes.new_evidence):
            rows = [{**_row(one), "chain": self._chain, "run": run.id} for one in new]
            yield [("clusters/put_evidence", {"rows": rows})], len(new)
        for some in _batches(list(changes.clusters.items())):
            rows = [
                {
                    **msgspec.structs.asdict(one),
                    "refused": one.refused or None,
                    "id": id,
                    "chain": self._chain,
                    "run": run.id,
                }
                for id, one in some
            ]
            yield [("clusters/put_clusters", {"rows": rows})], len(some)
        for moved in _batches(list(changes.moved.items())):
            rows = [
                {
                    "id": wallet,
                    "cluster": cluster,
                    "chain": self._chain,
                    "cluster_key": page_key(cluster, wallet),
                    "run": run.id,
                }
                for wallet, cluster in moved
            ]
            yield (
                [
                    ("clusters/leave", {"ids": [wallet for wallet, _ in moved]}),
                    ("clusters/join", {"rows": rows}),
                    ("clusters/put_members", {"rows": rows}),
                ],
                len(moved),
            )
        for left in _batches(changes.left):
            yield (
                [("clusters/leave", {"ids": left}), ("clusters/forget_members", {"ids": left})],
                len(left),
            )
        for ended in _batches(changes.gone_clusters):
            yield [("clusters/delete_clusters", {"ids": ended})], len(ended)

    async def _put(self, run: RunRow) -> None:
        values = {
            name: value
            for name, value in msgspec.structs.asdict(run).items()
            if value is not None and name != "id"
        }
        steps = [("clusters/put_run", {"id": run.id, "values": values})]
        # Also under the name by which the published one is found.
        steps.append(("clusters/put_run", {"id": run_id(self._chain, 0), "values": values}))
        await self._write(*steps)

    async def _write(self, *steps: tuple[str, dict[str, Any]]) -> None:
        async def work(writing: Writing) -> None:
            await leases.keep(writing, [self._lease], now=self._clock(), lasts=LASTS)
            for name, parameters in steps:
                await writing.run(name, **parameters)

        await unbroken(self._graph.write(work))


def _row_of(row: _Evidence) -> EvidenceRow:
    return EvidenceRow(
        id=row.key,
        heuristic=row.heuristic,
        start=row.start,
        end=row.end,
        transaction=row.transaction,
        block_number=row.block_number,
        confidence=row.confidence,
    )


def _row(one: Evidence) -> Row:
    return {"id": one.id, **msgspec.to_builtins(one)}


def _summary(cluster: Cluster) -> Summary:
    return Summary(
        len(cluster.members),
        cluster.actor,
        None if cluster.suspicion is None else cluster.suspicion.value,
        sorted(one.id for one in cluster.refused)[:MOST_REFUSED],
    )


def _batches(things: list[_T]) -> Iterable[list[_T]]:
    return (things[first : first + BATCH] for first in range(0, len(things), BATCH))
