"""Writes documents at random: every kind of selection, argument, variable and directive."""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    GraphQLArgument,
    GraphQLCompositeType,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLNamedType,
    GraphQLSchema,
    Undefined,
    get_named_type,
    is_composite_type,
    is_interface_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
    is_required_argument,
    is_union_type,
)

#: How values of scalars are drawn, by the scalar's name.
Values = Mapping[str, Callable[[random.Random], Any]]

OMITTED: Final = object()


@dataclass(frozen=True)
class Asked:
    """A document and what is sent with it."""

    text: str
    variables: dict[str, Any]


@dataclass
class Writer:
    """Writes one document.

    Args:
        depth: How deep fields are nested at most.
        width: How many selections a selection set has at most.
        strange: How often a value is not what its type wants.
        roots: The fields of the query that may be selected, if not all.
        rare: Names of arguments that are seldom given.
    """

    schema: GraphQLSchema
    chance: random.Random
    values: Values
    depth: int = 4
    width: int = 4
    strange: float = 0.004
    roots: frozenset[str] = frozenset()
    rare: frozenset[str] = frozenset()
    variables: dict[str, str] = field(default_factory=dict)
    sent: dict[str, Any] = field(default_factory=dict)
    fragments: dict[str, tuple[GraphQLNamedType, str]] = field(default_factory=dict)
    _spread: int = 0

    def write(self) -> Asked:
        """A query, its fragments and its variables."""
        query = self.schema.query_type
        assert query is not None
        body = self.selections(query, self.depth)
        head = ""
        if self.variables:
            declared = ", ".join(f"${name}: {rest}" for name, rest in self.variables.items())
            head = f"query Q({declared}) "
        elif self.chance.random() < 0.3:
            head = "query Q "
        fragments = "".join(
            f"\nfragment {name} on {type_.name} {text}"
            for name, (type_, text) in self.fragments.items()
        )
        return Asked(f"{head}{body}{fragments}", self.sent)

    def selections(self, type_: GraphQLCompositeType, depth: int) -> str:
        """A selection set in braces."""
        least = 3 if type_ is self.schema.query_type else 1
        count = self.chance.randint(least, self.width)
        parts = [self.selection(type_, depth) for _ in range(count)]
        return "{ " + " ".join(parts) + " }"

    def selection(self, type_: GraphQLCompositeType, depth: int) -> str:
        """A field or a fragment."""
        roll = self.chance.random()
        if roll < 0.14:
            return self.inline_fragment(type_, depth)
        if roll < 0.24:
            return self.spread(type_, depth)
        if roll < 0.30 or is_union_type(type_):
            alias = self.chance.choice(("", "", "type: ", "again: "))
            return f"{alias}__typename{self.directives()}"
        return self.field(type_, depth)

    def field(self, type_: GraphQLCompositeType, depth: int) -> str:
        """A field with what is selected below it."""
        fields: dict[str, GraphQLField] = type_.fields  # type: ignore[union-attr]
        if type_ is self.schema.query_type and self.roots:
            fields = {name: fields[name] for name in fields if name in self.roots}
        usable = {
            name: one
            for name, one in fields.items()
            if depth > 0 or not is_composite_type(get_named_type(one.type))
        }
        if not usable:
            return "__typename"
        weights = [
            3 if is_composite_type(get_named_type(one.type)) else 1 for one in usable.values()
        ]
        (name,) = self.chance.choices(list(usable), weights)
        found = usable[name]
        arguments = self.arguments(found.args)
        below = get_named_type(found.type)
        inner = " " + self.selections(below, depth - 1) if is_composite_type(below) else ""
        alias = ""
        if arguments or self.chance.random() < 0.15:
            # Fields of one name can only be merged if their arguments are the same.
            alias = f"{name}{self.chance.randrange(1000)}: "
        return f"{alias}{name}{arguments}{self.directives()}{inner}"

    def inline_fragment(self, type_: GraphQLCompositeType, depth: int) -> str:
        """``... on Type`` or a group without a type."""
        condition = self.condition(type_)
        on = f" on {condition.name}" if self.chance.random() < 0.8 else ""
        inner = self.selections(condition if on else type_, depth)
        return f"...{on}{self.directives()} {inner}"

    def spread(self, type_: GraphQLCompositeType, depth: int) -> str:
        """A named fragment, known already or written now."""
        known = [
            name
            for name, (condition, text) in self.fragments.items()
            if condition is type_ and text
        ]
        if known and self.chance.random() < 0.5:
            return f"...{self.chance.choice(known)}{self.directives()}"
        condition = self.condition(type_)
        name = f"F{self._spread}"
        self._spread += 1
        text = self.selections(condition, min(depth, 2))
        self.fragments[name] = (condition, text)
        return f"...{name}{self.directives()}"

    def condition(self, type_: GraphQLCompositeType) -> Any:
        """A type that objects of ``type_`` may have as well."""
        if is_object_type(type_):
            return self.chance.choice([type_, *type_.interfaces])
        possible = list(self.schema.get_possible_types(type_))  # type: ignore[arg-type]
        shared = [
            one for one in possible[0].interfaces if all(one in t.interfaces for t in possible)
        ]
        own = [type_] if is_interface_type(type_) else []
        return self.chance.choice([*own, *possible, *shared])

    def directives(self) -> str:
        """Mostly none."""
        found = ""
        for name in ("skip", "include"):
            if self.chance.random() < 0.03:
                found += f" @{name}(if: {self.condition_value()})"
        return found

    def condition_value(self) -> str:
        """A literal, or one of at most three variables."""
        if self.chance.random() < 0.5:
            return self.chance.choice(("true", "false"))
        name = f"if{self.chance.randrange(3)}"
        if name not in self.variables:
            default = self.chance.choice(("", "", " = true", " = false"))
            self.variables[name] = f"Boolean!{default}"
            if not default or self.chance.random() < 0.5:
                self.sent[name] = self.chance.choice((True, False))
        return f"${name}"

    def arguments(self, declared: dict[str, GraphQLArgument]) -> str:
        """Arguments in brackets, as literals and as variables."""
        parts = []
        for name, argument in declared.items():
            given = 0.05 if name in self.rare else 0.5
            if not is_required_argument(argument) and self.chance.random() >= given:
                continue
            if self.chance.random() < 0.4:
                parts.append(f"{name}: ${self.variable(argument)}")
            else:
                value = self.value(argument.type)
                parts.append(f"{name}: {literal(value, argument.type)}")
        return f"({', '.join(parts)})" if parts else ""

    def variable(self, argument: GraphQLArgument) -> str:
        """A variable of the argument's type: with a default or not, sent or not."""
        name = f"v{len(self.variables)}"
        type_ = argument.type
        if not is_non_null_type(type_) and self.chance.random() < 0.2:
            self.variables[name] = f"{type_}!"
            self.sent[name] = self.value(type_, null=False)
            return name
        self.variables[name] = str(type_)
        if self.chance.random() < 0.25:
            self.variables[name] += f" = {literal(self.value(type_), type_)}"
        elif is_non_null_type(type_) or self.chance.random() < 0.7:
            self.sent[name] = self.value(type_)
        return name

    def value(self, type_: GraphQLInputType, *, null: bool = True) -> Any:
        """A value as JSON; enums are ``Name``."""
        if self.chance.random() < self.strange:  # mostly refused, by validation or on reading
            return self.chance.choice((None, "strange", 10**12, [], True))
        if is_non_null_type(type_):
            return self.value(type_.of_type, null=False)
        if null and self.chance.random() < 0.1:
            return None
        if is_list_type(type_):
            return [self.value(type_.of_type) for _ in range(self.chance.randrange(3))]
        if isinstance(type_, GraphQLEnumType):
            return Name(self.chance.choice(list(type_.values)))
        if isinstance(type_, GraphQLInputObjectType):
            return self.input_object(type_)
        assert not is_list_type(type_)
        named = get_named_type(type_)
        if named.name in self.values:
            return self.values[named.name](self.chance)
        return self.chance.choice((True, False))

    def input_object(self, type_: GraphQLInputObjectType) -> dict[str, Any]:
        """An input object; exactly one of its fields where that is the rule."""
        from_all = list(type_.fields.items())
        if type_.is_one_of or type_.out_type.__name__ == "check_one_of":
            name, only = self.chance.choice(from_all)
            return {name: self.value(only.type, null=False)}
        return {
            name: self.value(one.type)
            for name, one in from_all
            if (is_non_null_type(one.type) and one.default_value is Undefined)
            or self.chance.random() < 0.5
        }


class Name(str):
    """The name of an enum's value, which has no quotes in a document."""


def literal(value: Any, type_: Any) -> str:
    """A value as it stands in a document."""
    if isinstance(value, Name):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {literal(one, type_)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(literal(one, type_) for one in value) + "]"
    return json.dumps(value)
