"""What the compiled executor promises beyond answers: order of work, cancelling, what is kept."""

import asyncio
import gc
import weakref
from typing import Any

import pytest
import strawberry
from strawberry.extensions import SchemaExtension
from strawberry.types import ExecutionResult

from graph_api.domain.errors import BadInput
from graph_api.schema.compiled.selecting import MAX_SWITCHES
from graph_api.schema.context import Context
from graph_api.schema.guarded import ExecutorName, GuardedSchema
from graph_api.schema.steps import batched, root
from tests.given import NOW


class Gates:
    """A door behind which questions wait for each other."""

    def __init__(self) -> None:
        self.entered: dict[str, asyncio.Event] = {name: asyncio.Event() for name in "ab"}
        self.open = asyncio.Event()
        self.asked: list[tuple[str, list[str]]] = []
        self.cancelled: list[str] = []

    async def wait(self, name: str) -> None:
        """Wait until the other question has begun as well, or until the gate is opened."""
        self.entered[name].set()
        try:
            await self.entered["b" if name == "a" else "a"].wait()
            await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled.append(name)
            raise


async def first(gates: Gates, keys: list[str]) -> dict[str, str]:
    await gates.wait("a")
    return {key: f"first {key}" for key in keys}


async def second(gates: Gates, keys: list[str]) -> dict[str, str]:
    await gates.wait("b")
    return {key: f"second {key}" for key in keys}


async def names(gates: Gates, keys: list[str]) -> dict[str, str]:
    gates.asked.append(("names", keys))
    return {key: key for key in keys}


async def none(gates: Gates, keys: list[str]) -> dict[str, str]:
    return {}


async def many(gates: Gates, *, count: int) -> list[str]:
    await asyncio.sleep(0)
    return [f"n{number % 3}" for number in range(count)]


async def nothing(gates: Gates) -> str | None:
    await gates.entered["a"].wait()
    return None


async def unsteady() -> str:
    return "later"


def _key(key: str) -> str:
    return key


@strawberry.type
class Bad:
    name: str | None

    @strawberry.field
    def sure(self) -> str | None:
        raise BadInput("It has no name.")


@strawberry.type
class Item:
    name: str
    same: str = batched(names, key="name", description="Its name.")
    bad: "Bad | None" = batched(
        names, key="name", of=lambda name: Bad(name=None), description="It has no name."
    )
    deep: "Item | None" = batched(
        names, key="name", of=lambda name: Item(name=name), description="The same again."
    )
    missing: str = batched(none, key="name", description="Never there.")
    absent: str = batched(none, key="name", description="Never there.")
    again: str = batched(names, key="name", description="Its name.")

    @strawberry.field
    def broken(self) -> str:
        raise BadInput("It is broken.")


@strawberry.type
class Query:
    first: str | None = root(first, key=_key, description="It.")
    second: str | None = root(second, key=_key, description="It.")
    failing: str = root(nothing, description="Never there, though it may not be null.")
    some: list[Item | None] = root(
        many, of=lambda name: Item(name=name), description="They, if they have all."
    )
    items: list[Item] = root(many, of=lambda name: Item(name=name), description="They.")

    @strawberry.field
    def later(self) -> str:
        return unsteady()  # type: ignore[return-value]

    @strawberry.field
    async def alone(self) -> str:
        return "alone"

    @strawberry.field
    def plain(self) -> str:
        return "plain"


def schema_of(**options: Any) -> GuardedSchema:
    return GuardedSchema(Query, executor=ExecutorName.COMPILED, explain=True, **options)


async def run(
    schema: GuardedSchema, query: str, gates: Gates | None = None, **variables: Any
) -> ExecutionResult:
    context = Context(graph=None, clock=lambda: NOW, parts=(gates or Gates(),))  # type: ignore[arg-type]
    return await schema.execute(query, variables, context, operation_extensions={"explain": True})


