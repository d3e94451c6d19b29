"""Global ids: opaque names of objects, and how any object is found again by its own."""

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Final

import msgspec
import strawberry

from graph_api.domain.errors import BadInput
from graph_api.schema.context import Context
from graph_api.schema.paging import Paging
from graph_api.schema.steps import root

_LONGEST_ID: Final = 600


class GlobalKey(msgspec.Struct, frozen=True):
    """What an opaque id says: a type and a key of it."""

    type: str
    key: str


class Source(msgspec.Struct, frozen=True):
    """How objects of one type are found: a batched function by key, and what makes the type."""

    function: Callable[..., Awaitable[dict[Any, Any]]]
    of: Callable[[Any], Any]


def _id(root: Any) -> strawberry.ID:
    # Made only when asked for.
    return strawberry.ID(global_id(type(root).__name__, getattr(root, root.node_key)))


@strawberry.interface(description="Anything that has an id of its own across all types.")
class Node:
    """A type that can be found again by its id; ``node_key`` names the property that is its key."""

    node_key: ClassVar[str] = ""

    id: strawberry.ID = strawberry.field(
        resolver=_id,
        description="Opaque and stable: pass it to `node` to find the object again.",
    )


def global_id(type_name: str, key: str) -> str:
    """The opaque id of the object of that type with that key."""
    return urlsafe_b64encode(f"{type_name}:{key}".encode()).decode().rstrip("=")


def read_global_id(text: str) -> GlobalKey:
    """What ``text`` names. Raises: BadInput when it is no id of this API."""
    try:
        padded = text[:_LONGEST_ID] + "=" * (-len(text) % 4)
        type_name, colon, key = urlsafe_b64decode(padded.encode("ascii")).decode().partition(":")
    except ValueError:
        type_name = colon = key = ""
    if not (colon and type_name in SOURCES) or len(text) > _LONGEST_ID:
        raise BadInput(f"{text[:40]!r} is no id of this API; pass an `id` that it returned.")
    return GlobalKey(type_name, key)


#: Filled by ``found_by``, one entry for each type of node.
SOURCES: Final[dict[str, Source]] = {}


def found_by(
    function: Callable[..., Awaitable[dict[Any, Any]]],
) -> Callable[[type[Any]], type[Any]]:
    """Declare the batched function that finds objects of the decorated type by their keys."""

    def register(kind: type[Any]) -> type[Any]:
        SOURCES[kind.__name__] = Source(function, kind.of)
        return kind

    return register


async def nodes_by_keys(context: Context, keys: list[GlobalKey]) -> dict[GlobalKey, Node]:
    """The objects of ``keys``, one statement for each type among them."""
    by_type: dict[str, list[str]] = {}
    for key in keys:
        by_type.setdefault(key.type, []).append(key.key)

    async def of_type(name: str, wanted: list[str]) -> dict[GlobalKey, Node]:
        source = SOURCES[name]
        found = await source.function(context.graph, wanted)
        return {GlobalKey(name, key): source.of(record) for key, record in found.items()}

    parts = await asyncio.gather(*(of_type(name, wanted) for name, wanted in by_type.items()))
    return {key: node for part in parts for key, node in part.items()}


async def nodes_of_ids(context: Context, *, ids: list[strawberry.ID]) -> list[Node | None]:
    """The objects of ``ids`` in their order. Raises: BadInput when they are too many."""
    IDS.size("The number of ids", len(ids) or 1)
    keys = [read_global_id(one) for one in ids]
    found = await nodes_by_keys(context, list(dict.fromkeys(keys)))
    return [found.get(key) for key in keys]


IDS: Final = Paging(default=100, ceiling=100)


def _key(id: strawberry.ID) -> GlobalKey:
    return read_global_id(id)


@strawberry.type
class NodeQuery:
    """Looking objects up by their ids."""

    node: Node | None = root(
        nodes_by_keys,
        key=_key,
        arguments={"id": "An `id` that this API returned."},
        description="Any object by its opaque id; null when it is not there any more.",
    )
    nodes: list[Node | None] = root(
        nodes_of_ids,
        arguments={"ids": f"Ids that this API returned, up to {IDS.ceiling}."},
        description="Several objects by their opaque ids, in the same order; null where one is "
        "not there any more.",
    )
