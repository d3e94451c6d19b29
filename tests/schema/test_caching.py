"""Documents are read once, and the memory that they take is bounded."""

import pytest
from graphql import specified_rules
from graphql.validation import NoSchemaIntrospectionCustomRule

from graph_api.schema import caching
from graph_api.schema.caching import TOKENS_PER_DOCUMENT, Documents
from graph_api.schema.limits import DocumentLimits
from tests.server.small import small_schema


@pytest.fixture
def documents() -> Documents:
    return Documents(DocumentLimits(), cache_size=3)


@pytest.mark.parametrize("text", ["{ hello }", "{", "{" * 50])
def test_an_answer_and_a_refusal_are_both_read_once(documents: Documents, text: str) -> None:
    first = documents.prepare(text)

    assert documents.prepare(text) is first
    assert (documents.hits, documents.misses) == (1, 1)


def test_the_least_recently_used_document_leaves_first(documents: Documents) -> None:
    for name in ("a", "b", "c", "a", "d"):
        documents.prepare(f"{{ {name} }}")
    hits = documents.hits
    documents.prepare("{ a }")
    documents.prepare("{ b }")

    assert documents.hits == hits + 1
    assert len(documents) == 3


def test_tokens_are_bounded_as_well_as_documents() -> None:
    documents = Documents(DocumentLimits(), cache_size=100)
    room = 100 * TOKENS_PER_DOCUMENT
    for number in range(100):
        documents.prepare(f"{{ a{number}" + " a" * 900 + "}")

    assert 0 < documents.weight <= room
    assert len(documents) < 100


def test_a_document_that_would_push_out_the_others_is_not_kept(documents: Documents) -> None:
    documents.prepare("{" + " a" * 3_000 + "}")

    assert len(documents) == 0


def test_without_room_nothing_is_kept() -> None:
    documents = Documents(DocumentLimits(), cache_size=0)

    assert documents.prepare("{ a }").document is not None
    assert (len(documents), documents.weight) == (0, 0)


def test_each_set_of_rules_has_its_own_verdict() -> None:
    schema = small_schema()
    prepared = schema.documents.prepare("{ __schema { types { name } } }")
    rules = tuple(specified_rules)
    strict = (*rules, NoSchemaIntrospectionCustomRule)

    assert schema.documents.faults(prepared, schema._schema, rules) == []
    assert schema.documents.faults(prepared, schema._schema, strict) != []
    assert schema.documents.faults(prepared, schema._schema, rules) == []


async def test_the_second_request_neither_parses_nor_validates(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    schema = small_schema()
    first = [await schema.execute("{ hello }"), await schema.execute("{ nothing }")]

    def never(*_: object) -> None:
        raise AssertionError("a known document was read again")

    monkeypatch.setattr(caching, "parse", never)
    monkeypatch.setattr(caching, "validate_document", never)
    second = [await schema.execute("{ hello }"), await schema.execute("{ nothing }")]

    assert [result.data for result in second] == [result.data for result in first]
    assert [str(result.errors) for result in second] == [str(result.errors) for result in first]


async def test_one_document_serves_different_variables_and_operations() -> None:
    schema = small_schema()
    query = 'query A($n: String!) { hello(name: $n) } query B { hello(name: "B") }'

    a = await schema.execute(query, {"n": "a"}, operation_name="A")
    b = await schema.execute(query, operation_name="B")
    unknown = await schema.execute(query, operation_name="C")

    assert (a.data, b.data) == ({"hello": "Hello, a!"}, {"hello": "Hello, B!"})
    assert unknown.errors is not None
    assert (schema.documents.hits, schema.documents.misses) == (2, 1)
