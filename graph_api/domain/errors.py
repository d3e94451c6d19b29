"""Every error that is raised on purpose, and the closed list of codes that clients see."""

from enum import StrEnum
from typing import ClassVar


class ErrorCode(StrEnum):
    """What a client may branch on; the list is closed and part of the API."""

    BAD_INPUT = "BAD_INPUT"
    NOT_FOUND = "NOT_FOUND"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    RATE_LIMITED = "RATE_LIMITED"
    TOO_COSTLY = "TOO_COSTLY"
    CURSOR_TOO_OLD = "CURSOR_TOO_OLD"
    UPSTREAM_UNAVAILABLE = "UPSTREAM_UNAVAILABLE"
    INTERNAL = "INTERNAL"


class GraphApiError(Exception):
    """An error whose message is one clear sentence, safe to show to a client."""

    code: ClassVar[ErrorCode] = ErrorCode.INTERNAL


class BadInput(GraphApiError):
    """The caller can mend it by asking or writing something else."""

    code = ErrorCode.BAD_INPUT


class NotFound(GraphApiError):
    """What was named is not there."""

    code = ErrorCode.NOT_FOUND


class Forbidden(GraphApiError):
    """The one who asks may not see or do this."""

    code = ErrorCode.FORBIDDEN


class TooCostly(GraphApiError):
    """The question would cost more than is allowed; the message says how to narrow it."""

    code = ErrorCode.TOO_COSTLY


class CursorTooOld(GraphApiError):
    """What followed a cursor is not kept any more; begin anew without one."""

    code = ErrorCode.CURSOR_TOO_OLD


class UpstreamUnavailable(GraphApiError):
    """An engine or provider does not answer; trying again later may help."""

    code = ErrorCode.UPSTREAM_UNAVAILABLE

    def __init__(self, provider: str, *, retry_after_s: float) -> None:
        super().__init__(f"{provider} does not answer; try again in {retry_after_s:g} s.")
        self.provider, self.retry_after_s = provider, retry_after_s


class SchemaUnknown(GraphApiError):
    """The graph or the vault is at a version that this program does not know."""
