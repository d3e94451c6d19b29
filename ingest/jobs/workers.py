"""Works off jobs of one kind: claims one, keeps it while it is done, and puts its end on record.

The row in the vault is the command. A job that was left behind by a worker that is gone is taken up
again by another.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import structlog

from graph_api.domain.errors import ErrorCode, GraphApiError, UpstreamUnavailable
from graph_api.domain.principals import LOCAL, Principal, PrincipalKind
from graph_api.live.streams import Streams
from graph_api.services.jobs import ring as ring_on
from graph_api.store.holders import new_holder
from graph_api.store.leases import LeaseLost as TurnLost
from graph_api.store.outbox import new_epoch
from graph_api.vault import jobs
from graph_api.vault.jobs import FINAL, MAX_ATTEMPTS, Job, JobState, LeaseLost, Note
from graph_api.vault.vault import Door, Vault

#: How long a job waits for a worker that fell silent.
LEASE: Final = timedelta(seconds=30)
#: How long to wait, each time, before a job is tried again whose sources do not answer.
PAUSES: Final = tuple(timedelta(seconds=pause) for pause in (5, 30, 120, 600))
_IDLE_S: Final = 0.5
_TELL_EVERY_S: Final = 0.5
_RING_AGAIN_S: Final = (0.5, 1.0, 2.0, 5.0)

log: Final = structlog.get_logger("deskgraph.ingest")

#: Tells those who wait that something about a job has changed.
Ring = Callable[[Job], Awaitable[None]]
#: Says how far a job is: a share of 0 to 1, and what people read.
Tell = Callable[[float, Note], None]
#: Does a job and answers its result, a JSON value; or ``Ended``.
Do = Callable[[Job, Tell], Awaitable[Any]]


class Ended(NamedTuple):
    """What a job answers that was put on record as done in the transaction of its work."""

    job: Job


class CannotBeDone(GraphApiError):
    """A job fails for a reason of its own: what programs are told, and what people can do."""

    code = ErrorCode.BAD_INPUT

    def __init__(self, why: str, *, reason: str, remedy: str) -> None:
        super().__init__(why)
        self.reason, self.remedy = reason, remedy


def owner_of(job: Job) -> Principal:
    """Who asked: a worker acts for everybody, and what it finds is theirs."""
    return Principal(job.principal, job.workspace, PrincipalKind.LOCAL)


async def nobody(_: Job) -> None:
    """For those whom nobody listens to."""


class Bell:
    """Rings on the bus: whoever hears it looks into the vault. That a job has ended is told again
    for a while when the bus is away.
    """

    def __init__(self, streams: Streams, *, clock: Callable[[], datetime]) -> None:
        self._streams, self._clock, self._epoch = streams, clock, new_epoch()

    async def __call__(self, job: Job) -> None:
        """Something about ``job`` has changed."""
        for pause_s in _RING_AGAIN_S if job.state in FINAL else (0.0,):
            try:
                await ring_on(self._streams, job, epoch=self._epoch, now=self._clock())
            except GraphApiError:
                await asyncio.sleep(pause_s)
            else:
                return


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
        #: How far the job at hand is, or the last one was.
        self.progress = 0.0

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

    async def once(self, id: str | None = None) -> Job | None:
        """Work off one job, the one of ``id`` where it is given; None when none waits."""
        gone: list[Job] = []
        job = await self._claim(self._vault, id, failed=gone.append)
        for one in gone:
            await self._ring(one)
        return None if job is None else await self._work_off(job)

    async def ask(self, request: Callable[[Door], Awaitable[Job]]) -> Job:
        """Ask for a job and work it off here; where others are at it already, their job."""
        # Both at once: no other worker, who may have other sources, comes in between.
        async with self._vault.together() as vault:
            asked = await request(vault)
            job = await self._claim(vault, asked.id)
        return asked if job is None else await self._work_off(job)

    async def _claim(
        self, vault: Door, id: str | None, *, failed: Callable[[Job], None] = lambda job: None
    ) -> Job | None:
        return await jobs.claim(
            vault,
            self._principal,
            kinds=[self._kind],
            worker=self._name,
            now=self._clock(),
            lease=self._lease,
            id=id,
            failed=failed,
        )

    async def _work_off(self, job: Job) -> Job:
        hold = _Hold(self._vault, self._principal, job, clock=self._clock, lease=self._lease)
        try:
            ended = await self._end(hold)
        except LeaseLost:
            # Cancelled, or in other hands: its row says which.
            ended = await jobs.by_id(self._vault, self._principal, job.id) or job
        await self._ring(ended)
        return ended

    async def _end(self, hold: "_Hold") -> Job:
        """Do a claimed job, however it ends. Raises: LeaseLost."""

        def tell(share: float, note: Note) -> None:
            hold.tell(share, note)
            self.progress = hold.progress

        self.progress = 0.0
        doing, done = asyncio.ensure_future(self._do(hold.job, tell)), asyncio.Event()
        keeping = asyncio.create_task(self._keep(hold, doing, done))
        try:
            result = await asyncio.shield(doing)
        except asyncio.CancelledError:
            if hold.lost is not None:
                raise hold.lost from None
            doing.cancel()
            await asyncio.gather(doing, return_exceptions=True)
            with suppress(GraphApiError):
                await hold.give_back()
            raise
        except CannotBeDone as error:
            return await hold.fail(str(error), code=error.reason, remedy=error.remedy)
        except (UpstreamUnavailable, TurnLost) as error:
            return await self._put_off(hold, error)
        except LeaseLost:
            raise
        except GraphApiError as error:
            return await hold.fail(str(error), code=error.code.value, remedy=self._remedy)
        except Exception as error:
            await log.aerror("job failed", job=hold.job.id, kind=self._kind, exc_info=error)
            why = "It failed; the log has the error."
            return await hold.fail(why, code="INTERNAL", remedy=self._remedy)
        finally:
            # Not cancelled: it may be in the middle of a transaction.
            done.set()
            await keeping
        return result.job if isinstance(result, Ended) else await hold.finish(result)

    async def _keep(self, hold: "_Hold", doing: "asyncio.Future[Any]", done: asyncio.Event) -> None:
        """Tell how it goes, keep the job, and stop when it is called off."""
        while not done.is_set():
            try:
                if await hold.renew():
                    await self._ring(hold.job)
            except LeaseLost as lost:
                if not await hold.is_done():
                    hold.lost = lost
                    doing.cancel()
                return
            except GraphApiError:
                # A vault that is away is asked again; the lease may outlast it.
                pass
            with suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), self._tell_every_s)

    async def _put_off(self, hold: "_Hold", error: GraphApiError) -> Job:
        attempts = hold.job.attempts
        if attempts >= MAX_ATTEMPTS:
            why = f"It was tried {attempts} times. {error}"
            return await hold.fail(why, code=error.code.value, remedy=self._remedy)
        pause = PAUSES[min(attempts, len(PAUSES)) - 1]
        message = f"To be tried again in {pause.total_seconds():g} s: {error}"
        return await hold.put_off(message, until=self._clock() + pause)


class _Hold:
    """A claimed job, and what is to be told of it."""

    def __init__(
        self,
        vault: Vault,
        principal: Principal,
        job: Job,
        *,
        clock: Callable[[], datetime],
        lease: timedelta,
    ) -> None:
        self.job, self.progress = job, job.progress
        self.note: Note | None = None
        self.lost: LeaseLost | None = None
        self._vault, self._principal, self._clock, self._lease = vault, principal, clock, lease
        self._told: tuple[Note | None, float] | None = None
        self._told_at = job.created_at

    def tell(self, share: float, note: Note) -> None:
        """Remember how far it is, to be told when it is time."""
        self.progress, self.note = min(1.0, max(0.0, share)), note

    async def renew(self) -> bool:
        """Tell the vault what is new, or that the job is still held. Returns: whether it was new.

        Raises: LeaseLost.
        """
        now, new = self._clock(), (self.note, self.progress)
        if new == self._told and now - self._told_at < self._lease / 4:
            # A look is enough to learn that it was called off.
            await jobs.look(self._vault, self._principal, self.job)
            return False
        self.job = await jobs.renew(
            self._vault,
            self._principal,
            self.job,
            progress=self.progress,
            now=now,
            lease=self._lease,
            note=self.note,
        )
        is_news = new != self._told
        self._told, self._told_at = new, now
        return is_news

    async def is_done(self) -> bool:
        """Whether its own work has put it on record as done."""
        with suppress(GraphApiError):
            found = await jobs.by_id(self._vault, self._principal, self.job.id)
            return (
                found is not None and found.state is JobState.DONE and found.fence == self.job.fence
            )
        return False

    async def finish(self, result: Any) -> Job:
        """End it with its result. Raises: LeaseLost."""
        await self.renew()
        return await jobs.finish(
            self._vault, self._principal, self.job, result=result, now=self._clock()
        )

    async def fail(self, error: str, *, code: str, remedy: str) -> Job:
        """End it without. Raises: LeaseLost."""
        await self.renew()
        return await jobs.fail(
            self._vault,
            self._principal,
            self.job,
            error=error,
            code=code,
            remedy=remedy,
            now=self._clock(),
        )

    async def put_off(self, message: str, *, until: datetime) -> Job:
        """Let it be tried again later. Raises: LeaseLost."""
        await self.renew()
        return await jobs.put_off(
            self._vault, self._principal, self.job, message=message, until=until
        )

    async def give_back(self) -> Job:
        """Let another worker go on at once. Raises: LeaseLost."""
        await self.renew()
        return await jobs.give_back(self._vault, self._principal, self.job)