def executor_of(result: ExecutionResult) -> dict[str, str]:
    assert result.extensions is not None
    found: dict[str, str] = result.extensions["executor"]
    return found


BOTH = '{ first(key: "x") second(key: "y") }'


async def test_independent_steps_run_at_the_same_time() -> None:
    gates = Gates()
    gates.open.set()

    async with asyncio.timeout(10):  # each waits for the other to begin
        result = await run(schema_of(), BOTH, gates)

    assert result.data == {"first": "first x", "second": "second y"}
    assert executor_of(result) == {"name": "compiled"}


@pytest.mark.parametrize("query", [BOTH, '{ first(key: "x") }'])
async def test_a_cancelled_request_cancels_its_steps(query: str) -> None:
    gates = Gates()
    request = asyncio.create_task(run(schema_of(), query, gates))
    await gates.entered["a"].wait()
    if query == BOTH:
        await gates.entered["b"].wait()

    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request

    assert gates.cancelled == (["a", "b"] if query == BOTH else ["a"])


async def test_a_deadline_ends_the_steps_that_still_run() -> None:
    gates = Gates()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await run(schema_of(), BOTH, gates)

    assert gates.cancelled == ["a", "b"]


async def test_what_failed_as_a_whole_does_not_wait_for_the_rest() -> None:
    gates = Gates()

    async with asyncio.timeout(10):  # the gate of the other question stays shut
        result = await run(schema_of(), '{ first(key: "x") failing }', gates)

    assert result.data is None
    assert [error.path for error in result.errors or ()] == [["failing"]]
    assert gates.cancelled == ["a"]


async def test_fields_that_ask_the_same_share_a_question_and_its_keys() -> None:
    gates = Gates()
    result = await run(schema_of(), "{ items(count: 7) { same again name } }", gates)

    assert result.data is not None
    assert result.data["items"][4] == {"same": "n1", "again": "n1", "name": "n1"}
    assert gates.asked == [("names", ["n0", "n1", "n2"])]


async def test_what_nobody_waits_for_any_more_is_not_asked() -> None:
    gates = Gates()
    result = await run(schema_of(), "{ some(count: 2) { same broken } }", gates)

    assert result.data == {"some": [None, None]}
    assert gates.asked == []


@pytest.mark.parametrize("executor", ExecutorName)
async def test_an_error_is_told_for_each_place_that_shares_an_answer(
    executor: ExecutorName,
) -> None:
    schema = GuardedSchema(Query, executor=executor)
    result = await run(schema, "{ items(count: 4) { bad { name sure } } }")

    assert result.data == {"items": [{"bad": {"name": None, "sure": None}}] * 4}
    paths = [error.path for error in result.errors or ()]
    assert sorted(map(str, paths)) == [f"['items', {n}, 'bad', 'sure']" for n in range(4)]


@pytest.mark.parametrize("executor", ExecutorName)
async def test_what_waits_for_more_is_not_shared(executor: ExecutorName) -> None:
    schema = GuardedSchema(Query, executor=executor)
    result = await run(schema, "{ items(count: 4) { deep { absent } } }")

    assert result.data == {"items": [{"deep": None}] * 4}
    paths = [error.path for error in result.errors or ()]
    assert sorted(map(str, paths)) == [f"['items', {n}, 'deep', 'absent']" for n in range(4)]


@pytest.mark.parametrize("executor", ExecutorName)
async def test_one_error_is_told_of_what_became_null_through_several(
    executor: ExecutorName,
) -> None:
    schema = GuardedSchema(Query, executor=executor)
    result = await run(schema, "{ some(count: 2) { missing absent } }")

    assert result.data == {"some": [None, None]}
    paths = [error.path for error in result.errors or ()]
    assert sorted(map(str, paths)) == [f"['some', {n}, 'missing']" for n in range(2)]


async def test_runs_of_one_plan_at_the_same_time_do_not_meet() -> None:
    schema = schema_of()
    query = "query ($count: Int!) { items(count: $count) { name same } }"

    results = await asyncio.gather(*(run(schema, query, count=count) for count in range(30)))

    assert [len(result.data["items"]) for result in results if result.data] == list(range(30))
    assert all(result.errors is None for result in results)


