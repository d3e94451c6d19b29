"""Walks along flows: paths are the shortest, networks the strongest, both say where they end."""

import random
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

from graph_api.domain.categories import Category
from graph_api.domain.errors import BadInput, GraphApiError, TooCostly
from graph_api.domain.ids import AccountId, TokenId
from graph_api.domain.records import ActorType
from graph_api.services import paths
from graph_api.services.networks import growing, reading
from graph_api.services.networks.answers import NetworkNode
from graph_api.services.networks.questions import NetworkQuestion
from graph_api.services.paths import Ending, PathQuestion, PathSearch
from graph_api.services.walks import Stop
from graph_api.store import walks
from graph_api.store.flows import FlowRow
from graph_api.store.graph import Graph
from graph_api.store.ledger.shelves import HUB_FLOWS
from graph_api.store.records import moment
from graph_api.store.transfers import Direction
from tests import given
from tests.given import BITCOIN, DAY, ETHER, NOON, NOW, Ledger, wallet
from tests.schema.asking import counted
from tests.store.test_desks import actor
from tests.store.test_labels import said

USD, EUR = given.erc20("USD"), given.erc20("EUR")


async def search(graph: Graph, start: str, end: str, **wishes: Any) -> PathSearch:
    question = PathQuestion(start=wallet(start), end=wallet(end), **wishes)
    found = (await paths.shortest(graph, [question], now=NOW))[question]
    if isinstance(found, GraphApiError):
        raise found
    return found


async def flows(graph: Graph, found: PathSearch) -> list[list[FlowRow]]:
    """What flowed on each hop."""
    by_hop = await walks.flows_of_hops(graph, found.hops)
    return [by_hop[hop] for hop in found.hops]


class Drawn(NamedTuple):
    """A network with all of its nodes."""

    nodes: list[NetworkNode]
    edges: list[FlowRow]


async def around(graph: Graph, centre: str, **wishes: Any) -> Drawn:
    question = NetworkQuestion(centre=wallet(centre), **wishes)
    found = (await growing.around(graph, [question], now=NOW))[question]
    if isinstance(found, GraphApiError):
        raise found
    return Drawn((await growing.nodes(graph, [found]))[found], found.edges)


async def write(ledger: Ledger, moves: Iterable[tuple[str, str]], token: TokenId = ETHER) -> None:
    """A transfer for each sender and recipient."""
    batch = [
        given.transfer(sender, recipient, tx=f"{token}{number}", log=number, token=token)
        for number, (sender, recipient) in enumerate(moves)
    ]
    await ledger.write(*batch)


def along(*names: str) -> list[tuple[str, str]]:
    return list(pairwise(names))


def way(*names: str) -> list[AccountId]:
    return [wallet(name) for name in names]


class Towns:
    """A random graph in memory, and the plain search that needs no trick."""

    def __init__(self, chance: random.Random) -> None:
        names = [f"w{number}" for number in range(60)]
        drawn = (tuple(chance.sample(names, 2)) for _ in range(110))
        hubs = [(chance.choice(names), "w0") for _ in range(12)]
        hubs += [("w1", chance.choice(names)) for _ in range(12)]
        self.moves = sorted({(a, b) for a, b in (*drawn, *hubs) if a != b})
        self.flows: dict[str, int] = defaultdict(int)
        for sender, recipient in self.moves:
            self.flows[sender] += 1
            self.flows[recipient] += 1

    def hops(
        self, start: str, end: str, *, hub: int, direction: Direction, barred: str
    ) -> int | None:
        near = defaultdict(set)
        for sender, recipient in self.moves:
            if direction is not Direction.IN:
                near[sender].add(recipient)
            if direction is not Direction.OUT:
                near[recipient].add(sender)
        seen, level, hops = {start}, {start}, 0
        while level:
            hops += 1
            passed = {one for one in level if self.flows[one] <= hub and one != barred}
            level = {far for one in passed | (level & {start}) for far in near[one]} - seen
            seen |= level
            if end in level:
                return hops
        return None


