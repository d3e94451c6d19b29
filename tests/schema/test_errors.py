"""What clients see of errors, whichever way the answer leaves."""

import json
from typing import Any

import pytest
from graphql import GraphQLError
from strawberry.types import ExecutionResult
from structlog.testing import capture_logs

from graph_api.schema.errors import LOGGED_PER_ANSWER, errors_to_send
from graph_api.schema.guarded import GuardedSchema
from tests.server.small import SECRET, small_schema


@pytest.fixture(scope="module")
def schema() -> GuardedSchema:
    return small_schema()


async def first_error(
    schema: GuardedSchema, query: str, variables: dict[str, Any] | None = None
) -> GraphQLError:
    result = await schema.execute(query, variables)
    assert result.errors
    return result.errors[0]


async def frames_of(schema: GuardedSchema, query: str) -> list[ExecutionResult]:
    frames = [frame async for frame in await schema.stream(query)]
    return [frame for frame in frames if isinstance(frame, ExecutionResult)]


async def test_our_errors_keep_their_message_and_code(schema: GuardedSchema) -> None:
    error = await first_error(schema, "{ missing }")

    assert error.message == "No wallet has this address."
    assert error.path == ["missing"]
    assert error.extensions == {"code": "NOT_FOUND"}


async def test_an_error_that_passes_says_when_to_come_back(schema: GuardedSchema) -> None:
    error = await first_error(schema, "{ away }")

    assert error.extensions == {"code": "UPSTREAM_UNAVAILABLE", "retryAfterS": 5}


async def test_the_unexpected_is_masked_and_the_log_has_it_under_its_id(
    schema: GuardedSchema,
) -> None:
    with capture_logs() as lines:
        error = await first_error(schema, "query Named { crash }")

    assert SECRET not in json.dumps(error.formatted)
    assert error.extensions is not None
    assert error.extensions["code"] == "INTERNAL"
    (line,) = lines
    assert line["error_id"] == error.extensions["errorId"]
    assert line["operation"] == "Named"
    kind, cause, traceback = line["exc_info"]
    assert (kind, str(cause)) == (RuntimeError, SECRET)
    assert traceback is not None


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{", {}),
        ("{ nothing }", {}),
        ('{ needed(number: "one") }', {}),
        ("query ($n: Int!) { needed(number: $n) }", {}),
        ("query ($n: Int!) { needed(number: $n) }", {"n": 10**20}),
        ("query ($n: Int = 1) { needed(number: $n) }", {"n": None}),
        ('{ address(of: "abc") }', {}),
        ("query ($a: Address!) { address(of: $a) }", {"a": "abc"}),
        ('{ digits(of: "abc") }', {}),
        ("query ($d: Digits!) { digits(of: $d) }", {"d": "abc"}),
        ("query ($k: Kind!) { kind(of: $k) }", {"k": "EOB"}),
        ("query A { hello } query B { hello }", {}),
        ("fragment F on Query { hello }", {}),
    ],
)
async def test_mistakes_in_a_request_are_bad_input_and_leave_no_trace_in_the_log(
    schema: GuardedSchema, query: str, variables: dict[str, Any]
) -> None:
    with capture_logs() as lines:
        error = await first_error(schema, query, variables)

    assert error.extensions == {"code": "BAD_INPUT"}
    assert lines == []


async def test_a_scalar_that_refuses_keeps_its_sentence(schema: GuardedSchema) -> None:
    literal = await first_error(schema, '{ address(of: "abc") }')
    variable = await first_error(schema, "query ($a: Address!) { address(of: $a) }", {"a": "abc"})

    assert "An address starts with 0x." in literal.message
    assert "An address starts with 0x." in variable.message
    assert "'$a'" in variable.message


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ('{ broken(of: "x") }', {}),
        ("query ($b: Broken!) { broken(of: $b) }", {"b": "x"}),
        ("{ tooBig }", {}),
    ],
)
async def test_bugs_are_not_taken_for_mistakes_of_the_client(
    schema: GuardedSchema, query: str, variables: dict[str, Any]
) -> None:
    for _ in range(2):  # the second answer comes from the document cache
        with capture_logs() as lines:
            error = await first_error(schema, query, variables)

        assert error.extensions is not None
        assert error.extensions["code"] == "INTERNAL"
        assert SECRET not in error.message
        assert len(lines) == 1


async def test_many_failures_of_one_answer_share_an_id_and_do_not_flood_the_log(
    schema: GuardedSchema,
) -> None:
    with capture_logs() as lines:
        result = await schema.execute("{ failing(times: 40) { value } }")

    assert result.errors is not None
    assert len(result.errors) == 40
    assert len({(error.extensions or {})["errorId"] for error in result.errors}) == 1
    assert len(lines) == LOGGED_PER_ANSWER


async def test_frames_of_a_stream_are_masked_too(schema: GuardedSchema) -> None:
    *good, last = await frames_of(schema, "subscription { count(to: 2) }")

    assert [frame.data for frame in good] == [{"count": 0}, {"count": 1}]
    assert last.errors is not None
    assert SECRET not in str(last.errors)
    assert (last.errors[0].extensions or {})["code"] == "INTERNAL"


@pytest.mark.parametrize("query", ["subscription { nothing }", "subscription {", "{ crash }"])
async def test_a_stream_that_does_not_start_has_a_code(schema: GuardedSchema, query: str) -> None:
    (frame,) = await frames_of(schema, query)

    assert frame.errors is not None
    assert (frame.errors[0].extensions or {})["code"] in ("BAD_INPUT", "INTERNAL")
    assert SECRET not in str(frame.errors)


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{ helo }", {}),
        ('{ hello(nam: "x") }', {}),
        ("{ thing { ... on Thin { name } } }", {}),
        ("{ kind(of: EO) }", {}),
        ("query ($k: Kind!) { kind(of: $k) }", {"k": "EO"}),
    ],
)
async def test_suggestions_are_given_or_not_given(query: str, variables: dict[str, Any]) -> None:
    open_door = await first_error(small_schema(), query, variables)
    closed = await first_error(small_schema(suggestions=False), query, variables)

    assert "Did you mean" in open_door.message
    assert "Did you mean" not in closed.message
    assert closed.message == open_door.message.partition(" Did you mean")[0]


async def test_introspection_can_be_closed() -> None:
    error = await first_error(small_schema(introspection=False), "{ __schema { types { name } } }")

    assert error.extensions == {"code": "BAD_INPUT"}
    assert (await small_schema(introspection=False).execute("{ __typename }")).errors is None


def test_sending_twice_changes_nothing() -> None:
    once = errors_to_send([GraphQLError("no")], operation=None, suggestions=True)

    assert errors_to_send(once, operation=None, suggestions=True) == once
