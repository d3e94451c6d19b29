"""Asks the schema on a real graph, and counts the statements that the answer took."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from graph_api.domain.principals import LOCAL, Principal
from graph_api.schema.context import Context
from graph_api.schema.guarded import GuardedSchema
from graph_api.schema.schema import build_schema
from graph_api.store.graph import Graph, statements_sent
from graph_api.vault.vault import Vault
from tests.executors import EXECUTOR
from tests.given import NOW


@dataclass(frozen=True)
class Answer:
    """What a client gets, and the texts of the statements behind it."""

    data: Any
    errors: list[dict[str, Any]]
    statements: list[str]

    @property
    def codes(self) -> list[str]:
        """The codes of its errors."""
        return [error["extensions"]["code"] for error in self.errors]


@cache
def schema() -> GuardedSchema:
    """The whole schema."""
    return build_schema(executor=EXECUTOR)


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that are sent within the block."""
    sent: list[str] = []
    token = statements_sent.set(sent)
    try:
        yield sent
    finally:
        statements_sent.reset(token)


async def answer(graph: Graph, query: str, /, **variables: Any) -> Answer:
    """What the schema answers, mistakes included."""
    with counted() as sent:
        result = await schema().execute(
            query,
            variable_values=variables,
            context_value=Context(graph=graph, clock=lambda: NOW),
        )
    errors: list[dict[str, Any]] = [dict(error.formatted) for error in result.errors or ()]
    return Answer(result.data, errors, sent)


async def ask(graph: Graph, query: str, /, **variables: Any) -> Any:
    """The data of an answer that has no errors."""
    found = await answer(graph, query, **variables)
    assert found.errors == []
    return found.data


async def ask_as(
    graph: Graph, vault: Vault, query: str, *, by_whom: Principal = LOCAL, **variables: Any
) -> tuple[Any, list[str]]:
    """The data of an answer that may need the vault, and the codes of its errors."""
    context = Context(graph=graph, clock=lambda: NOW, principal=by_whom, parts=(vault,))
    found = await schema().execute(query, variable_values=variables, context_value=context)
    return found.data, [(error.extensions or {})["code"] for error in found.errors or ()]
