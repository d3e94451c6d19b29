"""Walks over real data, against SciPy and plain Python over the same files."""

import os
import random
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, shortest_path

from bench import plain
from bench.clusters import read_hop
from bench.load import Case, load
from graph_api.domain.ids import AccountId, TransferId
from graph_api.domain.positions import order_key
from graph_api.domain.records import Transfer
from graph_api.services import paths
from graph_api.services.networks import growing, pictures
from graph_api.services.networks.answers import Network
from graph_api.services.networks.pictures import Fold
from graph_api.services.networks.questions import NetworkQuestion
from graph_api.services.paths import Ending, PathQuestion, PathSearch
from graph_api.services.transaction_graphs import drawing
from graph_api.services.transaction_graphs.listing import TransactionGraphQuestion
from graph_api.store.graph import Graph
from graph_api.store.transfers import Direction
from ingest.pipelines.load import BATCH
from tests.given import NOW, Ledger

FOLDER = os.environ.get("DESKGRAPH_DATA")
DATA = Path(FOLDER or ".")
pytestmark = pytest.mark.skipif(
    FOLDER is None, reason="DESKGRAPH_DATA names no folder of real data; these tests read it"
)

#: So many transfers of Gnosis are drawn: they fall into hundreds of components.
DRAWN = 6_000
EVERYTHING = 10**9


class Known:
    """The drawn transfers as a matrix: what SciPy says of them."""

    def __init__(self, pairs: list[tuple[AccountId, AccountId]]) -> None:
        self.wallets = sorted({wallet for pair in pairs for wallet in pair})
        number = {wallet: place for place, wallet in enumerate(self.wallets)}
        rows = [number[one] for one, _ in pairs]
        columns = [number[other] for _, other in pairs]
        size = len(self.wallets)
        self.matrix = coo_array((np.ones(len(pairs)), (rows, columns)), shape=(size, size)).tocsr()
        self.number = number
        self.parts, self.part = connected_components(self.matrix, directed=False)

    def hops(self, start: AccountId, *, directed: bool) -> dict[AccountId, int]:
        """How far every wallet is that can be reached."""
        found = shortest_path(
            self.matrix, directed=directed, unweighted=True, indices=self.number[start]
        )
        return {
            wallet: int(found[place])
            for place, wallet in enumerate(self.wallets)
            if np.isfinite(found[place])
        }


async def network(graph: Graph, question: NetworkQuestion) -> Network:
    found = (await growing.around(graph, [question], now=NOW))[question]
    assert isinstance(found, Network)
    return found


