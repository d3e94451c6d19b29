"""Works off what was asked for of single wallets: one job after another, each within its budget.

The row in the vault is the command. A job that was left behind by a worker that is gone is taken up
again and goes on where the graph says that its wallet is read to.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
import structlog

from graph_api.domain.chains import chain_of
from graph_api.domain.errors import GraphApiError, UpstreamUnavailable
from graph_api.domain.ids import AccountId
from graph_api.domain.principals import LOCAL, Principal
from graph_api.domain.records import Reject
from graph_api.domain.wallet_loads import Budget, Loaded
from graph_api.live.streams import Streams
from graph_api.services.jobs import WALLET, request_wallet, ring
from graph_api.store.graph import Graph
from graph_api.store.holders import new_holder
from graph_api.store.leases import LeaseLost as TurnLost
from graph_api.store.ledger.turn import Turn
from graph_api.store.outbox import new_epoch
from graph_api.vault import jobs
from graph_api.vault.jobs import FINAL, MAX_ATTEMPTS, Job, LeaseLost, Note
from graph_api.vault.vault import Door, Vault
from ingest.jobs.histories import Addresses, SourceMissing, history_sources
from ingest.pipelines.rejects import append_rejects
from ingest.pipelines.wallets import load_wallet
from ingest.sources.evm.wallet_history import FIRST_SPAN

#: How long a job waits for a worker that fell silent.
LEASE: Final = timedelta(seconds=30)
#: How long to wait, each time, before a job is tried again whose sources do not answer.
PAUSES: Final = tuple(timedelta(seconds=pause) for pause in (5, 30, 120, 600))
#: What failed jobs say to programs, besides the codes of our errors.
SOURCE_MISSING: Final = "SOURCE_MISSING"
_AGAIN: Final = "Ask for the wallet again: what was read stays, and reading goes on from there."
_IDLE_S: Final = 0.5
_TELL_EVERY_S: Final = 0.5
_RING_AGAIN_S: Final = (0.5, 1.0, 2.0, 5.0)

log: Final = structlog.get_logger("deskgraph.ingest")

#: Tells those who wait that something about a job has changed.
Ring = Callable[[Job], Awaitable[None]]


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
                await ring(self._streams, job, epoch=self._epoch, now=self._clock())
            except GraphApiError:
                await asyncio.sleep(pause_s)
            else:
                return


class Worker:
    """Works off jobs about wallets, one at a time.

    ``seconds`` is a clock that only goes on; ``rejects`` is the folder for what cannot be decoded.
    """

    def __init__(
        self,
        graph: Graph,
        vault: Vault,
        addresses: Addresses,
        *,
        budget: Budget,
        clock: Callable[[], datetime],
        seconds: Callable[[], float] = time.monotonic,
        principal: Principal = LOCAL,
        ring: Ring = nobody,
        changed: Callable[[], None] = lambda: None,
        lease: timedelta = LEASE,
        tell_every_s: float = _TELL_EVERY_S,
        span: int = FIRST_SPAN,
        rejects: Path | None = None,
    ) -> None:
        self._graph, self._vault, self._addresses = graph, vault, addresses
        self._budget, self._clock, self._seconds = budget, clock, seconds
        self._principal, self._ring, self._lease = principal, ring, lease
        self._changed = changed
        self._tell_every_s, self._span, self._rejects = tell_every_s, span, rejects
        self._name = new_holder()

    async def run(self) -> None:
        """Work for ever; a graph or a vault that is away is waited for."""
        while True:
            try:
                while await self._is_wanted():
                    await self.once()
                await asyncio.sleep(_IDLE_S)
            except Exception as error:
                # The job's lease runs out, and it is taken up again.
                await log.aerror("wallets failed", exc_info=error)
                await asyncio.sleep(_IDLE_S)

    async def once(self, id: str | None = None) -> Job | None:
        """Work off one job, the one of ``id`` where it is given; None when none waits."""
        gone: list[Job] = []
        job = await self._claim(self._vault, id, failed=gone.append)
        for one in gone:
            await self._ring(one)
        return None if job is None else await self._end(job)

    async def ask(self, account: AccountId) -> Job:
        """Ask for ``account`` and work it off here; where others are at it already, their job."""
        # Both at once: no other worker, who may have other sources, comes in between.
        async with self._vault.together() as vault:
            asked = await request_wallet(
                vault, wallet=account, principal=self._principal, now=self._clock()
            )
            job = await self._claim(vault, asked.id)
        return asked if job is None else await self._end(job)

    async def _is_wanted(self) -> bool:
        return await jobs.is_waiting(
            self._vault, self._principal, kinds=[WALLET], now=self._clock()
        )

    async def _claim(
        self, vault: Door, id: str | None, *, failed: Callable[[Job], None] = lambda job: None
    ) -> Job | None:
        return await jobs.claim(
            vault,
            self._principal,
            kinds=[WALLET],
            worker=self._name,
            now=self._clock(),
            lease=self._lease,
            id=id,
            failed=failed,
        )

    async def _end(self, job: Job) -> Job:
        """Work a claimed job off, however it ends."""
        hold = _Hold(self._vault, self._principal, job, clock=self._clock, lease=self._lease)
        try:
            ended = await self._work(hold)
        except LeaseLost:
            # Cancelled, or in other hands: its row says which.
            ended = await jobs.by_id(self._vault, self._principal, job.id) or job
        await self._ring(ended)
        return ended

    async def _work(self, hold: "_Hold") -> Job:
        loading, done = asyncio.create_task(self._load(hold)), asyncio.Event()
        keeping = asyncio.create_task(self._keep(hold, loading, done))
        try:
            loaded = await asyncio.shield(loading)
        except asyncio.CancelledError:
            if hold.lost is not None:
                raise hold.lost from None
            loading.cancel()
            await asyncio.gather(loading, return_exceptions=True)
            with suppress(GraphApiError):
                await hold.give_back()
            raise
        except SourceMissing as error:
            return await hold.fail(str(error), code=SOURCE_MISSING, remedy=error.remedy)
        except (UpstreamUnavailable, TurnLost) as error:
            return await self._put_off(hold, error)
        except LeaseLost:
            raise
        except GraphApiError as error:
            return await hold.fail(str(error), code=error.code.value, remedy=_AGAIN)
        except Exception as error:
            await log.aerror("wallet failed", job=hold.job.id, exc_info=error)
            return await hold.fail(
                "Reading it failed; the log has the error.", code="INTERNAL", remedy=_AGAIN
            )
        finally:
            # Not cancelled: it may be in the middle of a transaction.
            done.set()
            await keeping
        return await hold.finish(loaded)

    async def _load(self, hold: "_Hold") -> Loaded:
        job = hold.job
        account = AccountId(job.arguments["account"])
        chain = chain_of(job.arguments["chain"])

        def report(loaded: Loaded) -> None:
            hold.note = _note(loaded)
            hold.progress = _progress(loaded, self._budget)
            self._changed()

        def waiting(_: str) -> None:
            message = f"Waiting while others write {chain.name}."
            hold.note = msgspec.structs.replace(hold.note or Note(), message=message)

        def reject(rejects: Sequence[Reject]) -> None:
            if self._rejects is not None:
                append_rejects(self._rejects / f"wallets-{chain.slug}.jsonl", rejects)

        turn = Turn(self._graph, clock=self._clock, waiting=waiting)
        try:
            async with history_sources(
                self._graph, chain, self._addresses, span=self._span
            ) as sources:
                return await load_wallet(
                    self._graph,
                    turn,
                    sources,
                    account,
                    budget=self._budget,
                    clock=self._seconds,
                    before=msgspec.convert(job.result, Loaded) if job.result else None,
                    report=report,
                    reject=reject,
                )
        finally:
            await turn.give_back()

    async def _keep(
        self, hold: "_Hold", loading: asyncio.Task[Loaded], done: asyncio.Event
    ) -> None:
        """Tell how it goes, keep the job, and stop when it is called off."""
        while not done.is_set():
            try:
                if await hold.renew():
                    await self._ring(hold.job)
            except LeaseLost as lost:
                hold.lost = lost
                loading.cancel()
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
            return await hold.fail(why, code=error.code.value, remedy=_AGAIN)
        pause = PAUSES[min(attempts, len(PAUSES)) - 1]
        message = f"To be tried again in {pause.total_seconds():g} s: {error}"
        return await hold.put_off(message, until=self._clock() + pause)


class WalletWork(msgspec.Struct, frozen=True, kw_only=True):
    """How wallets are read: from where, within which budget, and how many at once; ``rejects`` is
    the folder for what cannot be decoded.
    """

    addresses: Addresses
    budget: Budget
    at_once: int = 1
    rejects: Path | None = None

    def workers(
        self,
        graph: Graph,
        vault: Vault,
        *,
        clock: Callable[[], datetime],
        ring: Ring,
        changed: Callable[[], None],
    ) -> list[Worker]:
        """As many as are to work at once."""
        return [
            Worker(
                graph,
                vault,
                self.addresses,
                budget=self.budget,
                clock=clock,
                ring=ring,
                changed=changed,
                rejects=self.rejects,
            )
            for _ in range(self.at_once)
        ]


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

    async def finish(self, loaded: Loaded) -> Job:
        """End it with its result. Raises: LeaseLost."""
        await self.renew()
        return await jobs.finish(
            self._vault,
            self._principal,
            self.job,
            result=msgspec.to_builtins(loaded),
            now=self._clock(),
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


def _note(loaded: Loaded) -> Note:
    return Note(
        done=loaded.done,
        total=loaded.total,
        unit="blocks",
        message=_message(loaded),
        result=msgspec.to_builtins(loaded),
    )


def _message(loaded: Loaded) -> str:
    reached = [part.first for part in loaded.parts if part.first is not None]
    if not reached:
        return "Asking what happened of late."
    return f"Read from the newest block down to {max(reached):,}; {loaded.written:,} new facts."


def _progress(loaded: Loaded, budget: Budget) -> float:
    """How near the end is: that of the blocks, or that of the budget."""
    read = loaded.done / loaded.total if loaded.total else 1.0
    return min(1.0, max(read, loaded.spent.share(budget)))
