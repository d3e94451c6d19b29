"""Starts an engine as a guarded child, waits until it answers, keeps it up, and stops it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from deskgraph.engines import guard
from deskgraph.engines.errors import AlreadyRunning, Death, EngineDied, EngineError, NotReady
from deskgraph.engines.folder import EngineFolder, FolderLock, Note, is_alive

OnTrouble = Callable[[EngineError, float], None]
"""Hears what went wrong, and in how many seconds the next start is tried."""

POLL_S = 0.05
PATIENCE_S = 30.0
TAIL_LINES = 15
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
STEADY_S = 60.0


@dataclass(frozen=True)
class Engine:
    """What it takes to run one engine; ``ready`` is asked again and again until it is true."""

    name: str
    folder: EngineFolder
    command: tuple[str, ...]
    url: str
    port: int | None
    ready: Callable[[], Awaitable[bool]]
    start_timeout_s: float
    grace_s: float
    fatal: str = ""


@asynccontextmanager
async def supervised(
    engine: Engine, lock: FolderLock, *, on_trouble: OnTrouble | None = None
) -> AsyncIterator[None]:
    """Run ``engine`` while the block lasts; ``lock`` is its folder's, and is handed over.

    With ``on_trouble`` an engine that ends on its own is reported there and started again,
    after a longer pause each time. Without, the block goes on and EngineDied is raised at its
    end.

    Raises: EngineDied, NotReady.
    """
    run = _Run(engine)
    await run.start(lock)
    keeper = asyncio.create_task(run.keep_up(on_trouble)) if on_trouble else None
    cause: Exception | None = None
    try:
        yield
    except Exception as error:
        cause = error
    finally:
        if keeper:
            await _cancel(keeper)
        death = await run.stop()
    if death and (cause or not keeper):
        raise EngineDied(death) from cause
    if cause:
        raise cause


@asynccontextmanager
async def taken_folder(name: str, folder: EngineFolder) -> AsyncIterator[FolderLock]:
    """Hold the folder while the block lasts, or until the lock is handed to an engine.

    Raises: AlreadyRunning, and EngineError when the folder cannot be used.
    """
    folder.prepare()
    lock = await _take(name, folder)
    try:
        yield lock
    finally:
        lock.release()


async def _take(name: str, folder: EngineFolder) -> FolderLock:
    """The folder's lock; waits while an engine whose starter is gone still closes its files."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + PATIENCE_S
    while (lock := folder.lock()) is None:
        note = folder.note()
        if (note and is_alive(note.supervisor)) or clock() > deadline:
            raise _already_running(name, folder, note)
        await asyncio.sleep(POLL_S)
    folder.forget_note()
    return lock


def _already_running(name: str, folder: EngineFolder, note: Note | None) -> AlreadyRunning:
    home = str(folder.home)
    if note is None:
        return AlreadyRunning(name, home=home, pid=None, where=None)
    return AlreadyRunning(name, home=home, pid=note.pid, where=note.url)


