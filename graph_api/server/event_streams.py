"""GraphQL over server-sent events: one operation for each request (graphql-sse, "distinct").

Each item carries its cursor as the event's id, so that a browser that loses its connection resumes
by itself: it sends ``Last-Event-ID``.
"""

import asyncio
from collections import Counter, deque
from contextlib import aclosing, suppress
from typing import Any, Final

import structlog
from starlette.requests import Request
from starlette.types import Receive, Send
from strawberry.types.graphql import OperationType

from graph_api.domain.errors import ErrorCode, GraphApiError
from graph_api.schema.guarded import GuardedSchema, RefusedDocument
from graph_api.server.channels import Channels, Subscriber, TooSlow
from graph_api.server.graphql import GraphQLRequest, encode_json
from graph_api.server.metrics import Metrics
from graph_api.server.operations import Executed, answer_of, refused, results, wanted
from graph_api.server.refusals import Refusal
from graph_api.settings import LiveSettings

#: How soon a browser comes back whose stream has ended, milliseconds.
RETRY_MS: Final = 1_000
_HEADERS: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # proxies pass on what there is
    (b"vary", b"accept, authorization"),
)
_COMPLETE: Final = b"event: complete\ndata:\n\n"
_ALLOWED: Final = {
    "GET": frozenset({OperationType.QUERY, OperationType.SUBSCRIPTION}),
    "POST": frozenset(OperationType),
}

log = structlog.get_logger("graph_api.server")


class EventStreams:
    """Answers requests whose client takes a stream of events."""

    def __init__(
        self,
        schema: GuardedSchema,
        *,
        channels: Channels,
        metrics: Metrics,
        settings: LiveSettings,
    ) -> None:
        self._schema, self._channels = schema, channels
        self._metrics, self._settings = metrics, settings
        self._open: set[_Stream] = set()
        self._leaving = False

    def __len__(self) -> int:
        return len(self._open)

    async def __call__(
        self, http: Request, asked: GraphQLRequest, context: Any, send: Send
    ) -> None:
        """Answer until the operation or the connection ends. Raises: Refusal."""
        if self._leaving or len(self._open) >= self._settings.max_sockets:
            raise Refusal(
                503,
                "There are too many connections here; try again later.",
                code=ErrorCode.UPSTREAM_UNAVAILABLE,
                headers=[(b"retry-after", b"1")],
            )
        stream = _Stream(self._settings, drops=self._channels.tally.drops)
        self._open.add(stream)
        work = asyncio.create_task(self._work(http, asked, context, stream))
        watch = asyncio.create_task(_leaving(http.receive, stream))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": [*_HEADERS]})
            await stream.write_to(send)
        finally:
            self._open.discard(stream)
            stream.stop()
            for task in (work, watch):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    async def leave(self) -> None:
        """End all streams; their clients come back and say where they are."""
        self._leaving = True
        for stream in tuple(self._open):
            stream.cut()

    async def _work(
        self, http: Request, asked: GraphQLRequest, context: Any, stream: "_Stream"
    ) -> None:
        """What the operation answers, its mistakes included."""
        try:
            resume = http.headers.get("last-event-id") or None
            found = await wanted(self._schema, asked, context, resume=resume)
            if found is None:
                await self._execute(http, asked, context, stream)
            else:
                stream.subscriber = await self._channels.subscribe(found, stream)
            self._metrics.executed(Executed.now())
        except RefusedDocument as error:
            shown = refused(self._schema, asked, error.errors, metrics=self._metrics)
            stream.put(encode_json({"errors": shown}), "")
            stream.complete()
        except GraphApiError as error:
            stream.fail(error)
        except Exception as error:
            log.error("operation failed", exc_info=error)
            stream.fail_with("Something went wrong on the server.", ErrorCode.INTERNAL)

    async def _execute(
        self, http: Request, asked: GraphQLRequest, context: Any, stream: "_Stream"
    ) -> None:
        answering = await results(self._schema, asked, context, allowed=_ALLOWED[http.method])
        async with aclosing(answering):
            async for result in answering:
                await stream.room()
                stream.put(encode_json(answer_of(result)), "")
        stream.complete()


class _Stream:
    """One answer that goes on; the ``Sink`` of a subscription."""

    def __init__(self, settings: LiveSettings, *, drops: Counter[str]) -> None:
        self.subscriber: Subscriber | None = None
        self._settings, self._drops = settings, drops
        self._queue: deque[bytes] = deque([b"retry: %d\n\n" % RETRY_MS])
        self._queued = 0
        self._over = self._cut = False
        self._news, self._room = asyncio.Event(), asyncio.Event()
        self._news.set()

    async def write_to(self, send: Send) -> None:
        """Send what there is, as it comes, until nothing more will."""
        while not self._cut:
            while self._queue:
                chunk = b"".join(self._queue)
                self._queue.clear()
                self._queued = 0
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            self._room.set()
            if self._over:
                break
            await self._wait()
        await send({"type": "http.response.body", "body": b""})

    async def _wait(self) -> None:
        """For news; who hears nothing for long learns how far it is."""
        try:
            async with asyncio.timeout(self._settings.ping_s):
                await self._news.wait()
        except TimeoutError:
            cursor = self.subscriber.place if self.subscriber is not None else ""
            self._add(b"id: %b\n\n" % cursor.encode() if cursor else b":\n\n")
        self._news.clear()

    def stop(self) -> None:
        """Hear nothing more."""
        if self.subscriber is not None:
            self.subscriber.leave()
            self.subscriber = None

    def cut(self) -> None:
        """End it as if the connection had broken."""
        self._cut = True
        self._news.set()

    # A sink

    def put(self, answer: bytes, cursor: str) -> None:
        named = b"id: %b\n" % cursor.encode() if cursor else b""
        self._add(b"%bevent: next\ndata: %b\n\n" % (named, answer))

    async def room(self) -> None:
        if self._queue:
            self._room.clear()
            try:
                async with asyncio.timeout(self._settings.send_timeout_s):
                    await self._room.wait()
            except TimeoutError:
                raise TooSlow from None

    def fail(self, error: GraphApiError) -> None:
        self.fail_with(str(error), error.code)

    def fail_with(self, message: str, code: ErrorCode) -> None:
        """End it with an error, as its last item."""
        self.subscriber = None
        shown = {"message": message, "extensions": {"code": code.value}}
        self.put(encode_json({"errors": [shown]}), "")
        self.complete()

    def complete(self) -> None:
        self.subscriber = None
        self._add(_COMPLETE)
        self._over = True

    def _add(self, chunk: bytes) -> None:
        if self._over:
            return
        self._queue.append(chunk)
        self._queued += len(chunk)
        self._news.set()
        settings = self._settings
        if len(self._queue) > settings.queue_messages or self._queued > settings.queue_bytes:
            # What it has not taken it will ask for when it comes back.
            self._drops["slow"] += 1
            self.stop()
            self.cut()


async def _leaving(receive: Receive, stream: _Stream) -> None:
    """Cut the stream once its client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
    stream.stop()
    stream.cut()
