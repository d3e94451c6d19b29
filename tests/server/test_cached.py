"""Kept answers, as clients of the whole API see them, on both engines."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import structlog
from pydantic import SecretStr
from redis.asyncio import Redis
from starlette.requests import Request
from starlette.types import Message

from graph_api.live.answers import ProcessShelf
from graph_api.live.bus_answers import Marks
from graph_api.schema.context import Context
from graph_api.schema.schema import build_schema
from graph_api.server.app import create_app, schema_options
from graph_api.server.cached import Answered, Answers, follow_marks
from graph_api.server.logs import configure_logging
from graph_api.server.main import House, application
from graph_api.settings import CacheSettings, Neo4jSettings, RedisSettings, Settings
from graph_api.store.graph import Graph
from graph_api.vault.vault import Vault
from tests.executors import EXECUTOR
from tests.given import NOW, Ledger, transfer, wallet
from tests.schema.asking import counted
from tests.server.conftest import client_of
from tests.store.bolt.turns import until

MODERN = "application/graphql-response+json"
WALLET = "query Wallet($of: AccountId!) { wallet(by: {accountId: $of}) { accountId transfersOut } }"
ALICE: dict[str, Any] = {"query": WALLET, "variables": {"of": wallet("alice")}}


@pytest.fixture
async def settings(ledger: Ledger, tmp_path: Path) -> Settings:
    """An installation whose graph has one transfer, and whose answers live for an hour."""
    await ledger.write(transfer("alice", "bob", tx="first"))
    return await installed(ledger.graph, tmp_path)


async def installed(graph: Graph, home: Path, **cache: Any) -> Settings:
    async with await Vault.open(Settings(home=home).vault_url) as vault:
        await vault.migrate(now=NOW)
    address = graph.address
    neo4j = Neo4jSettings(
        url=address.url,
        user=address.user,
        password=SecretStr(address.password),
        database=address.database,
    )
    cache = {"life_s": 3600.0} | cache
    return Settings(home=home, neo4j=neo4j, cache=CacheSettings(**cache), executor=EXECUTOR)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The API that ``settings`` describe."""
    app = application(settings, clock=lambda: NOW)
    async with app.router.lifespan_context(app), client_of(app) as client:
        yield client


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with opened(settings) as client:
        yield client


async def get(client: httpx.AsyncClient, asked: dict[str, Any], **headers: str) -> httpx.Response:
    parameters = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in asked.items()
    }
    return await client.get("/graphql", params=parameters, headers=_headers(headers))


async def post(client: httpx.AsyncClient, asked: dict[str, Any], **headers: str) -> httpx.Response:
    return await client.post("/graphql", json=asked, headers=_headers(headers))