async def test_paths_and_networks_of_hop_are_those_of_scipy(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(1)
    hop = read_hop(DATA / "hop_transfers", "xdai")
    pairs = chance.sample(sorted(hop.pairs), DRAWN)
    await ledger.write(*(_transfer(*pair, number) for number, pair in enumerate(pairs)))
    known = Known(pairs)
    monkeypatch.setattr(growing, "BUDGET", EVERYTHING)
    monkeypatch.setattr(paths, "BUDGET", EVERYTHING)

    endings: Counter[Ending] = Counter()
    largest = np.bincount(known.part).argmax()
    inside = [one for one in known.wallets if known.part[known.number[one]] == largest]
    for number in range(60):
        many = inside if number % 3 else known.wallets
        start, end = chance.sample(many, 2)
        way = Direction.OUT if number % 2 else Direction.BOTH
        question = PathQuestion(
            start=start, end=end, max_hops=60, direction=way, hub=EVERYTHING, through_services=True
        )
        found = (await paths.shortest(ledger.graph, [question], now=NOW))[question]
        assert isinstance(found, PathSearch)
        endings[found.ending] += 1
        hops = known.hops(start, directed=way is Direction.OUT).get(end)
        assert (len(found.hops) or None) == hops
        if way is Direction.BOTH:
            same = known.part[known.number[start]] == known.part[known.number[end]]
            assert (found.ending is Ending.FOUND) == same
    assert known.parts > 100
    assert min(endings[Ending.FOUND], endings[Ending.EXHAUSTED]) > 5

    for start in [*chance.sample(known.wallets, 10), *chance.sample(inside, 10)]:
        way = chance.choice((Direction.OUT, Direction.BOTH))
        around = NetworkQuestion(
            centre=start, depth=3, direction=way, per_wallet=EVERYTHING, max_edges=EVERYTHING,
            hub=EVERYTHING, through_services=True,
        )  # fmt: skip
        drawn = await network(ledger.graph, around)
        nodes = (await growing.nodes(ledger.graph, [drawn]))[drawn]
        hops_of = known.hops(start, directed=way is Direction.OUT)
        assert {node.wallet.id: node.hops for node in nodes} == {
            wallet: hops for wallet, hops in hops_of.items() if hops <= 3
        }


def _transfer(sender: AccountId, recipient: AccountId, number: int) -> Transfer:
    identity = TransferId(f"file:hop:{number}")
    position = f"file:{number}"
    return Transfer(
        id=identity,
        chain=sender.rpartition(":")[0],  # type: ignore[arg-type]
        transaction=None,
        position=position,
        order=order_key(identity, block_number=None, position=position),
        sender=sender,
        recipient=recipient,
        token=None,
        amount_raw=None,
        block_number=None,
        block_time=None,
    )


async def test_relations_of_ethereum_are_those_that_plain_python_adds_up(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = DATA / "graphsense_eth"
    await load(graph, Case("graphsense_eth", (folder,), ("ethereum",)), batch=BATCH)
    totals = plain.Totals()
    totals.add(plain.graphsense(folder))
    relations: dict[str, dict[tuple[str, str], int]] = defaultdict(dict)
    near: dict[str, set[str]] = defaultdict(set)
    for (sender, recipient, _), (count, _amount) in totals.flows.items():
        near[sender].add(recipient)
        near[recipient].add(sender)
        for end in {sender, recipient}:
            of_pair = relations[end]
            of_pair[sender, recipient] = of_pair.get((sender, recipient), 0) + count
    monkeypatch.setattr(growing, "BUDGET", EVERYTHING)

    busiest = sorted(near, key=lambda one: (-len(near[one]), one))[:12]
    others = random.Random(2).sample(sorted(near), 20)
    for wallet in map(AccountId, [*busiest, *others]):
        question = NetworkQuestion(
            centre=wallet, depth=1, per_wallet=EVERYTHING, max_edges=EVERYTHING
        )
        found = await network(graph, question)
        assert {
            (flow.sender, flow.recipient, flow.token): (flow.transfers, _exact(flow.amount_raw))
            for flow in found.edges
        } == {key: sums for key, sums in totals.flows.items() if wallet in key[:2]}
        drawn = (await pictures.pictures(graph, [found], fold=(Fold.TOKENS,)))[found]
        assert {(edge.source, edge.target): edge.transfers for edge in drawn.edges} == relations[
            wallet
        ]
        await _agrees_with_its_transactions(graph, wallet, found)


async def _agrees_with_its_transactions(graph: Graph, wallet: AccountId, found: Network) -> None:
    """Half of the way through its blocks, the flows of then are what its transfers add up to."""
    rows = await graph.run_alone(
        "MATCH (w:Wallet {id: $wallet})-[:SENT|REACHED]-(t:Transfer) "
        "RETURN DISTINCT t.id AS id, t.sender AS sender, t.recipient AS recipient, "
        "t.token AS token, t.amount_raw AS raw, t.block_number AS block, "
        "t.transaction AS transaction",
        wallet=wallet,
    )
    blocks = sorted({row["block"] for row in rows})
    middle = blocks[len(blocks) // 2]
    sums: dict[tuple[str, str, str | None], int] = Counter()
    for row in rows:
        if row["block"] <= middle and row["sender"] is not None:
            sums[row["sender"], row["recipient"], row["token"]] += int(row["raw"])
    then = await network(graph, _of_block(found.question, middle))
    assert {
        (flow.sender, flow.recipient, flow.token): _exact(flow.amount_raw) for flow in then.edges
    } == dict(sums)

    asked = TransactionGraphQuestion(wallet=wallet, first=10_000)
    around = (await drawing.graphs(graph, [asked], now=NOW))[asked]
    assert isinstance(around, drawing.TransactionGraph)
    carried = {row["transaction"] or row["id"] for row in rows}
    assert {node.id for node in around.transactions} == carried
    assert around.stopped is False


def _of_block(question: NetworkQuestion, block: int) -> NetworkQuestion:
    return NetworkQuestion(
        centre=question.centre, depth=1, per_wallet=EVERYTHING, max_edges=EVERYTHING,
        as_of_block=block,
    )  # fmt: skip


def _exact(raw: str | None) -> int | None:
    return None if raw is None else int(raw)
