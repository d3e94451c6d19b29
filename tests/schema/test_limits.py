"""Documents that would cost more to validate than to answer are refused before validation."""

import pytest
from graphql import get_introspection_query, parse
from hypothesis import given
from hypothesis import strategies as st

from graph_api.domain.errors import TooCostly
from graph_api.schema.limits import DocumentLimits, check_document, check_text
from tests.server.small import small_schema

LIMITS = DocumentLimits()


def doubling(fragments: int) -> str:
    """Each fragment spreads the next one twice: 2**fragments selections when they are followed."""
    parts = [f"fragment F{i} on Query {{ ...F{i + 1} ...F{i + 1} }}" for i in range(fragments)]
    return "{ ...F0 }" + "".join(parts) + f"fragment F{fragments} on Query {{ hello }}"


def chain(fragments: int, *, used: bool) -> str:
    parts = [f"fragment F{i} on Query {{ ...F{i + 1} }}" for i in range(fragments)]
    start = "{ ...F0 }" if used else "{ hello }"
    return start + "".join(parts) + f"fragment F{fragments} on Query {{ hello }}"


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("{ hello }" + "#" * 100_000, "100000 characters"),
        ("{" + "thing { name } " * 3_000 + "}", "4000 tokens"),
        ("{" + "thing { name } " * 300 + "}", "200 times"),
        ("{" + "thing {" * 60, "nested more than 40"),
        ("{ a(x: " + "[" * 60, "nested more than 40"),
        ("{" + "thing { inner { " * 9 + "name" + "}" * 18 + "}", "15 deep"),
        ("{" + " ".join(f"a{i}: hello" for i in range(21)) + "}", "21 root fields"),
        ("{ thing {" + " ".join(f"a{i}: name" for i in range(101)) + "} }", "100 aliases"),
        ("{ hello " + "@skip(if: true) " * 101 + "}", "100 directives"),
        (doubling(20), "200 times"),
        (chain(100, used=True), "nested more than 40"),
        (chain(100, used=False), "nested more than 40"),
    ],
)
async def test_each_limit_is_refused_in_a_sentence_that_names_it(document: str, words: str) -> None:
    result = await small_schema().execute(document)

    assert result.errors is not None
    (error,) = result.errors
    assert error.extensions == {"code": "TOO_COSTLY"}
    assert words in error.message


def test_twenty_doubling_fragments_are_counted_only_until_the_budget_is_spent() -> None:
    generous = DocumentLimits(max_repeats=10**9, max_nesting=100)

    with pytest.raises(TooCostly, match="more than 3000 fields"):
        check_document(parse(doubling(60)), generous)


async def test_a_circle_of_fragments_is_left_to_validation() -> None:
    document = "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }"
    result = await small_schema().execute(document)

    assert result.errors is not None
    assert result.errors[0].extensions == {"code": "BAD_INPUT"}
    assert "within itself" in result.errors[0].message


async def test_what_tools_ask_is_within_the_limits() -> None:
    query = get_introspection_query(
        specified_by_url=True, directive_is_repeatable=True, input_value_deprecation=True
    )

    assert (await small_schema().execute(query)).errors is None


def test_brackets_and_signs_in_strings_and_comments_are_text() -> None:
    document = '{ hello(name: "{[(@") other(x: """ {{{ \\""" @@ " """) } # {{{{ @@'

    # 2 braces; a name, bracket, name, colon, string and bracket for each of the two fields.
    strict = DocumentLimits(max_nesting=2, max_directives=0)
    assert check_text(document, strict) == 2 + 6 + 6


@pytest.mark.parametrize("part", ['"', '\\"""', '"""', '""" "', "\\", "#", '"\\'])
def test_unfinished_strings_are_read_once(part: str) -> None:
    limits = DocumentLimits(max_characters=10**9, max_tokens=10**9)

    assert check_text(part * 300_000, limits) >= 0


@given(
    st.lists(st.sampled_from(["a", "_b1", "7", "-1.5e3", '"s"', '"""b"""', "...", "$", "!", ":"]))
)
def test_tokens_are_counted_as_the_parser_counts_them(parts: list[str]) -> None:
    assert check_text(" , \n".join(parts), LIMITS) == len(parts)
