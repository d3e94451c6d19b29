"""Batched steps: how each field is fetched, declared once and kept in the field's ``metadata``.

``batched`` declares a field that hangs on a type: a question for many keys at once, asked once for
all parents of a level. ``root`` declares a field of the query. Standard execution derives its
loaders from the declarations; nothing else fetches. ``graph_api.schema.checks`` compares every
declaration with the types it stands between.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, get_args, get_origin, get_type_hints

import msgspec
import strawberry
from strawberry.dataloader import DataLoader
from strawberry.types.field import StrawberryField

from graph_api.domain.errors import Forbidden, GraphApiError
from graph_api.domain.pages import Page, Slice
from graph_api.schema.arguments import (
    Argument,
    all_parameters,
    described,
    keyword_only,
    page_parameters,
    plain,
    size_parameters,
)
from graph_api.schema.context import Context
from graph_api.schema.loaders import SharedLoader
from graph_api.schema.made import Made, made_by
from graph_api.schema.paging import Paging, connection, empty_connection
from graph_api.store.graph import Graph

#: Where a field's ``metadata`` holds its step.
STEP: Final = "step"

Info = strawberry.Info[Context, None]


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """Who may see a field: holders of ``scope``; where ``owner`` names a property of the parent
    that holds a principal's id, that principal alone. Others get null or an empty list there.
    """

    scope: str | None = None
    owner: str | None = None


PUBLIC: Final = Access()


class Shape(Enum):
    """What a step answers for one key."""

    ONE = "one"
    MANY = "many"
    PAGE = "page"


@dataclass(frozen=True, eq=False, kw_only=True)
class Step:
    """One declaration.

    Args:
        function: From ``(part, keys, **arguments)`` to a map of keys and values; from
            ``(part, **arguments)`` to the value itself where ``key`` is None.
        key: The parent's property that the keys come from; of a root field, what turns its
            arguments into a key.
        of: From a record to the type of the field.
        access: Who may see it.
        cost: What one row costs, relative to a look-up by key.
        order: The name of the list's order; cursors carry it.
        paging: How many rows a list answers.
        shape: Whether a key has one value, a list of them or a page.
        part: What the function's first parameter wants of the context.
        keyed: Arguments that make the key of a root field.
        passed: Arguments that the function takes.
        injected: Parameters that the context fills: ``now`` and ``principal``; and ``columns``,
            by which a plan says what of the records is looked at.
        fresh: Whether every answer is to be of its moment, so that none is kept.
    """

    function: Callable[..., Awaitable[Any]]
    key: str | Callable[..., Any] | None
    of: Callable[[Any], Any]
    access: Access
    cost: float
    order: str
    paging: Paging
    shape: Shape
    part: type[Any]
    keyed: tuple[str, ...]
    passed: tuple[str, ...]
    injected: tuple[str, ...]
    fresh: bool

    @property
    def shared(self) -> bool:
        """Whether all who ask the same within a moment may get the same answer.

        So it is with public questions to the graph. Other doors keep what belongs to somebody.
        """
        mine = self.access != PUBLIC or "principal" in self.injected
        return self.part is Graph and not mine and not self.fresh

    @property
    def made(self) -> Made[Any, Any] | None:
        """How its records become objects, where that is declared column by column."""
        return made_by(self.of)

    def __call__(self, parent: object, context: Context, given: Mapping[str, Any]) -> Any:
        """The field of ``parent``: an awaitable that shares its statement with its siblings."""
        if self.access.scope is not None and self.access.scope not in context.scopes:
            raise Forbidden(f"This needs the scope {self.access.scope!r}.")
        if self.access.owner is not None and getattr(parent, self.access.owner) != (
            context.principal.id
        ):
            return self.shaped(None, self.page(given))
        values = {name: plain(value) for name, value in given.items()}
        arguments = self.arguments(values, context)
        if self.key is None:
            return self._alone(context, arguments)
        if isinstance(self.key, str):
            key = getattr(parent, self.key)
            if key is None:
                return self.shaped(None, arguments.get("page"))
        else:
            key = self.key(**{name: given[name] for name in self.keyed})
        return self._loader(context, arguments).load(key)

    def shaped(self, value: Any, page: Page | None) -> Any:
        """What the function answered for one key, as the field's type. Raises: its refusal."""
        return self._shaped(value, page, self.of)

    def unmade(self, value: Any, page: Page | None) -> Any:
        """The same with the records as they are, for who knows how they are ``made``."""
        return self._shaped(value, page, _itself)

    def _shaped(self, value: Any, page: Page | None, of: Callable[[Any], Any]) -> Any:
        if isinstance(value, GraphApiError):
            raise value
        if self.shape is Shape.ONE:
            return None if value is None else of(value)
        if self.shape is Shape.MANY:
            return [of(record) for record in value or ()]
        if value is None or page is None:
            return empty_connection()
        return connection(value, [of(record) for record in value.rows], page)

    def _loader(self, context: Context, arguments: dict[str, Any]) -> DataLoader[Any, Any]:
        # Two fields that ask the same of other keys (sender, recipient) share a statement.
        identity = (self.function, self.of, self.shape, tuple(arguments.items()))
        loader = context.loaders.get(identity)
        if loader is None:

            async def load(keys: list[Any]) -> Sequence[Any]:
                values = await self.function(context.part(self.part), keys, **arguments)
                return [self._tried(values.get(key), arguments.get("page")) for key in keys]

            loader = context.loaders[identity] = SharedLoader(load_fn=load)
        return loader

    def _tried(self, value: Any, page: Page | None) -> Any:
        # A loader raises what it is given: one bad record does not cost its siblings.
        try:
            return self.shaped(value, page)
        except Exception as error:
            return error

    async def _alone(self, context: Context, arguments: dict[str, Any]) -> Any:
        value = await self.function(context.part(self.part), **arguments)
        return self.shaped(value, arguments.get("page"))

    def arguments(self, values: Mapping[str, Any], context: Context) -> dict[str, Any]:
        """What the function takes besides keys, of the ``plain`` values. Raises: BadInput."""
        arguments = {name: values[name] for name in self.passed}
        if self.shape is Shape.PAGE:
            arguments["page"] = self.page(values)
        elif self.shape is Shape.MANY and "first" in values:
            arguments["first"] = self.paging.size("first", values["first"])
        if "now" in self.injected:
            arguments["now"] = context.now
        if "principal" in self.injected:
            arguments["principal"] = context.principal
        return arguments

    def page(self, values: Mapping[str, Any]) -> Page | None:
        """The part of a list that the arguments ask for. Raises: BadInput."""
        if self.shape is not Shape.PAGE:
            return None
        # A list that can be ordered in several ways has an argument of this name.
        chosen = values.get("order")
        order = f"{self.order}.{chosen.value}" if isinstance(chosen, Enum) else self.order
        return self.paging.page(order, **{name: values[name] for name in _PAGE_ARGUMENTS})


