"""From records to response maps: what a plan does with each value that it meets.

A ``Place`` is one object type where it is selected. Its plain fields become one function, generated
as Python source, that turns an object into a map and raises at the first value that is unusual;
such an object is then taken field by field, which is slower and knows every rule of errors and
nulls. Below other fields more is selected; they are completed one by one, and those that have a
step note what they want to ask.

Where a type is ``Made`` of records, the record itself becomes the map, and no object is made. What
is not selected is not looked at then: a value there that makes no object goes unnoticed.
"""

from collections.abc import AsyncIterable, Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final, NamedTuple, TypeAlias

from graphql import FieldNode, GraphQLError, GraphQLObjectType
from graphql.execution.collect_fields import FieldDetails
from graphql.execution.executor import invalid_return_type_error
from graphql.pyutils import is_iterable

from graph_api.domain.errors import Forbidden
from graph_api.domain.pages import Page
from graph_api.schema.compiled.leaves import Leaf, is_null, refuse_special
from graph_api.schema.compiled.run import Failed, Link, Question, Run, Unforeseen, Unmade
from graph_api.schema.made import Made
from graph_api.schema.steps import Step, plain

#: Makes a value complete at its link, or raises; the field or the list around it knows which null.
Complete: TypeAlias = Callable[[Run, Any, Link], Any]

#: The completed value of a field of an object or a record.
Value: TypeAlias = Callable[[Run, Any, Link], Any]

#: What a field's arguments are in a run.
Given: TypeAlias = Callable[[Run], dict[str, Any]]


class Field:
    """A field under its response name; ``value`` is what each kind of field does for an object."""

    __slots__ = ("complete", "key", "nodes", "nullable")

    def __init__(
        self, key: str, nodes: Sequence[FieldNode], complete: Complete, *, nullable: bool
    ) -> None:
        self.key, self.nodes, self.complete, self.nullable = key, tuple(nodes), complete, nullable

    def value(self, run: Run, source: Any, link: Link) -> Any:
        """The completed value of this field of ``source``."""
        raise NotImplementedError

    def of_record(self, made: Made[Any, Any]) -> Value | None:
        """``value`` of what ``made`` makes, told from the record; None where that cannot be."""
        return None


class TypeName(Field):
    """``__typename``."""

    __slots__ = ("name",)

    def __init__(self, key: str, nodes: Sequence[FieldNode], name: str) -> None:
        super().__init__(key, nodes, _unused, nullable=False)
        self.name = name

    def value(self, run: Run, source: Any, link: Link) -> Any:
        return self.name


class Plain(Field):
    """A property of the object by its ``name``, or what a function makes of it."""

    __slots__ = ("attribute", "get", "leaf", "name")

    def __init__(
        self,
        key: str,
        nodes: Sequence[FieldNode],
        complete: Complete,
        *,
        nullable: bool,
        name: str,
        get: Callable[[Any], Any],
        attribute: str | None,
        leaf: Leaf | None,
    ) -> None:
        super().__init__(key, nodes, complete, nullable=nullable)
        self.name, self.get, self.attribute, self.leaf = name, get, attribute, leaf

    def value(self, run: Run, source: Any, link: Link) -> Any:
        return self.complete(run, self.get(source), link)

    def of_record(self, made: Made[Any, Any]) -> Value | None:
        if self.name not in made.reads:
            return None
        complete, get = self.complete, made.reader(self.name)
        return lambda run, source, link: complete(run, get(source), link)


class Kept(Plain):
    """Records that the object keeps, in the place of the objects that they become."""

    __slots__ = ()

    def value(self, run: Run, source: Any, link: Link) -> Any:
        return self._completed(run, self.get(source), link)

    def of_record(self, made: Made[Any, Any]) -> Value | None:
        if self.name not in made.reads:
            return None
        completed, get = self._completed, made.reader(self.name)
        return lambda run, source, link: completed(run, get(source), link)

    def _completed(self, run: Run, kept: Any, link: Link) -> Any:
        try:
            return self.complete(run, kept, link)
        except Unmade as unmade:
            raise unmade.error from None


