"""Right answers or honest errors, whatever the network between reader and graph does."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from neo4j.exceptions import DatabaseError

from graph_api.domain.errors import GraphApiError, TooCostly, UpstreamUnavailable
from graph_api.store.address import GraphAddress
from graph_api.store.graph import Graph
from tests.real.embedded import start_embedded
from tests.store.bolt.proxy import Proxy, proxied
from tests.store.bolt.turns import until

ROWS = "UNWIND range(1, $n) AS i RETURN $x AS x, i, 'some text ' + i AS text"


def rows(x: int, n: int) -> list[list[object]]:
    return [[x, i, f"some text {i}"] for i in range(1, n + 1)]


@asynccontextmanager
async def opened(proxy: Proxy, **limits: float) -> AsyncIterator[Graph]:
    """A graph that is asked through ``proxy``."""
    graph = await Graph.open(proxy.address(), pool_size=8, **limits)  # type: ignore[arg-type]
    try:
        yield graph
    finally:
        await graph.close()


@pytest_asyncio.fixture
async def proxy(graph_address: GraphAddress) -> AsyncIterator[Proxy]:
    async with proxied(graph_address) as proxy:
        yield proxy


async def ask(graph: Graph, x: int, n: int = 3) -> None:
    """Ask and compare."""
    keys, found = await graph.read_values(ROWS, {"x": x, "n": n})
    assert tuple(keys) == ("x", "i", "text")
    assert found == rows(x, n)


def by_reader(graph: Graph) -> bool:
    """Whether the driver was never called for a read."""
    assert graph.reader is not None
    return not any(reason.startswith("driver") for reason in graph.reader.tally)


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 1460])
async def test_answers_in_small_pieces(proxy: Proxy, piece: int) -> None:
    async with opened(proxy) as graph:
        proxy.piece = piece
        await asyncio.gather(*(ask(graph, x, 20) for x in range(10)))
        assert by_reader(graph)


async def test_a_cut_between_questions_is_not_noticed(proxy: Proxy) -> None:
    async with opened(proxy) as graph:
        await asyncio.gather(*(ask(graph, x) for x in range(20)))
        for _ in range(3):
            await proxy.cut()
            await asyncio.gather(*(ask(graph, x) for x in range(20)))
        assert by_reader(graph)


async def test_a_cut_amid_an_answer_is_made_good_on_a_fresh_connection(proxy: Proxy) -> None:
    async with opened(proxy) as graph:
        await ask(graph, 1)
        proxy.freeze()
        task = asyncio.create_task(ask(graph, 2))
        await proxy.holds.wait()
        await proxy.cut()
        proxy.thaw()
        await task
        assert graph.reader is not None
        assert graph.reader.tally["asked again"] == 1
        assert by_reader(graph)


async def test_a_server_that_is_away_is_reported_and_found_again(proxy: Proxy) -> None:
    async with opened(proxy) as graph:
        await ask(graph, 1)
        await proxy.refuse()
        with pytest.raises(UpstreamUnavailable):
            await ask(graph, 2)
        await proxy.listen()
        await ask(graph, 3)


async def test_a_half_open_connection_ends_with_its_time(proxy: Proxy) -> None:
    async with opened(proxy, query_timeout_s=1.0) as graph:
        await asyncio.gather(*(ask(graph, x) for x in range(8)))
        proxy.freeze()
        with pytest.raises(UpstreamUnavailable):
            await ask(graph, 2)
        # Whatever is let through after that belongs to nobody.
        proxy.thaw()
        await asyncio.gather(*(ask(graph, x) for x in range(30)))
        assert by_reader(graph)


async def test_a_statement_that_runs_too_long_is_too_costly(
    graph_address: GraphAddress, proxy: Proxy
) -> None:
    async with opened(proxy, query_timeout_s=0.3) as graph:
        with pytest.raises(GraphApiError) as caught:
            await graph.read_values(
                "UNWIND range(1, 30000) AS a UNWIND range(1, 30000) AS b "
                "WITH a, b WHERE a * b < 0 RETURN count(*) AS n",
                {},
            )
        # One engine stops it by itself; the other hears nothing of a limit from its client.
        expected = TooCostly if graph.engine == "neo4j" else UpstreamUnavailable
        assert isinstance(caught.value, (expected, TooCostly))
        await ask(graph, 1)


async def test_corrupted_answers_are_never_believed(proxy: Proxy) -> None:
    chance = random.Random(3)

    def corrupt(data: bytes) -> bytes:
        # The framing of an answer is hit, which is what the reader can know of.
        return b"\xff\xff" + data[2:] if chance.random() < 0.3 and len(data) > 1000 else data

    async with opened(proxy, query_timeout_s=0.5) as graph:
        await ask(graph, 0)
        proxy.corrupt = corrupt
        results = await asyncio.gather(
            *(ask(graph, x, 100) for x in range(20)), return_exceptions=True
        )
        assert not [error for error in results if isinstance(error, AssertionError)]
        proxy.corrupt = bytes
        await asyncio.gather(*(ask(graph, x) for x in range(20)))


async def test_a_storm_of_cancellations_leaves_every_answer_right(proxy: Proxy) -> None:
    chance = random.Random(11)
    async with opened(proxy) as graph:
        await asyncio.gather(*(ask(graph, x) for x in range(200)))
        connections = proxy.accepted
        for _ in range(3):
            tasks = {
                x: asyncio.create_task(ask(graph, x, chance.choice([1, 50, 2000])))
                for x in range(200)
            }
            for x in chance.sample(range(200), 150):
                for _ in range(chance.randrange(6)):
                    await asyncio.sleep(0)
                tasks[x].cancel()
            results = await asyncio.gather(*tasks.values(), return_exceptions=True)
            assert all(
                result is None or isinstance(result, asyncio.CancelledError) for result in results
            )
            assert any(result is None for result in results)
            await asyncio.gather(*(ask(graph, 1000 + x, 5) for x in range(200)))
        assert by_reader(graph)
    assert proxy.accepted == connections


async def test_callers_that_time_out_amid_large_answers_harm_nobody(proxy: Proxy) -> None:
    async with opened(proxy) as graph:
        for x in range(10):
            task = asyncio.create_task(ask(graph, x, 100_000))
            before = proxy.passed
            await until(lambda: proxy.passed > before + 50_000)  # noqa: B023
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert task.cancelled()
            await ask(graph, 100 + x)
        assert by_reader(graph)


async def test_a_hundred_thousand_rows_arrive(proxy: Proxy) -> None:
    async with opened(proxy) as graph:
        await ask(graph, 7, 100_000)
        assert by_reader(graph)


async def test_large_parameters_and_large_rows_pass(proxy: Proxy) -> None:
    async with opened(proxy) as graph:
        many = [f"eip155:1:{number:040x}" for number in range(50_000)]
        _, found = await graph.read_values("RETURN $many AS many, size($many) AS n", {"many": many})
        assert found == [[many, 50_000]]
        assert by_reader(graph)


async def test_a_restart_of_the_engine_under_load_is_survived(tmp_path: Path) -> None:
    answered = 0

    async def load(graph: Graph) -> None:
        nonlocal answered
        while True:
            try:
                await ask(graph, answered, 30)
                answered += 1
            except (UpstreamUnavailable, DatabaseError):
                # The second is what this engine says while it stops.
                await asyncio.sleep(0)

    async def more_answers(tasks: list[asyncio.Task[None]]) -> None:
        enough = answered + 100
        while answered < enough:
            done, _ = await asyncio.wait(tasks, timeout=0.01)
            assert not done, done.pop().exception()

    async with AsyncExitStack() as stack:
        async with start_embedded(tmp_path) as address:
            proxy = await stack.enter_async_context(proxied(address))
            graph = await stack.enter_async_context(opened(proxy))
            tasks = [asyncio.create_task(load(graph)) for _ in range(8)]
            await more_answers(tasks)
        async with start_embedded(tmp_path) as proxy.target:
            await more_answers(tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await ask(graph, 1)
