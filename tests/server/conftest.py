"""The application around the small schema, asked without a socket."""

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette

from graph_api.server.app import create_app, schema_options
from graph_api.settings import Settings
from tests.executors import EXECUTOR
from tests.server.small import small_schema


@pytest.fixture
def settings() -> Settings:
    return Settings(executor=EXECUTOR)


@pytest.fixture
def app(settings: Settings) -> Starlette:
    return create_app(small_schema(**schema_options(settings)), settings=settings)


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as client:
        yield client


def client_of(app: Starlette) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=True)
    return httpx.AsyncClient(transport=transport, base_url="http://deskgraph.test")
