"""Real files on both engines: every row accounted for, every sum exact, no row counted twice.

``python -m bench real [--engine embedded|neo4j] [--set NAME]`` loads the datasets of a folder, by
the command that users have, into a fresh engine each, and then proves what came of it:

- flows, holdings and sums per token equal what plain Python reads in the same files;
- the coins of a year of Bitcoin are its blocks times their reward;
- all totals are what ``deskgraph graph recompute --check`` works out of the facts;
- everything once more, checkpoints forgotten, adds nothing;
- where files tell neither amount nor time, questions that need them are refused in a sentence;
- both engines end with the same graph.

The first thing that is not so ends the run with exit code 1.
"""

import argparse
import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import msgspec

from bench import plain
from bench.engines import ENGINES, now, scratch_graph
from bench.output import Table, write_json
from cypher import statement
from graph_api.schema.context import Context
from graph_api.schema.schema import build_schema
from graph_api.store.graph import Graph, Row
from graph_api.store.model import NODES, RELATIONSHIPS
from tests.ingest.loading import ended
from tests.real.available import Unavailable

_PAGE: Final = 5_000
_SHOWN: Final = 12
#: Of a block in 2009, in satoshi.
_REWARD: Final = 50 * 10**8
#: What a run of its own writes differently every time.
_BOOKKEEPING: Final = ("Checkpoint", "Lease", "Migration")


class Refuted(Exception):
    """Something is not as it was said to be."""


class DataSet(NamedTuple):
    """Files that are loaded by one command.

    Args:
        folder: Below the data folder; with it everything in it is loaded.
        options: Of the command.
        moves: What plain Python reads in the folder; none where transfers are derived, or absent.
    """

    name: str
    folder: str
    options: tuple[str, ...] = ()
    moves: Callable[[Path], Iterable[plain.Move]] | None = None


SETS: Final = (
    DataSet("eth_tx_2017", "eth_tx_2017", ("--chain", "ethereum"), plain.ethereum_2017),
    DataSet("graphsense_eth", "graphsense_eth", ("--chain", "ethereum"), plain.graphsense),
    DataSet("btc_2009", "btc_2009", ("--chain", "bitcoin")),
    DataSet(
        "hop_transfers", "hop_transfers", ("--chain", "polygon", "--chain", "gnosis"), plain.hop
    ),
    DataSet("labels", "labels", ()),
)


class Load(msgspec.Struct, kw_only=True):
    """What a command said of a dataset, and how long it took."""

    dataset: str
    read: int
    written: int
    known: int
    rejected: int
    seconds: float


class Found(msgspec.Struct, kw_only=True):
    """What is in a graph. Digests are over all rows, in no order, ids and sums included."""

    nodes: dict[str, int]
    relationships: dict[str, int]
    transfers: dict[str, int]
    amounts: dict[str, str]
    received: dict[str, str]
    flowed: dict[str, str]
    satoshi: dict[str, str]
    coinbases: int
    short_hashes: int
    digests: dict[str, str]


class Proof(msgspec.Struct, kw_only=True):
    """One engine's run."""

    engine: str
    loads: list[Load]
    again: list[Load]
    found: Found
    recomputed: str
    refusals: dict[str, str | None]
    read_s: float


class Read(NamedTuple):
    """Everything of a graph that is proved."""

    found: Found
    totals: plain.Totals


async def prove(
    graph: Graph, data: Path, sets: Sequence[DataSet], *, engine: str, home: Path
) -> Proof:
    """Load ``sets`` below ``data`` twice and prove all that there is to prove. Raises: Refuted."""
    loads = [await load(graph, one, data, home=home) for one in sets]
    begin = time.perf_counter()
    first = await read(graph)
    read_s = time.perf_counter() - begin
    agree_with_files(first, data, sets)
    recomputed = await recount(graph, home=home)
    await graph.run_alone("MATCH (c:Checkpoint) DETACH DELETE c")
    again = [await load(graph, one, data, home=home) for one in sets]
    _adds_nothing(loads, again)
    _same("The graph after a second load", (await read(graph)).found, first.found)
    names = {one.name for one in sets}
    refusals = await refused(graph) if "hop_transfers" in names else {}
    return Proof(
        engine=engine,
        loads=loads,
        again=again,
        found=first.found,
        recomputed=recomputed,
        refusals=refusals,
        read_s=round(read_s, 1),
    )


