"""Networks and shortest paths over ``hop_transfers``, beside plain Cypher in the same run.

``python -m bench walks [--engine embedded|neo4j] [--data FOLDER] [--rows N]`` loads the transfers
of ``DESKGRAPH_DATA`` by the project's own loader, draws seeded wallets and asks of each the same
three ways: the service, as the API asks it; the engine's own pattern with a limit of edges; and
for paths the engine's ``shortestPath``. Plain Cypher may take ten seconds; what takes longer is
counted, and enters its percentiles with these ten seconds.
"""

import argparse
import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec
import pyarrow.parquet as pq

from bench.engines import ENGINES, now, scratch_graph
from bench.load import Case, load
from bench.output import Table, write_json
from graph_api.domain.errors import GraphApiError
from graph_api.domain.ids import AccountId, ChainId, chain_id_of
from graph_api.services import paths
from graph_api.services.networks import growing
from graph_api.services.networks.questions import NetworkQuestion
from graph_api.services.paths import PathQuestion
from graph_api.store.graph import Graph
from ingest.pipelines.load import BATCH
from tests.real.available import Unavailable

_PATIENCE_S: Final = 10.0
#: Any edges of two hops: what a walk costs that chooses nothing.
_ANY: Final = (
    "MATCH p = (:Wallet {id: $id})-[:FLOWED*1..2]-(:Wallet) "
    "UNWIND relationships(p) AS r RETURN DISTINCT r.id AS id LIMIT 500"
)
#: The strongest of each wallet, as a network has them, by one statement.
_STRONGEST: Final = (
    "MATCH (c:Wallet {id: $id})-[:FLOWED]-(n:Wallet) WITH DISTINCT n "
    "MATCH (n)<-[:FLOW_FROM|FLOW_TO]-(f:Flow) "
    "WITH n, f ORDER BY f.transfers DESC, f.id WITH n, collect(f.id)[0..25] AS best "
    "UNWIND best AS id RETURN DISTINCT id LIMIT 500"
)
_SHORTEST: Final = (
    "MATCH (a:Wallet {id: $start}), (b:Wallet {id: $end}) "
    "MATCH p = shortestPath((a)-[:FLOWED*..6]->(b)) RETURN length(p) AS hops"
)

#: Asks for one wallet, or one pair; how much it found.
Way = Callable[[tuple[AccountId, ...]], Awaitable[int]]


class Figure(msgspec.Struct, kw_only=True):
    """One question, asked one way of many wallets; milliseconds.

    Args:
        given_up: How often it took longer than it may.
        found: Edges of a network, or hops of a path, on average over what was answered.
    """

    engine: str
    question: str
    way: str
    asked: int
    p50_ms: float
    p95_ms: float
    most_ms: float
    given_up: int
    found: float