def _headers(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


async def figures(client: httpx.AsyncClient) -> dict[str, float]:
    """What Prometheus reads."""
    await asyncio.sleep(0)  # traces are written in the next turn of the loop
    lines = (await client.get("/metrics")).text.splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


# What is kept


async def test_an_equal_question_is_asked_once(client: httpx.AsyncClient) -> None:
    with counted() as sent:
        first = await post(client, ALICE)
        statements = len(sent)
        again = [await post(client, ALICE) for _ in range(5)]
    figured = await figures(client)

    assert first.json() == {"data": {"wallet": {"accountId": wallet("alice"), "transfersOut": 1}}}
    assert {answer.content for answer in again} == {first.content}
    assert {answer.status_code for answer in again} == {200}
    assert len(sent) == statements == 1
    assert figured['deskgraph_answers_total{outcome="hit"}'] == 5
    assert figured['deskgraph_answers_total{outcome="miss"}'] == 1
    assert figured["deskgraph_answer_shelf_entries"] == 1
    assert figured['deskgraph_requests_total{route="/graphql",status="200"}'] == 6
    assert figured['deskgraph_operations_total{outcome="ok",type="query"}'] == 6


async def test_how_a_question_is_written_down_does_not_matter(client: httpx.AsyncClient) -> None:
    query = (
        "query Q($a: AccountId!, $b: Int!) { wallet(by: {accountId: $a}) { accountId } "
        "recentTransfers(first: $b) { transferId } }"
    )
    variables: dict[str, Any] = {"a": wallet("alice"), "b": 1}
    turned = dict(reversed(variables.items()))
    with counted() as sent:
        answers = [
            await post(client, {"query": query, "variables": variables}),
            await post(client, {"variables": turned, "query": query, "operationName": None}),
            await get(client, {"query": query, "variables": turned}),
            await get(client, {"query": query, "variables": variables}, accept="*/*"),
        ]

    assert len({answer.content for answer in answers}) == 1
    assert len(sent) == 2  # the statements of one execution


@pytest.mark.parametrize(
    "other",
    [
        {**ALICE, "variables": {"of": wallet("bob")}},
        {**ALICE, "query": WALLET + " "},
        {**ALICE, "operationName": "Wallet"},
        {**ALICE, "variables": {"of": wallet("alice"), "more": 1}},
    ],
)
async def test_another_question_is_another_question(
    client: httpx.AsyncClient, other: dict[str, Any]
) -> None:
    await post(client, ALICE)
    with counted() as sent:
        await post(client, other)

    assert len(sent) == 1


@pytest.mark.parametrize(
    "asked",
    [
        {"query": "{ health { ready } }"},
        {"query": "{ version { version } }"},
        {"query": "{ ingestStatus { totalLoads } }"},
        {"query": "{ __schema { queryType { name } } }"},
        {"query": "{ wallet(by: {}) { accountId } }"},
        {"query": '{ wallets(first: 1, after: "x") { nodes { accountId } } }'},
        {"query": "{ nothing }"},
        {"query": "{"},
        {**ALICE, "extensions": {"some": 1}},
        {**ALICE, "variables": {}},
    ],
)
async def test_nothing_is_kept_that_is_private_moving_or_wrong(
    client: httpx.AsyncClient, asked: dict[str, Any]
) -> None:
    answers = [await get(client, asked), await get(client, asked), await post(client, asked)]
    figured = await figures(client)

    assert figured["deskgraph_answer_shelf_entries"] == 0
    assert figured['deskgraph_answers_total{outcome="hit"}'] == 0
    for answer in answers:
        assert "etag" not in answer.headers
        assert answer.headers.get("cache-control", "no-store") == "no-store"


async def test_how_it_was_executed_is_told_of_a_real_execution(client: httpx.AsyncClient) -> None:
    await post(client, ALICE)
    explained = await post(client, ALICE, deskgraph_explain="true")
    plain = await post(client, ALICE)

    assert explained.json()["extensions"]["executor"]["name"] == EXECUTOR
    assert "extensions" not in plain.json()


async def test_who_may_see_other_things_never_gets_the_same_answer(settings: Settings) -> None:
    answers = Answers(b"test")
    house = House(settings, clock=lambda: NOW, answers=answers)

    async def context(request: Request) -> Context:
        made = await house.context(request)
        made.scopes = frozenset(request.headers.get("authorization", "").split())
        return made

    app = create_app(
        build_schema(**schema_options(settings)),
        settings=settings,
        context_getter=context,
        lifespan=house.open,
        answers=answers,
    )
    async with app.router.lifespan_context(app), client_of(app) as client:
        with counted() as sent:
            for scopes in ("", "a", "a b", "b a", "a", ""):
                for _ in range(2):
                    await post(client, ALICE, authorization=scopes)

    assert len(sent) == 3


async def test_nothing_is_kept_where_that_is_switched_off(ledger: Ledger, tmp_path: Path) -> None:
    settings = await installed(ledger.graph, tmp_path, life_s=0)
    async with opened(settings) as client:
        with counted() as sent:
            answers = [await get(client, ALICE) for _ in range(3)]

    assert len(sent) == 3
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}
    assert not any("etag" in answer.headers for answer in answers)


# Tags


