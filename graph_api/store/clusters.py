"""Questions about clusters: of wallets, by id, who is in them, and the evidence behind them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from graph_api.domain.clusters import Evidence, Heuristic, Suspicion, anchor_of
from graph_api.domain.ids import AccountId, ChainId, TransactionId
from graph_api.domain.pages import Page, Slice
from graph_api.store import streams, wallets
from graph_api.store.graph import Graph
from graph_api.store.records import moment
from graph_api.store.streams import OF_IDS, Stream
from graph_api.store.wallets import WalletRow


class ClusterRow(msgspec.Struct, frozen=True):
    """One cluster of the published run, and which run last changed it."""

    id: str
    chain: ChainId
    size: int
    actor: str | None
    suspicion: str | None
    refused: list[str] | None
    run: str


class _OfWallet(ClusterRow, frozen=True):
    wallet: AccountId


class EvidenceRow(msgspec.Struct, frozen=True):
    """One reason to take two wallets for one."""

    id: str
    heuristic: str
    start: AccountId
    end: AccountId
    transaction: TransactionId | None
    block_number: int | None
    confidence: float

    @property
    def evidence(self) -> Evidence:
        """As the methods take it."""
        return Evidence(
            Heuristic(self.heuristic),
            self.start,
            self.end,
            self.transaction,
            self.block_number,
            self.confidence,
        )


class _AtWallet(EvidenceRow, frozen=True):
    wallet: AccountId


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """One run of clustering on a chain.

    Args:
        number: 1 for the first; the newest that is done is the published one.
        done: False while what it found is being written.
        block_number, block_time: The newest block that it knew; None where sources tell none.
        labels: Digest of what labels said.
        threshold: Evidence that is less sure merged nothing.
        incremental: Whether it read new blocks only.
        wallets: How many wallets are in clusters.
    """

    id: str
    chain: ChainId
    number: int
    done: bool = False
    started_at: int
    finished_at: int | None = None
    block_number: int | None = None
    block_time: int | None = None
    labels: str = ""
    threshold: float = 0.0
    incremental: bool = False
    facts: int = 0
    evidence: int = 0
    wallets: int = 0
    clusters: int = 0
    largest: int = 0
    suspicious: int = 0

    @property
    def at(self) -> datetime | None:
        """The time of its newest block."""
        return None if self.block_time is None else moment(self.block_time)


class _Run(msgspec.Struct, frozen=True):
    run: dict[str, Any]


class _Member(msgspec.Struct, frozen=True):
    owner: str
    side: str
    scanned: int | None
    last: str | None
    key: str | None
    wallet: AccountId


_MEMBERS: Final = Stream(
    record=_Member,
    scan="clusters/wallets_of",
    newest="clusters/wallets_of",
    window="clusters/wallets_of_window",
    letters=OF_IDS,
)


def run_id(chain: ChainId, number: int) -> str:
    """The id of a run; 0 stands for the published one."""
    return f"{chain}|{number}" if number else f"{chain}|published"


async def by_wallets(graph: Graph, wallets: list[AccountId]) -> dict[AccountId, ClusterRow]:
    """The cluster of each wallet; one that is in none is left out."""
    rows = await graph.read("clusters/by_wallets", _OfWallet, wallets=wallets)
    return {row.wallet: row for row in rows}


async def by_ids(graph: Graph, ids: list[str]) -> dict[str, ClusterRow]:
    """The cluster that each id leads to: its own, or the one that its first wallet is in now."""
    rows = await graph.read("clusters/by_ids", ClusterRow, ids=ids)
    found = {row.id: row for row in rows}
    gone = {id: anchor for id in ids if id not in found and (anchor := anchor_of(id)) is not None}
    if gone:
        there = await by_wallets(graph, sorted(set(gone.values())))
        found |= {id: there[anchor] for id, anchor in gone.items() if anchor in there}
    return found


async def members(graph: Graph, ids: list[str], *, page: Page) -> dict[str, Slice[WalletRow]]:
    """A page of the wallets of each cluster, in the order of their ids."""
    found = await streams.pages(graph, _MEMBERS, ids, page=page)
    wanted = sorted({row.wallet for slice_ in found.values() for row in slice_.rows})
    rows = await wallets.by_ids(graph, wanted) if wanted else {}
    return {id: _of_wallets(slice_, rows) for id, slice_ in found.items()}


async def evidence(graph: Graph, ids: list[str]) -> dict[str, EvidenceRow]:
    """Evidence by its ids; what does not hold any more is left out."""
    return {
        row.id: row for row in await graph.read("clusters/evidence_by_ids", EvidenceRow, ids=ids)
    }


async def links(
    graph: Graph,
    wallets: Sequence[AccountId],
    *,
    least: float,
    block: int | None = None,
    heuristics: Collection[Heuristic] | None = None,
    limit: int,
) -> list[EvidenceRow]:
    """The evidence that touches any of ``wallets``: so sure at least, known by ``block``, and of
    ``heuristics`` where these are named.
    """
    return await graph.read(
        "clusters/links",
        EvidenceRow,
        wallets=list(wallets),
        least=least,
        block=block,
        heuristics=None if heuristics is None else sorted(heuristics),
        limit=limit,
    )


async def links_of_wallets(
    graph: Graph, wallets: list[AccountId], *, first: int
) -> dict[AccountId, list[EvidenceRow]]:
    """The surest evidence at each wallet, whether it merges or not."""
    found: dict[AccountId, list[EvidenceRow]] = {}
    rows = await graph.read("clusters/links_of_wallets", _AtWallet, wallets=wallets, first=first)
    for row in sorted(rows, key=lambda row: (-row.confidence, row.id)):
        found.setdefault(row.wallet, []).append(row)
    return found


async def evidence_lists(
    graph: Graph, lists: list[tuple[str, ...]]
) -> dict[tuple[str, ...], list[EvidenceRow]]:
    """The evidence of several lists of ids, each in its order."""
    rows = await evidence(graph, sorted({id for ids in lists for id in ids}))
    return {ids: [rows[id] for id in ids if id in rows] for ids in lists}


async def published(graph: Graph, chains: list[ChainId]) -> dict[ChainId, RunRow]:
    """The published run of each chain; one that was never clustered is left out."""
    rows = await graph.read("clusters/runs", _Run, ids=[run_id(chain, 0) for chain in chains])
    found = [run_of(row.run) for row in rows]
    return {row.chain: row for row in found}


async def runs(graph: Graph, ids: list[str]) -> dict[str, RunRow]:
    """Runs by their ids."""
    rows = await graph.read("clusters/runs", _Run, ids=ids)
    return {row.run["id"]: run_of(row.run) for row in rows}


def run_of(properties: dict[str, Any]) -> RunRow:
    """A run from its properties."""
    known = {name: properties[name] for name in RunRow.__struct_fields__ if name in properties}
    return msgspec.convert(known, RunRow)


def suspicion_of(row: ClusterRow) -> Suspicion | None:
    """Why it was not merged further, if anything was refused."""
    return None if row.suspicion is None else Suspicion(row.suspicion)


def _of_wallets(found: Slice[_Member], rows: dict[AccountId, WalletRow]) -> Slice[WalletRow]:
    # A wallet that was removed since stays in its cluster until the next run.
    kept = [
        (place, row)
        for place, member in zip(found.places, found.rows, strict=True)
        if (row := rows.get(member.wallet)) is not None
    ]
    return Slice(
        rows=[row for _, row in kept],
        places=[place for place, _ in kept],
        more_before=found.more_before,
        more_after=found.more_after,
        stopped_at=found.stopped_at,
    )
