"""Clusters as files: JSON, CSV and GraphML.

JSON is the whole answer. CSV has a row for each wallet with its cluster and the surest link that
ties it there; of an explanation, a row for each link. GraphML has wallets as nodes and evidence as
edges, those that were refused among them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from graph_api.domain.clusters import THRESHOLD, Suspicion, cluster_id
from graph_api.domain.errors import GraphApiError, TooCostly
from graph_api.domain.ids import AccountId
from graph_api.domain.pages import Page
from graph_api.services.clustering.chain_replays import ReplayAnswer
from graph_api.services.clustering.replays import BUDGET, Explanation, Replay
from graph_api.services.exporting import (
    ExportFormat,
    FileEdge,
    FileNode,
    Key,
    as_csv,
    as_graphml,
    as_json,
)
from graph_api.store import clusters
from graph_api.store.clusters import ClusterRow, EvidenceRow
from graph_api.store.graph import Graph

#: A published cluster of more wallets is exported by a kept replay.
MOST_WALLETS: Final = 5_000
_WALLET_COLUMNS: Final = (
    "wallet",
    "cluster",
    "size",
    "actor",
    "suspicion",
    "links",
    "tied_to",
    "heuristic",
    "confidence",
    "block_number",
    "transaction",
)
_LINK_COLUMNS: Final = (
    "evidence",
    "heuristic",
    "start",
    "end",
    "confidence",
    "block_number",
    "transaction",
)
_KEYS: Final = (
    Key("cluster", "node", "string"),
    Key("actor", "node", "string"),
    Key("suspicion", "node", "string"),
    Key("heuristic", "edge", "string"),
    Key("confidence", "edge", "double"),
    Key("block_number", "edge", "long"),
    Key("transaction", "edge", "string"),
    Key("refused", "edge", "boolean"),
)


class Group(NamedTuple):
    """One cluster as files tell it."""

    id: str
    members: Sequence[AccountId]
    actor: str | None
    suspicion: Suspicion | None


async def replays(graph: Graph, found: list[Replay], *, format: ExportFormat) -> dict[Replay, str]:
    """Each replay as the text of a file."""
    return {one: exported_replay(one, format) for one in found}


async def explanations(
    graph: Graph, found: list[Explanation], *, format: ExportFormat
) -> dict[Explanation, str]:
    """Each explanation as the text of a file."""
    return {one: exported_explanation(one, format) for one in found}


async def answers(
    graph: Graph, found: list[ReplayAnswer], *, format: ExportFormat
) -> dict[ReplayAnswer, str]:
    """The clusters of whole chains as texts of files."""
    return {one: exported_answer(one, format) for one in found}


async def published(
    graph: Graph, ids: list[str], *, format: ExportFormat
) -> dict[str, str | GraphApiError]:
    """Published clusters, with the evidence that merges them, as texts of files; or why not."""
    rows = await clusters.by_ids(graph, ids)
    return {id: await _tried(graph, row, format) for id, row in rows.items()}


async def _tried(graph: Graph, row: ClusterRow, format: ExportFormat) -> str | GraphApiError:
    try:
        return await _published(graph, row, format)
    except TooCostly as refusal:
        return refusal


async def _published(graph: Graph, row: ClusterRow, format: ExportFormat) -> str:
    if row.size > MOST_WALLETS:
        raise TooCostly(
            f"The cluster has {row.size:,} wallets, and an export at once {MOST_WALLETS:,}; "
            "`requestClusterReplay` around one of them keeps it whole."
        )
    page = (await clusters.members(graph, [row.id], page=Page(size=MOST_WALLETS)))[row.id]
    members = [wallet.id for wallet in page.rows]
    run = (await clusters.published(graph, [row.chain])).get(row.chain)
    least = THRESHOLD if run is None else run.threshold
    links = await clusters.links(graph, members, least=least, limit=BUDGET)
    inside, refused = set(members), set(row.refused or ())
    known = [one for one in links if {one.start, one.end} <= inside or one.id in refused]
    group = Group(row.id, members, row.actor, clusters.suspicion_of(row))
    body = {"cluster": row, "run": run, "members": members, "evidence": known}
    return _exported(body, [group], known, refused, format)


def exported_replay(found: Replay, format: ExportFormat) -> str:
    """The wallets that are one on other terms."""
    group = Group(cluster_id(found.wallets[0]), found.wallets, found.actor, found.suspicion)
    refused = {one.id for one in found.refused}
    return _exported(found, [group], [*found.evidence, *found.refused], refused, format)


def exported_answer(found: ReplayAnswer, format: ExportFormat) -> str:
    """All clusters of a chain."""
    groups = [Group(one.id, one.members, one.actor, one.suspicion) for one in found.clusters]
    refused = {id for one in found.clusters for id in one.refused}
    return _exported(found, groups, found.evidence, refused, format)


def exported_explanation(found: Explanation, format: ExportFormat) -> str:
    """The links from one wallet to another."""
    if format is ExportFormat.CSV:
        rows = (
            (
                link.id,
                link.heuristic,
                link.start,
                link.end,
                link.confidence,
                link.block_number,
                link.transaction,
            )
            for link in found.links
        )
        return as_csv(_LINK_COLUMNS, rows)
    return _exported(found, [], found.links, set(), format)


def _exported(
    body: Any,
    groups: Sequence[Group],
    links: Sequence[EvidenceRow],
    refused: set[str],
    format: ExportFormat,
) -> str:
    match format:
        case ExportFormat.JSON:
            return as_json(body).decode()
        case ExportFormat.CSV:
            return _csv(groups, [link for link in links if link.id not in refused])
        case ExportFormat.GRAPHML:
            return _graphml(groups, links, refused)


def _csv(groups: Sequence[Group], links: Sequence[EvidenceRow]) -> str:
    surest: dict[AccountId, EvidenceRow] = {}
    count: Counter[AccountId] = Counter()
    for link in sorted(links, key=lambda link: (link.confidence, link.id)):
        for end in (link.start, link.end):
            surest[end] = link
            count[end] += 1
    return as_csv(
        _WALLET_COLUMNS,
        (
            (
                wallet,
                group.id,
                len(group.members),
                group.actor,
                group.suspicion,
                count[wallet],
                *_tie(wallet, surest.get(wallet)),
            )
            for group in groups
            for wallet in group.members
        ),
    )


def _tie(wallet: AccountId, link: EvidenceRow | None) -> tuple[object, ...]:
    if link is None:
        return (None,) * 5
    other = link.end if wallet == link.start else link.start
    return other, link.heuristic, link.confidence, link.block_number, link.transaction


def _graphml(groups: Sequence[Group], links: Sequence[EvidenceRow], refused: set[str]) -> str:
    nodes: dict[AccountId, Mapping[str, object]] = {
        end: {} for link in links for end in (link.start, link.end)
    }
    for group in groups:
        said = {"cluster": group.id, "actor": group.actor, "suspicion": group.suspicion}
        nodes.update(dict.fromkeys(group.members, said))
    edges: Iterable[FileEdge] = (
        FileEdge(
            link.id,
            link.start,
            link.end,
            {
                "heuristic": link.heuristic,
                "confidence": link.confidence,
                "block_number": link.block_number,
                "transaction": link.transaction,
                "refused": link.id in refused,
            },
        )
        for link in links
    )
    files = (FileNode(wallet, nodes[wallet]) for wallet in sorted(nodes))
    return as_graphml("clusters", _KEYS, nodes=files, edges=edges)
