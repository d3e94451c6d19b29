"""The right to write: leases of what a batch meets, taken in order, waited for and kept."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Final, TypeVar

from graph_api.domain.errors import GraphApiError
from graph_api.domain.ids import ChainId
from graph_api.domain.records import Record
from graph_api.store import leases
from graph_api.store.graph import Graph, Writing
from graph_api.store.holders import new_holder
from graph_api.store.leases import Lease, LeaseLost
from graph_api.store.ledger import spans
from graph_api.store.ledger.following import Backward
from graph_api.store.ledger.places import Counts, Place
from graph_api.store.ledger.writer import LEASE_LASTS, LedgerWriter, leases_needed
from graph_api.store.scanners import Scanner
from graph_api.store.unbroken import unbroken

Answer = TypeVar("Answer")

_WAIT_S: Final = 0.25


class Turn:
    """One process's turn at writing. Leases are added as records come up that need them.

    While it lasts, its leases are prolonged in the background, so that reading a large file does
    not cost them.
    """

    def __init__(
        self,
        graph: Graph,
        *,
        clock: Callable[[], datetime],
        waiting: Callable[[str], None] = lambda name: None,
        lasts: timedelta = LEASE_LASTS,
    ) -> None:
        self._graph, self._clock, self._waiting, self._lasts = graph, clock, waiting, lasts
        self._holder = new_holder()
        self._held: dict[str, Lease] = {}
        self._writer = LedgerWriter(graph, (), clock=clock, lasts=lasts)
        # One transaction at a time: two that prolong the same lease would undo each other.
        self._alone = asyncio.Lock()
        self._keeper: asyncio.Task[None] | None = None

    async def write(self, records: Sequence[Record], place: Place | None = None) -> Counts:
        """Write a batch as soon as everything that it needs is ours.

        Raises: LeaseLost when somebody took over; the turn is over then, and may begin anew.
        """
        await self.hold(leases_needed(records, place))
        try:
            async with self._alone:
                return await unbroken(self._writer.write(records, place))
        except LeaseLost:
            await self.give_back()
            raise

    async def change(
        self, names: Sequence[str], work: Callable[[Writing], Awaitable[Answer]]
    ) -> Answer:
        """Run ``work`` in a transaction that keeps the leases ``names``, which must be held.

        Raises: LeaseLost; nothing is written then.
        """

        async def fenced(writing: Writing) -> Answer:
            held = [self._held[name] for name in leases.in_order(names)]
            await leases.keep(writing, held, now=self._clock(), lasts=self._lasts)
            return await work(writing)

        async with self._alone:
            return await unbroken(self._graph.write(fenced))

    async def roll_back(self, backward: Backward) -> Scanner:
        """Take the newest followed block back; its chain must be held. Raises: LeaseLost, Moved."""

        async def work(writing: Writing) -> Scanner:
            return await backward.run(writing, now=self._clock())

        try:
            return await self.change([backward.before.chain], work)
        finally:
            self._writer.distrust()

    async def drop(self, chain: ChainId, number: int) -> None:
        """Take back one block that is not in its chain; it must be held. Raises: LeaseLost."""

        async def work(writing: Writing) -> None:
            await spans.drop(writing, chain, number, now=self._clock())

        try:
            await self.change([chain], work)
        finally:
            self._writer.distrust()

    async def hold(self, names: Iterable[str]) -> bool:
        """Make sure that the leases ``names`` are ours; waits for whoever has one of them.

        Returns: whether leases were given back meanwhile, so that others may have written.
        """
        missing = leases.in_order(set(names) - self._held.keys())
        if not missing:
            return False
        # Everyone takes leases in the same order and holds none while waiting for an earlier one,
        # so no two can wait for each other.
        wanted = leases.in_order([*self._held, *missing])
        passing = bool(self._held) and wanted[-len(missing) :] != missing
        if passing:
            await self.give_back()
        for name in wanted if passing else missing:
            self._held[name] = await self._take(name)
        self._writer = LedgerWriter(
            self._graph, self._held.values(), clock=self._clock, lasts=self._lasts
        )
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep())
        return passing

    @asynccontextmanager
    async def dataset(self, checkpoint: str) -> AsyncIterator[None]:
        """Nobody else loads the dataset of ``checkpoint`` while the block lasts."""
        name = leases.of_dataset(checkpoint)
        await self.hold([name])
        try:
            yield
        finally:
            lease = self._held.pop(name, None)
            if lease is not None:
                await self._release(lease)

    async def scale(self) -> None:
        """Finish what late decimals have left to do."""
        async with self._alone:
            await self._writer.scale()

    async def give_back(self) -> None:
        """Let others in."""
        if self._keeper is not None:
            # Not while it writes: the driver loses a socket whose opening is cancelled.
            async with self._alone:
                self._keeper.cancel()
            self._keeper = None
        held, self._held = self._held, {}
        for lease in held.values():
            await self._release(lease)

    async def _release(self, lease: Lease) -> None:
        # Where the graph is gone the lease expires by itself; the error to see is the first one.
        with suppress(GraphApiError):
            await unbroken(leases.release(self._graph, lease))

    async def _take(self, name: str) -> Lease:
        told = False
        while True:
            lease = await unbroken(
                leases.take(
                    self._graph, name, holder=self._holder, now=self._clock(), lasts=self._lasts
                )
            )
            if lease is not None:
                return lease
            if not told:
                self._waiting(name)
                told = True
            await asyncio.sleep(_WAIT_S)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._lasts.total_seconds() / 4)
            async with self._alone:
                # Whatever is wrong, the next batch meets it too, and somebody listens to that one.
                with suppress(Exception):
                    await self._graph.write(self._prolong)

    async def _prolong(self, writing: Writing) -> None:
        held = list(self._held.values())
        await leases.keep(writing, held, now=self._clock(), lasts=self._lasts)
