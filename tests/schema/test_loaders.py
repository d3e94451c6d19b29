"""Whoever stops waiting for a loader leaves the others alone."""

import asyncio

import pytest

from graph_api.schema.loaders import SharedLoader


class Source:
    """Answers keys when its gate is opened."""

    def __init__(self) -> None:
        self.entered, self.gate = asyncio.Event(), asyncio.Event()
        self.cancelled = asyncio.Event()
        self.loader = SharedLoader(load_fn=self.load)

    async def load(self, keys: list[str]) -> list[str]:
        self.entered.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return [key.upper() for key in keys]

    async def want(self, key: str) -> str:
        found: str = await self.loader.load(key)
        return found


async def test_a_caller_that_leaves_does_not_take_the_answer_from_the_others() -> None:
    source = Source()
    leaving, staying = (asyncio.create_task(source.want("a")) for _ in range(2))
    await source.entered.wait()
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    source.gate.set()

    assert await staying == "A"
    assert await source.want("a") == "A"


async def test_what_nobody_waits_for_any_more_is_cancelled() -> None:
    source = Source()
    callers = [asyncio.create_task(source.want(key)) for key in ("a", "a", "b")]
    await source.entered.wait()
    for caller in callers:
        caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    await source.cancelled.wait()

    source.gate.set()
    assert await source.want("a") == "A"
