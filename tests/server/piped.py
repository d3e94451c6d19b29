"""The small schema as an application whose slow queries wait for a line from the parent process."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from graph_api.domain.errors import BadInput, UpstreamUnavailable
from graph_api.server.app import create_app, schema_options
from graph_api.server.graphiql import Example
from graph_api.settings import Settings
from tests.server.small import small_schema

EXAMPLES = (
    Example("query Greeting($name: String!) {\n  hello(name: $name)\n}", '{"name": "</script>"}'),
    Example("query Things {\n  thing {\n    name\n  }\n}"),
)


class Entered:
    def set(self) -> None:
        print("entered", flush=True)


class Opened:
    async def wait(self) -> None:
        await asyncio.to_thread(sys.stdin.readline)


class PipeGate:
    """The gate of slow queries, worked from the parent process."""

    entered, opened = Entered(), Opened()


async def context(request: Request) -> dict[str, Any]:
    return {"request": request, "gate": PipeGate()}


async def pid(_request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(os.getpid()))


def piped(settings: Settings) -> Starlette:
    """The application; it can be named, so that a worker can make it.

    It does not start while there is a file ``refuse`` or ``away`` in the data folder.
    """

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        if (settings.home / "refuse").exists():
            raise BadInput("The start is refused.")
        if (settings.home / "away").exists():
            raise UpstreamUnavailable("The graph", retry_after_s=5)
        yield

    return create_app(
        small_schema(**schema_options(settings)),
        settings=settings,
        context_getter=context,
        examples=EXAMPLES,
        routes=[Route("/pid", pid)],
        lifespan=lifespan,
    )
