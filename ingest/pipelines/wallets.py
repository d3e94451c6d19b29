"""A wallet's history into the graph: newest first, within a budget, from where it stood.

Each stretch of blocks is written with the mark that it was read, in one transaction. Whoever reads
the same again, or has followed these blocks, changes nothing.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing

from msgspec.structs import replace

from graph_api.domain.ids import AccountId, ChainId
from graph_api.domain.records import Reject
from graph_api.domain.wallet_loads import Budget, Ended, Loaded, PartRead, Spent
from graph_api.store import hearsay, histories
from graph_api.store.graph import Graph
from graph_api.store.histories import Stretch, unread
from graph_api.store.leases import LeaseLost
from graph_api.store.ledger.places import Counts
from graph_api.store.ledger.turn import Turn
from graph_api.store.scanners import covered
from ingest.pipelines.telling import derived
from ingest.sources.histories import HistorySource, Told


async def load_wallet(
    graph: Graph,
    turn: Turn,
    sources: Sequence[HistorySource],
    account: AccountId,
    *,
    budget: Budget,
    clock: Callable[[], float],
    before: Loaded | None = None,
    report: Callable[[Loaded], None] = lambda loaded: None,
    reject: Callable[[Sequence[Reject]], None] = lambda rejects: None,
) -> Loaded:
    """Read what is not read yet of ``account``, until everything is or the budget is spent.

    ``before`` is what an interrupted run of the same request had come to; ``clock`` counts
    seconds; ``reject`` gets what cannot be decoded. Raises: UpstreamUnavailable; what was read
    before stays.
    """
    known = {
        one.part: one.ranges
        for one in (await histories.of_wallets(graph, [account])).get(account, ())
    }
    walks = [await _Walk.of(source, account, known.get(source.part, ())) for source in sources]
    loading = _Loading(
        graph, turn, account, walks, budget=budget, clock=clock, report=report, reject=reject
    )
    return await loading.run(before or Loaded(account=account))


class _Walk:
    """The way through what is unread of one part, the newest stretch first."""

    def __init__(
        self, source: HistorySource, account: AccountId, ranges: Sequence[int], settled: int
    ) -> None:
        self.source, self.settled = source, settled
        self._account = account
        self.ranges = tuple(ranges)
        self.gaps = unread(ranges, settled)
        self.total = sum(last - first + 1 for first, last in self.gaps)
        self.done = 0

    @classmethod
    async def of(cls, source: HistorySource, account: AccountId, ranges: Sequence[int]) -> "_Walk":
        """The way from what is settled now."""
        return cls(source, account, ranges, await source.settled())

    @property
    def at(self) -> int:
        """The newest block that is unread; below all blocks when none is."""
        return self.gaps[0][1] if self.gaps else -1

    async def told(self) -> AsyncGenerator[Told]:
        """What the source tells of each gap."""
        for first, last in tuple(self.gaps):
            async with aclosing(self.source.told(self._account, first, last)) as told:
                async for one in told:
                    yield one

    def passed(self, told: Told) -> None:
        """A stretch is read."""
        self.ranges = covered(self.ranges, told.first, told.last)
        self.gaps = unread(self.ranges, self.settled)
        self.done += told.last - told.first + 1

    def read(self) -> PartRead:
        """How far it is."""
        top = [
            low
            for low, high in zip(self.ranges[::2], self.ranges[1::2], strict=True)
            if low <= self.settled <= high
        ]
        return PartRead(
            part=self.source.part,
            source=self.source.name,
            first=top[0] if top else None,
            last=self.settled,
            unseen=self.source.unseen,
        )


class _Loading:
    """One run of one request."""

    def __init__(
        self,
        graph: Graph,
        turn: Turn,
        account: AccountId,
        walks: Sequence[_Walk],
        *,
        budget: Budget,
        clock: Callable[[], float],
        report: Callable[[Loaded], None],
        reject: Callable[[Sequence[Reject]], None],
    ) -> None:
        self._graph, self._turn, self._account, self._walks = graph, turn, account, walks
        self._budget, self._clock = budget, clock
        self._report, self._reject = report, reject
        self._asked = self._calls()
        self._before = 0

    async def run(self, loaded: Loaded) -> Loaded:
        """Read on, the part that is behind first, so that all of them reach equally far."""
        self._before = loaded.done
        loaded = self._so_far(loaded)
        self._report(loaded)
        async with AsyncExitStack() as stack:
            ways = {
                walk: await stack.enter_async_context(aclosing(walk.told())) for walk in self._walks
            }
            while (ended := self._ended(loaded)) is None:
                walk = max(ways, key=lambda walk: walk.at)
                began = self._clock()
                told = await anext(ways[walk])
                asked_s = self._clock() - began
                loaded = await self._write(walk, told, loaded, asked_s=asked_s)
                self._report(loaded)
        return replace(loaded, ended=ended)

    def _ended(self, loaded: Loaded) -> Ended | None:
        if all(walk.at < 0 for walk in self._walks):
            return Ended.COMPLETE
        return loaded.spent.reason(self._budget)

    async def _write(self, walk: _Walk, told: Told, loaded: Loaded, *, asked_s: float) -> Loaded:
        walk.passed(told)
        counts, written_s = await self._kept(walk, told)
        if told.rejects:
            self._reject(told.rejects)
        asked, self._asked = self._calls() - self._asked, self._calls()
        spent = Spent(
            blocks=told.last - told.first + 1 if walk.source.counts_blocks else 0,
            records=len(told.records),
            requests=asked,
            seconds=asked_s + written_s,
        )
        loaded = replace(
            loaded,
            written=loaded.written + counts.written,
            known=loaded.known + counts.known,
            rejected=loaded.rejected + len(told.rejects),
            spent=loaded.spent + spent,
        )
        return self._so_far(loaded)

    async def _kept(self, walk: _Walk, told: Told) -> tuple[Counts, float]:
        """Write a stretch, and that it was read. Returns: what was new, and the seconds it took."""
        records = [*told.records, *derived(list(told.records))]
        stretch = Stretch(
            account=self._account,
            part=walk.source.part,
            first=told.first,
            last=told.last,
            source=walk.source.name,
            facts=len(records) + len(told.rejects),
            rejected=len(told.rejects),
            done=walk.at < 0,
            accounts=told.accounts,
        )
        while True:
            try:
                await self._turn.hold([self._chain])
                began = self._clock()
                await self._drop_false(told)
                return await self._turn.write(records, stretch), self._clock() - began
            except LeaseLost:
                continue
            finally:
                # There is time for others: who follows the chain, above all.
                await self._turn.give_back()

    async def _drop_false(self, told: Told) -> None:
        """What others told of blocks with these numbers, and the chain does not have, goes."""
        noted = await hearsay.noted(self._graph, self._chain, told.hashes)
        for number, there in sorted(noted.items(), reverse=True):
            if there.noted and there.hash not in (None, told.hashes[number]):
                await self._turn.drop(self._chain, number)

    def _so_far(self, loaded: Loaded) -> Loaded:
        return replace(
            loaded,
            parts=tuple(walk.read() for walk in self._walks),
            done=self._before + sum(walk.done for walk in self._walks),
            total=self._before + sum(walk.total for walk in self._walks),
        )

    def _calls(self) -> int:
        return sum(walk.source.calls for walk in self._walks)

    @property
    def _chain(self) -> ChainId:
        return ChainId(self._walks[0].source.chain.id)
