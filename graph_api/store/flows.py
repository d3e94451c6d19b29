"""Questions about flows: the totals of ordered pairs of wallets, and a wallet's counterparties.

A hub has too many flows to read: they are kept in the order of their transfers there, and the
busiest counterparties are found by a threshold algorithm. It reads both orders from the top, looks
the other way of each pair up by its id, and stops when nobody unseen can be busier than those it
has. Source: Fagin, Lotem and Naor, "Optimal aggregation algorithms for middleware" (2003), §4.
"""

import asyncio
from datetime import datetime
from typing import ClassVar, Final, NamedTuple

import msgspec

from graph_api.domain.errors import GraphApiError, TooCostly
from graph_api.domain.ids import AccountId, TokenId
from graph_api.domain.positions import page_key
from graph_api.store.graph import Graph
from graph_api.store.ledger.shelves import HUB_FLOWS
from graph_api.store.ledger.states import busiest_first, flow_id
from graph_api.store.records import Columns
from graph_api.store.streams import END
from graph_api.store.transfers import Direction

#: How many flows of a hub one question reads on each side before it gives up.
HUB_BUDGET: Final = 20_000
_PAGES: Final = (100, 400, 2_000)
#: What reading in an order goes by.
_ORDERED: Final = frozenset({"key", "id", "last_at"})
_BUSIEST: Final = {
    Direction.BOTH: "flows/busiest_of_wallets",
    Direction.OUT: "flows/busiest_out",
    Direction.IN: "flows/busiest_in",
}


class FlowDegree(msgspec.Struct, frozen=True):
    """A wallet and how many flows it has; that decides how they are read."""

    wallet: AccountId
    flows_in: int
    flows_out: int


class FlowRow(msgspec.Struct, frozen=True, gc=False):
    """Totals of one ordered pair and token, and the wallet that they were asked for."""

    own: ClassVar[frozenset[str]] = frozenset(
        {"owner", "sender", "recipient", "token", "transfers"}
    )

    owner: AccountId
    key: str | None
    id: str
    sender: AccountId
    recipient: AccountId
    token: TokenId | None
    transfers: int
    amount_raw: str | None
    amount: float | None
    usd: float | None
    first_at: datetime | None
    last_at: datetime | None


class CounterpartyRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What moved between a wallet and one other of one token; None where nothing moved that way."""

    wallet: AccountId
    counterparty: AccountId
    token: TokenId | None
    sent: FlowRow | None
    received: FlowRow | None

    @property
    def transfers(self) -> int:
        """Of both ways; what a wallet sends to itself counts once."""
        sent, received = self.sent, self.received
        count = sent.transfers if sent is not None else 0
        return count if received is None or received is sent else count + received.transfers


class _Wish(NamedTuple):
    direction: Direction
    token: TokenId | None
    since: datetime | None

    def takes(self, flow: FlowRow) -> bool:
        if self.token is not None and flow.token != self.token:
            return False
        return self.since is None or (flow.last_at is not None and flow.last_at >= self.since)


async def counterparties(
    graph: Graph,
    wallets: list[FlowDegree],
    *,
    first: int,
    direction: Direction = Direction.BOTH,
    token: TokenId | None = None,
    since: datetime | None = None,
    columns: Columns = None,
) -> dict[FlowDegree, list[CounterpartyRow] | GraphApiError]:
    """Who moved value with each wallet, by wallet and token, the busiest first.

    ``since`` leaves out flows whose latest transfer is older; totals are those of all their time.
    A hub whose filtered counterparties are not found within ``HUB_BUDGET`` has TooCostly instead.
    """
    wish = _Wish(direction, token, since)
    # What a counterparty itself says is the flows' own; the rest is read where they are shown.
    shown = None if columns is None or columns & {"sent", "received"} else frozenset[str]()
    hubs = [degree for degree in wallets if _is_hub(degree, direction)]
    small = [degree for degree in wallets if degree not in hubs]
    found: dict[FlowDegree, list[CounterpartyRow] | GraphApiError] = {}
    found.update(zip(small, await _of_small(graph, small, wish, first, shown), strict=True))
    ordered = None if shown is None else _ORDERED
    of_hubs = await asyncio.gather(
        *(_Hub(graph, hub, wish, ordered).busiest(first) for hub in hubs)
    )
    found.update(zip(hubs, of_hubs, strict=True))
    return found


def _is_hub(degree: FlowDegree, direction: Direction) -> bool:
    return (direction is not Direction.IN and degree.flows_out >= HUB_FLOWS) or (
        direction is not Direction.OUT and degree.flows_in >= HUB_FLOWS
    )


async def _of_small(
    graph: Graph, wallets: list[FlowDegree], wish: _Wish, first: int, columns: Columns
) -> list[list[CounterpartyRow]]:
    if not wallets:
        return []
    rows = await graph.read(
        _BUSIEST[wish.direction],
        FlowRow,
        wallets=[degree.wallet for degree in wallets],
        token=wish.token,
        since=wish.since,
        limit=first,
        columns=columns,
    )
    pairs: dict[AccountId, _Pairs] = {degree.wallet: _Pairs(degree.wallet) for degree in wallets}
    for row in rows:
        pairs[row.owner].add(row)
    return [pairs[degree.wallet].busiest(first) for degree in wallets]


class _Pairs:
    """The two ways of each counterparty and token of one wallet."""

    def __init__(self, wallet: AccountId) -> None:
        self.wallet = wallet
        self.sent: dict[tuple[AccountId, TokenId | None], FlowRow] = {}
        self.received: dict[tuple[AccountId, TokenId | None], FlowRow] = {}

    def add(self, flow: FlowRow) -> None:
        if flow.sender == self.wallet:
            self.sent[flow.recipient, flow.token] = flow
        if flow.recipient == self.wallet:
            self.received[flow.sender, flow.token] = flow

    def busiest(self, first: int) -> list[CounterpartyRow]:
        rows = [
            CounterpartyRow(
                wallet=self.wallet,
                counterparty=other,
                token=token,
                sent=self.sent.get((other, token)),
                received=self.received.get((other, token)),
            )
            for other, token in self.sent.keys() | self.received.keys()
        ]
        rows.sort(key=lambda row: (-row.transfers, row.counterparty, row.token or ""))
        return rows[:first]


class Ranked:
    """One way of a hub's flows, from the busiest on; none still to come exceeds ``bound``.

    Where it is ranked, it begins behind ``after``: so many transfers, and the id of a flow.
    """

    def __init__(
        self,
        graph: Graph,
        degree: FlowDegree,
        *,
        outgoing: bool,
        columns: Columns = None,
        after: tuple[float, str] | None = None,
    ) -> None:
        self._graph, self._wallet, self._outgoing = graph, degree.wallet, outgoing
        self._columns = columns
        self._ranked = (degree.flows_out if outgoing else degree.flows_in) >= HUB_FLOWS
        self._after = page_key(degree.wallet, "")
        if after is not None:
            self._after = busiest_first(degree.wallet, int(after[0]), after[1])
        self.bound: float = float("inf")
        self.read = 0

    @property
    def done(self) -> bool:
        """Whether all was read."""
        return self.bound == 0

    async def more(self, limit: int) -> list[FlowRow]:
        """The next flows; where they are not ranked, all of them at once."""
        if self.done:
            return []
        if not self._ranked:
            self.bound = 0
            name = "flows/out_of_wallets" if self._outgoing else "flows/into_wallets"
            return await self._graph.read(
                name, FlowRow, wallets=[self._wallet], columns=self._columns
            )
        name = "flows/ranked_out" if self._outgoing else "flows/ranked_in"
        branch = {
            "owner": self._wallet,
            "after": self._after,
            "end": page_key(self._wallet, END),
        }
        rows = await self._graph.read_each(
            name, FlowRow, [branch], limit=limit, columns=self._columns
        )
        mine = [row for row in rows if row.key is not None]
        self.read += len(rows)
        self.bound = min((row.transfers for row in mine), default=0) if len(rows) == limit else 0
        self._after = max((row.key or "" for row in mine), default=self._after)
        return mine


class _Hub:
    """The threshold algorithm over one hub."""

    def __init__(self, graph: Graph, degree: FlowDegree, wish: _Wish, columns: Columns) -> None:
        self._graph, self._degree, self._wish = graph, degree, wish
        self._columns = columns
        self._pairs = _Pairs(degree.wallet)
        self._known: set[str] = set()
        self._ways = [
            Ranked(graph, degree, outgoing=outgoing, columns=columns)
            for outgoing, unwanted in ((True, Direction.IN), (False, Direction.OUT))
            if wish.direction is not unwanted
        ]

    async def busiest(self, first: int) -> list[CounterpartyRow] | TooCostly:
        """The ``first`` busiest counterparties, or why they are not found."""
        for turn in range(HUB_BUDGET):
            limit = _PAGES[min(turn, len(_PAGES) - 1)]
            parts = await asyncio.gather(*(way.more(limit) for way in self._ways))
            await self._take([flow for part in parts for flow in part])
            best = self._pairs.busiest(first)
            bound = sum(way.bound for way in self._ways)
            if bound == 0 or (len(best) == first and best[-1].transfers >= bound):
                return best
            if any(way.read >= HUB_BUDGET for way in self._ways):
                break
        return TooCostly(
            f"{self._degree.wallet} has too many counterparties to filter them; ask without a "
            "token and a time, or for fewer."
        )

    async def _take(self, flows: list[FlowRow]) -> None:
        """Add flows, and the other way of each pair, which its own list may name much later."""
        new = [flow for flow in flows if flow.id not in self._known]
        self._known.update(flow.id for flow in new)
        if len(self._ways) == 2:
            other_way = {flow_id(flow.recipient, flow.sender, flow.token) for flow in new}
            wanted = sorted(other_way - self._known)
            self._known.update(wanted)
            if wanted:
                new += await self._graph.read(
                    "flows/by_ids", FlowRow, ids=wanted, columns=self._columns
                )
        for flow in new:
            if self._wish.takes(flow):
                self._pairs.add(flow)
