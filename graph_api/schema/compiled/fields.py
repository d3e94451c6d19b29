"""The kinds of fields of a plan: how each finds its value of an object, or of a record.

A field that has a step notes what it wants to ask; the answer arrives when the step was asked for
the whole level.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, Final, TypeAlias

from graphql import FieldNode

from graph_api.domain.errors import Forbidden
from graph_api.domain.pages import Page
from graph_api.schema.compiled.leaves import Leaf
from graph_api.schema.compiled.run import Failed, Link, Question, Run, Unmade
from graph_api.schema.made import Made
from graph_api.schema.steps import Step, plain
from graph_api.store.records import LookUp

#: Makes a value complete at its link, or raises; the field or the list around it knows which null.
Complete: TypeAlias = Callable[[Run, Any, Link], Any]

#: The completed value of a field of an object or a record.
Value: TypeAlias = Callable[[Run, Any, Link], Any]

#: What a field's arguments are in a run.
Given: TypeAlias = Callable[[Run], dict[str, Any]]


class Field(ABC):
    """A field under its response name; ``value`` is what each kind of field does for an object."""

    __slots__ = ("complete", "key", "nodes", "nullable")

    def __init__(
        self, key: str, nodes: Sequence[FieldNode], complete: Complete, *, nullable: bool
    ) -> None:
        self.key, self.nodes, self.complete, self.nullable = key, tuple(nodes), complete, nullable

    @abstractmethod
    def value(self, run: Run, source: Any, link: Link) -> Any:
        """The completed value of this field of ``source``."""

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
        below: What is known about the fields below before any record is there.
        shareable: Whether nothing below waits for another step: what the field is completed to
            stands for all parents with the same key then.
    """

    __slots__ = ("_key", "below", "given", "shareable", "slot", "step", "takes_records", "wanted")

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
        below: "Below",
    ) -> None:
        super().__init__(key, nodes, complete, nullable=nullable)
        self.step, self.given, self.shareable, self.slot = step, given, shareable, slot
        self.wanted, self.takes_records, self.below = wanted, takes_records, below
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
        if run.together:
            for field in self.below.of_same_key:
                if (question := field.question(run)) is not None:
                    run.expect(question, key)
        return None

    def question(self, run: Run) -> Question | None:
        """What the field asks in a run; None where it is refused."""
        return (run.uses[self.slot] or self._prepare(run)).question

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
                if run.together:
                    self._look_up_along(run, use.question)
        except Exception as error:
            use.unasked = error
        return use

    def _look_up_along(self, run: Run, mine: Question) -> None:
        for column, look_up, field in self.below.named:
            if (question := field.question(run)) is not None:
                mine.along.setdefault(question, (look_up, set()))[1].add(column)


class Below:
    """Fields below one that a step fetches, whose keys follow from what that step asks.

    Args:
        named: Those that just look up what a column of its records names.
        of_same_key: Those whose keys are the key of its record.
    """

    __slots__ = ("named", "of_same_key")

    def __init__(
        self, named: Sequence[tuple[str, LookUp, Asked]], of_same_key: Sequence[Asked]
    ) -> None:
        self.named, self.of_same_key = named, of_same_key


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


def _unused(_run: Run, _value: Any, _link: Link) -> Any:
    raise AssertionError("Nothing completes a type's name.")


_NOTHING: Final = object()
_SIMPLE: Final = (str, int, float, bool, type(None))  # plain already; asking ``plain`` is slow
