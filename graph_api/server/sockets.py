"""GraphQL over WebSockets: the protocol graphql-transport-ws, for every kind of operation.

Subscriptions to feeds are answered for all subscribers together (``channels``); queries, mutations
and subscriptions of other kinds are executed for the one who asks.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import aclosing
from typing import Any, Final, cast
from urllib.parse import urlsplit

import structlog
from starlette.requests import Request
from starlette.types import Receive, Scope, Send
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from graph_api.domain.errors import ErrorCode, GraphApiError
from graph_api.schema.context import Context
from graph_api.schema.guarded import GuardedSchema, RefusedDocument
from graph_api.server import messages
from graph_api.server.channels import Channels, Subscriber, TooSlow
from graph_api.server.graphql import ContextGetter, GraphQLRequest, encode_json
from graph_api.server.messages import SUBPROTOCOL, Close, Closed
from graph_api.server.metrics import Metrics
from graph_api.server.operations import Executed, answer_of, refused, results, wanted
from graph_api.server.refusals import Refusal
from graph_api.server.wire import EXTENSION, Wire
from graph_api.settings import LiveSettings

#: What a client is told that is to come back at once.
RESUME: Final = "The server restarts: connect again, and resume after the last cursor."
#: So many are asked together whether they live.
_AT_ONCE: Final = 50
#: How long it may take to say so to all of them, before they are cut.
_LEAVE_S: Final = 2.0
_EVERYTHING: Final = frozenset(OperationType)

log = structlog.get_logger("graph_api.server")


class Sockets:
    """The ASGI application at ``/graphql`` for WebSockets."""

    def __init__(
        self,
        schema: GuardedSchema,
        *,
        context_getter: ContextGetter,
        channels: Channels,
        metrics: Metrics,
        settings: LiveSettings,
    ) -> None:
        self.schema, self.context_getter = schema, context_getter
        self.channels, self.metrics, self.settings = channels, metrics, settings
        self.open: set[Socket] = set()
        self._leaving = False
        self._pinging: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # the connection
        if not _same_origin(scope, self.settings.origins):
            await _refuse(send, 403, "Pages of other origins may not connect; see LIVE__ORIGINS.")
            return
        if self._leaving or len(self.open) >= self.settings.max_sockets:
            await _refuse(send, 503, "There are too many connections here; try again later.")
            return
        if SUBPROTOCOL not in scope["subprotocols"]:
            # Clients that hear of no subprotocol give up before they hear why.
            offered = next(iter(scope["subprotocols"]), None)
            await send({"type": "websocket.accept", "subprotocol": offered})
            reason = f"The subprotocol must be {SUBPROTOCOL}."
            await send({"type": "websocket.close", "code": Close.BAD_SUBPROTOCOL, "reason": reason})
            return
        await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
        socket = Socket(self, scope, send)
        self.open.add(socket)
        if self._pinging is None or self._pinging.done():
            self._pinging = asyncio.create_task(self._ping())
        try:
            await socket.serve(receive)
        finally:
            self.open.discard(socket)
            socket.end()
            if not self.open and self._pinging is not None:
                self._pinging.cancel()
                self._pinging = None

    async def _ping(self) -> None:
        """Ask each from time to time, a few at once."""
        while sockets := tuple(self.open):
            turns = range(0, len(sockets), _AT_ONCE)
            for first in turns:
                await asyncio.sleep(self.settings.ping_s / len(turns))
                for socket in sockets[first : first + _AT_ONCE]:
                    socket.ping()

    async def leave(self) -> None:
        """Part from everybody: each is told to come back, and to go on where it was."""
        self._leaving = True
        sockets = tuple(self.open)
        for socket in sockets:
            socket.close(Close.RESTART, RESUME)
        if closing := [socket.closed for socket in sockets if socket.closed is not None]:
            await asyncio.wait(closing, timeout=_LEAVE_S)


class Socket:
    """One connection: its operations, and what waits to be sent."""

    def __init__(self, house: Sockets, scope: Scope, send: Send) -> None:
        self._house, self._scope, self._send = house, scope, send
        self._loop = asyncio.get_running_loop()
        self._wire = _wire(scope, send)
        self._wire.on_room = self._flush
        self._queue: deque[bytes] = deque()
        self._queued = 0
        self._room: asyncio.Event | None = None
        self._context: Any = None
        self._init_seen = self._acknowledged = self._closing = False
        self._operations: dict[str, _Operation] = {}
        self.closed: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = self._loop.call_later(
            house.settings.init_timeout_s,
            self.close,
            Close.INIT_TIMEOUT,
            "No connection_init came in time.",
        )

    async def serve(self, receive: Receive) -> None:
        """Do what messages say until the connection ends."""
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            if self._closing:
                continue
            try:
                text = message.get("text")
                if text is None:
                    raise Closed(Close.BAD_REQUEST, "Messages are texts.")
                await self._obey(messages.read(text))
            except Closed as closed:
                self.close(closed.code, closed.reason)
            except Exception as error:
                log.error("socket failed", exc_info=error)
                self.close(Close.INTERNAL, "Something went wrong on the server.")

    def end(self) -> None:
        """Forget everything that was asked here."""
        self._closing = True
        if self._timer is not None:
            self._timer.cancel()
        self._wire.on_room = None
        self._queue.clear()
        for operation in tuple(self._operations.values()):
            operation.stop()
        self._operations.clear()

    def close(self, code: Close, reason: str) -> None:
        """Say why and close; a client that does not take even that is cut."""
        if self._closing:
            return
        self.end()
        self.closed = self._loop.create_task(self._say_why(code, messages.cut(reason)))

    def say(self, text: bytes) -> None:
        """Send a message, or let it wait until the client has taken those before it."""
        if self._closing:
            return
        if not self._queue and self._wire.has_room:
            self._wire.write(text)
            return
        settings = self._house.settings
        self._queue.append(text)
        self._queued += len(text)
        if len(self._queue) > settings.queue_messages or self._queued > settings.queue_bytes:
            self._house.channels.tally.drops["slow"] += 1
            self.close(Close.TRY_LATER, str(TooSlow()))

    async def room(self) -> None:
        """Wait until nothing waits. Raises: TooSlow."""
        if not self._queue and self._wire.has_room:
            return
        if self._room is None:
            self._room = asyncio.Event()
        try:
            async with asyncio.timeout(self._house.settings.send_timeout_s):
                await self._room.wait()
        except TimeoutError:
            self._house.channels.tally.drops["slow"] += 1
            self.close(Close.TRY_LATER, str(TooSlow()))
            raise TooSlow from None

    def done(self, operation: "_Operation") -> None:
        """An operation has ended."""
        if self._operations.get(operation.id) is operation:
            del self._operations[operation.id]

    def ping(self) -> None:
        """See that the client lives, and tell it how far its subscriptions are."""
        if self._acknowledged and not self._queue and self._wire.has_room:
            cursors = {key: place for key, one in self._operations.items() if (place := one.place)}
            self.say(messages.ping(cursors))

    async def _say_why(self, code: Close, reason: str) -> None:
        try:
            async with asyncio.timeout(self._house.settings.send_timeout_s):
                await self._send({"type": "websocket.close", "code": code, "reason": reason})
        except TimeoutError:
            self._wire.abort()
        except Exception as error:  # it has ended meanwhile
            log.debug("not closed", reason=str(error))

    def _flush(self) -> None:
        while self._queue and self._wire.has_room:
            text = self._queue.popleft()
            self._queued -= len(text)
            self._wire.write(text)
        if not self._queue and self._wire.has_room and self._room is not None:
            self._room.set()
            self._room = None

    async def _obey(self, message: messages.Message) -> None:
        match message:
            case messages.Init(payload):
                await self._begin(payload)
            case messages.Ping():
                self.say(messages.PONG)
            case messages.Pong():
                pass
            case messages.Complete(identity):
                if operation := self._operations.pop(identity, None):
                    operation.stop()
            case messages.Subscribe(identity, request):
                self._subscribe(identity, request)

    async def _begin(self, payload: dict[str, Any]) -> None:
        if self._init_seen:
            raise Closed(Close.INIT_TWICE, "There was a connection_init before.")
        self._init_seen = True
        if self._timer is not None:
            self._timer.cancel()
        try:
            self._context = await self._house.context_getter(_as_request(self._scope, payload))
        except GraphApiError as error:
            raise Closed(Close.FORBIDDEN, str(error)) from error
        self._acknowledged = True
        self.say(messages.ACK)

    def _subscribe(self, identity: str, request: GraphQLRequest) -> None:
        if not self._acknowledged:
            raise Closed(Close.UNAUTHORIZED, "Nothing is answered before connection_init.")
        if identity in self._operations:
            raise Closed(Close.ID_IN_USE, f"Subscriber for {identity} already exists")
        operation = _Operation(self, self._house, identity)
        if len(self._operations) >= self._house.settings.max_operations:
            most = self._house.settings.max_operations
            operation.refuse(f"At most {most} operations run on one socket; end some of them.")
            return
        self._operations[identity] = operation
        context = self._context
        # What one operation has looked up may have changed by the next.
        operation.run(request, context.renewed() if isinstance(context, Context) else context)


class _Operation:
    """One operation of a socket; the ``Sink`` of a subscription."""

    __slots__ = ("_house", "_prefix", "_socket", "_subscriber", "_task", "id")

    def __init__(self, socket: Socket, house: Sockets, identity: str) -> None:
        self.id, self._socket, self._house = identity, socket, house
        self._prefix = messages.next_prefix(identity)
        self._task: asyncio.Task[None] | None = None
        self._subscriber: Subscriber | None = None

    @property
    def place(self) -> str:
        """The cursor of what was dealt with; empty where there is none."""
        return self._subscriber.place if self._subscriber is not None else ""

    def run(self, request: GraphQLRequest, context: Any) -> None:
        """Begin it."""
        self._task = asyncio.create_task(self._run(request, context))

    def stop(self) -> None:
        """End it without a word."""
        if self._task is not None:
            self._task.cancel()
        if self._subscriber is not None:
            self._subscriber.leave()

    def refuse(self, message: str) -> None:
        """Answer that it is not done."""
        self._house.metrics.refused(ErrorCode.RATE_LIMITED)
        extensions = {"code": ErrorCode.RATE_LIMITED.value}
        self._socket.say(messages.error(self.id, [{"message": message, "extensions": extensions}]))

    # A sink

    def put(self, answer: bytes, cursor: str) -> None:
        self._socket.say(b"%b%b}" % (self._prefix, answer))

    async def room(self) -> None:
        await self._socket.room()

    def fail(self, error: GraphApiError) -> None:
        self._subscriber = None
        self._house.metrics.refused(error.code)
        shown = {"message": str(error), "extensions": {"code": error.code.value}}
        self._end(messages.error(self.id, [shown]))

    def complete(self) -> None:
        self._subscriber = None
        self._end(messages.complete(self.id))

    def _end(self, word: bytes) -> None:
        self._socket.say(word)
        self._socket.done(self)

    async def _run(self, request: GraphQLRequest, context: Any) -> None:
        try:
            found = await wanted(self._house.schema, request, context)
            if found is not None:
                self._subscriber = await self._house.channels.subscribe(found, self)
                self._task = None
            else:
                await self._execute(request, context)
            self._house.metrics.executed(Executed.now())
        except RefusedDocument as error:
            house = self._house
            shown = refused(house.schema, request, error.errors, metrics=house.metrics)
            self._end(messages.error(self.id, shown))
        except GraphApiError as error:
            self.fail(error)
        except Exception as error:
            log.error("operation failed", exc_info=error)
            self._end(messages.error(self.id, [_INTERNAL]))

    async def _execute(self, request: GraphQLRequest, context: Any) -> None:
        """For one client alone."""
        answering = await results(self._house.schema, request, context, allowed=_EVERYTHING)
        async with aclosing(answering):
            async for result in answering:
                if isinstance(result, PreExecutionError):
                    errors = [error.formatted for error in result.errors or ()]
                    self._end(messages.error(self.id, errors))
                    return
                await self.room()
                self.put(encode_json(answer_of(result)), "")
        self._end(messages.complete(self.id))


class _Sent:
    """A ``Wire`` for servers that have none: texts go through the ASGI interface."""

    def __init__(self, send: Send) -> None:
        self.on_room: Any = None
        self._send = send
        self._sending: asyncio.Task[None] | None = None

    @property
    def has_room(self) -> bool:
        return self._sending is None

    def write(self, text: bytes) -> None:
        self._sending = asyncio.create_task(self._write(text))

    def abort(self) -> None:
        if self._sending is not None:
            self._sending.cancel()

    async def _write(self, text: bytes) -> None:
        try:
            await self._send({"type": "websocket.send", "text": text.decode()})
        except Exception as error:  # it has ended meanwhile
            log.debug("not sent", reason=str(error))
        self._sending = None
        if self.on_room is not None:
            self.on_room()


def _wire(scope: Scope, send: Send) -> Wire:
    found = scope.get("extensions", {}).get(EXTENSION)
    return cast(Wire, found) if found is not None else _Sent(send)


def _same_origin(scope: Scope, allowed: Iterable[str]) -> bool:
    """Whether no page of somebody else's asks; programs send no Origin."""
    headers: dict[bytes, bytes] = dict(scope["headers"])
    origin = headers.get(b"origin", b"").decode("latin-1")
    if not origin or "*" in allowed or origin in allowed:
        return True
    return urlsplit(origin).netloc == headers.get(b"host", b"").decode("latin-1")


def _as_request(scope: Scope, payload: dict[str, Any]) -> Request:
    """The connection as requests look, with what its first message proves."""
    headers = list(scope["headers"])
    for name, value in payload.items():
        if name.lower() == "authorization" and isinstance(value, str):
            headers = [one for one in headers if one[0] != b"authorization"]
            headers.append((b"authorization", value.encode("latin-1", "replace")))
    return Request({**scope, "type": "http", "method": "GET", "headers": headers})


async def _refuse(send: Send, status: int, reason: str) -> None:
    refusal = Refusal(status, reason)
    body = encode_json({"errors": [{"message": refusal.message}]})
    headers = [(b"content-type", b"application/json")]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})


_INTERNAL: Final = {
    "message": "Something went wrong on the server.",
    "extensions": {"code": ErrorCode.INTERNAL.value},
}
