"""Totals as they were: counted anew from transfers up to a block or a moment, within a budget.

Totals are kept of now alone. A wallet for whose transfers the budget does not suffice shows those
flows that had ended by then, because nothing has changed in them since; a part of any other would
pass for all of it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from graph_api.domain.amounts import units
from graph_api.domain.errors import BadInput, TooCostly
from graph_api.domain.ids import AccountId, TokenId, chain_id_of
from graph_api.services.networks.answers import Network, NetworkNode, Side, Sides
from graph_api.services.networks.questions import NetworkQuestion
from graph_api.services.networks.reading import Now, Strongest, wish_of
from graph_api.services.walks import Stop
from graph_api.store import blocks, chains, tokens, traces, walks
from graph_api.store.flows import FlowRow
from graph_api.store.graph import Graph
from graph_api.store.ledger.states import flow_id
from graph_api.store.traces import Movement
from graph_api.store.transfers import Direction
from graph_api.store.walks import FlowPlace, WalkWallet

#: How many transfers one network reads to count what totals were.
THEN_BUDGET: Final = 20_000
#: Among so many of the strongest flows of now those are looked for that had ended by then.
_LOOKED_AT: Final = 1_000


class Then:
    """Totals of transfers up to a block or a moment."""

    def __init__(
        self, graph: Graph, asked: NetworkQuestion, *, block: int | None, ended_by: datetime | None
    ) -> None:
        self._graph, self._asked, self._block = graph, asked, block
        self._ended_by = ended_by
        self._budget = THEN_BUDGET
        self._wish = wish_of(asked)
        self._undated: set[str] = set()
        self._decimals: dict[TokenId, int | None] = {}

    @classmethod
    async def of(cls, graph: Graph, asked: NetworkQuestion) -> "Then":
        """Find the newest block that counts. Raises: BadInput where no time or block is known."""
        chain = chain_id_of(asked.centre)
        loaded = (await chains.by_ids(graph, [chain]))[chain]
        if asked.as_of is not None:
            block = await blocks.highest_until(graph, chain, asked.as_of)
            # A transfer without a time may be among those of any flow.
            ended_by = None if loaded.untimed else asked.as_of
            return cls(graph, asked, block=block, ended_by=ended_by)
        if not loaded.is_empty and loaded.last_block is None:
            raise BadInput("Nothing that is loaded of this chain has a known block; ask of now.")
        assert asked.as_of_block is not None
        newest = asked.as_of_block if loaded.last_block is None else loaded.last_block
        return cls(graph, asked, block=min(asked.as_of_block, newest), ended_by=None)

    def total(self, wallet: WalkWallet) -> Sides | None:
        """Not known yet."""
        return None

    def told(self, network: Network) -> Network:
        """The network with what it rests on."""
        return msgspec.structs.replace(network, block=self._block, undated=len(self._undated))

    async def strongest(
        self, nodes: list[NetworkNode], *, limit: int, after: FlowPlace | None
    ) -> dict[AccountId, Strongest]:
        """The strongest flows that each wallet had then; it learns how many there were."""
        movements, unread = await self._read(nodes)
        then = _Then([*self._of_then(movements)])
        flows = await self._flows(then)
        found = {}
        for node in nodes:
            wallet = node.wallet.id
            if wallet in unread:
                node.total, node.stop = None, Stop.BUDGET
                found[wallet] = await self._ended(node, limit, after)
                continue
            into, out = flows.into[wallet], flows.out[wallet]
            node.total = Sides(
                Side(len(into), then.received[wallet], len({flow.sender for flow in into})),
                Side(len(out), then.sent[wallet], len({flow.recipient for flow in out})),
            )
            found[wallet] = Strongest(self._chosen(into, out, limit=limit, after=after))
        return found

    async def _ended(self, node: NetworkNode, limit: int, after: FlowPlace | None) -> Strongest:
        """Of the strongest flows of now those that had ended by then, as far as times tell."""
        if self._ended_by is None:
            return Strongest([])
        try:
            now = await Now(self._graph, self._asked).strongest(
                [node], limit=_LOOKED_AT, after=after
            )
        except TooCostly:
            return Strongest([])
        flows, cut = now[node.wallet.id]
        if len(flows) == _LOOKED_AT:
            cut = self._wish.place(flows[-1])
        ended = [flow for flow in flows if flow.last_at and flow.last_at <= self._ended_by]
        return Strongest([msgspec.structs.replace(flow, usd=None) for flow in ended[:limit]], cut)

    async def _read(self, nodes: list[NetworkNode]) -> tuple[list[Movement], set[str]]:
        """What wallets moved by then, and those for whom the budget does not suffice.

        Wallets that have little even now are read together, the others one by one.
        """
        small: list[AccountId] = []
        large: list[AccountId] = []
        sure = self._budget
        for node in sorted(nodes, key=lambda node: (_transfers(node.wallet), node.wallet.id)):
            sure -= _transfers(node.wallet)
            (small if sure >= 0 else large).append(node.wallet.id)
        movements: list[Movement] = []
        unread: set[str] = set()
        for some in (small, *([wallet] for wallet in large)):
            read = await traces.histories(
                self._graph,
                some,
                up_to=self._block,
                budget=self._budget,
                with_fees=False,
                is_late=lambda: False,
            )
            self._budget = max(self._budget - read.read, 0)
            movements += read.movements
            unread |= read.unread
        return movements, unread

    def _chosen(
        self, into: list[FlowRow], out: list[FlowRow], *, limit: int, after: FlowPlace | None
    ) -> list[FlowRow]:
        wish = self._wish
        ways = {Direction.IN: into, Direction.OUT: out}.get(wish.direction, [*into, *out])
        # What a wallet sends to itself goes both ways.
        wanted = {flow.id: flow for flow in ways if wish.takes(flow)}.values()
        return walks.behind(wanted, wish, after)[:limit]

    def _of_then(self, movements: Iterable[Movement]) -> Iterator[Movement]:
        """The transfers of which it is known that they had happened, each of them once."""
        for id, row in {row.id: row for row in movements}.items():
            if self._asked.as_of is not None:
                known = row.block_time is not None
                had = row.block_time is not None and row.block_time <= self._asked.as_of
            else:
                known = row.block_number is not None
                had = row.block_number is not None and row.block_number <= (self._block or 0)
            if had:
                yield row
            elif not known and id is not None:
                self._undated.add(id)

    async def _flows(self, then: "_Then") -> "_Flows":
        await self._learn({token for *_, token in then.sums if token is not None})
        found = _Flows(defaultdict(list), defaultdict(list))
        for (sender, recipient, token), one in then.sums.items():
            decimals = None if token is None else self._decimals[token]
            flow = one.flow(sender, recipient, token, decimals=decimals)
            found.out[sender].append(flow)
            found.into[recipient].append(flow)
        return found

    async def _learn(self, wanted: set[TokenId]) -> None:
        new = sorted(wanted - self._decimals.keys())
        if new:
            rows = await tokens.by_ids(self._graph, new)
            self._decimals |= {id: rows[id].decimals if id in rows else None for id in new}


class _Flows(NamedTuple):
    """Flows by who sent and who received them."""

    out: defaultdict[AccountId, list[FlowRow]]
    into: defaultdict[AccountId, list[FlowRow]]


class _Then:
    """Transfers, counted by wallet, and added up by pair and token."""

    def __init__(self, rows: Sequence[Movement]) -> None:
        self.received = Counter(row.recipient for row in rows)
        self.sent = Counter(row.sender for row in rows if row.sender is not None)
        self.sums: dict[tuple[AccountId, AccountId, TokenId | None], _Sum] = {}
        for row in rows:
            if row.sender is not None:
                key = (row.sender, row.recipient, row.token)
                self.sums.setdefault(key, _Sum()).add(row)


class _Sum(msgspec.Struct):
    """Transfers of a pair and a token, added up."""

    transfers: int = 0
    raw: int | None = 0
    first_at: datetime | None = None
    last_at: datetime | None = None

    def add(self, row: Movement) -> None:
        """One more of them."""
        self.transfers += 1
        unknown = self.raw is None or row.amount_raw is None
        self.raw = None if unknown else (self.raw or 0) + int(row.amount_raw or 0)
        if row.block_time is not None:
            self.first_at = min(self.first_at or row.block_time, row.block_time)
            self.last_at = max(self.last_at or row.block_time, row.block_time)

    def flow(
        self,
        sender: AccountId,
        recipient: AccountId,
        token: TokenId | None,
        *,
        decimals: int | None,
    ) -> FlowRow:
        """As it was then; what it was worth is not known of then."""
        return FlowRow(
            owner=sender,
            key=None,
            id=flow_id(sender, recipient, token),
            sender=sender,
            recipient=recipient,
            token=token,
            transfers=self.transfers,
            amount_raw=None if self.raw is None else str(self.raw),
            amount=None if self.raw is None else units(self.raw, decimals),
            usd=None,
            first_at=self.first_at,
            last_at=self.last_at,
        )


def _transfers(wallet: WalkWallet) -> int:
    return wallet.transfers_in + wallet.transfers_out
