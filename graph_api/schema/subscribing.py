"""From a request to a subscription: what it wants, where it begins, and how an event is answered.

An answer depends on the document and on the variables that its selection uses, not on which events
are wanted: those who select the same share each answer, whatever they filter by.
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Hashable, Iterator, Mapping
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    Node,
    OperationDefinitionNode,
    VariableNode,
    execute,
)
from graphql.execution import ExecutionResult
from graphql.execution.collect_fields import FragmentDetails, collect_fields
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values
from msgspec.structs import replace
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import convert_arguments
from strawberry.types.graphql import OperationType

from graph_api.live.cursors import Cursor
from graph_api.live.hub import Told
from graph_api.live.interests import Interest
from graph_api.schema.arguments import plain
from graph_api.schema.context import Context
from graph_api.schema.feeds import AFTER, FeedField, feed_of
from graph_api.schema.guarded import GuardedSchema, Operation, RefusedDocument, current_operation

#: From data and errors to the bytes of an answer.
Encode = Callable[[dict[str, Any]], bytes]
#: An answer, at once or later.
Answer = bytes | Awaitable[bytes]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A subscription as it was asked for.

    Args:
        key: Equal where the same events are wanted.
        after: Where it goes on; None for what happens from now on.
    """

    interest: Interest
    key: Hashable
    after: Cursor | None
    answering: "Answering"


class Answering:
    """Makes answers of events for all who select the same; ``key`` is equal for them."""

    def __init__(
        self,
        schema: GuardedSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        *,
        key: Hashable,
        declared: FeedField,
        variables: dict[str, Any] | None,
        context: Any,
        encode: Encode,
    ) -> None:
        self.key = key
        self.name = operation.name.value if operation.name else None
        self._schema, self._document, self._declared = schema, document, declared
        self._variables, self._context, self._encode = variables, context, encode
        # What an execution says of itself belongs to no request.
        self._scope = copy_context()
        self._scope.run(current_operation.set, Operation(self.name, OperationType.SUBSCRIPTION))

    def answer(self, told: Told) -> Answer:
        """What a client gets of an event, made once for all."""
        known: bytes | _Once | None = told.answers.get(self.key)
        if known is not None:
            return known if isinstance(known, bytes) else known.made or known
        result = self._scope.run(self._execute, told)
        made = self._encoded(result) if isinstance(result, ExecutionResult) else _Once(self, result)
        if len(told.answers) < _ANSWERS:
            told.answers[self.key] = made
        return made

    def _execute(self, told: Told) -> Any:
        context = self._context
        if isinstance(context, Context):
            context = context.renewed()
        try:
            payload = self._declared.of(told)
        except Exception as error:
            return ExecutionResult(None, [GraphQLError(str(error), original_error=error)])
        return execute(
            self._schema._schema,
            self._document,
            root_value=payload,
            context_value=context,
            variable_values=self._variables,
            operation_name=self.name,
            operation_extensions=None,
            executor_class=self._schema.execution_context_class,
        )

    def _encoded(self, result: ExecutionResult) -> bytes:
        answer: dict[str, Any] = {}
        if result.errors:
            errors = list(result.errors)
            self._scope.run(self._schema.process_errors, errors)
            answer["errors"] = [error.formatted for error in errors]
        answer["data"] = result.data
        return self._encode(answer)


