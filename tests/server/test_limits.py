"""Requests that are too large, too long or ambiguous are refused before they are read."""

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.types import Message

from graph_api.server.app import create_app
from graph_api.settings import HttpSettings, Settings
from tests.server.conftest import client_of
from tests.server.small import small_schema

JSON = {"content-type": "application/json"}


@pytest.fixture
def app() -> Starlette:
    http = HttpSettings(
        max_body_bytes=2_000, max_header_bytes=2_000, max_headers=20, max_target_bytes=1_024
    )
    return create_app(small_schema(), settings=Settings(http=http))


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as client:
        yield client


def padded(size: int) -> bytes:
    body = b'{"query": "{ hello }"}'
    return body + b" " * (size - len(body))


async def test_a_body_of_the_limit_passes_and_one_byte_more_does_not(
    client: httpx.AsyncClient,
) -> None:
    fits = await client.post("/graphql", content=padded(2_000), headers=JSON)
    too_large = await client.post("/graphql", content=padded(2_001), headers=JSON)

    assert (fits.status_code, too_large.status_code) == (200, 413)
    assert too_large.headers["connection"] == "close"
    assert too_large.json()["errors"][0]["extensions"] == {"code": "BAD_INPUT"}


async def test_a_body_without_a_length_is_counted_as_it_comes(client: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 500
            yield b" " * 500

    response = await client.post("/graphql", content=endless(), headers=JSON)

    assert response.status_code == 413
    assert sent <= 3_000


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({f"x-{number}": "1" for number in range(30)}, 431),
        ({"x-long": "1" * 2_000}, 431),
        ({"x-long": "1" * 500}, 200),
    ],
)
async def test_headers_are_bounded_in_number_and_size(
    client: httpx.AsyncClient, headers: dict[str, str], status: int
) -> None:
    response = await client.get("/graphql?query={hello}", headers=headers)

    assert response.status_code == status


async def test_a_long_address_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.get("/graphql?query={hello}" + "%20" * 400)

    assert response.status_code == 414
    assert "POST" in response.text


@pytest.mark.parametrize(
    "lengths",
    [
        [(b"content-length", b"22"), (b"transfer-encoding", b"chunked")],
        [(b"content-length", b"22"), (b"content-length", b"23")],
        [(b"content-length", b"-1")],
        [(b"content-length", b"1_0")],
        [(b"content-length", "²".encode())],
    ],
)
async def test_two_opinions_about_the_length_are_refused(
    app: Starlette, lengths: list[tuple[bytes, bytes]]
) -> None:
    messages = await ask(app, [(b"content-type", b"application/json"), *lengths])

    assert messages[0]["status"] == 400
    assert (b"connection", b"close") in messages[0]["headers"]


async def test_a_websocket_with_too_many_headers_is_closed(app: Starlette) -> None:
    messages = await ask(app, [(b"x", b"1")] * 30, kind="websocket")

    assert messages == [{"type": "websocket.close", "code": 1008}]


async def ask(
    app: Starlette, headers: list[tuple[bytes, bytes]], *, kind: str = "http"
) -> list[Message]:
    """What the application answers to a head that no well-behaved client sends."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": padded(22)}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": kind,
        "method": "POST",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "root_path": "",
        "query_string": b"",
        "headers": headers,
    }
    await app(scope, receive, send)
    return sent
