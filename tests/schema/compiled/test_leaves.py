"""Generated code writes every value as graphql-core does, or leaves it to graphql-core."""

import enum
import itertools
import math
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from graphql import GraphQLError, Undefined, is_leaf_type
from graphql.execution.executor import Executor

from graph_api.schema.compiled.leaves import Leaf
from graph_api.schema.compiled.run import Unforeseen
from graph_api.schema.guarded import ExecutorName
from tests.schema.compiled.dense import Colour, dense_schema


class Text(str):
    """Text with a class of its own."""


class Whole(int):
    """A number with a class of its own."""


class Other(enum.Enum):
    """Members that are not of the schema's enum, with the same names and values."""

    RED = 1
    PINK = "g"


class Fails:
    def __str__(self) -> str:
        raise RuntimeError("This has no text.")


MOMENT = datetime(2026, 1, 15, 12, 3, 4, 567_891, tzinfo=UTC)
VALUES: list[Any] = [
    *("", "text", "RED", "red", "12", "1e400", "refused", "nothing", Text("text"), "\ud800"),
    *(True, False, 0, 1, -1, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 10**400, Whole(5)),
    *(0.0, 1.5, 2.0, -1e308, math.inf, -math.inf, math.nan, Decimal("1.50"), Decimal("NaN")),
    *(MOMENT, MOMENT.replace(microsecond=0), MOMENT.astimezone(timezone(timedelta(hours=5)))),
    *(MOMENT.replace(tzinfo=None), datetime.min.replace(tzinfo=UTC)),
    *(*Colour, *Other, (0, 0, 255), None, Undefined, b"bytes", [], ["x"], {}, object, Fails()),
    *(RuntimeError("stored"), GraphQLError("stored")),
]
SCHEMA = dense_schema(ExecutorName.COMPILED)
TYPES = [type_ for name, type_ in SCHEMA._schema.type_map.items() if is_leaf_type(type_)]


def outcome(write: Any, value: Any) -> Any:
    try:
        return repr(write(value))
    except Exception as error:
        return type(error), str(error)


@pytest.mark.parametrize("type_", TYPES, ids=str)
@pytest.mark.parametrize("nullable", [True, False])
def test_each_value_is_written_alike(type_: Any, nullable: bool) -> None:
    leaf = SCHEMA.compiled.planner.leaf(type_)
    source = leaf.source("v", 7, nullable=nullable)
    generated = eval(f"lambda v: {source}", leaf.namespace(7))

    for value in VALUES:
        if isinstance(value, Exception) or value is None or value is Undefined:
            continue
        expected = outcome(lambda one: Executor.complete_leaf_value(type_, one), value)
        assert outcome(generated, value) == expected, value


@pytest.mark.parametrize("type_", TYPES, ids=str)
def test_nulls_and_errors_never_pass_for_values(type_: Any) -> None:
    leaf = Leaf(type_)
    sources = {null: leaf.source("v", 0, nullable=null) for null in (True, False)}
    nullable, sure = (eval(f"lambda v: {sources[null]}", leaf.namespace(0)) for null in sources)

    assert nullable(None) is None
    for write, value in itertools.product((nullable, sure), (Undefined, RuntimeError("stored"))):
        with pytest.raises((ValueError, RuntimeError)):
            write(value)
    with pytest.raises(ValueError, match="null"):
        sure(None)


@pytest.mark.parametrize("type_", TYPES, ids=str)
def test_what_is_to_be_awaited_is_left_to_the_standard_executor(type_: Any) -> None:
    async def later() -> int:
        return 1

    leaf = Leaf(type_)
    with pytest.raises(Unforeseen):
        eval(f"lambda v: {leaf.source('v', 0, nullable=True)}", leaf.namespace(0))(later())
