"""The server of ``python -m bench live``: the front door and a bus, no graph behind it."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import cast

from pydantic import SecretStr
from starlette.applications import Starlette

from graph_api.live.bus import Bus
from graph_api.live.hub import Hub
from graph_api.live.streams import Streams
from graph_api.schema.context import Context
from graph_api.schema.schema import build_schema
from graph_api.server.app import create_app, schema_options
from graph_api.server.channels import Channels
from graph_api.server.workers import serve
from graph_api.settings import HttpSettings, RedisSettings, Settings
from graph_api.store.graph import Graph


def make(settings: Settings) -> Starlette:
    """The application; its subscriptions ask for nothing that events do not say."""
    channels = Channels()

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        assert settings.redis.url is not None
        bus = await Bus.connect(settings.redis.url.get_secret_value())
        channels.hub = Hub(Streams(bus))
        yield
        await channels.close()
        await bus.close()

    async def context(_request: object) -> Context:
        return Context(graph=cast(Graph, None), clock=lambda: datetime.now(UTC))

    return create_app(
        build_schema(**schema_options(settings)),
        settings=settings,
        context_getter=context,
        lifespan=lifespan,
        channels=channels,
    )


def main() -> None:
    """Serve the bus of the first argument, at the port of the second, and print where."""
    url, port = (*sys.argv[1:], "0")[:2]
    settings = Settings(
        http=HttpSettings(port=int(port), host="127.0.0.1", graceful_stop_s=1),
        redis=RedisSettings(url=SecretStr(url)),
    )
    serve(make, settings, announce=lambda address: print(address, flush=True))


if __name__ == "__main__":
    main()
