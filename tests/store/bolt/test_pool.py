"""Places are few, turns are fair, and nothing that is given up is lost."""

import asyncio
import random

import pytest

from graph_api.domain.errors import UpstreamUnavailable
from graph_api.store.bolt import pool as pools
from graph_api.store.bolt.reader import Reader
from tests.store.bolt.scripted import IGNORED, echo, scripted, success
from tests.store.bolt.turns import until


class Gate:
    """A server's answer that waits until the test lets it go."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, text: str) -> bytes | None:
        self.asked.append(text)
        return b"" if text.startswith("held") else echo(text)


async def test_turns_are_taken_in_the_order_of_waiting() -> None:
    gate = Gate()
    async with scripted(gate, pool_size=1) as reader:
        texts = [f"q{number}" for number in range(30)]
        done: list[str] = []

        async def ask(text: str) -> None:
            await reader.read(text, {})
            done.append(text)

        await asyncio.gather(*(ask(text) for text in texts))
    assert gate.asked == done == texts


async def test_a_wait_without_a_free_connection_ends_with_a_word_on_when_to_return() -> None:
    gate = Gate()
    cleared = IGNORED + IGNORED + success()
    async with scripted(gate, reset=cleared, pool_size=2, query_timeout_s=0.05) as reader:
        held = [asyncio.create_task(reader.read(f"held {n}", {})) for n in range(2)]
        await until(lambda: len(gate.asked) == 2)
        with pytest.raises(UpstreamUnavailable) as caught:
            await reader.read("too many", {})
        assert caught.value.retry_after_s > 0
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)
        assert await reader.read("room again", {}) == (("text",), [["room again"]])


async def test_whoever_leaves_the_queue_takes_no_turn_with_them() -> None:
    chance = random.Random(7)
    async with scripted(pool_size=2) as reader:
        tasks = {n: asyncio.create_task(reader.read(f"q{n}", {})) for n in range(100)}
        for number in chance.sample(range(100), 60):
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)
            tasks[number].cancel()
        results = await asyncio.gather(*tasks.values(), return_exceptions=True)
        for number, result in enumerate(results):
            assert isinstance(result, asyncio.CancelledError) or result == (
                ("text",),
                [[f"q{number}"]],
            )
        assert await asyncio.gather(*(reader.read(f"r{n}", {}) for n in range(20))) == [
            (("text",), [[f"r{n}"]]) for n in range(20)
        ]


async def test_a_connection_that_lay_idle_for_long_is_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with scripted(pool_size=1, reset=b"\x00\x00") as reader:
        await reader.read("a", {})
        monkeypatch.setattr(pools, "IDLE_S", -1.0)
        monkeypatch.setattr(pools, "CHECK_S", 0.05)
        # The check gets no answer, so another connection is opened.
        assert await reader.read("b", {}) == (("text",), [["b"]])
        assert reader.tally["asked again"] == 0


async def test_an_old_connection_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "LIFETIME_S", -1.0)
    async with scripted(pool_size=1) as reader:
        for text in ("a", "b", "c"):
            assert await reader.read(text, {}) == (("text",), [[text]])
        assert reader.tally["asked again"] == 0


async def test_closing_ends_what_waits_and_what_is_under_way() -> None:
    gate = Gate()
    async with scripted(gate, pool_size=1) as reader:
        tasks = [asyncio.create_task(reader.read(f"held {n}", {})) for n in range(3)]
        await until(lambda: len(gate.asked) > 0)
        await reader.close()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, Exception) for result in results)


async def test_a_reader_that_never_asked_closes() -> None:
    async with scripted() as reader:
        assert isinstance(reader, Reader)
