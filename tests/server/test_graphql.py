"""GraphQL over HTTP as clients and attackers use it."""

import gzip
import json
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from graph_api.domain.errors import ErrorCode, GraphApiError, UpstreamUnavailable
from graph_api.server.app import create_app
from graph_api.settings import Settings
from tests.server.conftest import client_of
from tests.server.small import SECRET, small_schema

MODERN = "application/graphql-response+json"
JSON = {"content-type": "application/json"}


async def post(client: httpx.AsyncClient, query: str, **headers: str) -> httpx.Response:
    return await client.post("/graphql", json={"query": query}, headers=headers)


def code_of(response: httpx.Response) -> str:
    (error,) = response.json()["errors"]
    return str(error["extensions"]["code"])


def is_refused_clearly(response: httpx.Response) -> bool:
    """Whether one error of the right shape says in a sentence what is wrong."""
    return code_of(response) == "BAD_INPUT" and response.json()["errors"][0]["message"][-1] == "."


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        (MODERN, MODERN),
        (f"{MODERN}, application/json", MODERN),
        (f"application/json, {MODERN};q=0.5", "application/json"),
        (f"{MODERN};charset=utf-8, application/json;q=0.9", MODERN),
        ("application/*;q=0.2", "application/json"),
        (f"{MODERN};q=0, */*", "application/json"),
        ("text/html, */*;q=0.1", "application/json"),
    ],
)
async def test_the_answer_has_the_type_that_is_accepted(
    client: httpx.AsyncClient, accept: str, media_type: str
) -> None:
    response = await post(client, "{ hello }", accept=accept)

    assert response.status_code == 200
    assert response.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert response.headers["vary"] == "accept, authorization"
    assert response.json() == {"data": {"hello": "Hello, world!"}}


@pytest.mark.parametrize("accept", ["text/plain", "application/json;q=0", "image/*;q=x"])
async def test_what_is_not_accepted_is_not_sent(client: httpx.AsyncClient, accept: str) -> None:
    response = await post(client, "{ hello }", accept=accept)

    assert response.status_code == 406


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("{", 400, "BAD_INPUT"),
        ("{ nothing }", 400, "BAD_INPUT"),
        ("query ($n: Int!) { needed(number: $n) }", 400, "BAD_INPUT"),
        ("{ hello " + "@skip(if: true) " * 101 + "}", 400, "TOO_COSTLY"),
        ("{ broken(of: 1) }", 500, "INTERNAL"),
    ],
)
async def test_nothing_executed_means_no_data_and_a_status_that_says_so(
    client: httpx.AsyncClient, query: str, status: int, code: str
) -> None:
    modern, legacy = await post(client, query, accept=MODERN), await post(client, query)

    assert modern.status_code == status
    assert legacy.status_code == (500 if status == 500 else 200)
    for response in (modern, legacy):
        assert "data" not in response.json()
        assert code_of(response) == code


async def test_a_field_that_fails_leaves_the_others_standing(client: httpx.AsyncClient) -> None:
    response = await post(client, "{ hello missing crash }", accept=MODERN)

    assert response.status_code == 200
    assert response.json()["data"] == {"hello": "Hello, world!", "missing": None, "crash": None}
    codes = [error["extensions"]["code"] for error in response.json()["errors"]]
    assert codes == ["NOT_FOUND", "INTERNAL"]
    assert SECRET not in response.text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[" * 100_000,
        b'{"query": "{ hello }", "variables": {"n": ' + b"9" * 6_000 + b"}}",
        b'{"query": "{ hello }", "variables": {"n": NaN}}',
        b'{"query": "{ hello }", "variables": {"n": 1e999}}',
        b'{"query": "\xff"}',
        b'{"query": "{ hello }", "operationName": "\\ud800"}',
        gzip.compress(b'{"query": "{ hello }"}', mtime=0),
        b"null",
        b"7",
        b'"{ hello }"',
        b'[{"query": "{ hello }"}]',
        b"{}",
        b'{"query": 7}',
        b'{"query": ""}',
        b'{"query": "{ hello }", "variables": [1]}',
        b'{"query": "{ hello }", "variables": "{}"}',
        b'{"query": "{ hello }", "extensions": 0}',
        b'{"query": "{ hello }", "operationName": {"a": 1}}',
        b'{"query": "{ hello }"} trailing',
    ],
)
async def test_a_body_that_is_no_request_is_refused_clearly(
    client: httpx.AsyncClient, body: bytes
) -> None:
    response = await client.post("/graphql", content=body, headers=JSON)

    assert response.status_code == 400
    assert is_refused_clearly(response)


