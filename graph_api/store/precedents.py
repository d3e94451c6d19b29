"""What was before a transfer, whatever has happened since: dealings, activity, balances.

Transfers of a chain have an order (``domain.positions``), newest first; "before" is behind it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final, NamedTuple

from graph_api.domain.errors import TooCostly
from graph_api.domain.ids import AccountId, TokenId
from graph_api.domain.pages import Page
from graph_api.domain.positions import page_key
from graph_api.store import holdings, moves, transfers, wallets
from graph_api.store.blocks import Window
from graph_api.store.flows import FlowRow
from graph_api.store.graph import Graph
from graph_api.store.holdings import HoldingRow
from graph_api.store.moves import Move
from graph_api.store.streams import END, Span
from graph_api.store.transfers import TransferFilter, TransferHit

#: So many ranges are read by one statement.
_AT_ONCE: Final = 40
#: How many movements of a wallet since a transfer are summed up.
MOST_MOVES: Final = 20_000
_TRIES: Final = 5


class Meeting(NamedTuple):
    """Two wallets, and the place and time of a transfer between them."""

    wallet: AccountId
    other: AccountId
    order: str
    at: datetime | None


class Place(NamedTuple):
    """A wallet and the place of a transfer."""

    wallet: AccountId
    order: str


class Net(NamedTuple):
    """What a wallet had received less what it had sent of a token; whether all is counted."""

    raw: int
    complete: bool


async def met_before(graph: Graph, meetings: Sequence[Meeting]) -> dict[Meeting, bool | None]:
    """Whether value moved between each two, either way, before; None where that takes too long."""
    flows = await _flows(graph, {(one.wallet, one.other) for one in meetings})
    found: dict[Meeting, bool | None] = {}
    for one in meetings:
        told = _by_times(one, flows.get(_pair(one.wallet, one.other), ()))
        found[one] = told if isinstance(told, bool) else await _earlier(graph, one, told)
    return found


async def last_before(graph: Graph, places: Sequence[Place]) -> dict[Place, datetime]:
    """When each wallet sent or received last before; absent where it had not, or nobody knows."""
    rows: list[TransferHit] = []
    wanted = iter(sorted(set(places)))
    while some := list(islice(wanted, _AT_ONCE)):
        branches = [
            {
                "owner": wallet,
                "after": page_key(wallet, order),
                "end": page_key(wallet, END),
            }
            for wallet, order in some
        ]
        rows += await graph.read_each("transfers/newest_of_wallet", TransferHit, branches, limit=1)
    # A row does not say of which branch it is, but it is the nearest behind a place of its owner.
    by_owner: dict[str, list[TransferHit]] = {}
    for row in rows:
        if row.key is not None:
            by_owner.setdefault(row.owner, []).append(row)
    found = {}
    for place in places:
        key = page_key(place.wallet, place.order)
        behind = [row for row in by_owner.get(place.wallet, ()) if (row.key or "") > key]
        nearest = min(behind, key=lambda row: row.key or "", default=None)
        if nearest is not None and nearest.block_time is not None:
            found[place] = nearest.block_time
    return found


async def nets_after(
    graph: Graph, wallet: AccountId, token: TokenId, orders: Iterable[str]
) -> dict[str, Net]:
    """What the wallet had of ``token`` once the transfer at each place was done; empty where it
    never had any.

    What is held now less what moved since, read again when something moved meanwhile.
    Raises: TooCostly when that is more than ``MOST_MOVES``.
    """
    wanted = sorted(set(orders))
    before, moved = await _holding(graph, wallet, token), list[Move]()
    for _ in range(_TRIES):
        some = await moves.of_wallet(graph, wallet, spans=[Span(end=wanted[-1])], budget=MOST_MOVES)
        if some is None:
            raise TooCostly(f"{wallet} moved more than {MOST_MOVES:,} times since then.")
        held = await _holding(graph, wallet, token)
        moved, same = some, held == before
        if same:
            break
        before = held
    return {} if before is None else _nets(before, moved, [page_key(wallet, one) for one in wanted])


def _nets(held: HoldingRow, moved: Iterable[Move], keys: Sequence[str]) -> dict[str, Net]:
    since = sorted(
        (move for move in moved if move.token == held.token and move.key is not None),
        key=lambda move: move.key or "",
    )
    found, raw, uncounted, place = dict[str, Net](), int(held.net_raw), held.uncounted, 0
    seen = set[str | None]()
    for key in keys:
        while place < len(since) and (since[place].key or "") < key:
            move = since[place]
            if move.amount_raw is None:
                # What a wallet sends to itself stands on both sides and is one transfer.
                uncounted -= move.key not in seen
                seen.add(move.key)
            else:
                raw -= int(move.amount_raw) * (1 if move.side == "in" else -1)
            place += 1
        found[key.partition("|")[2]] = Net(raw, complete=uncounted == 0)
    return found


def _pair(one: AccountId, other: AccountId) -> tuple[AccountId, AccountId]:
    return (one, other) if one <= other else (other, one)


async def _flows(
    graph: Graph, pairs: Iterable[tuple[AccountId, AccountId]]
) -> dict[tuple[AccountId, AccountId], list[FlowRow]]:
    """The flows between each two, either way, looked for at the one that has fewer."""
    wanted = sorted({_pair(*pair) for pair in pairs})
    if not wanted:
        return {}
    ids = sorted({wallet for pair in wanted for wallet in pair})
    degrees = {
        id: row.flows_in + row.flows_out for id, row in (await wallets.by_ids(graph, ids)).items()
    }
    hops = []
    for pair in wanted:
        near, far = sorted(pair, key=lambda wallet: (degrees.get(wallet, 0), wallet))
        hops.append({"near": near, "far": far})
    sides: dict[str, Any] = {"out": hops, "in": hops}
    rows = await graph.read("walks/hops", FlowRow, **sides, token=None)
    found: dict[tuple[AccountId, AccountId], list[FlowRow]] = {}
    for row in rows:
        found.setdefault(_pair(row.sender, row.recipient), []).append(row)
    return found


def _by_times(meeting: Meeting, flows: Sequence[FlowRow]) -> bool | Window:
    """What totals tell of it, or in which time its answer lies: there transfers have to be read."""
    if sum(flow.transfers for flow in flows) <= 1:
        return False
    dated = [flow.first_at for flow in flows if flow.first_at is not None]
    if meeting.at is None:
        return Window()
    if any(first < meeting.at for first in dated):
        return True
    if len(dated) < len(flows):
        return Window()
    if any(first == meeting.at for first in dated):
        return Window(since=meeting.at, until=meeting.at)
    return False


async def _earlier(graph: Graph, meeting: Meeting, window: Window) -> bool | None:
    """Whether one of the wallet's transfers behind the place is with the other."""
    found = await transfers.of_wallets(
        graph,
        [meeting.wallet],
        filter=TransferFilter(party=meeting.other, window=window),
        page=Page(size=1, after=meeting.order),
    )
    rows = found[meeting.wallet]
    if rows.rows:
        return True
    return None if rows.stopped_at is not None else False


async def _holding(graph: Graph, wallet: AccountId, token: TokenId) -> HoldingRow | None:
    found = await holdings.of_wallets(graph, [wallet], first=1, tokens=(token,))
    return next(iter(found.get(wallet, ())), None)
