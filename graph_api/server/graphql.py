"""GraphQL over HTTP: reads a request, executes it, and answers with the right type and status."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import orjson
from graphql import GraphQLFormattedError
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from graph_api.domain.errors import ErrorCode, GraphApiError
from graph_api.schema.guarded import GuardedSchema, current_operation
from graph_api.server.cached import Answered, Answers
from graph_api.server.envelope import RequestRecord, record_of
from graph_api.server.graphiql import GraphiQL
from graph_api.server.media import (
    GRAPHQL_RESPONSE,
    JSON,
    answer_type,
    charset,
    essence,
    takes_stream,
    wants_page,
)
from graph_api.server.metrics import Metrics
from graph_api.server.presence import while_present
from graph_api.server.refusals import STATUS_OF_CODE, Refusal, send_refusal

ContextGetter = Callable[[Request], Awaitable[Any]]

ALLOWED = {
    "GET": frozenset({OperationType.QUERY}),
    "POST": frozenset({OperationType.QUERY, OperationType.MUTATION}),
}
NOT_STORED = (b"cache-control", b"no-store")
VARY = (b"vary", b"accept, authorization")
EXPLAIN = "deskgraph-explain"  # a header: "true" asks how the operation was executed


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """The four parameters of a request, each of the right kind."""

    query: str
    operation_name: str | None
    variables: dict[str, Any] | None
    extensions: dict[str, Any] | None


#: Answers a request by a stream of events, see ``event_streams``.
Streaming = Callable[[Request, GraphQLRequest, Any, Send], Awaitable[None]]


class StreamNeeded(Refusal):
    """The operation is a subscription, which no single answer can hold."""

    def __init__(self) -> None:
        super().__init__(400, "A subscription needs a connection that streams its answers.")


class GraphQLEndpoint:
    """The ASGI application at ``/graphql``: POST, GET, and the page for people."""

    def __init__(
        self,
        schema: GuardedSchema,
        *,
        context_getter: ContextGetter,
        metrics: Metrics,
        graphiql: GraphiQL | None,
        answers: Answers | None = None,
        stream: Streaming | None = None,
    ) -> None:
        self.stream = stream
        self.schema, self.metrics, self.graphiql = schema, metrics, graphiql
        self.context_getter, self.answers = context_getter, answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _headers(scope)
        accept, method = headers.get("accept", ""), scope["method"]
        if method == "GET" and self.graphiql is not None and wants_page(accept):
            await self.graphiql.send_page(scope, send)
            return
        media_type = answer_type(accept) or JSON
        may_stream = self.stream is not None and takes_stream(accept)
        try:
            self._check_method(method, accept, may_stream=may_stream)
            written = scope["query_string"] if method == "GET" else await _body(headers, receive)
            explain = headers.get(EXPLAIN) == "true"
            http = Request(scope, receive)
            if may_stream and answer_type(accept) is None:
                await self._streamed(http, written, send)
                return
            try:
                answered = await self._answered(http, written, media_type, explain=explain)
            except StreamNeeded:
                if not may_stream:
                    raise
                await self._streamed(http, written, send)
                return
        except Refusal as refusal:
            self.metrics.refused(refusal.code)
            record_of(scope).codes.append(refusal.code.value)
            await send_refusal(send, refusal, content_type=_CONTENT_TYPES[media_type])
            return
        note(record_of(scope), answered, self.metrics)
        tags = headers.get("if-none-match")
        status, head, body = response_of(method, answered, media_type, tags=tags)
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": body})

    async def _streamed(self, http: Request, written: bytes, send: Send) -> None:
        assert self.stream is not None
        asked = read_parameters(written) if http.method == "GET" else read_body(written)
        await self.stream(http, asked, await self._context(http), send)

    def _check_method(self, method: str, accept: str, *, may_stream: bool) -> None:
        if method not in ALLOWED:
            allow = (b"allow", b"GET, POST")
            raise Refusal(405, "GraphQL is asked by GET or POST.", headers=[allow])
        if answer_type(accept) is None and not may_stream:
            raise Refusal(406, f"Answers are {GRAPHQL_RESPONSE} or {JSON}; accept one of them.")

    async def _answered(
        self, http: Request, written: bytes, media_type: str, *, explain: bool
    ) -> Answered:
        """The answer: one that was kept, or one that is made unless the client leaves before."""
        context = await self._context(http)
        asked = read_parameters(written) if http.method == "GET" else read_body(written)
        if explain:
            asked = replace(asked, extensions={**(asked.extensions or {}), "explain": True})
        ask = partial(self._ask, http, asked, context=context, media_type=media_type)
        answers, text, name = self.answers, asked.query, asked.operation_name
        if answers is None or asked.extensions or self.schema.shares_not(text, name):
            return await while_present(http.receive, ask())
        audience = context.audience
        key = answers.key(media_type, audience, text, name, asked.variables or None)
        answered, mark = await answers.find(key)
        if answered is None:
            if not self.schema.shares(text, name):
                return await while_present(http.receive, ask())
            answered = await while_present(http.receive, answers.ask(key, ask, mark=mark))
        if answered.etag is not None:
            answers.know(key, (http.method, media_type, written), audience)
        return answered

    async def _context(self, http: Request) -> Any:
        try:
            return await self.context_getter(http)
        except GraphApiError as error:
            raise Refusal.of(error) from error

    async def _ask(
        self, http: Request, asked: GraphQLRequest, *, context: Any, media_type: str
    ) -> Answered:
        try:
            result = await self.schema.execute(
                asked.query,
                variable_values=asked.variables,
                context_value=context,
                operation_name=asked.operation_name,
                allowed_operation_types=ALLOWED[http.method],
                operation_extensions=asked.extensions,
            )
        except GraphApiError as error:
            raise Refusal.of(error) from error
        except InvalidOperationTypeError as error:
            raise _wrong_operation(error.operation_type) from error
        return _answered(result, media_type)


def note(record: RequestRecord, answered: Answered, metrics: Metrics) -> None:
    """Write down and count what was answered."""
    record.operation_name = answered.operation
    record.operation_type = answered.operation_type
    record.codes.extend(answered.codes)
    record.error_ids.extend(answered.error_ids)
    metrics.executed(record)


def response_of(
    method: str, answered: Answered, media_type: str, *, tags: str | None
) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Status, headers and body; a client that names the tag of the answer needs no body."""
    headers = _caching(method, answered)
    etag = answered.etag if method == "GET" else None
    if tags is not None and etag is not None and _names(tags, etag):
        return 304, headers, b""
    headers.append((b"content-type", _CONTENT_TYPES[media_type]))
    headers.append((b"content-length", b"%d" % len(answered.body)))
    return answered.status, headers, answered.body


