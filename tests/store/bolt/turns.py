"""Waiting for something that the event loop itself will bring about."""

import asyncio
from collections.abc import Callable


async def until(true: Callable[[], bool]) -> None:
    """Let the loop turn until ``true``; nothing here tells of the change by itself."""
    while not true():  # noqa: ASYNC110
        await asyncio.sleep(0)
