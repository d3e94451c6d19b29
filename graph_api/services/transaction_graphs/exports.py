"""Transaction graphs as files: all of it as JSON and GraphML, its edges as a table."""

import asyncio
from collections.abc import Iterator
from typing import Final

import msgspec

from graph_api.analysis.layout import drawn_at
from graph_api.services.exporting import (
    ExportFormat,
    FileEdge,
    FileNode,
    Key,
    as_csv,
    as_graphml,
    as_json,
)
from graph_api.services.transaction_graphs.drawing import TransactionEdge, TransactionGraph
from graph_api.store.graph import Graph

_KEYS: Final = (
    Key("kind", "node", "string"),
    Key("x", "node", "double"),
    Key("y", "node", "double"),
    Key("owner", "node", "string"),
    Key("amount_raw", "node", "string"),
    Key("block_number", "node", "long"),
    Key("block_time", "node", "string"),
    Key("more", "node", "boolean"),
    Key("kind", "edge", "string"),
    Key("transfer", "edge", "string"),
    Key("token", "edge", "string"),
    Key("amount_raw", "edge", "string"),
    Key("amount", "edge", "double"),
)
_OF_EDGES: Final = tuple(key.name for key in _KEYS if key.of == "edge")
_COLUMNS: Final = ("source", "target", *_OF_EDGES, "block_number", "block_time")


async def exports(
    graph: Graph, found: list[TransactionGraph], *, format: ExportFormat
) -> dict[TransactionGraph, str]:
    """Each graph as the text of a file."""
    return {one: await asyncio.to_thread(_written, one, format) for one in found}


def _written(found: TransactionGraph, format: ExportFormat) -> str:
    if format is ExportFormat.JSON:
        return as_json(msgspec.to_builtins(found)).decode()
    if format is ExportFormat.CSV:
        return as_csv(_COLUMNS, _rows(found))
    edges = (FileEdge(edge.id, edge.source, edge.target, _of_edge(edge)) for edge in found.edges)
    return as_graphml("transactions", _KEYS, nodes=_nodes(found), edges=edges)


def _rows(found: TransactionGraph) -> Iterator[tuple[object, ...]]:
    known = {node.id: node for node in found.transactions}
    for edge in found.edges:
        node = known.get(edge.source) or known[edge.target]
        said = _of_edge(edge)
        cells = (said[name] for name in _OF_EDGES)
        yield (edge.source, edge.target, *cells, node.block_number, node.block_time)


def _nodes(found: TransactionGraph) -> Iterator[FileNode]:
    for node in found.transactions:
        known: dict[str, object] = {
            "block_number": node.block_number,
            "block_time": node.block_time,
            "more": node.more,
        }
        yield FileNode(node.id, {"kind": "transaction", **_placed(node.id), **known})
    for wallet in found.wallets:
        yield FileNode(wallet, {"kind": "wallet", **_placed(wallet)})
    for output in found.outputs:
        known = {"owner": output.owner, "amount_raw": output.amount_raw}
        yield FileNode(output.id, {"kind": "output", **_placed(output.id), **known})


def _placed(id: str) -> dict[str, object]:
    return drawn_at(id)._asdict()


def _of_edge(edge: TransactionEdge) -> dict[str, object]:
    return {
        "kind": edge.kind.value,
        "transfer": edge.transfer,
        "token": edge.token,
        "amount_raw": edge.amount_raw,
        "amount": edge.amount,
    }
