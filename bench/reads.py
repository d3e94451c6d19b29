"""The read shapes of a graph API: the bare driver, Deskgraph, and the usual Node stack.

``python -m bench reads [--engine embedded|neo4j]`` puts one generated graph into one database,
starts every server on it, checks that they answer alike, and asks them in turn: cell by cell, all
servers within a cell one after another, so that a machine that is busy for a while is so for all.
Prints requests per second as a ratio to graphql-yoga, and the CPU time of the server's process per
request. The load comes from a process of its own.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import httpx
import msgspec

from bench.client import Load, Measured
from bench.engines import ENGINES, now, scratch_graph
from bench.output import Table, write_json
from bench.synthetic import wallet, write_transfers
from deskgraph.connect import migrate_vault
from graph_api.domain.chains import chain_of
from graph_api.settings import Settings
from graph_api.store.graph import Graph, GraphAddress
from ingest.jobs.loading import load_paths
from ingest.sources.files.format import Options
from scripts.node import with_node
from tests.real.node_packages import packages

PEERS: Final = ("yoga", "apollo")
_TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")
_HERE: Final = Path(__file__).parent


class Shape(NamedTuple):
    """One question in the words of each server, and how many rows its answer has."""

    about: str
    ours: str
    peers: str | None
    cypher: str
    parameters: dict[str, Any]
    rows: Callable[[Any], int]


class Server(NamedTuple):
    """A server under load."""

    name: str
    port: int
    pid: int


class Cell(msgspec.Struct):
    """What one server did with one shape at one number of connections."""

    shape: str
    connections: int
    server: str
    requests_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float | None


def shapes(ids: Sequence[str], hub: str, small: str) -> dict[str, Shape]:
    """The shapes over wallets that the generated graph has."""
    many = " ".join(
        f'w{number}: wallet(by: {{accountId: "{one}"}}) '
        "{ accountId counterparties(direction: OUT, first: 5) { accountId transfers } }"
        for number, one in enumerate(ids[:20])
    )
    return {
        "Q1": Shape(
            "one wallet, ten scalars",
            _wallet(
                small,
                "accountId chainId address kind firstSeenAt lastSeenAt transfersIn"
                " transfersOut flowsIn flowsOut",
            ),
            _peer_wallet(
                small,
                "id chain address kind first_seen_at last_seen_at transfers_in"
                " transfers_out flows_in flows_out",
            ),
            "MATCH (w:Wallet {id: $id}) RETURN w.id, w.chain, w.address, w.kind, w.first_seen_at,"
            " w.last_seen_at, w.transfers_in, w.transfers_out, w.flows_in, w.flows_out",
            {"id": small},
            lambda data: 1,
        ),
        "Q2": _newest(small, "a wallet with its newest 20 transfers, recipient and token"),
        "Q2hub": _newest(hub, "the same of a hub"),
        "Q3": Shape(
            "20 wallets with their 5 busiest counterparties",
            "{ " + many + " }",
            "{ wallets(where: {id: {in: " + json.dumps(list(ids[:20])) + "}}) "
            "{ id busiest(limit: 5) { recipient transfers } } }",
            "UNWIND $ids AS id MATCH (w:Wallet {id: id})-[r:FLOWED]->() WITH id, r.id AS flow "
            "MATCH (f:Flow {id: flow}) WITH id, f ORDER BY f.transfers DESC "
            "RETURN id, collect({recipient: f.recipient, transfers: f.transfers})[..5]",
            {"ids": list(ids[:20])},
            lambda data: _count(data, len(ids[:20])),
        ),
        "Q6": Shape(
            "a page of 1,000 transfers, ten fields",
            '{ transfers(chain: "ethereum", first: 1000) { nodes { transferId chainId position'
            " senderId recipientId tokenId amountRaw amount blockNumber blockTime } } }",
            "{ transfers(sort: [{order_key: ASC}], limit: 1000) { id chain position sender"
            " recipient token amount_raw amount block_number block_time } }",
            "MATCH (t:Transfer) WHERE t.order_key >= '' WITH t LIMIT 1000 RETURN t.id, t.chain,"
            " t.position, t.sender, t.recipient, t.token, t.amount_raw, t.amount, t.block_number,"
            " t.block_time",
            {},
            lambda data: len(_list(data["transfers"])),
        ),
    }


def _newest(account: str, about: str) -> Shape:
    return Shape(
        about,
        _wallet(
            account,
            "accountId transfers(filter: {direction: OUT}, first: 20) { nodes {"
            " transferId amountRaw blockTime recipient { accountId kind }"
            " token { symbol decimals } } }",
        ),
        _peer_wallet(
            account,
            "id newest(limit: 20) { id amount_raw block_time"
            " reached { id kind } asset { symbol decimals } }",
        ),
        "MATCH (w:Wallet {id: $id})-[:SENT]->(t:Transfer) WITH t ORDER BY t.sender_key LIMIT 20 "
        "MATCH (t)-[:REACHED]->(r:Wallet) MATCH (k:Token {id: t.token}) "
        "RETURN t.id, t.amount_raw, t.block_time, r.id, r.kind, k.symbol, k.decimals",
        {"id": account},
        lambda data: _transfers(data),
    )


def _wallet(account: str, fields: str) -> str:
    return f'{{ wallet(by: {{accountId: "{account}"}}) {{ {fields} }} }}'


def _peer_wallet(account: str, fields: str) -> str:
    return f'{{ wallets(where: {{id: {{eq: "{account}"}}}}) {{ {fields} }} }}'


def _list(value: Any) -> list[Any]:
    rows: list[Any] = value["nodes"] if isinstance(value, dict) else value
    return rows


def _transfers(data: Any) -> int:
    one = data["wallet"] if "wallet" in data else data["wallets"][0]
    return len(_list(one.get("transfers") or one.get("newest")))


def _count(data: Any, expected: int) -> int:
    found = data["wallets"] if "wallets" in data else list(data.values())
    return len(found) if len(found) == expected else -1


@asynccontextmanager
async def ours(address: GraphAddress, home: Path, executor: str) -> AsyncIterator[Server]:
    """Deskgraph's API in one process."""
    await migrate_vault(Settings(home=home))
    environment = os.environ | {
        "DESKGRAPH_HOME": str(home),
        "DESKGRAPH_PROFILE": "production",
        "DESKGRAPH_NEO4J__URL": address.url,
        "DESKGRAPH_NEO4J__USER": address.user,
        "DESKGRAPH_NEO4J__PASSWORD": address.password,
        "DESKGRAPH_NEO4J__DATABASE": address.database,
        "DESKGRAPH_EXECUTOR": executor,
        "DESKGRAPH_HTTP__PORT": "0",
    }
    async with _process([sys.executable, "-m", "graph_api"], environment) as (process, line):
        port = int(line.split(":")[-1].split("/")[0])
        yield Server(executor, port, process.pid)


