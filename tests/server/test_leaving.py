"""Questions that take too long, or whose client has left: both end, on both engines."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import httpx
import pytest
import strawberry
import uvicorn
from starlette.requests import ClientDisconnect
from starlette.types import Message

from graph_api.schema.guarded import GuardedSchema
from graph_api.schema.steps import root
from graph_api.server.app import create_app, schema_options
from graph_api.server.cached import Answers
from graph_api.server.main import House
from graph_api.server.presence import while_present
from graph_api.settings import Settings
from graph_api.store import migrations
from graph_api.store.graph import Engine, Graph
from tests.given import NOW
from tests.real.embedded import start_embedded
from tests.server.test_cached import installed
from tests.store.bolt.turns import until

MODERN: Final = "application/graphql-response+json"
#: Minutes of work on any machine; the name is how the engine is asked whether it goes on.
NAME: Final = "endless_question"
ENDLESS: Final = (
    "UNWIND range(1, $size) AS a UNWIND range(1, $size) AS b WITH a * b AS product "
    f"WHERE product < 0 RETURN count(product) AS {NAME}"
)


async def _endless(graph: Graph) -> int:
    _, rows = await graph.read_values(ENDLESS, {"size": 30_000})
    return int(rows[0][0])


@strawberry.type
class Query:
    """A question that no engine answers in time."""

    endless: int | None = root(_endless, description="May be null.")
    needed: int = root(_endless, description="May not be null.")
    private: int | None = root(_endless, description="Is not kept.", fresh=True)
    hello: str | None = strawberry.field(resolver=lambda: "hello", description="Is there at once.")


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[str]:
    """The address of a real server that answers ``Query``."""
    answers = Answers(b"test")
    house = House(settings, clock=lambda: NOW, answers=answers)
    app = create_app(
        GuardedSchema(Query, **schema_options(settings)),
        settings=settings,
        context_getter=house.context,
        lifespan=house.open,
        answers=answers,
    )
    server = uvicorn.Server(
        uvicorn.Config(app, http="httptools", log_config=None, lifespan="on", loop="none")
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = asyncio.create_task(server.serve(sockets=[listener]))
        async with asyncio.timeout(60):
            await until(lambda: server.started)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running


async def runs(graph: Graph) -> bool:
    """Whether the engine works at an endless question."""
    rows = await graph.run_alone("SHOW TRANSACTIONS")
    return any(NAME in row["currentQuery"] for row in rows)


async def until_it(graph: Graph, *, runs_now: bool) -> None:
    async with asyncio.timeout(60):
        while await runs(graph) is not runs_now:
            pass


@pytest.fixture
async def settings(graph: Graph, tmp_path: Path) -> Settings:
    return await installed(graph, tmp_path)


def with_time(settings: Settings, time_s: float) -> Settings:
    """The same, but a question may take so long."""
    neo4j = settings.neo4j.model_copy(update={"query_timeout_s": time_s})
    return settings.model_copy(update={"neo4j": neo4j})


# Deadlines


@pytest.fixture
async def impatient(
    graph: Graph, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Settings]:
    """An installation whose questions may take half a second, and whose engine knows that.

    The embedded engine hears of limits at its start alone.
    """
    if graph.engine is Engine.NEO4J:
        yield with_time(settings, 0.5)
        return
    folder = tmp_path_factory.mktemp("impatient")
    async with start_embedded(folder, query_timeout_s=0.5) as address:
        other = await Graph.open(address)
        await migrations.migrate(other, now=NOW)
        yield with_time(await installed(other, folder), 0.5)
        await other.close()


async def test_a_question_that_takes_too_long_is_too_costly(impatient: Settings) -> None:
    async with serving(impatient) as address, httpx.AsyncClient(timeout=60) as client:
        answers = [
            await client.post(
                f"{address}/graphql", json={"query": query}, headers={"accept": MODERN}
            )
            for query in ("{ hello endless }", "{ hello needed }", "{ private }")
        ]
        after = await client.post(f"{address}/graphql", json={"query": "{ hello }"})

    # Something was executed, so the status is that of an answer, whatever became of it.
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    bodies = [answer.json() for answer in answers]
    assert [body["data"] for body in bodies] == [
        {"hello": "hello", "endless": None},
        None,
        {"private": None},
    ]
    for body in bodies:
        (error,) = body["errors"]
        assert error["extensions"]["code"] == "TOO_COSTLY"
        assert "ran out of time" in error["message"]
    assert not any("etag" in answer.headers for answer in answers)
    assert after.json() == {"data": {"hello": "hello"}}


async def test_those_who_ask_together_run_out_of_time_together(impatient: Settings) -> None:
    async with serving(impatient) as address, httpx.AsyncClient(timeout=60) as client:
        asked = {"query": "{ endless }"}
        answers = await asyncio.gather(
            *(client.post(f"{address}/graphql", json=asked) for _ in range(20))
        )
        metrics = (await client.get(f"{address}/metrics")).text

    codes = {answer.json()["errors"][0]["extensions"]["code"] for answer in answers}
    assert codes == {"TOO_COSTLY"}
    assert 'deskgraph_answers_total{outcome="miss"} 1.0' in metrics
    assert 'deskgraph_answers_total{outcome="wait"} 19.0' in metrics
    assert "deskgraph_answer_shelf_entries 0.0" in metrics


# Clients that leave


async def leave_soon(address: str, graph: Graph, query: str) -> None:
    """Ask, and hang up once the engine works."""
    port = int(address.rpartition(":")[2])
    body = json.dumps({"query": query}).encode()
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"POST /graphql HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n"
        b"content-length: %d\r\n\r\n%s" % (len(body), body)
    )
    await until_it(graph, runs_now=True)
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


@pytest.mark.parametrize("query", ["{ endless }", "{ private }"])
async def test_the_engine_rests_when_a_client_has_left(
    graph: Graph, settings: Settings, query: str
) -> None:
    async with serving(settings) as address:
        await leave_soon(address, graph, query)
        await until_it(graph, runs_now=False)
        async with httpx.AsyncClient(timeout=60) as client:
            metrics = (await client.get(f"{address}/metrics")).text

    assert 'deskgraph_requests_total{route="/graphql",status="none"} 1.0' in metrics
    assert 'deskgraph_errors_total{code="INTERNAL"} 0.0' in metrics


async def test_work_goes_on_while_the_client_is_there() -> None:
    gone, done = asyncio.Event(), asyncio.Event()

    async def receive() -> Message:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def work() -> str:
        await done.wait()
        return "answer"

    asking = asyncio.create_task(while_present(receive, work()))
    await asyncio.sleep(0)
    done.set()

    assert await asking == "answer"
    gone.set()
    await asyncio.sleep(0)
    assert not asking.cancelled()


async def test_work_ends_when_the_client_leaves() -> None:
    ended = asyncio.Event()

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(ClientDisconnect):
        await while_present(receive, work())
    assert ended.is_set()


async def test_one_who_is_stopped_has_not_left() -> None:
    waiting = asyncio.Event()

    async def receive() -> Message:
        waiting.set()
        await asyncio.Event().wait()
        raise AssertionError

    asking = asyncio.create_task(while_present(receive, asyncio.Event().wait()))
    await waiting.wait()
    asking.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asking
