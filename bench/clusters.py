"""Clusters of real and planted data, beside plain ways to the same answer.

``python -m bench clusters [--data FOLDER] [--planted PEOPLE]`` reads ``hop_transfers`` and
``btc_2009`` of ``DESKGRAPH_DATA``. Each line is one step; where a plain way gives the same answer,
it stands beside, and both are compared.
"""

import argparse
import csv
import gzip
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeVar

import msgspec
import networkx as nx
import numpy as np
import pyarrow.parquet as pq
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from bench.output import Table, write_json
from deskgraph.planted.figures import facts_of, measure
from deskgraph.planted.making import planted_world
from deskgraph.planted.world import ETHEREUM
from graph_api.analysis.clustering.deposits import DepositRules
from graph_api.analysis.clustering.deriving import Derivation, Rules
from graph_api.analysis.clustering.facts import Facts, Known, Move
from graph_api.analysis.clustering.union import clusters, strong
from graph_api.domain.chains import chain_of
from graph_api.domain.clusters import Evidence, Heuristic
from graph_api.domain.ids import AccountId, ChainId, TransactionId
from graph_api.domain.records import Output, Spend, UtxoTransaction, WalletKind
from graph_api.services.clustering.facts_file import FactsFile, Mark, Read

#: What hop_transfers calls its chains, and we call them.
HOP_CHAINS: Final = {"polygon": "polygon", "xdai": "gnosis"}
BITCOIN: Final = ChainId(chain_of("bitcoin").id)
#: Without guards: what a plain way can do, too.
UNGUARDED: Final = Rules(
    deposits=DepositRules(
        most_senders=10**9,
        most_deposits=10**9,
        most_strangers=10**9,
        own_share=0.0,
        corroborated=False,
        most_moves=10**9,
    )
)
T = TypeVar("T")


class Figure(msgspec.Struct, kw_only=True):
    """How long a step took, and what it found."""

    data: str
    step: str
    seconds: float
    found: str


class Hop(msgspec.Struct, frozen=True, kw_only=True):
    """One chain of hop_transfers: who paid whom, and the source's categories."""

    chain: ChainId
    pairs: list[tuple[AccountId, AccountId]]
    categories: dict[AccountId, set[str]]

    def of(self, category: str) -> set[AccountId]:
        """The wallets of a category."""
        return {wallet for wallet, words in self.categories.items() if category in words}

    def facts(self) -> Facts:
        """What clustering may know of it: who is an exchange, and who is a contract."""
        exchanges, contracts = self.of("exchange"), self.of("contract")
        known = {wallet: Known(service=True, collects=True) for wallet in exchanges}
        facts = Facts(self.chain, known)
        facts.add_kinds(dict.fromkeys(contracts, WalletKind.CONTRACT))
        facts.add_moves(Move(sender, recipient) for sender, recipient in self.pairs)
        return facts


def read_hop(folder: Path, name: str) -> Hop:
    """The transfers of one chain of the source, in its words ``polygon`` or ``xdai``."""
    chain = ChainId(chain_of(HOP_CHAINS[name]).id)
    table = pq.read_table(folder / "transfers.parquet", filters=[("chain", "=", name)])
    senders, recipients = (table[side].to_pylist() for side in ("from_address", "to_address"))
    pairs = [
        (AccountId(f"{chain}:{one}"), AccountId(f"{chain}:{other}"))
        for one, other in zip(senders, recipients, strict=True)
    ]
    categories: dict[AccountId, set[str]] = defaultdict(set)
    with gzip.open(folder / "address_categories.csv.gz", "rt") as lines:
        for row in csv.DictReader(lines):
            categories[AccountId(f"{chain}:{row['address']}")].add(row["category"])
    return Hop(chain=chain, pairs=pairs, categories=categories)


def plain_deposit_groups(hop: Hop) -> list[set[AccountId]]:
    """a → d → x by sets and networkx: d's only target is an exchange, all a that share a d."""
    exchanges, contracts = hop.of("exchange"), hop.of("contract")
    targets: dict[AccountId, set[AccountId]] = defaultdict(set)
    sources: dict[AccountId, set[AccountId]] = defaultdict(set)
    for sender, recipient in hop.pairs:
        targets[sender].add(recipient)
        sources[recipient].add(sender)
    graph, nobody = nx.Graph(), exchanges | contracts | {AccountId(f"{hop.chain}:0x{40 * '0'}")}
    for middle, ends in targets.items():
        if len(ends) == 1 and ends <= exchanges and middle not in nobody:
            people = sources[middle] - nobody - {middle}
            nx.add_star(graph, sorted(people))
    return [part for part in nx.connected_components(graph) if len(part) > 1]


