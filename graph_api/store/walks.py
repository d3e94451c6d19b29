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
    """What one step of a search finds: for each wallet its neighbours with their flows, and which
    of those that were checked are services.
    """

    of: dict[AccountId, dict[AccountId, int]]
    services: set[AccountId]


class Pair(NamedTuple):
    """Two neighbours: the one that has few flows, and the other."""

    near: AccountId
    far: AccountId


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

    def strength(self, flow: FlowRow) -> tuple[float, str]:
        """Sorts the strongest first."""
        return (-(flow.amount or 0.0) if self.by_amount else -flow.transfers), flow.id


async def neighbours(
    graph: Graph,
    wallets: Sequence[AccountId],
    *,
    direction: Direction,
    token: TokenId | None,
    checked: Sequence[AccountId],
    at: datetime,
) -> Neighbours:
    """Who is one flow away from ``wallets``, seen from them, and which of ``checked`` serve others.

    One statement; it costs by the flows of the wallets.
    """
    rows = await graph.read(
        "walks/step",
        _Side,
        **{
            "out": [] if direction is Direction.IN else list(wallets),
            "in": [] if direction is Direction.OUT else list(wallets),
        },
        token=token,
        checked=list(checked),
        **_of_services(at),
    )
    found = Neighbours({}, set())
    for row in rows:
        if row.side == "service":
            found.services.add(row.wallet)
        else:
            near = found.of.setdefault(row.wallet, {})
            near.update(zip(row.others, row.degrees, strict=True))
    return found


async def between(
    graph: Graph,
    forth: Sequence[Pair],
    back: Sequence[Pair],
    *,
    direction: Direction,
    token: TokenId | None,
) -> list[FlowRow]:
    """The flows of neighbours: ``forth`` in ``direction`` from the near ones, ``back`` against."""
    out = [*forth, *back] if direction is Direction.BOTH else forth
    into = [*forth, *back] if direction is Direction.BOTH else back
    if direction is Direction.IN:
        out, into = into, out
    pairs = {"out": [one._asdict() for one in out], "in": [one._asdict() for one in into]}
    return await graph.read("walks/hops", FlowRow, **pairs, token=token)


async def wallets(
    graph: Graph, ids: Sequence[AccountId], *, at: datetime
) -> dict[AccountId, WalkWallet]:
    """The wallets that are in the graph, and whether labels of a moment call them services."""
    if not ids:
        return {}
    rows = await graph.read("walks/wallets", WalkWallet, ids=list(ids), **_of_services(at))
    return {row.id: row for row in rows}


async def strongest(
    graph: Graph, owners: Sequence[AccountId], wish: FlowWish, *, limit: int
) -> dict[AccountId, list[FlowRow]]:
    """The strongest flows of each wallet, for wallets that have not very many of them."""
    if not owners:
        return {}
    parameters: dict[str, Any] = {
        "wallets": list(owners),
        "by_amount": wish.by_amount,
        "token": wish.token,
        "since": wish.since,
        "limit": limit,
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
    return {owner: _strongest(rows, wish, limit=limit) for owner, rows in found.items()}


async def busiest_of_hub(
    graph: Graph, hub: FlowDegree, wish: FlowWish, *, limit: int, budget: int
) -> tuple[list[FlowRow], bool]:
    """The flows of a hub with the most transfers, and whether ``budget`` rows sufficed for that."""
    ways = [
        Ranked(graph, hub, outgoing=outgoing)
        for outgoing, unwanted in ((True, Direction.IN), (False, Direction.OUT))
        if wish.direction is not unwanted
    ]
    parts = await asyncio.gather(*(_taken(way, wish, limit, budget) for way in ways))
    found = _strongest([flow for part in parts for flow in part], wish, limit=limit)
    sufficed = all(way.done or len(part) >= limit for way, part in zip(ways, parts, strict=True))
    return found, sufficed


async def _taken(way: Ranked, wish: FlowWish, limit: int, budget: int) -> list[FlowRow]:
    taken: list[FlowRow] = []
    turn = 0
    while len(taken) < limit and not way.done and way.read < budget:
        flows = await way.more(_PAGES[min(turn, len(_PAGES) - 1)])
        taken += filter(wish.takes, flows)
        turn += 1
    return taken


def _strongest(flows: Iterable[FlowRow], wish: FlowWish, *, limit: int) -> list[FlowRow]:
    # What a wallet sends to itself goes both ways.
    return sorted({flow.id: flow for flow in flows}.values(), key=wish.strength)[:limit]


def _of_services(at: datetime) -> dict[str, Any]:
    return {"categories": _CATEGORIES, "types": _TYPES, "sure": SURE, "at": at}


_CATEGORIES: Final = sorted(category.value for category in SERVICES)
_TYPES: Final = [type.value for type in SERVICE_TYPES]
