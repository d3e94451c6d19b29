"""Reads of one moment in one statement: what each gets, whose fault is whose, and who may leave."""

import asyncio
from typing import Any

import pytest

from graph_api.domain.errors import UpstreamUnavailable
from graph_api.store.bolt.faults import OutOfTime
from graph_api.store.graph import Engine, Graph
from graph_api.store.together import Along, Found, Part, Row, Together, Values, in_one, returned
from tests.schema.asking import counted

NUMBERS = "// Numbers.\nUNWIND $numbers AS n\nRETURN n AS number, n % $by AS rest"
SQUARES = (
    "// Squares of $ids\nUNWIND $ids AS id\nWITH id WHERE id > 1\nRETURN id, id * id AS square"
)


@pytest.fixture
def neo4j(graph: Graph) -> Graph:
    if graph.engine is not Engine.NEO4J:
        pytest.skip("Statements are joined where asking costs more than what is asked.")
    return graph


async def test_what_is_asked_at_one_moment_is_one_statement(neo4j: Graph) -> None:
    together = Together(neo4j.read_values)
    look_ups = (Along(("number", "rest"), SQUARES), Along(("rest",), SQUARES))
    with counted() as sent:
        first, second = await asyncio.gather(
            together.ask(Part(NUMBERS, {"numbers": [5, 3, 4], "by": 3}, look_ups)),
            together.ask(Part(NUMBERS, {"numbers": [], "by": 1})),
        )
    assert len(sent) == 1
    assert first.own == (("number", "rest"), [[5, 2], [3, 0], [4, 1]])
    (columns, squares), (_, of_rests) = first.along
    assert columns == ("id", "square")
    assert sorted(squares) == [[2, 4], [3, 9], [4, 16], [5, 25]]
    assert of_rests == [[2, 4]]
    assert second == Found((("number", "rest"), []), [])


async def test_a_fault_costs_only_whoever_made_it(neo4j: Graph) -> None:
    together = Together(neo4j.read_values)
    good, bad = await asyncio.gather(
        together.ask(Part(NUMBERS, {"numbers": [7], "by": 4}, (Along(("rest",), SQUARES),))),
        together.ask(Part(NUMBERS, {"numbers": [7], "by": 0})),
        return_exceptions=True,
    )
    assert good == Found((("number", "rest"), [[7, 3]]), [])
    assert "by zero" in str(bad)


async def test_a_statement_without_names_is_asked_by_itself(neo4j: Graph) -> None:
    together = Together(neo4j.read_values)
    one, other = await asyncio.gather(
        together.ask(Part("RETURN 1 + 1", {})), together.ask(Part("RETURN 3 AS three", {}))
    )
    assert one.own == (("1 + 1",), [[2]])
    assert other.own == (("three",), [[3]])


class Reads:
    """A database that answers when told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.asked = error, list[str]()
        self.open, self.entered, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def read(self, text: str, parameters: Row) -> Values:
        self.asked.append(text)
        self.entered.set()
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.ended.set()
            raise
        if self.error is not None:
            raise self.error
        return ("part0", "part1"), [[[[1]], [[2]]]]


def asking(together: Together) -> list[asyncio.Task[Found]]:
    texts = ("RETURN 1 AS one", "RETURN 2 AS two")
    return [asyncio.ensure_future(together.ask(Part(text, {}))) for text in texts]


async def test_who_leaves_does_not_take_the_others_answer_along() -> None:
    reads = Reads()
    leaving, staying = asking(Together(reads.read))
    await reads.entered.wait()
    leaving.cancel()
    reads.open.set()
    assert (await staying).own == (("two",), [[2]])
    assert leaving.cancelled()
    assert len(reads.asked) == 1
    assert not reads.ended.is_set()


async def test_a_statement_that_nobody_waits_for_is_ended() -> None:
    reads = Reads()
    tasks = asking(Together(reads.read))
    await reads.entered.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await reads.ended.wait()


@pytest.mark.parametrize("error", [OutOfTime(), UpstreamUnavailable("The graph", retry_after_s=5)])
async def test_what_all_would_meet_again_is_not_asked_again(error: Exception) -> None:
    reads = Reads(error)
    reads.open.set()
    found: list[Any] = await asyncio.gather(*asking(Together(reads.read)), return_exceptions=True)
    assert found == [error, error]
    assert len(reads.asked) == 1


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("RETURN a.b AS x, y", ("x", "y")),
        (
            "CALL () { RETURN 1 AS inner }\nRETURN DISTINCT inner AS out ORDER BY out LIMIT 3",
            ("out",),
        ),
        ("RETURN {a: 1, b: [2, 3]} AS map,\n  f(1, 2) AS f", ("map", "f")),
        ("MATCH (n) RETURN n.x AS x UNION ALL MATCH (m) RETURN m.y AS x", ("x",)),
    ],
)
def test_columns_are_read_from_the_statement(text: str, columns: tuple[str, ...]) -> None:
    assert returned(text) == columns


def test_a_statement_that_names_nothing_cannot_be_joined() -> None:
    with pytest.raises(LookupError, match="no name"):
        in_one((("RETURN n.x", ()),))
