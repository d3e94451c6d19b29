"""Reading one step ahead: the next answer is fetched while the last one is used."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def ahead(steps: AsyncIterator[T]) -> AsyncGenerator[T, None]:
    """What ``steps`` yields, in order; an error comes after what was yielded before it."""

    async def step() -> T | None:
        return await anext(steps, None)

    coming = asyncio.ensure_future(step())
    try:
        while (found := await coming) is not None:
            coming = asyncio.ensure_future(step())
            yield found
    finally:
        coming.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await coming
