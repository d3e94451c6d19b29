"""What both ways of answering by streams do alike: take operations up, execute and refuse them."""

from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from graphql import GraphQLError, GraphQLFormattedError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from graph_api.domain.errors import ErrorCode
from graph_api.schema.errors import errors_to_send
from graph_api.schema.guarded import GuardedSchema, current_operation
from graph_api.schema.subscribing import Wanted, subscription
from graph_api.server.graphql import GraphQLRequest, encode_json
from graph_api.server.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Executed:
    """An operation that was taken up, as it is counted."""

    operation_type: str
    codes: list[str] = field(default_factory=list)

    @classmethod
    def now(cls) -> "Executed":
        """The one that the current task executes; what no execution tells of is a feed."""
        operation = current_operation.get()
        return cls(operation.type.value if operation else OperationType.SUBSCRIPTION.value)


async def wanted(
    schema: GuardedSchema, asked: GraphQLRequest, context: Any, *, resume: str | None = None
) -> Wanted | None:
    """What a subscription to a feed wants; None for operations that are executed.

    Raises: RefusedDocument, GraphApiError.
    """
    return await subscription(
        schema,
        asked.query,
        operation_name=asked.operation_name,
        variables=asked.variables,
        context=context,
        encode=encode_json,
        resume=resume,
    )


async def results(
    schema: GuardedSchema,
    asked: GraphQLRequest,
    context: Any,
    *,
    allowed: Iterable[OperationType],
) -> AsyncGenerator[ExecutionResult]:
    """The results of an operation that is executed for one client alone."""
    return cast(
        AsyncGenerator[ExecutionResult],
        await schema.stream(
            asked.query,
            variable_values=asked.variables,
            context_value=context,
            operation_name=asked.operation_name,
            operation_extensions=asked.extensions,
            allowed_operation_types=allowed,
        ),
    )


def answer_of(result: ExecutionResult) -> dict[str, Any]:
    """What a client gets of a result that was executed for it."""
    answer: dict[str, Any] = {"data": result.data}
    if result.errors:
        answer["errors"] = [error.formatted for error in result.errors]
    if result.extensions:
        answer["extensions"] = result.extensions
    return answer


def refused(
    schema: GuardedSchema,
    asked: GraphQLRequest,
    errors: Iterable[GraphQLError],
    *,
    metrics: Metrics,
) -> list[GraphQLFormattedError]:
    """The errors of a document that is not executed, as clients may see them; they are counted."""
    sent = errors_to_send(errors, operation=asked.operation_name, suggestions=schema.suggestions)
    for error in sent:
        metrics.refused(ErrorCode((error.extensions or {})["code"]))
    return [error.formatted for error in sent]
