"""From records to response maps: what a plan does with each value that it meets.

A ``Place`` is one object type where it is selected. Its plain fields become one function, generated
as Python source, that turns an object into a map and raises at the first value that is unusual;
such an object is then taken field by field, which is slower and knows every rule of errors and
nulls. Below other fields more is selected; they are completed one by one, and those that have a
step note what they want to ask.

Where a type is ``Made`` of records, the record itself becomes the map, and no object is made. What
is not selected is not looked at then: a value there that makes no object goes unnoticed.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from graphql import FieldNode, GraphQLObjectType
from graphql.execution.collect_fields import FieldDetails
from graphql.execution.executor import invalid_return_type_error

from graph_api.schema.compiled.fields import Asked, Field, Plain, TypeName, Value
from graph_api.schema.compiled.leaves import refuse_special
from graph_api.schema.compiled.run import Link, Run, Unmade
from graph_api.schema.made import Made


class Way(NamedTuple):
    """How sources of one class become maps; ``build`` is None where the object is needed first.

    ``build`` makes the map of a source of which everything is usual, without what is selected
    below it, and raises anything where it is not.
    """

    build: Callable[[Any], dict[str, Any]] | None
    rest: list[tuple[str, bool, tuple[FieldNode, ...], Value]]


class Place:
    """An object type where it is selected.

    Args:
        kind: The class whose objects are certainly of the type, if there is one.
        is_type_of: Whether any object is; None where the type does not ask.
        made: How records become its objects, where that is declared.
    """

    def __init__(
        self,
        type_: GraphQLObjectType,
        details: list[FieldDetails],
        *,
        kind: type[Any] | None,
        is_type_of: Callable[[Any], bool] | None,
        made: Made[Any, Any] | None = None,
    ) -> None:
        self.type, self.details, self.kind, self.is_type_of = type_, details, kind, is_type_of
        self.made = made
        self.fields: list[Field] = []
        #: Whether an object's map depends on nothing but the object.
        self.is_flat = True
        self._ways: dict[type[Any], Way] = {}

    def select(self, fields: list[Field]) -> None:
        """Take the fields in the order of the response."""
        self.fields = fields
        self.is_flat = all(_is_inline(field) for field in fields)

    def columns(self) -> frozenset[str] | None:
        """What of the records that its objects are made of is looked at; None for all of it."""
        if self.made is None or self._rest_of_records(self.made) is None:
            return None
        read = (self.made.reads.get(name) for field in self.fields for name in _names(field))
        return frozenset(column for one in read if one is not None for column in one.columns)

    def shape(self, run: Run, source: Any, link: Link) -> dict[str, Any]:
        """The map of an object, or of a record that it is made of."""
        build, rest = self._ways.get(source.__class__) or self._way(source.__class__)
        if build is None:
            return self.shape(run, self._object(source), link)
        try:
            found = build(source)
        except Exception:
            return self._checked(run, source, link)
        for key, nullable, nodes, value in rest:
            inner = (link, key, found, nullable)
            try:
                found[key] = value(run, source, inner)
            except Exception as error:
                run.failed(error, nodes, inner)
                found[key] = None
        return found

    def all_usual(self, sources: list[Any]) -> list[dict[str, Any]] | None:
        """The maps of objects of which everything is usual and nothing is selected below them."""
        if not self.is_flat or not sources:
            return None
        kind = sources[0].__class__
        build, _ = self._ways.get(kind) or self._way(kind)
        if build is None:
            return None
        try:
            return [build(source) for source in sources]
        except Exception:
            return None

    def field_by_field(
        self, run: Run, source: Any, found: dict[str, Any], link: Link | None
    ) -> None:
        """Fill the map of any object."""
        for field in self.fields:
            inner = (link, field.key, found, field.nullable)
            try:
                found[field.key] = field.value(run, source, inner)
            except Exception as error:
                run.failed(error, field.nodes, inner)
                found[field.key] = None

    def _way(self, kind: type[Any]) -> Way:
        """The way of sources of the class ``kind``, made when the first one comes."""
        if self._is_record(kind):
            assert self.made is not None
            rest = self._rest_of_records(self.made)
            way = Way(None, []) if rest is None else Way(_builder(self, kind, self.made), rest)
        elif self.kind is None or kind is self.kind:
            way = Way(_builder(self, kind, None), self._rest())
        else:
            way = Way(_unusual, [])
        self._ways[kind] = way
        return way

    def _rest(self) -> list[tuple[str, bool, tuple[FieldNode, ...], Value]]:
        return [
            (field.key, field.nullable, field.nodes, field.value)
            for field in self.fields
            if not _is_inline(field)
        ]

    def _rest_of_records(
        self, made: Made[Any, Any]
    ) -> list[tuple[str, bool, tuple[FieldNode, ...], Value]] | None:
        """The same for records; None where something asks for the object."""
        rest = []
        for field in self.fields:
            if isinstance(field, TypeName):
                continue
            value = field.of_record(made)
            if value is None:
                return None
            if not _is_inline(field):
                rest.append((field.key, field.nullable, field.nodes, value))
        return rest

    def _is_record(self, kind: type[Any]) -> bool:
        return self.made is not None and issubclass(kind, self.made.record)

    def _object(self, record: Any) -> Any:
        assert self.made is not None
        try:
            return self.made(record)
        except Exception as error:
            raise Unmade(error) from None

    def _checked(self, run: Run, source: Any, link: Link) -> dict[str, Any]:
        if self._is_record(source.__class__):
            source = self._object(source)
        refuse_special(source)
        if self.is_type_of is not None and not self.is_type_of(source):
            raise invalid_return_type_error(self.type, source, self.details)
        found: dict[str, Any] = {}
        self.field_by_field(run, source, found, link)
        return found


def _is_inline(field: Field) -> bool:
    return isinstance(field, TypeName) or (isinstance(field, Plain) and field.leaf is not None)


def _names(field: Field) -> tuple[str, ...]:
    """The properties that the field looks at."""
    if isinstance(field, Plain):
        return (field.name,)
    return (field.step.key,) if isinstance(field, Asked) and isinstance(field.step.key, str) else ()


def _builder(
    place: Place, kind: type[Any], made: Made[Any, Any] | None
) -> Callable[[Any], dict[str, Any]]:
    """Generate what builds the maps of objects of a class, or of records of which they are made.

    Names of the schema and the document are all identifiers.
    """
    reads: list[str] = []
    items: list[str] = []
    namespace: dict[str, Any] = {"Kind": kind}
    for number, field in enumerate(place.fields):
        if isinstance(field, TypeName):
            items.append(f"{field.key!r}: {field.name!r}")
        elif isinstance(field, Plain) and field.leaf is not None:
            variable = f"v{number}"
            read, namespace[f"get{number}"] = _read(field, made, f"get{number}")
            reads.append(f"{variable} = {read}")
            written = field.leaf.source(variable, number, nullable=field.nullable)
            items.append(f"{field.key!r}: {written}")
            namespace |= field.leaf.namespace(number)
        else:
            items.append(f"{field.key!r}: None")
    lines = [
        "def build(o):",
        "if o.__class__ is not Kind: raise TypeError",
        *reads,
        f"return {{{', '.join(items)}}}",
    ]
    exec("\n ".join(lines), namespace)  # noqa: S102
    build: Callable[[Any], dict[str, Any]] = namespace["build"]
    return build


def _read(field: Plain, made: Made[Any, Any] | None, function: str) -> tuple[str, Any]:
    """Source of the field's value of ``o``, and what it calls by the name ``function``."""
    if made is not None:
        read = made.reads[field.name]
        return read.source("o", function), read.function
    return (
        (f"{function}(o)", field.get) if field.attribute is None else (f"o.{field.attribute}", None)
    )


def _unusual(_source: Any) -> dict[str, Any]:
    raise TypeError