@pytest.mark.parametrize("seed", range(3))
async def test_paths_have_the_fewest_hops(ledger: Ledger, seed: int) -> None:
    chance = random.Random(seed)
    towns = Towns(chance)
    await write(ledger, towns.moves)
    await ledger.write(said("w2", "An exchange", category=Category.EXCHANGE))
    names = sorted(towns.flows)
    ends: dict[Ending, int] = defaultdict(int)

    for _ in range(40):
        start, end = chance.sample(names, 2)
        hub, direction = chance.choice((3, 6, 100)), chance.choice(list(Direction))
        most = chance.choice((2, 4, 8))
        expected = towns.hops(start, end, hub=hub, direction=direction, barred="w2")

        found = await search(ledger.graph, start, end, hub=hub, direction=direction, max_hops=most)

        ends[found.ending] += 1
        if expected is None or expected > most:
            assert found.ending in (Ending.EXHAUSTED, Ending.MAX_HOPS)
            assert found.ending is Ending.MAX_HOPS or expected is None
            assert found.wallets == []
            continue
        assert len(found.hops) == expected
        assert [found.wallets[0], found.wallets[-1]] == way(start, end)
        assert [(hop.start, hop.end) for hop in found.hops] == along(*found.wallets)
        by_hop = await flows(ledger.graph, found)
        for of_hop, (near, far) in zip(by_hop, along(*found.wallets), strict=True):
            assert of_hop
            for flow in of_hop:
                forth, back = (flow.sender, flow.recipient), (flow.recipient, flow.sender)
                wanted = {Direction.OUT: [forth], Direction.IN: [back]}.get(
                    direction, [forth, back]
                )
                assert (near, far) in wanted
        assert wallet("w2") not in found.wallets[1:-1]
    assert ends[Ending.FOUND] > 5
    assert len(ends) == 3


async def test_a_service_is_not_passed_and_the_search_says_so(ledger: Ledger) -> None:
    await write(ledger, [*along("a", "cex", "z"), *along("a", "b", "c", "z")])
    await ledger.write(said("cex", "Binance 14", category=Category.HOT_WALLET))

    found = await search(ledger.graph, "a", "z")

    assert found.wallets == way("a", "b", "c", "z")
    assert [(one.wallet, one.stop) for one in found.stopped_at] == [(wallet("cex"), Stop.SERVICE)]
    assert found.stopped == 1

    through = await search(ledger.graph, "a", "z", through_services=True)
    assert through.wallets == way("a", "cex", "z")
    assert through.stopped_at == []

    # Its own wallets are where one may begin and end.
    assert (await search(ledger.graph, "a", "cex")).wallets == way("a", "cex")
    assert (await search(ledger.graph, "cex", "z")).wallets == way("cex", "z")


@pytest.mark.parametrize(
    ("label", "withdrawn_at", "passed"),
    [
        ({"category": Category.EXCHANGE}, None, False),
        ({"category": Category.USER}, None, True),
        ({"category": Category.EXCHANGE, "confidence": 0.05}, None, True),
        ({"category": Category.EXCHANGE}, NOON, True),
        ({"category": Category.EXCHANGE, "valid_to": NOON}, None, True),
        ({"category": Category.EXCHANGE, "learned_at": NOON + 10**12}, None, True),
        ({"category": None, "actor": "binance"}, None, False),
        ({"category": None, "actor": "whale"}, None, True),
    ],
)
async def test_what_makes_a_service_is_a_label_of_today(
    ledger: Ledger, label: dict[str, Any], withdrawn_at: int | None, passed: bool
) -> None:
    await write(ledger, along("a", "b", "z"))
    await ledger.write(
        actor("binance", type=ActorType.EXCHANGE),
        actor("whale", type=ActorType.WHALE),
        replace(said("b", "Somebody", **label), withdrawn_at=withdrawn_at),
    )

    found = await search(ledger.graph, "a", "z")

    assert (found.ending is Ending.FOUND) is passed
    network = await around(ledger.graph, "a")
    assert [node.wallet.service for node in network.nodes] == [False, not passed, *[False] * passed]


