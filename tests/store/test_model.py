"""The model that is described is the one that is there: schema and data, on both engines."""

from datetime import timedelta
from functools import partial
from pathlib import Path

from graph_api.domain.ids import ChainId
from graph_api.domain.otc import Rules
from graph_api.domain.records import Transfer
from graph_api.services.clustering.runs import Clustering
from graph_api.store import prices, published_replays, published_traces
from graph_api.store.graph import Graph
from graph_api.store.ledger.turn import Turn
from graph_api.store.model import NODES, RELATIONSHIPS
from ingest.pipelines.detecting import Detector
from ingest.pipelines.following import Follower
from tests import given
from tests.given import Ledger
from tests.ingest.chains import FIRST, FreezingChain
from tests.ingest.export import export, written
from tests.ingest.loading import loaded
from tests.services.test_clustering import deposit, exchange
from tests.store.test_ledger_recompute import coins
from tests.store.test_prices import COINS, price, priced

_TYPES = {str: "STRING", int: "INTEGER", float: "FLOAT", bool: "BOOLEAN"}


def type_of(value: object) -> str:
    """What Cypher calls the type of ``value``."""
    if isinstance(value, list):
        return f"LIST<{_TYPES[type(value[0])]}>"
    return _TYPES[type(value)]


async def test_the_live_schema_is_the_one_that_is_described(open_graph: Graph) -> None:
    constraints = await open_graph.run_alone("SHOW CONSTRAINTS")
    indexes = await open_graph.run_alone("SHOW INDEXES")

    unique = {(row["labelsOrTypes"][0], *row["properties"]) for row in constraints}
    assert all("UNIQUENESS" in row["type"] for row in constraints)
    assert unique == {(node.label, node.key) for node in NODES if node.key is not None}
    ranges = {
        (row["labelsOrTypes"][0], *row["properties"])
        for row in indexes
        if row["labelsOrTypes"] and not row["owningConstraint"]
    }
    assert ranges == {(node.label, name) for node in NODES for name in node.indexes}


async def test_data_has_nothing_that_is_not_described(graph: Graph, tmp_path: Path) -> None:
    await sample(graph, tmp_path)
    nodes = {node.label: {one.name: one.type for one in node.properties} for node in NODES}
    ties = {
        (tie.start, tie.type, tie.end): {one.name: one.type for one in tie.properties}
        for tie in RELATIONSHIPS
    }

    rows = await graph.run_alone("MATCH (n) RETURN labels(n) AS labels, properties(n) AS said")
    for row in rows:
        (label,) = row["labels"]
        for name, value in row["said"].items():
            assert type_of(value) == nodes[label].get(name), (label, name, value)
    roads = await graph.run_alone(
        "MATCH (a)-[r]->(b) RETURN labels(a)[0] AS start, type(r) AS type, labels(b)[0] AS end, "
        "properties(r) AS said"
    )
    for row in roads:
        described = ties[row["start"], row["type"], row["end"]]
        for name, value in row["said"].items():
            assert type_of(value) == described.get(name), (row, name)

    assert {row["labels"][0] for row in rows} == nodes.keys()
    assert {(row["start"], row["type"], row["end"]) for row in roads} == ties.keys()


async def sample(graph: Graph, folder: Path) -> None:
    """At least one of everything that the model knows."""
    data = folder / "data"
    written(data, export(21, transactions=40))
    (data / "desks.yaml").write_text(
        "version: 1\n"
        "name: desks\n"
        "actors:\n"
        "  - id: some_desk\n"
        "    name: Some Desk\n"
        "    type: otc_desk\n"
        "    jurisdictions: [CH]\n"
        "    wallets:\n"
        "      ethereum:\n"
        f"        - address: '{given.address('person 1')}'\n"
        "          label: Some Desk hot wallet\n"
        "          source_url: https://example.org/desk\n"
    )
    await loaded(graph, data, rejects=folder / "r")
    async with Ledger.open(graph) as ledger:
        await ledger.write(*coins())
    chain = FreezingChain(given.ETHEREUM)
    chain.grow(given.ETHEREUM.finality_depth + 2)
    turn = Turn(graph, clock=lambda: given.NOW)
    await Follower(graph, turn, chain, start=FIRST).run(until=chain.height)
    async with Ledger.open(graph) as ledger:
        await ledger.write(*exchange(), *deposit("a", "d", block=1), *deposit("b", "d", block=9))
    await Clustering(graph, clock=lambda: given.NOW).run(ChainId(given.ETHEREUM.id))
    await prices.register(graph, [COINS])
    point = price("2.5", chain.transfers[0].block_time or 0)
    assert (await priced(graph, point)).priced
    await graph.write(partial(prices.tick, prices=[point], kept=[point], now=given.NOW))
    detector = Detector(graph, Rules(), clock=lambda: given.NOW, tolerance=timedelta(days=1))
    assert await detector.detect()
    await detector.leave()
    await publish_a_trace(graph, chain.transfers[0])
    await publish_a_replay(graph, chain.transfers[0])


async def publish_a_replay(graph: Graph, moved: Transfer) -> None:
    """A cluster of one wallet, with its road."""
    await published_replays.put(
        graph,
        "two",
        properties={
            "name": "One cluster",
            "workspace": "local",
            "owner": "local",
            "digest": "00",
            "chain": given.ETHEREUM.id,
            "run": f"{given.ETHEREUM.id}|1",
            "threshold": 0.6,
            "as_of_block": 1,
            "clusters": 1,
            "wallets": 1,
            "made_at": given.NOW,
        },
        wallets=[
            {
                "wallet": moved.recipient,
                "cluster": f"cluster:{moved.recipient}",
                "size": 1,
                "actor": "x",
            }
        ],
    )


async def publish_a_trace(graph: Graph, moved: Transfer) -> None:
    """A trace of one transfer, with its roads."""
    await published_traces.put(
        graph,
        "one",
        properties={
            "name": "One transfer",
            "workspace": "local",
            "owner": "local",
            "digest": "00",
            "policy": "fifo",
            "direction": "forward",
            "chain": given.ETHEREUM.id,
            "complete": True,
            "block": 1,
            "made_at": given.NOW,
        },
        wallets=[
            {
                "wallet": moved.recipient,
                "token": moved.token,
                "reached_raw": "1",
                "hops": 0,
                "fates": "held",
            }
        ],
        transfers=[{"transfer": moved.id, "traced_raw": "1", "hops": 0}],
    )