def read_bitcoin(folder: Path) -> list[UtxoTransaction]:
    """All transactions of 2009; the two outputs that the source lists twice count once."""
    addresses = {row["adr_index"]: row["adr_hash"] for row in _rows(folder, "adr_hash")}
    heights = {row["tx_index"]: int(row["block_index"]) for row in _rows(folder, "tx_height")}
    outputs: dict[str, dict[str, Output]] = defaultdict(dict)
    for row in _rows(folder, "tx_output"):
        outputs[row["tx_index"]][row["output_index"]] = Output(
            id=row["output_index"],
            owner=_owner(row["adr_index"], addresses),
            amount_raw=int(row["output_value"]),
        )
    inputs: dict[str, list[Spend]] = defaultdict(list)
    for row in _rows(folder, "tx_input"):
        owner, amount = _owner(row["adr_index"], addresses), int(row["input_value"])
        spend = Spend(output=row["output_index"], owner=owner, amount_raw=amount)
        inputs[row["tx_index"]].append(spend)
    return [
        UtxoTransaction(
            id=TransactionId(f"{BITCOIN}:{index}"),
            chain=BITCOIN,
            hash=index,
            block_number=height,
            block_time=None,
            index=None,
            coinbase=index not in inputs,
            inputs=tuple(inputs[index]),
            outputs=tuple(outputs[index].values()),
        )
        for index, height in heights.items()
    ]


def plain_spend_groups(transactions: list[UtxoTransaction]) -> list[set[AccountId]]:
    """Owners of inputs that are spent together, by networkx and no rule but that."""
    graph = nx.Graph()
    for transaction in transactions:
        nx.add_star(graph, sorted({one.owner for one in transaction.inputs if one.owner}))
    return [part for part in nx.connected_components(graph) if len(part) > 1]


def main(arguments: list[str]) -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(prog="python -m bench clusters", description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("DESKGRAPH_DATA"))
    parser.add_argument("--planted", type=int, default=300, metavar="PEOPLE")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args(arguments)
    table, figures = Table("data", "step", "seconds", "found"), list[Figure]()
    for figure in _figures(None if chosen.data is None else Path(chosen.data), chosen.planted):
        table.row(figure.data, figure.step, f"{figure.seconds:.2f}", figure.found)
        figures.append(figure)
    write_json(chosen.json, figures)


def _figures(data: Path | None, people: int) -> Iterator[Figure]:
    if data is not None:
        for name in HOP_CHAINS:
            yield from _hop(data / "hop_transfers", name)
        yield from _bitcoin(data / "btc_2009")
    yield from _planted(people)


def _hop(folder: Path, name: str) -> Iterator[Figure]:
    data, hop = f"hop_transfers, {name}", read_hop(folder, name)
    count = f"{len(hop.pairs):,} transfers"
    facts, took = _timed(hop.facts)
    yield Figure(data=data, step="facts laid out", seconds=took, found=count)
    yield from _file(data, hop)
    evidence, took = _timed(Derivation(facts).evidence)
    yield Figure(data=data, step="evidence", seconds=took, found=f"{len(evidence):,} links")
    found, took = _timed(lambda: clusters(strong(evidence.values())))
    yield Figure(data=data, step="clusters", seconds=took, found=f"{len(found):,} clusters")
    groups, took = _timed(lambda: _customers(Derivation(hop.facts(), UNGUARDED)))
    text = f"{len(groups):,} groups"
    yield Figure(data=data, step="all of it, without guards", seconds=took, found=text)
    plain, took = _timed(lambda: plain_deposit_groups(hop))
    same = "the same" if _same(groups, plain) else "OTHERS"
    yield Figure(data=data, step="plain: sets and networkx", seconds=took, found=same)
    yield from _components(data, hop)


def _file(data: str, hop: Hop) -> Iterator[Figure]:
    """What one process has read, written for the next one, and read by it."""
    moves = [Move(sender, recipient) for sender, recipient in hop.pairs]
    mark, read = Mark(moves=len(moves)), Read(moves)
    with TemporaryDirectory() as folder:
        file = FactsFile(Path(folder), hop.chain, source="bench")
        _, took = _timed(lambda: file.save(read, Mark(), mark, everything=lambda: read))
        size = sum(path.stat().st_size for path in Path(folder).iterdir())
        text = f"{size / 1_000_000:.1f} MB"
        yield Figure(data=data, step="facts into a file", seconds=took, found=text)
        again = Facts(hop.chain)
        reached, took = _timed(lambda: file.load(again))
        same = "the same" if (reached, again.moves) == (mark, len(moves)) else "OTHERS"
        yield Figure(data=data, step="facts from the file", seconds=took, found=same)


