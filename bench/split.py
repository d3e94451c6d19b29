"""Where the CPU of a request goes: HTTP, the door of the schema, driver, records and maps, JSON.

Each part is measured by leaving another one out, all in one process and in turn: the statements of
the request alone, the whole of it, the whole of it on rows that are in memory already, and a
request that asks for nothing. HTTP is what the server's process spends beside that.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from bench.engines import now
from graph_api.schema.context import Context
from graph_api.schema.schema import build_schema
from graph_api.server.graphql import encode_json
from graph_api.store.graph import Graph, Row

_ROUNDS: Final = 5
_ROUND_S: Final = 0.15


class Split(msgspec.Struct, frozen=True):
    """Milliseconds of CPU of one request, by what they are spent on."""

    driver: float
    door: float
    shape: float
    encode: float

    @property
    def inside(self) -> float:
        """All but HTTP."""
        return self.driver + self.door + self.shape + self.encode


class Replayed(Graph):
    """A graph that answers what it has been asked before from memory."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph._driver, graph.address, graph.engine, graph.version, 60.0)
        self._asked = graph
        self.answers: dict[str, tuple[tuple[str, ...], list[list[Any]]]] = {}
        self.statements: list[tuple[str, Row]] = []

    async def read_values(self, text: str, parameters: Row) -> tuple[Any, list[list[Any]]]:
        """Columns and rows, which the caller may change."""
        known = self.answers.get(text + repr(parameters))
        if known is None:
            keys, rows = await self._asked.read_values(text, parameters)
            self.statements.append((text, parameters))
            known = self.answers[text + repr(parameters)] = (tuple(keys), [[*row] for row in rows])
        keys, rows = known
        return keys, [[*row] for row in rows]


async def split(graph: Graph, query: str) -> Split:
    """Where the CPU of ``query`` goes, compiled; the best of several rounds."""
    schema, replayed = build_schema(), Replayed(graph)
    moment = now()

    async def execute(asked: Graph, text: str) -> Any:
        context = Context(graph=asked, clock=lambda: moment)
        result = await schema.execute(text, context_value=context)
        assert result.errors is None, result.errors
        return result.data

    data = await execute(replayed, query)
    statements = list(replayed.statements)

    async def asked_alone() -> None:
        for text, parameters in statements:
            await graph.read_values(text, parameters)

    async def encoded() -> None:
        encode_json({"data": data})

    driver, in_memory, door, encode = await _in_turn(
        asked_alone,
        lambda: execute(replayed, query),
        lambda: execute(replayed, "{ __typename }"),
        encoded,
    )
    return Split(driver=driver, door=door, shape=max(in_memory - door, 0.0), encode=encode)


async def _in_turn(*works: Callable[[], Awaitable[Any]]) -> list[float]:
    best = [float("inf")] * len(works)
    for _ in range(_ROUNDS):
        for number, work in enumerate(works):
            best[number] = min(best[number], await _cpu_ms(work))
    return best


async def _cpu_ms(work: Callable[[], Awaitable[Any]]) -> float:
    times = 0
    began, until = time.process_time(), time.perf_counter() + _ROUND_S
    while times == 0 or time.perf_counter() < until:
        await work()
        times += 1
    return (time.process_time() - began) / times * 1000
