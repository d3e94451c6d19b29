"""Asks the schema on a real graph, and counts the statements that the answer took."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, cast

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
    return await asked_in(
        Context(graph=graph, clock=lambda: NOW, principal=by_whom, parts=(vault,)),
        query,
        **variables,
    )


async def ask_vault(
    vault: Vault,
    query: str,
    *,
    by_whom: Principal = LOCAL,
    now: datetime = NOW,
    parts: tuple[object, ...] = (),
    **variables: Any,
) -> tuple[Any, list[str]]:
    """The same of an answer that needs no graph."""
    nowhere = cast(Graph, None)
    context = Context(graph=nowhere, clock=lambda: now, principal=by_whom, parts=(vault, *parts))
    return await asked_in(context, query, **variables)


async def asked_in(context: Context, query: str, **variables: Any) -> tuple[Any, list[str]]:
    """Data, and the codes of errors, of what is asked in ``context``."""
    found = await schema().execute(query, variable_values=variables, context_value=context)
    return found.data, [(error.extensions or {})["code"] for error in found.errors or ()]
