"""A Strawberry schema with a guarded door: limits, the document cache, and errors made safe.

Every way to execute runs through it (HTTP, streams, later transports), so the view, WebSocket
handlers and tests see the same documents and the same errors.
"""

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import strawberry
from graphql import GraphQLError, OperationDefinitionNode
from graphql.validation import NoSchemaIntrospectionCustomRule
from strawberry.exceptions import MissingQueryError
from strawberry.extensions import SchemaExtension
from strawberry.extensions.runner import SchemaExtensionsRunner
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.types.execution import ExecutionContext, PreExecutionError
from strawberry.types.graphql import OperationType

from graph_api.schema.caching import Documents
from graph_api.schema.errors import errors_to_send
from graph_api.schema.limits import DocumentLimits


@dataclass(frozen=True, slots=True)
class Operation:
    """What is being executed; both come from the parsed document, so they are safe to log."""

    name: str | None
    type: OperationType


LONGEST_NAME = 100  # in log lines; a document may name its operation at any length

current_operation: ContextVar[Operation | None] = ContextVar("current_operation", default=None)


class GuardedSchema(strawberry.Schema):
    """``strawberry.Schema`` plus limits, cache and safe errors; other arguments are passed on.

    Args:
        limits: What one document may ask for.
        cache_size: How many documents are remembered; 0 remembers none.
        suggestions: Whether mistakes are answered with names of the schema ("Did you mean").
        introspection: Whether clients may read the schema.
    """

    def __init__(
        self,
        query: type,
        *,
        limits: DocumentLimits | None = None,
        cache_size: int = 1_000,
        suggestions: bool = True,
        introspection: bool = True,
        extensions: Iterable[type[SchemaExtension] | Callable[[], SchemaExtension]] = (),
        **options: Any,
    ) -> None:
        super().__init__(query, extensions=extensions, **options)
        self.documents = Documents(limits or DocumentLimits(), cache_size=cache_size)
        self.suggestions = suggestions
        self._extra_rules = () if introspection else (NoSchemaIntrospectionCustomRule,)

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Replace the errors, in place, by what clients may see.

        Strawberry calls this for each answer and each frame of a stream before any of it leaves.
        """
        operation = current_operation.get()
        name = operation.name if operation else None
        errors[:] = errors_to_send(errors, operation=name, suggestions=self.suggestions)

    async def _prepare_operation_async(
        self, context: ExecutionContext, extensions_runner: SchemaExtensionsRunner
    ) -> PreExecutionError | None:
        # Takes the place of Strawberry's own step; extensions see the same hooks.
        current_operation.set(None)
        if not context.query:
            raise MissingQueryError
        async with extensions_runner.parsing():
            prepared = self.documents.prepare(context.query)
            if prepared.refusal is not None:
                return _refused(context, [prepared.refusal])
            context.graphql_document = prepared.document
        chosen = _choose(prepared.operations, context._provided_operation_name)
        if isinstance(chosen, GraphQLError):
            return _refused(context, [chosen])
        operation_type = OperationType(chosen.operation.value)
        if operation_type not in context.allowed_operations:
            raise InvalidOperationTypeError(operation_type)
        name = chosen.name.value[:LONGEST_NAME] if chosen.name else None
        current_operation.set(Operation(name, operation_type))
        async with extensions_runner.validation():
            rules = context.validation_rules + self._extra_rules
            if faults := self.documents.faults(prepared, self._schema, rules):
                return _refused(context, faults)
        return None


def _choose(
    operations: list[OperationDefinitionNode], name: str | None
) -> OperationDefinitionNode | GraphQLError:
    if name is not None:
        for operation in operations:
            if operation.name and operation.name.value == name:
                return operation
        return GraphQLError("The document has no operation of the name in operationName.")
    if not operations:
        return GraphQLError("The document has no operation, only definitions of other kinds.")
    if len(operations) > 1:
        return GraphQLError("The document has several operations; name one in operationName.")
    return operations[0]


def _refused(context: ExecutionContext, errors: list[GraphQLError]) -> PreExecutionError:
    context.pre_execution_errors = errors
    return PreExecutionError(data=None, errors=errors)
