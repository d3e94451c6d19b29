"""Declarations: what they check, how they batch, who may see."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import strawberry
from strawberry.schema.config import StrawberryConfig

from graph_api.domain.errors import GraphApiError, TooCostly
from graph_api.domain.pages import Page, Slice, slice_of
from graph_api.domain.principals import Principal, PrincipalKind
from graph_api.schema.checks import check
from graph_api.schema.context import Context
from graph_api.schema.guarded import GuardedSchema
from graph_api.schema.paging import Connection, Paging
from graph_api.schema.scalars import SCALARS
from graph_api.schema.schema import PRINTED, build_schema, printed
from graph_api.schema.steps import Access, batched, extends, root
from tests.executors import EXECUTOR
from tests.given import NOW


class Shop:
    """A door of its own: it has goods, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []


class Good(msgspec.Struct, frozen=True):
    name: str
    owner: str


async def goods(shop: Shop, names: list[str]) -> dict[str, Good]:
    shop.asked.append(names)
    return {name: Good(name, "local") for name in names if name != "nothing"}


async def friends(
    shop: Shop, names: list[str], *, first: int, prefix: str = ""
) -> dict[str, list[Good]]:
    shop.asked.append(names)
    return {
        name: [Good(f"{prefix}{name}{number}", "local") for number in range(first)]
        for name in names
        if name != "b"
    }


async def pages(shop: Shop, names: list[str], *, page: Page) -> dict[str, Slice[Good]]:
    shop.asked.append(names)
    rows = [(f"{number}", Good(f"{number}", "local")) for number in range(9)]
    if page.backward:
        rows = rows[::-1]
    rows = [row for row in rows if (page.after or "") < row[0] < (page.before or "~")]
    return {name: slice_of(rows[: page.size + 1], page) for name in names}


async def fussy(shop: Shop, names: list[str]) -> dict[str, Good | GraphApiError]:
    shop.asked.append(names)
    return {name: TooCostly("b is too much.") if name == "b" else Good(name, "") for name in names}


async def secrets_of(shop: Shop, names: list[str]) -> dict[str, str]:
    return {name: f"secret of {name}" for name in names}


@strawberry.type(description="A thing.")
class Thing:
    name: str = strawberry.field(description="What it is called.")
    owner: strawberry.Private[str]

    friends: list["Thing"] = batched(
        friends,
        key="name",
        of=lambda good: Thing.of(good),
        paging=Paging(default=2, ceiling=3),
        arguments={"prefix": "Put before each name."},
        description="Others.",
    )
    pages: Connection["Thing"] = batched(
        pages,
        key="name",
        of=lambda good: Thing.of(good),
        paging=Paging(default=2, ceiling=5),
        description="Pages of others.",
    )
    fussy: "Thing | None" = batched(
        fussy, key="name", of=lambda good: Thing.of(good), description="Not of everybody."
    )
    scoped: str | None = batched(
        secrets_of, key="name", access=Access(scope="audit"), description="For auditors."
    )
    owned: str | None = batched(
        secrets_of, key="name", access=Access(owner="owner"), description="For its owner."
    )

    @classmethod
    def of(cls, good: Good) -> "Thing":
        return cls(name=good.name, owner=good.owner)


@extends(Thing)
class ThingMore:
    twin: Thing | None = batched(goods, key="name", of=Thing.of, description="The same again.")


def _name(name: str) -> str:
    return name


@strawberry.type(description="All.")
class Query:
    thing: Thing | None = root(
        goods, key=_name, of=Thing.of, arguments={"name": "Its name."}, description="One thing."
    )


def schema_of(query: type) -> GuardedSchema:
    config = StrawberryConfig(scalar_map=SCALARS)
    return GuardedSchema(query, config=config, executor=EXECUTOR)


async def ask(query: str, **context: Any) -> tuple[Any, list[str], list[list[str]]]:
    shop = Shop()
    made = Context(graph=None, clock=lambda: NOW, parts=(shop,), **context)  # type: ignore[arg-type]
    result = await schema_of(Query).execute(query, context_value=made)
    codes = [error.extensions["code"] for error in result.errors or () if error.extensions]
    return result.data, codes, shop.asked


async def test_a_level_is_asked_once_whatever_the_number_of_parents() -> None:
    data, codes, asked = await ask(
        '{ a: thing(name: "a") { friends(first: 3) { name twin { name } } } '
        '  b: thing(name: "b") { friends { name } } n: thing(name: "nothing") { name } }'
    )

    assert codes == []
    assert [one["twin"]["name"] for one in data["a"]["friends"]] == ["a0", "a1", "a2"]
    assert data["b"]["friends"] == []
    assert data["n"] is None
    # Different arguments are different questions; the same question is asked once.
    assert asked == [["a", "b", "nothing"], ["a"], ["b"], ["a0", "a1", "a2"]]


