"""The page at /graphql: who gets it, what is in it, how long it may be kept."""

import json
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from graph_api.server.app import create_app
from graph_api.server.graphiql import PLACEHOLDER, Assets, Example, GraphiQL
from graph_api.settings import GraphqlSettings, Settings
from tests.server.conftest import client_of
from tests.server.small import small_schema

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    (tmp_path / "index.html").write_bytes(b"<script>" + PLACEHOLDER + b"</script>")
    (tmp_path / "assets").mkdir()
    for name in ("page-1a2b.js", "page-1a2b.css", "icons.ttf"):
        (tmp_path / "assets" / name).write_text("content")
    return tmp_path


def page_app(static: Path, *examples: Example) -> Starlette:
    page = GraphiQL(examples, endpoint="/graphql", static=static)

    class Page:
        async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
            await page.send_page(scope, send)

    assets = Assets(directory=static / "assets", check_dir=False)
    return Starlette(routes=[Route("/graphql", Page()), Mount("/graphiql/assets", assets)])


@pytest.mark.parametrize(
    ("accept", "is_page"),
    [
        (BROWSER, True),
        ("text/html", True),
        ("*/*", False),
        ("application/json", False),
        ("application/json, text/html;q=0.5", False),
        ("text/html;q=0", False),
    ],
)
async def test_only_who_names_html_gets_the_page(
    client: httpx.AsyncClient, accept: str, is_page: bool
) -> None:
    response = await client.get("/graphql?query={hello}", headers={"accept": accept})

    assert response.headers["content-type"].startswith("text/html") is is_page


async def test_a_post_is_never_answered_with_the_page(client: httpx.AsyncClient) -> None:
    response = await client.post(
        "/graphql", json={"query": "{ hello }"}, headers={"accept": BROWSER}
    )

    assert response.json() == {"data": {"hello": "Hello, world!"}}


@pytest.mark.parametrize(
    ("settings", "is_page"),
    [
        (Settings(profile="production"), False),
        (Settings(profile="production", graphql=GraphqlSettings(graphiql=True)), True),
        (Settings(graphql=GraphqlSettings(graphiql=False)), False),
    ],
)
async def test_the_page_follows_profile_and_setting(settings: Settings, is_page: bool) -> None:
    async with client_of(create_app(small_schema(), settings=settings)) as client:
        response = await client.get("/graphql?query={hello}", headers={"accept": BROWSER})

    assert response.headers["content-type"].startswith("text/html") is is_page


async def test_the_configuration_is_data_that_cannot_end_its_element(built: Path) -> None:
    hostile = Example("{ hello } # </script><script>alert(1)</script>", '{"a": "<!--"}')
    async with client_of(page_app(built, hostile)) as client:
        page = (await client.get("/graphql")).text

    config = page.removeprefix("<script>").removesuffix("</script>")
    assert "<" not in config
    assert json.loads(config) == {
        "endpoint": "/graphql",
        "examples": [{"query": hostile.query, "variables": hostile.variables}],
    }


async def test_the_page_has_a_strict_policy_and_is_asked_for_again(built: Path) -> None:
    async with client_of(page_app(built)) as client:
        first = await client.get("/graphql")
        known = {"if-none-match": first.headers["etag"]}
        second = await client.get("/graphql", headers=known)

    policy = first.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert first.headers["cache-control"] == "no-cache"
    assert (second.status_code, second.content) == (304, b"")


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("page-1a2b.js", "text/javascript; charset=utf-8"),
        ("page-1a2b.css", "text/css; charset=utf-8"),
        ("icons.ttf", "font/ttf"),
    ],
)
async def test_assets_have_their_type_and_may_be_kept(
    built: Path, name: str, media_type: str
) -> None:
    async with client_of(page_app(built)) as client:
        response = await client.get(f"/graphiql/assets/{name}")
        missing = await client.get("/graphiql/assets/page-0000.js")
        outside = await client.get("/graphiql/assets/%2e%2e/index.html")

    assert response.headers["content-type"] == media_type
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert (missing.status_code, outside.status_code) == (404, 404)
    assert "immutable" not in missing.headers.get("cache-control", "")


async def test_without_a_build_the_page_says_how_to_make_one(tmp_path: Path) -> None:
    async with client_of(page_app(tmp_path)) as client:
        response = await client.get("/graphql")

    assert response.status_code == 503
    assert "make graphiql" in response.text
