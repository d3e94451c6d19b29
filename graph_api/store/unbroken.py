"""Steps that end as they began, whole, when whoever waits for them is cancelled meanwhile."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Answer = TypeVar("Answer")


async def unbroken(step: Coroutine[Any, Any, Answer]) -> Answer:
    """The answer of ``step``; a cancellation waits for it and is felt at the next await.

    So a caller can note what became of the step before it has to leave. A step that fails after
    a cancellation leaves nothing to note: then the cancellation comes at once.
    """
    running, cancelled = asyncio.ensure_future(step), False
    while not running.done():
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError:
            cancelled = True
    if not cancelled:
        return running.result()
    if running.cancelled() or running.exception() is not None:
        raise asyncio.CancelledError
    task = asyncio.current_task()
    assert task is not None
    task.uncancel()
    task.cancel()
    return running.result()
