"""GraphQL over HTTP: reads a request, executes it, and answers with the right type and status."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from graph_api.domain.errors import ErrorCode, GraphApiError
from graph_api.schema.guarded import GuardedSchema, current_operation
from graph_api.server.envelope import RequestRecord, record_of
from graph_api.server.graphiql import GraphiQL
from graph_api.server.media import GRAPHQL_RESPONSE, JSON, answer_type, charset, essence, wants_page
from graph_api.server.metrics import Metrics
from graph_api.server.refusals import STATUS_OF_CODE, Refusal, send_body, send_refusal

ContextGetter = Callable[[Request], Awaitable[Any]]

ALLOWED = {
    "GET": frozenset({OperationType.QUERY}),
    "POST": frozenset({OperationType.QUERY, OperationType.MUTATION}),
}
NOT_STORED = (b"cache-control", b"no-store")
VARY = (b"vary", b"accept")
EXPLAIN = "deskgraph-explain"  # a header: "true" asks how the operation was executed


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """The four parameters of a request, each of the right kind."""

    query: str
    operation_name: str | None
    variables: dict[str, Any] | None
    extensions: dict[str, Any] | None


class GraphQLEndpoint:
    """The ASGI application at ``/graphql``: POST, GET, and the page for people."""

    def __init__(
        self,
        schema: GuardedSchema,
        *,
        context_getter: ContextGetter,
        metrics: Metrics,
        graphiql: GraphiQL | None,
    ) -> None:
        self.schema, self.metrics, self.graphiql = schema, metrics, graphiql
        self.context_getter = context_getter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _headers(scope)
        accept, method = headers.get("accept", ""), scope["method"]
        if method == "GET" and self.graphiql is not None and wants_page(accept):
            await self.graphiql.send_page(scope, send)
            return
        media_type = answer_type(accept) or JSON
        try:
            self._check_method(method, accept)
            request = (
                read_parameters(scope["query_string"])
                if method == "GET"
                else read_body(await _body(headers, receive))
            )
            if headers.get(EXPLAIN) == "true":
                request = replace(
                    request, extensions={**(request.extensions or {}), "explain": True}
                )
            result = await self._execute(Request(scope, receive), request)
        except Refusal as refusal:
            self.metrics.refused(refusal.code)
            record_of(scope).codes.append(refusal.code.value)
            await send_refusal(send, refusal, content_type=_content_type(media_type))
            return
        self._record(record_of(scope), result)
        status, answer = _answer(result, media_type)
        await send_body(
            send,
            status,
            encode_json(answer),
            content_type=_content_type(media_type),
            headers=(NOT_STORED, VARY),
        )

    def _check_method(self, method: str, accept: str) -> None:
        if method not in ALLOWED:
            allow = (b"allow", b"GET, POST")
            raise Refusal(405, "GraphQL is asked by GET or POST.", headers=[allow])
        if answer_type(accept) is None:
            raise Refusal(406, f"Answers are {GRAPHQL_RESPONSE} or {JSON}; accept one of them.")

    async def _execute(self, http: Request, request: GraphQLRequest) -> ExecutionResult:
        try:
            return await self.schema.execute(
                request.query,
                variable_values=request.variables,
                context_value=await self.context_getter(http),
                operation_name=request.operation_name,
                allowed_operation_types=ALLOWED[http.method],
                operation_extensions=request.extensions,
            )
        except GraphApiError as error:
            raise Refusal.of(error) from error
        except InvalidOperationTypeError as error:
            raise _wrong_operation(error.operation_type) from error

    def _record(self, record: RequestRecord, result: ExecutionResult) -> None:
        operation = current_operation.get()
        if operation is not None:
            record.operation_name = operation.name
            record.operation_type = operation.type.value
        for error in result.errors or ():
            extensions = error.extensions or {}
            record.codes.append(extensions["code"])
            if (error_id := extensions.get("errorId")) and error_id not in record.error_ids:
                record.error_ids.append(error_id)
        self.metrics.executed(record)


def read_body(body: bytes) -> GraphQLRequest:
    """The request of a POST. Raises: Refusal (400) when it is not one."""
    parameters = decode_json(body, what="The body")
    if not isinstance(parameters, dict):
        hint = "; batches are not answered" if isinstance(parameters, list) else ""
        raise Refusal(400, f"The body is not a JSON object with a query{hint}.")
    return _request(parameters)


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
    return _request(parameters)


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


def _request(parameters: dict[str, Any]) -> GraphQLRequest:
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


def _answer(result: ExecutionResult, media_type: str) -> tuple[int, dict[str, Any]]:
    """Status and body: where nothing was executed there is no ``data``, and the status says so."""
    answer: dict[str, Any] = {}
    status = 200
    if result.errors:
        answer["errors"] = [error.formatted for error in result.errors]
    if result.data is None and result.errors and all(e.path is None for e in result.errors):
        code = ErrorCode((result.errors[0].extensions or {})["code"])
        # A client of the old media type expects 200 for whatever a schema says of a document.
        if media_type == GRAPHQL_RESPONSE or code is ErrorCode.INTERNAL:
            status = STATUS_OF_CODE[code]
    else:
        answer["data"] = result.data
    if result.extensions:
        answer["extensions"] = result.extensions
    return status, answer


def _wrong_operation(operation_type: OperationType) -> Refusal:
    if operation_type is OperationType.SUBSCRIPTION:
        return Refusal(400, "A subscription needs a connection that streams its answers.")
    allow = (b"allow", b"POST")
    return Refusal(405, "A mutation is sent by POST; GET only reads.", headers=[allow])


def _headers(scope: Scope) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


async def _body(headers: dict[str, str], receive: Receive) -> bytes:
    content_type = headers.get("content-type", "")
    if essence(content_type) != JSON or charset(content_type) not in ("utf-8", "utf8"):
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


def _content_type(media_type: str) -> bytes:
    return f"{media_type}; charset=utf-8".encode()
