"""Questions about labels: the sourced claims about wallets, as they were known and held on a day.

Every answer is one of a moment, ``as_of`` or now: of what had been learned and not taken back by
then, and what the source says was true then. The surest claims come first.
"""

import re
from datetime import datetime
from typing import Any, Final

import msgspec

from graph_api.domain import records
from graph_api.domain.categories import Category
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId, ChainId
from graph_api.domain.pages import Page, Slice, slice_of
from graph_api.domain.records import WalletKind
from graph_api.store import streams, wallets
from graph_api.store.graph import Graph
from graph_api.store.records import looks_up
from graph_api.store.streams import Stream
from graph_api.store.wallets import WalletRow


class LabelRow(msgspec.Struct, frozen=True):
    """A claim's own properties."""

    id: str
    label: str
    category: str | None
    confidence: float
    source: str
    source_url: str | None
    actor: str | None
    valid_from: datetime | None
    valid_to: datetime | None
    learned_at: datetime | None
    withdrawn_at: datetime | None
    source_category: str | None
    defines_cluster: bool | None
    note: str | None

    def holds(self, at: datetime) -> bool:
        """Whether it was known at that moment, and held then."""
        return (
            (self.learned_at is None or self.learned_at <= at)
            and (self.withdrawn_at is None or self.withdrawn_at > at)
            and (self.valid_from is None or self.valid_from <= at)
            and (self.valid_to is None or self.valid_to > at)
        )


class LabelHit(LabelRow, frozen=True):
    """A label as a statement of a stream answers it."""

    owner: str
    side: str
    scanned: int | None
    last: str | None
    key: str | None


class _OfWallet(LabelRow, frozen=True):
    wallet: AccountId


class _Account(msgspec.Struct, frozen=True):
    label: str
    wallet: AccountId


class _Wallets(msgspec.Struct, frozen=True):
    """The wallets that one label speaks of, as a statement of a stream answers them."""

    owner: str
    side: str
    scanned: int | None
    last: str | None
    key: str | None
    wallets: list[AccountId] | None


class LabelFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which labels are asked for; None leaves a condition out."""

    source: str | None = None
    category: Category | None = None
    min_confidence: float | None = None


class WalletFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which labelled wallets are asked for; None leaves a condition out.

    ``active`` asks for those that have (or have not) loaded transfers, ``since`` and ``until`` for
    those whose known activity reaches into that time. ``category`` and ``min_confidence`` are of
    the label.
    """

    chain: ChainId | None = None
    kind: WalletKind | None = None
    active: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    category: Category | None = None
    min_confidence: float | None = None


_ALL: Final = Stream(
    record=LabelHit,
    scan="labels/all",
    window="labels/all_window",
    prefix=lambda _owner: "label:",
    letters=streams.OF_IDS,
)
_OF_ACTOR: Final = Stream(record=LabelHit, scan="labels/of_actor", window="labels/of_actor_window")
_OF_CATEGORY: Final = Stream(
    record=LabelHit, scan="labels/of_category", window="labels/of_category_window"
)
_WALLETS_OF_ACTOR: Final = Stream(
    record=_Wallets, scan="labels/wallets_of_actor", window="labels/of_actor_window"
)
_WALLETS_OF_CATEGORY: Final = Stream(
    record=_Wallets, scan="labels/wallets_of_category", window="labels/of_category_window"
)
_PLACE: Final = re.compile(r"[!-~]+")


async def label_by_id(graph: Graph, label: str) -> records.Label | None:
    """One claim as it stands, withdrawn or not, with all the accounts that it speaks of."""
    found = await graph.read_one("labels/by_id", records.Label, id=label)
    if found is None:
        return None
    return msgspec.structs.replace(found, accounts=tuple(sorted(found.accounts)))


@looks_up("labels/by_ids", LabelRow)
async def by_ids(graph: Graph, labels: list[str]) -> dict[str, LabelRow]:
    """The labels that are in the graph, withdrawn ones included."""
    return {row.id: row for row in await graph.read("labels/by_ids", LabelRow, ids=labels)}


class _Standing(msgspec.Struct, frozen=True):
    id: str
    withdrawn_at: datetime | None


async def between(graph: Graph, first: str, last: str) -> dict[str, datetime | None]:
    """The labels whose ids lie in ``[first, last)``, with when they were taken back."""
    rows = await graph.read("labels/between", _Standing, first=first, last=last)
    return {row.id: row.withdrawn_at for row in rows}


async def of_wallets(
    graph: Graph,
    wallets: list[AccountId],
    *,
    as_of: datetime | None = None,
    now: datetime,
    first: int,
) -> dict[AccountId, list[LabelRow]]:
    """What is said of each wallet."""
    rows = await graph.read(
        "labels/of_wallets", _OfWallet, wallets=wallets, at=as_of or now, first=first
    )
    found: dict[AccountId, list[LabelRow]] = {}
    for row in sorted(rows, key=lambda row: (-row.confidence, row.id)):
        found.setdefault(row.wallet, []).append(row)
    return found


async def ever_of_wallets(
    graph: Graph, wallets: list[AccountId], *, first: int
) -> dict[AccountId, list[LabelRow]]:
    """What was ever said of each wallet: ``LabelRow.holds`` tells what held at a moment."""
    rows = await graph.read("labels/ever_of_wallets", _OfWallet, wallets=wallets, first=first)
    found: dict[AccountId, list[LabelRow]] = {}
    for row in sorted(rows, key=lambda row: (-row.confidence, row.id)):
        found.setdefault(row.wallet, []).append(row)
    return found