async def test_the_quieter_of_two_ways_is_taken(ledger: Ledger) -> None:
    noise = [("busy", f"n{number}") for number in range(5)]
    await write(ledger, [*along("a", "busy", "z"), *along("a", "quiet", "z"), *noise])

    assert (await search(ledger.graph, "a", "z")).wallets == way("a", "quiet", "z")


async def test_hops_tell_what_flowed_by_token_and_only_of_one_if_asked(ledger: Ledger) -> None:
    await write(ledger, along("a", "b", "z"), USD)
    await write(ledger, [("b", "z"), ("b", "z"), ("z", "b")], EUR)

    found = await search(ledger.graph, "a", "z")
    by_hop = await flows(ledger.graph, found)
    assert [[(flow.token, flow.transfers) for flow in of_hop] for of_hop in by_hop] == [
        [(USD, 1)],
        [(EUR, 2), (USD, 1)],
    ]
    either = await search(ledger.graph, "z", "a", direction=Direction.BOTH)
    of_first, _ = await flows(ledger.graph, either)
    assert (of_first[0].token, of_first[0].transfers) == (EUR, 2)
    assert len(of_first) == 3
    assert (await search(ledger.graph, "z", "a", direction=Direction.IN)).wallets == way(
        "z", "b", "a"
    )
    assert (await search(ledger.graph, "z", "a")).ending is Ending.EXHAUSTED
    assert (await search(ledger.graph, "a", "z", token=USD)).ending is Ending.FOUND
    assert (await search(ledger.graph, "a", "z", token=EUR)).ending is Ending.EXHAUSTED


