"""Follows a subscription of a deskgraph server: each item once, whatever becomes of the connection.

It needs nothing but ``websockets``; copy it, or import it.
"""

import asyncio
import json
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

PROTOCOL = Subprotocol("graphql-transport-ws")
#: What passes by itself: the server is busy, or what stands behind it is away for a moment.
PASSING = {"RATE_LIMITED", "UPSTREAM_UNAVAILABLE", "INTERNAL"}


class Refused(Exception):
    """The server does not tell this; ``code`` is one of its error codes.

    CURSOR_TOO_OLD: what followed the cursor is not kept any more. Read the present state by a
    query, and follow from there without a cursor.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


async def follow(
    url: str, query: str, *, after: str | None = None, **variables: Any
) -> AsyncGenerator[dict[str, Any]]:
    """The items of the subscription ``query`` behind the cursor ``after``, without end.

    ``query`` takes ``$after`` and selects ``cursor``. Keep each item's cursor together with what
    you make of the item, in one transaction: whoever is killed starts again from there, and misses
    nothing. The generator ends when the subscription does.

    Raises: Refused.
    """
    place, pause_s = {"after": after}, 0.2
    while True:
        try:
            async with (
                connect(url, subprotocols=[PROTOCOL]) as socket,
                aclosing(_items(socket, query, variables, place)) as items,
            ):
                async for item in items:
                    yield item
                    pause_s = 0.2
            return
        except (OSError, WebSocketException, TimeoutError):
            pass  # gone, or going: the next connection goes on behind the last item
        except Refused as refused:
            if refused.code not in PASSING:
                raise
        await asyncio.sleep(pause_s * random.uniform(0.5, 1.5))  # noqa: S311
        pause_s = min(2 * pause_s, 30.0)


async def _items(
    socket: ClientConnection, query: str, variables: dict[str, Any], place: dict[str, str | None]
) -> AsyncGenerator[dict[str, Any]]:
    """What comes over one connection; ``place`` keeps up with it."""
    await socket.send(json.dumps({"type": "connection_init"}))
    async for text in socket:
        message = json.loads(text)
        match message["type"]:
            case "connection_ack":
                payload = {"query": query, "variables": {**variables, **place}}
                await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
            case "next":
                if message["payload"].get("data") is None:
                    raise _refused(message["payload"]["errors"])
                (item,) = message["payload"]["data"].values()
                place["after"] = item["cursor"]
                yield item
            case "ping":
                # Nothing happened that is wanted, but time went by: where to go on from now.
                place["after"] = message["payload"]["cursors"].get("1", place["after"])
                await socket.send(json.dumps({"type": "pong"}))
            case "error":
                raise _refused(message["payload"])
            case "complete":
                return
    raise ConnectionError


def _refused(errors: list[dict[str, Any]]) -> Refused:
    error = errors[0]
    return Refused(error.get("extensions", {}).get("code", "INTERNAL"), error["message"])