async def test_a_client_that_has_the_answer_gets_no_second_copy(client: httpx.AsyncClient) -> None:
    first = await get(client, ALICE)
    etag = first.headers["etag"]
    asked = [etag, f"W/{etag}", f'"other", {etag}', "*"]
    same = [await get(client, ALICE, if_none_match=tags) for tags in asked]
    other = await get(client, ALICE, if_none_match='"other"')

    assert first.status_code == 200
    assert etag.startswith('"')
    assert [answer.status_code for answer in same] == [304] * 4
    for answer in same:
        assert answer.content == b""
        assert answer.headers["etag"] == etag
        assert answer.headers["vary"] == "accept, authorization"
        assert "content-type" not in answer.headers
    assert (other.status_code, other.content) == (200, first.content)


async def test_the_first_answer_may_be_the_one_that_a_client_has(settings: Settings) -> None:
    async with opened(settings) as client:
        etag = (await get(client, ALICE)).headers["etag"]
    async with opened(settings) as client:
        answer = await get(client, ALICE, if_none_match=etag)

    assert (answer.status_code, answer.content) == (304, b"")


async def test_a_client_may_keep_an_answer_to_itself_as_long_as_we_do(
    client: httpx.AsyncClient,
) -> None:
    first, second = await get(client, ALICE), await get(client, ALICE)

    assert first.headers["cache-control"] == "private, max-age=3600"
    private, _, age = second.headers["cache-control"].rpartition("=")
    assert private == "private, max-age"
    assert 0 < int(age) <= 3600


async def test_media_types_have_tags_of_their_own(client: httpx.AsyncClient) -> None:
    plain = await get(client, ALICE, accept="application/json")
    modern = await get(client, ALICE, accept=MODERN)

    assert plain.content == modern.content
    assert plain.headers["etag"] != modern.headers["etag"]
    assert modern.headers["content-type"] == f"{MODERN}; charset=utf-8"


async def test_the_answer_to_a_post_has_no_tag_and_is_not_stored(
    client: httpx.AsyncClient,
) -> None:
    etag = (await get(client, ALICE)).headers["etag"]
    answer = await post(client, ALICE, if_none_match=etag)

    assert answer.status_code == 200
    assert "etag" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"


# The short way


def _comparable(answer: httpx.Response) -> dict[str, str]:
    varying = ("x-request-id", "cache-control")
    return {name: value for name, value in answer.headers.items() if name not in varying}


@pytest.mark.parametrize("accept", ["*/*", "application/json", MODERN, f"{MODERN}, */*;q=0.1"])
async def test_the_short_way_answers_as_the_long_one(
    client: httpx.AsyncClient, accept: str
) -> None:
    for ask in (get, post):
        long, short = [await ask(client, ALICE, accept=accept) for _ in range(2)]

        assert _comparable(short) == _comparable(long)
        assert (short.status_code, short.content) == (long.status_code, long.content)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content_encoding": "gzip"}, 415),
        ({"content_type": "text/plain"}, 415),
        ({"accept": "text/plain"}, 406),
        ({"x_long": "x" * 40_000}, 431),
    ],
)
async def test_what_is_refused_is_refused_although_an_answer_lies_there(
    client: httpx.AsyncClient, headers: dict[str, str], status: int
) -> None:
    for _ in range(2):
        assert (await post(client, ALICE)).status_code == 200

    assert (await post(client, ALICE, **headers)).status_code == status


