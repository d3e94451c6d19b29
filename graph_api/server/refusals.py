"""Requests that never reach the schema: each is answered in GraphQL's own shape, with a status."""

from collections.abc import Iterable

import orjson
from starlette.types import Send

from graph_api.domain.errors import ErrorCode, GraphApiError

JSON = b"application/json; charset=utf-8"
Headers = Iterable[tuple[bytes, bytes]]

STATUS_OF_CODE = {
    ErrorCode.BAD_INPUT: 400,
    ErrorCode.TOO_COSTLY: 400,
    ErrorCode.CURSOR_TOO_OLD: 410,
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.INTERNAL: 500,
    ErrorCode.UPSTREAM_UNAVAILABLE: 503,
}


class Refusal(Exception):
    """A request is refused with a status; the message says what is wrong and how to mend it."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: ErrorCode = ErrorCode.BAD_INPUT,
        headers: Headers = (),
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code
        self.headers = tuple(headers)

    @classmethod
    def of(cls, error: GraphApiError) -> "Refusal":
        """The refusal for an error of ours that was raised before there was a document."""
        return cls(STATUS_OF_CODE[error.code], str(error), code=error.code)


async def send_refusal(send: Send, refusal: Refusal, *, content_type: bytes = JSON) -> None:
    error = {"message": refusal.message, "extensions": {"code": refusal.code.value}}
    body = orjson.dumps({"errors": [error]})
    await send_body(send, refusal.status, body, content_type=content_type, headers=refusal.headers)


async def send_body(
    send: Send, status: int, body: bytes, *, content_type: bytes, headers: Headers = ()
) -> None:
    """Answer with bytes that are already encoded."""
    head = [
        (b"content-type", content_type),
        (b"content-length", str(len(body)).encode()),
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})
