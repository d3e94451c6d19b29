"""What is around every answer: ids, headers, log lines, counts, health."""

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from structlog.testing import capture_logs

from graph_api.domain.errors import UpstreamUnavailable
from graph_api.server.app import create_app, schema_options
from graph_api.server.health import ReadinessCheck
from graph_api.server.logs import configure_logging
from graph_api.settings import Settings
from tests.server.conftest import client_of
from tests.server.small import SECRET, Gate, small_schema


async def ask(client: httpx.AsyncClient, query: str, **headers: str) -> httpx.Response:
    return await client.post("/graphql", json={"query": query}, headers=headers)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("client-7.a_B", True),
        ("x" * 64, True),
        ("x" * 65, False),
        ("two words", False),
        ('a","b":"c', False),
        ("", False),
    ],
)
async def test_a_sane_request_id_is_kept_and_any_other_is_replaced(
    client: httpx.AsyncClient, sent: str, kept: bool
) -> None:
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        response = await ask(client, "{ hello }", **{"x-request-id": sent})

    request_id = response.headers["x-request-id"]
    assert (request_id == sent) is kept
    assert len(request_id) >= 12
    assert [line["request_id"] for line in lines] == [request_id]


@pytest.mark.parametrize("path", ["/graphql?query={hello}", "/nowhere", "/health/live", "/metrics"])
async def test_every_answer_has_the_security_headers(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "server" not in headers


async def test_one_log_line_says_what_was_asked_and_never_with_which_values(
    client: httpx.AsyncClient,
) -> None:
    body = {
        "query": "query Greet($n: String!) { hello(name: $n) crash missing }",
        "variables": {"n": "a private name"},
    }
    with capture_logs() as lines:
        response = await client.post("/graphql", json=body)

    line = lines[-1]
    error_ids = [e["extensions"].get("errorId") for e in response.json()["errors"]]
    assert line["event"] == "request"
    assert (line["method"], line["path"], line["status"]) == ("POST", "/graphql", 200)
    assert (line["operation"], line["operation_type"]) == ("Greet", "query")
    assert line["codes"] == ["INTERNAL", "NOT_FOUND"]
    assert line["error_ids"] == [error_id for error_id in error_ids if error_id]
    assert line["duration_ms"] > 0
    assert "private" not in str(lines)


async def test_an_operation_name_that_the_document_does_not_have_is_not_logged(
    client: httpx.AsyncClient,
) -> None:
    body = {"query": "query A { hello }", "operationName": "forged"}
    await ask(client, "query Before { hello }")
    with capture_logs() as lines:
        await client.post("/graphql", json=body)

    assert "operation" not in lines[-1]


async def test_names_and_paths_of_any_length_make_short_lines(client: httpx.AsyncClient) -> None:
    with capture_logs() as lines:
        await ask(client, f"query {'n' * 5_000} {{ hello crash }}")
        await client.get("/" + "p" * 5_000)

    assert all(len(str(line)) < 2_000 for line in lines)
    assert len(lines) == 3


async def test_probes_are_logged_only_when_they_fail() -> None:
    async def away() -> None:
        raise UpstreamUnavailable("The graph", retry_after_s=5)

    app = app_with(ReadinessCheck(name="graph", probe=away, remedy="Start it."))
    async with client_of(app) as client:
        with capture_logs() as lines:
            for path in ("/health/live", "/metrics", "/health/ready"):
                await client.get(path)

    assert [(line["path"], line["status"]) for line in lines] == [("/health/ready", 503)]


async def test_what_breaks_outside_of_the_schema_is_masked_with_an_id(settings: Settings) -> None:
    async def broken(_request: Request) -> Response:
        raise RuntimeError(SECRET)

    app = create_app(small_schema(), settings=settings, routes=[Route("/broken", broken)])
    async with client_of(app) as client:
        with capture_logs() as lines:
            response = await client.get("/broken")

    (error,) = response.json()["errors"]
    assert response.status_code == 500
    assert SECRET not in response.text
    assert error["extensions"]["code"] == "INTERNAL"
    failed, access = lines
    assert failed["error_id"] in error["message"]
    assert access["error_ids"] == [failed["error_id"]]
    assert str(failed["exc_info"]) == SECRET


async def test_an_unknown_path_is_not_found_in_the_same_shape(client: httpx.AsyncClient) -> None:
    response = await client.get("/nowhere")

    assert response.status_code == 404
    assert response.json()["errors"][0]["extensions"] == {"code": "NOT_FOUND"}


def sample(metrics: str, name: str) -> float:
    """The value of one line of what Prometheus reads; 0 where it is not there."""
    for line in metrics.splitlines():
        if line.startswith(f"{name} "):
            return float(line.rpartition(" ")[2])
    return 0.0


async def test_metrics_count_requests_operations_and_errors(client: httpx.AsyncClient) -> None:
    await ask(client, "query Named { hello }")
    await ask(client, "query Named { hello }")
    await ask(client, "{ crash missing }")
    await ask(client, "{")
    await client.post("/graphql", content=b"no json", headers={"content-type": "application/json"})
    await client.get("/nowhere/with/any/name")
    text = (await client.get("/metrics")).text

    assert sample(text, 'deskgraph_operations_total{outcome="ok",type="query"}') == 2
    assert sample(text, 'deskgraph_operations_total{outcome="errors",type="query"}') == 1
    assert sample(text, 'deskgraph_operations_total{outcome="errors",type="none"}') == 1
    assert sample(text, 'deskgraph_errors_total{code="INTERNAL"}') == 1
    assert sample(text, 'deskgraph_errors_total{code="NOT_FOUND"}') == 2
    assert sample(text, 'deskgraph_errors_total{code="BAD_INPUT"}') == 2
    assert sample(text, 'deskgraph_requests_total{route="/graphql",status="200"}') == 4
    assert sample(text, 'deskgraph_requests_total{route="/graphql",status="400"}') == 1
    assert sample(text, 'deskgraph_requests_total{route="other",status="404"}') == 1
    assert sample(text, 'deskgraph_request_seconds_count{route="/graphql"}') == 5
    assert sample(text, "deskgraph_document_cache_hits_total") == 1
    assert sample(text, "deskgraph_requests_in_flight") == 1  # the one that reads this
    assert "deskgraph_build_info{" in text


@pytest.fixture
async def compiled_client() -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(executor="compiled")
    app = create_app(small_schema(**schema_options(settings)), settings=settings)
    async with client_of(app) as client:
        yield client


async def test_executions_are_counted_with_the_reason_why_they_were_not_compiled(
    compiled_client: httpx.AsyncClient,
) -> None:
    for query in (
        "{ hello }",
        "{ hello }",
        "{ __schema { __typename } }",
        'mutation { setName(name: "x") }',
    ):
        assert (await ask(compiled_client, query)).status_code == 200

    metrics = (await compiled_client.get("/metrics")).text
    name = "deskgraph_executions_total"
    assert sample(metrics, f'{name}{{executor="compiled",reason="none"}}') == 2
    assert sample(metrics, f'{name}{{executor="standard",reason="introspection"}}') == 1
    assert sample(metrics, f'{name}{{executor="standard",reason="operation"}}') == 1


async def test_developers_may_ask_how_an_operation_was_executed(
    compiled_client: httpx.AsyncClient,
) -> None:
    asked = {"deskgraph-explain": "true"}
    compiled = (await ask(compiled_client, "{ hello }", **asked)).json()
    standard = (await ask(compiled_client, "{ __schema { __typename } }", **asked)).json()
    unasked = (await ask(compiled_client, "{ hello }")).json()

    assert compiled["extensions"]["executor"] == {"name": "compiled"}
    assert standard["extensions"]["executor"] == {
        "name": "standard",
        "reason": "introspection",
        "why": "It asks about the schema itself.",
    }
    assert "extensions" not in unasked


async def test_in_production_nobody_may(settings: Settings) -> None:
    production = settings.model_copy(update={"profile": "production"})
    app = create_app(small_schema(**schema_options(production)), settings=production)
    async with client_of(app) as client:
        answer = (await ask(client, "{ hello }", **{"deskgraph-explain": "true"})).json()

    assert answer == {"data": {"hello": "Hello, world!"}}


async def test_clients_cannot_add_series(client: httpx.AsyncClient) -> None:
    await client.get("/metrics")
    before = (await client.get("/metrics")).text.count("\n")
    for number in range(20):
        await client.get(f"/path-{number}")
        await ask(client, f"query Name{number} {{ hello }}")
    between = (await client.get("/metrics")).text.count("\n")
    for number in range(20, 40):
        await client.get(f"/path-{number}")
        await ask(client, f"query Name{number} {{ hello }}")
    after = (await client.get("/metrics")).text.count("\n")

    assert before < between == after


def app_with(*checks: ReadinessCheck) -> Starlette:
    return create_app(small_schema(), settings=Settings(), checks=checks)


async def working() -> None:
    return


async def test_ready_when_every_check_passes() -> None:
    app = app_with(ReadinessCheck(name="graph", probe=working, remedy="Start it."))
    async with client_of(app) as client:
        response = await client.get("/health/ready")

    assert response.status_code == 200
    assert response.json() == {"status": "ok", "checks": [{"name": "graph", "ok": True}]}


async def test_not_ready_says_which_check_failed_and_how_to_mend_it() -> None:
    async def away() -> None:
        raise UpstreamUnavailable("The graph", retry_after_s=5)

    async def crashing() -> None:
        raise RuntimeError(SECRET)

    async def hanging() -> None:
        await asyncio.Event().wait()

    app = app_with(
        ReadinessCheck(name="vault", probe=working, remedy="-"),
        ReadinessCheck(name="graph", probe=away, remedy="Start the graph."),
        ReadinessCheck(name="bus", probe=crashing, remedy="Start the bus."),
        ReadinessCheck(name="disk", probe=hanging, remedy="Free some space.", timeout_s=0.01),
    )
    async with client_of(app) as client:
        live, response = await client.get("/health/live"), await client.get("/health/ready")

    assert live.status_code == 200
    assert response.status_code == 503
    assert SECRET not in response.text
    _, graph, bus, disk = response.json()["checks"]
    assert graph["error"] == "The graph does not answer; try again in 5 s."
    assert (graph["ok"], graph["remedy"]) == (False, "Start the graph.")
    assert bus["remedy"] == "Start the bus."
    assert disk["error"] == "No answer within 0.01 s."


async def test_probes_that_come_together_share_one_round_of_checks() -> None:
    gate, rounds = Gate(), 0

    async def counted() -> None:
        nonlocal rounds
        rounds += 1
        gate.entered.set()
        await gate.opened.wait()

    app = app_with(ReadinessCheck(name="graph", probe=counted, remedy="-", timeout_s=60))
    async with client_of(app) as client:
        probes = [asyncio.create_task(client.get("/health/ready")) for _ in range(5)]
        await gate.entered.wait()
        probes[0].cancel()  # one that gives up does not end the round of the others
        gate.opened.set()
        answers = await asyncio.gather(*probes[1:])
        again = await client.get("/health/ready")

    assert [answer.status_code for answer in answers] == [200] * 4
    assert again.status_code == 200
    assert rounds == 2


@pytest.fixture
def log_stream() -> Iterator[io.StringIO]:
    root, quiet = logging.getLogger(), logging.getLogger("uvicorn.error")
    before = (root.handlers[:], root.level, quiet.level)
    stream = io.StringIO()
    configure_logging(stream)
    yield stream
    structlog.reset_defaults()
    root.handlers[:], root.level, quiet.level = before


def test_lines_of_ours_and_of_libraries_are_json(log_stream: io.StringIO) -> None:
    structlog.contextvars.bind_contextvars(request_id="r-1")
    try:
        raise RuntimeError(SECRET)
    except RuntimeError as error:
        structlog.get_logger().error("ours", exc_info=error, path=["a", 1])
    structlog.get_logger().info("half \ud800 pair")
    logging.getLogger("neo4j").warning("theirs %s", "x")
    structlog.contextvars.clear_contextvars()

    ours, half, theirs = log_stream.getvalue().splitlines()
    line: dict[str, Any] = json.loads(ours)
    assert (line["event"], line["level"], line["request_id"]) == ("ours", "error", "r-1")
    assert "Traceback" in line["exception"]
    assert SECRET in line["exception"]
    assert line["timestamp"].endswith("Z")
    assert json.loads(half)["event"] == "half \ud800 pair"
    line = json.loads(theirs)
    assert (line["event"], line["logger"], line["level"]) == ("theirs x", "neo4j", "warning")
