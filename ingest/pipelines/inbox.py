"""Webhooks' bodies, in the order of their hooks: decoded, judged, written, announced.

A body is done when its facts are in the graph, and only then is it marked in the vault. Whoever
finds it unmarked asks the graph's checkpoint of the hook, which names the last body, so that a stop
between any two steps costs nothing and doubles nothing.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
import structlog

from graph_api.domain.errors import BadInput, GraphApiError, UpstreamUnavailable
from graph_api.domain.ids import ChainId
from graph_api.domain.principals import LOCAL, Principal
from graph_api.domain.records import Record
from graph_api.store import hearsay, scanners
from graph_api.store.checkpoints import Progress
from graph_api.store.graph import Graph
from graph_api.store.hearsay import Heard, Noted, NotedBlock
from graph_api.store.holders import new_holder
from graph_api.store.leases import LeaseLost, of_dataset
from graph_api.store.ledger.turn import Turn
from graph_api.vault import inbox
from graph_api.vault.inbox import Delivery, Hold, HoldLost, Opened
from graph_api.vault.vault import Vault
from ingest.pipelines.rejects import append_rejects
from ingest.sources.webhooks.reading import Reader
from ingest.sources.webhooks.telling import Page, Told

#: How long others wait for the hooks of a worker that fell silent.
LEASE: Final = timedelta(minutes=2)
#: How long bodies are kept that are worked off.
KEPT: Final = timedelta(days=7)
_IDLE_S: Final = 0.5
_PAUSES_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
#: After so many bodies others may write the chain.
_AT_ONCE: Final = 20
_FORGET_EVERY: Final = timedelta(hours=1)

log: Final = structlog.get_logger("deskgraph.ingest")


class Contradicted(GraphApiError):
    """A body tells other than what was loaded, and nobody can say which of them is right."""


class Worked(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a body; ``reason`` says why it is a dead letter.

    ``left_out`` counts what its sender never tells enough of.
    """

    id: str
    sender: str
    hook: str
    written: int = 0
    dropped: int = 0
    left_out: int = 0
    reason: str | None = None


