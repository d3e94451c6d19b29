"""The reader and the official driver give the same answers and the same errors."""

import math
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from neo4j.graph import Node

from graph_api.store.address import GraphAddress
from graph_api.store.bolt.faults import Structured
from graph_api.store.bolt.packstream import PLAIN as PLAIN_CODEC
from graph_api.store.bolt.reader import Reader
from graph_api.store.graph import Graph, statements_sent
from tests import given
from tests.conftest import empty
from tests.given import Ledger

Case = tuple[str, dict[str, Any]]

PLAIN: dict[str, Case] = {
    "null": ("RETURN null AS x", {}),
    "truth": ("RETURN true AS yes, false AS no", {}),
    "integers at the edges": (
        "UNWIND $all AS x RETURN x",
        {
            "all": [
                edge + near
                for power in (7, 8, 15, 16, 31, 32)
                for edge in (2**power, -(2**power))
                for near in (-1, 0, 1)
            ]
            + [2**63 - 1, -(2**63), 0, -16, -17, 127, 128]
        },
    ),
    "floats": (
        "UNWIND $all AS x RETURN x",
        {"all": [0.0, -0.0, 1.5, 1e308, 5e-324, math.inf, -math.inf, 0.1 + 0.2]},
    ),
    "texts": (
        "UNWIND $all AS x RETURN x, size(x) AS n",
        {"all": ["", "a", "x" * 15, "x" * 16, "é" * 255, "x" * 70_000, "中文", "🦊", "א\u0000b"]},
    ),
    "nested lists": ("RETURN $x AS x", {"x": [[], [1, [2, [3, [None, "a", 1.5]]]], [[[]]]]}),
    "nested maps": ("RETURN $x AS x", {"x": {"a": {"b": {"c": [1, {"d": None}]}}, "": {}}}),
    "a tuple": ("RETURN $x AS x", {"x": (1, (2, 3))}),
    "a map made there": ("RETURN {a: 1, b: [1, 2, {c: 'd'}]} AS x", {}),
    "many items": ("RETURN $x AS x", {"x": list(range(70_000))}),
    "many keys": ("RETURN $x AS x", {"x": {f"key {n}": n for n in range(300)}}),
    "no rows": ("UNWIND [] AS x RETURN x, x AS y", {}),
    "no rows of nodes": ("MATCH (n:Nowhere) RETURN n.id AS id, count(*) AS n", {}),
    "many columns": ("RETURN " + ", ".join(f"{n} AS c{n}" for n in range(100)), {}),
    "many rows": ("UNWIND range(1, 100000) AS x RETURN x, toString(x) AS text", {}),
    "few wide rows": (
        "UNWIND range(1, 20) AS x RETURN x, [i IN range(1, 30000) | i * x] AS many",
        {},
    ),
    "odd names": ("RETURN 1 AS `a b`, 2 AS `ü`", {}),
    "text of a parameter": ("RETURN $x AS x, '$x' AS y // $x", {"x": "'; DROP"}),
    "properties": ("MATCH (w:Wallet) RETURN properties(w) AS x ORDER BY w.id", {}),
    "labels and types": (
        "MATCH (w:Wallet) OPTIONAL MATCH (w)-[r]->() "
        "RETURN w.id AS id, labels(w) AS labels, collect(DISTINCT type(r)) AS types ORDER BY id",
        {},
    ),
}
STRUCTURED: dict[str, Case] = {
    "a date": ("RETURN date('2026-01-15') AS x", {}),
    "a moment": ("RETURN datetime('2026-01-15T12:00:00Z') AS x", {}),
    "a duration": ("RETURN duration('P1Y2M3DT4H') AS x", {}),
    "a point": ("RETURN point({x: 1.0, y: 2.0}) AS x", {}),
    "a node": ("MATCH (w:Wallet) RETURN w ORDER BY w.id", {}),
    "a structure in the last of many rows": (
        "UNWIND range(1, 5000) AS i "
        "RETURN CASE WHEN i = 5000 THEN date('2026-01-15') ELSE i END AS x",
        {},
    ),
    "a structure deep inside": ("RETURN [1, {a: [date('2026-01-15')]}] AS x", {}),
}
WRONG: dict[str, Case] = {
    "syntax": ("RETURN RETURN", {}),
    "an unknown variable": ("RETURN nothing", {}),
    "a missing parameter": ("MATCH (w:Wallet {id: $missing}) RETURN w.id AS id", {}),
    "a type": ("RETURN 1 + [] + {} AS x", {}),
    "division by zero": ("RETURN 1 / 0 AS x", {}),
    "a failure after some rows": ("UNWIND range(5, 0, -1) AS x RETURN 10 / x AS y", {}),
    "an unknown function": ("RETURN nobody.knows(1) AS x", {}),
    "an integer that is too large": ("RETURN $x AS x", {"x": 2**63}),
    "a parameter of no kind": ("RETURN $x AS x", {"x": object()}),
    "a key that is no text": ("RETURN $x AS x", {"x": {1: 2}}),
}


