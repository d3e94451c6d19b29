"""The guard and the supervisor, on small programs that behave as badly as engines can."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from deskgraph.engines import guard
from deskgraph.engines.errors import AlreadyRunning, EngineDied, EngineError, NotReady
from deskgraph.engines.folder import EngineFolder
from deskgraph.engines.supervise import Engine, OnTrouble, supervised, taken_folder
from tests.engines.processes import gone, until

MASK = "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})"
PATIENT = "import signal; print('up', flush=True); signal.pause()"
STUBBORN = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True)\n"
    "while True: signal.pause()"
)
FAILING = "print('no disk left', flush=True); raise SystemExit(3)"
LINGERING = "import signal; print('FATAL: no disk left', flush=True); signal.pause()"


def engine(folder: EngineFolder, program: str, *, grace_s: float = 30, fatal: str = "") -> Engine:
    """A program that is ready once it has written ``up``."""

    async def ready() -> bool:
        return folder.log.read_text().count("up") > seen

    seen = folder.log.read_text().count("up") if folder.log.exists() else 0
    return Engine(
        name="The program",
        folder=folder,
        command=(sys.executable, "-c", program),
        url="none:",
        port=None,
        ready=ready,
        start_timeout_s=60,
        grace_s=grace_s,
        fatal=fatal,
    )


@asynccontextmanager
async def running(wanted: Engine, *, on_trouble: OnTrouble | None = None) -> AsyncIterator[None]:
    async with (
        taken_folder(wanted.name, wanted.folder) as lock,
        supervised(wanted, lock, on_trouble=on_trouble),
    ):
        yield


@pytest.fixture
def folder(tmp_path: Path) -> EngineFolder:
    return EngineFolder(tmp_path, "program")


def pid_of(folder: EngineFolder) -> int:
    note = folder.running()
    assert note
    return note.pid


async def test_runs_for_the_block_and_leaves_nothing_behind(folder: EngineFolder) -> None:
    async with running(engine(folder, PATIENT)):
        pid = pid_of(folder)
        assert folder.is_locked()

    await gone(pid)
    assert folder.note() is None
    assert not folder.is_locked()


async def test_one_that_ignores_sigterm_is_killed_after_its_grace(folder: EngineFolder) -> None:
    async with running(engine(folder, STUBBORN, grace_s=0.1)):
        pid = pid_of(folder)

    await gone(pid)


async def test_one_that_fails_to_start_says_why(folder: EngineFolder) -> None:
    with pytest.raises(EngineDied, match=r"exit code 3.*\n.*no disk left"):
        async with running(engine(folder, FAILING)):
            pytest.fail("it never answered")

    assert not folder.is_locked()


async def test_one_that_lingers_after_a_fatal_line_is_stopped(folder: EngineFolder) -> None:
    with pytest.raises(EngineDied, match="no disk left"):
        async with running(engine(folder, LINGERING, fatal="FATAL")):
            pytest.fail("it never answered")


async def test_one_that_never_answers_is_stopped(folder: EngineFolder) -> None:
    mute = replace(engine(folder, "import signal; signal.pause()"), start_timeout_s=0.2)
    with pytest.raises(NotReady, match="did not answer within"):
        async with running(mute):
            pytest.fail("it never answered")

    assert not folder.is_locked()


async def test_a_missing_program_is_named(folder: EngineFolder) -> None:
    missing = replace(engine(folder, ""), command=("/no/such/program",))
    with pytest.raises(EngineDied, match="/no/such/program: No such file"):
        async with running(missing):
            pytest.fail("it never answered")


async def test_an_unexpected_end_is_raised_and_names_its_cause(folder: EngineFolder) -> None:
    async def lose_it() -> None:
        async with running(engine(folder, PATIENT)):
            os.kill(pid_of(folder), signal.SIGKILL)
            await until(lambda: not folder.is_locked())
            raise ConnectionError("the engine is away")

    with pytest.raises(EngineDied, match="signal 9") as caught:
        await lose_it()

    assert isinstance(caught.value.__cause__, ConnectionError)


async def test_one_that_is_kept_up_is_reported_and_started_again(folder: EngineFolder) -> None:
    troubles: list[tuple[EngineError, float]] = []
    async with running(engine(folder, PATIENT), on_trouble=lambda *one: troubles.append(one)):
        first = pid_of(folder)
        os.kill(first, signal.SIGKILL)
        await until(lambda: (note := folder.running()) is not None and note.pid != first)
        second = pid_of(folder)

    await gone(second)
    [(trouble, pause)] = troubles
    assert "signal 9" in str(trouble)
    assert pause > 0


async def test_the_engine_ends_with_its_guard(folder: EngineFolder) -> None:
    async def kill_the_guard() -> None:
        async with running(engine(folder, PATIENT)):
            pid = pid_of(folder)
            os.kill(_parent(pid), signal.SIGKILL)
            await gone(pid)

    with pytest.raises(EngineDied, match="signal 9"):
        await kill_the_guard()


async def test_an_end_that_nobody_wished_is_news_even_without_an_error(
    folder: EngineFolder,
) -> None:
    leaving = "import signal; print('up', flush=True); signal.sigwait({signal.SIGTERM})"

    async def send_it_away() -> None:
        async with running(engine(folder, f"import signal; {MASK}; {leaving}")):
            pid = pid_of(folder)
            os.kill(pid, signal.SIGTERM)
            await gone(pid)

    with pytest.raises(EngineDied, match="exit code 0"):
        await send_it_away()


async def test_a_command_that_fails_is_no_fault_of_the_engine(folder: EngineFolder) -> None:
    async def fail() -> None:
        async with running(engine(folder, PATIENT)):
            raise ConnectionError("the client went away")

    with pytest.raises(ConnectionError, match="the client went away"):
        await fail()
    assert not folder.is_locked()


async def test_a_held_folder_is_refused_at_once(folder: EngineFolder) -> None:
    async with running(engine(folder, PATIENT)):
        with pytest.raises(AlreadyRunning, match=f"already running .pid {pid_of(folder)}"):
            async with taken_folder("It", folder):
                pytest.fail("the folder was taken twice")


async def test_a_folder_that_is_being_left_is_waited_for(folder: EngineFolder) -> None:
    """Its starter is dead, its engine still closes files: the next one takes its turn."""
    folder.prepare()
    leaving = folder.lock()
    assert leaving

    async def take() -> None:
        async with taken_folder("It", folder):
            pass

    taking = asyncio.create_task(take())
    await asyncio.wait([taking], timeout=0.2)
    assert not taking.done()
    leaving.release()
    await taking


async def test_a_file_in_the_folders_place_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "program").touch()
    with pytest.raises(EngineError, match="cannot be used: File exists"):
        async with taken_folder("It", EngineFolder(tmp_path, "program")):
            pytest.fail("a file was taken for a folder")


def test_a_log_is_put_aside_when_it_is_full(tmp_path: Path) -> None:
    path = tmp_path / "engine.log"
    log = guard.Log(path)
    log.write(b"old" + bytes(guard.LOG_BYTES))
    log.write(b"new")
    log.close()

    assert path.read_bytes() == b"new"
    assert path.with_name("engine.log.1").read_bytes().startswith(b"old")


def _parent(pid: int) -> int:
    with open(f"/proc/{pid}/stat") as file:
        return int(file.read().rpartition(")")[2].split()[1])