async def work(
    graph: Graph,
    vault: Vault,
    *,
    clock: Callable[[], datetime],
    principal: Principal = LOCAL,
    report: Callable[[Worked], None] = lambda worked: None,
    kept: timedelta = KEPT,
    rejects: Path | None = None,
    lease: timedelta = LEASE,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Work off every hook, for ever; a graph or a vault that is away is waited for.

    ``rejects`` is the folder of what senders never tell enough of, a file for each hook.
    """
    worker = Worker(
        graph,
        vault,
        clock=clock,
        principal=principal,
        report=report,
        rejects=rejects,
        lease=lease,
    )
    forgotten, failed = None, 0
    while True:
        try:
            worked = await worker.drain()
            if forgotten is None or clock() - forgotten >= _FORGET_EVERY:
                forgotten = clock()
                await inbox.forget(vault, principal, before=forgotten - kept)
        except (UpstreamUnavailable, LeaseLost, HoldLost) as error:
            await log.awarning("inbox waits", error=str(error))
            await sleep(_PAUSES_S[min(failed, len(_PAUSES_S) - 1)])
            failed += 1
            continue
        except Exception as error:
            # The body stays where it is; after some workers fell over it, it is a dead letter.
            await log.aerror("inbox failed", exc_info=error)
            await sleep(_PAUSES_S[0])
            continue
        failed = 0
        if not worked:
            await sleep(_IDLE_S)


class Worker:
    """Works off hooks, one at a time."""

    def __init__(
        self,
        graph: Graph,
        vault: Vault,
        *,
        clock: Callable[[], datetime],
        principal: Principal = LOCAL,
        report: Callable[[Worked], None] = lambda worked: None,
        rejects: Path | None = None,
        lease: timedelta = LEASE,
    ) -> None:
        self._graph, self._vault, self._clock = graph, vault, clock
        self._principal, self._report, self._lease = principal, report, lease
        self._rejects = rejects
        self._name = new_holder()
        self._reader = Reader()
        self._turn = Turn(graph, clock=clock)

    async def drain(self) -> int:
        """Work off what waits now. Returns: how many bodies.

        Raises: UpstreamUnavailable, LeaseLost, HoldLost; all that is left is worked off next time.
        """
        worked = 0
        while (hold := await self._claim()) is not None:
            try:
                async with self._kept(hold):
                    worked += await self._drain(hold)
            finally:
                await self._turn.give_back()
                with suppress(GraphApiError):
                    await inbox.release(self._vault, hold)
        return worked

    async def _claim(self) -> Hold | None:
        return await inbox.claim(
            self._vault,
            self._principal,
            worker=self._name,
            now=self._clock(),
            lease=self._lease,
        )

    @asynccontextmanager
    async def _kept(self, hold: Hold) -> AsyncGenerator[None]:
        """Waiting for a chain's turn must not cost the hook."""

        async def keep() -> None:
            while True:
                await asyncio.sleep(self._lease.total_seconds() / 4)
                # Whatever is wrong, the next step meets it too.
                with suppress(GraphApiError):
                    await self._renew(hold)

        keeping = asyncio.create_task(keep())
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)

    async def _renew(self, hold: Hold) -> None:
        await inbox.renew(self._vault, hold, now=self._clock(), lease=self._lease)

    async def _drain(self, hold: Hold) -> int:
        worked = 0
        while (opened := await self._take(hold)) is not None:
            try:
                done = await self._work(hold, opened)
            except (UpstreamUnavailable, LeaseLost, asyncio.CancelledError):
                await inbox.put_back(self._vault, hold, opened.delivery)
                raise
            self._report(done)
            worked += 1
            if worked % _AT_ONCE == 0:
                await self._turn.give_back()
        return worked

    async def _take(self, hold: Hold) -> Opened | None:
        return await inbox.take(self._vault, hold, now=self._clock(), lease=self._lease)

    async def _work(self, hold: Hold, opened: Opened) -> Worked:
        delivery = opened.delivery
        done = Worked(id=delivery.id, sender=delivery.sender.value, hook=delivery.hook)
        try:
            told = self._reader.read(delivery.sender, opened.body)
            done = await self._note(hold, opened, told, done)
            self._leave_out(delivery, told)
            done = msgspec.structs.replace(done, left_out=len(told.left_out))
            reason = _reason(told)
        except (BadInput, Contradicted) as error:
            reason = str(error)
        if reason is None:
            await inbox.finish(self._vault, hold, delivery, now=self._clock())
        else:
            await inbox.bury(self._vault, hold, delivery, reason=reason, now=self._clock())
        return msgspec.structs.replace(done, reason=reason)

    def _leave_out(self, delivery: Delivery, told: Told) -> None:
        """Put on record what nobody can make use of: twice where a worker was interrupted here."""
        if told.left_out and self._rejects is not None:
            name = f"webhook-{delivery.sender.value}-{delivery.hook}.jsonl"
            append_rejects(self._rejects / name, told.left_out)

    async def _note(self, hold: Hold, opened: Opened, told: Told, done: Worked) -> Worked:
        """Write what a body tells. Raises: Contradicted when all of it that can be is written."""
        if not told.pages:
            return done
        delivery = opened.delivery
        (chain,) = {page.chain for page in told.pages}
        place = hearsay.checkpoint_of(delivery.sender.value, delivery.hook)
        source = f"{delivery.sender.value} {delivery.hook}, body {delivery.id}"
        await self._turn.hold([chain, of_dataset(place)])
        # Nobody else can have written since, unless the hook has passed to another worker.
        await self._renew(hold)
        last = await hearsay.stands_at(self._graph, delivery.sender.value, delivery.hook)
        if last == f"{source}, {delivery.number}":
            return done
        judge = _Judge(self._graph, self._vault, self._principal, self._turn, chain)
        pages = [page for page in told.pages if await judge.admits(page)]
        written = 0
        if pages:
            records = [record for page in pages for record in page.records]
            progress = Progress(
                id=place,
                source=f"{source}, {delivery.number}",
                format=hearsay.FORMAT,
                row=delivery.number,
                read=len(records),
                rejected=0,
                done=True,
            )
            counts = await self._turn.write(records, _noted(chain, progress, pages))
            written = counts.written
        if judge.contradictions:
            raise Contradicted(" ".join(judge.contradictions))
        return msgspec.structs.replace(done, written=written, dropped=judge.dropped)


