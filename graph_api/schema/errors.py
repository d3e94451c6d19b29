"""What clients get to see of an error: a code of the closed list and a message that is safe.

Ours (``GraphApiError``) keep message and code, mistakes in the request are BAD_INPUT, and anything
else is masked: the client gets an error id, the log has the traceback under the same id.
"""

import re
import secrets
from collections.abc import Iterable
from typing import Any

import structlog
from graphql import FieldNode, GraphQLError
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError

from graph_api.domain.errors import ErrorCode, GraphApiError

LOGGED_PER_ANSWER = 10  # a list of 1,000 rows can fail 1,000 times for one reason

log = structlog.get_logger("graph_api.schema")


class SentError(GraphQLError):
    """An error in the form in which it leaves: its message is safe and it has a code."""


def errors_to_send(
    errors: Iterable[GraphQLError], *, operation: str | None, suggestions: bool
) -> list[GraphQLError]:
    """Every error as a client may see it; the unexpected ones are logged here, under one id."""
    answer = _Answer(operation, suggestions=suggestions)
    return [error if isinstance(error, SentError) else answer.sent(error) for error in errors]


class _Answer:
    """The errors of one answer; what is masked in it shares an error id."""

    def __init__(self, operation: str | None, *, suggestions: bool) -> None:
        self.operation, self.suggestions = operation, suggestions
        self.error_id = ""
        self._logged: set[int] = set()

    def sent(self, error: GraphQLError) -> SentError:
        chain, cause = _chain(error)
        if isinstance(cause, GraphApiError):
            return self._ours(error, cause)
        if _is_request_mistake(chain, cause):
            return _sent(error, self._library_text(error), ErrorCode.BAD_INPUT)
        error_id = self._log(error, cause or chain[-1])
        message = f"Something went wrong on the server; the log has it as {error_id}."
        return _sent(error, message, ErrorCode.INTERNAL, errorId=error_id)

    def _ours(self, error: GraphQLError, cause: GraphApiError) -> SentError:
        # Without a path it was raised while a value was read, and the library's text says which.
        message = self._library_text(error) if error.path is None else str(cause)
        extensions: dict[str, Any] = {}
        if (retry_after_s := getattr(cause, "retry_after_s", None)) is not None:
            extensions["retryAfterS"] = retry_after_s
        if cause.code is ErrorCode.INTERNAL:
            extensions["errorId"] = self._log(error, cause)
        return _sent(error, message, cause.code, **extensions)

    def _library_text(self, error: GraphQLError) -> str:
        return error.message if self.suggestions else _SUGGESTION.sub("", error.message)

    def _log(self, error: GraphQLError, cause: BaseException) -> str:
        self.error_id = self.error_id or secrets.token_hex(8)
        if id(cause) not in self._logged and len(self._logged) < LOGGED_PER_ANSWER:
            self._logged.add(id(cause))
            log.error(
                "masked error",
                error_id=self.error_id,
                operation=self.operation,
                path=error.path,
                exc_info=(type(cause), cause, cause.__traceback__),
            )
        return self.error_id


def _chain(error: GraphQLError) -> tuple[list[GraphQLError], Exception | None]:
    """The GraphQL errors wrapped in each other, and the exception of another kind within them."""
    chain = [error]
    while isinstance(chain[-1].original_error, GraphQLError):
        chain.append(chain[-1].original_error)
    return chain, chain[-1].original_error


def _is_request_mistake(chain: list[GraphQLError], cause: Exception | None) -> bool:
    if isinstance(cause, _REQUEST_MISTAKES):
        return True
    nodes = [node for error in chain for node in error.nodes or ()]
    names_a_value = any(not isinstance(node, FieldNode) for node in nodes)
    if cause is not None:
        # A scalar refused a value in its own words; a bug in it would raise something else.
        return names_a_value and isinstance(cause, ValueError | TypeError | ArithmeticError)
    # The library's own errors: before execution they are all about the request; during execution
    # only those that point at an argument are, the others are results that do not fit the schema.
    return chain[0].path is None or names_a_value


def _sent(error: GraphQLError, message: str, code: ErrorCode, **extensions: Any) -> SentError:
    return SentError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions={"code": code.value, **extensions},
    )


_REQUEST_MISTAKES = (MissingQueryError, CannotGetOperationTypeError, InvalidOperationTypeError)
_SUGGESTION = re.compile(r" ?Did you mean .*\?", re.DOTALL)
