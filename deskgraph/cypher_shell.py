"""``deskgraph cypher``: one statement on the running graph, read-only unless asked otherwise."""

import csv
import io
from collections.abc import Sequence
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from graph_api.domain.errors import BadInput
from graph_api.store import guard
from graph_api.store.graph import Graph


async def run(
    graph: Graph, text: str, *, parameters: dict[str, Any], write: bool
) -> tuple[Sequence[str], list[list[Any]]]:
    """Columns and rows. Raises: BadInput when a statement that writes was not allowed to."""
    if write:
        return await graph.change_values(text, parameters)
    if guard.writes(text):
        raise BadInput("The statement writes; add --write if it should.")
    return await graph.read_values(text, parameters)


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
    """For people."""
    table = Table(*keys, box=None, header_style="bold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
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