async def load(graph: Graph, dataset: DataSet, data: Path, *, home: Path) -> Load:
    """Load a dataset by the command."""
    folder = data / dataset.folder
    command = ("ingest", "load", str(folder), *dataset.options, "--json", "--quiet")
    begin = time.perf_counter()
    done = await ended(graph.address, home, *command)
    if done.code:
        raise Refuted(f"{dataset.name} does not load: {done.err}")
    seconds = round(time.perf_counter() - begin, 1)
    totals = done.totals
    count = {name: totals[name] for name in ("read", "written", "known", "rejected")}
    if count["read"] != count["written"] + count["known"] + count["rejected"]:
        raise Refuted(f"{dataset.name}: not every row is accounted for: {count}.")
    print(f"{dataset.name}: {count} in {seconds} s", file=sys.stderr, flush=True)
    return Load(dataset=dataset.name, seconds=seconds, **count)


async def recount(graph: Graph, *, home: Path) -> str:
    """What the command says that compares totals with facts."""
    done = await ended(graph.address, home, "graph", "recompute", "--check")
    if done.code:
        raise Refuted(f"Totals are not what the facts say: {done.out}{done.err}")
    return done.out.splitlines()[-1]


async def read(graph: Graph) -> Read:
    """Page through all facts and totals."""
    totals = plain.Totals()
    received: Counter[str] = Counter()
    flowed: Counter[str] = Counter()
    digests = {name: _Digest() for name in ("transfers", "flows", "holdings", "wallets")}
    async for row in _pages(graph, "transfers", digests["transfers"]):
        token = row["token"] or f"{row['chain']} (unknown)"
        totals.transfers[token] += 1
        if row["amount_raw"] is not None:
            totals.amounts[token] += int(row["amount_raw"])
    async for row in _pages(graph, "flows", digests["flows"]):
        raw = row["amount_raw"]
        key = (row["sender"], row["recipient"], row["token"])
        totals.flows[key] = (row["transfers"], None if raw is None else int(raw))
        flowed[row["token"] or "unknown"] += int(raw or 0)
    async for row in _pages(graph, "holdings", digests["holdings"]):
        sums = int(row["received_raw"]), int(row["sent_raw"]), row["uncounted"]
        totals.holdings[row["wallet"], row["token"]] = sums
        received[row["token"]] += sums[0]
    async for _ in _pages(graph, "wallets", digests["wallets"]):
        pass
    satoshi: Counter[str] = Counter()
    async for row in _pages(graph, "outputs", digests.setdefault("outputs", _Digest())):
        for side in ("created", "spent"):
            satoshi[side] += int(row["amount_raw"] or 0) if row[side] else 0
    found = Found(
        nodes=await _counts(graph, nodes=True),
        relationships=await _counts(graph, nodes=False),
        transfers=dict(sorted(totals.transfers.items())),
        amounts=_texts(totals.amounts),
        received=_texts(received),
        flowed=_texts(flowed),
        satoshi=_texts(satoshi),
        coinbases=await _count(graph, "(x:Transaction) WHERE x.coinbase"),
        short_hashes=await _count(graph, "(x:Transaction) WHERE 'short_hash' IN x.flags"),
        digests={name: digest.text for name, digest in digests.items()},
    )
    return Read(found, totals)


