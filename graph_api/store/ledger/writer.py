"""The ledger's writer: records in, one transaction a batch, totals exact.

Idempotence is decided by ids: what is there already changes nothing, so any overlap, order or
interruption of loads ends in the same graph. Only the holder of a chain's lease writes it.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from graph_api.domain.chains import CHAINS, chain_of
from graph_api.domain.ids import chain_id_of
from graph_api.domain.records import Actor, Label, Record, WalletFact
from graph_api.store import leases
from graph_api.store.graph import Graph, Row, Writing
from graph_api.store.leases import Lease
from graph_api.store.ledger import claims, scaling
from graph_api.store.ledger.batch import Batch
from graph_api.store.ledger.facts import ChainRecord, Facts, facts_of
from graph_api.store.ledger.places import Counts, Place, Written
from graph_api.store.ledger.shelves import Shelves
from graph_api.store.ledger.undo import Undo

#: Longer than a transaction may take, so that a lease outlives the batch that it is for.
LEASE_LASTS: Final = timedelta(seconds=60)


class LedgerWriter:
    """Writes what the leases that it was given are for."""

    def __init__(
        self,
        graph: Graph,
        held: Iterable[Lease],
        *,
        clock: Callable[[], datetime],
        lasts: timedelta = LEASE_LASTS,
    ) -> None:
        self._graph, self._clock, self._lasts = graph, clock, lasts
        self._held = {lease.name: lease for lease in held}
        self._shelves: dict[str, Shelves] = {}
        self._trusted = False
        self._repeats = False

    async def write(self, records: Sequence[Record], place: Place | None = None) -> Counts:
        """Write ``records`` and how far their source is read, in one transaction.

        All of ``leases_needed`` must be held. Raises: LeaseLost when another writer took one over;
        nothing is written then.
        """
        held = [self._held[name] for name in leases_needed(records, place)]
        by_chain = facts_by_chain(records)
        actors = [record for record in records if isinstance(record, Actor)]
        labels = [record for record in records if isinstance(record, Label)]

        # A failed try may have been committed without our hearing of it, so nothing that is at
        # hand can be trusted until a try has come back.
        trusted, self._trusted = self._trusted, False
        tried = False
        finished: Counts | None = None

        async def work(writing: Writing) -> Counts:
            nonlocal trusted, tried, finished
            if not trusted:
                self._forget()
            trusted = False
            # What was taken for new may have been there: the next try looks it up.
            self._repeats, tried = self._repeats or tried, True
            now = self._clock()
            await leases.keep(writing, held, now=now, lasts=self._lasts)
            if finished is not None and place is not None and await place.reached(writing):
                # The leases are still ours, so it was the last try that came this far.
                self._forget()
                return finished
            counts, undo = Counts(), Undo()
            created, ruled = list[Row](), list[Row]()
            for chain in sorted(by_chain):
                batch = Batch(
                    writing,
                    chain_of(chain),
                    self._shelves[chain],
                    by_chain[chain],
                    repeats=self._repeats,
                )
                done = await batch.write()
                counts.written += done.written
                counts.known += done.known
                created += batch.created
                ruled += batch.ruled
                undo += batch.undo
            counts.add(await claims.write_actors(writing, actors), of=len(actors))
            counts.add(await claims.write_labels(writing, labels), of=len(labels))
            if place is not None:
                written = Written(counts=counts, transfers=created, freezes=ruled, undo=undo)
                await place.reach(writing, written, now=now)
            finished = counts
            return counts

        counts = await self._graph.write(work)
        for chain in by_chain:
            self._shelves[chain].commit()
        self._trusted = True
        return counts

    def distrust(self) -> None:
        """Somebody else changed totals under the same leases: read them anew."""
        self._trusted = False

    async def scale(self) -> None:
        """Bring transfers up to date whose token's decimals came after them; safe to repeat."""
        self._trusted = False
        for chain in sorted(self._held.keys() & {chain.id for chain in CHAINS}):
            for token in await scaling.tokens_to_scale(self._graph, chain):
                place: str | None = ""
                while place is not None:
                    place = await self._scale_page(chain, token, place)

    async def _scale_page(self, chain: str, token: str, after: str) -> str | None:
        async def work(writing: Writing) -> str | None:
            shelves = Shelves(chain_of(chain))
            lease = self._held[chain]
            await leases.keep(writing, [lease], now=self._clock(), lasts=self._lasts)
            await shelves.begin(writing)
            return await scaling.scale_page(writing, shelves, token, after)

        return await self._graph.write(work)

    def _forget(self) -> None:
        self._shelves = {chain.id: Shelves(chain) for chain in CHAINS if chain.id in self._held}


def leases_needed(records: Sequence[Record], place: Place | None = None) -> list[str]:
    """The leases that it takes to write ``records`` and to say how far their source is read."""
    names: set[str] = set()
    for record in records:
        if not isinstance(record, (Label, Actor)):
            names.add(_chain(record))
        elif isinstance(record, Label):
            names.update(map(chain_id_of, record.accounts))
            if record.actor is not None:
                names.add(leases.ACTORS)
        else:
            names.add(leases.ACTORS)
    if place is not None:
        names.add(place.lease)
    return leases.in_order(names)


def facts_by_chain(records: Sequence[Record]) -> dict[str, Facts]:
    """What ``records`` say of each chain, labelled wallets included."""
    of_chain: dict[str, list[ChainRecord]] = {}
    labelled: dict[str, set[str]] = {}
    for record in records:
        if isinstance(record, Label):
            for account in record.accounts:
                labelled.setdefault(chain_id_of(account), set()).add(account)
        elif not isinstance(record, Actor):
            of_chain.setdefault(_chain(record), []).append(record)
    by_chain = {chain: facts_of(some) for chain, some in of_chain.items()}
    for chain, accounts in labelled.items():
        by_chain.setdefault(chain, Facts()).labelled |= accounts
    return by_chain


def _chain(record: ChainRecord) -> str:
    return chain_id_of(record.id) if isinstance(record, WalletFact) else record.chain