async def _cancel(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait for it; what it raised on its own account is raised here."""
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled() and (error := task.exception()):
        raise error


class _Run:
    """The present process of an engine; a new one takes its place after a death."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._process: asyncio.subprocess.Process
        self._pid: asyncio.Future[int]
        self._ending: asyncio.Task[Death | None]
        self._log_from = 0

    async def start(self, lock: FolderLock) -> None:
        """Start the engine and wait until it answers; one that does not is stopped."""
        await self._spawn(lock)
        try:
            await self._answer()
        except BaseException:
            await self.stop()
            raise

    async def _spawn(self, lock: FolderLock) -> None:
        """Start the guard, which starts the engine; both inherit the lock, and we let it go."""
        engine, log = self._engine, self._engine.folder.log
        self._log_from = _size(log)
        try:
            with log.open("ab") as words:
                self._process = await asyncio.create_subprocess_exec(
                    *_guarded(engine, lock),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=words,
                    pass_fds=(lock.fd,),
                    # An engine writes logs of its own into the folder that it starts in.
                    cwd=engine.folder.path,
                    start_new_session=True,
                )
        finally:
            lock.release()
        self._pid = asyncio.get_running_loop().create_future()
        self._ending = asyncio.create_task(self._watch())

    async def _answer(self) -> None:
        """Wait for the first answer, the end of the process, or the end of our patience."""
        engine = self._engine
        note = Note(
            pid=await self._pid,
            supervisor=os.getpid(),
            url=engine.url,
            port=engine.port,
            ready=False,
        )
        engine.folder.write_note(note)
        answer = asyncio.create_task(_until(engine.ready))
        await asyncio.wait(
            {answer, self._ending},
            timeout=engine.start_timeout_s,
            return_when=asyncio.FIRST_COMPLETED,
        )
        await _cancel(answer)
        if self._ending.done() and (death := self._ending.result()):
            raise EngineDied(death)
        if answer.cancelled():
            raise NotReady(engine.name, after_s=engine.start_timeout_s, tail=self._tail())
        engine.folder.write_note(note.answering())

    async def _watch(self) -> Death | None:
        """Hear what the guard has to say until it ends; None when the end was our wish."""
        assert self._process.stdout
        self._pid.set_result(int(await self._process.stdout.readline() or 0))
        verdict = await self._process.stdout.read()
        code = await self._process.wait()
        # A guard that was killed leaves no verdict.
        code = int(verdict) if verdict else code
        if not verdict and code == 0:
            return None
        return Death(self._engine.name, code if code >= 0 else 128 - code, self._tail())

    async def keep_up(self, on_trouble: OnTrouble) -> None:
        """Start the engine again whenever it ends on its own; returns once it was stopped."""
        clock = asyncio.get_running_loop().time
        began, pause = clock(), FIRST_PAUSE_S
        while death := await asyncio.shield(self._ending):
            pause = FIRST_PAUSE_S if clock() - began > STEADY_S else pause
            trouble: EngineError | None = EngineDied(death)
            while trouble:
                on_trouble(trouble, pause)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_S)
                trouble = await self._restart()
            began = clock()

    async def _restart(self) -> EngineError | None:
        """Start once more, when nothing of the last run holds the folder; why it failed."""
        engine = self._engine
        engine.folder.forget_note()
        try:
            await self.start(await _take(engine.name, engine.folder))
        except EngineError as error:
            return error
        return None

    async def stop(self) -> Death | None:
        """Let go of the guard, which ends the engine and then itself; how it ended before that."""
        self._engine.folder.forget_note()
        assert self._process.stdin
        self._process.stdin.close()
        return await self._ending

    def _tail(self) -> str:
        """The last lines that this run wrote to the log, without the frames of stack traces."""
        log, start = self._engine.folder.log, self._log_from
        words = log.read_bytes() if log.exists() else b""
        # A log that is shorter than at our start was put aside in between.
        ours = words[start:] if len(words) >= start else words
        lines = ours.decode(errors="replace").splitlines()
        telling = [line for line in lines if line.strip() and not line.startswith("\t")]
        return "\n".join(telling[-TAIL_LINES:])


def _guarded(engine: Engine, lock: FolderLock) -> tuple[str, ...]:
    """The guard's command line; it runs as a bare script, with nothing but Python's own."""
    # One argument each, joined by "=", because a value may begin with a dash.
    options = (
        f"--log={engine.folder.log}",
        f"--grace={engine.grace_s:g}",
        f"--fatal={engine.fatal}",
        f"--keep={lock.fd}",
    )
    script = str(Path(guard.__file__))
    return (sys.executable, "-I", "-S", script, *options, "--", *engine.command)


async def _until(ready: Callable[[], Awaitable[bool]]) -> None:
    while True:
        if await ready():
            return
        await asyncio.sleep(POLL_S)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
