"""Follow the head of a chain: forward block by block, back to the fork when the chain changes.

What is known of the chain is in the graph alone: the scanner says which block is the newest, and
blocks keep their hashes. So a follower may be killed at any moment, and another one goes on.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final

import msgspec

from graph_api.domain.chains import Chain
from graph_api.domain.errors import GraphApiError
from graph_api.domain.ids import ChainId
from graph_api.domain.records import Reject
from graph_api.store import blocks, hearsay, scanners
from graph_api.store.graph import Graph
from graph_api.store.leases import LeaseLost
from graph_api.store.ledger import spans
from graph_api.store.ledger.following import UNKNOWN, Backward, Followed, Forward, Moved
from graph_api.store.ledger.rollback import WINDOW
from graph_api.store.ledger.turn import Turn
from graph_api.store.scanners import Scanner
from ingest.pipelines.telling import derived, ids_told
from ingest.sources.chain import BlockFacts, BlockRef, ChainSource, Reorged

#: Records of one transaction, away from the head.
BATCH: Final = 4_000
#: Blocks that may be fetched ahead of the one that is written.
_AHEAD: Final = 32


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What a follower just did: where it stands, what was new, how many blocks it took back."""

    scanner: Scanner
    written: int = 0
    dropped: int = 0
    rejects: tuple[Reject, ...] = ()


class TooDeep(GraphApiError):
    """The chain changed below the blocks whose hashes are kept."""


class _Orphaned(Reorged):
    """The newest block of the graph is not the parent of what comes after it."""


