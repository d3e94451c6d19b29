"""Compares every step with the types it stands between; a schema that disagrees is not built."""

import inspect
from collections.abc import Callable, Iterator
from types import UnionType
from typing import Any, NamedTuple, Self, Union, get_args, get_origin, get_type_hints

import strawberry
from strawberry.types.base import (
    StrawberryList,
    StrawberryObjectDefinition,
    StrawberryOptional,
)
from strawberry.types.field import StrawberryField

from graph_api.live.hub import Told
from graph_api.schema.feeds import FeedField, feed_of
from graph_api.schema.steps import Shape, Step, answered, step_of


class Place(NamedTuple):
    """A field, and the type that it is declared on."""

    parent: StrawberryObjectDefinition
    field: StrawberryField

    def __str__(self) -> str:
        return f"{self.parent.name}.{self.field.python_name}"


def check(schema: strawberry.Schema) -> None:
    """Every field is a plain value, a value computed from its parent, or a step that fits.

    Raises: TypeError that lists everything that does not fit.
    """
    faults = [fault for place in places(schema) for fault in _faults(place)]
    if faults:
        raise TypeError("The schema does not fit together:\n" + "\n".join(faults))


def places(schema: strawberry.Schema) -> Iterator[Place]:
    """All fields of all types of ours in ``schema``."""
    for concrete in schema.schema_converter.type_map.values():
        definition = concrete.definition
        if isinstance(definition, StrawberryObjectDefinition):
            for field in definition.fields:
                yield Place(definition, field)


def _faults(place: Place) -> Iterator[str]:
    parent, field = place
    if not (field.description or parent.is_input):
        yield f"{place} has no description."
    if (declared := feed_of(field)) is not None:
        yield from _feed_faults(place, declared)
        return
    step = step_of(field)
    if step is None:
        if field.base_resolver is not None and (
            field.base_resolver.is_async or field.base_resolver.info_parameter is not None
        ):
            yield f"{place} fetches without a step; declare it with batched() or root()."
        return
    for argument in field.arguments:
        if not argument.description:
            yield f"{place} does not say what its argument {argument.python_name} means."
    yield from _shape_faults(place, step)
    yield from _key_faults(place, step)


def _feed_faults(place: Place, declared: FeedField) -> Iterator[str]:
    for argument in place.field.arguments:
        if not argument.description:
            yield f"{place} does not say what its argument {argument.python_name} means."
    hints = get_type_hints(declared.of)
    if hints.get("told", Told) is not Told or "return" not in hints:
        yield f"{place}: `of` does not make something of a Told."


def _shape_faults(place: Place, step: Step) -> Iterator[str]:
    shape, record = answered(step.function, keyed=step.key is not None)
    declared, answer = _declared(place.field.type)
    if declared is not shape:
        yield f"{place} is declared as {declared.value}, its function answers {shape.value}."
        return
    takes, gives = _translation(step, record)
    if takes is not Any and not _covers(takes, record):
        yield f"{place}: its function answers {record}, `of` takes {takes}."
    if gives is not Any and not _same(gives, answer):
        yield f"{place}: `of` gives {gives}, the field is {answer}."
    if shape is Shape.PAGE and "page" not in inspect.signature(step.function).parameters:
        yield f"{place}: a function that answers pages takes `page`."


def _key_faults(place: Place, step: Step) -> Iterator[str]:
    if step.key is None:
        return
    hints = get_type_hints(step.function)
    keys = list(inspect.signature(step.function).parameters)[1]
    if get_origin(hints[keys]) is not list:
        yield f"{place}: the second parameter of its function is not a list of keys."
        return
    (wanted,) = get_args(hints[keys])
    if not isinstance(step.key, str):
        given = get_type_hints(step.key).get("return", Any)
    else:
        given = _property(place.parent.origin, step.key)
        if given is None:
            yield f"{place}: {place.parent.name} has no property {step.key}."
            return
    if not _same(wanted, _without_none(given)):
        yield f"{place}: its keys are {given}, its function takes {wanted}."


def _property(parent: type, name: str) -> Any:
    hints = get_type_hints(parent)
    if name in hints:
        hint = hints[name]
        # strawberry.Private[T] is Annotated[T, …].
        return get_args(hint)[0] if hasattr(hint, "__metadata__") else hint
    found = inspect.getattr_static(parent, name, None)
    if isinstance(found, property) and found.fget is not None:
        return get_type_hints(found.fget).get("return", Any)
    return None


def _declared(type_: Any) -> tuple[Shape, Any]:
    if isinstance(type_, StrawberryOptional):
        type_ = type_.of_type
    if isinstance(type_, StrawberryList):
        inner = type_.of_type
        return Shape.MANY, inner.of_type if isinstance(inner, StrawberryOptional) else inner
    definition = getattr(type_, "__strawberry_definition__", None)
    if isinstance(definition, StrawberryObjectDefinition):
        generic = definition.concrete_of
        if generic is not None and generic.name == "Connection":
            return Shape.PAGE, definition.type_var_map["T"]
    return Shape.ONE, type_


def _translation(step: Step, record: Any) -> tuple[Any, Any]:
    """What ``of`` takes and gives."""
    of: Callable[..., Any] = step.of
    if of.__name__ == "_itself":
        return Any, _without_none(record)
    hints = get_type_hints(of)
    first = next(iter(inspect.signature(of).parameters))
    gives = hints.get("return", Any)
    owner = getattr(of, "__self__", None)
    return hints.get(first, Any), owner if gives is Self else _without_none(gives)


def _covers(takes: Any, record: Any) -> bool:
    accepted = get_args(takes) if get_origin(takes) in (Union, UnionType) else (takes,)
    given = _without_none(record)
    return any(_same(one, given) for one in accepted)


def _same(first: Any, second: Any) -> bool:
    if Any in (first, second) or first == second:
        return True
    # An enum or a scalar of Strawberry wraps the Python type that it stands for.
    wrapped = getattr(second, "wrapped_cls", None)
    return wrapped is first or getattr(first, "__name__", 1) == getattr(second, "__name__", 2)


def _without_none(hint: Any) -> Any:
    if get_origin(hint) in (Union, UnionType):
        rest = [one for one in get_args(hint) if one is not type(None)]
        return rest[0] if len(rest) == 1 else hint
    return hint
