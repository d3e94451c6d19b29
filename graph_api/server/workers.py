"""One server made of several processes: starts them on one socket, keeps them up, renews them.

The parent holds the listening socket and answers nothing itself. Every worker is a fresh Python
with one event loop; it inherits the socket, and a channel that ends when the parent does. A worker
that dies is replaced. SIGTERM and SIGINT stop all, SIGHUP replaces one after another.
"""

import asyncio
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, Final

import structlog

from graph_api.server.accepting import Shares
from graph_api.server.counting import SharedCounts, counting_folder
from graph_api.server.logs import configure_logging
from graph_api.server.process import (
    SHARES,
    Make,
    StartRefused,
    Task,
    Worker,
    WorkerFailed,
)
from graph_api.server.serving import Server, address_of, listen
from graph_api.server.terminal import Terminal
from graph_api.settings import Settings

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0
STEADY_S: Final = 60.0  # a worker that lasted so long is replaced at once
KILL_AFTER_S: Final = 10.0  # beyond what running queries have: to part, and to close

Announce = Callable[[str], object]

log = structlog.get_logger("graph_api.server")


def serve(make: Make, settings: Settings, *, announce: Announce | None = None) -> None:
    """Serve what ``make`` makes until SIGINT or SIGTERM, with as many workers as settings say.

    Running requests are finished, for ``graceful_stop_s`` at most.

    Args:
        make: Called once in each process, with ``settings``.
        announce: Called once with the base address (``http://127.0.0.1:8000``) when requests are
            answered.
    Raises: CannotListen; with several workers WorkerFailed and StartRefused; with one, whatever
        the application raises instead of starting.
    """
    configure_logging()
    with listen(settings.http) as listener:
        if settings.http.workers == 1:
            Server(make(settings), settings.http, ready=announce).answer(listener)
            return
        with counting_folder() as counts:
            asyncio.run(_supervise(Crew(make, settings, listener, counts), announce))


async def _supervise(crew: "Crew", announce: Announce | None) -> None:
    with crew.hears_signals():
        await crew.serve(announce)