async def accounts_of(graph: Graph, labels: list[str]) -> dict[str, list[WalletRow]]:
    """The wallets that each label speaks of: one, or the same address on several chains."""
    ties = await graph.read("labels/accounts", _Account, ids=labels)
    rows = await wallets.by_ids(graph, sorted({tie.wallet for tie in ties}))
    found: dict[str, list[WalletRow]] = {}
    for tie in sorted(ties, key=lambda tie: tie.wallet):
        found.setdefault(tie.label, []).append(rows[tie.wallet])
    return found


async def everything(
    graph: Graph,
    *,
    filter: LabelFilter | None = None,
    as_of: datetime | None = None,
    now: datetime,
    page: Page,
) -> Slice[LabelRow]:
    """A page of all labels, in the order of their ids."""
    found = await streams.pages(
        graph, _ALL, [""], page=page, filters=_filters(filter or LabelFilter(), as_of or now)
    )
    return found[""]


async def of_actors(
    graph: Graph,
    actors: list[str],
    *,
    filter: LabelFilter | None = None,
    as_of: datetime | None = None,
    now: datetime,
    page: Page,
) -> dict[str, Slice[LabelRow]]:
    """A page of the labels that name each actor."""
    filters = _filters(filter or LabelFilter(), as_of or now)
    found = await streams.pages(graph, _OF_ACTOR, actors, page=page, filters=filters)
    return {**found}


async def of_categories(
    graph: Graph,
    categories: list[str],
    *,
    filter: LabelFilter | None = None,
    as_of: datetime | None = None,
    now: datetime,
    page: Page,
) -> dict[str, Slice[LabelRow]]:
    """A page of the labels of each category."""
    filters = _filters(filter or LabelFilter(), as_of or now)
    found = await streams.pages(graph, _OF_CATEGORY, categories, page=page, filters=filters)
    return {**found}


async def wallets_of_actors(
    graph: Graph,
    actors: list[str],
    *,
    filter: WalletFilter | None = None,
    as_of: datetime | None = None,
    now: datetime,
    page: Page,
) -> dict[str, Slice[WalletRow]]:
    """A page of the wallets of each actor, each wallet once."""
    filters = _filters(filter or WalletFilter(), as_of or now)
    return await _wallet_pages(graph, _WALLETS_OF_ACTOR, actors, filters=filters, page=page)


async def wallets_of_categories(
    graph: Graph,
    categories: list[str],
    *,
    filter: WalletFilter | None = None,
    as_of: datetime | None = None,
    now: datetime,
    page: Page,
) -> dict[str, Slice[WalletRow]]:
    """A page of the wallets that carry each category, each wallet once."""
    filters = _filters(filter or WalletFilter(), as_of or now)
    return await _wallet_pages(graph, _WALLETS_OF_CATEGORY, categories, filters=filters, page=page)


def _filters(filter: LabelFilter | WalletFilter, at: datetime) -> dict[str, Any]:
    return {"at": at, **msgspec.structs.asdict(filter)}


async def _wallet_pages(
    graph: Graph,
    stream: Stream[_Wallets],
    owners: list[str],
    *,
    filters: dict[str, Any],
    page: Page,
) -> dict[str, Slice[WalletRow]]:
    """Pages of wallets from a list of labels, which hold one or several of them."""
    found = await streams.pages(graph, stream, owners, page=_page_of_labels(page), filters=filters)
    flat = {owner: _flat(labels, page) for owner, labels in found.items()}
    wanted = sorted({wallet for slice_ in flat.values() for wallet in slice_.rows})
    rows = await wallets.by_ids(graph, wanted) if wanted else {}
    return {
        owner: Slice(
            rows=[rows[wallet] for wallet in slice_.rows],
            places=slice_.places,
            more_before=slice_.more_before,
            more_after=slice_.more_after,
            stopped_at=slice_.stopped_at,
        )
        for owner, slice_ in flat.items()
    }


# A wallet's place is that of its label, "@" and its own id. A page may end among the wallets of a
# label; the next one then begins with the same label and leaves out what was shown.


def _page_of_labels(page: Page) -> Page:
    """The labels that hold the wallets of ``page``."""
    after, before = _label_of(page.after), _label_of(page.before)
    return Page(
        # The label that the page begins with may have no wallet left.
        size=page.size + 1,
        after=after and f"{after[:-1]}{chr(ord(after[-1]) - 1)}~",
        before=before and f"{before}!",
        backward=page.backward,
    )


def _flat(labels: Slice[_Wallets], page: Page) -> Slice[AccountId]:
    """The wallets of labels, as many as the page takes."""
    rows = [
        (place, wallet)
        for order, label in zip(labels.places, labels.rows, strict=True)
        for wallet in sorted(label.wallets or ())
        if (page.after or "") < (place := f"{order}@{wallet}") < (page.before or streams.END)
    ]
    full = len(rows) > page.size
    kept = slice_of(rows[::-1] if page.backward else rows, page)
    stopped = None if full or labels.stopped_at is None else f"{labels.stopped_at}@~"
    if page.backward:
        return msgspec.structs.replace(
            kept, more_before=full or labels.more_before, stopped_at=stopped
        )
    return msgspec.structs.replace(kept, more_after=full or labels.more_after, stopped_at=stopped)


def _label_of(place: str | None) -> str | None:
    if place is None:
        return None
    order = place.partition("@")[0]
    if not _PLACE.fullmatch(order):
        raise BadInput("The cursor names no place in this list; pass one that it returned.")
    return order
