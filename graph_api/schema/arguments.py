"""Arguments of fields: how they follow from a function's parameters, and their plain values."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Protocol, get_type_hints, runtime_checkable

import strawberry

from graph_api.schema.paging import Paging


@dataclass(frozen=True, slots=True)
class Argument:
    """What an argument means, and its GraphQL type where that is not the function's own."""

    description: str
    type: Any = None


@runtime_checkable
class Asked(Protocol):
    """An input type of ours, which knows the plain value that it stands for."""

    def asked(self) -> Any:
        """The value that store and services understand; hashable."""
        ...


def plain(value: Any) -> Any:
    """An argument's value as the functions below know it; hashable."""
    if value.__class__ in _PLAIN:
        return value
    if isinstance(value, list):
        return tuple(plain(one) for one in value)
    return value.asked() if isinstance(value, Asked) else value


#: What is plain already: a protocol's check takes longer than all else here.
_PLAIN: Final = (str, int, float, bool, type(None))


def all_parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The parameters of ``function`` with their types resolved, to be given by name."""
    hints = get_type_hints(function, include_extras=True)
    return {
        name: parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in inspect.signature(function).parameters.items()
    }


def keyword_only(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Those that can only be given by name."""
    own = inspect.signature(function).parameters
    return {
        name: parameter
        for name, parameter in all_parameters(function).items()
        if own[name].kind is inspect.Parameter.KEYWORD_ONLY
    }


def described(
    parameter: inspect.Parameter, arguments: Mapping[str, str | Argument]
) -> inspect.Parameter:
    """``parameter`` with what ``arguments`` say of it."""
    about = arguments.get(parameter.name)
    if about is None:
        return parameter
    if isinstance(about, str):
        about = Argument(about)
    annotation = parameter.annotation if about.type is None else about.type
    return parameter.replace(
        annotation=Annotated[annotation, strawberry.argument(description=about.description)]
    )


def page_parameters(paging: Paging) -> list[inspect.Parameter]:
    """The four arguments of a connection."""
    sizes = f"1 to {paging.ceiling}; {paging.default} when neither it nor `last` is given."
    return [
        _optional("first", int, f"How many rows from the beginning, or after `after`: {sizes}"),
        _optional("after", str, "The cursor behind which the page begins."),
        _optional("last", int, f"How many rows from the end, or before `before`: {sizes}"),
        _optional("before", str, "The cursor before which the page ends."),
    ]


def size_parameters(paging: Paging) -> list[inspect.Parameter]:
    """The one argument of a plain list."""
    sizes = f"How many rows: 1 to {paging.ceiling}; {paging.default} when not given."
    return [_optional("first", int, sizes)]


def _optional(name: str, kind: type, description: str) -> inspect.Parameter:
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind | None, strawberry.argument(description=description)],
    )
