"""``deskgraph cypher``: one statement on the running graph, read-only unless asked otherwise."""

import csv
import io
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from deskgraph import cookbook
from graph_api.domain.errors import BadInput
from graph_api.store import guard
from graph_api.store.graph import Graph

_WIDEST: Final = 100_000


class Asked(msgspec.Struct, frozen=True):
    """A statement and its parameters."""

    text: str
    parameters: Mapping[str, Any]


def asked(statement: str, parameters: Sequence[str]) -> Asked:
    """What the command line speaks of: a question of the cookbook, a file, or the text itself.

    Raises: BadInput.
    """
    given = dict(map(_pair, parameters))
    if statement.startswith("@"):
        question = cookbook.question(statement[1:])
        return Asked(question.text, question.fill(given))
    return Asked(_text(statement), {name: _json(value) for name, value in given.items()})


async def run(graph: Graph, asked: Asked, *, write: bool) -> tuple[Sequence[str], list[list[Any]]]:
    """Columns and rows. Raises: BadInput when a statement that writes was not allowed to."""
    if write:
        return await graph.change_values(asked.text, dict(asked.parameters))
    if guard.writes(asked.text):
        raise BadInput("The statement writes; add --write if it should.")
    return await graph.read_values(asked.text, dict(asked.parameters))


def as_script(asked: Asked) -> str:
    """For Neo4j Browser and cypher-shell: the parameters, then the statement."""
    lines = [f":param {name} => {_literal(value)};" for name, value in asked.parameters.items()]
    return "\n".join([*lines, asked.text.strip() + ";"]) + "\n"


def as_list(*, console: Console) -> None:
    """The questions of the cookbook with what each has to be told."""
    if not console.is_terminal:
        console.width = _WIDEST
    table = Table("question", "answers", "parameters", box=None, header_style="bold")
    for question in cookbook.questions():
        table.add_row(f"@{question.name}", question.question, Text(question.usage))
    console.print(table)


def as_json(keys: Sequence[str], rows: list[list[Any]]) -> str:
    """One JSON object a line."""
    return "".join(
        orjson.dumps(dict(zip(keys, row, strict=True)), default=_plain).decode() + "\n"
        for row in rows
    )


def as_csv(keys: Sequence[str], rows: list[list[Any]]) -> str:
    """RFC 4180 with a header; what is no scalar is JSON text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(keys)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def as_table(keys: Sequence[str], rows: list[list[Any]], *, console: Console) -> None:
    """For people: nothing is cut off, and ids stay on one line where nothing limits a line."""
    if not console.is_terminal:
        console.width = _WIDEST
    table = Table(box=None, header_style="bold")
    for key in keys:
        table.add_column(Text(key), overflow="fold")
    for row in rows:
        # As text: a label may hold brackets, which are markup otherwise.
        table.add_row(*(Text(_cell(value)) for value in row))
    console.print(table)
    console.print(f"{len(rows)} row{'' if len(rows) == 1 else 's'}", style="dim")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value, default=_plain).decode()


def _plain(value: Any) -> Any:
    """Nodes, relationships and paths as maps."""
    if hasattr(value, "nodes") and hasattr(value, "relationships"):
        if hasattr(value, "type"):
            return {"type": value.type, **dict(value)}
        return {"nodes": list(value.nodes), "relationships": list(value.relationships)}
    if hasattr(value, "labels"):
        return {"labels": sorted(value.labels), **dict(value)}
    if hasattr(value, "type") and hasattr(value, "items"):
        return {"type": value.type, **dict(value)}
    return str(value)


def _literal(value: Any) -> str:
    # The one control character that JSON leaves as it is ends a range of keys.
    return orjson.dumps(value).decode().replace("\x7f", "\\u007f")


def _text(statement: str) -> str:
    if statement == "-":
        return sys.stdin.read()
    path = Path(statement)
    if path.suffix != ".cypher":
        return statement
    if not path.is_file():
        raise BadInput(f"There is no file {statement}.")
    return path.read_text(encoding="utf-8")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise BadInput(f"--param {text!r} needs NAME=VALUE.")
    return name, value


def _json(value: str) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