def _components(data: str, hop: Hop) -> Iterator[Figure]:
    """Components of everything that moved: ours over links, and plain libraries over pairs."""
    pairs = sorted(set(hop.pairs))
    links = [Evidence(Heuristic.MULTI_INPUT, min(pair), max(pair)) for pair in pairs]
    found, took = _timed(lambda: clusters(links, largest=10**9))
    parts = {frozenset(cluster.members) for cluster in found}
    text = f"{len(parts):,} of {len(pairs):,} pairs"
    yield Figure(data=data, step="components of all pairs", seconds=took, found=text)
    count, took = _timed(lambda: _scipy_components(pairs))
    same = "as many" if count == len(parts) else f"OTHERS: {count}"
    yield Figure(data=data, step="plain: SciPy", seconds=took, found=same)
    plain, took = _timed(lambda: [*nx.connected_components(nx.Graph(pairs))])
    same = "the same" if {frozenset(one) for one in plain if len(one) > 1} == parts else "OTHERS"
    yield Figure(data=data, step="plain: networkx", seconds=took, found=same)


def _scipy_components(pairs: list[tuple[AccountId, AccountId]]) -> int:
    wallets = sorted({wallet for pair in pairs for wallet in pair})
    numbers = {wallet: number for number, wallet in enumerate(wallets)}
    starts = np.fromiter((numbers[one] for one, _ in pairs), np.int32, len(pairs))
    ends = np.fromiter((numbers[other] for _, other in pairs), np.int32, len(pairs))
    shape = len(wallets), len(wallets)
    graph = coo_array((np.ones(len(pairs), np.int8), (starts, ends)), shape=shape)
    _, labels = connected_components(graph, directed=False)
    return int((np.bincount(labels) > 1).sum())


def _bitcoin(folder: Path) -> Iterator[Figure]:
    transactions, took = _timed(lambda: read_bitcoin(folder))
    count = f"{len(transactions):,} transactions"
    yield Figure(data="btc_2009", step="read", seconds=took, found=count)
    facts = Facts(BITCOIN)
    facts.add_utxos(transactions)
    evidence, took = _timed(Derivation(facts).evidence)
    yield Figure(data="btc_2009", step="evidence", seconds=took, found=f"{len(evidence):,} links")
    found, took = _timed(lambda: clusters(strong(evidence.values())))
    text = f"{len(found):,} clusters"
    yield Figure(data="btc_2009", step="clusters", seconds=took, found=text)
    plain, took = _timed(lambda: plain_spend_groups(transactions))
    same = "the same" if _same([set(one.members) for one in found], plain) else "OTHERS"
    yield Figure(data="btc_2009", step="plain: networkx", seconds=took, found=same)


def _planted(people: int) -> Iterator[Figure]:
    world, took = _timed(lambda: planted_world(1, size=people))
    data, count = f"planted, {people} people", f"{len(world.records):,} records"
    yield Figure(data=data, step="planted", seconds=took, found=count)
    facts = facts_of(world, ETHEREUM)
    evidence, took = _timed(Derivation(facts).evidence)
    yield Figure(data=data, step="evidence", seconds=took, found=f"{len(evidence):,} links")
    measured, took = _timed(lambda: measure(world))
    reuse = next(one for one in measured.figures if one.name == "deposit_reuse")
    text = f"deposits: precision {reuse.precision:.4f}, recall {reuse.recall or 0:.4f}"
    yield Figure(data=data, step="measured", seconds=took, found=text)


def _customers(derivation: Derivation) -> list[set[AccountId]]:
    links = [
        one for one in derivation.evidence().values() if one.heuristic is Heuristic.DEPOSIT_TOPOLOGY
    ]
    return [set(one.members) for one in clusters(links)]


def _same(one: list[set[AccountId]], other: list[set[AccountId]]) -> bool:
    return {frozenset(part) for part in one} == {frozenset(part) for part in other}


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    began = time.perf_counter()
    answer = work()
    return answer, time.perf_counter() - began


def _rows(folder: Path, name: str) -> Iterator[dict[str, str]]:
    with gzip.open(folder / f"{name}.csv.gz", "rt") as lines:
        yield from csv.DictReader(lines)


def _owner(index: str, addresses: dict[str, str]) -> AccountId | None:
    with suppress(KeyError):
        return AccountId(f"{BITCOIN}:{addresses[index]}")
    return None