@pytest.mark.parametrize(
    ("arguments", "names", "more"),
    [
        ("", ["0", "1"], (True, False)),
        ("(first: 3)", ["0", "1", "2"], (True, False)),
        ("(last: 3)", ["6", "7", "8"], (False, True)),
        ("(first: 5, after: $four)", ["5", "6", "7", "8"], (False, True)),
        ("(last: 5, before: $four)", ["0", "1", "2", "3"], (True, False)),
        ("(before: $four)", ["2", "3"], (True, True)),
    ],
)
async def test_pages_are_read_both_ways(
    arguments: str, names: list[str], more: tuple[bool, bool]
) -> None:
    first = await ask('{ thing(name: "a") { pages(first: 5) { edges { cursor node { name } } } } }')
    four = first[0]["thing"]["pages"]["edges"][4]["cursor"]
    query = (
        '{ thing(name: "a") { pages%s { '
        "nodes { name } pageInfo { hasNextPage hasPreviousPage } } } }"
    )

    data, codes, _ = await ask(query % arguments.replace("$four", f'"{four}"'))

    assert codes == []
    page = data["thing"]["pages"]
    assert [node["name"] for node in page["nodes"]] == names
    info = page["pageInfo"]
    assert (info["hasNextPage"], info["hasPreviousPage"]) == more


@pytest.mark.parametrize(
    "arguments",
    [
        "first: 0",
        "first: -1",
        "first: 6",
        "last: 1000000",
        "first: 1, last: 1",
        'after: "abc"',
        'after: "b3RoZXI6MQ"',
        'before: "ö"',
        f'after: "{"A" * 5000}"',
    ],
)
async def test_a_page_that_cannot_be_is_bad_input(arguments: str) -> None:
    data, codes, _ = await ask(
        f'{{ thing(name: "a") {{ pages({arguments}) {{ nodes {{ name }} }} }} }}'
    )

    assert data == {"thing": None}
    assert codes == ["BAD_INPUT"]


async def test_a_list_has_the_same_ceiling() -> None:
    _, codes, asked = await ask('{ thing(name: "a") { friends(first: 4) { name } } }')

    assert codes == ["BAD_INPUT"]
    assert asked == [["a"]]


async def test_access_is_data() -> None:
    scoped = '{ thing(name: "a") { scoped } }'
    owned = '{ thing(name: "a") { owned } }'
    stranger = Principal("stranger", "local", PrincipalKind.PERSON)

    assert (await ask(scoped))[1] == ["FORBIDDEN"]
    assert (await ask(scoped, scopes=frozenset({"audit"})))[0]["thing"]["scoped"] == "secret of a"
    assert (await ask(owned))[0]["thing"]["owned"] == "secret of a"
    assert (await ask(owned, principal=stranger))[:2] == ({"thing": {"owned": None}}, [])


async def test_a_refusal_of_one_key_costs_the_others_nothing() -> None:
    data, codes, asked = await ask(
        '{ a: thing(name: "a") { fussy { name } } b: thing(name: "b") { fussy { name } } }'
    )

    assert codes == ["TOO_COSTLY"]
    assert data == {"a": {"fussy": {"name": "a"}}, "b": {"fussy": None}}
    assert asked == [["a", "b"], ["a", "b"]]


async def wrong_key(shop: Shop, names: list[int]) -> dict[int, Good]:
    raise AssertionError("never called")


def wrong_of(number: int) -> Thing:
    raise AssertionError("never called")


@pytest.mark.parametrize(
    ("declare", "fault"),
    [
        (lambda: batched(goods, key="nme", of=Thing.of, description="x"), "no property nme"),
        (lambda: batched(wrong_key, key="name", of=Thing.of, description="x"), "its keys are"),
        (lambda: batched(goods, key="name", of=wrong_of, description="x"), "`of` takes"),
        (lambda: batched(goods, key="name", description="x"), "`of` gives"),
        (lambda: batched(goods, key="name", of=Thing.of, description=""), "no description"),
        (lambda: batched(friends, key="name", of=Thing.of, description="x"), "declared as one"),
    ],
)
def test_a_declaration_that_does_not_fit_stops_the_schema(
    declare: Callable[[], Any], fault: str
) -> None:
    @strawberry.type(description="A thing with a fault.")
    class Faulty:
        name: str = strawberry.field(description="What it is called.")
        thing: Thing | None = declare()

    @strawberry.type(description="All.")
    class FaultyQuery:
        faulty: Faulty | None = strawberry.field(resolver=lambda: None, description="It.")

    with pytest.raises(TypeError, match=fault):
        check(schema_of(FaultyQuery))


def test_a_resolver_that_fetches_by_itself_stops_the_schema() -> None:
    async def fetch() -> int:
        return 1

    @strawberry.type(description="All.")
    class FetchingQuery:
        fetches: int = strawberry.field(resolver=fetch, description="Fetches.")

    with pytest.raises(TypeError, match="fetches without a step"):
        check(schema_of(FetchingQuery))


def test_the_printed_schema_is_up_to_date() -> None:
    assert PRINTED.read_text(encoding="utf-8") == printed(build_schema())
