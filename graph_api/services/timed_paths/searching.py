"""One search under way: longer and longer paths, until the best are found or the budget is spent.

For paths of one hop more, either side goes on by one step, whichever costs less, and what leads
from one to the other is looked for between them. Only then are transfers read, those of flows on
ways that time allows, and the best paths among them found. What these are worth bounds what is
looked at afterwards. A search passes neither services nor hubs, and takes no step that it could not
finish, so that what it answers with a smaller budget is what it had found on its way.
"""

import asyncio
from collections.abc import Collection, Iterable

from graph_api.analysis.paths.best import best_paths
from graph_api.analysis.paths.roads import Road, Roads
from graph_api.analysis.paths.wishes import Hop, PathOrder
from graph_api.domain.ids import AccountId, TransactionId, TransferId
from graph_api.services.paths import StoppedAt
from graph_api.services.timed_paths.answers import PathsEnded
from graph_api.services.timed_paths.judging import Judge
from graph_api.services.timed_paths.questions import Budget, PathsQuestion
from graph_api.services.timed_paths.sources import Source, Standing, contested
from graph_api.services.walks import Stop
from graph_api.store.timed_walks import RoadRow, RoadWish, TimedTransfer

Found = tuple[Hop, ...]


class _Spent(Exception):
    """A part of the budget does not suffice for the next step."""

    def __init__(self, what: PathsEnded) -> None:
        super().__init__(what.value)
        self.what = what


class _Side:
    """How far one side has gone: from whom all flows are known, and how many steps it took."""

    def __init__(self, ends: Collection[AccountId], *, outgoing: bool) -> None:
        self.ends, self.outgoing = frozenset(ends), outgoing
        self.known: set[AccountId] = set()
        self.steps = 0


