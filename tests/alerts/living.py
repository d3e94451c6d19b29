"""Lets a week happen: on the chain that is followed, at markets, and on the other lines."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from graph_api.domain.alerts import Alert, Severity
from graph_api.domain.events import Lane, Line, News
from graph_api.domain.ids import ChainId
from graph_api.domain.principals import Principal, PrincipalKind
from graph_api.domain.records import Block
from graph_api.domain.watchlists import EntryKind, Named
from graph_api.store import outbox, prices
from graph_api.store.graph import Graph, Writing
from graph_api.store.ledger.turn import Turn
from graph_api.store.records import moment
from graph_api.vault import alert_rules, alerts, watchlists, workspaces
from graph_api.vault.vault import Vault
from graph_api.vault.watchlists import Wanted
from ingest.pipelines.following import Follower
from ingest.sources.chain import BlockFacts, BlockRef
from tests.alerts.world import (
    ANN,
    ASSETS,
    BOB,
    LIST,
    START,
    Expected,
    Fork,
    Move,
    Tick,
    Told,
    Week,
    known_before,
    transfer_of,
)
from tests.given import ETHEREUM, Ledger, hash_of, wallet
from tests.ingest.chains import GivenChain

CHAIN = ChainId(ETHEREUM.id)
OWNERS = {
    name: Principal(name.removesuffix("-desk"), name, PrincipalKind.PERSON) for name in (ANN, BOB)
}


class PlannedChain(GivenChain):
    """A chain whose blocks hold what was planned."""

    def __init__(self) -> None:
        super().__init__(ETHEREUM)
        self._planned: list[tuple[int, list[Move]]] = []
        self._made = 0

    @property
    def is_empty(self) -> bool:
        """Whether there is no block yet."""
        return not self._blocks

    def add(self, at: int, moves: list[Move]) -> int:
        """A block of that time; its number."""
        self._planned.append((at, moves))
        self.grow()
        return self.height

    def drop(self, depth: int) -> None:
        """The newest blocks do not stay; an empty one comes instead."""
        at = self._blocks[-1].ref.time or 0
        self._planned.append((at, []))
        self.fork(depth, grow=1)

    def _block(self, number: int) -> BlockFacts:
        at, moves = self._planned.pop(0)
        self._made += 1
        parent = self._blocks[-1].ref.hash if self._blocks else hash_of("genesis")
        own = hash_of(f"{parent} {self._made}")
        ref = BlockRef(number=number, hash=own, parent_hash=parent, time=at)
        block = Block(chain=CHAIN, number=number, hash=own, parent_hash=parent, time=at)
        found = [transfer_of(move, block=number, at=at) for move in moves]
        return BlockFacts(ref=ref, records=(block, *found))


class Life:
    """A week that happens step by step; ``expected`` grows with it."""

    def __init__(self, graph: Graph, vault: Vault, week: Week) -> None:
        self._graph, self._vault, self._week = graph, vault, week
        self._chain, self._now = PlannedChain(), START - 1
        self._turn = Turn(graph, clock=self.clock)
        self._planned: dict[tuple[str, int], list[tuple[str, str]]] = {}
        for workspace, rule, name, at in week.hits:
            self._planned.setdefault((name, at), []).append((workspace, rule))
        self._left = list(week.rules)
        self.expected: set[Expected] = set()
        self.gone: set[Expected] = set()

    def clock(self) -> datetime:
        """A second after the newest of what happened."""
        return moment(self._now) + timedelta(milliseconds=1)

    async def begin(self) -> None:
        """What there is before the week: assets, labels, lists and rules."""
        async with Ledger.open(self._graph) as ledger:
            await ledger.write(*known_before())
        await prices.register(self._graph, ASSETS)
        await prices.keep(self._graph, self._week.prices)
        now = moment(START - 10)
        for owner in OWNERS.values():
            await workspaces.create(
                self._vault, owner, id=owner.workspace, name=owner.workspace, now=now
            )
            await watchlists.create(self._vault, owner, id=LIST, name="List", now=now)
        mine = [Named(EntryKind.WALLET, wallet("alice")), Named(EntryKind.ACTOR, "acme")]
        theirs = [Named(EntryKind.WALLET, wallet("mallory"))]
        for name, named in ((ANN, mine), (BOB, theirs)):
            entries = [Wanted(one) for one in named]
            await watchlists.put(self._vault, OWNERS[name], LIST, entries, now=now)
        await self._make_rules(until=START)

    async def live(self, part: Sequence[tuple[int, list[Move] | Tick | Told | Fork]]) -> None:
        """Let some steps happen."""
        for at, step in part:
            due = any(START + rule.since <= at for rule in self._left)
            if due or not isinstance(step, list):
                # Blocks are told before what comes after them.
                await self._follow()
            await self._make_rules(until=at)
            self._now = max(self._now, at)
            if isinstance(step, list):
                block = self._chain.add(at, step)
                self._expect(at, {move.name for move in step}, block)
            elif isinstance(step, Fork):
                self._chain.drop(step.depth)
            elif isinstance(step, Tick):
                await self._tick(step)
                self._expect(at, {f"{step.price.asset} {at}"}, None)
            else:
                await self._tell(step)
                self._expect(at, {name_of(step)}, 1)
        await self._follow()
        await self._turn.give_back()

    def _expect(self, at: int, names: set[str], block: int | None) -> None:
        for name in names:
            for workspace, rule in self._planned.get((name, at), ()):
                one = Expected(workspace, rule, name, block)
                self.expected.add(one)
                if (name, at) in self._week.gone:
                    self.gone.add(one)

    async def _make_rules(self, *, until: int) -> None:
        for rule in [one for one in self._left if START + one.since <= until]:
            self._left.remove(rule)
            await alert_rules.create(
                self._vault,
                OWNERS[rule.workspace],
                id=rule.id,
                name=rule.id,
                condition=rule.condition,
                severity=Severity.WARNING,
                cool_down_s=rule.cool_down_s,
                now=moment(START + rule.since),
            )

    async def _follow(self) -> None:
        if self._chain.is_empty:
            return
        follower = Follower(self._graph, self._turn, self._chain, start=self._chain.first)
        await follower.run(until=self._chain.height)

    async def _tick(self, tick: Tick) -> None:
        async def work(writing: Writing) -> None:
            await prices.tick(writing, [tick.price], kept=[tick.price], now=self.clock())

        await self._graph.write(work)

    async def _tell(self, told: Told) -> None:
        news = [News(topic=told.topic, body=told.body)]

        async def work(writing: Writing) -> None:
            await outbox.append(writing, told.line, CHAIN, news, now=self.clock())

        await self._graph.write(work)


LANES = (
    Lane(Line.TRANSFERS, CHAIN),
    Lane(Line.OTC, CHAIN),
    Lane(Line.WALLETS, CHAIN),
    Lane(Line.PRICES, "*"),
)


def names_of(week: Week) -> dict[str, str]:
    """Names of what happened, by what alerts say of it."""
    found: dict[str, str] = {}
    for at, step in week.steps:
        if isinstance(step, list):
            for move in step:
                found[transfer_of(move, block=1, at=at).id] = move.name
        elif isinstance(step, Told):
            found[step.body["id"]] = name_of(step)
    return found


def name_of(told: Told) -> str:
    """The name of what was told on another line."""
    return next(
        name
        for name in (f"{kind} {number}" for kind in ("otc", "freeze") for number in range(9))
        if hash_of(name) in told.body["id"]
    )


async def raised(vault: Vault, week: Week) -> tuple[list[Expected], list[Expected]]:
    """The alerts of all workspaces, and those of them that were taken back."""
    names, found, gone = names_of(week), list[Expected](), list[Expected]()
    for owner in OWNERS.values():
        after = 0
        while some := await alerts.after(vault, owner, after):
            after = some[-1].number
            found += [as_expected(one, names) for one in some]
            gone += [as_expected(one, names) for one in some if one.retracted_at is not None]
    return found, gone


def as_expected(alert: Alert, names: dict[str, str]) -> Expected:
    """An alert in the words of the week."""
    return Expected(alert.workspace, alert.rule, *subject_of(alert.facts, names))


def subject_of(facts: dict[str, object], names: dict[str, str]) -> tuple[str, int | None]:
    """What an alert is about."""
    if "windowS" in facts and "transfer" not in facts:
        price = facts["price"]
        assert isinstance(price, dict)
        at = datetime.fromisoformat(price["at"])
        return f"{price['asset']} {round(at.timestamp() * 1000)}", None
    id = str(facts.get("transfer") or facts["log"])
    block = facts["blockNumber"]
    assert isinstance(block, int)
    return names[id], block
