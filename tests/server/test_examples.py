"""The first queries are valid, and answer on whatever is loaded."""

import re

import orjson
import pytest
from graphql import parse, validate

from graph_api.schema.schema import build_schema
from graph_api.server.examples import EXAMPLES
from graph_api.server.graphiql import Example


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_fits_the_schema(example: Example) -> None:
    assert validate(build_schema()._schema, parse(example.query)) == []
    assert isinstance(orjson.loads(example.variables or "{}"), dict)


def test_each_says_what_it_asks_and_has_a_name_of_its_own() -> None:
    assert all(example.query.startswith("# ") for example in EXAMPLES)
    names = [
        name for example in EXAMPLES for name in re.findall(r"^query (\w+)", example.query, re.M)
    ]
    assert len(set(names)) == len(EXAMPLES)


def test_none_names_an_address() -> None:
    assert not any(re.search("0x[0-9a-f]{6}", example.query) for example in EXAMPLES)
