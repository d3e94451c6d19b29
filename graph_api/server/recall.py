"""The short way to an answer that is kept: a request that is known by its bytes is not read again.

It stands before everything else. Whatever is unusual of a request, and whatever is not found,
goes the long way, so this decides nothing: it only sends what the long way would send.
"""

import asyncio
import time
from typing import NamedTuple

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graph_api.server.cached import Answered, Answers
from graph_api.server.envelope import SECURITY_HEADERS, RequestRecord, line_of, request_id_of
from graph_api.server.graphql import (
    EXPLAIN,
    ContextGetter,
    is_json,
    response_of,
)
from graph_api.server.logs import log_requests
from graph_api.server.media import answer_type, wants_page
from graph_api.server.metrics import Metrics
from graph_api.settings import HttpSettings


class _Head(NamedTuple):
    """What the headers of an ordinary request ask for."""

    media_type: str
    tags: str | None


class Recall:
    """ASGI middleware that answers ``path`` from ``answers`` where it can."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        path: str,
        answers: Answers,
        context_getter: ContextGetter,
        metrics: Metrics,
        http: HttpSettings,
    ) -> None:
        self.app, self.path, self.answers = app, path, answers
        self.context_getter, self.metrics, self.http = context_getter, metrics, http
        self._traces: list[tuple[Scope, RequestRecord, float]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ours = scope["type"] == "http" and scope["path"] == self.path
        head = self._head(scope) if ours else None
        if head is None:
            await self.app(scope, receive, send)
            return
        started_at, message = time.perf_counter(), None
        if scope["method"] == "GET":
            written = scope["query_string"]
        else:
            message = await receive()
            written = b"" if message.get("more_body", False) else message.get("body", b"")
        answered = await self._kept(scope, receive, head.media_type, written)
        if answered is None:
            await self.app(scope, _again(message, receive) if message else receive, send)
            return
        record = RequestRecord(request_id_of(scope))
        record.operation_name, record.operation_type = answered.operation, answered.operation_type
        record.status, headers, body = response_of(
            scope["method"], answered, head.media_type, tags=head.tags
        )
        headers += SECURITY_HEADERS
        headers.append((b"x-request-id", record.request_id.encode()))
        await send({"type": "http.response.start", "status": record.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        self._leave_trace(scope, record, time.perf_counter() - started_at)

    def _head(self, scope: Scope) -> _Head | None:
        """None where a header says that this is no ordinary request, or there is much of them."""
        accept, content_type, tags, size = "", "", None, len(scope["query_string"])
        if size > self.http.max_target_bytes // 2 or len(scope["headers"]) > self.http.max_headers:
            return None
        for name, value in scope["headers"]:
            size += len(name) + len(value)
            if name == b"accept":
                accept += ("," if accept else "") + value.decode("latin-1")
            elif name == b"content-type":
                content_type = value.decode("latin-1")
            elif name == b"if-none-match":
                tags = value.decode("latin-1")
            elif name in _UNUSUAL:
                return None
        asked = scope["method"] == "GET" or (scope["method"] == "POST" and is_json(content_type))
        media_type = answer_type(accept)
        if not asked or media_type is None or wants_page(accept):
            return None
        return _Head(media_type, tags) if size <= self.http.max_header_bytes else None

    def _leave_trace(self, scope: Scope, record: RequestRecord, duration_s: float) -> None:
        """Count and log it together with what else is answered in this turn of the event loop."""
        if not self._traces:
            asyncio.get_running_loop().call_soon(self._write_traces)
        self._traces.append((scope, record, duration_s))

    def _write_traces(self) -> None:
        traces, self._traces = self._traces, []
        for status in {record.status for _, record, _ in traces}:
            durations_s = [took_s for _, record, took_s in traces if record.status == status]
            self.metrics.recalled(self.path, status, durations_s)
        log_requests([line_of(*trace) for trace in traces])

    async def _kept(
        self, scope: Scope, receive: Receive, media_type: str, written: bytes
    ) -> Answered | None:
        keys = self.answers.known((scope["method"], media_type, written))
        if keys is None:
            return None
        try:
            context = await self.context_getter(Request(scope, receive))
        except Exception:
            return None  # the long way asks again, and answers what is wrong
        key = keys.get(context.audience)
        if key is None:
            return None
        answered, _ = await self.answers.find(key)
        return answered


_UNUSUAL = frozenset(
    (b"content-encoding", b"transfer-encoding", b"expect", b"upgrade", EXPLAIN.encode())
)


def _again(message: Message, receive: Receive) -> Receive:
    """A door that gives ``message`` once more, and then what else comes."""
    left = [message]

    async def again() -> Message:
        return left.pop() if left else await receive()

    return again
