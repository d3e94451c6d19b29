"""The ledger's writer: records in, one transaction a batch, totals exact.

Idempotence is decided by ids: what is there already changes nothing, so any overlap, order or
interruption of loads ends in the same graph. Only the holder of a chain's lease writes it.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from graph_api.domain.chains import chain_of
from graph_api.domain.ids import chain_id_of
from graph_api.domain.records import Actor, Label, Record, WalletFact
from graph_api.store import checkpoints, leases
from graph_api.store.checkpoints import Progress
from graph_api.store.graph import Graph, Writing
from graph_api.store.leases import Lease
from graph_api.store.ledger import claims, scaling
from graph_api.store.ledger.batch import Batch, Counts
from graph_api.store.ledger.facts import ChainRecord, Facts, facts_of
from graph_api.store.ledger.shelves import Shelves

LEASE_LASTS: Final = timedelta(seconds=30)


class LedgerWriter:
    """Writes the chains whose leases it was given."""

    def __init__(
        self, graph: Graph, held: Sequence[Lease], *, clock: Callable[[], datetime]
    ) -> None:
        self._graph, self._clock = graph, clock
        self._held = {lease.chain: lease for lease in held}
        self._shelves: dict[str, Shelves] = {}
        self._trusted = False

    async def write(self, records: Sequence[Record], progress: Progress | None = None) -> Counts:
        """Write ``records`` and how far their source is read, in one transaction.

        Every record's chain must be held. Raises: LeaseLost when another writer took a chain
        over; nothing is written then.
        """
        by_chain = facts_by_chain(records)
        actors = [record for record in records if isinstance(record, Actor)]
        labels = [record for record in records if isinstance(record, Label)]

        # A failed try may have been committed without our hearing of it, so nothing that is at
        # hand can be trusted until a try has come back.
        trusted, self._trusted = self._trusted, False

        async def work(writing: Writing) -> Counts:
            nonlocal trusted
            if not trusted:
                self._forget()
            trusted = False
            now = self._clock()
            counts = Counts()
            for chain in sorted(by_chain):
                await leases.keep(writing, self._held[chain], now=now, lasts=LEASE_LASTS)
                batch = Batch(writing, chain_of(chain), self._shelves[chain], by_chain[chain])
                done = await batch.write()
                counts.written += done.written
                counts.known += done.known
            counts.add(await claims.write_actors(writing, actors), of=len(actors))
            counts.add(await claims.write_labels(writing, labels), of=len(labels))
            if progress is not None:
                await checkpoints.advance(
                    writing, progress, written=counts.written, known=counts.known, now=now
                )
            return counts

        counts = await self._graph.write(work)
        for chain in by_chain:
            self._shelves[chain].commit()
        self._trusted = True
        return counts

    async def scale(self) -> None:
        """Bring transfers up to date whose token's decimals came after them; safe to repeat."""
        self._trusted = False
        for chain in sorted(self._held):
            for token in await scaling.tokens_to_scale(self._graph, chain):
                place: str | None = ""
                while place is not None:
                    place = await self._scale_page(chain, token, place)

    async def _scale_page(self, chain: str, token: str, after: str) -> str | None:
        async def work(writing: Writing) -> str | None:
            shelves = Shelves(chain_of(chain))
            await leases.keep(writing, self._held[chain], now=self._clock(), lasts=LEASE_LASTS)
            await shelves.begin(writing)
            return await scaling.scale_page(writing, shelves, token, after)

        return await self._graph.write(work)

    def _forget(self) -> None:
        self._shelves = {chain: Shelves(chain_of(chain)) for chain in self._held}


def facts_by_chain(records: Sequence[Record]) -> dict[str, Facts]:
    """What ``records`` say of each chain, labelled wallets included."""
    sorted_records: dict[str, list[ChainRecord]] = {}
    for record in records:
        if not isinstance(record, (Actor, Label)):
            sorted_records.setdefault(_chain(record), []).append(record)
    by_chain = {chain: facts_of(some) for chain, some in sorted_records.items()}
    for record in records:
        if isinstance(record, Label):
            for account in record.accounts:
                by_chain.setdefault(chain_id_of(account), Facts()).labelled.add(account)
    return by_chain


def _chain(record: ChainRecord) -> str:
    return chain_id_of(record.id) if isinstance(record, WalletFact) else record.chain
