"""An EVM chain as a pool of its nodes tells it."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from functools import partial
from typing import Final

from graph_api.domain.chains import Chain
from graph_api.domain.ids import AccountId, TokenId
from graph_api.domain.issuers import ISSUANCES, Issuance
from ingest.providers.endpoints import Endpoint, Endpoints
from ingest.providers.faults import Behind, Unsupported
from ingest.providers.limits import Window
from ingest.sources.chain import BlockFacts, BlockRef, Reorged
from ingest.sources.chain_records import ChainRecords
from ingest.sources.evm.bell import bell_of
from ingest.sources.evm.describing import Described, Describing, everything
from ingest.sources.evm.descriptions import Unknown
from ingest.sources.evm.known_tokens import known_decimals
from ingest.sources.evm.node import EvmNode
from ingest.sources.evm.reading import TRACE_METHODS, EvmReading, TracesBy
from ingest.sources.evm.wallet_logs import transfers_of
from ingest.sources.witnesses import Witnesses

#: Transactions that a window should hold: enough to fill a batch, few enough to hold in memory.
_FULL: Final = 4_000
#: Where nodes with a WebSocket ring, polling is only the net below.
_NET: Final = 5


class EvmSource:
    """A ``ChainSource`` of an EVM chain.

    ``unknown_tokens`` and ``unknown_accounts`` say which ids the graph knows nothing of; those are
    described with the block in which they are met (``describing.everything`` and ``nothing`` are
    the ends of that). ``now`` is the time of day in seconds.
    """

    def __init__(
        self,
        chain: Chain,
        endpoints: Endpoints,
        *,
        reading: EvmReading | None = None,
        decimals: dict[str, int] | None = None,
        issuances: Mapping[TokenId, Issuance] = ISSUANCES,
        unknown_tokens: Unknown = everything,
        unknown_accounts: Unknown = everything,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.chain, self.endpoints = chain, endpoints
        self._reading = reading or EvmReading()
        self._records = ChainRecords(
            chain, decimals={**known_decimals(), **(decimals or {})}, issuances=issuances
        )
        self._witnesses = Witnesses(
            chain,
            endpoints,
            self._told,
            stale_after_s=self._reading.stale_after_s,
            stale_blocks=self._reading.stale_blocks,
            now=now,
        )
        self._unknown = unknown_tokens, unknown_accounts
        self._window = Window(self._reading.window, largest=self._reading.largest_window)
        self._traces: TracesBy | None = None

    async def head(self) -> BlockRef:
        """The newest block."""
        return await self._witnesses.newest()

    async def final(self) -> int | None:
        """The newest block that the chain itself calls final; None where it does not say."""

        async def finalized(endpoint: Endpoint) -> int | None:
            try:
                ref = await self._node(endpoint).ref("finalized")
            except Unsupported:
                return None
            return ref.number if ref else None

        return await self.endpoints.ask(finalized)

    async def ref(self, number: int) -> BlockRef | None:
        """The block at ``number`` as the chain stands now; None beyond the head."""

        async def block(endpoint: Endpoint) -> BlockRef:
            ref = await self._node(endpoint).ref(number)
            if ref is None:
                raise Behind(f"It has no block {number} yet.")
            return ref

        try:
            return await self.endpoints.ask(block)
        except Behind:
            self._is_true_of(number)
            return None

    async def blocks(self, first: int, last: int) -> AsyncIterator[BlockFacts]:
        """The blocks ``first..last`` in order, each linked to the one before it."""
        describing = Describing(self._records, *self._unknown)
        spans = self._spans(first, last)
        ahead: deque[asyncio.Task[Described]] = deque()
        parent: str | None = None
        try:
            while True:
                while len(ahead) <= self._reading.ahead and (span := next(spans, None)):
                    ahead.append(self._task(span, describing))
                if not ahead:
                    return
                for facts in describing.give(await ahead.popleft()):
                    if parent not in (None, facts.ref.parent_hash):
                        raise Reorged(f"Block {facts.ref.number} changed while it was read.")
                    parent = facts.ref.hash
                    yield facts
        finally:
            for task in ahead:
                task.cancel()
            await asyncio.gather(*ahead, return_exceptions=True)

    async def transfers_of(
        self, account: AccountId, first: int, last: int
    ) -> AsyncIterator[BlockFacts]:
        """The blocks of ``first..last`` in which ``account`` moved tokens, the newest first:
        whoever has seen enough stops. Payments of the chain's own coin leave no logs.
        """
        while first <= last:
            start = max(first, last - self._reading.log_window + 1)
            work = partial(self._transfers, account=account, first=start, last=last)
            for facts in await self.endpoints.ask(work):
                yield facts
            last = start - 1

    async def heads(self) -> AsyncIterator[BlockRef]:
        """Newest blocks as they come; one may be lower than the one before."""
        last: str | None = None
        async with bell_of(self.endpoints) as bell:
            while True:
                head = await self.head()
                if head.hash != last:
                    last = head.hash
                    yield head
                pause = self._reading.poll_s * (_NET if bell.rings else 1)
                await bell.wait(at_most_s=pause)

    async def close(self) -> None:
        """Give all connections back."""
        await self.endpoints.close()

    def _task(self, span: tuple[int, int], describing: Describing) -> asyncio.Task[Described]:
        return asyncio.create_task(self._fetched(*span, describing, since=describing.given))

    async def _fetched(
        self, first: int, last: int, describing: Describing, *, since: int
    ) -> Described:
        """The blocks of one window from an endpoint that others agree with."""
        while True:
            endpoint, window = await self._asked(first, last, describing, since)
            if await self._witnesses.agree(endpoint, window.facts[-1].ref):
                return window

    async def _asked(
        self, first: int, last: int, describing: Describing, since: int
    ) -> tuple[Endpoint, Described]:
        method = await self._traces_by(first)

        async def window(endpoint: Endpoint) -> tuple[Endpoint, Described]:
            answers = await self._node(endpoint).window(first, last, traces=method)
            self._pace(sum(len(answer.block.transactions) for answer in answers))
            return endpoint, await describing.describe(endpoint, answers, since=since)

        try:
            return await self.endpoints.ask(window)
        except Behind as behind:
            self._is_true_of(last)
            raise Reorged(f"Of the blocks {first} to {last} some are gone.") from behind

    async def _traces_by(self, block: int) -> TracesBy:
        """The method that is insisted on from the first window on, so that no block lacks what
        another has: the best that any endpoint offers."""
        if self._traces is None:
            wanted = self._reading.traces
            self._traces = await self._best_method(block) if wanted is TracesBy.ANY else wanted
        return self._traces

    async def _best_method(self, block: int) -> TracesBy:
        for method in TRACE_METHODS:
            has = partial(self._has, block=block, method=method)

            told = await self.endpoints.ask_these(self.endpoints.usable(), has)
            if any(found for found in told):
                return method
        return TracesBy.NONE

    async def _transfers(
        self, endpoint: Endpoint, *, account: AccountId, first: int, last: int
    ) -> list[BlockFacts]:
        return await transfers_of(
            endpoint,
            account,
            self._records,
            first=first,
            last=last,
            log_window=self._reading.log_window,
        )

    async def _has(self, endpoint: Endpoint, *, block: int, method: TracesBy) -> bool:
        return await self._node(endpoint).traces(block, method)

    def _is_true_of(self, number: int) -> None:
        """That there is no such block, as endpoints say that can be asked now.

        Raises: NoEndpoint when only one that rests has told of a block so high.
        """
        asked = [one.health.head for one in self.endpoints.usable() if one.health.head is not None]
        if max(asked, default=-1) < number <= (self.endpoints.known_head() or -1):
            raise self.endpoints.nobody()

    def _pace(self, transactions: int) -> None:
        if transactions > _FULL:
            self._window.shrink()
        else:
            self._window.grow()

    def _spans(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        while first <= last:
            end = min(first + self._window.size - 1, last)
            yield first, end
            first = end + 1

    async def _told(self, endpoint: Endpoint, number: int | None) -> BlockRef | None:
        return await self._node(endpoint).ref("latest" if number is None else number)

    def _node(self, endpoint: Endpoint) -> EvmNode:
        return EvmNode(endpoint, self.chain, self._reading)
