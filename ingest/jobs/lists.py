"""Brings the graph's labels of watchlists up to date, one job after another.

A job ends in the transaction that finds nothing changed since it looked; each change that comes
after asks for another one. Labels keep their ids, so that a job that is begun again, or twice,
writes nothing twice.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from graph_api.domain.errors import GraphApiError, UpstreamUnavailable
from graph_api.domain.principals import LOCAL, Principal
from graph_api.domain.published import bounds_of, labels_of, taken_back
from graph_api.domain.records import Label
from graph_api.domain.watchlists import Watchlist
from graph_api.services.watchlists import PUBLICATION
from graph_api.store import labels
from graph_api.store.graph import Graph
from graph_api.store.holders import new_holder
from graph_api.store.leases import LeaseLost as TurnLost
from graph_api.store.ledger.turn import Turn
from graph_api.vault import jobs, published_lists, watchlists
from graph_api.vault.jobs import MAX_ATTEMPTS, Job, LeaseLost, Note
from graph_api.vault.vault import Vault
from ingest.jobs.wallets import LEASE, PAUSES, Ring, nobody

#: Labels of one transaction.
_BATCH: Final = 1_000
_IDLE_S: Final = 0.5
_AGAIN: Final = "Publish the watchlist again: what was written stays, and nothing is written twice."

log: Final = structlog.get_logger("deskgraph.ingest")


class ListWorker:
    """Works off jobs about watchlists, one at a time; ``progress`` is that of the one at hand."""

    def __init__(
        self,
        graph: Graph,
        vault: Vault,
        *,
        clock: Callable[[], datetime],
        principal: Principal = LOCAL,
        ring: Ring = nobody,
        lease: timedelta = LEASE,
    ) -> None:
        self._graph, self._vault, self._clock = graph, vault, clock
        self._principal, self._ring, self._lease = principal, ring, lease
        self._name = new_holder()
        self._note = Note()
        self.progress = 0.0

    async def run(self) -> None:
        """Work for ever; a graph or a vault that is away is waited for."""
        while True:
            try:
                while await self._is_wanted():
                    await self.once()
            except Exception as error:
                # The job's lease runs out, and it is taken up again.
                await log.aerror("publishing watchlists failed", exc_info=error)
            await asyncio.sleep(_IDLE_S)

    async def once(self) -> Job | None:
        """Work off one job; None when none waits."""
        gone: list[Job] = []
        job = await jobs.claim(
            self._vault,
            self._principal,
            kinds=[PUBLICATION],
            worker=self._name,
            now=self._clock(),
            lease=self._lease,
            failed=gone.append,
        )
        for one in gone:
            await self._ring(one)
        if job is None:
            return None
        ended = await self._end(job)
        await self._ring(ended)
        return ended

    async def _is_wanted(self) -> bool:
        now = self._clock()
        return await jobs.is_waiting(self._vault, self._principal, kinds=[PUBLICATION], now=now)

    async def _end(self, job: Job) -> Job:
        self._note, self.progress = Note(), 0.0
        try:
            return await self._kept(job, self._publish(job))
        except LeaseLost:
            # Ended, cancelled, or in other hands: its row says which.
            return await jobs.by_id(self._vault, self._principal, job.id) or job
        except asyncio.CancelledError:
            with suppress(GraphApiError):
                await jobs.give_back(self._vault, self._principal, job)
            raise
        except (UpstreamUnavailable, TurnLost) as error:
            return await self._put_off(job, error)
        except GraphApiError as error:
            return await self._failed(job, str(error), code=error.code.value)
        except Exception as error:
            await log.aerror("publishing failed", job=job.id, exc_info=error)
            return await self._failed(
                job, "Publishing it failed; the log has the error.", code="INTERNAL"
            )

    async def _kept(self, job: Job, work: Coroutine[Any, Any, Job]) -> Job:
        """The end of ``work``, while the job is kept. Raises: LeaseLost."""
        working = asyncio.create_task(work)
        try:
            while not working.done():
                await asyncio.wait({working}, timeout=self._lease.total_seconds() / 4)
                if not working.done():
                    await self._renew(job)
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
        return working.result()

    async def _renew(self, job: Job) -> None:
        await jobs.renew(
            self._vault,
            self._principal,
            job,
            progress=self.progress,
            now=self._clock(),
            lease=self._lease,
            note=self._note,
        )

    async def _publish(self, job: Job) -> Job:
        """Write what is missing and take back what is too much, until nothing has changed."""
        id = str(job.arguments["watchlist"])
        turn = Turn(self._graph, clock=self._clock)
        try:
            while True:
                # Who changes it afterwards makes another revision.
                found = await watchlists.by_ids(self._vault, self._principal, [id])
                told = found.get(id)
                await self._write(turn, job, await self._changes(id, told))
                async with self._vault.together() as door:
                    if await published_lists.settle(door, self._principal, id, told=told):
                        return await jobs.finish(door, self._principal, job, now=self._clock())
        finally:
            await turn.give_back()

    async def _changes(self, id: str, told: Watchlist | None) -> list[Label]:
        entries = await published_lists.wallets(self._vault, self._principal, id)
        standing, now = await labels.between(self._graph, *bounds_of(id)), self._clock()
        wanted = {} if told is None else {one.id: one for one in labels_of(told, entries, now=now)}
        too_much = [
            taken_back(label, at=now)
            for label, withdrawn_at in sorted(standing.items())
            if withdrawn_at is None and label not in wanted
        ]
        return [*too_much, *(label for key, label in wanted.items() if key not in standing)]

    async def _write(self, turn: Turn, job: Job, changes: Sequence[Label]) -> None:
        for begin in range(0, len(changes), _BATCH):
            await turn.write(changes[begin : begin + _BATCH])
            done = min(begin + _BATCH, len(changes))
            self._note = Note(done=done, total=len(changes), unit="labels")
            self.progress = done / len(changes)
            await self._renew(job)

    async def _put_off(self, job: Job, error: GraphApiError) -> Job:
        if job.attempts >= MAX_ATTEMPTS:
            why = f"It was tried {job.attempts} times. {error}"
            return await self._failed(job, why, code=error.code.value)
        pause = PAUSES[min(job.attempts, len(PAUSES)) - 1]
        message = f"To be tried again in {pause.total_seconds():g} s: {error}"
        until = self._clock() + pause
        return await jobs.put_off(self._vault, self._principal, job, message=message, until=until)

    async def _failed(self, job: Job, error: str, *, code: str) -> Job:
        return await jobs.fail(
            self._vault,
            self._principal,
            job,
            error=error,
            code=code,
            remedy=_AGAIN,
            now=self._clock(),
        )
