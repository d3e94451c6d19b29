"""How a command ends on SIGINT or SIGTERM: after the step in flight, or at once when told again."""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from types import FrameType
from typing import Any, Final, TypeVar

import click

Answer = TypeVar("Answer")

#: A terminal's Ctrl-C, and the stop of a service manager.
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_STOPPING: Final = "Stopping after the step in flight; a second signal stops at once."
_SHOW_CURSOR: Final = "\x1b[?25h"


class Interrupted(Exception):
    """Somebody asked the command to stop; ``code`` is its exit code, as shells count signals."""

    def __init__(self, number: int) -> None:
        super().__init__("Interrupted; what was finished stays, and the same command goes on.")
        self.code = 128 + number


def run(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Run ``work`` in an event loop of its own.

    The first signal cancels it, so that it finishes what may not be broken off and cleans up. The
    second ends the process where it is, and leaves the rest to whoever finds that it is gone.

    Raises: Interrupted.
    """
    return asyncio.run(_listening(work, said=_STOPPING))


def serve(work: Coroutine[Any, Any, None]) -> None:
    """Run ``work`` that goes on until it is stopped: a signal is its end, and no news to anybody.

    The second signal ends the process where it is.
    """
    with suppress(Interrupted):
        asyncio.run(_listening(work, said=None))


async def _listening(work: Coroutine[Any, Any, Answer], *, said: str | None) -> Answer:
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None
    heard: list[int] = []

    def stop() -> None:
        if said is not None:
            click.echo(said, err=True)
        task.cancel()

    def hear(number: int, _: FrameType | None) -> None:
        if heard:
            _leave(number)
        heard.append(number)
        loop.call_soon_threadsafe(stop)

    before = {number: signal.signal(number, hear) for number in SIGNALS}
    try:
        return await work
    except asyncio.CancelledError:
        if not heard:
            raise
        raise Interrupted(heard[0]) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(number: int) -> None:
    # Nothing that takes time, and nothing that the interrupted code may be in the middle of.
    cursor = _SHOW_CURSOR if sys.stderr.isatty() else ""
    os.write(2, f"{cursor}Stopped at once; the same command goes on.\n".encode())
    os._exit(128 + number)
