"""How much of a planted world each method finds, and how much of what it finds is right."""

from collections import Counter
from collections.abc import Collection, Iterable
from itertools import combinations
from typing import Final

import msgspec

from deskgraph.planted.world import BITCOIN, ETHEREUM, Truth, World
from graph_api.analysis.clustering.deriving import Derivation
from graph_api.analysis.clustering.facts import Facts, Known, Move
from graph_api.analysis.clustering.union import clusters, strong
from graph_api.domain.categories import SERVICES, Category
from graph_api.domain.chains import Chain
from graph_api.domain.clusters import Cluster, Evidence, Heuristic
from graph_api.domain.ids import AccountId, ChainId
from graph_api.domain.records import Approval, Transfer, UtxoTransaction, WalletFact

Pair = tuple[AccountId, AccountId]
_COLLECT: Final = (Category.HOT_WALLET, Category.EXCHANGE)


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """Pairs of wallets that a method joins, and pairs that it should have joined.

    ``planted`` is 0 where nothing was planted for it alone; ``recall`` is None then.
    """

    name: str
    joined: int
    right: int
    planted: int
    found: int

    @property
    def precision(self) -> float:
        """Of the pairs that it joins, those that one owner has."""
        return self.right / self.joined if self.joined else 1.0

    @property
    def recall(self) -> float | None:
        """Of the pairs that were planted for it, those that it joins."""
        return self.found / self.planted if self.planted else None


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """All figures of a world.

    ``false_joins`` are pairs of strangers that sign a CoinJoin together and are joined for it.
    """

    figures: tuple[Figure, ...]
    deposits: Figure
    false_joins: int
    evidence: int


def measure(world: World) -> Measured:
    """Run every method over ``world`` and compare with its truth."""
    truth = world.truth
    found = {
        chain.id: Derivation(facts_of(world, chain)).evidence() for chain in (ETHEREUM, BITCOIN)
    }
    links = [one for some in found.values() for one in some.values()]
    planted: dict[Heuristic, set[Pair]] = {
        Heuristic.MULTI_INPUT: _pairs(truth.spends),
        Heuristic.DEPOSIT_REUSE: _pairs(truth.payers.values()),
        Heuristic.AIRDROP: _pairs(truth.farms.values()),
    }
    figures = [
        _figure(heuristic.value, _of(links, heuristic), truth, planted.get(heuristic, set()))
        for heuristic in Heuristic
        if any(one.heuristic is heuristic for one in links)
        and heuristic is not Heuristic.DEPOSIT_ADDRESS
    ]
    merged = clusters(strong(links), actors=actors_of(world))
    figures.append(_figure("clusters, as published", merged, truth, set()))
    return Measured(
        figures=tuple(figures),
        deposits=_addresses(links, truth),
        false_joins=_false_joins(links, truth),
        evidence=len(links),
    )


def facts_of(world: World, chain: Chain) -> Facts:
    """The facts of one chain of the world, as the methods take them."""
    facts = Facts(ChainId(chain.id), known_of(world))
    records = list(world.of_chain(ChainId(chain.id)))
    facts.add_moves(Move.of(one) for one in records if isinstance(one, Transfer))
    facts.add_approvals(one for one in records if isinstance(one, Approval))
    facts.add_utxos(one for one in records if isinstance(one, UtxoTransaction))
    facts.add_kinds({one.id: one.kind for one in records if isinstance(one, WalletFact)})
    return facts


def known_of(world: World) -> dict[AccountId, Known]:
    """What its labels say of wallets."""
    return {
        account: Known(
            actor=label.actor,
            service=Category(label.category) in SERVICES,
            collects=Category(label.category) in _COLLECT,
        )
        for label in world.labels()
        if label.category is not None
        for account in label.accounts
    }


def actors_of(world: World) -> dict[AccountId, str]:
    """Whose wallets its labels name."""
    return {id: known.actor for id, known in known_of(world).items() if known.actor is not None}


def _of(links: Iterable[Evidence], heuristic: Heuristic) -> list[Cluster]:
    return clusters([one for one in links if one.heuristic is heuristic])


def _figure(name: str, merged: Iterable[Cluster], truth: Truth, planted: set[Pair]) -> Figure:
    joined = right = 0
    place: dict[AccountId, str] = {}
    for cluster in merged:
        owners = Counter(truth.owners.get(wallet, wallet) for wallet in cluster.members)
        joined += _choose_2(len(cluster.members))
        right += sum(_choose_2(count) for count in owners.values())
        place.update(dict.fromkeys(cluster.members, cluster.id))
    found = sum(one in place and place[one] == place.get(other) for one, other in planted)
    return Figure(name=name, joined=joined, right=right, planted=len(planted), found=found)


def _addresses(links: Iterable[Evidence], truth: Truth) -> Figure:
    """Deposit addresses that are taken for the exchange's, against all that customers used."""
    taken = [one for one in links if one.heuristic is Heuristic.DEPOSIT_ADDRESS]
    ends = {end for one in taken for end in (one.start, one.end)}
    planted = {address for address, payers in truth.payers.items() if payers}
    right = sum(truth.owners[one.start] == truth.owners[one.end] for one in taken)
    return Figure(
        name="deposit_address",
        joined=len(taken),
        right=right,
        planted=len(planted),
        found=len(planted & ends),
    )


def _false_joins(links: Iterable[Evidence], truth: Truth) -> int:
    return sum(
        one.transaction in truth.joins and truth.owners[one.start] != truth.owners[one.end]
        for one in links
    )


def _pairs(groups: Iterable[Collection[AccountId]]) -> set[Pair]:
    return {(one, other) for group in groups for one, other in combinations(sorted(group), 2)}


def _choose_2(count: int) -> int:
    return count * (count - 1) // 2