class Computed(Field):
    """What a function with arguments makes of the object."""

    __slots__ = ("function", "given", "slot")

    def __init__(
        self,
        key: str,
        nodes: Sequence[FieldNode],
        complete: Complete,
        *,
        nullable: bool,
        function: Callable[..., Any],
        given: Given,
        slot: int,
    ) -> None:
        super().__init__(key, nodes, complete, nullable=nullable)
        self.function, self.given, self.slot = function, given, slot

    def value(self, run: Run, source: Any, link: Link) -> Any:
        use = run.uses[self.slot]
        if use is None:
            try:
                use = self.given(run)
            except Exception as error:
                use = Failed(error)
            run.uses[self.slot] = use
        if use.__class__ is Failed:
            raise use.error.with_traceback(None)
        return self.complete(run, self.function(source, **use), link)


class Use:
    """What the arguments of a step are in one run, and the question that they make."""

    __slots__ = ("arguments", "given", "page", "question", "refused", "unasked")

    def __init__(self) -> None:
        self.given: dict[str, Any] = {}
        self.arguments: dict[str, Any] = {}
        self.page: Page | None = None
        self.question: Question | None = None
        self.refused: Exception | None = None  # for whoever looks
        self.unasked: Exception | None = None  # for whom it would be asked


class Asked(Field):
    """A field that a step fetches; the same rules as in ``Step.__call__``, once for all parents.

    Args:
        wanted: Which columns are looked at, where the step lets that be said.
        takes_records: Whether records are completed as they are, because the type is made of them.
        shareable: Whether nothing below waits for another step: what the field is completed to
            stands for all parents with the same key then.
    """

    __slots__ = ("_key", "given", "shareable", "slot", "step", "takes_records", "wanted")

    def __init__(
        self,
        key: str,
        nodes: Sequence[FieldNode],
        complete: Complete,
        *,
        nullable: bool,
        step: Step,
        given: Given,
        shareable: bool,
        slot: int,
        wanted: "Wanted | None",
        takes_records: bool,
    ) -> None:
        super().__init__(key, nodes, complete, nullable=nullable)
        self.step, self.given, self.shareable, self.slot = step, given, shareable, slot
        self.wanted, self.takes_records = wanted, takes_records
        self._key = attrgetter(step.key) if isinstance(step.key, str) else None

    def value(self, run: Run, source: Any, link: Link) -> Any:
        return self._value(run, source, link, self._key)

    def of_record(self, made: Made[Any, Any]) -> Value | None:
        name = self.step.key
        if self.step.access.owner is not None or (isinstance(name, str) and name not in made.reads):
            return None
        value, key = self._value, made.reader(name) if isinstance(name, str) else None
        return lambda run, source, link: value(run, source, link, key)

    def _value(self, run: Run, source: Any, link: Link, key_of: Callable[[Any], Any] | None) -> Any:
        step, use = self.step, run.uses[self.slot] or self._prepare(run)
        if use.refused is not None:
            raise use.refused.with_traceback(None)
        owner = step.access.owner
        if owner is not None and getattr(source, owner) != run.context.principal.id:
            return self.complete(run, step.shaped(None, step.page(use.given)), link)
        if use.unasked is not None:
            raise use.unasked.with_traceback(None)
        if use.question is None:
            run.want_alone(step.function, step.part, use.arguments, self, link)
            return None
        if key_of is not None:
            key = key_of(source)
            if key is None:
                return self.complete(run, step.shaped(None, use.page), link)
        else:
            assert callable(step.key)
            key = step.key(**{name: use.given[name] for name in step.keyed})
        run.want(use.question, key, self, link)
        return None

    def arrive(self, run: Run, answer: Any, links: list[Link]) -> None:
        """Write the answer of one key to all places that wait for it."""
        if answer.__class__ is Failed:
            for link in links:
                self._fail(run, answer.error, link)
            return
        shaped = self.step.unmade if self.takes_records else self.step.shaped
        try:
            value = shaped(answer, run.uses[self.slot].page)
        except Exception as error:
            for link in links:
                self._fail(run, error, link)
            return
        shared: Any = _NOTHING
        for link in links:
            if run.is_gone(link):
                continue
            if shared is not _NOTHING:
                link[2][link[1]] = shared
                continue
            errors = len(run.errors)
            try:
                completed = link[2][link[1]] = self.complete(run, value, link)
            except Exception as error:
                run.failed_late(error, self.nodes, link)
                continue
            except Unmade as unmade:
                run.failed_late(unmade.error, self.nodes, link)
                continue
            if self.shareable and len(run.errors) == errors:
                shared = completed

    def _fail(self, run: Run, error: Exception, link: Link) -> None:
        if not run.is_gone(link):
            run.failed_late(error, self.nodes, link)

    def _prepare(self, run: Run) -> Use:
        use = run.uses[self.slot] = Use()
        step = self.step
        try:
            use.given = self.given(run)
            scope = step.access.scope
            if scope is not None and scope not in run.context.scopes:
                raise Forbidden(f"This needs the scope {scope!r}.")
        except Exception as error:
            use.refused = error
            return use
        try:
            values = {
                name: value if value.__class__ in _SIMPLE else plain(value)
                for name, value in use.given.items()
            }
            use.arguments = step.arguments(values, run.context)
            use.page = use.arguments.get("page")
            if self.wanted is not None:
                use.arguments["columns"] = self.wanted.columns
            if step.key is not None:
                use.question = run.question(step.function, step.part, use.arguments)
        except Exception as error:
            use.unasked = error
        return use