def batched(
    function: Callable[..., Awaitable[Any]],
    *,
    key: str,
    description: str,
    of: Callable[[Any], Any] | None = None,
    access: Access = PUBLIC,
    cost: float = 1,
    order: str | None = None,
    paging: Paging | None = None,
    arguments: Mapping[str, str | Argument] | None = None,
    deprecated: str | None = None,
    fresh: bool = False,
) -> Any:
    """A field whose values are fetched for all parents of a level at once.

    ``function(part, keys, **arguments)`` answers a map; its keyword-only parameters are the
    field's arguments. What it answers for a key decides the shape: a record, a list of records,
    or a ``Slice`` of them, which becomes a connection; the function then takes ``page``. A list
    is limited by ``first`` where the function takes it. A key that is not in the map is null, or
    an empty list or page. A parent whose key is None is not asked for.

    Args:
        key: The property of the parent that the keys come from.
        of: From a record to the field's type; left out where the record is the value.
        order: The name of the list's order, for cursors; the function's name when left out.
        arguments: What each argument means.
        deprecated: Why the field should not be used any more.
        fresh: Whether every answer is to be of its moment; others may be kept for a short while
            and shared by all, where they are public and of the graph.
    """
    return _field(
        function,
        key=key,
        description=description,
        of=of,
        access=access,
        cost=cost,
        order=order,
        paging=paging,
        arguments=arguments or {},
        deprecated=deprecated,
        fresh=fresh,
    )


def root(
    function: Callable[..., Awaitable[Any]],
    *,
    description: str,
    key: Callable[..., Any] | None = None,
    of: Callable[[Any], Any] | None = None,
    access: Access = PUBLIC,
    cost: float = 1,
    order: str | None = None,
    paging: Paging | None = None,
    arguments: Mapping[str, str | Argument] | None = None,
    deprecated: str | None = None,
    fresh: bool = False,
) -> Any:
    """A field of the query: one call down, one ``of(record)`` back.

    With ``key``, ``function`` is a batched one and ``key`` turns the field's arguments into one of
    its keys: aliases of one root field then share a statement. Without it ``function(part,
    **arguments)`` answers the value itself. Everything else is as in ``batched``.
    """
    return _field(
        function,
        key=key,
        description=description,
        of=of,
        access=access,
        cost=cost,
        order=order,
        paging=paging,
        arguments=arguments or {},
        deprecated=deprecated,
        fresh=fresh,
    )


