"""A JSON-RPC node on the loopback that answers what a test tells it to."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deskgraph.engines.ports import LOOPBACK

#: Answers a method; raises Refusal.
Answering = Callable[[str, Sequence[Any]], Awaitable[Any]]


class Refusal(Exception):
    """An error answer of JSON-RPC."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class Node:
    """What the node was asked, and how it behaves; a test changes it as it goes."""

    def __init__(self, answering: Answering) -> None:
        self.answering = answering
        self.url = ""
        #: Method and parameters of every call, and the sizes of the requests that had them.
        self.calls: list[tuple[str, Sequence[Any]]] = []
        self.batches: list[int] = []
        #: An HTTP status and headers that it answers with instead.
        self.status: tuple[int, dict[str, str]] | None = None
        #: How many calls of a batch it takes; a larger one is refused as a whole.
        self.largest_batch = 1_000
        #: The bytes that it sends whatever it is asked.
        self.body: bytes | None = None

    async def answer(self, request: Request) -> Response:
        """Answer one HTTP request."""
        asked = msgspec.json.decode(await request.body())
        calls = asked if isinstance(asked, list) else [asked]
        self.batches.append(len(calls))
        if self.status is not None:
            return Response(status_code=self.status[0], headers=self.status[1])
        if self.body is not None:
            return Response(self.body)
        if len(calls) > self.largest_batch:
            error = {"code": -32600, "message": "batch too large"}
            return _json({"jsonrpc": "2.0", "id": None, "error": error})
        answers = await asyncio.gather(*map(self._answer, calls))
        # Nodes may answer in any order.
        return _json(answers[::-1] if isinstance(asked, list) else answers[0])

    async def _answer(self, call: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((call["method"], call["params"]))
        told: dict[str, Any]
        try:
            told = {"result": await self.answering(call["method"], call["params"])}
        except Refusal as refusal:
            told = {"error": {"code": refusal.code, "message": refusal.message}}
        return {"jsonrpc": "2.0", "id": call["id"], **told}


def _json(content: Any) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json")


@asynccontextmanager
async def served(answering: Answering) -> AsyncIterator[Node]:
    """A node on a free port while the block lasts."""
    node = Node(answering)
    app = Starlette(routes=[Route("/{rest:path}", node.answer, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
    # Who calls before the server is up waits in the queue of the socket.
    with socket.create_server((LOOPBACK, 0)) as listening:
        node.url = f"http://{LOOPBACK}:{listening.getsockname()[1]}/v2/a-key"
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield node
        finally:
            server.should_exit = True
            await serving
