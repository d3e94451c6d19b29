"""Types that are made of records: what plans ask for, and what becomes of a record that fails."""

from typing import Any, ClassVar

import msgspec
import pytest
import strawberry
from strawberry.schema.config import StrawberryConfig
from structlog.testing import capture_logs

from graph_api.schema.context import Context
from graph_api.schema.guarded import ExecutorName, GuardedSchema
from graph_api.schema.made import From, Made
from graph_api.schema.scalars import SCALARS
from graph_api.schema.steps import root
from graph_api.store.records import Columns
from tests.given import NOW


class Row(msgspec.Struct, frozen=True):
    key: str
    name: str
    size: Any


class Shelf:
    """Hears which columns are looked at."""

    def __init__(self) -> None:
        self.heard: list[Columns] = []


async def rows(shelf: Shelf, keys: list[str], *, columns: Columns = None) -> dict[str, list[Row]]:
    shelf.heard.append(columns)
    return {key: [Row("a", "First", "1"), Row("b", "Second", "many")] for key in keys}


@strawberry.type(description="A thing.")
class Thing:
    key: str = strawberry.field(description="Key.")
    label: str = strawberry.field(description="Of two columns.")
    size: int = strawberry.field(description="A number, where it is one.")

    of: ClassVar[Made[Row, "Thing"]] = Made(
        Row,
        key="key",
        label=From(("key", "name"), lambda key, name: f"{key}: {name}"),
        size=From(("size",), int),
    )


def _key(of: str) -> str:
    return of


@strawberry.type(description="All.")
class Query:
    things: list[Thing] | None = root(
        rows, key=_key, of=Thing.of, arguments={"of": "Whose."}, description="Things."
    )


async def answer(executor: ExecutorName, query: str) -> tuple[Any, list[Any], list[Columns]]:
    shelf = Shelf()
    schema = GuardedSchema(Query, config=StrawberryConfig(scalar_map=SCALARS), executor=executor)
    context = Context(graph=None, clock=lambda: NOW, parts=(shelf,))  # type: ignore[arg-type]
    with capture_logs():
        result = await schema.execute(query, context_value=context)
    return result.data, [error.path for error in result.errors or ()], shelf.heard


async def test_a_plan_asks_for_what_all_its_fields_look_at() -> None:
    query = '{ a: things(of: "x") { key __typename } b: things(of: "y") { label } }'

    data, errors, heard = await answer(ExecutorName.COMPILED, query)

    assert not errors
    assert data["a"][0] == {"key": "a", "__typename": "Thing"}
    assert data["b"][1] == {"label": "b: Second"}
    assert heard == [frozenset({"key", "name"})]


async def test_a_record_that_makes_no_object_fails_where_it_was_fetched() -> None:
    query = '{ things(of: "x") { key size } }'

    standard, compiled = [await answer(executor, query) for executor in ExecutorName]

    assert standard[:2] == compiled[:2] == ({"things": None}, [["things"]])


async def test_a_plan_does_not_look_at_what_is_not_selected() -> None:
    data, errors, _ = await answer(ExecutorName.COMPILED, '{ things(of: "x") { key } }')

    assert (data, errors) == ({"things": [{"key": "a"}, {"key": "b"}]}, [])


def test_a_column_that_the_record_does_not_have_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="Row has no columns \\['nome'\\]"):
        Made(Row, key="key", name="nome")