class _Judge:
    """Which pages of a body are noted; what they take the place of is dropped before.

    The chain must be held.
    """

    def __init__(
        self, graph: Graph, vault: Vault, principal: Principal, turn: Turn, chain: ChainId
    ) -> None:
        self._graph, self._vault, self._principal = graph, vault, principal
        self._turn, self._chain = turn, chain
        self.dropped = 0
        self.contradictions: list[str] = []

    async def admits(self, page: Page) -> bool:
        """Whether the facts of ``page`` are to be written."""
        scanner = await scanners.by_chain(self._graph, self._chain)
        known = (await hearsay.noted(self._graph, self._chain, [page.number])).get(page.number)
        if page.removed:
            await self._remove(page, covered=hearsay.is_covered(scanner, page.number))
            return False
        if hearsay.is_covered(scanner, page.number):
            # What a node told is whole. More of the same block can only be what it does not trace.
            return known is not None and page.hash is not None and known.hash == page.hash
        if await self._is_gone(page):
            return False
        rivals = set()
        if known is not None and known.hash and page.hash and known.hash != page.hash:
            rivals.add(page.number)
        places = await hearsay.places(self._graph, hearsay.transactions_of(page.records))
        rivals |= {number for number in places.values() if number != page.number}
        if any(hearsay.is_covered(scanner, number) for number in rivals):
            return False
        return await self._replace(page, rivals)

    async def _remove(self, page: Page, *, covered: bool) -> None:
        assert page.hash is not None
        assert page.said_at is not None
        await inbox.note_gone(
            self._vault, self._principal, self._chain, page.hash, said_at=page.said_at
        )
        if covered:
            return
        known = (await hearsay.noted(self._graph, self._chain, [page.number])).get(page.number)
        if known and known.noted and not known.confirmed and known.hash in (None, page.hash):
            await self._drop(page.number)

    async def _is_gone(self, page: Page) -> bool:
        """Whether the sender took the block back after it had told what the page tells."""
        if page.hash is None or page.confirmed or page.said_at is None:
            return False
        gone = await inbox.gone_at(self._vault, self._principal, self._chain, [page.hash])
        return page.hash in gone and page.said_at <= gone[page.hash]

    async def _replace(self, page: Page, rivals: set[int]) -> bool:
        """Drop the blocks that cannot be true beside ``page``, unless they are surer than it is."""
        found = await hearsay.noted(self._graph, self._chain, rivals) if rivals else {}
        if any(one.confirmed for one in found.values()) and not page.confirmed:
            return False
        loaded = sorted(number for number in rivals if not _is_noted(found.get(number)))
        if loaded:
            self.contradictions.append(
                f"Block {page.number} differs from block {loaded[0]}, which was loaded from "
                "elsewhere; compare the chain with `deskgraph ingest verify`, then replay."
            )
            return False
        for number in sorted(found, reverse=True):
            await self._drop(number)
        return True

    async def _drop(self, number: int) -> None:
        await self._turn.drop(self._chain, number)
        self.dropped += 1


def _noted(chain: ChainId, progress: Progress, pages: list[Page]) -> Noted:
    confirmed: list[Record] = [
        record for page in pages if page.confirmed for record in page.records
    ]
    blocks: dict[int, Heard] = {}
    for page in pages:
        before = blocks.get(page.number)
        blocks[page.number] = Heard(
            number=page.number,
            hash=page.hash or (before.hash if before else None),
            confirmed=page.confirmed or (before is not None and before.confirmed),
        )
    return Noted(
        chain=chain,
        progress=progress,
        blocks=tuple(blocks.values()),
        finals=hearsay.transfers_of(confirmed),
    )


def _is_noted(block: NotedBlock | None) -> bool:
    return block is not None and block.noted is not None


def _reason(told: Told) -> str | None:
    """Why a body is a dead letter although something of it was read."""
    if not told.rejects:
        return None
    first = told.rejects[0]
    more = f" {len(told.rejects) - 1} more like it." if len(told.rejects) > 1 else ""
    return f"{first.file} {first.line}: {first.reason.rstrip('.')}.{more}"
