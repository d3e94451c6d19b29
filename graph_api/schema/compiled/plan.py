"""From an operation to a plan, or to the reason why the standard executor must run it."""

import inspect
from collections.abc import Callable
from typing import Any

import strawberry
from graphql import (
    FieldNode,
    GraphQLAbstractType,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    OperationDefinitionNode,
    TypeNameMetaFieldDef,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
    parse,
)
from graphql.execution.collect_fields import (
    FieldDetails,
    GroupedFieldSet,
    collect_fields,
    collect_subfields,
)
from graphql.execution.values import VariableValues, get_argument_values
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import convert_arguments
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from graph_api.schema.compiled.completing import (
    complete_any_of,
    complete_leaf,
    complete_list,
    complete_never_null,
    complete_object,
)
from graph_api.schema.compiled.fields import (
    Asked,
    Below,
    Complete,
    Computed,
    Field,
    Given,
    Kept,
    Plain,
    TypeName,
    Wanted,
)
from graph_api.schema.compiled.leaves import Leaf
from graph_api.schema.compiled.run import Run
from graph_api.schema.compiled.selecting import Reason, Refused, Selected, variables_in
from graph_api.schema.compiled.shapes import Place
from graph_api.schema.made import made_by
from graph_api.schema.steps import PUBLIC, Step, step_of
from graph_api.store.graph import Graph
from graph_api.store.records import LookUp, look_up_of


class Plan:
    """What is done for an operation: its root, how many fields prepare something for a run, and
    whether any is fetched by a step. ``runs`` counts how often it was used.
    """

    __slots__ = ("asks", "root", "runs", "uses")

    def __init__(self, root: Place, uses: int, *, asks: bool) -> None:
        self.root, self.uses, self.asks, self.runs = root, uses, asks, 0


class Planner:
    """Plans the operations of one schema."""

    def __init__(self, schema: strawberry.Schema) -> None:
        self.schema = schema
        self.leaves: dict[str, Leaf] = {}
        converter = schema.schema_converter
        self.kinds = {
            definition.name: kind
            for kind, definition in converter.scalar_registry.items()
            if isinstance(kind, type) and hasattr(definition, "name")
        }
        self.handles_exceptions = bool(converter.exception_handlers)

    def plan(
        self, what: Selected, variables: VariableValues, *, root: GraphQLObjectType | None = None
    ) -> Plan:
        """The plan for the values that the switches have in ``variables``. Raises: Refused."""
        root_type = root or self.schema._schema.query_type
        assert root_type is not None
        return _Planning(self, what, variables).plan(root_type)

    def refusals(self) -> dict[str, Refused]:
        """The fields that no plan can have, each with the reason: whoever selects them waits.

        Those of the subscription are not asked for: they are told.
        """
        found = {}
        feeds = self.schema._schema.subscription_type
        for type_ in self.schema._schema.type_map.values():
            if type_ is feeds:
                continue
            if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__"):
                for name in type_.fields:
                    try:
                        self.plan(_alone(type_, name), VariableValues({}, {}), root=type_)
                    except Refused as refused:
                        found[f"{type_.name}.{name}"] = refused
        return found

    def leaf(self, type_: Any) -> Leaf:
        """How values of a scalar or an enum are written."""
        leaf = self.leaves.get(type_.name)
        if leaf is None:
            leaf = self.leaves[type_.name] = Leaf(type_, kind=self.kinds.get(type_.name))
        return leaf


