"""What resolvers see of the request and of the house: made once for each request."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

from strawberry.dataloader import DataLoader

from graph_api.domain.principals import LOCAL, Principal
from graph_api.store.graph import Graph
from graph_api.vault.vault import Door, Vault

Part = TypeVar("Part")


@dataclass(kw_only=True)
class Context:
    """One request.

    Args:
        graph: The graph that answers.
        clock: Tells the time, aware UTC; asked once for all that a request answers.
        principal: Who asks.
        scopes: What the principal may do beyond what is public.
        parts: Other doors that steps start from (the vault, the bus, public settings), found by
            the type of a function's first parameter.
        afterwards: What is to be done once the change that is being made is on record.
    """

    graph: Graph
    clock: Callable[[], datetime]
    principal: Principal = LOCAL
    scopes: frozenset[str] = frozenset()
    parts: tuple[object, ...] = ()
    loaders: dict[Any, DataLoader[Any, Any]] = field(default_factory=dict)
    afterwards: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    @cached_property
    def now(self) -> datetime:
        """The moment of the request, the same for all of its fields."""
        return self.clock()

    @cached_property
    def audience(self) -> tuple[str, ...]:
        """Who may share an answer with this request: the same workspace, the same scopes."""
        return (self.principal.workspace, *sorted(self.scopes))

    def renewed(self) -> "Context":
        """The same for another moment: it knows nothing of what was asked before."""
        return replace(self, loaders={})

    def within(self, door: Door) -> "Context":
        """The same with one open transaction in the place of the vault."""
        others = (part for part in self.parts if not isinstance(part, Vault))
        return replace(self, clock=lambda: self.now, parts=(door, *others), afterwards=[])

    @property
    def door(self) -> Door:
        """The vault, or the transaction of it in which a change is made. Raises: LookupError."""
        return self.part(Door)  # type: ignore[type-abstract]

    def part(self, kind: type[Part]) -> Part:
        """The door of ``kind``. Raises: LookupError when the server did not open one."""
        found = self.part_if_any(kind)
        if found is None:
            raise LookupError(f"The context has no {kind.__name__}; add it to parts.")
        return found

    def part_if_any(self, kind: type[Part]) -> Part | None:
        """The door of ``kind``, or None when the server did not open one."""
        for one in (self.graph, self, *self.parts):
            if isinstance(one, kind):
                return one
        return None
