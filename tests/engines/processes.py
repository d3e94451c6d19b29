"""Waiting for processes and conditions without guessing how long they take."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

PATIENCE_S = 60.0


async def gone(pid: int) -> None:
    """Wait until a process, whoever's child it is, has ended."""
    await until(lambda: not _runs(pid))


async def until(condition: Callable[[], bool]) -> None:
    """Wait until ``condition`` holds."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            if condition():
                return
            await asyncio.sleep(0.02)


@asynccontextmanager
async def starter(program: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Python process of its own that runs ``program``; killed at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()


async def line_of(process: asyncio.subprocess.Process) -> str:
    """The next line that the process prints."""
    assert process.stdout
    async with asyncio.timeout(PATIENCE_S):
        return (await process.stdout.readline()).decode().strip()


def _runs(pid: int) -> bool:
    """A zombie has ended; its parent has only not asked for it yet."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = f"/proc/{pid}/stat"
    if not os.path.exists(status):
        return sys.platform != "linux"
    with open(status) as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"