@pytest.mark.parametrize(
    "query_string",
    [
        "query={hello}&variables=" + "[" * 5_000,
        "query={hello}&variables=[]",
        "query={hello}&variables=NaN",
        "query={hello}&extensions=7",
        "query=%ff",
        "variables={}",
        "",
    ],
)
async def test_an_address_that_is_no_request_is_refused_clearly(
    client: httpx.AsyncClient, query_string: str
) -> None:
    response = await client.get(f"/graphql?{query_string}")

    assert response.status_code == 400
    assert is_refused_clearly(response)


async def test_get_takes_all_parameters(client: httpx.AsyncClient) -> None:
    parameters = {
        "query": "query A { missing } query B($n: String!) { hello(name: $n) }",
        "operationName": "B",
        "variables": json.dumps({"n": "Zoë ⚡"}),
        "extensions": "{}",
    }
    response = await client.get("/graphql", params=parameters)

    assert response.json() == {"data": {"hello": "Hello, Zoë ⚡!"}}


async def test_whole_numbers_in_variables_stay_exact(client: httpx.AsyncClient) -> None:
    body = {"query": "query ($d: Digits!) { digits(of: $d) }", "variables": {"d": 2**70 + 1}}
    response = await client.post("/graphql", json=body)

    assert response.json() == {"data": {"digits": str(2**70 + 1)}}


@pytest.mark.parametrize("depth", [100, 900, 5_000])
async def test_deep_variables_are_a_mistake_of_the_client(
    client: httpx.AsyncClient, depth: int
) -> None:
    query = b'{"query": "query ($n: String!) { hello(name: $n) }", "variables": {"n": '
    body = query + b"[" * depth + b"]" * depth + b"}}"
    response = await client.post("/graphql", content=body, headers={**JSON, "accept": MODERN})

    assert response.status_code == 400
    assert code_of(response) == "BAD_INPUT"


async def test_text_that_utf8_cannot_hold_does_not_break_the_answer(
    client: httpx.AsyncClient,
) -> None:
    response = await post(client, "{ halfAPair }")

    assert response.json() == {"data": {"halfAPair": "half ? pair"}}


@pytest.mark.parametrize(
    "content_type",
    [
        "application/jsonp",
        "text/plain",
        "application/json-patch+json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "",
    ],
)
async def test_other_content_types_are_refused(
    client: httpx.AsyncClient, content_type: str
) -> None:
    body = b'{"query": "{ hello }"}'
    response = await client.post("/graphql", content=body, headers={"content-type": content_type})

    assert response.status_code == 415
    assert code_of(response) == "BAD_INPUT"


@pytest.mark.parametrize(
    "content_type", ["application/json", "APPLICATION/JSON ; charset=UTF-8", "application/json;v=1"]
)
async def test_json_is_json_however_it_is_written(
    client: httpx.AsyncClient, content_type: str
) -> None:
    body = b'{"query": "{ hello }"}'
    response = await client.post("/graphql", content=body, headers={"content-type": content_type})

    assert response.status_code == 200


async def test_a_declared_compression_is_refused_by_name(client: httpx.AsyncClient) -> None:
    body = gzip.compress(b'{"query": "{ hello }"}', mtime=0)
    response = await client.post(
        "/graphql", content=body, headers={**JSON, "content-encoding": "gzip"}
    )

    assert response.status_code == 415
    assert response.headers["accept-encoding"] == "identity"


async def test_a_get_only_reads(client: httpx.AsyncClient) -> None:
    response = await client.get("/graphql", params={"query": 'mutation { setName(name: "x") }'})

    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert code_of(response) == "BAD_INPUT"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_other_methods_are_refused(client: httpx.AsyncClient, method: str) -> None:
    response = await client.request(method, "/graphql")

    assert response.status_code == 405
    assert response.headers["allow"] == "GET, POST"


async def test_a_subscription_by_plain_post_is_refused(client: httpx.AsyncClient) -> None:
    response = await post(client, "subscription { count(to: 1) }")

    assert response.status_code == 400
    assert "streams" in response.text


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (UpstreamUnavailable("The vault", retry_after_s=1), 503, ErrorCode.UPSTREAM_UNAVAILABLE),
        (RuntimeError(SECRET), 500, ErrorCode.INTERNAL),
    ],
)
async def test_a_context_that_cannot_be_made_is_answered_like_any_error(
    settings: Settings, error: Exception, status: int, code: ErrorCode
) -> None:
    async def failing(_request: Request) -> Any:
        raise error

    app = create_app(small_schema(), settings=settings, context_getter=failing)
    async with client_of(app) as client:
        response = await post(client, "{ hello }")

    assert response.status_code == status
    assert code_of(response) == code
    assert isinstance(error, GraphApiError) or SECRET not in response.text