def read_body(body: bytes) -> GraphQLRequest:
    """The request of a POST. Raises: Refusal (400) when it is not one."""
    parameters = decode_json(body, what="The body")
    if not isinstance(parameters, dict):
        hint = "; batches are not answered" if isinstance(parameters, list) else ""
        raise Refusal(400, f"The body is not a JSON object with a query{hint}.")
    return read_request(parameters)


def read_parameters(query_string: bytes) -> GraphQLRequest:
    """The request of a GET; variables and extensions are JSON. Raises: Refusal (400)."""
    try:
        pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError as error:
        raise Refusal(400, "The address is not percent-encoded UTF-8.") from error
    parameters: dict[str, Any] = dict(pairs)
    for name in ("variables", "extensions"):
        if text := parameters.pop(name, ""):
            parameters[name] = decode_json(text.encode(), what=f"The parameter {name}")
    return read_request(parameters)


def decode_json(data: bytes, *, what: str) -> Any:
    """JSON as it stands: whole numbers stay exact, NaN and broken text are refused (400)."""
    try:
        return msgspec.json.decode(data)
    except RecursionError as error:
        raise Refusal(400, f"{what} is nested too deeply.") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Refusal(400, f"{what} is not JSON in UTF-8, or has a number out of range.") from error


def encode_json(answer: dict[str, Any]) -> bytes:
    """JSON in UTF-8; text with half a surrogate pair, which UTF-8 cannot hold, loses that half."""
    try:
        return orjson.dumps(answer)
    except TypeError:
        return orjson.dumps(_printable(answer))


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_printable(key): _printable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(inner) for inner in value]
    return value


