"""Works off jobs of one kind: claims one, keeps it while it is done, and puts its end on record.

The row in the vault is the command. A job that was left behind by a worker that is gone is taken up
again by another.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from graph_api.domain.errors import GraphApiError, UpstreamUnavailable
from graph_api.domain.principals import LOCAL, Principal
from graph_api.store.holders import new_holder
from graph_api.store.leases import LeaseLost as TurnLost
from graph_api.vault import jobs
from graph_api.vault.jobs import MAX_ATTEMPTS, Job, LeaseLost, Note
from graph_api.vault.vault import Vault
from ingest.jobs.wallets import LEASE, PAUSES, Ring, nobody

_IDLE_S: Final = 0.5
_TELL_EVERY_S: Final = 0.5

log: Final = structlog.get_logger("deskgraph.ingest")

#: Says how far a job is: a share of 0 to 1, and what people read.
Tell = Callable[[float, Note], None]
#: Does a job and answers its result, a JSON value.
Do = Callable[[Job, Tell], Awaitable[Any]]


class JobWorker:
    """Works off jobs of ``kind`` by ``do``, one at a time.

    A job that is called off, or that another worker has taken, is cancelled. What is away
    (``UpstreamUnavailable``) is tried again later; ``remedy`` says what to do about anything else.
    """

    def __init__(
        self,
        vault: Vault,
        kind: str,
        do: Do,
        *,
        clock: Callable[[], datetime],
        remedy: str,
        principal: Principal = LOCAL,
        ring: Ring = nobody,
        lease: timedelta = LEASE,
        tell_every_s: float = _TELL_EVERY_S,
    ) -> None:
        self._vault, self._kind, self._do, self._clock = vault, kind, do, clock
        self._remedy, self._principal, self._ring = remedy, principal, ring
        self._lease, self._tell_every_s = lease, tell_every_s
        self._name = new_holder()

    async def run(self) -> None:
        """Work for ever; a vault that is away is waited for."""
        while True:
            try:
                while await jobs.is_waiting(
                    self._vault, self._principal, kinds=[self._kind], now=self._clock()
                ):
                    await self.once()
            except Exception as error:
                # The job's lease runs out, and it is taken up again.
                await log.aerror("job failed", kind=self._kind, exc_info=error)
            await asyncio.sleep(_IDLE_S)

    async def once(self) -> Job | None:
        """Work off one job; None when none waits."""
        gone: list[Job] = []
        job = await jobs.claim(
            self._vault,
            self._principal,
            kinds=[self._kind],
            worker=self._name,
            now=self._clock(),
            lease=self._lease,
            failed=gone.append,
        )
        for one in gone:
            await self._ring(one)
        if job is None:
            return None
        try:
            ended = await self._end(job)
        except LeaseLost:
            # Cancelled, or in other hands: its row says which.
            ended = await jobs.by_id(self._vault, self._principal, job.id) or job
        await self._ring(ended)
        return ended

    async def _end(self, job: Job) -> Job:
        told = _Told()
        doing = asyncio.ensure_future(self._do(job, told))
        keeping = asyncio.create_task(self._keep(job, told, doing))
        try:
            result = await asyncio.shield(doing)
        except asyncio.CancelledError:
            if told.lost is not None:
                raise told.lost from None
            doing.cancel()
            await asyncio.gather(doing, return_exceptions=True)
            with suppress(GraphApiError):
                await jobs.give_back(self._vault, self._principal, job)
            raise
        except (UpstreamUnavailable, TurnLost) as error:
            return await self._put_off(job, error)
        except LeaseLost:
            raise
        except GraphApiError as error:
            return await self._fail(job, str(error), code=error.code.value)
        except Exception as error:
            await log.aerror("job failed", job=job.id, kind=self._kind, exc_info=error)
            return await self._fail(job, "It failed; the log has the error.", code="INTERNAL")
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
        return await jobs.finish(
            self._vault, self._principal, job, result=result, now=self._clock()
        )

    async def _keep(self, job: Job, told: "_Told", doing: "asyncio.Future[Any]") -> None:
        """Tell how it goes, keep the job, and stop when it is called off."""
        while True:
            try:
                await jobs.renew(
                    self._vault,
                    self._principal,
                    job,
                    progress=told.share,
                    now=self._clock(),
                    lease=self._lease,
                    note=told.note,
                )
                if told.is_news():
                    await self._ring(job)
            except LeaseLost as lost:
                told.lost = lost
                doing.cancel()
                return
            except GraphApiError:
                # A vault that is away is asked again; the lease may outlast it.
                pass
            await asyncio.sleep(self._tell_every_s)

    async def _fail(self, job: Job, error: str, *, code: str) -> Job:
        return await jobs.fail(
            self._vault,
            self._principal,
            job,
            error=error,
            code=code,
            remedy=self._remedy,
            now=self._clock(),
        )

    async def _put_off(self, job: Job, error: GraphApiError) -> Job:
        if job.attempts >= MAX_ATTEMPTS:
            why = f"It was tried {job.attempts} times. {error}"
            return await self._fail(job, why, code=error.code.value)
        pause = PAUSES[min(job.attempts, len(PAUSES)) - 1]
        message = f"To be tried again in {pause.total_seconds():g} s: {error}"
        until = self._clock() + pause
        return await jobs.put_off(self._vault, self._principal, job, message=message, until=until)


class _Told:
    """How far a job is, as it told last."""

    def __init__(self) -> None:
        self.share, self.note = 0.0, Note()
        self.lost: LeaseLost | None = None
        self._heard: tuple[float, Note] | None = None

    def __call__(self, share: float, note: Note) -> None:
        self.share, self.note = min(1.0, max(0.0, share)), note

    def is_news(self) -> bool:
        """Whether something was told since this was asked last."""
        new, self._heard = (self.share, self.note) != self._heard, (self.share, self.note)
        return new
