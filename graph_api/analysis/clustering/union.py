"""Clusters from evidence: what hangs together, and where that goes too far.

Wallets that links of enough confidence join are a cluster. Where one becomes too large, or holds
wallets of two actors, the surest links are taken first and those that would join what does not
belong together are refused, and named.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from graph_api.domain.clusters import LARGEST, THRESHOLD, Cluster, Evidence, Heuristic, Suspicion
from graph_api.domain.ids import AccountId

_NO_BLOCK: Final = float("inf")


def strong(
    evidence: Iterable[Evidence],
    *,
    threshold: float = THRESHOLD,
    heuristics: Collection[Heuristic] | None = None,
    as_of_block: int | None = None,
) -> list[Evidence]:
    """The links that count for a question.

    ``as_of_block`` leaves out what only became known later, and what has no block at all.
    """
    return [
        one
        for one in evidence
        if one.confidence >= threshold
        and (heuristics is None or one.heuristic in heuristics)
        and (
            as_of_block is None
            or (one.block_number is not None and one.block_number <= as_of_block)
        )
    ]


def clusters(
    evidence: Sequence[Evidence],
    *,
    actors: Mapping[AccountId, str] | None = None,
    largest: int = LARGEST,
) -> list[Cluster]:
    """The clusters of two wallets or more, in the order of their first wallets.

    Deposit addresses do not count against ``largest``: an exchange has as many as customers.
    """
    found = []
    named = actors or {}
    for members, links in _components(evidence):
        whose = {named[wallet] for wallet in members if wallet in named}
        weight = len(members) - len(_addresses(links))
        if len(whose) < 2 and weight <= largest:
            [actor] = whose or [None]
            found.append(Cluster(members=tuple(members), actor=actor))
        else:
            suspicion = Suspicion.TWO_ACTORS if len(whose) > 1 else Suspicion.TOO_LARGE
            found += _parted(members, links, named, largest, suspicion)
    return sorted(found, key=lambda cluster: cluster.members[0])


def _components(
    evidence: Sequence[Evidence],
) -> Iterable[tuple[list[AccountId], list[Evidence]]]:
    """What hangs together: wallets in their order, and the links among them."""
    if not evidence:
        return
    # They take a fifth of a second to import, and every command and worker imports this module.
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    wallets = sorted({one.start for one in evidence} | {one.end for one in evidence})
    numbers = {wallet: number for number, wallet in enumerate(wallets)}
    starts = np.fromiter((numbers[one.start] for one in evidence), np.int32, len(evidence))
    ends = np.fromiter((numbers[one.end] for one in evidence), np.int32, len(evidence))
    graph = coo_array(
        (np.ones(len(evidence), np.int8), (starts, ends)), shape=(len(wallets), len(wallets))
    )
    _, labels = connected_components(graph, directed=False)
    members: dict[int, list[AccountId]] = defaultdict(list)
    for wallet, label in zip(wallets, labels.tolist(), strict=True):
        members[label].append(wallet)
    links: dict[int, list[Evidence]] = defaultdict(list)
    for one, label in zip(evidence, labels[starts].tolist(), strict=True):
        links[label].append(one)
    for label, some in members.items():
        yield some, links[label]


def _parted(
    members: list[AccountId],
    links: list[Evidence],
    actors: Mapping[AccountId, str],
    largest: int,
    suspicion: Suspicion,
) -> list[Cluster]:
    """The parts of a component that may be one each, surest links first; single wallets are none.

    Source: Kruskal (1956); what it would cost most to leave out is taken first.
    """
    forest = _Forest(members, actors, _addresses(links))
    refused = [one for one in sorted(links, key=_surest) if not forest.join(one, largest)]
    parts: dict[AccountId, list[AccountId]] = defaultdict(list)
    for wallet in members:
        parts[forest.root(wallet)].append(wallet)
    bridges: dict[AccountId, list[Evidence]] = defaultdict(list)
    for one in refused:
        for side in {forest.root(one.start), forest.root(one.end)}:
            bridges[side].append(one)
    return [
        Cluster(
            members=tuple(some),
            actor=forest.actor[root],
            suspicion=suspicion,
            refused=tuple(bridges[root]),
        )
        for root, some in parts.items()
        if len(some) > 1
    ]


class _Forest:
    """Disjoint sets that know whose they are and what they weigh."""

    def __init__(
        self, members: list[AccountId], actors: Mapping[AccountId, str], light: set[AccountId]
    ) -> None:
        self._parent = {wallet: wallet for wallet in members}
        self._weight = {wallet: int(wallet not in light) for wallet in members}
        self.actor: dict[AccountId, str | None] = {wallet: actors.get(wallet) for wallet in members}

    def root(self, wallet: AccountId) -> AccountId:
        """Whose name the set has."""
        parent = self._parent
        while parent[wallet] != wallet:
            parent[wallet] = parent[parent[wallet]]
            wallet = parent[wallet]
        return wallet

    def join(self, one: Evidence, largest: int) -> bool:
        """Join both ends where that is right; True too where they were joined before."""
        ends = self.root(one.start), self.root(one.end)
        if ends[0] == ends[1]:
            return True
        small, big = sorted(ends, key=lambda root: (self._weight[root], root))
        weight = self._weight[small] + self._weight[big]
        whose = {self.actor[small], self.actor[big]} - {None}
        if len(whose) > 1 or (weight > largest and self._weight[small] > 0):
            return False
        self._parent[small] = big
        self._weight[big] = weight
        self.actor[big] = self.actor[big] or self.actor[small]
        return True


def _addresses(links: Iterable[Evidence]) -> set[AccountId]:
    """Ends of links between deposit addresses and their exchange that have no other link."""
    light: set[AccountId] = set()
    heavy: set[AccountId] = set()
    times: dict[AccountId, int] = defaultdict(int)
    for one in links:
        if one.heuristic is Heuristic.DEPOSIT_ADDRESS:
            for end in (one.start, one.end):
                times[end] += 1
                light.add(end)
        else:
            heavy.update((one.start, one.end))
    return {wallet for wallet in light - heavy if times[wallet] == 1}


def _surest(one: Evidence) -> tuple[float, float, str]:
    block = _NO_BLOCK if one.block_number is None else one.block_number
    return -one.confidence, block, one.id
