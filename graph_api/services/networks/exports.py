"""Networks as files: what is drawn, as JSON and GraphML; its edges as a table."""

import asyncio
from collections.abc import Iterator
from typing import Any, Final

from graph_api.services.exporting import (
    ExportFormat,
    FileEdge,
    FileNode,
    Key,
    as_csv,
    as_graphml,
    as_json,
)
from graph_api.services.networks.answers import Network
from graph_api.services.networks.pictures import (
    Fold,
    Picture,
    PictureEdge,
    PictureNode,
    pictures,
)
from graph_api.store.graph import Graph

_KEYS: Final = (
    Key("label", "node", "string"),
    Key("kind", "node", "string"),
    Key("x", "node", "double"),
    Key("y", "node", "double"),
    Key("hops", "node", "int"),
    Key("wallets", "node", "int"),
    Key("service", "node", "boolean"),
    Key("stop", "node", "string"),
    Key("flows_in_behind", "node", "long"),
    Key("flows_out_behind", "node", "long"),
    Key("transfers_in_behind", "node", "long"),
    Key("transfers_out_behind", "node", "long"),
    Key("token", "edge", "string"),
    Key("transfers", "edge", "long"),
    Key("amount_raw", "edge", "string"),
    Key("amount", "edge", "double"),
    Key("usd", "edge", "double"),
    Key("first_at", "edge", "string"),
    Key("last_at", "edge", "string"),
)
_OF_EDGES: Final = tuple(key.name for key in _KEYS if key.of == "edge")
_COLUMNS: Final = ("source", "source_label", "target", "target_label", *_OF_EDGES)


async def exports(
    graph: Graph, found: list[Network], *, format: ExportFormat, fold: tuple[Fold, ...] = ()
) -> dict[Network, str]:
    """Each network as the text of a file."""
    drawn = await pictures(graph, found, fold=fold)
    return {
        network: await asyncio.to_thread(_written, picture, format)
        for network, picture in drawn.items()
    }


def _written(picture: Picture, format: ExportFormat) -> str:
    if format is ExportFormat.JSON:
        return as_json(_plain(picture)).decode()
    if format is ExportFormat.CSV:
        return as_csv(_COLUMNS, _rows(picture))
    nodes = (FileNode(node.id, _of_node(node)) for node in picture.nodes)
    edges = (FileEdge(edge.id, edge.source, edge.target, _of_edge(edge)) for edge in picture.edges)
    return as_graphml("network", _KEYS, nodes=nodes, edges=edges)


def _plain(picture: Picture) -> dict[str, Any]:
    network = picture.network
    asked = {
        name: sorted(value) if isinstance(value, frozenset) else value
        for name in network.question.__struct_fields__
        for value in [getattr(network.question, name)]
    }
    return {
        "question": asked,
        "as_of": {"at": network.at, "block": network.block, "undated": network.undated},
        "nodes": picture.nodes,
        "edges": picture.edges,
    }


def _rows(picture: Picture) -> Iterator[tuple[object, ...]]:
    names = {node.id: node.name for node in picture.nodes}
    for edge in picture.edges:
        said = _of_edge(edge)
        ends = (edge.source, names[edge.source], edge.target, names[edge.target])
        yield (*ends, *(said[name] for name in _OF_EDGES))


def _of_node(node: PictureNode) -> dict[str, object]:
    behind = node.behind
    return {
        "label": node.name,
        "kind": node.kind.value,
        "x": node.place.x,
        "y": node.place.y,
        "hops": node.hops,
        "wallets": len(node.wallets),
        "service": node.service,
        "stop": " ".join(stop.value for stop in node.stops),
        "flows_in_behind": None if behind is None else behind.incoming.flows,
        "flows_out_behind": None if behind is None else behind.outgoing.flows,
        "transfers_in_behind": None if behind is None else behind.incoming.transfers,
        "transfers_out_behind": None if behind is None else behind.outgoing.transfers,
    }


def _of_edge(edge: PictureEdge) -> dict[str, object]:
    return {
        "token": " ".join(token for token in edge.tokens if token),
        "transfers": edge.transfers,
        "amount_raw": edge.amount_raw,
        "amount": edge.amount,
        "usd": edge.usd,
        "first_at": edge.first_at,
        "last_at": edge.last_at,
    }