async def test_variables_that_decide_what_is_selected_have_plans_of_their_own() -> None:
    schema = schema_of()
    query = (
        "query ($a: Boolean!, $b: Boolean = true) { plain @include(if: $a) x: plain @skip(if: $b) }"
    )

    answers = [
        (await schema.execute(query, variables)).data
        for variables in ({"a": True}, {"a": False, "b": False}, {"a": True, "b": False})
    ]

    assert answers == [{"plain": "plain"}, {"x": "plain"}, {"plain": "plain", "x": "plain"}]
    (kept,) = schema.documents.prepare(query).compiled.values()
    assert set(kept.plans) == {(True, True), (False, False), (True, False)}


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("{ alone }", "resolver"),
        ("{ __schema { __typename } }", "introspection"),
        ("{ later }", "unforeseen"),
        (
            "query ("
            + " ".join(f"$v{n}: Boolean = true" for n in range(MAX_SWITCHES + 1))
            + ") {"
            + " ".join(f"a{n}: plain @include(if: $v{n})" for n in range(MAX_SWITCHES + 1))
            + "}",
            "directive",
        ),
    ],
)
async def test_what_cannot_be_compiled_is_answered_all_the_same(query: str, reason: str) -> None:
    schema = schema_of()
    results = [await run(schema, query) for _ in range(2)]

    for result in results:
        assert result.errors is None
        assert result.data
        assert executor_of(result)["name"] == "standard"
        assert executor_of(result)["reason"] == reason
    assert schema.compiled.counts == {("standard", reason): 2}


async def test_a_null_switch_is_the_mistake_that_the_standard_executor_tells() -> None:
    query = "query ($a: Boolean = true) { plain @include(if: $a) }"
    answers = []
    for executor in ExecutorName:
        result = await GuardedSchema(Query, executor=executor).execute(query, {"a": None})
        answers.append((result.data, [error.message for error in result.errors or ()]))

    assert answers[0] == answers[1]
    assert answers[0][1]


async def test_an_extension_that_takes_part_in_fields_is_obeyed() -> None:
    class Shouting(SchemaExtension):
        def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
            return str(_next(root, info, *args, **kwargs)).upper()

    result = await run(schema_of(extensions=[Shouting]), "{ plain }")

    assert result.data == {"plain": "PLAIN"}
    assert executor_of(result)["reason"] == "middleware"


async def test_plans_leave_with_their_document() -> None:
    schema = schema_of(cache_size=2)
    await run(schema, "{ plain }")
    (kept,) = schema.documents.prepare("{ plain }").compiled.values()
    (plan,) = kept.plans.values()
    gone = weakref.ref(plan.root)  # type: ignore[union-attr]
    del kept, plan

    for name in ("a", "b", "c"):
        await run(schema, f"{{ {name}: plain }}")
    gc.collect()

    assert gone() is None


async def test_each_operation_of_a_document_has_its_plan() -> None:
    schema = schema_of()
    query = "query A { a: plain } query B { b: plain }"
    data = [(await schema.execute(query, operation_name=name)).data for name in ("A", "B", "A")]

    assert data == [{"a": "plain"}, {"b": "plain"}, {"a": "plain"}]


async def test_streaming_transports_get_compiled_answers_too() -> None:
    schema = schema_of()
    frames = [frame async for frame in await schema.stream("{ plain }")]

    assert [frame.data for frame in frames if isinstance(frame, ExecutionResult)] == [
        {"plain": "plain"}
    ]
    assert schema.compiled.counts == {("compiled", ""): 1}


async def test_compilation_can_be_switched_off() -> None:
    schema = GuardedSchema(Query, executor=ExecutorName.STANDARD)
    await schema.execute("{ plain }")

    assert schema.compiled.counts == {("standard", "off"): 1}
