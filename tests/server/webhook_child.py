"""The webhooks' door in a process of its own; ``python -m tests.server.webhook_child VAULT``.

It writes its address to standard output. Hooks are those of its environment.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from graph_api.server.app import create_app
from graph_api.server.logs import configure_logging
from graph_api.server.serving import Server, listen
from graph_api.server.webhooks import webhook_route
from graph_api.settings import Settings
from graph_api.vault.vault import Vault
from tests.server.small import small_schema
from tests.vault.given import NOON


def main() -> None:
    configure_logging()
    settings, opened = Settings(), list[Vault]()

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with await Vault.open(sys.argv[1]) as vault:
            opened.append(vault)
            yield

    route = webhook_route(settings.webhooks, vault=lambda: opened[0], clock=lambda: NOON)
    app = create_app(small_schema(), settings=settings, routes=[route], lifespan=lifespan)
    server = Server(app, settings.http, ready=lambda address: print(address, flush=True))
    server.answer(listen(settings.http))


if __name__ == "__main__":
    main()