async def measure(graph: Graph, engine: str, *, count: int, hubs: int, seed: int) -> list[Figure]:
    """Ask everything: of ``count`` drawn wallets and pairs, and of the ``hubs`` largest."""
    chance = random.Random(seed)
    everybody, largest = await _wallets(graph), await _largest(graph, hubs)
    drawn = [(chance.choice(everybody),) for _ in range(count)]
    pairs = _pairs(chance, everybody, count)
    linked = [await _linked(graph, chance, everybody) for _ in range(count)]
    patient = await Graph.open(graph.address, query_timeout_s=_PATIENCE_S)
    networks: dict[str, Way] = {
        "network": _network(graph),
        "Cypher: any edges": _cypher(patient, _ANY),
        "Cypher: the strongest": _cypher(patient, _STRONGEST),
    }
    searches: dict[str, Way] = {
        "shortestPath": _path(graph),
        "Cypher: shortestPath": _cypher(patient, _SHORTEST),
    }
    table, figures = Table(*Figure.__struct_fields__), list[Figure]()
    for question, ways, asked in (
        ("2 hops around anybody", networks, drawn),
        ("2 hops around hubs", networks, [(one,) for one in largest]),
        ("a path between anybody", searches, pairs),
        ("a path that there is", searches, linked),
    ):
        for name, way in ways.items():
            for one in asked[: max(3, len(asked) // 10)]:
                await _timed(way, one)  # an engine's first answers tell of its compiler
            took = [await _timed(way, one) for one in asked]
            figures.append(_figure(engine, question, name, took))
            table.row(*_cells(figures[-1]))
    await patient.close()
    return figures


async def _wallets(graph: Graph) -> list[AccountId]:
    rows = await graph.run_alone("MATCH (w:Wallet) RETURN w.id AS id")
    return sorted(row["id"] for row in rows)


def _pairs(
    chance: random.Random, everybody: list[AccountId], count: int
) -> list[tuple[AccountId, ...]]:
    """Two wallets of one chain each; both chains as often as they have wallets."""
    by_chain: dict[ChainId, list[AccountId]] = {}
    for wallet in everybody:
        by_chain.setdefault(chain_id_of(wallet), []).append(wallet)
    chains = [chain_id_of(chance.choice(everybody)) for _ in range(count)]
    return [tuple(chance.sample(by_chain[chain], 2)) for chain in chains]


async def _linked(
    graph: Graph, chance: random.Random, everybody: list[AccountId]
) -> tuple[AccountId, ...]:
    """Two wallets of which the second is up to six hops from the first, along drawn flows."""
    while True:
        way = [chance.choice(everybody)]
        for _ in range(chance.randint(2, 6)):
            rows = await graph.run_alone(
                "MATCH (:Wallet {id: $id})-[:FLOWED]->(o:Wallet) "
                "WITH DISTINCT o.id AS id LIMIT 1000 RETURN id",
                id=way[-1],
            )
            if new := sorted({row["id"] for row in rows} - {*way}):
                way.append(chance.choice(new))
        if len(way) > 2:
            return way[0], way[-1]


async def _largest(graph: Graph, count: int) -> list[AccountId]:
    rows = await graph.run_alone(
        "MATCH (w:Wallet) RETURN w.id AS id, w.flows_in + w.flows_out AS flows "
        "ORDER BY flows DESC, id LIMIT $count",
        count=count,
    )
    return [row["id"] for row in rows]


def _network(graph: Graph) -> Way:
    async def ask(asked: tuple[AccountId, ...]) -> int:
        question = NetworkQuestion(centre=asked[0])
        found = (await growing.around(graph, [question], now=now()))[question]
        assert not isinstance(found, GraphApiError)
        await growing.nodes(graph, [found])
        return len(found.edges)

    return ask


def _path(graph: Graph) -> Way:
    async def ask(asked: tuple[AccountId, ...]) -> int:
        question = PathQuestion(start=asked[0], end=asked[1])
        found = (await paths.shortest(graph, [question], now=now()))[question]
        assert not isinstance(found, GraphApiError)
        return len(found.hops)

    return ask


def _cypher(graph: Graph, text: str) -> Way:
    async def ask(asked: tuple[AccountId, ...]) -> int:
        names = ("id",) if len(asked) == 1 else ("start", "end")
        _, rows = await graph.read_values(text, dict(zip(names, asked, strict=True)))
        return int(rows[0][0]) if len(asked) == 2 and rows else len(rows)

    return ask


async def _timed(way: Way, asked: tuple[AccountId, ...]) -> tuple[float, int | None]:
    """Seconds, and what was found; None where it gave up."""
    begin = time.perf_counter()
    try:
        found = await way(asked)
    except GraphApiError:
        return time.perf_counter() - begin, None
    return time.perf_counter() - begin, found


def _figure(
    engine: str, question: str, way: str, took: Sequence[tuple[float, int | None]]
) -> Figure:
    times = sorted(seconds * 1e3 for seconds, _ in took)
    found = [one for _, one in took if one is not None]
    return Figure(
        engine=engine,
        question=question,
        way=way,
        asked=len(took),
        p50_ms=round(times[len(times) // 2], 1),
        p95_ms=round(times[min(len(times) * 95 // 100, len(times) - 1)], 1),
        most_ms=round(times[-1], 1),
        given_up=len(took) - len(found),
        found=round(sum(found) / len(found), 1) if found else 0.0,
    )


def _cells(figure: Figure) -> list[object]:
    return [getattr(figure, name) for name in Figure.__struct_fields__]


async def run(options: argparse.Namespace) -> list[Figure]:
    """Load and measure on each engine."""
    figures: list[Figure] = []
    with TemporaryDirectory(prefix="deskgraph-bench-") as folder:
        case = _case(options.data, Path(folder), rows=options.rows)
        for name in options.engine or ENGINES:
            try:
                async with scratch_graph(name) as graph:
                    begin = time.perf_counter()
                    rows = await load(graph, case, batch=BATCH)
                    print(f"{name}: {rows:,} rows in {time.perf_counter() - begin:.0f} s")
                    figures += await measure(
                        graph, name, count=options.count, hubs=options.hubs, seed=options.seed
                    )
            except Unavailable as reason:
                print(reason, flush=True)
    return figures


def _case(data: Path, folder: Path, *, rows: int) -> Case:
    """The transfers of Hop's users, all or the first of them."""
    path = data / "hop_transfers" / "transfers.parquet"
    if rows:
        pq.write_table(pq.read_table(path).slice(0, rows), folder / path.name)
        path = folder / path.name
    return Case("hop_transfers", (path,), ("polygon", "gnosis"))


def main(arguments: Sequence[str]) -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m bench walks", description=__doc__)
    parser.add_argument("--engine", action="append", choices=ENGINES, help="default: both")
    parser.add_argument("--data", type=Path, default=os.environ.get("DESKGRAPH_DATA"))
    parser.add_argument("--rows", type=int, default=0, help="most rows; 0: all")
    parser.add_argument("--count", type=int, default=200, help="wallets and pairs to ask of")
    parser.add_argument("--hubs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("name the folder of real data by --data or DESKGRAPH_DATA.")
    options.data = Path(options.data)
    write_json(options.json, asyncio.run(run(options)))
