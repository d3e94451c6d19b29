"""A Strawberry schema with a guarded door: limits, the document cache, and errors made safe.

Every way to execute runs through it (HTTP, streams, later transports), so the view, WebSocket
handlers and tests see the same documents and the same errors.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, cast

import strawberry
import structlog
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
)
from graphql.execution import MiddlewareManager
from graphql.validation import NoSchemaIntrospectionCustomRule, specified_rules
from strawberry.exceptions import MissingQueryError
from strawberry.extensions import SchemaExtension
from strawberry.extensions.runner import SchemaExtensionsRunner
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.types.execution import ExecutionContext, PreExecutionError
from strawberry.types.graphql import OperationType
from strawberry.utils.await_maybe import await_maybe

from graph_api.domain.errors import TooCostly
from graph_api.schema.caching import Documents, Prepared
from graph_api.schema.compiled.execute import Compiled, CompiledExecutor
from graph_api.schema.compiled.selecting import Reason, Refused
from graph_api.schema.errors import errors_to_send
from graph_api.schema.limits import DocumentLimits
from graph_api.schema.sharing import Sharing


@dataclass(frozen=True, slots=True)
class Operation:
    """What is being executed; both come from the parsed document, so they are safe to log."""

    name: str | None
    type: OperationType


class RefusedDocument(Exception):
    """Why a document is not executed; the errors are not yet those that clients may see."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.errors = errors


class ExecutorName(StrEnum):
    """What answers queries."""

    STANDARD = "standard"
    COMPILED = "compiled"


LONGEST_NAME = 100  # in log lines; a document may name its operation at any length

current_operation: ContextVar[Operation | None] = ContextVar("current_operation", default=None)


log = structlog.get_logger("graph_api.schema")


@dataclass
class _Execution(ExecutionContext):
    """Strawberry's context of an execution, and what the operation was compiled to."""

    compiled: Compiled | None = None


