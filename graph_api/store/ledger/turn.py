"""The right to write: leases of the chains that a batch meets, taken in order and waited for."""

import asyncio
import os
import secrets
import socket
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from graph_api.domain.records import Record
from graph_api.store import leases
from graph_api.store.checkpoints import Progress
from graph_api.store.graph import Graph
from graph_api.store.leases import Lease
from graph_api.store.ledger.batch import Counts
from graph_api.store.ledger.writer import LEASE_LASTS, LedgerWriter, facts_by_chain

_WAIT_S = 0.25


class Turn:
    """One process's turn at writing. Chains are added as records of them come up."""

    def __init__(
        self,
        graph: Graph,
        *,
        clock: Callable[[], datetime],
        waiting: Callable[[str], None] = lambda chain: None,
    ) -> None:
        self._graph, self._clock, self._waiting = graph, clock, waiting
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._held: list[Lease] = []
        self._writer = LedgerWriter(graph, (), clock=clock)

    async def write(self, records: Sequence[Record], progress: Progress | None = None) -> Counts:
        """Write a batch as soon as every chain of it is ours."""
        await self.hold(facts_by_chain(records))
        return await self._writer.write(records, progress)

    async def hold(self, chains: Iterable[str]) -> None:
        """Make sure that ``chains`` are ours; waits for whoever has one of them."""
        mine = {lease.chain for lease in self._held}
        wanted = mine | set(chains)
        if wanted == mine:
            return
        # Everyone takes chains in the same order and holds none while waiting for an earlier one,
        # so no two can wait for each other.
        await self.give_back()
        for chain in sorted(wanted):
            self._held.append(await self._take(chain))
        self._writer = LedgerWriter(self._graph, self._held, clock=self._clock)

    async def scale(self) -> None:
        """Finish what late decimals have left to do."""
        await self._writer.scale()

    async def give_back(self) -> None:
        """Let others in."""
        held, self._held = self._held, []
        for lease in held:
            await leases.release(self._graph, lease)

    async def _take(self, chain: str) -> Lease:
        told = False
        while True:
            lease = await leases.take(
                self._graph, chain, holder=self._holder, now=self._clock(), lasts=LEASE_LASTS
            )
            if lease is not None:
                return lease
            if not told:
                self._waiting(chain)
                told = True
            await asyncio.sleep(_WAIT_S)
