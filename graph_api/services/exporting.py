"""Answers as files: JSON to the byte, tables as CSV, graphs as GraphML.

GraphML is for yEd, Gephi, Cytoscape or networkx. Source: graphml.graphdrawing.org, the schema of
version 1.1; XML 1.0, section 2.2, for the characters that may stand in it.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from io import StringIO
from typing import Any, Final, Literal, NamedTuple
from xml.sax.saxutils import escape, quoteattr

import msgspec


class ExportFormat(StrEnum):
    """How an answer is written."""

    JSON = "json"
    CSV = "csv"
    GRAPHML = "graphml"


class Key(NamedTuple):
    """One attribute of nodes or edges."""

    name: str
    of: Literal["node", "edge"]
    type: Literal["string", "int", "long", "double", "boolean"]


class FileNode(NamedTuple):
    """A node and what is said of it; None and empty text are left out."""

    id: str
    data: Mapping[str, object]


class FileEdge(NamedTuple):
    """An edge, its ends, and what is said of it."""

    id: str
    source: str
    target: str
    data: Mapping[str, object]


#: Spreadsheets take what begins with one of these for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ENCODER: Final = msgspec.json.Encoder(order="sorted")


def as_json(answer: Any) -> bytes:
    """The same bytes for the same answer."""
    return _ENCODER.encode(answer)


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A head and a line for each row; None is an empty cell."""
    file = StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return file.getvalue()


def as_graphml(
    name: str,
    keys: Sequence[Key],
    *,
    nodes: Iterable[FileNode],
    edges: Iterable[FileEdge],
) -> str:
    """A directed graph; all that ``keys`` do not name is left out."""
    return "\n".join(_lines(name, keys, nodes, edges)) + "\n"


def _cell(value: object) -> str:
    text = _text(value)
    # A number is no formula, negative or not.
    if isinstance(value, (int, float)):
        return text
    return f"'{text}" if text.startswith(_FORMULA) else text


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _lines(
    name: str, keys: Sequence[Key], nodes: Iterable[FileNode], edges: Iterable[FileEdge]
) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
    # Ids are of the whole file, names of nodes or edges: both may have what has one name.
    for of, key, type in ((key.of, key.name, key.type) for key in keys):
        yield f'  <key id="{of}_{key}" for="{of}" attr.name="{key}" attr.type="{type}"/>'
    of_nodes = {key.name: f"node_{key.name}" for key in keys if key.of == "node"}
    of_edges = {key.name: f"edge_{key.name}" for key in keys if key.of == "edge"}
    yield f'  <graph id="{name}" edgedefault="directed">'
    for node in nodes:
        yield f"    <node id={_quoted(node.id)}>"
        yield from _data(node.data, of_nodes)
        yield "    </node>"
    for edge in edges:
        ends = f"source={_quoted(edge.source)} target={_quoted(edge.target)}"
        yield f"    <edge id={_quoted(edge.id)} {ends}>"
        yield from _data(edge.data, of_edges)
        yield "    </edge>"
    yield "  </graph>"
    yield "</graphml>"


def _data(data: Mapping[str, object], ids: Mapping[str, str]) -> Iterator[str]:
    for name, value in data.items():
        if name in ids and (text := _clean(_text(value))):
            yield f'      <data key="{ids[name]}">{escape(text)}</data>'


def _quoted(text: str) -> str:
    return quoteattr(_clean(text))


def _clean(text: str) -> str:
    return _NOT_IN_XML.sub("\ufffd", text)
