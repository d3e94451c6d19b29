"""Questions about wallets: by id, and pages of a chain's wallets."""

import asyncio
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Final

import msgspec

from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId, ChainId
from graph_api.domain.pages import Page, Slice
from graph_api.domain.records import WalletKind
from graph_api.store import streams
from graph_api.store.graph import Graph
from graph_api.store.records import Columns, looks_up
from graph_api.store.streams import OF_IDS, Stream


class WalletRow(msgspec.Struct, frozen=True, gc=False):
    """A wallet's own properties. ``newest`` is the order of its newest transfer on its chain."""

    own: ClassVar[frozenset[str]] = frozenset({"id"})

    id: AccountId
    chain: ChainId
    address: str
    kind: str
    first_seen_at: datetime | None
    last_seen_at: datetime | None
    transfers_in: int
    transfers_out: int
    flows_in: int
    flows_out: int
    newest: str | None


class WalletHit(WalletRow, frozen=True, gc=False):
    """A wallet as a statement of a stream answers it."""

    owner: str
    side: str
    scanned: int | None
    last: str | None
    key: str | None


class WalletOrder(StrEnum):
    """How a list of wallets is ordered."""

    ID = "id"
    NEWEST_ACTIVITY = "newest_activity"


class WalletQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Which wallets are asked for; None leaves a condition out.

    ``active_since`` and ``active_until`` ask for wallets whose known activity, from first to last,
    reaches into that time.
    """

    order: WalletOrder = WalletOrder.ID
    chain: ChainId | None = None
    kind: WalletKind | None = None
    active_since: datetime | None = None
    active_until: datetime | None = None

    def __post_init__(self) -> None:
        if self.order is WalletOrder.NEWEST_ACTIVITY and self.chain is None:
            raise BadInput("Newest activity is an order within a chain; name the chain.")


def _ids_of(chain: str) -> str:
    return f"{chain}:" if chain else ""


_BY_ID: Final = Stream(
    record=WalletHit,
    scan="wallets/by_id",
    window="wallets/by_id_window",
    prefix=_ids_of,
    letters=OF_IDS,
)


class _Side(msgspec.Struct, frozen=True):
    owner: str
    side: str
    key: str
    wallet: AccountId | None


async def _by_newest(
    graph: Graph, branches: list[dict[str, Any]], parameters: dict[str, Any]
) -> list[WalletHit]:
    """Wallets at their newest transfers, in the form in which a statement of a stream answers.

    The engine that must not sort would leave the index if one statement looked up the wallets too.
    """
    rows = await graph.read_each(
        "wallets/newest_of_chain", _Side, branches, scan=parameters["scan"]
    )
    known = await by_ids(graph, list({row.wallet: None for row in rows if row.wallet}))
    hits: list[WalletHit] = []
    for side in ("out", "in"):
        # A recipient's place is behind the sender's, whose key is the transfer's own.
        behind = "~" if side == "in" else ""
        for branch in branches:
            seen = [row for row in rows if (row.owner, row.side) == (branch["owner"], side)]
            last = max((row.key + behind for row in seen), default=None)
            found: list[tuple[str, WalletRow]] = []
            for row in seen:
                wallet = known.get(row.wallet) if row.wallet else None
                key = row.key + behind
                if wallet is None or row.key != branch["prefix"] + (wallet.newest or ""):
                    continue
                if key < branch["end"] and _passes(wallet, parameters):
                    found.append((key, wallet))
            found.sort(key=lambda one: one[0])
            for key, wallet in found[: parameters["limit"]]:
                hits.append(_hit(wallet, branch, side, len(seen), last, key))
            if not found:
                hits.append(_hit(_NOBODY, branch, side, len(seen), last, None))
    return hits


def _passes(wallet: WalletRow, wanted: dict[str, Any]) -> bool:
    kind, since, until = wanted["kind"], wanted["since"], wanted["until"]
    if kind is not None and wallet.kind != kind:
        return False
    if since is not None and (wallet.last_seen_at is None or wallet.last_seen_at < since):
        return False
    return until is None or (wallet.first_seen_at is not None and wallet.first_seen_at <= until)


def _hit(
    wallet: WalletRow,
    branch: dict[str, Any],
    side: str,
    scanned: int,
    last: str | None,
    key: str | None,
) -> WalletHit:
    return WalletHit(
        **msgspec.structs.asdict(wallet),
        owner=branch["owner"],
        side=side,
        scanned=scanned,
        last=last,
        key=key,
    )


_NOBODY: Final = WalletRow(
    AccountId(""), ChainId(""), "", WalletKind.UNKNOWN, None, None, 0, 0, 0, 0, None
)

_BY_NEWEST: Final = Stream(
    record=WalletHit,
    scan="wallets/newest_of_chain",
    window="wallets/by_newest_window",
    reader=_by_newest,
)


@looks_up("wallets/by_ids", WalletRow)
async def by_ids(
    graph: Graph, wallets: list[AccountId], *, columns: Columns = None
) -> dict[AccountId, WalletRow]:
    """The wallets that are in the graph."""
    rows = await graph.read("wallets/by_ids", WalletRow, ids=wallets, columns=columns)
    return {row.id: row for row in rows}


async def search(
    graph: Graph, questions: list[WalletQuestion], *, page: Page
) -> dict[WalletQuestion, Slice[WalletRow]]:
    """A page for each question.

    By newest activity a chain's transfers are walked from the newest on, and a wallet stands
    where its newest transfer does: once, and not at all while it has none.
    """
    found = await asyncio.gather(*(_search(graph, question, page) for question in questions))
    return dict(zip(questions, found, strict=True))


async def _search(graph: Graph, question: WalletQuestion, page: Page) -> Slice[WalletRow]:
    by_newest = question.order is WalletOrder.NEWEST_ACTIVITY
    owner = question.chain or ""
    found = await streams.pages(
        graph,
        _BY_NEWEST if by_newest else _BY_ID,
        [owner],
        page=page,
        filters={
            "kind": question.kind,
            "since": question.active_since,
            "until": question.active_until,
        },
    )
    return found[owner]
