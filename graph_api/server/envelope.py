"""What every request gets: an id, security headers, one log line, and its place in the counts."""

import asyncio
import re
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import cast

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graph_api.domain.errors import ErrorCode
from graph_api.server.logs import log_requests
from graph_api.server.metrics import Metrics
from graph_api.server.refusals import Refusal, send_refusal

SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)

LONGEST_PATH = 200  # in log lines
PROBES = ("/health/live", "/health/ready", "/metrics")  # logged only when they fail
STOPPING = Refusal(
    503, "The server stops before this is answered; ask again.", code=ErrorCode.UPSTREAM_UNAVAILABLE
)

log = structlog.get_logger("graph_api.server")


@dataclass(slots=True)
class RequestRecord:
    """What is known of a request by the time that it is logged and counted."""

    request_id: str
    status: int = 0
    operation_name: str | None = None
    operation_type: str | None = None
    codes: list[str] = field(default_factory=list)
    error_ids: list[str] = field(default_factory=list)


def record_of(scope: Scope) -> RequestRecord:
    """The record of the request that ``scope`` belongs to."""
    return cast(RequestRecord, scope["deskgraph.record"])


class Envelope:
    """ASGI middleware around all others; what they raise is answered here, never with a trace."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        record = scope["deskgraph.record"] = RequestRecord(request_id_of(scope))
        scope.setdefault("state", {})["request_id"] = record.request_id
        started_at = time.perf_counter()

        async def send_enveloped(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
                _add_headers(message, record.request_id)
            await send(message)

        before = structlog.contextvars.bind_contextvars(request_id=record.request_id)
        self.metrics.in_flight.inc()
        try:
            await self.app(scope, receive, send_enveloped)
        except ClientDisconnect:
            pass
        except asyncio.CancelledError:
            # The grace of a stop is over. The server ends with this task either way.
            if record.status:
                raise
            await send_refusal(send_enveloped, STOPPING)
        except Exception as error:
            await self._answer(send_enveloped, record, error)
        finally:
            self._finish(scope, record, time.perf_counter() - started_at)
            self.metrics.in_flight.dec()
            structlog.contextvars.reset_contextvars(**before)

    async def _answer(self, send: Send, record: RequestRecord, error: Exception) -> None:
        refusal = as_refusal(error)
        if refusal is None:
            error_id = secrets.token_hex(8)
            record.error_ids.append(error_id)
            log.error("request failed", error_id=error_id, exc_info=error)
            refusal = Refusal(
                500,
                f"Something went wrong on the server; the log has it as {error_id}.",
                code=ErrorCode.INTERNAL,
            )
        record.codes.append(refusal.code.value)
        self.metrics.refused(refusal.code)
        if record.status:
            raise error  # an answer is on its way: the server cuts it, so nobody takes it for whole
        await send_refusal(send, refusal)

    def _finish(self, scope: Scope, record: RequestRecord, duration_s: float) -> None:
        self.metrics.answered(scope["path"], record.status, duration_s)
        if record.status != 200 or scope["path"] not in PROBES:
            log_requests([line_of(scope, record, duration_s)])


def line_of(scope: Scope, record: RequestRecord, duration_s: float) -> dict[str, object]:
    """What the log says of a request that is over."""
    fields: dict[str, object] = {
        "request_id": record.request_id,
        "method": scope["method"],
        "path": scope["path"][:LONGEST_PATH],
        "status": record.status or "disconnected",
        "duration_ms": round(duration_s * 1000, 3),
    }
    if record.operation_name:
        fields["operation"] = record.operation_name
    if record.operation_type:
        fields["operation_type"] = record.operation_type
    if record.codes:
        fields["codes"] = sorted(set(record.codes))
    if record.error_ids:
        fields["error_ids"] = record.error_ids
    return fields


def as_refusal(error: Exception) -> Refusal | None:
    """The refusal that an exception stands for; None where it is a failure of ours."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, HTTPException) and error.status_code < 500:
        code = ErrorCode.NOT_FOUND if error.status_code == 404 else ErrorCode.BAD_INPUT
        headers = [(k.lower().encode(), v.encode()) for k, v in (error.headers or {}).items()]
        return Refusal(error.status_code, f"{error.detail}.", code=code, headers=headers)
    return None


def _add_headers(message: Message, request_id: str) -> None:
    headers = message.get("headers", ())
    more: Iterable[tuple[bytes, bytes]] = SECURITY_HEADERS
    if any(name in _SECURED for name, _ in headers):  # a page that knows better
        present = {name for name, _ in headers}
        more = [header for header in SECURITY_HEADERS if header[0] not in present]
    message["headers"] = [*headers, *more, (b"x-request-id", request_id.encode())]


def request_id_of(scope: Scope) -> str:
    """The id that the request brought along, or a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _SANE_ID.fullmatch(value):
            return cast(bytes, value).decode()
    return secrets.token_hex(8)


_SECURED = frozenset(name for name, _ in SECURITY_HEADERS)
_SANE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
