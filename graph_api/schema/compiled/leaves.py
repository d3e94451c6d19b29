"""From a value to what JSON holds: the usual types in a line of code, all else as the library does.

Each scalar and enum has guards that recognise values which may pass as they are or be written at
once. A value that no guard knows is left to graphql-core, so that both executors coerce alike and
fail alike.
"""

import sys
from types import CoroutineType
from typing import Any, Final, NamedTuple

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLString,
    Undefined,
)
from graphql.execution.executor import Executor
from strawberry.execution import optimized_is_awaitable

from graph_api.schema.compiled.run import Unforeseen


class Guard(NamedTuple):
    """Python source about ``{v}``: when its value is known, and how it is written then."""

    when: str
    then: str


class Leaf:
    """How the values of one scalar or enum are written.

    Args:
        kind: The class of a scalar's values, where it is declared for one.
    """

    def __init__(self, type_: GraphQLLeafType, *, kind: type[Any] | None = None) -> None:
        self.type = type_
        self.guards, self.names = _known(type_, kind)

    def source(self, variable: str, number: int, *, nullable: bool) -> str:
        """An expression for what ``variable`` is written as; ``namespace`` has its names."""
        written = f"write{number}({variable})"
        if nullable:
            written = f"None if {variable} is None else {written}"
        for when, then in reversed(self.guards):
            condition, known = (part.format(v=variable, n=number) for part in (when, then))
            written = f"{known} if {condition} else {written}"
        return written

    def namespace(self, number: int) -> dict[str, Any]:
        """What the source with this number refers to."""
        own = {f"{name}{number}": value for name, value in self.names.items()}
        return {f"write{number}": self.write, **own}

    def write(self, value: Any) -> Any:
        """Any value but null, as graphql-core writes it. Raises: what it raises."""
        if is_null(value):
            raise ValueError("A null is not written.")
        refuse_special(value)
        return Executor.complete_leaf_value(self.type, value)


def is_null(value: Any) -> bool:
    """Whether a value is answered with null."""
    return value is None or value is Undefined


def refuse_special(value: Any) -> None:
    """Raise a value that is an error itself. Raises: Unforeseen where it is to be awaited."""
    if isinstance(value, Exception):
        raise value
    if optimized_is_awaitable(value):
        if isinstance(value, CoroutineType):
            value.close()
        raise Unforeseen


def _known(
    type_: GraphQLLeafType, kind: type[Any] | None
) -> tuple[tuple[Guard, ...], dict[str, Any]]:
    if type_ in _BUILT_IN:
        return (_BUILT_IN[type_],), {}
    if isinstance(type_, GraphQLEnumType):
        members = getattr(type_, "wrapped_cls", None)
        return ((_MEMBER,), _members(type_, members)) if members is not None else ((), {})
    if type_.coerce_output_value is str:
        return _TEXT, {}
    if kind is None or issubclass(kind, BaseException) or hasattr(kind, "__await__"):
        return (), {}
    return (_OF_KIND,), {"Kind": kind, "text": type_.coerce_output_value}


def _members(type_: GraphQLEnumType, members: Any) -> dict[str, Any]:
    named = {
        member._name_: name
        for name, value in reversed(type_.values.items())
        for member in members
        if member.value == value.value
    }
    return {"Members": members, "named": named}


_MEMBER: Final = Guard("{v}.__class__ is Members{n}", "named{n}[{v}._name_]")
_TEXT: Final = (
    Guard("{v}.__class__ is str", "{v}"),
    Guard("{v}.__class__ is int", "str({v})"),
)
# A scalar's function may refuse a value by answering null, which is an error to be told.
_OF_KIND: Final = Guard("{v}.__class__ is Kind{n} and (w := text{n}({v})).__class__ is str", "w")
_FLOAT: Final = (
    f"{{v}}.__class__ is float and {-sys.float_info.max} <= {{v}} <= {sys.float_info.max}"
)
_BUILT_IN: Final = {
    GraphQLString: Guard("{v}.__class__ is str", "{v}"),
    GraphQLID: Guard("{v}.__class__ is str", "{v}"),
    GraphQLInt: Guard("{v}.__class__ is int and -2147483648 <= {v} <= 2147483647", "{v}"),
    GraphQLFloat: Guard(_FLOAT, "{v}"),
    GraphQLBoolean: Guard("{v}.__class__ is bool", "{v}"),
}
