"""Traces as files: JSON, CSV and GraphML, each with all that the others have of pieces and ends.

CSV has a row for each piece, with its path and its ends. GraphML has the wallets (of a UTXO chain,
the outputs) as nodes and the movements of pieces as edges.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Final

from graph_api.services.exporting import (
    ExportFormat,
    FileEdge,
    FileNode,
    Key,
    as_csv,
    as_graphml,
)
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
_KEYS: Final = (
    Key("label", "node", "string"),
    Key("ends", "node", "string"),
    Key("token", "edge", "string"),
    Key("amount_raw", "edge", "string"),
    Key("transaction", "edge", "string"),
    Key("transfer", "edge", "string"),
    Key("block_number", "edge", "long"),
    Key("block_time", "edge", "string"),
    Key("hops", "edge", "int"),
    Key("confidence", "edge", "double"),
)


def exported(answer: TraceAnswer, format: ExportFormat) -> str:
    """The trace as the text of a file."""
    return _WRITERS[format](answer)


def _json(answer: TraceAnswer) -> str:
    return encoded(answer).decode()


def _csv(answer: TraceAnswer) -> str:
    return as_csv(_COLUMNS, _rows(answer))


def _rows(answer: TraceAnswer) -> Iterator[tuple[object, ...]]:
    ends = _ends(answer)
    names = {party.wallet: party.label for party in answer.parties}
    for number, piece in enumerate(answer.pieces):
        yield (
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
            piece.block_time,
            piece.crossing,
            f"{answer.confidence(number):.3f}",
            ends.get(number),
            names.get(piece.wallet) if piece.wallet else None,
            " ".join(map(str, answer.path(number))),
        )


def _graphml(answer: TraceAnswer) -> str:
    return as_graphml("trace", _KEYS, nodes=_nodes(answer), edges=_edges(answer))


def _nodes(answer: TraceAnswer) -> Iterator[FileNode]:
    names = {party.wallet: party.label for party in answer.parties}
    at_nodes: dict[str, list[str]] = defaultdict(list)
    for number, ends in _ends(answer).items():
        at_nodes[_node(answer.pieces[number])].append(ends)
    for node, piece in {_node(piece): piece for piece in answer.pieces}.items():
        label = names.get(piece.wallet, "") if piece.wallet else "fees"
        yield FileNode(node, {"label": label, "ends": "; ".join(at_nodes[node])})


def _edges(answer: TraceAnswer) -> Iterator[FileEdge]:
    for number, piece in enumerate(answer.pieces):
        if piece.parent is None:
            continue
        yield FileEdge(
            str(number),
            _node(answer.pieces[piece.parent]),
            _node(piece),
            {
                "token": piece.token,
                "amount_raw": piece.amount_raw,
                "transaction": piece.transaction,
                "transfer": piece.transfer,
                "block_number": piece.block_number,
                "block_time": piece.block_time,
                "hops": piece.hops,
                "confidence": round(answer.confidence(number), 3),
            },
        )


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