class _Planning:
    """One plan in the making."""

    def __init__(self, planner: Planner, what: Selected, variables: VariableValues) -> None:
        self.planner, self.schema = planner, planner.schema._schema
        self.converter = planner.schema.schema_converter
        self.what, self.variables = what, variables
        self.fragments = dict(what.fragments)
        self.uses = self.asked = 0
        self.wanted: dict[Callable[..., Any], Wanted] = {}
        self.made: list[Place] = []  # places of the field in hand that records may fill

    def plan(self, root_type: GraphQLObjectType) -> Plan:
        collected = collect_fields(
            self.schema, self.fragments, self.variables, root_type, self.what.operation
        )
        root = Place(root_type, [], kind=None, is_type_of=None)
        root.select(self.fields(root_type, collected.grouped_field_set))
        return Plan(root, self.uses, asks=self.asked > 0)

    def fields(self, type_: GraphQLObjectType, grouped: GroupedFieldSet) -> list[Field]:
        return [self.field(type_, key, details) for key, details in grouped.items()]

    def field(self, type_: GraphQLObjectType, key: str, details: list[FieldDetails]) -> Field:
        nodes = [one.node for one in details]
        name = nodes[0].name.value
        found = self.schema.get_field(type_, name)
        if found is TypeNameMetaFieldDef:
            return TypeName(key, nodes, type_.name)
        if found is None or name.startswith("__"):
            raise Refused(Reason.INTROSPECTION, "It asks about the schema itself.")
        declared = found.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        place = f"{type_.name}.{name}"
        if not isinstance(declared, StrawberryField):
            raise Refused(Reason.RESOLVER, f"{place} is no field of ours.")
        self._check(declared, place)
        nullable = not is_non_null_type(found.type)
        step = step_of(declared)
        if step is not None:
            asked, outside, self.made = self.asked, self.made, []
            complete = self.complete(found.type, place, details)
            places, self.made = self.made, outside
            shareable = asked == self.asked
            self.asked += 1
            return Asked(
                key,
                nodes,
                complete,
                nullable=nullable,
                step=step,
                given=_once_if_constant(self.given(found, declared, nodes[0]), nodes[0]),
                shareable=shareable,
                slot=self.slot(),
                wanted=self.looked_at(step, places),
                takes_records=_takes_records(step),
                below=_below(step, places),
            )
        complete = self.complete(found.type, place, details)
        if declared.arguments:
            return Computed(
                key,
                nodes,
                complete,
                nullable=nullable,
                function=_function(declared),
                given=self.given(found, declared, nodes[0]),
                slot=self.slot(),
            )
        inner = found.type.of_type if is_non_null_type(found.type) else found.type
        is_attribute = declared.base_resolver is None and declared.default_resolver is getattr
        kept = getattr(declared.base_resolver and declared.base_resolver.wrapped_func, "kept", None)
        return (Plain if kept is None else Kept)(
            key,
            nodes,
            complete,
            nullable=nullable,
            name=declared.python_name,
            get=kept or _getter(declared),
            attribute=declared.python_name if is_attribute else None,
            leaf=self.planner.leaf(inner) if is_leaf_type(inner) else None,
        )

    def complete(
        self, type_: GraphQLOutputType, name: str, details: list[FieldDetails]
    ) -> Complete:
        if is_non_null_type(type_):
            return complete_never_null(self.complete(type_.of_type, name, details), name)
        if is_list_type(type_):
            item = type_.of_type
            may_be_null = not is_non_null_type(item)
            bare = item if may_be_null else item.of_type
            place = self.place(bare, details) if is_object_type(bare) else None
            inner = self.complete(item, name, details) if place is None else complete_object(place)
            if place is not None and not may_be_null:
                inner = complete_never_null(inner, name)
            nodes = tuple(one.node for one in details)
            return complete_list(inner, name, nodes, nullable=may_be_null, place=place)
        if is_leaf_type(type_):
            return complete_leaf(self.planner.leaf(type_))
        if is_abstract_type(type_):
            return complete_any_of(self.places(type_, details))
        assert is_object_type(type_)
        return complete_object(self.place(type_, details))

    def place(self, type_: GraphQLObjectType, details: list[FieldDetails]) -> Place:
        definition = _definition(type_)
        if definition.is_type_of is not None:
            raise Refused(Reason.TYPE, f"{type_.name} decides itself what is of its type.")
        kind = (definition.concrete_of or definition).origin
        # Strawberry's own test looks at nothing but the value.
        is_type_of: Any = type_.is_type_of
        test = None if is_type_of is None else lambda value: is_type_of(value, None)
        made = made_by(getattr(kind, "of", None))
        place = Place(type_, details, kind=kind, is_type_of=test, made=made)
        collected = collect_subfields(
            self.schema, self.fragments, self.variables, self.what.operation, type_, details
        )
        place.select(self.fields(type_, collected.grouped_field_set))
        if made is not None:
            self.made.append(place)
        return place

    def looked_at(self, step: Step, places: list[Place]) -> Wanted | None:
        """Which columns all fields of the plan that ask the step's function look at."""
        if "columns" not in step.injected:
            return None
        wanted = self.wanted.setdefault(step.function, Wanted())
        if step.made is None:
            wanted.add(None)
        for place in places:
            if place.made is step.made:
                wanted.add(place.columns())
        return wanted

    def places(
        self, type_: GraphQLAbstractType, details: list[FieldDetails]
    ) -> dict[type[Any], Place]:
        definition = type_.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        if getattr(definition, "resolve_type", None) is not None:
            raise Refused(Reason.TYPE, f"{type_.name} decides itself which type an object has.")
        return {
            _definition(one).origin: self.place(one, details)
            for one in self.schema.get_possible_types(type_)
            if _definition(one).concrete_of is None
        }

    def given(self, field: GraphQLField, declared: StrawberryField, node: FieldNode) -> Given:
        registry, config = self.converter.scalar_registry, self.converter.config

        def given(run: Run) -> dict[str, Any]:
            values = get_argument_values(field, node, run.variables)
            return convert_arguments(values, declared.arguments, registry, config)

        return given

    def slot(self) -> int:
        self.uses += 1
        return self.uses - 1

    def _check(self, declared: StrawberryField, place: str) -> None:
        resolver = declared.base_resolver
        if declared.extensions or type(declared).get_result is not StrawberryField.get_result:
            raise Refused(Reason.RESOLVER, f"{place} has an extension of its own.")
        if self.planner.handles_exceptions:
            raise Refused(Reason.RESOLVER, "The schema turns exceptions into values.")
        if resolver is None or step_of(declared) is not None:
            return
        if resolver.is_async or resolver.info_parameter is not None:
            raise Refused(Reason.RESOLVER, f"{place} fetches without a step.")


