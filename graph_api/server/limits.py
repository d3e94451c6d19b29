"""The size of a request, measured before anything reads it: target, headers and body."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graph_api.server.refusals import Refusal
from graph_api.settings import HttpSettings

CLOSE = (b"connection", b"close")  # what is left of the request on the wire is not worth reading


class RequestLimits:
    """ASGI middleware: 414, 431, 413 and 400 for requests that are too large or ambiguous.

    ``bodies`` says how large they may be elsewhere than usual, by how a path begins.
    """

    def __init__(
        self, app: ASGIApp, *, http: HttpSettings, bodies: Mapping[str, int] | None = None
    ) -> None:
        self.app, self.http, self.bodies = app, http, tuple((bodies or {}).items())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        try:
            declared = self._check_head(scope)
        except Refusal:
            if scope["type"] == "http":
                raise
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] == "http" and declared is None:
            receive = self._counted(receive, self._largest(scope))
        await self.app(scope, receive, send)

    def _check_head(self, scope: Scope) -> int | None:
        """The declared length of the body, if there is one; Refusal where the head is too much."""
        target = len(scope.get("raw_path") or b"") + len(scope["query_string"])
        if target > self.http.max_target_bytes:
            raise self._refusal(
                414,
                f"The address is longer than {self.http.max_target_bytes} bytes; "
                "send the query by POST.",
            )
        headers = scope["headers"]
        if len(headers) > self.http.max_headers:
            raise self._refusal(431, f"More than {self.http.max_headers} headers were sent.")
        size, lengths, chunked = 0, [], False
        for name, value in headers:
            size += len(name) + len(value)
            if name == b"content-length":
                lengths.append(value)
            elif name == b"transfer-encoding":
                chunked = True
        if size > self.http.max_header_bytes:
            raise self._refusal(
                431, f"The headers are larger than {self.http.max_header_bytes} bytes."
            )
        if not lengths:
            return None
        if chunked or len(lengths) > 1 or not lengths[0].isdigit():
            raise self._refusal(
                400, "The length of the body is stated in two ways, or not clearly."
            )
        return self._within(int(lengths[0][:20]), self._largest(scope))

    def _largest(self, scope: Scope) -> int:
        for prefix, size in self.bodies:
            if scope["path"].startswith(prefix):
                return size
        return self.http.max_body_bytes

    def _counted(self, receive: Receive, largest: int) -> Receive:
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            self._within(received, largest)
            return message

        return counted

    def _within(self, length: int, largest: int) -> int:
        if length > largest:
            raise self._refusal(413, f"The body is larger than {largest} bytes; send less at once.")
        return length

    @staticmethod
    def _refusal(status: int, message: str) -> Refusal:
        return Refusal(status, message, headers=[CLOSE])
