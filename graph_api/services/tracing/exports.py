"""Traces as files: JSON, CSV and GraphML, each with all that the others have of pieces and ends.

CSV has a row for each piece, with its path and its ends. GraphML has the wallets (of a UTXO chain,
the outputs) as nodes and the movements of pieces as edges, for yEd, Gephi, Cytoscape or networkx.
Source: graphml.graphdrawing.org, the schema of version 1.1.
"""

import csv
from collections import defaultdict
from collections.abc import Callable, Iterator
from enum import StrEnum
from io import StringIO
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from graph_api.services.tracing.answers import TraceAnswer, TracePiece, encoded

_COLUMNS: Final = (
    "piece",
    "parent",
    "wallet",
    "token",
    "amount_raw",
    "hops",
    "transaction",
    "transfer",
    "output",
    "block_number",
    "block_time",
    "crossing",
    "confidence",
    "ends",
    "party",
    "path",
)
#: Spreadsheets take what begins with one of these for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class ExportFormat(StrEnum):
    """How a trace is written."""

    JSON = "json"
    CSV = "csv"
    GRAPHML = "graphml"


def exported(answer: TraceAnswer, format: ExportFormat) -> str:
    """The trace as the text of a file."""
    return _WRITERS[format](answer)


def _json(answer: TraceAnswer) -> str:
    return encoded(answer).decode()


def _csv(answer: TraceAnswer) -> str:
    ends = _ends(answer)
    names = {party.wallet: party.label for party in answer.parties}
    file = StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for number, piece in enumerate(answer.pieces):
        row = (
            number,
            piece.parent,
            piece.wallet,
            piece.token,
            piece.amount_raw,
            piece.hops,
            piece.transaction,
            piece.transfer,
            piece.output,
            piece.block_number,
            None if piece.block_time is None else piece.block_time.isoformat(),
            piece.crossing,
            f"{answer.confidence(number):.3f}",
            ends.get(number),
            names.get(piece.wallet) if piece.wallet else None,
            " ".join(map(str, answer.path(number))),
        )
        writer.writerow(["" if cell is None else _harmless(str(cell)) for cell in row])
    return file.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


_KEYS: Final = (
    ("label", "node", "string"),
    ("ends", "node", "string"),
    ("token", "edge", "string"),
    ("amount_raw", "edge", "string"),
    ("transaction", "edge", "string"),
    ("transfer", "edge", "string"),
    ("block_number", "edge", "long"),
    ("block_time", "edge", "string"),
    ("hops", "edge", "int"),
    ("confidence", "edge", "double"),
)


def _graphml(answer: TraceAnswer) -> str:
    return "\n".join(_lines(answer)) + "\n"


def _lines(answer: TraceAnswer) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
    for name, of, type in _KEYS:
        yield f'  <key id="{name}" for="{of}" attr.name="{name}" attr.type="{type}"/>'
    yield '  <graph id="trace" edgedefault="directed">'
    names = {party.wallet: party.label for party in answer.parties}
    at_nodes: dict[str, list[str]] = defaultdict(list)
    for number, ends in _ends(answer).items():
        at_nodes[_node(answer.pieces[number])].append(ends)
    for node, piece in {_node(piece): piece for piece in answer.pieces}.items():
        label = names.get(piece.wallet, "") if piece.wallet else "fees"
        yield f"    <node id={quoteattr(node)}>"
        yield from _data(label=label, ends="; ".join(at_nodes[node]))
        yield "    </node>"
    for number, piece in enumerate(answer.pieces):
        if piece.parent is None:
            continue
        source = quoteattr(_node(answer.pieces[piece.parent]))
        yield f'    <edge id="{number}" source={source} target={quoteattr(_node(piece))}>'
        yield from _data(
            token=piece.token,
            amount_raw=piece.amount_raw,
            transaction=piece.transaction,
            transfer=piece.transfer,
            block_number=piece.block_number,
            block_time=None if piece.block_time is None else piece.block_time.isoformat(),
            hops=piece.hops,
            confidence=round(answer.confidence(number), 3),
        )
        yield "    </edge>"
    yield "  </graph>"
    yield "</graphml>"


def _data(**values: object) -> Iterator[str]:
    for name, value in values.items():
        if value not in (None, ""):
            yield f'      <data key="{name}">{escape(str(value))}</data>'


def _node(piece: TracePiece) -> str:
    return piece.output or piece.wallet or "fees"


def _ends(answer: TraceAnswer) -> dict[int, str]:
    """What became of pieces, such as ``held 5, service 20``."""
    ends: dict[int, list[str]] = defaultdict(list)
    for end in answer.ends:
        ends[end.piece].append(f"{end.fate.value} {end.amount_raw}")
    return {piece: ", ".join(parts) for piece, parts in ends.items()}


_WRITERS: Final[dict[ExportFormat, Callable[[TraceAnswer], str]]] = {
    ExportFormat.JSON: _json,
    ExportFormat.CSV: _csv,
    ExportFormat.GRAPHML: _graphml,
}
