"""Ends the work of a request whose client has left."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect
from starlette.types import Receive

Answer = TypeVar("Answer")

LOOK_AFTER_S = 0.02  # most work is over by then, and costs no task that watches


async def while_present(receive: Receive, work: Awaitable[Answer]) -> Answer:
    """What ``work`` answers; its body must have been received.

    Raises: ClientDisconnect when the client leaves before; ``work`` has been cancelled then.
    """
    watch = _Watch(receive)
    try:
        return await work
    except asyncio.CancelledError:
        if watch.left and watch.task.uncancel() == 0:
            raise ClientDisconnect from None
        raise
    finally:
        watch.end()


class _Watch:
    """Cancels the task that made it once the client is gone."""

    def __init__(self, receive: Receive) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.task, self.left = task, False
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(LOOK_AFTER_S, self._look)
        self._looking: asyncio.Task[Any] | None = None

    def end(self) -> None:
        """Look no longer."""
        self._timer.cancel()
        if self._looking is not None:
            self._looking.remove_done_callback(self._gone)
            self._looking.cancel()

    def _look(self) -> None:
        self._looking = self._loop.create_task(self._leaving())
        self._looking.add_done_callback(self._gone)

    async def _leaving(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def _gone(self, looking: asyncio.Task[Any]) -> None:
        if not looking.cancelled() and looking.exception() is None:
            self.left = True
            self.task.cancel()
