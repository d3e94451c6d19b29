"""What of a document is planned: an operation, its fragments, and what its variables decide."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from graphql import (
    FragmentDefinitionNode,
    FragmentSpreadNode,
    Node,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
)
from graphql.execution.collect_fields import FragmentDetails

MAX_SWITCHES = 4  # variables that decide what is selected: each value of each has a plan of its own


class Reason(StrEnum):
    """Why an operation runs in the standard executor; a closed list, counted."""

    OFF = "off"
    OPERATION = "operation"
    INTROSPECTION = "introspection"
    DIRECTIVE = "directive"
    RESOLVER = "resolver"
    TYPE = "type"
    MIDDLEWARE = "middleware"
    UNFORESEEN = "unforeseen"


class Refused(Exception):
    """The operation has something that plans cannot express."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Selected(NamedTuple):
    """An operation with its fragments, and the variables that decide what it selects."""

    operation: OperationDefinitionNode
    fragments: Mapping[str, FragmentDetails]
    switches: tuple[str, ...]


def selected(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> Selected:
    """What of a document is to be planned. Raises: Refused."""
    if operation.operation is not OperationType.QUERY:
        raise Refused(Reason.OPERATION, "Only queries are compiled.")
    if operation.directives:
        raise Refused(Reason.DIRECTIVE, "A directive on an operation changes how it is executed.")
    switches = tuple(sorted(set(_switches(operation.selection_set, fragments))))
    if len(switches) > MAX_SWITCHES:
        message = f"More than {MAX_SWITCHES} variables decide what is selected."
        raise Refused(Reason.DIRECTIVE, message)
    details = {name: FragmentDetails(node) for name, node in fragments.items()}
    return Selected(operation, details, switches)


def _switches(
    selection_set: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> Iterator[str]:
    """The variables of all ``@skip`` and ``@include``. Raises: Refused at other directives."""
    spread: set[str] = set()
    todo = [selection_set]
    while todo:
        for node in todo.pop().selections:
            yield from _switches_of(node)
            inner = getattr(node, "selection_set", None)
            if isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                spread.add(node.name.value)
                fragment = fragments[node.name.value]
                if fragment.variable_definitions or fragment.directives:
                    raise Refused(Reason.DIRECTIVE, "A fragment has variables or directives.")
                inner = fragment.selection_set
            if inner is not None:
                todo.append(inner)


def _switches_of(node: SelectionNode) -> Iterator[str]:
    for directive in node.directives or ():
        if directive.name.value not in ("skip", "include"):
            raise Refused(Reason.DIRECTIVE, f"@{directive.name.value} is not compiled.")
        yield from variables_in(directive.arguments)


def variables_in(nodes: Any) -> Iterator[str]:
    """The names of the variables in an argument's or several arguments' values."""
    todo = list(nodes or ())
    while todo:
        node = todo.pop()
        if isinstance(node, VariableNode):
            yield node.name.value
            continue
        for key in ("value", "values", "fields"):
            inner = getattr(node, key, None)
            if isinstance(inner, Node):
                todo.append(inner)
            elif isinstance(inner, list | tuple):
                todo.extend(inner)