class Follower:
    """Follows one chain with one source.

    ``start`` is the first block, the head itself where None; it matters only for a chain that was
    never followed. ``announce`` puts what is new into the outbox.
    """

    def __init__(
        self,
        graph: Graph,
        turn: Turn,
        source: ChainSource,
        *,
        start: int | None = None,
        announce: bool = True,
        batch: int = BATCH,
        report: Callable[[Step], None] = lambda step: None,
    ) -> None:
        self._graph, self._turn, self._source = graph, turn, source
        self._start, self._announce, self._batch = start, announce, batch
        self._report = report
        self._chain: Chain = source.chain
        self._id = ChainId(source.chain.id)

    async def run(self, *, until: int | None = None) -> Scanner:
        """Follow for ever, or until block ``until`` is in the graph.

        Raises: TooDeep when the chain changed below what can be taken back; UpstreamUnavailable.
        """
        async with aclosing(self._heads()) as heads:
            async for head in heads:
                scanner = await self._reach(head, until)
                if until is not None and scanner.block >= until:
                    return scanner
        raise AssertionError("heads never end")

    async def _heads(self) -> AsyncGenerator[BlockRef]:
        yield await self._source.head()
        async for head in self._source.heads():
            yield head

    async def _reach(self, head: BlockRef, until: int | None) -> Scanner:
        """Bring the graph to ``head``, as often as the chain changes on the way."""
        orphaned = False
        while True:
            await self._turn.hold([self._id])
            try:
                scanner = await scanners.by_chain(self._graph, self._id)
                if scanner is not None and (orphaned or not await self._stands(scanner, head)):
                    scanner = await self._go_back(scanner)
                return await self._go_forward(scanner, head, until)
            except (Reorged, Moved, LeaseLost) as change:
                # A number without a block may be one that the chain no longer has.
                orphaned = isinstance(change, _Orphaned)
                head = await self._source.head()
            finally:
                # At the head there is time for others: file loads, another follower.
                await self._turn.give_back()

    async def _stands(self, scanner: Scanner, head: BlockRef) -> bool:
        """Whether what is in the graph is in the chain that ``head`` is the end of."""
        if scanner.hash == UNKNOWN or head.number < scanner.block:
            # Everything was taken back; or a node lags behind, or begins anew: a chain that has
            # changed soon grows beyond what it was, and is believed then.
            return True
        now = await self._source.ref(scanner.block)
        return now is None or now.hash == scanner.hash

    # Back

    async def _go_back(self, scanner: Scanner) -> Scanner:
        known = await blocks.hashes(
            self._graph, self._id, range(max(0, scanner.block - WINDOW), scanner.block + 1)
        )
        numbers = sorted(number for number in known if number >= scanner.ranges[-2])
        shared = await self._shared(known, numbers)
        if not shared and len(numbers) > WINDOW:
            raise TooDeep(
                f"{self._chain.name} changed more than {WINDOW} blocks below {scanner.block}; run "
                f"`deskgraph ingest verify {self._chain.slug} --to {scanner.block} --repair`."
            )
        steps = [Followed(number=number, hash=known[number]) for number in numbers]
        if not shared:
            # Everything that was followed is gone: begin anew where following began.
            steps.insert(0, Followed(number=numbers[0] - 1, hash=UNKNOWN))
            shared = 1
        dropped = len(steps) - shared
        for place in range(len(steps) - 1, shared - 1, -1):
            scanner = await self._turn.roll_back(
                Backward(
                    before=scanner,
                    to=steps[place - 1],
                    depth=dropped,
                    opens=place == len(steps) - 1,
                )
            )
        self._report(Step(scanner=scanner, dropped=dropped))
        return scanner

    async def _shared(self, known: dict[int, str], numbers: list[int]) -> int:
        """How many of the blocks ``numbers`` are still in the chain: the first ones are."""
        low, high = 0, len(numbers)
        while low < high:
            middle = (low + high) // 2
            now = await self._source.ref(numbers[middle])
            if now is not None and now.hash == known[numbers[middle]]:
                low = middle + 1
            else:
                high = middle
        return low

    # Forward

    async def _go_forward(
        self, scanner: Scanner | None, head: BlockRef, until: int | None
    ) -> Scanner:
        first = scanner.block + 1 if scanner else self._start
        first = head.number if first is None else first
        last = head.number if until is None else min(head.number, until)
        depth = await self._source.final()
        final = head.number - self._chain.finality_depth if depth is None else depth
        async with aclosing(self._groups(first, last, head.number)) as groups:
            async for group in groups:
                scanner = await self._write(scanner, group, head=head.number, final=final)
        if scanner is None:
            scanner = await scanners.by_chain(self._graph, self._id)
            if scanner is None:
                raise GraphApiError(
                    f"{self._chain.name} has only {head.number} blocks; begin at a lower one."
                )
        return scanner

    async def _write(
        self, scanner: Scanner | None, group: list[BlockFacts], *, head: int, final: int
    ) -> Scanner:
        if scanner and scanner.hash not in (UNKNOWN, group[0].ref.parent_hash):
            raise _Orphaned(f"Block {group[0].ref.number} is no child of block {scanner.block}.")
        await self._drop_false(group)
        records = [record for block in group for record in block.records]
        forward = Forward(
            chain=self._id,
            before=scanner,
            blocks=tuple(Followed(number=one.ref.number, hash=one.ref.hash) for one in group),
            head=head,
            final=final,
            announce=self._announce,
        )
        counts = await self._turn.write([*records, *derived(records)], forward)
        after = await scanners.by_chain(self._graph, self._id)
        assert after is not None
        rejects = tuple(reject for block in group for reject in block.rejects)
        self._report(Step(scanner=after, written=counts.written, rejects=rejects))
        return after

    async def _drop_false(self, group: list[BlockFacts]) -> None:
        """What others told of these blocks and their chain does not have goes before them."""
        facts = {block.ref.number: block for block in group}
        noted = await hearsay.noted(self._graph, self._id, facts)
        for number in sorted((one for one in noted if noted[one].noted), reverse=True):
            there = (await spans.kept(self._graph, self._id, number, number))[number]
            have = there.transactions | there.transfers
            extra = have - ids_told(facts[number], self._chain)
            # Not every node traces, so that internal transfers may be missing here.
            false = any(":trace:" not in one for one in extra)
            if false or there.hash not in (None, facts[number].ref.hash):
                await self._turn.drop(self._id, number)

    async def _groups(self, first: int, last: int, head: int) -> AsyncGenerator[list[BlockFacts]]:
        """Blocks that share a transaction: many while they are deep, one each near the head."""
        group: list[BlockFacts] = []
        size = 0
        async with aclosing(self._ahead(first, last)) as ahead:
            async for block in ahead:
                group.append(block)
                size += len(block.records)
                if block.ref.number > head - WINDOW or size >= self._batch:
                    deep = [one for one in group if one.ref.number <= head - WINDOW]
                    for part in (deep, *([one] for one in group[len(deep) :])):
                        if part:
                            yield part
                    group, size = [], 0
        if group:
            yield group

    async def _ahead(self, first: int, last: int) -> AsyncGenerator[BlockFacts]:
        """The blocks ``first..last``, some of them fetched while earlier ones are written."""
        queue: asyncio.Queue[BlockFacts | None] = asyncio.Queue(_AHEAD)

        async def fetch() -> None:
            try:
                async for block in self._source.blocks(first, last):
                    await queue.put(block)
            except Exception:
                await queue.put(None)
                raise
            await queue.put(None)

        if first > last:
            return
        fetching = asyncio.create_task(fetch())
        try:
            while (block := await queue.get()) is not None:
                yield block
            await fetching
        finally:
            fetching.cancel()
            await asyncio.gather(fetching, return_exceptions=True)
