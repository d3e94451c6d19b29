"""Questions about ways through the graph: who is next to wallets, and what flows between them.

Walks follow FLOWED, one road for each ordered pair and token. What a hub has on its roads is never
read at once: callers know the degree of a wallet before they go on from it.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from graph_api.domain.categories import SERVICES
from graph_api.domain.ids import AccountId, TokenId
from graph_api.domain.records import SERVICE_TYPES
from graph_api.store.flows import FlowDegree, FlowRow, Ranked
from graph_api.store.graph import Graph
from graph_api.store.transfers import Direction
from graph_api.store.wallets import WalletRow

#: A label that is less sure than this does not make a wallet a service.
SURE: Final = 0.2
_PAGES: Final = (100, 400, 2_000)


class WalkWallet(WalletRow, frozen=True):
    """A wallet, and whether a label says that it is a service."""

    service: bool

    @property
    def flows(self) -> int:
        """How many flows begin or end here."""
        return self.flows_in + self.flows_out


class _Side(msgspec.Struct, frozen=True):
    side: str
    wallet: AccountId
    others: list[AccountId]
    degrees: list[int]


class Neighbours(NamedTuple):
    """What one step of a search finds.

    Of wallets that it went on from, forth and back, their neighbours with the flows that these
    have; how many flows the ends have; which of the wallets that were checked are services.
    """

    forth: dict[AccountId, dict[AccountId, int]]
    back: dict[AccountId, dict[AccountId, int]]
    ends: dict[AccountId, int]
    services: set[AccountId]


class Hop(msgspec.Struct, frozen=True):
    """Two neighbours on a way, in its direction, and which flows of theirs are meant.

    The flows of the one that is ``near`` are looked through, which has few.
    """

    start: AccountId
    end: AccountId
    near: AccountId
    direction: Direction
    token: TokenId | None


class FlowPlace(NamedTuple):
    """Where a flow stands among the flows of a wallet: by its strength, then by its id."""

    strength: float
    id: str
    by_amount: bool = False


class FlowWish(msgspec.Struct, frozen=True, kw_only=True):
    """Which flows are wanted: of a token, since a moment; the strongest by amount or transfers."""

    direction: Direction = Direction.BOTH
    token: TokenId | None = None
    since: datetime | None = None
    by_amount: bool = False

    def takes(self, flow: FlowRow) -> bool:
        """Whether it is of that token, and something moved since then."""
        if self.token is not None and flow.token != self.token:
            return False
        return self.since is None or (flow.last_at is not None and flow.last_at >= self.since)

    def place(self, flow: FlowRow) -> FlowPlace:
        """Where it stands."""
        strength = (flow.amount or 0.0) if self.by_amount else flow.transfers
        return FlowPlace(strength, flow.id, self.by_amount)

    def strength(self, flow: FlowRow) -> tuple[float, str]:
        """Sorts the strongest first."""
        return _rank(self.place(flow))


async def neighbours(
    graph: Graph,
    *,
    forth: Sequence[AccountId] = (),
    back: Sequence[AccountId] = (),
    direction: Direction,
    token: TokenId | None,
    most: int,
    ends: Sequence[AccountId] = (),
    checked: Sequence[AccountId],
    at: datetime,
) -> Neighbours:
    """Who is one flow away: of ``forth`` in the direction, of ``back`` against it.

    One statement; it costs by the flows of the wallets, and goes on from none with more than
    ``most``. An end that is not in the graph is left out.
    """
    out, into = _both_ways(forth, back, direction)
    sides: dict[str, Any] = {"out": out, "in": into}
    rows = await graph.read(
        "walks/step",
        _Side,
        **sides,
        token=token,
        most=most,
        ends=list(ends),
        checked=list(checked),
        **_of_services(at),
    )
    found = Neighbours({}, {}, {}, set())
    went_forth = set(forth)
    for row in rows:
        if row.side == "service":
            found.services.add(row.wallet)
        elif row.side == "end":
            (found.ends[row.wallet],) = row.degrees
        else:
            near = found.forth if row.wallet in went_forth else found.back
            others = near.setdefault(row.wallet, {})
            others.update(zip(row.others, row.degrees, strict=True))
    return found


async def flows_of_hops(graph: Graph, hops: list[Hop]) -> dict[Hop, list[FlowRow]]:
    """What flowed between the neighbours of each hop, the most transfers first.

    One statement for all hops that ask for the same token.
    """
    tokens = {hop.token: None for hop in hops}
    parts = await asyncio.gather(
        *(_flows(graph, [hop for hop in hops if hop.token == token], token) for token in tokens)
    )
    return {hop: rows for part in parts for hop, rows in part.items()}


async def _flows(graph: Graph, hops: list[Hop], token: TokenId | None) -> dict[Hop, list[FlowRow]]:
    pairs: dict[str, Any] = {"out": [], "in": []}
    for hop in hops:
        far = hop.end if hop.near == hop.start else hop.start
        out, into = _both_ways([hop.start], [hop.end], hop.direction)
        if hop.near in out:
            pairs["out"].append({"near": hop.near, "far": far})
        if hop.near in into:
            pairs["in"].append({"near": hop.near, "far": far})
    rows = await graph.read("walks/hops", FlowRow, **pairs, token=token)
    found: dict[tuple[AccountId, AccountId], dict[str, FlowRow]] = {}
    for row in sorted(rows, key=lambda row: (-row.transfers, row.id)):
        found.setdefault((row.sender, row.recipient), {})[row.id] = row
    return {hop: _of_hop(hop, found) for hop in hops}


def _of_hop(
    hop: Hop, found: dict[tuple[AccountId, AccountId], dict[str, FlowRow]]
) -> list[FlowRow]:
    along, against = (hop.start, hop.end), (hop.end, hop.start)
    ways = {Direction.OUT: [along], Direction.IN: [against]}.get(hop.direction, [along, against])
    rows = [row for way in ways for row in found.get(way, {}).values()]
    return sorted(rows, key=lambda row: (-row.transfers, row.id))


async def wallets(
    graph: Graph, ids: Sequence[AccountId], *, at: datetime
) -> dict[AccountId, WalkWallet]:
    """The wallets that are in the graph, and whether labels of a moment call them services."""
    if not ids:
        return {}
    rows = await graph.read("walks/wallets", WalkWallet, ids=list(ids), **_of_services(at))
    return {row.id: row for row in rows}


class Partners(msgspec.Struct, frozen=True):
    """From how many wallets value came to one, and to how many it went."""

    wallet: AccountId
    senders: int
    recipients: int


async def partners(graph: Graph, ids: Sequence[AccountId]) -> dict[AccountId, Partners]:
    """With how many others each wallet has flows, for wallets that have not very many of them."""
    if not ids:
        return {}
    rows = await graph.read("walks/partners", Partners, wallets=list(ids))
    return {row.wallet: row for row in rows}


async def strongest(
    graph: Graph,
    owners: Sequence[AccountId],
    wish: FlowWish,
    *,
    limit: int,
    after: FlowPlace | None = None,
) -> dict[AccountId, list[FlowRow]]:
    """The strongest flows of each wallet, for wallets that have not very many of them.

    With ``after`` only flows that stand behind that place.
    """
    if not owners:
        return {}
    parameters: dict[str, Any] = {
        "wallets": list(owners),
        "by_amount": wish.by_amount,
        "token": wish.token,
        "since": wish.since,
        "limit": limit,
        "below": None if after is None else after.strength,
        "behind": None if after is None else after.id,
    }
    parts = await asyncio.gather(
        *(
            graph.read(f"walks/strongest_{way}", FlowRow, **parameters)
            for way, unwanted in (("out", Direction.IN), ("in", Direction.OUT))
            if wish.direction is not unwanted
        )
    )
    found: dict[AccountId, list[FlowRow]] = {owner: [] for owner in owners}
    for row in (row for part in parts for row in part):
        found[row.owner].append(row)
    if len(parts) == 1:
        return found  # in their order already, each of them once
    return {owner: behind(rows, wish)[:limit] for owner, rows in found.items()}


async def busiest_of_hub(
    graph: Graph,
    hub: FlowDegree,
    wish: FlowWish,
    *,
    limit: int,
    budget: int,
    after: FlowPlace | None = None,
) -> tuple[list[FlowRow], FlowPlace | None]:
    """The flows of a hub with the most transfers, and the place where ``budget`` rows ended.

    Nobody looked behind that place; it is None where the rows sufficed.
    """
    ways = [
        Ranked(graph, hub, outgoing=outgoing, after=after and after[:2])
        for outgoing, unwanted in ((True, Direction.IN), (False, Direction.OUT))
        if wish.direction is not unwanted
    ]
    parts = await asyncio.gather(*(_taken(way, wish, limit, budget, after) for way in ways))
    found = behind([flow for part in parts for flow in part.flows], wish)
    cut = min((part.cut for part in parts if part.cut is not None), key=_rank, default=None)
    if cut is None:
        return found[:limit], None
    found = [flow for flow in found if wish.strength(flow) <= _rank(cut)]
    return found[:limit], cut if len(found) < limit else None


def behind(
    flows: Iterable[FlowRow], wish: FlowWish, after: FlowPlace | None = None
) -> list[FlowRow]:
    """The flows that stand behind a place, the strongest first, each of them once."""
    # What a wallet sends to itself goes both ways.
    found = sorted({flow.id: flow for flow in flows}.values(), key=wish.strength)
    return found if after is None else [one for one in found if wish.strength(one) > _rank(after)]


class _Taken(NamedTuple):
    flows: list[FlowRow]
    cut: FlowPlace | None


async def _taken(
    way: Ranked, wish: FlowWish, limit: int, budget: int, after: FlowPlace | None
) -> _Taken:
    taken: list[FlowRow] = []
    last = after
    turn = 0
    while len(taken) < limit and not way.done and way.read < budget:
        flows = await way.more(_PAGES[min(turn, len(_PAGES) - 1)])
        last = max(map(wish.place, flows), key=_rank, default=last)
        taken += filter(wish.takes, behind(flows, wish, after))
        turn += 1
    return _Taken(taken, None if way.done or len(taken) >= limit else last)


def _rank(place: FlowPlace) -> tuple[float, str]:
    return -place.strength, place.id


def _both_ways(
    forth: Sequence[AccountId], back: Sequence[AccountId], direction: Direction
) -> tuple[list[AccountId], list[AccountId]]:
    """From whom to go on along flows, and from whom against them."""
    if direction is Direction.BOTH:
        return [*forth, *back], [*forth, *back]
    out, into = (forth, back) if direction is Direction.OUT else (back, forth)
    return list(out), list(into)


def _of_services(at: datetime) -> dict[str, Any]:
    return {"categories": _CATEGORIES, "types": _TYPES, "sure": SURE, "at": at}


_CATEGORIES: Final = sorted(category.value for category in SERVICES)
_TYPES: Final = [type.value for type in SERVICE_TYPES]
