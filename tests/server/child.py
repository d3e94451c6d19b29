"""The small schema in a process of its own; ``python -m tests.server.child``.

It writes its address and ``entered`` (a slow query runs) to standard output, and lets slow queries
go on when a line comes in.
"""

import asyncio
import sys
from typing import Any

from starlette.requests import Request

from graph_api.server.app import create_app, schema_options
from graph_api.server.graphiql import Example
from graph_api.server.serving import CannotListen, serve
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


def main() -> None:
    settings = Settings()
    app = create_app(
        small_schema(**schema_options(settings)),
        settings=settings,
        context_getter=context,
        examples=EXAMPLES,
    )
    try:
        serve(app, settings, announce=lambda address: print(address, flush=True))
    except CannotListen as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
