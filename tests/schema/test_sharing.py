"""Which operations may share an answer: public questions to the graph, and nothing else."""

import pytest
import strawberry

from graph_api.domain.principals import Principal
from graph_api.schema.guarded import GuardedSchema
from graph_api.schema.schema import build_schema
from graph_api.schema.steps import Access, batched, root
from graph_api.store.graph import Graph
from graph_api.vault.vault import Vault


async def _things(graph: Graph, keys: list[str]) -> dict[str, "Row"]:
    return {}


async def _thing(graph: Graph) -> "Row":
    return Row(name="thing")


async def _mine(graph: Graph, *, principal: Principal) -> str:
    return principal.id


async def _private(vault: Vault) -> str:
    return "private"


async def _secrets(vault: Vault, keys: list[str]) -> dict[str, str]:
    return {}


class Row:
    """What the graph has of a thing."""

    def __init__(self, name: str) -> None:
        self.name = name


@strawberry.interface
class Named:
    name: str = strawberry.field(description="Name.")


@strawberry.type
class Thing(Named):
    other: "Thing | None" = batched(_things, key="name", of=lambda row: row, description="Other.")
    secret: str | None = batched(_secrets, key="name", description="Of the vault.")

    @strawberry.field
    def length(self) -> int:
        return len(self.name)


@strawberry.type
class Query:
    thing: Thing = root(_thing, of=lambda row: row, description="Public.")
    named: Named = root(_thing, of=lambda row: row, description="The same as an interface.")
    fresh: Thing = root(_thing, of=lambda row: row, description="Of its moment.", fresh=True)
    scoped: Thing = root(
        _thing, of=lambda row: row, description="For some.", access=Access(scope="some")
    )
    mine: str = root(_mine, description="Of the one who asks.")
    private: str = root(_private, description="Of the vault.")

    @strawberry.field
    def undeclared(self) -> str:
        return "?"


@strawberry.type
class Mutation:
    @strawberry.mutation
    def change(self) -> Thing:
        return Thing(name="changed")


SCHEMA = GuardedSchema(Query, mutation=Mutation, types=[Thing])


@pytest.mark.parametrize(
    "query",
    [
        "{ thing { name length other { other { name } } } }",
        "query Some($yes: Boolean!) { thing { name @include(if: $yes) } __typename }",
        "{ a: thing { ...f } b: thing { ... on Thing { length } } } fragment f on Thing { name }",
        "{ named { __typename name ... on Thing { other { name } } } }",
    ],
)
def test_public_questions_to_the_graph_share_an_answer(query: str) -> None:
    assert SCHEMA.shares(query, None)
    assert not SCHEMA.shares_not(query, None)


@pytest.mark.parametrize(
    "query",
    [
        "{ fresh { name } }",
        "{ scoped { name } }",
        "{ mine }",
        "{ private }",
        "{ undeclared }",
        "{ thing { name } mine }",
        "{ thing { other { secret } } }",
        "{ named { ... on Thing { secret } } }",
        "{ thing { ...f } } fragment f on Thing { secret }",
        "{ thing { name secret @skip(if: true) } }",
        "{ __schema { types { name } } }",
        '{ thing { name } __type(name: "Thing") { name } }',
        "mutation { change { name } }",
        "{ nothing }",
        "{ thing { nothing } }",
        "{ thing { ...missing } } fragment missing on Nothing { name }",
        "fragment f on Thing { name }",
        "{",
        "",
    ],
)
def test_everything_else_is_answered_for_the_one_who_asks(query: str) -> None:
    assert not SCHEMA.shares(query, None)
    assert SCHEMA.shares_not(query, None)


def test_each_operation_of_a_document_is_judged_by_itself() -> None:
    query = "query Public { thing { name } } query Private { private }"

    assert SCHEMA.shares(query, "Public")
    assert not SCHEMA.shares(query, "Private")
    assert not SCHEMA.shares(query, "Nobody")
    assert not SCHEMA.shares(query, None)


def test_names_from_outside_are_not_collected() -> None:
    query = "query Public { thing { name } }"
    for number in range(100):
        assert not SCHEMA.shares(query, f"Nobody{number}")

    known = SCHEMA.documents.known(query)

    assert known is not None
    assert len(known.shared) <= 1


def test_a_document_that_was_looked_at_ahead_is_counted_once_it_is_asked() -> None:
    schema = GuardedSchema(Query)
    schema.shares("{ thing { name } }", None)
    looked = (schema.documents.hits, schema.documents.misses)
    schema.documents.prepare("{ thing { name } }")
    schema.documents.prepare("{ thing { name } }")

    assert looked == (0, 0)
    assert (schema.documents.hits, schema.documents.misses) == (1, 1)


def test_a_document_that_is_not_known_is_not_read_to_refuse_it() -> None:
    schema = GuardedSchema(Query)

    assert not schema.shares_not("{ private }", None)
    assert len(schema.documents) == 0


#: What must never be kept of the real schema, among others.
FRESH = {
    "Query.config",
    "Query.health",
    "Query.ingestStatus",
    "Query.node",
    "Query.nodes",
    "Query.scanners",
    "Query.version",
    "SearchHit.node",
}


def test_what_is_of_its_moment_or_of_somebody_is_never_kept() -> None:
    schema = build_schema()
    types = schema._schema.type_map.values()
    found = {
        f"{type_.name}.{name}"
        for type_ in types
        if hasattr(type_, "fields") and not hasattr(type_, "out_type") and type_.name[:2] != "__"
        for name in type_.fields
        if not schema._sharing.field(type_, name)
    }

    assert found >= FRESH
