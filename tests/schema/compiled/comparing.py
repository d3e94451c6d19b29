"""Compares what two executors answer, byte by byte where the language leaves no choice.

When several fields fail below a place that becomes null, the specification lets an executor tell
one of the errors or more of them, and which it meets depends on who is faster. There both must
tell at least one, and nothing that did not happen: the whole list comes from an execution without
propagation of nulls.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from graphql import DirectiveNode, ExecutionResult, NameNode, execute, parse
from strawberry.execution import optimized_is_awaitable
from strawberry.utils.await_maybe import await_maybe

from graph_api.schema.context import Context
from graph_api.schema.errors import errors_to_send
from graph_api.schema.guarded import GuardedSchema
from tests.schema.compiled.documents import Asked

Path = tuple[Any, ...]
KEEPING = "experimental_disableErrorPropagation"


async def every_error(schema: GuardedSchema, asked: Asked, context: Context) -> list[str]:
    """All errors that the operation can meet, none hidden by another."""
    document = parse(asked.text)
    operation = document.definitions[0]
    # Set in the tree, so that places in the text stay what they are.
    keeping = DirectiveNode(name=NameNode(value=KEEPING), arguments=())
    object.__setattr__(operation, "directives", (keeping,))
    result: ExecutionResult = await await_maybe(
        execute(
            schema._schema,
            document,
            variable_values=asked.variables,
            context_value=context,
            is_awaitable=optimized_is_awaitable,  # type: ignore[arg-type]
            executor_class=schema.execution_context_class,
        )
    )
    sent = errors_to_send(result.errors or (), operation=None, suggestions=True)
    return written(sent)


def written(errors: Iterable[Any] | None) -> list[str]:
    """Errors as clients get them, without their random ids, sorted by path."""
    found = []
    for error in errors or ():
        formatted = dict(error.formatted)
        extensions = dict(formatted.get("extensions", {}))
        if error_id := extensions.pop("errorId", None):
            formatted["message"] = formatted["message"].replace(error_id, "ID")
        found.append(orjson.dumps({**formatted, "extensions": extensions}).decode())
    return sorted(found, key=lambda one: (str(json.loads(one).get("path")), one))


def split(data: Any, errors: Sequence[str]) -> tuple[list[str], dict[Path, list[str]]]:
    """The errors of places that are null themselves, and the others by the null above them."""
    exact: list[str] = []
    hidden: dict[Path, list[str]] = {}
    for error in errors:
        path = tuple(json.loads(error).get("path") or ())
        nulled = null_above(data, path)
        if len(nulled) == len(path):
            exact.append(error)
        else:
            hidden.setdefault(nulled, []).append(error)
    return exact, hidden


def null_above(data: Any, path: Path) -> Path:
    """The shortest part of ``path`` that is null in ``data``."""
    for length in range(len(path) + 1):
        if data is None:
            return path[:length]
        if length < len(path):
            data = data[path[length]]
    raise AssertionError(f"{path} has an error and a value.")


def differences(standard: Any, compiled: Any, possible: Sequence[str]) -> list[str]:
    """What is wrong with the second answer; ``possible`` has all errors that may be in it."""
    ours, theirs = written(compiled.errors), written(standard.errors)
    data, expected = orjson.dumps(compiled.data), orjson.dumps(standard.data)
    if data != expected:
        return [f"data:\n  {expected!r}\n  {data!r}\nerrors:\n  {theirs}\n  {ours}"]
    if ours == theirs:
        return []
    faults = []
    our_exact, our_hidden = split(compiled.data, ours)
    their_exact, their_hidden = split(standard.data, theirs)
    if our_exact != their_exact:
        faults.append(f"errors:\n  {their_exact}\n  {our_exact}")
    if our_hidden.keys() != their_hidden.keys():
        faults.append(f"null through: {their_hidden.keys()} {our_hidden.keys()}")
    if invented := set(ours) - set(possible):
        faults.append(f"invented: {sorted(invented)}\n  possible: {possible}")
    return faults