def read_request(parameters: dict[str, Any]) -> GraphQLRequest:
    """The request that JSON parameters are. Raises: Refusal (400)."""
    query, name = parameters.get("query"), parameters.get("operationName")
    if not isinstance(query, str) or not query.strip():
        raise Refusal(400, "The parameter query is missing or is not a string.")
    if not isinstance(name, str | None):
        raise Refusal(400, "The parameter operationName is not a string.")
    return GraphQLRequest(
        query,
        name or None,
        _object(parameters, "variables"),
        _object(parameters, "extensions"),
    )


def _object(parameters: dict[str, Any], name: str) -> dict[str, Any] | None:
    value = parameters.get(name)
    if not isinstance(value, dict | None):
        raise Refusal(400, f"The parameter {name} is not a JSON object.")
    return value


def _answered(result: ExecutionResult, media_type: str) -> Answered:
    """Status and body: where nothing was executed there is no ``data``, and the status says so."""
    operation = current_operation.get()
    answer: dict[str, Any] = {}
    answered = Answered(
        200,
        b"",
        operation.name if operation else None,
        operation.type.value if operation else None,
    )
    if result.errors:
        answer["errors"] = [error.formatted for error in result.errors]
        _note_errors(answered, answer["errors"])
    if result.data is None and result.errors and all(e.path is None for e in result.errors):
        code = ErrorCode(answered.codes[0])
        # A client of the old media type expects 200 for whatever a schema says of a document.
        if media_type == GRAPHQL_RESPONSE or code is ErrorCode.INTERNAL:
            answered.status = STATUS_OF_CODE[code]
    else:
        answer["data"] = result.data
    if result.extensions:
        answer["extensions"] = result.extensions
    answered.body = encode_json(answer)
    return answered


def _note_errors(answered: Answered, errors: Iterable[GraphQLFormattedError]) -> None:
    for error in errors:
        extensions = error["extensions"]
        answered.codes.append(extensions["code"])
        if (error_id := extensions.get("errorId")) and error_id not in answered.error_ids:
            answered.error_ids.append(error_id)


def _caching(method: str, answered: Answered) -> list[tuple[bytes, bytes]]:
    """Only the answer to a GET may be kept by a client, and no longer than ours is."""
    if answered.etag is None or method != "GET":
        return [NOT_STORED, VARY]
    control = b"private, max-age=%d" % answered.left_s
    return [(b"cache-control", control), (b"etag", answered.etag), VARY]


def _names(tags: str, etag: bytes) -> bool:
    """Whether If-None-Match names ``etag``; the weak form of it counts as well."""
    if tags.strip() == "*":
        return True
    wanted = etag.decode()
    return any(tag.strip().removeprefix("W/") == wanted for tag in tags.split(","))


def _wrong_operation(operation_type: OperationType) -> Refusal:
    if operation_type is OperationType.SUBSCRIPTION:
        return StreamNeeded()
    allow = (b"allow", b"POST")
    return Refusal(405, "A mutation is sent by POST; GET only reads.", headers=[allow])


def _headers(scope: Scope) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name = _READ.get(raw_name)
        if name is not None:
            value = raw_value.decode("latin-1")
            headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


_READ = {
    name.encode(): name
    for name in ("accept", "content-type", "content-encoding", "if-none-match", EXPLAIN)
}


async def _body(headers: dict[str, str], receive: Receive) -> bytes:
    content_type = headers.get("content-type", "")
    if not is_json(content_type):
        raise Refusal(415, f"The body must be {JSON} in UTF-8; set the Content-Type header to it.")
    if headers.get("content-encoding", "identity") != "identity":
        raise Refusal(
            415,
            "Compressed bodies are not read; send the body as it is.",
            headers=[(b"accept-encoding", b"identity")],
        )
    chunks = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


@lru_cache(maxsize=256)
def is_json(content_type: str) -> bool:
    return essence(content_type) == JSON and charset(content_type) in ("utf-8", "utf8")


_CONTENT_TYPES = {name: f"{name}; charset=utf-8".encode() for name in (JSON, GRAPHQL_RESPONSE)}