class GuardedSchema(strawberry.Schema):
    """``strawberry.Schema`` plus limits, cache, safe errors and compiled execution.

    Other arguments are passed on.

    Args:
        limits: What one document may ask for.
        cache_size: How many documents are remembered; 0 remembers none.
        suggestions: Whether mistakes are answered with names of the schema ("Did you mean").
        introspection: Whether clients may read the schema.
        executor: What answers queries; the standard one answers what cannot be compiled.
        timeout_s: How long a whole query may take; for ever where None.
        explain: Whether requests may ask, by the extension ``explain``, how they were executed.
    """

    def __init__(
        self,
        query: type,
        *,
        limits: DocumentLimits | None = None,
        cache_size: int = 1_000,
        suggestions: bool = True,
        introspection: bool = True,
        executor: str = ExecutorName.COMPILED,
        timeout_s: float | None = None,
        explain: bool = False,
        extensions: Iterable[type[SchemaExtension] | Callable[[], SchemaExtension]] = (),
        **options: Any,
    ) -> None:
        super().__init__(query, extensions=extensions, **options)
        self.documents = Documents(limits or DocumentLimits(), cache_size=cache_size)
        self.suggestions = suggestions
        self.explain, self.timeout_s = explain, timeout_s
        self.compiled = CompiledExecutor(self)
        self._compiles = ExecutorName(executor) is ExecutorName.COMPILED
        self._sharing = Sharing(self)
        self._extra_rules = () if introspection else (NoSchemaIntrospectionCustomRule,)

    def shares(self, text: str, operation_name: str | None) -> bool:
        """Whether equal requests for this operation may share an answer; reads the document."""
        return self._shares(self.documents.look(text), operation_name)

    def shares_not(self, text: str, operation_name: str | None) -> bool:
        """Whether it is known already that they may not."""
        prepared = self.documents.known(text)
        return prepared is not None and not self._shares(prepared, operation_name)

    def _shares(self, prepared: Prepared, operation_name: str | None) -> bool:
        shared = prepared.shared.get(operation_name)
        if shared is None:
            chosen = _choose(prepared.operations, operation_name)
            shared = (
                prepared.document is not None
                and isinstance(chosen, OperationDefinitionNode)
                and self._sharing.allows(prepared.document, chosen)
            )
            # Names that a document does not have come from outside and are not collected.
            if isinstance(chosen, OperationDefinitionNode):
                prepared.shared[operation_name] = shared
        return shared

    def operation(
        self, text: str, operation_name: str | None
    ) -> tuple[DocumentNode, OperationDefinitionNode]:
        """The document, within its limits and valid, and the operation of it that is meant.

        Raises: RefusedDocument.
        """
        prepared = self.documents.prepare(text)
        if prepared.document is None:
            assert prepared.refusal is not None
            raise RefusedDocument([prepared.refusal])
        chosen = _choose(prepared.operations, operation_name)
        if isinstance(chosen, GraphQLError):
            raise RefusedDocument([chosen])
        rules = (*specified_rules, *self._extra_rules)
        if faults := self.documents.faults(prepared, self._schema, rules):
            raise RefusedDocument(faults)
        return prepared.document, chosen

    def is_public(self, document: DocumentNode, operation: OperationDefinitionNode) -> bool:
        """Whether every field of ``operation`` answers public graph data."""
        return self._sharing.is_public(document, operation)

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
        if self._compiles and context.graphql_document is prepared.document:
            cast(_Execution, context).compiled = prepared.compiled_operation(chosen)
        return None

    def _create_execution_context(
        self,
        query: str | None,
        allowed_operation_types: Iterable[OperationType],
        variable_values: dict[str, Any] | None = None,
        context_value: Any | None = None,
        root_value: Any | None = None,
        operation_name: str | None = None,
        operation_extensions: dict[str, Any] | None = None,
    ) -> ExecutionContext:
        return _Execution(
            query=query,
            schema=self,
            allowed_operations=allowed_operation_types,
            context=context_value,
            root_value=root_value,
            variables=variable_values,
            provided_operation_name=operation_name,
            operation_extensions=operation_extensions,
        )

    async def _execute_operation(
        self,
        execution_context: ExecutionContext,
        extensions_runner: SchemaExtensionsRunner,
        middleware_manager: MiddlewareManager,
        execute_function: Callable[..., Any],
        custom_context_kwargs: dict[str, Any],
    ) -> Any:
        # Strawberry calls the function with what graphql-core needs, and cares for the rest.
        chosen = partial(self._in_time, execute_function, execution_context)
        return await super()._execute_operation(
            execution_context, extensions_runner, middleware_manager, chosen, custom_context_kwargs
        )

    async def _in_time(self, *given: Any, **options: Any) -> ExecutionResult:
        operation = current_operation.get()
        if operation is None or operation.type is not OperationType.QUERY:
            # What has begun to change something is not left half done.
            return await self._compiled_or_standard(*given, **options)
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self._compiled_or_standard(*given, **options)
        except TimeoutError:
            late = TooCostly(f"The query took more than {self.timeout_s:g} s; ask for less.")
            return ExecutionResult(None, [GraphQLError(str(late), original_error=late)])

    async def _compiled_or_standard(
        self,
        standard: Callable[..., Any],
        execution: ExecutionContext,
        schema: GraphQLSchema,
        document: DocumentNode,
        *,
        middleware: MiddlewareManager,
        **options: Any,
    ) -> ExecutionResult:
        try:
            result = await self._compiled(cast(_Execution, execution), middleware)
            self._note(execution, None)
        except Refused as refused:
            self._note(execution, refused)
            result = await await_maybe(standard(schema, document, middleware=middleware, **options))
        return result

    async def _compiled(
        self, execution: _Execution, middleware: MiddlewareManager
    ) -> ExecutionResult:
        if execution.compiled is None:
            raise Refused(Reason.OFF, "Compilation is switched off.")
        if middleware.middlewares:
            raise Refused(Reason.MIDDLEWARE, "An extension takes part in every field.")
        return await self.compiled.execute(
            execution.compiled,
            variables=execution.variables,
            context=execution.context,
            root_value=execution.root_value,
        )

    def _note(self, execution: ExecutionContext, refused: Refused | None) -> None:
        executor = ExecutorName.STANDARD if refused else ExecutorName.COMPILED
        reason = refused.reason if refused else ""
        self.compiled.counts[executor, reason] += 1
        if refused and refused.reason is not Reason.OFF:
            log.debug("not compiled", reason=reason, why=str(refused))
        if self.explain and (execution.operation_extensions or {}).get("explain"):
            why = {"reason": reason, "why": str(refused)} if refused else {}
            execution.extensions_results["executor"] = {"name": executor, **why}


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