def _alone(type_: GraphQLObjectType, name: str) -> Selected:
    """A selection of one field, and of the types' names below it."""
    text = f"{{ {name} }}"
    if not is_leaf_type(get_named_type(type_.fields[name].type)):
        text = f"{{ {name} {{ __typename }} }}"
    operation = parse(text).definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    return Selected(operation, {}, ())


def _once_if_constant(given: Given, node: FieldNode) -> Given:
    """Arguments without variables are read by the first run; a refusal is not kept."""
    if any(variables_in(node.arguments)):
        return given
    kept: list[dict[str, Any]] = []

    def kept_or_given(run: Run) -> dict[str, Any]:
        if not kept:
            kept.append(given(run))
        return kept[0]

    return kept_or_given


def _definition(type_: GraphQLObjectType) -> StrawberryObjectDefinition:
    found = type_.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if not isinstance(found, StrawberryObjectDefinition):
        raise Refused(Reason.TYPE, f"{type_.name} is no type of ours.")
    return found


def _takes_records(step: Step) -> bool:
    """Whether the step's type knows by itself how it is made of the records."""
    made = step.made
    return made is not None and made_by(getattr(made.kind, "of", None)) is made


def _below(step: Step, places: list[Place]) -> Below:
    """What is known of the fields below before the step's records are there."""
    named: list[tuple[str, LookUp, Asked]] = []
    of_same_key: list[Asked] = []
    made = step.made
    if made is None or not _asks_the_graph(step):
        return Below(named, of_same_key)
    is_look_up = look_up_of(step.function) is not None and callable(step.key)
    for field in (field for place in places if place.made is made for field in place.fields):
        if not isinstance(field, Asked) or not _asks_the_graph(field.step):
            continue
        key = made.reads.get(field.step.key) if isinstance(field.step.key, str) else None
        if key is None or key.function is not None:
            continue
        look_up = look_up_of(field.step.function)
        if look_up is not None and not field.step.passed:
            named.append((key.columns[0], look_up, field))
        if is_look_up and key.columns == ("id",):
            of_same_key.append(field)
    return Below(named, of_same_key)


def _asks_the_graph(step: Step) -> bool:
    return step.part is Graph and step.access == PUBLIC


def _getter(declared: StrawberryField) -> Callable[[Any], Any]:
    if declared.base_resolver is not None:
        return _function(declared)
    return lambda source: declared.get_result(source, None, [], {})


def _function(declared: StrawberryField) -> Callable[..., Any]:
    """A resolver as a function of the object and its arguments."""
    resolver = declared.base_resolver
    assert resolver is not None
    own = resolver.wrapped_func
    function: Callable[..., Any] = own if inspect.isfunction(own) else resolver
    if resolver.self_parameter is not None:
        return function
    named = [one.name for one in (resolver.parent_parameter, resolver.root_parameter) if one]
    if not named:
        return lambda _source, **given: function(**given)
    if list(inspect.signature(function).parameters) == named:
        return function
    return lambda source, **given: function(**dict.fromkeys(named, source), **given)