@pytest_asyncio.fixture(scope="module")
async def opened(
    open_graph: Graph, graph_address: GraphAddress
) -> AsyncIterator[tuple[Graph, Graph]]:
    """A small graph by the reader and by the driver."""
    await empty(open_graph)
    async with Ledger.open(open_graph) as ledger:
        await ledger.write(given.transfer("alice", "desk", tx="a"))
    lean = await Graph.open(graph_address, pool_size=2)
    driver = await Graph.open(graph_address, pool_size=2, reader="driver")
    yield lean, driver
    await lean.close()
    await driver.close()


@pytest.fixture
def both(opened: tuple[Graph, Graph]) -> tuple[Graph, Graph]:
    """The two with nothing counted yet."""
    lean, _ = opened
    assert lean.reader is not None
    lean.reader.tally.clear()
    return opened


async def outcome(graph: Graph, text: str, parameters: dict[str, Any]) -> object:
    """What a caller sees: columns and rows with their types, or the error."""
    try:
        keys, rows = await graph.read_values(text, parameters)
    except Exception as error:
        return type(error), str(error)
    return tuple(keys), [[_plainly(value) for value in row] for row in rows]


def _plainly(value: Any) -> object:
    if isinstance(value, Node):  # Two of them are equal only within one answer.
        return value.element_id, value.labels, dict(value)
    return type(value), repr(value)


def called_driver(graph: Graph) -> bool:
    assert graph.reader is not None
    return any(reason.startswith("driver") for reason in graph.reader.tally)


@pytest.mark.parametrize(("text", "parameters"), PLAIN.values(), ids=PLAIN.keys())
async def test_plain_answers_are_equal(
    both: tuple[Graph, Graph], text: str, parameters: dict[str, Any]
) -> None:
    lean, driver = both
    expected = await outcome(driver, text, parameters)
    assert await outcome(lean, text, parameters) == expected
    assert not called_driver(lean)


async def test_the_plain_codec_answers_alike(both: tuple[Graph, Graph]) -> None:
    lean, driver = both
    address = driver.address
    plain = Reader(
        address.url,
        address.user,
        password=address.password,
        database=address.database,
        pool_size=1,
        query_timeout_s=60,
        codec=PLAIN_CODEC,
    )
    try:
        for text, parameters in PLAIN.values():
            assert await plain.read(text, parameters) == await lean.read_values(text, parameters)
        for text, parameters in STRUCTURED.values():
            with pytest.raises(Structured):
                await plain.read(text, parameters)
    finally:
        await plain.close()


async def test_bytes_and_no_numbers_are_equal(both: tuple[Graph, Graph]) -> None:
    lean, driver = both
    for value in (b"", b"\x00\xff" * 200, b"x" * 70_000, math.nan):
        expected = await outcome(driver, "RETURN $x AS x", {"x": value})
        assert await outcome(lean, "RETURN $x AS x", {"x": value}) == expected


@pytest.mark.parametrize(("text", "parameters"), STRUCTURED.values(), ids=STRUCTURED.keys())
async def test_structures_come_from_the_driver(
    both: tuple[Graph, Graph], text: str, parameters: dict[str, Any]
) -> None:
    lean, driver = both
    expected = await outcome(driver, text, parameters)
    for _ in range(2):
        assert await outcome(lean, text, parameters) == expected
    assert called_driver(lean)


@pytest.mark.parametrize(("text", "parameters"), WRONG.values(), ids=WRONG.keys())
async def test_errors_are_equal(
    both: tuple[Graph, Graph], text: str, parameters: dict[str, Any]
) -> None:
    lean, driver = both
    expected = await outcome(driver, text, parameters)
    assert await outcome(lean, text, parameters) == expected
    assert await outcome(lean, "RETURN 1 AS x", {}) == await outcome(driver, "RETURN 1 AS x", {})


async def test_moments_as_parameters_are_equal(both: tuple[Graph, Graph]) -> None:
    noon = datetime(2026, 1, 15, 12, tzinfo=UTC)
    lean, driver = both
    expected = await outcome(driver, "RETURN $x AS x", {"x": [noon]})
    assert await outcome(lean, "RETURN $x AS x", {"x": [noon]}) == expected


async def test_statements_are_counted_alike(both: tuple[Graph, Graph]) -> None:
    texts = ["RETURN 1 AS x", "RETURN date('2026-01-15') AS x"]
    for graph in both:
        token = statements_sent.set([])
        for text in texts:
            await graph.read_values(text, {})
        assert statements_sent.get() == texts
        statements_sent.reset(token)