class Crew:
    """The workers of one server, and what keeps their number."""

    def __init__(
        self, make: Make, settings: Settings, listener: socket.socket, counts: SharedCounts
    ) -> None:
        self._make, self._settings = make, settings
        self._listener, self._counts = listener, counts
        places = settings.http.workers + 2  # they are numbered from 1; one more comes to renew one
        self._shares = Shares.of_nobody(counts.folder / SHARES, places=places)
        self._grace_s = settings.http.graceful_stop_s + KILL_AFTER_S
        self._workers: dict[int, Worker] = {}
        self._keepers: set[asyncio.Task[None]] = set()
        self._numbers: set[int] = set()
        self._stop, self._renew = asyncio.Event(), asyncio.Event()
        self._failure: BaseException | None = None

    async def serve(self, announce: Announce | None) -> None:
        """Keep the crew up until it is stopped. Raises: WorkerFailed, StartRefused."""
        try:
            await self._unless_stopped(self._start_all())
            if announce is not None and not self._stop.is_set():
                announce(address_of(self._listener))
            await self._unless_stopped(self._renew_when_asked())
        finally:
            await self._stop_all()
        if self._failure is not None:
            raise self._failure

    @contextmanager
    def hears_signals(self) -> Iterator[None]:
        """Obey signals while the block lasts."""
        loop, terminal = asyncio.get_running_loop(), Terminal()
        loop.add_signal_handler(signal.SIGTERM, self.stop)
        loop.add_signal_handler(signal.SIGINT, self.stop)
        loop.add_signal_handler(
            signal.SIGHUP, lambda: self.stop() if terminal.is_gone() else self.renew()
        )
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                loop.remove_signal_handler(number)

    def stop(self) -> None:
        """End all workers; asked twice, without waiting for what they do."""
        if self._stop.is_set():
            for worker in self._workers.values():
                worker.send(signal.SIGTERM)
        self._stop.set()

    def renew(self) -> None:
        """Replace the workers one after another; each goes when the next one answers."""
        self._renew.set()

    async def _start_all(self) -> None:
        size = self._settings.http.workers
        starting = [asyncio.create_task(self._start(self._number())) for _ in range(size)]
        try:
            await asyncio.gather(*starting)
        finally:
            for start in starting:
                start.cancel()
            await asyncio.wait(starting)

    async def _start(self, number: int, *, pause_s: float = FIRST_PAUSE_S) -> Worker:
        """A worker that answers, and that is kept up. Raises: WorkerFailed, StartRefused."""
        worker = await Worker.spawned(number, self._listener, pause_s=pause_s)
        self._workers[number] = worker
        task = Task(
            number, self._make, self._settings, self._listener.fileno(), self._counts.folder
        )
        try:
            await worker.take_up(task)
        except BaseException:
            worker.send(signal.SIGKILL)
            await worker.ended()
            self._forget(worker)
            raise
        keeper = asyncio.create_task(self._keep(worker))
        self._keepers.add(keeper)
        keeper.add_done_callback(self._kept)
        return worker

    async def _keep(self, worker: Worker) -> None:
        """Wait for the worker's end, and replace it unless that was our wish."""
        manner = await worker.ended()
        self._forget(worker)
        if worker.leaving:
            self._numbers.discard(worker.number)
        else:
            await self._unless_stopped(self._replace(worker, manner))

    def _kept(self, keeper: asyncio.Task[None]) -> None:
        """Stop all when one cannot be kept up."""
        self._keepers.discard(keeper)
        error = keeper.exception()
        if error is not None:
            self._failure = error
            self._stop.set()

    async def _replace(self, worker: Worker, manner: str) -> None:
        """Start it again, after a longer pause each time. Raises: StartRefused if that lasts."""
        pause_s = 0.0 if worker.lasted_s() > STEADY_S else worker.pause_s
        trouble = f"Worker {worker.number} (process {worker.pid}) ended with {manner}."
        while True:
            log.error("worker lost", reason=trouble, again_in_s=pause_s)
            await asyncio.sleep(pause_s)
            pause_s = min(max(2 * pause_s, FIRST_PAUSE_S), LONGEST_PAUSE_S)
            try:
                await self._start(worker.number, pause_s=pause_s)
                return
            except WorkerFailed as failure:
                trouble = str(failure)
            except StartRefused as refusal:
                if not refusal.passing:
                    raise
                trouble = str(refusal)

    async def _renew_when_asked(self) -> None:
        while await self._renew.wait():
            self._renew.clear()
            try:
                for old in [*self._workers.values()]:
                    await self._renewed(old)
            except (WorkerFailed, StartRefused) as failure:
                log.error("workers not renewed", reason=str(failure))

    async def _renewed(self, old: Worker) -> None:
        number = self._number()
        try:
            new = await self._start(number)
        except BaseException:
            self._numbers.discard(number)
            raise
        if self._workers.get(old.number) is not old:
            old = new  # it ended meanwhile, and comes back by itself
        else:
            log.info("worker renewed", before=old.number, after=number)
        old.send(signal.SIGHUP)
        await old.end_within(self._grace_s)

    async def _stop_all(self) -> None:
        self._stop.set()
        self._listener.close()  # refused is better than left waiting
        for worker in self._workers.values():
            worker.send(signal.SIGTERM)
        ending = [worker.end_within(self._grace_s) for worker in self._workers.values()]
        await asyncio.gather(*ending)
        await asyncio.gather(*self._keepers)

    async def _unless_stopped(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it; a stop cancels it."""
        doing, stopped = asyncio.create_task(work), asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({doing, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            doing.cancel()
            await asyncio.wait({doing})
        if not doing.cancelled():
            doing.result()

    def _number(self) -> int:
        """The lowest number that nobody has, taken."""
        number = next(number for number in count(1) if number not in self._numbers)
        self._numbers.add(number)
        return number

    def _forget(self, worker: Worker) -> None:
        del self._workers[worker.number]
        self._counts.leave(worker.number)
        self._shares.leave(worker.number)
