"""Runs of clustering on a graph: full, incremental, repaired; and what they publish."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import msgspec
import pytest
import pytest_asyncio

from deskgraph.planted.figures import actors_of, facts_of
from deskgraph.planted.making import planted_world
from deskgraph.planted.world import BEGINS, BITCOIN, DAY, ETHEREUM, World
from graph_api.analysis.clustering.deriving import Derivation
from graph_api.analysis.clustering.union import clusters as united
from graph_api.analysis.clustering.union import strong
from graph_api.domain.categories import Category
from graph_api.domain.chains import Chain
from graph_api.domain.clusters import cluster_id
from graph_api.domain.errors import UpstreamUnavailable
from graph_api.domain.ids import AccountId, ChainId
from graph_api.domain.labels import claim, on_chain
from graph_api.domain.pages import Page
from graph_api.domain.records import (
    Actor,
    ActorType,
    Label,
    Transfer,
    WalletFact,
    WalletKind,
)
from graph_api.services.clustering.runs import Clustering
from graph_api.store import cluster_runs, clusters
from graph_api.store.graph import Graph
from tests import given
from tests.given import NOON, Ledger, wallet

CHAIN = ChainId(ETHEREUM.id)
HOUR = 3_600_000
NOW = datetime.fromtimestamp(NOON / 1000 + 86_400 * 30, UTC)
ETH = 10**18


def exchange(name: str = "hot") -> list[Actor | Label]:
    """An exchange and its wallet."""
    said = claim(
        on_chain(ETHEREUM, given.address(name)),
        name,
        source="tests",
        confidence=0.9,
        category=Category.HOT_WALLET,
        actor="exchange",
    )
    actor = Actor(id="exchange", name="Exchange", type=ActorType.EXCHANGE, source="tests")
    return [actor, said]


def deposit(payer: str, address: str, *, block: int) -> list[Transfer]:
    """``payer`` pays in, and two blocks later it is swept."""
    name = f"{payer}-{address}-{block}"
    at = NOON + block * 12_000
    return [
        given.transfer(payer, address, tx=f"in {name}", block=block, at=at),
        given.transfer(
            address,
            "hot",
            tx=f"out {name}",
            amount_raw=ETH - 10**15,
            block=block + 2,
            at=at + 24_000,
        ),
    ]


async def groups(graph: Graph) -> list[set[str]]:
    """The clusters by the names of their wallets."""
    rows = await graph.run_alone(
        "MATCH (w:Wallet)-[:IN_CLUSTER]->(c:Cluster) RETURN c.id AS id, collect(w.id) AS wallets"
    )
    named = {wallet(name): name for name in ("a", "b", "c", "d", "e", "f", "g", "h", "hot")}
    return sorted(({named[one] for one in row["wallets"]} for row in rows), key=sorted)


async def everything(graph: Graph, chain: ChainId) -> object:
    """What is published, but for which run it was."""
    kept = await cluster_runs.kept(graph, chain)
    ties = await graph.run_alone(
        "MATCH (a:Wallet)-[l:LINKED]->(b:Wallet) WHERE a.chain = $chain "
        "RETURN l.id AS id, a.id AS one, b.id AS other, l.confidence AS confidence",
        chain=chain,
    )
    inside = await graph.run_alone(
        "MATCH (w:Wallet)-[:IN_CLUSTER]->(c:Cluster) WHERE w.chain = $chain "
        "RETURN w.id AS wallet, c.id AS cluster",
        chain=chain,
    )
    assert len(ties) == len(kept.evidence)
    assert {row["wallet"]: row["cluster"] for row in inside} == kept.members
    assert len(inside) == len(kept.members)
    return kept, sorted(map(str, (row.values() for row in ties)))


@pytest_asyncio.fixture
async def clustering(graph: Graph) -> AsyncIterator[Clustering]:
    yield Clustering(graph, clock=lambda: NOW)


async def test_new_blocks_are_added_to_what_was_read(
    ledger: Ledger, clustering: Clustering
) -> None:
    graph = ledger.graph
    await ledger.write(*exchange(), *deposit("a", "d", block=100), *deposit("b", "d", block=200))
    first = await clustering.run(CHAIN)
    assert (first.number, first.done, first.incremental, first.block_number) == (
        1,
        True,
        False,
        202,
    )
    assert await groups(graph) == [{"a", "b"}, {"d", "hot"}]

    await ledger.write(*deposit("c", "d", block=300), *deposit("c", "d", block=400))
    await ledger.write(*deposit("e", "f", block=300), *deposit("g", "f", block=350))
    second = await clustering.run(CHAIN)
    assert (second.number, second.incremental, second.facts) == (2, True, 12)
    assert await groups(graph) == [{"a", "b", "c"}, {"d", "f", "hot"}, {"e", "g"}]
    assert (await clusters.published(graph, [CHAIN]))[CHAIN].number == 2

    there = await everything(graph, CHAIN)
    full = await Clustering(graph, clock=lambda: NOW).run(CHAIN)
    assert (full.number, full.incremental) == (3, False)
    assert await everything(graph, CHAIN) == there


async def test_new_labels_are_heard_and_older_blocks_read_anew(
    ledger: Ledger, clustering: Clustering
) -> None:
    await ledger.write(*deposit("a", "d", block=100), *deposit("b", "d", block=200))
    assert (await clustering.run(CHAIN)).clusters == 0
    await ledger.write(*exchange())
    assert (await clustering.run(CHAIN)).incremental
    assert await groups(ledger.graph) == [{"a", "b"}, {"d", "hot"}]
    # What stands behind a wallet that nothing new has come to.
    await ledger.write(WalletFact(id=wallet("b"), kind=WalletKind.CONTRACT))
    assert (await clustering.run(CHAIN)).incremental
    assert await groups(ledger.graph) == [{"d", "hot"}]
    # An older block, which shows that the address is somebody's own.
    await ledger.write(given.transfer("d", "h", tx="friend", amount_raw=1, block=150, at=NOON))
    assert not (await clustering.run(CHAIN)).incremental
    assert await groups(ledger.graph) == []
    assert await everything(ledger.graph, CHAIN) == (cluster_runs.Kept({}, {}, {}), [])


class History:
    """A chain that goes on by chance, and the process that clusters it, which ends now and then."""

    def __init__(self, seed: int, ledger: Ledger, folder: Path) -> None:
        self.chance, self.ledger, self.folder = Random(seed), ledger, folder
        self.block, self.read_on = 0, True
        self.process = self.started()

    def started(self) -> Clustering:
        """A new process on the files of the one before."""
        return Clustering(self.ledger.graph, clock=lambda: NOW, folder=self.folder)

    async def go_on(self) -> None:
        """New blocks, and sometimes what else happens between two runs."""
        for _ in range(self.chance.randint(1, 3)):
            self.block += 10
            payer, address = self.chance.choice("abceg"), self.chance.choice("df")
            await self.ledger.write(*deposit(payer, address, block=self.block))
        self.read_on = True
        name = self.chance.choice("abceg")
        match self.chance.randrange(6):
            case 0:
                await self.ledger.write(WalletFact(id=wallet(name), kind=WalletKind.CONTRACT))
            case 1:
                subject = on_chain(ETHEREUM, address=given.address(name))
                said = claim(subject, "x", source=f"{self.block}", confidence=0.9, actor="exchange")
                await self.ledger.write(said)
            case 2:
                paid = given.transfer(name, "h", tx=f"late {self.block}", block=5, at=NOON + 60_000)
                await self.ledger.write(paid)
                self.read_on = False
            case 3:
                [file] = self.folder.iterdir()
                file.write_bytes(file.read_bytes()[: -self.chance.randint(1, 400)])


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_what_another_process_has_read_is_as_good_as_reading_everything(
    ledger: Ledger, tmp_path: Path, seed: int
) -> None:
    await ledger.write(*exchange(), *deposit("a", "d", block=1), *deposit("b", "d", block=2))
    history = History(seed, ledger, tmp_path / "facts")
    assert not (await history.process.run(CHAIN)).incremental
    times_read_on = 0
    for _ in range(6):
        await history.go_on()
        history.process = history.started()
        run = await history.process.run(CHAIN)
        assert history.read_on or not run.incremental
        times_read_on += run.incremental
        there = await everything(ledger.graph, CHAIN)
        assert not (await Clustering(ledger.graph, clock=lambda: NOW).run(CHAIN)).incremental
        assert await everything(ledger.graph, CHAIN) == there
    assert times_read_on > 1


async def test_two_processes_may_take_turns(ledger: Ledger, tmp_path: Path) -> None:
    await ledger.write(*exchange(), *deposit("a", "d", block=1))
    one, other = (Clustering(ledger.graph, clock=lambda: NOW, folder=tmp_path) for _ in range(2))
    await one.run(CHAIN)
    for block, process in ((10, other), (20, one), (30, other), (40, one)):
        await ledger.write(*deposit("b", "d", block=block))
        run = await process.run(CHAIN)
        assert (run.incremental, run.facts) == (True, 2 + block // 5)
    fresh = await Clustering(ledger.graph, clock=lambda: NOW, folder=tmp_path).run(CHAIN)
    assert (fresh.incremental, fresh.facts) == (True, 10)


async def test_a_run_that_was_interrupted_is_repaired_by_the_next(
    ledger: Ledger, clustering: Clustering
) -> None:
    graph = ledger.graph
    await ledger.write(*exchange(), *deposit("a", "d", block=100), *deposit("b", "d", block=200))
    await clustering.run(CHAIN)
    there = await everything(graph, CHAIN)
    await graph.run_alone("MATCH (m:Member {id: $id}) DELETE m", id=wallet("a"))
    await graph.run_alone("MATCH (:Wallet {id: $id})-[r:IN_CLUSTER]->() DELETE r", id=wallet("a"))
    await graph.run_alone("MATCH (e:Evidence {heuristic: 'deposit_reuse'}) DELETE e")
    await graph.run_alone("MATCH ()-[l:LINKED {heuristic: 'deposit_reuse'}]->() DELETE l")
    await clustering.run(CHAIN)
    assert await everything(graph, CHAIN) == there


async def test_one_run_at_a_time(ledger: Ledger, clustering: Clustering) -> None:
    async with cluster_runs.turn(ledger.graph, CHAIN, clock=lambda: NOW):
        with pytest.raises(UpstreamUnavailable):
            await clustering.run(CHAIN)
    await clustering.run(CHAIN)


async def test_ids_lead_on_after_a_merge_and_pages_hold_all_wallets(
    ledger: Ledger, clustering: Clustering
) -> None:
    graph = ledger.graph
    names = sorted("abcegh", key=wallet)
    one, *others = names
    await ledger.write(*exchange())
    for place, name in enumerate(others):
        await ledger.write(*deposit(name, "d", block=100 * (place + 1)))
    await clustering.run(CHAIN)
    before = cluster_id(wallet(others[0]))
    assert set(await clusters.by_ids(graph, [before])) == {before}
    await ledger.write(*deposit(one, "d", block=1_000), *deposit(one, "d", block=1_100))
    await clustering.run(CHAIN)
    found = await clusters.by_ids(graph, [before, cluster_id(wallet("nobody")), "nonsense"])
    assert {id: row.id for id, row in found.items()} == {before: cluster_id(wallet(one))}

    id = cluster_id(wallet(one))
    seen: list[AccountId] = []
    page = Page(size=2)
    while True:
        slice_ = (await clusters.members(graph, [id], page=page))[id]
        seen += [row.id for row in slice_.rows]
        if not slice_.more_after:
            break
        page = Page(size=2, after=slice_.places[-1])
    assert seen == [wallet(name) for name in names]
    last = (await clusters.members(graph, [id], page=Page(size=2, backward=True)))[id]
    assert [row.id for row in last.rows] == seen[-2:]


@pytest.fixture(scope="module")
def world() -> World:
    return planted_world(4, size=40)


@pytest.mark.parametrize("chain", [ETHEREUM, BITCOIN])
async def test_the_graph_says_what_memory_says(
    ledger: Ledger, clustering: Clustering, world: World, chain: Chain
) -> None:
    id = ChainId(chain.id)
    # Twelve days of it: what people, their employers and exchanges do, and no airdrop.
    until = BEGINS + 12 * DAY
    records = [one for one in world.of_chain(id) if (getattr(one, "block_time", 0) or 0) < until]
    world = msgspec.structs.replace(world, records=records)
    for first in range(0, len(records), 2_000):
        await ledger.write(*records[first : first + 2_000])
    await clustering.run(id)
    facts = facts_of(world, chain)
    evidence = Derivation(facts).evidence()
    found = united(strong(evidence.values()), actors=actors_of(world))
    kept = await cluster_runs.kept(ledger.graph, id)
    assert kept.evidence == evidence
    assert kept.members == {one: some.id for some in found for one in some.members}
    assert len(found) > 5
