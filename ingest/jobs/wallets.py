"""Histories of wallets that were asked for, each read within its budget.

A job that is taken up again goes on where the graph says that its wallet is read to.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from graph_api.domain.chains import chain_of
from graph_api.domain.ids import AccountId
from graph_api.domain.principals import LOCAL
from graph_api.domain.records import Reject
from graph_api.domain.wallet_loads import Budget, Loaded
from graph_api.services.jobs import WALLET, request_wallet
from graph_api.store.graph import Graph
from graph_api.store.ledger.turn import Turn
from graph_api.vault.jobs import Job, Note
from graph_api.vault.vault import Door, Vault
from ingest.jobs.histories import Addresses, SourceMissing, history_sources
from ingest.jobs.workers import CannotBeDone, JobWorker, Ring, Tell, nobody
from ingest.pipelines.rejects import append_rejects
from ingest.pipelines.wallets import load_wallet
from ingest.sources.evm.wallet_history import FIRST_SPAN

#: What jobs that fail for want of a source say to programs.
SOURCE_MISSING: Final = "SOURCE_MISSING"
_AGAIN: Final = "Ask for the wallet again: what was read stays, and reading goes on from there."


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
    ) -> list[JobWorker]:
        """As many as are to work at once."""
        return [
            self.worker(graph, vault, clock=clock, ring=ring, changed=changed)
            for _ in range(self.at_once)
        ]

    def worker(
        self,
        graph: Graph,
        vault: Vault,
        *,
        clock: Callable[[], datetime],
        seconds: Callable[[], float] = time.monotonic,
        ring: Ring = nobody,
        changed: Callable[[], None] = lambda: None,
        span: int = FIRST_SPAN,
        **options: Any,
    ) -> JobWorker:
        """Reads wallets, one at a time; ``changed`` is called after each change of the graph, and
        ``seconds`` is a clock that only goes on.
        """

        async def do(job: Job, tell: Tell) -> Any:
            reading = _Reading(self, job, tell=tell, changed=changed)
            turn = Turn(graph, clock=clock, waiting=reading.waiting)
            try:
                async with history_sources(
                    graph, reading.chain, self.addresses, span=span
                ) as sources:
                    loaded = await load_wallet(
                        graph,
                        turn,
                        sources,
                        AccountId(job.arguments["account"]),
                        budget=self.budget,
                        clock=seconds,
                        before=msgspec.convert(job.result, Loaded) if job.result else None,
                        report=reading.report,
                        reject=reading.reject,
                    )
            except SourceMissing as error:
                raise CannotBeDone(
                    str(error), reason=SOURCE_MISSING, remedy=error.remedy
                ) from error
            finally:
                await turn.give_back()
            return msgspec.to_builtins(loaded)

        return JobWorker(vault, WALLET, do, clock=clock, remedy=_AGAIN, ring=ring, **options)


async def read_wallet(worker: JobWorker, account: AccountId, *, now: datetime) -> Job:
    """Ask for ``account`` and read it here; where others are at it already, their job."""

    async def request(vault: Door) -> Job:
        return await request_wallet(vault, wallet=account, principal=LOCAL, now=now)

    return await worker.ask(request)


class _Reading:
    """What is told of one wallet while it is read."""

    def __init__(
        self,
        work: WalletWork,
        job: Job,
        *,
        tell: Tell,
        changed: Callable[[], None],
    ) -> None:
        self.chain = chain_of(job.arguments["chain"])
        self._work, self._tell, self._changed = work, tell, changed
        self._share, self._note = job.progress, Note()

    def report(self, loaded: Loaded) -> None:
        """So far it is read."""
        self._share, self._note = _progress(loaded, self._work.budget), _note(loaded)
        self._tell(self._share, self._note)
        self._changed()

    def waiting(self, _: str) -> None:
        """Others write to the chain."""
        message = f"Waiting while others write {self.chain.name}."
        self._note = msgspec.structs.replace(self._note, message=message)
        self._tell(self._share, self._note)

    def reject(self, rejects: Sequence[Reject]) -> None:
        """Keep what cannot be decoded."""
        if self._work.rejects is not None:
            append_rejects(self._work.rejects / f"wallets-{self.chain.slug}.jsonl", rejects)


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
