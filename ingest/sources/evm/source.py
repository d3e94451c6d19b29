"""An EVM chain as a pool of its nodes tells it."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Final

import msgspec

from graph_api.domain.chains import Chain
from ingest.providers.endpoints import Endpoint, Endpoints
from ingest.providers.faults import Behind, Unsupported
from ingest.providers.limits import Window
from ingest.sources.chain import BlockFacts, BlockRef, Reorged
from ingest.sources.chain_records import ChainRecords
from ingest.sources.evm.blocks import facts_of
from ingest.sources.evm.known_tokens import known_decimals
from ingest.sources.evm.node import EvmNode

#: Transactions that a window should hold: enough to fill a batch, few enough to hold in memory.
_FULL: Final = 4_000


class EvmReading(msgspec.Struct, frozen=True, kw_only=True):
    """How an EVM chain is read.

    ``window`` is how many blocks are asked for at a time at first, and ``largest_window`` at most;
    ``ahead`` windows are fetched while earlier ones are used. ``poll_s`` is how often a new head
    is looked for.
    """

    window: int = 8
    largest_window: int = 64
    ahead: int = 2
    poll_s: float = 2.0


class EvmSource:
    """A ``ChainSource`` of an EVM chain."""

    def __init__(
        self,
        chain: Chain,
        endpoints: Endpoints,
        *,
        reading: EvmReading | None = None,
        decimals: dict[str, int] | None = None,
    ) -> None:
        self.chain, self.endpoints = chain, endpoints
        self._reading = reading or EvmReading()
        self._records = ChainRecords(chain, decimals={**known_decimals(), **(decimals or {})})
        self._window = Window(self._reading.window, largest=self._reading.largest_window)

    async def head(self) -> BlockRef:
        """The newest block."""
        return await self.endpoints.ask(self._latest)

    async def final(self) -> int | None:
        """The newest block that the chain itself calls final; None where it does not say."""

        async def finalized(endpoint: Endpoint) -> int | None:
            with suppress(Unsupported):
                ref = await EvmNode(endpoint, self.chain).ref("finalized")
                return ref.number if ref else None
            return None

        return await self.endpoints.ask(finalized)

    async def ref(self, number: int) -> BlockRef | None:
        """The block at ``number`` as the chain stands now; None beyond the head."""

        async def block(endpoint: Endpoint) -> BlockRef:
            ref = await EvmNode(endpoint, self.chain).ref(number)
            if ref is None:
                raise Behind(f"It has no block {number} yet.")
            return ref

        try:
            return await self.endpoints.ask(block)
        except Behind:
            return None

    async def blocks(self, first: int, last: int) -> AsyncIterator[BlockFacts]:
        """The blocks ``first..last`` in order, each linked to the one before it."""
        spans = self._spans(first, last)
        ahead: deque[asyncio.Task[list[BlockFacts]]] = deque()
        parent: str | None = None
        try:
            while True:
                while len(ahead) <= self._reading.ahead and (span := next(spans, None)):
                    ahead.append(asyncio.create_task(self._fetched(*span)))
                if not ahead:
                    return
                for facts in await ahead.popleft():
                    if parent not in (None, facts.ref.parent_hash):
                        raise Reorged("The chain changed while it was read.")
                    parent = facts.ref.hash
                    yield facts
        finally:
            for task in ahead:
                task.cancel()
            await asyncio.gather(*ahead, return_exceptions=True)

    async def heads(self) -> AsyncIterator[BlockRef]:
        """Newest blocks as they come; one may be lower than the one before."""
        last: str | None = None
        while True:
            head = await self.head()
            if head.hash != last:
                last = head.hash
                yield head
            await self.endpoints.sleep(self._reading.poll_s)

    async def close(self) -> None:
        """Give all connections back."""
        await self.endpoints.close()

    async def _latest(self, endpoint: Endpoint) -> BlockRef:
        head = await EvmNode(endpoint, self.chain).ref("latest")
        if head is None:
            raise Behind("It has no block at all.")
        endpoint.health.head = head.number
        return head

    async def _fetched(self, first: int, last: int) -> list[BlockFacts]:
        async def window(endpoint: Endpoint) -> list[BlockFacts]:
            answers = await EvmNode(endpoint, self.chain).window(first, last)
            self._pace(sum(len(answer.block.transactions) for answer in answers))
            return [facts_of(answer, self._records) for answer in answers]

        try:
            return await self.endpoints.ask(window)
        except Behind as behind:
            raise Reorged(f"Of the blocks {first} to {last} some are gone.") from behind

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
