"""Clusters of real data, against plain ways to the same answer and against the source's lists."""

import os
from decimal import Decimal
from pathlib import Path

import networkx as nx
import pyarrow as pa
import pytest

from bench import plain
from bench.clusters import (
    BITCOIN,
    UNGUARDED,
    Hop,
    plain_deposit_groups,
    plain_spend_groups,
    read_bitcoin,
    read_hop,
)
from graph_api.analysis.clustering.coinjoin import coinjoins
from graph_api.analysis.clustering.deposits import Deposits
from graph_api.analysis.clustering.deriving import Derivation
from graph_api.analysis.clustering.facts import Facts, Move
from graph_api.analysis.clustering.union import clusters, strong
from graph_api.domain.clusters import Evidence, Heuristic
from graph_api.domain.ids import AccountId, ChainId, TokenId

FOLDER = os.environ.get("DESKGRAPH_DATA")
DATA = Path(FOLDER or ".")
pytestmark = pytest.mark.skipif(
    FOLDER is None, reason="DESKGRAPH_DATA names no folder of real data; these tests read it"
)


def customers(derivation: Derivation) -> list[set[AccountId]]:
    """Those that pay into one deposit address, as far as ways alone tell."""
    kind = Heuristic.DEPOSIT_TOPOLOGY
    links = [one for one in derivation.evidence().values() if one.heuristic is kind]
    return [set(one.members) for one in clusters(links)]


@pytest.fixture(scope="module", params=["polygon", "xdai"])
def hop(request: pytest.FixtureRequest) -> Hop:
    return read_hop(DATA / "hop_transfers", request.param)


def test_customers_of_exchanges_are_those_that_a_plain_way_finds(hop: Hop) -> None:
    found = {frozenset(group) for group in customers(Derivation(hop.facts(), UNGUARDED))}
    assert found == {frozenset(group) for group in plain_deposit_groups(hop)}
    assert len(found) >= 10


def test_customers_are_people_and_most_who_could_be_linked_are(hop: Hop) -> None:
    facts = hop.facts()
    groups = customers(Derivation(facts))
    linked = set().union(*groups)
    services = hop.of("exchange") | hop.of("contract") | hop.of("deposit")
    assert len(linked) >= 20
    assert not linked & services
    shared = [one for one in Deposits(facts).addresses().values() if len(one.uses) > 1]
    payers = {use.wallet for one in shared for use in one.uses}
    candidates = hop.of("airdrop_candidate") & payers
    assert len(linked) / len(payers) >= 0.75
    assert len(linked & candidates) / len(candidates) >= 0.65


def test_coins_of_2009_that_were_spent_together() -> None:
    transactions = read_bitcoin(DATA / "btc_2009")
    made = sum(one.amount_raw for tx in transactions for one in tx.outputs)
    spent = sum(one.amount_raw or 0 for tx in transactions for one in tx.inputs)
    assert made - spent == 32_490 * 50 * 10**8
    assert not [one for one in transactions if coinjoins(one)]

    facts = Facts(BITCOIN)
    facts.add_utxos(transactions)
    evidence = Derivation(facts).evidence()
    found = clusters(strong(evidence.values()))
    groups = plain_spend_groups(transactions)
    assert {frozenset(one.members) for one in found} == {frozenset(group) for group in groups}
    together = [tx for tx in transactions if len({one.owner for one in tx.inputs if one.owner}) > 1]
    assert (len(found), len(together)) == (121, 130)
    # Change is reported, and merges nothing by default.
    change = [one for one in evidence.values() if one.heuristic is not Heuristic.MULTI_INPUT]
    assert change
    assert all(one.confidence < 0.6 for one in change)


@pytest.mark.parametrize("hop", ["xdai"], indirect=True)
def test_components_of_all_transfers_are_those_of_a_plain_library(hop: Hop) -> None:
    pairs = {(min(pair), max(pair)) for pair in hop.pairs if pair[0] != pair[1]}
    links = [Evidence(Heuristic.MULTI_INPUT, *pair) for pair in sorted(pairs)]
    found = {frozenset(one.members) for one in clusters(links, largest=len(links))}
    assert found == {frozenset(part) for part in nx.connected_components(nx.Graph(pairs))}
    assert max(map(len, found)) > 10_000


def test_relations_between_addresses_of_ethereum() -> None:
    moved = [one for one in plain.graphsense(DATA / "graphsense_eth") if one.sender is not None]
    facts = Facts(ChainId("eip155:1"))
    facts.add_moves(
        Move(
            AccountId(one.sender or ""),
            AccountId(one.recipient),
            TokenId(one.token or ""),
            one.amount,
        )
        for one in moved
    )
    sums: dict[tuple[str, str, str | None], int] = {}
    for sender, sent in facts.sent.items():
        for move in sent:
            key = sender, move.recipient, move.token
            sums[key] = sums.get(key, 0) + (move.amount_raw or 0)
    table = pa.table(
        {
            "sender": [one.sender for one in moved],
            "recipient": [one.recipient for one in moved],
            "token": [one.token for one in moved],
            # Wei outgrow 64 bits: a decimal of 76 digits holds any of them.
            "amount": pa.array([Decimal(one.amount or 0) for one in moved], pa.decimal256(76, 0)),
        }
    )
    keys = ["sender", "recipient", "token"]
    grouped = table.group_by(keys).aggregate([("amount", "sum")]).to_pylist()
    assert sums == {
        (row["sender"], row["recipient"], row["token"]): int(row["amount_sum"]) for row in grouped
    }
    assert len(sums) > 1_000
