"""Completes values: leaves, objects, objects of several types, lists, and what is never null."""

from collections.abc import AsyncIterable, Mapping
from typing import Any

from graphql import FieldNode, GraphQLError
from graphql.pyutils import is_iterable

from graph_api.schema.compiled.fields import Complete
from graph_api.schema.compiled.leaves import Leaf, is_null, refuse_special
from graph_api.schema.compiled.run import Link, Run, Unforeseen
from graph_api.schema.compiled.shapes import Place


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
