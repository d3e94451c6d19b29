"""Why two wallets are taken for one: the chain of evidence that is most likely right."""

import heapq
from collections import defaultdict
from collections.abc import Iterable
from math import log, prod

import msgspec

from graph_api.domain.clusters import Evidence
from graph_api.domain.ids import AccountId


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """Links from one wallet to another, in their order.

    ``confidence`` is the product of theirs: how likely all of them hold, were they independent.
    """

    links: tuple[Evidence, ...]
    confidence: float


def cheapest_chain(evidence: Iterable[Evidence], one: AccountId, other: AccountId) -> Chain | None:
    """The chain of links with the highest product of confidences; the shortest, where two have it.

    None where none leads from ``one`` to ``other``.
    Source: Dijkstra (1959), over -log(confidence).
    """
    links: dict[AccountId, list[tuple[AccountId, Evidence]]] = defaultdict(list)
    for link in evidence:
        links[link.start].append((link.end, link))
        links[link.end].append((link.start, link))
    came: dict[AccountId, tuple[AccountId, Evidence]] = {}
    cost = {one: (0.0, 0)}
    done: set[AccountId] = set()
    waiting = [(0.0, 0, one)]
    while waiting:
        spent, hops, wallet = heapq.heappop(waiting)
        if wallet == other:
            return _chain(came, one, other)
        if wallet in done:
            continue
        done.add(wallet)
        for neighbour, link in sorted(links[wallet], key=lambda pair: pair[1].id):
            new = spent - log(link.confidence), hops + 1
            if neighbour not in cost or new < cost[neighbour]:
                cost[neighbour] = new
                came[neighbour] = wallet, link
                heapq.heappush(waiting, (*new, neighbour))
    return None


def _chain(
    came: dict[AccountId, tuple[AccountId, Evidence]], one: AccountId, other: AccountId
) -> Chain:
    links = []
    while other != one:
        other, link = came[other]
        links.append(link)
    links.reverse()
    return Chain(links=tuple(links), confidence=prod(link.confidence for link in links))