class Search:
    """Looks for the best paths between two sets of wallets."""

    def __init__(
        self,
        source: Source,
        asked: PathsQuestion,
        judge: Judge,
        *,
        starts: Collection[AccountId],
        ends: Collection[AccountId],
        budget: Budget,
    ) -> None:
        self._source, self._asked, self._judge, self._budget = source, asked, judge, budget
        self._wish = asked.wish(asked.max_hops)
        self._forth = _Side(starts, outgoing=True)
        self._back = _Side(ends, outgoing=False)
        self._roads = Roads(starts, ends, slack_ms=judge.slack_ms)
        self._bounds = judge.bounds(asked)
        self._flows: dict[AccountId, tuple[int, int]] = {}
        self._standings: dict[AccountId, Standing] = {}
        self._barred: set[AccountId] = set()
        self._read: set[str] = set()
        self._rows: dict[TransferId, TimedTransfer] = {}
        self._hops: dict[TransferId, Hop] = {}
        self._placed: set[TransactionId] = set()
        self.stops: dict[AccountId, StoppedAt] = {}
        self.paths: list[Found] = []
        self.ended = PathsEnded.COMPLETE
        self.searched = 0
        self.flows_read = self.transfers_read = self._choices = 0
        self.wallets_seen: set[AccountId] = {*starts, *ends}

    @property
    def rows(self) -> dict[TransferId, TimedTransfer]:
        """The transfers that were read."""
        return self._rows

    @property
    def uncounted(self) -> int:
        """Transfers of the flows that were read which could not be judged."""
        without_place = sum(
            row.block_number is None and row.block_time is None for row in self._rows.values()
        )
        return without_place + sum(not self._wish.knows(hop) for hop in self._hops.values())

    async def run(self) -> None:
        """Look for paths of one hop, of two, and so on."""
        await self._meet(self._forth.ends | self._back.ends)
        try:
            await self._read_hubs()
            for hops in range(1, self._asked.max_hops + 1):
                is_all = await self._step(hops)
                longest = self._asked.max_hops if is_all else hops
                await self._look(longest)
                self.searched = longest
                if is_all or self._is_settled():
                    return
        except _Spent as spent:
            self.ended = spent.what

    async def _read_hubs(self) -> None:
        """Of ends that are hubs, read what they moved in a window that is asked for.

        That may be little, however many flows they have.
        """
        window = self._judge.window
        if window is None:
            return
        for side in (self._forth, self._back):
            for hub in sorted(side.ends):
                if sum(self._flows[hub]) <= self._asked.hub:
                    continue
                left = (self._budget.transfers - self.transfers_read) // 2
                rows = await self._source.moved(hub, window, outgoing=side.outgoing, most=left)
                self.transfers_read += left if rows is None else len(rows)
                if rows is not None:
                    side.known.add(hub)
                    await self._take_all(rows)

    async def _take_all(self, rows: list[TimedTransfer]) -> None:
        """Learn all transfers of some flows within the window, and these with them."""
        roads = self._judge.roads(rows)
        self._roads.add(road for road in roads if self._bounds.takes(road))
        self._read.update(road.id for road in roads)
        await self._meet(
            {AccountId(end) for road in roads for end in (road.sender, road.recipient)}
        )
        await self._take(rows)

    def _is_settled(self) -> bool:
        """Whether no longer path can be better."""
        return self._wish.by is PathOrder.HOPS and len(self.paths) == self._wish.count

    async def _step(self, hops: int) -> bool:
        """Learn the flows of all ways of so many hops; whether there is no longer way."""
        sides = (self._forth, self._back)
        outermost = [self._outermost(side, side.steps) for side in sides]
        if hops > 1:
            pairs = zip(sides, outermost, strict=True)
            side, wallets = min(pairs, key=lambda pair: self._cost(*pair))
            await self._go_on(side, wallets)
            outermost = [self._outermost(side, side.steps) for side in sides]
        if any(not self._outermost(side, self._asked.max_hops) for side in sides):
            return True
        await self._join(*outermost)
        return False

    def _outermost(self, side: _Side, hops: int) -> list[AccountId]:
        """The wallets that a side reaches, may pass, and has not gone on from."""
        ways = self._roads.forth if side.outgoing else self._roads.back
        reach = ways(hops=hops, barred=self._barred)
        self.wallets_seen.update(map(AccountId, reach.hops))
        others = self._back.ends if side.outgoing else self._forth.ends
        reached = {AccountId(wallet) for wallet in reach.hops} - side.known - others
        return [wallet for wallet in sorted(reached) if not self._is_hub(wallet)]

    def _cost(self, side: _Side, wallets: Iterable[AccountId]) -> int:
        return sum(self._sizes(side, wallets).values())

    def _sizes(self, side: _Side, wallets: Iterable[AccountId]) -> dict[AccountId, int]:
        way = 1 if side.outgoing else 0
        return {wallet: self._flows[wallet][way] for wallet in wallets}

    async def _go_on(self, side: _Side, wallets: list[AccountId]) -> None:
        """Read all flows of the wallets that a side has come to."""
        sizes = self._sizes(side, wallets)
        self._spend_flows(sum(sizes.values()))
        rows, _ = await asyncio.gather(
            self._source.roads(sizes, self._road_wish, outgoing=side.outgoing),
            self._meet(wallets),
        )
        self._learn(rows, outgoing=side.outgoing)
        side.known.update(wallets)
        side.steps += 1

    async def _join(self, forth: list[AccountId], back: list[AccountId]) -> None:
        """Read the flows from one side's outermost wallets to those of the other."""
        side, near, far = min(
            ((self._forth, forth, back), (self._back, back, forth)),
            key=lambda one: self._cost(*one[:2]),
        )
        sizes = self._sizes(side, near)
        self._spend_flows(sum(sizes.values()))
        rows = await self._source.roads(sizes, self._road_wish, outgoing=side.outgoing, far=far)
        self._learn(rows, outgoing=side.outgoing)

    def _learn(self, rows: Iterable[RoadRow], *, outgoing: bool) -> None:
        found = []
        for row in rows:
            found.append(self._judge.road(row))
            self._flows[row.recipient if outgoing else row.sender] = (row.flows_in, row.flows_out)
        self._roads.add(road for road in found if self._bounds.takes(road))

    async def _look(self, hops: int) -> None:
        """Read the transfers of all ways that time allows, and find the best paths among them."""
        roads = await self._passable(hops)
        if not roads:
            return
        await self._read_transfers([road for road in roads if road.id not in self._read])
        left = self._budget.choices - self._choices
        ways = {(road.sender, road.recipient, road.token) for road in roads}
        # In a thread: whoever else is served by this process need not wait.
        found = await asyncio.to_thread(
            best_paths,
            [
                hop
                for hop in self._hops.values()
                if (hop.sender, hop.recipient, hop.token) in ways and self._bounds.admits(hop)
            ],
            self._asked.wish(hops),
            starts=self._forth.ends,
            ends=self._back.ends,
            budget=left,
        )
        self._choices += found.choices
        if not found.complete:
            self.paths = self.paths or found.paths
            raise _Spent(PathsEnded.CHOICES)
        self.paths = found.paths
        if len(self.paths) == self._wish.count:
            self._bounds = self._judge.narrowed(self._bounds, self.paths[-1], self._wish.by)
            self._roads.keep(self._bounds)

    async def _passable(self, hops: int) -> list[Road]:
        """The roads of all ways that pass nobody who is not to be passed."""
        while True:
            roads = self._roads.between(hops=hops, barred=self._barred)
            wallets = {AccountId(end) for road in roads for end in (road.sender, road.recipient)}
            before = len(self._barred)
            await self._meet(wallets)
            for wallet in sorted(wallets):
                self._is_hub(wallet)
            if len(self._barred) == before:
                return roads

    async def _read_transfers(self, roads: list[Road]) -> None:
        """Read what moved along roads, from that end which has fewer transfers."""
        sent: dict[AccountId, set[AccountId]] = {}
        received: dict[AccountId, set[AccountId]] = {}
        for road in sorted(roads, key=lambda road: road.id):  # the same on both engines
            sender, recipient = AccountId(road.sender), AccountId(road.recipient)
            costs = self._standings[sender].transfers_out, self._standings[recipient].transfers_in
            if sender in sent or (recipient not in received and costs[0] <= costs[1]):
                sent.setdefault(sender, set()).add(recipient)
            else:
                received.setdefault(recipient, set()).add(sender)
        sizes_out = {one: self._standings[one].transfers_out for one in sent}
        sizes_in = {one: self._standings[one].transfers_in for one in received}
        cost = sum(sizes_out.values()) + sum(sizes_in.values())
        if self.transfers_read + cost > self._budget.transfers:
            raise _Spent(PathsEnded.TRANSFERS)
        self.transfers_read += cost
        wish = self._road_wish
        parts = await asyncio.gather(
            self._source.transfers(sent, sizes_out, wish, outgoing=True),
            self._source.transfers(received, sizes_in, wish, outgoing=False),
        )
        self._read.update(road.id for road in roads)
        await self._take([row for part in parts for row in part])

    async def _take(self, rows: Iterable[TimedTransfer]) -> None:
        """Learn transfers, and in which order those of one block happened."""
        new = {row.id: row for row in rows if row.id not in self._rows}
        self._rows |= new
        self._hops |= {
            id: self._judge.hop(row) for id, row in new.items() if self._judge.counts(row)
        }
        unplaced = contested(self._rows.values()) - self._placed
        self._placed |= unplaced
        if not unplaced:
            return
        indexes = await self._source.indexes(unplaced)
        for row in self._rows.values():
            index = indexes.get(row.transaction) if row.transaction is not None else None
            if index is not None and row.id in self._hops:
                self._hops[row.id] = self._judge.hop(row, index=index)

    async def _meet(self, wallets: Collection[AccountId]) -> None:
        """Learn what has to be known of wallets; bar those that are services."""
        new = set(wallets) - self._standings.keys()
        if not new:
            return
        found = await self._source.standings(new)
        self._standings |= found
        for wallet, standing in sorted(found.items()):
            self._flows[wallet] = (standing.flows_in, standing.flows_out)
            if standing.service and not self._asked.through_services:
                self._bar(wallet, Stop.SERVICE)

    def _is_hub(self, wallet: AccountId) -> bool:
        """Whether it has too many flows to be passed."""
        if sum(self._flows[wallet]) > self._asked.hub:
            self._bar(wallet, Stop.HUB)
        return wallet in self._barred

    def _bar(self, wallet: AccountId, stop: Stop) -> None:
        if wallet not in self._barred and wallet not in self._forth.ends | self._back.ends:
            self._barred.add(wallet)
            flows = sum(self._flows[wallet])
            self.stops[wallet] = StoppedAt(wallet=wallet, stop=stop, flows=flows)

    @property
    def _road_wish(self) -> RoadWish:
        return self._judge.road_wish(self._wish, self._bounds)

    def _spend_flows(self, flows: int) -> None:
        if self.flows_read + flows > self._budget.flows:
            raise _Spent(PathsEnded.FLOWS)
        self.flows_read += flows
