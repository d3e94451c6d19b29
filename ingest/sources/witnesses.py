"""What several endpoints say of the same chain: how new their heads are, and whether they agree.

A block that lies ``finality_depth`` below the head has one hash. Where endpoints name two, the
majority is believed; where there is none, nobody is.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

from graph_api.domain.chains import Chain
from ingest.providers.endpoints import Endpoint, Endpoints
from ingest.providers.faults import Behind, Contradicted, StaleHead
from ingest.sources.chain import BlockRef

#: A head's hash is compared this often within the depth of finality.
_COMPARISONS: Final = 4


class Told(NamedTuple):
    """What one endpoint says of a block."""

    endpoint: Endpoint
    ref: BlockRef


#: What an endpoint says of the block with a number, or of its newest one where there is none; None
#: where it has no such block. Raises: EndpointFault.
Ask = Callable[[Endpoint, int | None], Awaitable[BlockRef | None]]


class Witnesses:
    """Compares endpoints of one chain.

    Args:
        stale_after_s: A newest block that is older is not believed; None for never.
        stale_blocks: Nor is one that is so far below that of another endpoint.
        now: The time of day in seconds.
    """

    def __init__(
        self,
        chain: Chain,
        endpoints: Endpoints,
        ask: Ask,
        *,
        stale_after_s: float | None,
        stale_blocks: int,
        now: Callable[[], float],
    ) -> None:
        self._chain, self._endpoints, self._ask, self._now = chain, endpoints, ask, now
        self._stale_after_s, self._stale_blocks = stale_after_s, stale_blocks
        self._compared = -1

    async def newest(self) -> BlockRef:
        """The newest block of an endpoint that is neither stale nor contradicted.

        Raises: NoEndpoint, Behind.
        """
        told = await self._endpoints.ask_these(self._endpoints.usable(), self._latest)
        if not told:
            # Nobody answers at once: wait for the first that comes back.
            told = [await self._endpoints.ask(self._latest)]
        fresh = self._without_stale(told)
        if fresh:
            await self._compare_below(max(one.ref.number for one in fresh))
        usable = self._endpoints.usable()
        kept = [one.ref for one in fresh if one.endpoint in usable]
        if not kept:
            raise self._endpoints.nobody()
        return max(kept, key=lambda head: head.number)

    async def agree(self, endpoint: Endpoint, ref: BlockRef) -> bool:
        """Whether ``endpoint`` is believed about ``ref``: as long as the block may still change or
        no other can be asked, and else when most name the same hash.
        """
        head = self._endpoints.known_head()
        if head is None or ref.number > head - self._chain.finality_depth:
            return True
        others = [other for other in self._endpoints.usable() if other is not endpoint]
        told = [Told(endpoint, ref), *await self._tell(others[:1], ref.number)]
        if len({one.ref.hash for one in told}) > 1:
            self._judge([*told, *await self._tell(others[1:], ref.number)])
        return endpoint in self._endpoints.usable()

    async def _compare_below(self, head: int) -> None:
        """Compare all endpoints at a final block, each time that some new ones have come."""
        at = head - self._chain.finality_depth
        step = max(self._chain.finality_depth // _COMPARISONS, 1)
        usable = self._endpoints.usable()
        if at < 0 or at < self._compared + step or len(usable) < 2:
            return
        self._judge(await self._tell(usable, at))
        self._compared = at

    def _judge(self, told: Sequence[Told]) -> None:
        """Those of the minority are not asked again for long; without a majority, nobody is."""
        votes = Counter(one.ref.hash for one in told).most_common()
        if len(votes) < 2:
            return
        (winner, most), (_, second) = votes[:2]
        for one in told:
            if most == second:
                why = f"Endpoints name different hashes for the final block {one.ref.number}."
            elif one.ref.hash != winner:
                why = f"It names another hash than most for the final block {one.ref.number}."
            else:
                continue
            self._endpoints.report(one.endpoint, Contradicted(why))

    async def _tell(self, endpoints: Sequence[Endpoint], number: int) -> list[Told]:
        async def ref(endpoint: Endpoint) -> Told:
            found = await self._ask(endpoint, number)
            if found is None:
                raise Behind(f"It has no block {number} yet.")
            return Told(endpoint, found)

        return await self._endpoints.ask_these(endpoints, ref)

    async def _latest(self, endpoint: Endpoint) -> Told:
        head = await self._ask(endpoint, None)
        if head is None:
            raise Behind("It has no block at all.")
        endpoint.health.head = head.number
        return Told(endpoint, head)

    def _without_stale(self, told: Sequence[Told]) -> list[Told]:
        young = [one for one in told if self._is_young(one)]
        highest = max((one.ref.number for one in young), default=0)
        return [one for one in young if self._is_near(one, highest)]

    def _is_young(self, told: Told) -> bool:
        limit = self._stale_after_s
        age = self._now() - told.ref.time / 1000
        if limit is None or age <= limit:
            return True
        fault = StaleHead(f"Its newest block, {told.ref.number}, is {age:.0f} s old.")
        self._endpoints.report(told.endpoint, fault)
        return False

    def _is_near(self, told: Told, highest: int) -> bool:
        below = highest - told.ref.number
        if below <= self._stale_blocks:
            return True
        fault = StaleHead(f"Its newest block is {below} below that of another endpoint.")
        self._endpoints.report(told.endpoint, fault)
        return False