async def test_a_search_gives_up_when_it_would_read_too_much(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    fans = [(f"{end}{number}", f"{end}{number}{leaf}") for end in "az" for number in range(4)
            for leaf in range(4)]  # fmt: skip
    await write(ledger, [*(("a", f"a{n}") for n in range(4)), *(("z", f"z{n}") for n in range(4)),
                         *fans])  # fmt: skip
    monkeypatch.setattr(paths, "BUDGET", 20)

    found = await search(ledger.graph, "a", "z", direction=Direction.BOTH, max_hops=8)

    assert found.ending is Ending.BUDGET
    assert 0 < found.flows_read <= 20
    assert found.wallets_seen >= 6


async def test_a_level_is_read_in_parts_that_one_statement_may_read(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    rungs = [("a", f"b{rung}", f"c{rung}", "z") for rung in range(6)]
    await write(ledger, [*(move for rung in rungs for move in along(*rung)), ("z", "far")])
    ways = [way(*rung) for rung in rungs]
    with counted() as at_once:
        assert (await search(ledger.graph, "a", "z")).wallets in ways

    monkeypatch.setattr(paths, "_PER_STATEMENT", 2)
    with counted() as in_parts:
        assert (await search(ledger.graph, "a", "z")).wallets in ways
    assert len(in_parts) > len(at_once)
    found = await search(ledger.graph, "far", "a", direction=Direction.BOTH)
    assert found.wallets in [[wallet("far"), *one[::-1]] for one in ways]


async def test_what_cannot_be_asked_is_refused(ledger: Ledger) -> None:
    await write(ledger, along("a", "z"))
    for start, end, words in (
        (wallet("a"), wallet("a"), "from one wallet to another"),
        (wallet("a"), AccountId(f"{BITCOIN.id}:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"), "chains"),
    ):
        question = PathQuestion(start=start, end=end)
        found = (await paths.shortest(ledger.graph, [question], now=NOW))[question]
        assert isinstance(found, BadInput)
        assert words in str(found)
    unknown = PathQuestion(start=wallet("a"), end=wallet("nobody"))
    assert await paths.shortest(ledger.graph, [unknown], now=NOW) == {}
    nowhere = NetworkQuestion(centre=wallet("nobody"))
    assert await growing.around(ledger.graph, [nowhere], now=NOW) == {}


def edges(network: Drawn) -> list[tuple[AccountId, AccountId]]:
    return [(flow.sender, flow.recipient) for flow in network.edges]


def stops(network: Drawn) -> dict[AccountId, Stop | None]:
    return {node.wallet.id: node.stop for node in network.nodes}


async def test_a_network_grows_level_by_level_and_stops_at_services(ledger: Ledger) -> None:
    await write(
        ledger,
        [("a", "b"), ("c", "a"), ("b", "d"), ("d", "e"), ("b", "cex"), ("cex", "f"), ("a", "cex")],
    )
    await ledger.write(said("cex", "Kraken", category=Category.EXCHANGE))

    found = await around(ledger.graph, "a")

    moves = [("a", "b"), ("c", "a"), ("b", "d"), ("b", "cex"), ("a", "cex")]
    assert sorted(edges(found)) == sorted((wallet(one), wallet(far)) for one, far in moves)
    assert {node.wallet.id: node.hops for node in found.nodes} == {
        wallet("a"): 0,
        **dict.fromkeys(way("b", "c", "cex"), 1),
        wallet("d"): 2,
    }
    assert stops(found) == {
        wallet("a"): None,
        wallet("b"): None,
        wallet("c"): None,
        wallet("cex"): Stop.SERVICE,
        wallet("d"): Stop.DEPTH,
    }
    hidden = {node.wallet.id: node.hidden for node in found.nodes}
    assert hidden == {**dict.fromkeys(way("a", "b", "c"), 0), **dict.fromkeys(way("cex", "d"), 1)}

    through = await around(ledger.graph, "a", through_services=True)
    assert {wallet("f")} == {node.wallet.id for node in through.nodes} - set(hidden)
    of_service = await around(ledger.graph, "cex", depth=1)
    assert {node.wallet.id for node in of_service.nodes} == set(way("cex", "a", "b", "f"))


async def test_directions_tokens_and_times_choose_the_edges(ledger: Ledger) -> None:
    await ledger.write(
        given.transfer("a", "b", tx="1", token=USD, at=NOON),
        given.transfer("a", "c", tx="2", token=EUR, at=NOON + DAY),
        given.transfer("d", "a", tx="3", token=EUR, at=NOON + 2 * DAY),
        given.transfer("a", "a", tx="4", token=EUR, at=None),
        given.transfer("b", "a", tx="5", token=USD, at=NOON + DAY),
    )

    async def seen(**wishes: Any) -> set[tuple[AccountId, AccountId]]:
        return set(edges(await around(ledger.graph, "a", depth=1, **wishes)))

    every = {*along("a", "b", "a", "c"), ("d", "a"), ("a", "a")}
    named = {(wallet(one), wallet(other)) for one, other in every}
    assert await seen() == named
    assert await seen(direction=Direction.OUT) == {*along(*way("a", "b")), *along(*way("a", "c")),
                                                   *along(*way("a", "a"))}  # fmt: skip
    assert await seen(direction=Direction.IN, token=EUR) == {
        *along(*way("d", "a")), *along(*way("a", "a"))
    }  # fmt: skip
    assert await seen(since=moment(NOON + DAY)) == {
        *along(*way("a", "c")), *along(*way("d", "a")), *along(*way("b", "a"))
    }  # fmt: skip


async def test_the_strongest_flows_are_shared_out_among_the_wallets_of_a_level(
    ledger: Ledger,
) -> None:
    moves = [("a", f"b{number}") for number in range(3) for _ in range(9 - number)]
    moves += [
        (f"b{number}", f"c{number}{leaf}")
        for number in range(3)
        for leaf in range(4)
        for _ in range(leaf + 1)
    ]
    await write(ledger, moves)

    found = await around(ledger.graph, "a", direction=Direction.OUT, max_edges=8, per_wallet=3)

    first, second = found.edges[:3], found.edges[3:]
    assert [flow.recipient for flow in first] == way("b0", "b1", "b2")
    assert [flow.recipient for flow in second] == way("c03", "c13", "c23", "c02", "c12")
    assert stops(found)[wallet("b2")] is Stop.EDGES
    assert stops(found)[wallet("a")] is None
    assert {node.wallet.id: node.hidden for node in found.nodes}[wallet("b0")] == 2

    full = await around(ledger.graph, "a", direction=Direction.OUT, max_edges=3, depth=3)
    assert len(full.edges) == 3
    assert [stops(full)[one] for one in way("b0", "b1", "b2")] == [Stop.EDGES] * 3


async def test_amounts_order_the_flows_of_one_token(ledger: Ledger) -> None:
    await ledger.write(
        given.token("USD", decimals=2),
        given.transfer("a", "small", tx="1", log=1, token=USD, amount_raw=5),
        given.transfer("a", "small", tx="1", log=2, token=USD, amount_raw=5),
        given.transfer("a", "large", tx="2", token=USD, amount_raw=10**30),
        given.transfer("a", "unknown", tx="3", token=USD, amount_raw=None),
    )

    found = await around(ledger.graph, "a", token=USD, by_amount=True)

    assert [flow.recipient for flow in found.edges] == way("large", "small", "unknown")
    with pytest.raises(BadInput, match="token"):
        await around(ledger.graph, "a", by_amount=True)


async def test_hubs_are_shown_and_not_gone_on_from(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    partners = HUB_FLOWS + 100
    many = [("hub", f"p{number}") for number in range(partners)]
    many += [("hub", "p7")] * 3 + [("p8", "hub")] * 2 + [("x", "p7")]
    await write(ledger, many)

    near = await around(ledger.graph, "x")
    assert stops(near)[wallet("hub")] is Stop.DEPTH
    assert stops(await around(ledger.graph, "x", depth=3))[wallet("hub")] is Stop.HUB
    hub = next(node for node in near.nodes if node.wallet.id == wallet("hub"))
    assert hub.hidden == partners + 1 - 1

    with counted() as sent:
        centre = await around(ledger.graph, "hub", depth=1, per_wallet=5)
    assert edges(centre)[0] == (wallet("hub"), wallet("p7"))
    assert edges(centre)[1] == (wallet("p8"), wallet("hub"))
    assert len(centre.edges) == 5
    assert stops(centre)[wallet("hub")] is Stop.EDGES
    assert len(sent) == 4  # the centre, both ways of its flows, the wallets there

    none = await around(ledger.graph, "hub", direction=Direction.OUT, token=USD)
    assert none.edges == []
    assert stops(none)[wallet("hub")] is None
    monkeypatch.setattr(reading, "HUB_BUDGET", 100)
    unsure = await around(ledger.graph, "hub", direction=Direction.OUT, token=USD)
    assert stops(unsure)[wallet("hub")] is Stop.BUDGET
    with pytest.raises(TooCostly, match="too many flows to sort"):
        await around(ledger.graph, "hub", token=ETHER, by_amount=True)

    assert (await search(ledger.graph, "x", "p9", direction=Direction.BOTH)).ending is (
        Ending.EXHAUSTED
    )
    passed = await search(ledger.graph, "x", "p9", direction=Direction.BOTH, hub=10_000)
    assert passed.wallets == way("x", "p7", "hub", "p9")


async def test_a_network_reads_no_more_flows_than_its_budget(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write(ledger, [("a", "b"), ("a", "b"), ("a", "c"), *((x, f"{x}{n}") for x in "bc"
                         for n in range(5))])  # fmt: skip
    monkeypatch.setattr(growing, "BUDGET", 8)

    found = await around(ledger.graph, "a")

    assert stops(found)[wallet("b")] is None
    assert stops(found)[wallet("c")] is Stop.BUDGET
    assert len(found.edges) == 2 + 5
