"""Clusters from evidence: thresholds, collapse, choices, and why two wallets are one."""

from itertools import pairwise

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph_api.analysis.clustering.choosing import Choice
from graph_api.analysis.clustering.explaining import cheapest_chain
from graph_api.analysis.clustering.union import clusters, strong
from graph_api.domain.clusters import Evidence, Heuristic, Suspicion, anchor_of, cluster_id
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId
from tests.analysis.clustering.given import evidence
from tests.given import ETHEREUM

LETTERS = "abcdefghij"
LINKS = st.lists(
    st.builds(
        evidence,
        st.sampled_from(LETTERS),
        st.sampled_from(LETTERS),
        st.sampled_from([0.3, 0.6, 0.8, 1.0]),
        block=st.integers(1, 9),
    ).filter(lambda one: one.start != one.end),
    max_size=25,
)


def account(name: str) -> AccountId:
    return AccountId(f"{ETHEREUM.id}:{name}")


def groups(found: list[Evidence], **options: object) -> list[str]:
    return [
        "".join(wallet[-1] for wallet in cluster.members)
        for cluster in clusters(found, **options)  # type: ignore[arg-type]
    ]


@settings(deadline=None)
@given(LINKS)
def test_clusters_are_the_connected_components(links: list[Evidence]) -> None:
    graph = nx.Graph([(one.start, one.end) for one in links])
    expected = sorted(sorted(part) for part in nx.connected_components(graph))
    assert [list(cluster.members) for cluster in clusters(links)] == expected


@settings(deadline=None)
@given(LINKS, st.sampled_from([0.3, 0.6, 0.8, 1.0]), st.integers(1, 9))
def test_less_evidence_never_joins_more(links: list[Evidence], least: float, block: int) -> None:
    coarse = clusters(links)
    for fine in clusters(strong(links, threshold=least, as_of_block=block)):
        assert any(set(fine.members) <= set(cluster.members) for cluster in coarse)


def test_the_threshold_decides_and_so_does_the_block() -> None:
    links = [evidence("a", "b", 0.8, block=3), evidence("b", "c", 0.5, block=5)]
    assert groups(strong(links, threshold=0.6)) == ["ab"]
    assert groups(strong(links, threshold=0.5)) == ["abc"]
    assert groups(strong(links, threshold=0.5, as_of_block=4)) == ["ab"]
    assert groups(strong(links, threshold=0.5, as_of_block=2)) == []


def test_two_actors_are_never_one_and_the_weakest_link_between_them_is_named() -> None:
    links = [evidence("a", "b", 0.9), evidence("b", "c", 0.7), evidence("c", "d", 0.9)]
    actors = {account("a"): "one", account("d"): "other"}
    found = clusters(links, actors=actors)
    assert [cluster.members for cluster in found] == [
        (account("a"), account("b")),
        (account("c"), account("d")),
    ]
    assert {cluster.actor for cluster in found} == {"one", "other"}
    assert all(cluster.suspicion is Suspicion.TWO_ACTORS for cluster in found)
    assert all(cluster.refused == (links[1],) for cluster in found)


def test_what_grows_too_large_is_parted() -> None:
    links = [evidence("a", "b", 0.9), evidence("c", "d", 0.9), evidence("b", "c", 0.7)]
    found = clusters(links, largest=2)
    assert [cluster.suspicion for cluster in found] == [Suspicion.TOO_LARGE] * 2
    assert groups(links, largest=2) == ["ab", "cd"]


def test_deposit_addresses_do_not_make_an_exchange_too_large() -> None:
    links = [evidence("x", other, heuristic=Heuristic.DEPOSIT_ADDRESS) for other in "abcdef"]
    assert groups(links, largest=2) == ["abcdefx"]


def test_the_order_of_evidence_makes_no_difference() -> None:
    links = [evidence(one, other, 0.8) for one, other in ("ab", "bc", "cd", "de", "ea")]
    actors = {account("a"): "one", account("d"): "other"}
    assert clusters(links, actors=actors) == clusters(links[::-1], actors=actors)


@settings(deadline=None)
@given(LINKS, st.sampled_from(LETTERS), st.sampled_from(LETTERS))
def test_the_chain_is_the_one_of_the_highest_product(
    links: list[Evidence], one: str, other: str
) -> None:
    start, end = account(one), account(other)
    found = cheapest_chain(links, start, end)
    graph = nx.MultiGraph()
    graph.add_nodes_from([start, end])
    for link in links:
        graph.add_edge(link.start, link.end, confidence=link.confidence)
    paths = nx.all_simple_paths(graph, start, end) if start != end else [[start]]
    best = max((_product(graph, path) for path in paths), default=None)
    assert (found and found.confidence) == (best and pytest.approx(best))
    if found:
        at = start
        for link in found.links:
            assert at in (link.start, link.end)
            at = link.end if at == link.start else link.start
        assert at == end


def _product(graph: nx.MultiGraph, path: list[AccountId]) -> float:
    product = 1.0
    for one, other in pairwise(path):
        product *= max(edge["confidence"] for edge in graph[one][other].values())
    return product


def test_choices_are_put_together_like_sets() -> None:
    change, optimal, both = Heuristic.ONE_TIME_CHANGE, Heuristic.OPTIMAL_CHANGE, Heuristic.AIRDROP
    links = [
        evidence("a", "b", heuristic=change),
        evidence("a", "b", heuristic=optimal),
        evidence("b", "c", heuristic=change),
        evidence("c", "d", heuristic=optimal),
        evidence("c", "d", heuristic=both),
    ]

    def chosen(choice: Choice) -> list[str]:
        return groups(choice.of(links))

    assert chosen(Choice(any_of=(change, optimal))) == ["abcd"]
    assert chosen(Choice(all_of=(change, optimal))) == ["ab"]
    assert chosen(Choice(any_of=(change,), none_of=(optimal,))) == ["bc"]
    assert chosen(Choice(any_of=(Choice(all_of=(change, optimal)), both))) == ["ab", "cd"]
    assert len(Choice(any_of=(change,), none_of=(optimal,)).of(links)) == 1
    assert chosen(Choice(none_of=(optimal,))) == chosen(
        Choice(any_of=(Choice(none_of=(optimal,)),))
    )
    assert chosen(Choice(none_of=(optimal,))) == ["bc"]
    deep = Choice(any_of=(change,))
    for _ in range(5):
        deep = Choice(any_of=(deep,))
    with pytest.raises(BadInput):
        deep.of(links)


def test_an_id_names_the_first_wallet_and_so_leads_on_after_a_merge() -> None:
    [before] = clusters([evidence("b", "c")])
    [after] = clusters([evidence("b", "c"), evidence("a", "c")])
    assert before.id == cluster_id(account("b"))
    assert after.id == cluster_id(account("a"))
    assert anchor_of(before.id) in after.members
    assert anchor_of("nothing") is None