class Wanted:
    """Which columns of what a function answers are looked at, anywhere in a plan."""

    __slots__ = ("columns",)

    def __init__(self) -> None:
        #: None for all.
        self.columns: frozenset[str] | None = frozenset()

    def add(self, columns: frozenset[str] | None) -> None:
        """Look at these too."""
        if self.columns is not None:
            self.columns = None if columns is None else self.columns | columns


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


def complete_leaf(leaf: Leaf) -> Complete:
    """Values of a scalar or an enum."""

    def complete(_run: Run, value: Any, _link: Link) -> Any:
        return None if is_null(value) else leaf.write(value)

    return complete


def complete_object(place: Place) -> Complete:
    """Objects of one type."""
    shape = place.shape

    def complete(run: Run, value: Any, link: Link) -> Any:
        return None if is_null(value) else shape(run, value, link)

    return complete


def complete_any_of(places: Mapping[type[Any], Place]) -> Complete:
    """Objects of an interface or a union, told apart by their classes."""

    def complete(run: Run, value: Any, link: Link) -> Any:
        place = places.get(value.__class__)
        if place is not None:
            return place.shape(run, value, link)
        if is_null(value):
            return None
        refuse_special(value)
        raise Unforeseen

    return complete


def complete_never_null(complete_inner: Complete, name: str) -> Complete:
    """Values of the field ``name``, or items of it, that are never null."""

    def complete(run: Run, value: Any, link: Link) -> Any:
        completed = complete_inner(run, value, link)
        if completed is None:
            raise TypeError(f"Cannot return null for non-nullable field {name}.")
        return completed

    return complete


def complete_list(
    complete_item: Complete,
    name: str,
    nodes: tuple[FieldNode, ...],
    *,
    nullable: bool,
    place: Place | None,
) -> Complete:
    """Lists of the field ``name``; ``place`` where the items are objects of one type."""

    def complete(run: Run, value: Any, link: Link) -> Any:
        if value.__class__ is not list:
            if is_null(value):
                return None
            refuse_special(value)
            if isinstance(value, AsyncIterable):
                raise Unforeseen
            if not is_iterable(value):
                raise GraphQLError(f"Expected Iterable, but did not find one for field '{name}'.")
            value = list(value)
        if place is not None and (built := place.all_usual(value)) is not None:
            return built
        completed: list[Any] = []
        for index, item in enumerate(value):
            inner = (link, index, completed, nullable)
            try:
                completed.append(complete_item(run, item, inner))
            except Exception as error:
                run.failed(error, nodes, inner)
                completed.append(None)
        return completed

    return complete


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


def _unused(_run: Run, _value: Any, _link: Link) -> Any:
    raise AssertionError("Nothing completes a type's name.")


_NOTHING: Final = object()
_SIMPLE: Final = (str, int, float, bool, type(None))  # plain already; asking ``plain`` is slow
