"""Paths as files: JSON, CSV with a row for each hop, GraphML with wallets and transfers."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Final

from graph_api.domain.ids import AccountId
from graph_api.services.exporting import (
    ExportFormat,
    FileEdge,
    FileNode,
    Key,
    as_csv,
    as_graphml,
    as_json,
)
from graph_api.services.timed_paths.answers import PathHop, PathsAnswer
from graph_api.store.graph import Graph

_COLUMNS: Final = (
    "path",
    "hop",
    "transfer",
    "transaction",
    "sender",
    "recipient",
    "token",
    "amount_raw",
    "block_number",
    "block_time",
    "searched",
    "as_of_block",
    "as_of",
)
_KEYS: Final = (
    Key("ends", "node", "string"),
    Key("paths", "edge", "string"),
    Key("token", "edge", "string"),
    Key("amount_raw", "edge", "string"),
    Key("transaction", "edge", "string"),
    Key("block_number", "edge", "long"),
    Key("block_time", "edge", "string"),
)


async def exports(
    graph: Graph, found: list[PathsAnswer], *, format: ExportFormat
) -> dict[PathsAnswer, str]:
    """Each answer as the text of a file."""
    return {answer: await asyncio.to_thread(exported, answer, format) for answer in found}


def exported(answer: PathsAnswer, format: ExportFormat) -> str:
    """The paths as the text of a file."""
    return _WRITERS[format](answer)


def _json(answer: PathsAnswer) -> str:
    return as_json(answer).decode()


def _csv(answer: PathsAnswer) -> str:
    return as_csv(_COLUMNS, _rows(answer))


def _rows(answer: PathsAnswer) -> Iterator[tuple[object, ...]]:
    rests_on = (answer.ended.value, answer.as_of.block, answer.as_of.at)
    for number, path in enumerate(answer.paths, start=1):
        for place, hop in enumerate(path.hops, start=1):
            yield (
                number,
                place,
                hop.transfer,
                hop.transaction,
                hop.sender,
                hop.recipient,
                hop.token,
                hop.amount_raw,
                hop.block_number,
                hop.block_time,
                *rests_on,
            )


def _graphml(answer: PathsAnswer) -> str:
    """A transfer is one edge, however many paths take it."""
    by_transfer: dict[str, PathHop] = {}
    numbers: dict[str, list[int]] = defaultdict(list)
    ends: dict[AccountId, set[str]] = {}
    for number, path in enumerate(answer.paths, start=1):
        for hop in path.hops:
            by_transfer[hop.transfer] = hop
            numbers[hop.transfer].append(number)
        for wallet in path.wallets:
            ends.setdefault(wallet, set())
        ends[path.wallets[0]].add("from")
        ends[path.wallets[-1]].add("to")
    nodes = (FileNode(wallet, {"ends": " ".join(sorted(of))}) for wallet, of in ends.items())
    edges = (_edge(hop, numbers[id]) for id, hop in by_transfer.items())
    return as_graphml("paths", _KEYS, nodes=nodes, edges=edges)


def _edge(hop: PathHop, paths: list[int]) -> FileEdge:
    data = {
        "paths": " ".join(map(str, paths)),
        "token": hop.token,
        "amount_raw": hop.amount_raw,
        "transaction": hop.transaction,
        "block_number": hop.block_number,
        "block_time": hop.block_time,
    }
    return FileEdge(hop.transfer, hop.sender, hop.recipient, data)


_WRITERS: Final[dict[ExportFormat, Callable[[PathsAnswer], str]]] = {
    ExportFormat.JSON: _json,
    ExportFormat.CSV: _csv,
    ExportFormat.GRAPHML: _graphml,
}