def agree_with_files(graph: Read, data: Path, sets: Sequence[DataSet]) -> None:
    """Compare what a graph has with what plain Python reads in the files. Raises: Refuted."""
    expected, derived = plain.Totals(), set[str]()
    for one in sets:
        if one.moves is not None:
            expected.add(one.moves(data / one.folder))
    if any(one.name == "btc_2009" for one in sets):
        derived.add(plain.BITCOIN)
        coins = plain.bitcoin_2009(data / "btc_2009")
        expected.holdings |= coins.holdings
        _same("Coins of all blocks", coins.made - coins.spent, graph.found.coinbases * _REWARD)
        _same("Satoshi", graph.found.satoshi, _texts({"created": coins.made, "spent": coins.spent}))
    got = graph.totals

    def is_told(token: str | None) -> bool:
        return token not in derived

    _same("Transfers by token", _only(got.transfers, is_told), dict(expected.transfers))
    _same("Sums by token", _only(got.amounts, is_told), dict(expected.amounts))
    flows = {key: sums for key, sums in got.flows.items() if is_told(key[2])}
    _same("Flows", flows, expected.flows)
    _same("Holdings", got.holdings, expected.holdings)


async def refused(graph: Graph) -> dict[str, str | None]:
    """Why questions are refused that need more than sender and recipient; None: one is not."""
    (sender,) = await graph.run_alone(
        "MATCH (w:Wallet {chain: 'eip155:137'}) WHERE w.transfers_out > 0 "
        "WITH w ORDER BY w.id LIMIT 1 RETURN w.id AS id"
    )
    schema = build_schema()
    answers: dict[str, str | None] = {}
    for name, question in QUESTIONS.items():
        result = await schema.execute(
            question % {"wallet": sender["id"]}, context_value=Context(graph=graph, clock=now)
        )
        answers[name] = None
        for error in result.errors or ():
            answers[name] = f"{(error.extensions or {})['code']}: {error.message}"
    return answers


#: Questions about a wallet of which nobody knows amounts, tokens or times.
QUESTIONS: Final = {
    "portfolio as of a day": """{ wallet(by: {accountId: "%(wallet)s"}) {
        portfolio(asOf: "2021-06-01T00:00:00Z") { holdings { netChangeRaw } } } }""",
    "transfers since a day": """{ transfers(
        wallet: "%(wallet)s", filter: {since: "2021-06-01T00:00:00Z"}
    ) { nodes { transferId } } }""",
    "transfers of 1 or more": """{ transfers(
        wallet: "%(wallet)s", filter: {minAmount: "1"}
    ) { nodes { transferId } } }""",
}


class _Digest:
    """A digest of rows that does not depend on their order."""

    def __init__(self) -> None:
        self._sum = 0

    def add(self, row: Row) -> None:
        data = msgspec.json.encode(row)
        self._sum += int.from_bytes(blake2b(data, digest_size=16).digest(), "big")

    @property
    def text(self) -> str:
        """As hex digits."""
        return f"{self._sum % 2**128:032x}"


async def _pages(graph: Graph, name: str, digest: _Digest) -> AsyncIterator[Row]:
    text, after, full = statement(f"recompute/{name}", graph.engine), "", True
    while full:
        keys, rows = await graph.read_values(text, {"after": after, "limit": _PAGE})
        for values in rows:
            row = dict(zip(keys, values, strict=True))
            after = row["id"]
            digest.add(row)
            yield row
        full = len(rows) == _PAGE


async def _counts(graph: Graph, *, nodes: bool) -> dict[str, int]:
    if nodes:
        patterns = {one.label: f"(x:{one.label})" for one in NODES}
    else:
        patterns = {one.type: f"()-[x:{one.type}]->()" for one in RELATIONSHIPS}
    counts = {}
    for name, pattern in patterns.items():
        if name not in _BOOKKEEPING:
            counts[name] = await _count(graph, pattern)
    return counts


async def _count(graph: Graph, pattern: str) -> int:
    (row,) = await graph.run_alone(f"MATCH {pattern} RETURN count(x) AS n")
    return int(row["n"])


def _adds_nothing(loads: Sequence[Load], again: Sequence[Load]) -> None:
    for first, second in zip(loads, again, strict=True):
        known = first.read - first.rejected
        expected = msgspec.structs.replace(first, written=0, known=known, seconds=second.seconds)
        _same(f"{first.dataset} loaded again", second, expected)