def extends(parent: type) -> Callable[[type], type]:
    """Add the fields of the decorated class to ``parent``, like ``extend type`` of the language.

    For fields whose types know ``parent``: they stand in a module of their own without a circle.
    """

    def add(extension: type) -> type:
        ours = parent.__strawberry_definition__.fields  # type: ignore[attr-defined]
        known = {field.python_name for field in ours}
        for field in strawberry.type(extension).__strawberry_definition__.fields:  # type: ignore[attr-defined]
            if field.python_name in known:
                raise TypeError(f"{parent.__name__} has a field {field.python_name} already.")
            ours.append(field)
        return extension

    return add


def step_of(field: StrawberryField) -> Step | None:
    """The declaration of a field, if it fetches."""
    return field.metadata.get(STEP)


def answered(function: Callable[..., Any], *, keyed: bool) -> tuple[Shape, Any]:
    """The shape of what ``function`` answers for one key, and the record in it.

    Beside that it may answer one of our errors for a key, which costs the others nothing.
    """
    hint = get_type_hints(function)["return"]
    if keyed:
        if get_origin(hint) not in (dict, Mapping):
            raise TypeError(f"{_name(function)} must answer a dict of keys and values.")
        hint = get_args(hint)[1]
    if GraphApiError in get_args(hint):
        (hint,) = (one for one in get_args(hint) if one is not GraphApiError)
    if get_origin(hint) is Slice:
        return Shape.PAGE, get_args(hint)[0]
    if get_origin(hint) in (list, tuple):
        return Shape.MANY, get_args(hint)[0]
    return Shape.ONE, hint


_PAGE_ARGUMENTS: Final = ("first", "after", "last", "before")
_INJECTED: Final = ("now", "principal", "columns")


def _field(
    function: Callable[..., Awaitable[Any]],
    *,
    key: str | Callable[..., Any] | None,
    description: str,
    of: Callable[[Any], Any] | None,
    access: Access,
    cost: float,
    order: str | None,
    paging: Paging | None,
    arguments: Mapping[str, str | Argument],
    deprecated: str | None,
    fresh: bool,
) -> Any:
    shape, _ = answered(function, keyed=key is not None)
    hints = get_type_hints(function, include_extras=True)
    positional = [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is not parameter.KEYWORD_ONLY
    ]
    own = keyword_only(function)
    keyed = all_parameters(key) if callable(key) else {}
    limits = paging or Paging()
    step = Step(
        function=function,
        key=key,
        of=of or _itself,
        access=access,
        cost=cost,
        order=order or function.__name__,
        paging=limits,
        shape=shape,
        part=hints[positional[0]],
        keyed=tuple(keyed),
        passed=tuple(name for name in own if name not in (*_INJECTED, "page", "first")),
        injected=tuple(name for name in own if name in _INJECTED),
        fresh=fresh,
    )
    parameters = [
        *keyed.values(),
        *(own[name] for name in step.passed),
        *_sizes(shape, limits, takes_first="first" in own),
    ]
    return strawberry.field(
        resolver=_resolver(step, [described(one, arguments) for one in parameters]),
        description=description,
        deprecation_reason=deprecated,
        metadata={STEP: step},
    )


def _resolver(step: Step, parameters: list[inspect.Parameter]) -> Callable[..., Any]:
    def resolve(root: object, info: Info, **given: Any) -> Any:
        return step(root, info.context, given)

    # Strawberry reads a resolver's arguments from its signature.
    ours = [
        inspect.Parameter("root", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Any),
        inspect.Parameter("info", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Info),
    ]
    resolve.__signature__ = inspect.Signature([*ours, *parameters])  # type: ignore[attr-defined]
    return resolve


def _sizes(shape: Shape, paging: Paging, *, takes_first: bool) -> list[inspect.Parameter]:
    if shape is Shape.PAGE:
        return page_parameters(paging)
    return size_parameters(paging) if takes_first else []


def _itself(record: Any) -> Any:
    return record


def _name(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{getattr(function, '__name__', function)}"


__all__ = [
    "PUBLIC",
    "STEP",
    "Access",
    "Argument",
    "Info",
    "Shape",
    "Step",
    "answered",
    "batched",
    "extends",
    "plain",
    "root",
    "step_of",
]