async def test_a_body_in_parts_is_read_to_its_end(settings: Settings) -> None:
    app = application(settings, clock=lambda: NOW)
    whole = json.dumps(ALICE).encode()

    async def status(*parts: bytes) -> int:
        messages: list[Message] = [
            {"type": "http.request", "body": part, "more_body": part is not parts[-1]}
            for part in parts
        ]
        sent: list[Message] = []

        async def receive() -> Message:
            return messages.pop(0) if messages else await asyncio.Future()

        async def send(message: Message) -> None:
            sent.append(message)

        headers = [(b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": "/graphql", "raw_path": b"/graphql"}
        scope |= {"query_string": b"", "headers": headers}
        await app(scope, receive, send)
        return int(sent[0]["status"])

    async with app.router.lifespan_context(app):
        answered = [await status(whole), await status(whole)]
        in_parts = await status(whole[:10], whole[10:])
        with_more = await status(whole, b" and more")

    assert [*answered, in_parts, with_more] == [200, 200, 200, 400]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Where log lines go as JSON."""
    stream = io.StringIO()
    configure_logging(stream)
    yield stream
    structlog.reset_defaults()


async def test_each_answer_leaves_one_line(client: httpx.AsyncClient, log: io.StringIO) -> None:
    for number in range(3):
        await post(client, ALICE, x_request_id=f"id-{number}")
    await get(client, ALICE, if_none_match="*", x_request_id="id-3")
    await asyncio.sleep(0)
    lines = [orjson.loads(line) for line in log.getvalue().splitlines()]

    assert [line["request_id"] for line in lines] == ["id-0", "id-1", "id-2", "id-3"]
    assert [line["status"] for line in lines] == [200, 200, 200, 304]
    for line in lines:
        assert line["event"] == "request"
        assert line["level"] == "info"
        assert (line["operation"], line["operation_type"]) == ("Wallet", "query")
        assert set(line) == set(lines[0])


# Once for all


class Work:
    """A question whose answer a test gives."""

    def __init__(self) -> None:
        self.asked = 0
        self.answers: asyncio.Queue[Answered | Exception] = asyncio.Queue()

    async def __call__(self) -> Answered:
        self.asked += 1
        answer = await self.answers.get()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def answer(self, *codes: str) -> Answered:
        """Let the one who asks have an answer."""
        answer = Answered(200, b"{}", None, "query", codes=list(codes))
        self.answers.put_nowait(answer)
        return answer


async def asking(answers: Answers, work: Work, count: int = 100) -> list[asyncio.Task[Answered]]:
    """So many who ask the same, all of them waiting."""
    tasks = [asyncio.create_task(answers.ask(b"k", work, mark=b"")) for _ in range(count)]
    async with asyncio.timeout(10):
        await until(lambda: answers.misses + answers.waits >= count)
    return tasks


async def answers_of_their_own() -> Answers:
    answers = Answers(b"test")
    answers.shelf = ProcessShelf(life_s=60.0, max_entries=10, max_bytes=1_000_000)
    return answers


async def test_equal_questions_at_once_are_one() -> None:
    answers, work = await answers_of_their_own(), Work()
    tasks = await asking(answers, work)
    answer = work.answer()

    assert all(found is answer for found in await asyncio.gather(*tasks))
    assert (work.asked, answers.misses, answers.waits) == (1, 1, 99)
    assert (await answers.find(b"k"))[0] is not None


async def test_when_the_one_who_asks_leaves_another_asks() -> None:
    answers, work = await answers_of_their_own(), Work()
    first, *others = await asking(answers, work)
    first.cancel()
    async with asyncio.timeout(10):
        await until(lambda: work.asked == 2)
    answer = work.answer()

    assert all(found is answer for found in await asyncio.gather(*others))
    assert first.cancelled()
    assert work.asked == 2


async def test_when_the_one_who_asks_fails_another_asks() -> None:
    answers, work = await answers_of_their_own(), Work()
    first, *others = await asking(answers, work)
    work.answers.put_nowait(RuntimeError("no context"))
    async with asyncio.timeout(10):
        await until(lambda: work.asked == 2)
    answer = work.answer()

    with pytest.raises(RuntimeError, match="no context"):
        await first
    assert all(found is answer for found in await asyncio.gather(*others))


async def test_nobody_waits_for_one_failure_after_the_other() -> None:
    answers, work = await answers_of_their_own(), Work()
    tasks = await asking(answers, work, count=10)
    async with asyncio.timeout(10):
        work.answers.put_nowait(RuntimeError("no context"))
        await until(lambda: work.asked == 2)
        work.answers.put_nowait(RuntimeError("no context"))
        await until(lambda: work.asked == 10)
    for _ in range(8):
        work.answer()
    found = await asyncio.gather(*tasks, return_exceptions=True)

    assert sum(isinstance(one, Answered) for one in found) == 8


async def test_one_who_waits_may_leave_alone() -> None:
    answers, work = await answers_of_their_own(), Work()
    first, second, third = await asking(answers, work, count=3)
    second.cancel()
    await asyncio.wait([second])
    answer = work.answer()

    assert await first is await third is answer
    assert work.asked == 1


async def test_who_comes_after_a_change_waits_for_no_question_from_before_it() -> None:
    answers, work = await answers_of_their_own(), Work()
    (before,) = await asking(answers, work, count=1)
    after = asyncio.create_task(answers.ask(b"k", work, mark=b"changed"))
    async with asyncio.timeout(10):
        await until(lambda: work.asked == 2)
    found = work.answer(), work.answer()

    assert (await before, await after) == found
    assert answers.waits == 0


async def test_an_answer_with_errors_is_for_those_who_wait_and_not_kept() -> None:
    answers, work = await answers_of_their_own(), Work()
    tasks = await asking(answers, work)
    work.answer("TOO_COSTLY")
    await asyncio.gather(*tasks)

    assert work.asked == 1
    assert (await answers.find(b"k"))[0] is None
    assert tasks[0].result().etag is None


async def test_a_hundred_clients_ask_the_graph_once(client: httpx.AsyncClient) -> None:
    with counted() as sent:
        answers = await asyncio.gather(*(post(client, ALICE) for _ in range(100)))

    assert len({answer.content for answer in answers}) == 1
    assert len(sent) == 1


# Changes of the graph


class Watched(ProcessShelf):
    """A shelf that tells when it was turned."""

    turned: asyncio.Event

    def turn(self, mark: bytes) -> None:
        before = self._mark
        super().turn(mark)
        if before != mark:
            self.turned.set()


async def test_a_process_hears_of_changes_over_the_bus(redis_url: str) -> None:
    shelf = Watched(life_s=0.04, max_entries=10, max_bytes=1_000_000)
    shelf.turned = asyncio.Event()
    marks = Marks.on(redis_url, timeout_s=5.0)
    following = asyncio.create_task(follow_marks(shelf, marks))
    async with asyncio.timeout(20):
        for _ in range(3):
            shelf.turned.clear()
            await marks.turn()
            await shelf.turned.wait()
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await marks.close()


async def test_processes_share_answers_on_the_bus_until_the_graph_changes(
    ledger: Ledger, tmp_path: Path, redis_url: str
) -> None:
    await ledger.write(transfer("alice", "bob", tx="first"))
    settings = await installed(ledger.graph, tmp_path, shelf="bus", bus_timeout_s=5.0)
    redis = RedisSettings(url=SecretStr(redis_url))
    settings = settings.model_copy(update={"redis": redis})
    marks = Marks.on(redis_url, timeout_s=5.0)
    async with Redis.from_url(redis_url) as emptied:
        await emptied.flushall()
    async with opened(settings) as one, opened(settings) as other:
        first = await get(one, ALICE)
        async with asyncio.timeout(20), Redis.from_url(redis_url) as lying:
            while not await lying.keys("deskgraph:answer:*"):
                pass
        with counted() as sent:
            shared = await get(other, ALICE)
            await ledger.write(transfer("alice", "bob", tx="second"))
            stale = await get(other, ALICE)
            before = len(sent)
            await marks.turn()
            fresh = await get(one, ALICE), await get(other, ALICE)
    await marks.close()

    assert first.content == shared.content == stale.content
    assert first.headers["etag"] == shared.headers["etag"]
    assert before == 0
    assert [answer.json()["data"]["wallet"]["transfersOut"] for answer in fresh] == [2, 2]
    assert fresh[0].headers["etag"] == fresh[1].headers["etag"] != first.headers["etag"]


async def test_a_shelf_on_a_bus_that_nobody_named_stops_the_start(
    ledger: Ledger, tmp_path: Path
) -> None:
    settings = await installed(ledger.graph, tmp_path, shelf="bus")

    with pytest.raises(Exception, match=r"DESKGRAPH_CACHE__SHELF=bus needs DESKGRAPH_REDIS__URL"):
        async with opened(settings):
            pass


async def test_installations_that_share_a_bus_share_no_answers() -> None:
    one, other = Answers(b"one graph"), Answers(b"another graph")

    assert one.key("x") == one.key("x")
    assert one.key("x") != other.key("x")