def _same(what: str, got: Any, expected: Any) -> None:
    """Raises: Refuted, with the first few differences."""
    if got == expected:
        return
    if not isinstance(got, dict):
        raise Refuted(f"{what}: {got}, where {expected} is expected.")
    wrong = [key for key in got.keys() | expected.keys() if got.get(key) != expected.get(key)]
    shown = (f"{key}: {got.get(key)}, not {expected.get(key)}" for key in wrong[:5])
    raise Refuted(f"{what}: {len(wrong):,} differ: {'; '.join(shown)}")


def _only(counts: Counter[str], is_told: Callable[[str | None], bool]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if is_told(name)}


def _texts(sums: dict[str, int] | Counter[str]) -> dict[str, str]:
    """Exact at any size, wherever the JSON is read."""
    return {name: str(sums[name]) for name in sorted(sums)}


def show(proof: Proof) -> None:
    """One engine's run, for people."""
    print(f"\n## {proof.engine}\n")
    table = Table("dataset", "read", "written", "known", "rejected", "s", "again: written", "s")
    for one, again in zip(proof.loads, proof.again, strict=True):
        counts = (one.read, one.written, one.known, one.rejected)
        table.row(
            one.dataset,
            *(f"{count:,}" for count in counts),
            one.seconds,
            again.written,
            again.seconds,
        )
    print()
    table = Table("token", "transfers", "sum, base units", "received by holders", "flowed")
    found = proof.found
    for token in sorted(found.transfers, key=lambda one: -found.transfers[one])[:_SHOWN]:
        sums = ["unknown"] * 3
        if token in found.amounts:
            sums = [one.get(token, "0") for one in (found.amounts, found.received, found.flowed)]
        table.row(token, f"{found.transfers[token]:,}", *sums)
    print(f"\n{len(found.transfers):,} tokens; {proof.recomputed}")
    for title, sizes in (("nodes", found.nodes), ("relationships", found.relationships)):
        print(f"{title}: {', '.join(f'{name} {count:,}' for name, count in sizes.items())}")
    if any(found.satoshi.values()):
        made, spent = (int(found.satoshi[side]) for side in ("created", "spent"))
        print(f"satoshi: {made:,} made - {spent:,} spent = {found.coinbases:,} blocks x 50 BTC")
        print(f"hashes of 63 characters: {found.short_hashes:,}")
    for name, sentence in proof.refusals.items():
        print(f"{name}: {sentence or 'ANSWERED'}")


async def run(options: argparse.Namespace) -> list[Proof]:
    """All engines, one after the other. Raises: Refuted."""
    sets = [one for one in SETS if options.set is None or one.name in options.set]
    proofs: list[Proof] = []
    for engine in options.engine or ENGINES:
        with TemporaryDirectory(prefix="deskgraph-real-") as home:
            try:
                async with scratch_graph(engine) as graph:
                    proof = await prove(graph, options.data, sets, engine=engine, home=Path(home))
            except Unavailable as reason:
                print(f"{engine} is left out: {reason}")
                continue
        show(proof)
        proofs.append(proof)
        _same(f"{engine}'s graph", proof.found, proofs[0].found)
        if None in proof.refusals.values():
            raise Refuted("A question is answered where no file tells enough.")
    if len(proofs) > 1:
        print(f"\nThe graphs of {' and '.join(proof.engine for proof in proofs)} are equal.")
    return proofs


def main(arguments: list[str]) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench real", description=__doc__)
    parser.add_argument("--engine", action="append", choices=ENGINES, help="default: both")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("DESKGRAPH_DATA") or "../shared/data"),
        help="folder with the real datasets (DESKGRAPH_DATA, else ../shared/data)",
    )
    names = [one.name for one in SETS]
    parser.add_argument("--set", action="append", choices=names, help="only this; default: all")
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args(arguments)
    if not options.data.is_dir():
        parser.error(f"there is no folder {options.data}; --data or DESKGRAPH_DATA names it")
    try:
        proofs = asyncio.run(run(options))
    except Refuted as reason:
        sys.exit(f"REFUTED: {reason}")
    write_json(options.json, proofs)
