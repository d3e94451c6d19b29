"""Tells API processes that the graph has changed, so that they give up the answers they kept."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from graph_api.live.bus_answers import Marks

#: Batches that follow each other within this time are told as one change.
PAUSE_S: Final = 0.2
_TIMEOUT_S: Final = 1.0


@asynccontextmanager
async def marking(bus_url: str | None) -> AsyncIterator[Callable[[], None]]:
    """What to call after each commit. It waits for nothing, and a bus that is away is no trouble.

    What was committed last is told before the block ends, however it ends.
    """
    if bus_url is None:
        yield lambda: None
        return
    marks, changed = Marks.on(bus_url, timeout_s=_TIMEOUT_S), asyncio.Event()
    telling = asyncio.create_task(_tell(marks, changed))
    try:
        yield changed.set
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        # A batch may be in the graph although nobody could say so any more.
        await marks.turn()
        await marks.close()


async def _tell(marks: Marks, changed: asyncio.Event) -> None:
    while True:
        await changed.wait()
        changed.clear()
        await marks.turn()
        await asyncio.sleep(PAUSE_S)