@asynccontextmanager
async def peer(address: GraphAddress, name: str, folder: Path) -> AsyncIterator[Server]:
    """The Node stack in production mode."""
    environment = with_node(os.environ) | {
        "NODE_ENV": "production",
        "PEER": name,
        "BOLT_URL": address.url,
        "BOLT_USER": address.user,
        "BOLT_PASSWORD": address.password,
        "BOLT_DATABASE": address.database,
    }
    script = folder / "server.mjs"
    script.write_bytes((_HERE / "peers" / "server.mjs").read_bytes())
    async with _process(["node", str(script)], environment) as (process, line):
        yield Server(name, int(line), process.pid)


@asynccontextmanager
async def _process(
    command: list[str], environment: dict[str, str]
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    process = await asyncio.create_subprocess_exec(
        *command,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    drain: asyncio.Task[bytes] | None = None
    try:
        assert process.stdout is not None
        line = ""
        # The access log and the announcement share standard output.
        while not line or line.startswith("{"):
            line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode().strip()
        drain = asyncio.create_task(process.stdout.read())
        yield process, line
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        if drain is not None:
            await drain


def cpu_s(pid: int) -> float:
    """User and system time of a process so far, seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_S


async def _ask(server: Server, query: str) -> Any:
    async with httpx.AsyncClient(timeout=60) as client:
        answer = await client.post(f"http://127.0.0.1:{server.port}/graphql", json={"query": query})
    body = answer.json()
    if body.get("errors"):
        raise RuntimeError(f"{server.name}: {body['errors'][0]['message']}")
    return body["data"]


async def _load_graph(graph: Graph, folder: Path, *, transfers: int, wallets: int) -> None:
    paths = write_transfers(folder, transfers=transfers, wallets=wallets)
    options = Options(chains=(chain_of("ethereum"),))
    async for _ in load_paths(graph, paths, options, clock=now, rejects=folder / "rejects"):
        pass


async def _choose(graph: Graph) -> tuple[list[str], str, str]:
    """Wallets that pay, a hub, and one of ordinary size."""
    _, rows = await graph.read_values(
        "MATCH (w:Wallet) WHERE w.transfers_out >= 5 AND w.transfers_out <= 60 "
        "RETURN w.id AS id ORDER BY id LIMIT 100",
        {},
    )
    ids = [row[0] for row in rows]
    return ids, f"eip155:1:{wallet(0)}", ids[0]


async def run(arguments: argparse.Namespace) -> None:
    """All cells."""
    node = packages(_HERE / "peers")
    figures: list[Cell] = []
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="deskgraph-reads-")))
        graph = await stack.enter_async_context(scratch_graph(arguments.engine))
        await _load_graph(
            graph, folder / "data", transfers=arguments.transfers, wallets=arguments.wallets
        )
        servers = [
            await stack.enter_async_context(ours(graph.address, folder / name, name))
            for name in ("standard", "compiled")
        ]
        servers += [
            await stack.enter_async_context(peer(graph.address, name, node)) for name in PEERS
        ]
        ids, hub, small = await _choose(graph)
        asked = {
            name: shape
            for name, shape in shapes(ids, hub, small).items()
            if name in arguments.shapes.split(",")
        }
        for name, shape in asked.items():
            await _check(name, shape, servers)
        print(f"\nEngine {graph.engine}, {arguments.transfers:,} transfers, one worker each.\n")
        for connections in map(int, arguments.connections.split(",")):
            print(f"\n{connections} connections\n")
            table = Table("shape", "server", "requests/s", "to yoga", "p50 ms", "p99 ms", "CPU ms")
            for name, shape in asked.items():
                cells = await _cells(
                    graph.address, name, shape, servers, connections, arguments.seconds
                )
                figures += cells
                yoga = next(cell for cell in cells if cell.server == "yoga").requests_per_s
                for cell in cells:
                    cpu = "" if cell.cpu_ms is None else f"{cell.cpu_ms:.2f}"
                    ratio = f"{cell.requests_per_s / yoga:.2f}"
                    table.row(
                        name,
                        cell.server,
                        f"{cell.requests_per_s:.0f}",
                        ratio,
                        f"{cell.p50_ms:.1f}",
                        f"{cell.p99_ms:.1f}",
                        cpu,
                    )
    write_json(arguments.json, figures)


async def _check(name: str, shape: Shape, servers: Sequence[Server]) -> None:
    counts = {
        server.name: shape.rows(
            await _ask(server, (shape.peers or "") if server.name in PEERS else shape.ours)
        )
        for server in servers
    }
    if len(set(counts.values())) != 1 or 0 in counts.values() or -1 in counts.values():
        raise RuntimeError(f"{name} is answered with different numbers of rows: {counts}.")


async def _cells(
    address: GraphAddress,
    name: str,
    shape: Shape,
    servers: Sequence[Server],
    connections: int,
    seconds: float,
) -> list[Cell]:
    cells = [
        Cell(name, connections, "driver", *await _drive(address, shape, connections, seconds), None)
    ]
    for server in servers:
        query = (shape.peers or "") if server.name in PEERS else shape.ours
        load = Load(port=server.port, query=query, connections=connections, seconds=seconds)
        await _measure(Load(server.port, query, connections, min(1.0, seconds / 3)))
        before = cpu_s(server.pid)
        measured = await _measure(load)
        spent = (cpu_s(server.pid) - before) / max(measured.requests, 1) * 1000
        cells.append(
            Cell(
                name,
                connections,
                server.name,
                measured.requests / measured.seconds,
                measured.p50_ms,
                measured.p99_ms,
                spent,
            )
        )
    return cells


async def _drive(
    address: GraphAddress, shape: Shape, connections: int, seconds: float
) -> tuple[float, float, float]:
    load = Load(
        port=0,
        query=shape.cypher,
        connections=connections,
        seconds=seconds,
        parameters=shape.parameters,
        bolt=(address.url, address.user, address.password, address.database),
    )
    measured = await _measure(load)
    return measured.requests / measured.seconds, measured.p50_ms, measured.p99_ms


async def _measure(load: Load) -> Measured:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.client",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate(msgspec.json.encode(load))
    return msgspec.json.decode(out, type=Measured)


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench reads", description=__doc__)
    parser.add_argument("--engine", choices=ENGINES, default="embedded")
    parser.add_argument("--transfers", type=int, default=100_000)
    parser.add_argument("--wallets", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each cell")
    parser.add_argument("--connections", default="1,16,64")
    parser.add_argument("--shapes", default="Q1,Q2,Q2hub,Q3,Q6")
    parser.add_argument("--json", type=Path)
    asyncio.run(run(parser.parse_args(arguments)))