async def subscription(
    schema: GuardedSchema,
    text: str,
    *,
    operation_name: str | None,
    variables: dict[str, Any] | None,
    context: Any,
    encode: Encode,
    resume: str | None = None,
) -> Wanted | None:
    """What a request wants to be told; None where its operation is no subscription to a feed.

    ``resume`` is a cursor that goes before the argument.

    Raises: RefusedDocument, GraphApiError.
    """
    document, operation = schema.operation(text, operation_name)
    root = schema._schema.subscription_type
    if operation.operation.value != OperationType.SUBSCRIPTION.value or root is None:
        return None
    values = get_variable_values(
        schema._schema, operation.variable_definitions or (), variables or {}
    )
    if isinstance(values, list):
        raise RefusedDocument(values)
    node = _root_field(schema, document, operation, values)
    found = root.fields.get(node.name.value)
    declared = found and found.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    field = feed_of(declared) if declared is not None else None
    if found is None or field is None:
        return None
    converter = schema.schema_converter
    try:
        given = convert_arguments(
            get_argument_values(found, node, values),
            declared.arguments,
            converter.scalar_registry,
            converter.config,
        )
    except GraphQLError as error:
        raise RefusedDocument([error]) from error
    after = resume or given.pop(AFTER, None)
    given.pop(AFTER, None)
    interest = await field.wanted(context, given)
    if needed := _facts_needed(field, document, operation):
        interest = replace(interest, looks_at=(*interest.looks_at, *needed))
    public = schema.is_public(document, operation)
    used = {name: values.coerced.get(name) for name in _used_below(document, operation, node)}
    answering = Answering(
        schema,
        document,
        operation,
        key=(text, operation_name, _frozen(used), None if public else _who(context)),
        declared=field,
        variables=variables,
        context=context,
        encode=encode,
    )
    asked = tuple((name, plain(value)) for name, value in sorted(given.items()))
    mine = interest.private or not field.shared
    return Wanted(
        interest=interest,
        key=(node.name.value, asked, _who(context) if mine else None),
        after=None if after is None else Cursor.of(after),
        answering=answering,
    )


class _Once:
    """An answer that is under way; whoever awaits it gets the same one."""

    __slots__ = ("_future",)

    def __init__(self, answering: Answering, result: Awaitable[ExecutionResult]) -> None:
        async def finish() -> bytes:
            return answering._encoded(await result)

        self._future = asyncio.ensure_future(finish())

    @property
    def made(self) -> bytes | None:
        """The answer once it is there."""
        return self._future.result() if self._future.done() else None

    def __await__(self) -> Generator[Any, Any, bytes]:
        return asyncio.shield(self._future).__await__()


def _root_field(
    schema: GuardedSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    values: VariableValues,
) -> FieldNode:
    """The one field of the operation; validation has seen to it that there is no other."""
    fragments = {
        node.name.value: FragmentDetails(node)
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    root = schema._schema.subscription_type
    assert root is not None
    collected = collect_fields(schema._schema, fragments, values, root, operation)
    for details in collected.grouped_field_set.values():
        return details[0].node
    raise RefusedDocument([GraphQLError("The subscription selects nothing.", operation)])


def _used_below(
    document: DocumentNode, operation: OperationDefinitionNode, root: FieldNode
) -> set[str]:
    """The variables that what is selected depends on: all but those of the root's arguments."""
    return {
        name
        for definition in document.definitions
        if definition is operation or isinstance(definition, FragmentDefinitionNode)
        for name in _variables(definition, besides=root)
    }


def _variables(node: Node, *, besides: FieldNode) -> Iterator[str]:
    for key in node.keys:
        if (node is besides and key == "arguments") or key == "variable_definitions":
            continue
        inner = getattr(node, key, None)
        for one in inner if isinstance(inner, list | tuple) else (inner,):
            if isinstance(one, VariableNode):
                yield one.name.value
            elif isinstance(one, Node):
                yield from _variables(one, besides=besides)


def _facts_needed(
    field: FeedField, document: DocumentNode, operation: OperationDefinitionNode
) -> list[str]:
    """What the selected fields need of events beyond what these say."""
    if not field.facts:
        return []
    selected = {
        name
        for definition in document.definitions
        if definition is operation or isinstance(definition, FragmentDefinitionNode)
        for name in _fields(definition)
    }
    return [fact for name, fact in field.facts.items() if name in selected]


def _fields(node: Node) -> Iterator[str]:
    if isinstance(node, FieldNode):
        yield node.name.value
    selections = getattr(node, "selection_set", None)
    for one in selections.selections if selections else ():
        yield from _fields(one)


def _frozen(values: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(values, enc_hook=str, order="sorted")


def _who(context: Any) -> Hashable:
    """Who sees the same private data."""
    if isinstance(context, Context):
        return context.principal, context.audience
    return id(context)


#: Answers that an event keeps; others are made again for who asks for the event later.
_ANSWERS: Final = 16

__all__ = ["Answering", "Encode", "Wanted", "subscription"]
