"""Planted worlds: the same for the same seed, and what the methods find of their truth."""

from collections import Counter
from random import Random

import msgspec
import pytest
from click.testing import CliRunner

from deskgraph.planted.__main__ import main
from deskgraph.planted.crossings import crossings
from deskgraph.planted.figures import Measured, facts_of, measure
from deskgraph.planted.making import planted_world
from deskgraph.planted.world import BITCOIN, ETHEREUM, World
from graph_api.analysis.clustering.coinjoin import coinjoins
from graph_api.analysis.clustering.deriving import Derivation
from graph_api.analysis.clustering.facts import Facts, Move
from graph_api.analysis.clustering.union import clusters, strong
from graph_api.domain.chains import Chain
from graph_api.domain.ids import ChainId
from graph_api.domain.records import Approval, Transfer, UtxoTransaction, WalletFact

SEEDS = (1, 3, 7)


@pytest.fixture(scope="module")
def worlds() -> dict[int, World]:
    return {seed: planted_world(seed) for seed in SEEDS}


@pytest.fixture(scope="module")
def measured(worlds: dict[int, World]) -> dict[int, Measured]:
    return {seed: measure(world) for seed, world in worlds.items()}


@pytest.mark.parametrize("seed", SEEDS)
def test_deposits_are_found_and_strangers_are_not_joined(
    measured: dict[int, Measured], seed: int
) -> None:
    found = {figure.name: figure for figure in measured[seed].figures}
    reuse, addresses = found["deposit_reuse"], measured[seed].deposits
    assert reuse.planted > 1_000
    assert reuse.precision >= 0.98
    assert (reuse.recall or 0) >= 0.95
    assert addresses.precision >= 0.98
    assert (addresses.recall or 0) >= 0.95
    assert found["airdrop"].precision >= 0.98
    assert (found["airdrop"].recall or 0) >= 0.95
    assert found["clusters, as published"].precision >= 0.98


@pytest.mark.parametrize("seed", SEEDS)
def test_no_coinjoin_joins_strangers(
    worlds: dict[int, World], measured: dict[int, Measured], seed: int
) -> None:
    joins = [
        one
        for one in worlds[seed].records
        if isinstance(one, UtxoTransaction) and one.id in worlds[seed].truth.joins
    ]
    kinds = Counter(join.kind for one in joins for join in coinjoins(one)[:1])
    assert len(kinds) == 4
    assert kinds.total() == len(joins)
    assert measured[seed].false_joins == 0
    [spends] = (one for one in measured[seed].figures if one.name == "multi_input")
    assert spends.precision == 1.0
    assert (spends.recall or 0) >= 0.95


@pytest.mark.parametrize("chain", [ETHEREUM, BITCOIN])
def test_clusters_of_blocks_that_come_bit_by_bit_are_those_of_all_blocks(
    worlds: dict[int, World], chain: Chain
) -> None:
    world, chance = worlds[1], Random(5)
    whole = Derivation(facts_of(world, chain)).evidence()
    parts = Derivation(Facts(ChainId(chain.id), facts_of(world, chain).known))
    facts = [one for one in world.of_chain(ChainId(chain.id)) if not isinstance(one, WalletFact)]
    kinds = {
        one.id: one.kind for one in world.of_chain(ChainId(chain.id)) if isinstance(one, WalletFact)
    }
    met = 0
    for _ in range(4):
        upto = min(len(facts), met + chance.randrange(len(facts) // 3, len(facts) // 2))
        some, met = facts[met:upto], upto
        parts.facts.add_moves(Move.of(one) for one in some if isinstance(one, Transfer))
        parts.facts.add_approvals(one for one in some if isinstance(one, Approval))
        parts.facts.add_utxos(one for one in some if isinstance(one, UtxoTransaction))
        parts.evidence()
        parts.facts.add_kinds(kinds)
    assert met == len(facts)
    assert parts.evidence() == whole
    assert clusters(strong(parts.evidence().values())) == clusters(strong(whole.values()))


def test_a_seed_is_a_world() -> None:
    one, same, other = (planted_world(seed, size=130) for seed in (7, 7, 8))
    assert msgspec.json.encode(one.records) == msgspec.json.encode(same.records)
    assert one.truth == same.truth
    assert one.truth.owners.keys() != other.truth.owners.keys()


def test_loot_is_conserved_up_to_the_toll_of_the_bridge(worlds: dict[int, World]) -> None:
    moves = {one.id: one for one in worlds[1].records if isinstance(one, Transfer)}
    for loot in worlds[1].truth.loots:
        stolen = sum(moves[seed].amount_raw or 0 for seed in loot.seeds)
        into, out = (moves[one] for one in loot.bridges[0])
        mixed = sum(way.amount_raw for way in loot.exits if way.token == moves[loot.seeds[0]].token)
        dollars = (stolen - mixed) * 3_000
        lent = next(one for one in moves.values() if one.transaction == loot.swaps[1])
        cashed, last = loot.exits[3], loot.exits[-1]
        assert dollars == cashed.amount_raw + (lent.amount_raw or 0) + (into.amount_raw or 0)
        toll = (into.amount_raw or 0) // 1_000
        assert last.amount_raw == out.amount_raw == (into.amount_raw or 0) - toll


@pytest.mark.parametrize("seed", SEEDS)
def test_swaps_and_bridge_transfers_are_matched_both_ways_and_nothing_else(
    worlds: dict[int, World], seed: int
) -> None:
    for figure in crossings(worlds[seed]):
        assert figure.planted >= 20
        assert (figure.precision, figure.recall) == (1.0, 1.0), figure.name


def test_anybody_can_try_a_seed() -> None:
    said = CliRunner().invoke(main, ["--seed", "11", "--size", "130"])
    assert said.exit_code == 0
    assert "deposit_reuse" in said.output
    assert "strangers joined for a CoinJoin: 0" in said.output
    assert "bridge, backwards" in said.output
