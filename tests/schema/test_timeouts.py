"""A whole query has a time limit, whichever executor answers it; a change has none."""

import asyncio
from typing import Any, cast

import pytest
import strawberry

from graph_api.schema.context import Context
from graph_api.schema.guarded import ExecutorName, GuardedSchema
from graph_api.schema.steps import root
from graph_api.store.graph import Graph
from tests.given import NOW


class Gate:
    """Where questions wait until it is opened; counts those that were called off."""

    def __init__(self) -> None:
        self.entered, self.opened, self.called_off = asyncio.Event(), asyncio.Event(), 0

    async def wait(self) -> None:
        self.entered.set()
        try:
            await self.opened.wait()
        except asyncio.CancelledError:
            self.called_off += 1
            raise


@strawberry.type
class Answer:
    text: str

    @classmethod
    def of(cls, text: str) -> "Answer":
        return cls(text=text)


async def answer(gate: Gate) -> str:
    """What is behind the gate."""
    await gate.wait()
    return "late"


@strawberry.type
class Query:
    answer: Answer = root(answer, of=Answer.of, description="Waits.")


@strawberry.type
class Mutation:
    change: Answer = root(answer, of=Answer.of, description="Waits, too.")


def asked(query: str, gate: Gate, executor: ExecutorName, *, timeout_s: float) -> Any:
    schema = GuardedSchema(Query, mutation=Mutation, executor=executor, timeout_s=timeout_s)
    context = Context(graph=cast(Graph, None), clock=lambda: NOW, parts=(gate,))
    return schema.execute(query, context_value=context)


@pytest.mark.parametrize("executor", ExecutorName)
async def test_a_query_that_takes_too_long_is_called_off(executor: ExecutorName) -> None:
    gate = Gate()

    result = await asked(
        "{ one: answer { text } two: answer { text } }", gate, executor, timeout_s=0.05
    )

    (error,) = result.errors
    assert result.data is None
    assert error.message == "The query took more than 0.05 s; ask for less."
    assert error.extensions == {"code": "TOO_COSTLY"}
    assert gate.called_off == 2


@pytest.mark.parametrize("executor", ExecutorName)
async def test_a_change_is_never_left_half_done(executor: ExecutorName) -> None:
    gate = Gate()
    asking = asyncio.create_task(
        asked("mutation { change { text } }", gate, executor, timeout_s=1e-9)
    )
    await gate.entered.wait()
    gate.opened.set()

    assert (await asking).data == {"change": {"text": "late"}}
