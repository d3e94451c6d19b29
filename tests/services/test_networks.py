"""Networks: nothing is lost by folding, going on gives the rest, and then is what it was then."""

import random
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

import pytest

from graph_api.analysis.layout import drawn_at
from graph_api.domain.categories import Category
from graph_api.domain.clusters import cluster_id
from graph_api.domain.errors import BadInput, GraphApiError
from graph_api.domain.ids import AccountId
from graph_api.domain.records import ActorType, Transfer
from graph_api.services.networks import behind, growing, pictures, reading, then
from graph_api.services.networks.answers import Network, NetworkNode, Side, Sides
from graph_api.services.networks.pictures import Fold, NodeKind, Picture
from graph_api.services.networks.questions import NetworkQuestion
from graph_api.services.walks import Stop
from graph_api.store import flows as stored
from graph_api.store import traces, walks
from graph_api.store.flows import FlowRow
from graph_api.store.graph import Graph
from graph_api.store.ledger import shelves
from graph_api.store.ledger.states import flow_id
from graph_api.store.records import moment
from graph_api.store.transfers import Direction
from tests import given
from tests.given import DAY, NOON, NOW, Ledger, wallet
from tests.store.test_desks import actor
from tests.store.test_labels import said

TOKENS = [given.erc20("USD"), given.erc20("EUR"), None]


class Seen(NamedTuple):
    """A network with all of its nodes."""

    network: Network
    nodes: list[NetworkNode]

    @property
    def edges(self) -> list[FlowRow]:
        return self.network.edges


async def seen(graph: Graph, centre: str, **wishes: Any) -> Seen:
    question = NetworkQuestion(centre=wallet(centre), **wishes)
    found = (await growing.around(graph, [question], now=NOW))[question]
    if isinstance(found, GraphApiError):
        raise found
    return Seen(found, (await growing.nodes(graph, [found]))[found])


async def expanded(graph: Graph, centre: str, first: int, **wishes: Any) -> list[FlowRow]:
    """All flows of a wallet, a few at a time, each time behind the cursor of the time before."""
    flows: list[FlowRow] = []
    while True:
        limits = {"depth": 1, "per_wallet": first, "max_edges": first}
        found = await seen(graph, centre, **limits, **wishes)
        flows += found.edges
        assert len(found.edges) <= first
        node = found.nodes[0]
        if node.stop is None:
            assert node.after is None
            return flows
        assert node.stop in (Stop.EDGES, Stop.BUDGET)
        assert node.after is not None
        assert found.edges or node.stop is Stop.BUDGET
        wishes["after"] = node.after


class Town(NamedTuple):
    """Random transfers, and what plain Python says of them."""

    transfers: list[Transfer]

    def flows(self) -> dict[str, list[Transfer]]:
        found: dict[str, list[Transfer]] = {}
        for one in self.transfers:
            assert one.sender is not None
            found.setdefault(flow_id(one.sender, one.recipient, one.token), []).append(one)
        return found

    def sides(self, of: AccountId, *, without: Iterable[str] = ()) -> Sides:
        """Transfers of a wallet whose flow is not among some, counted one by one."""
        hidden = [
            one
            for id, some in self.flows().items()
            for one in some
            if id not in without
        ]  # fmt: skip
        into = [one for one in hidden if one.recipient == of]
        out = [one for one in hidden if one.sender == of]
        shown = [one for id, some in self.flows().items() if id in without for one in some]
        senders = {one.sender for one in shown if one.recipient == of}
        recipients = {one.recipient for one in shown if one.sender == of}
        return Sides(
            Side(
                len({(one.sender, one.token) for one in into}),
                len(into),
                len({one.sender for one in into} - senders),
            ),
            Side(
                len({(one.recipient, one.token) for one in out}),
                len(out),
                len({one.recipient for one in out} - recipients),
            ),
        )


def town(chance: random.Random, *, people: int = 14, transfers: int = 120) -> Town:
    names = [f"w{number}" for number in range(people)]
    made = []
    for number in range(transfers):
        block = number // 3
        made.append(
            given.transfer(
                # w0 has many flows.
                "w0" if chance.random() < 0.3 else chance.choice(names),
                chance.choice(names),
                tx=f"{number}",
                log=number,
                token=chance.choice(TOKENS),
                amount_raw=chance.choice([None, *range(1, 40)]),
                block=block,
                at=NOON + block * DAY,
            )
        )
    return Town(made)


def exact(flows: Iterable[FlowRow]) -> list[tuple[object, ...]]:
    """What is known of a flow at any time: all but whose it was, and what it was worth."""
    names = ("id", "sender", "recipient", "token", "transfers", "amount_raw", "amount")
    return sorted(
        tuple(str(getattr(flow, name)) for name in (*names, "first_at", "last_at"))
        for flow in flows
    )


@pytest.mark.parametrize("seed", range(2))
async def test_going_on_behind_the_cursor_gives_exactly_the_rest(ledger: Ledger, seed: int) -> None:
    chance = random.Random(seed)
    here = town(chance)
    await ledger.write(given.token("USD", decimals=1), *here.transfers)

    for wishes in (
        {},
        {"direction": Direction.OUT},
        {"direction": Direction.IN, "token": TOKENS[0]},
        {"token": TOKENS[0], "by_amount": True},
        {"since": moment(NOON + 20 * DAY)},
        {"as_of": moment(NOON + 25 * DAY)},
    ):
        whole = await seen(ledger.graph, "w0", depth=1, per_wallet=1_000, **wishes)
        assert whole.nodes[0].stop is None
        parts = await expanded(ledger.graph, "w0", chance.choice((1, 3, 7)), **wishes)
        assert [flow.id for flow in parts] == [flow.id for flow in whole.edges]
        assert parts

    # From a network: what it shows of a wallet, and what is behind its cursor, is all there is.
    found = await seen(ledger.graph, "w0", per_wallet=4, max_edges=20)
    for node in found.nodes:
        name = next(name for name in map("w{}".format, range(14)) if wallet(name) == node.wallet.id)
        own = {flow.id for flow in found.edges if node.wallet.id in (flow.sender, flow.recipient)}
        rest = set()
        if node.stop is not None:
            flows = await expanded(ledger.graph, name, 5, after=node.after, without=frozenset(own))
            rest = {flow.id for flow in flows}
            assert not rest & own
        every = {
            id
            for id, some in here.flows().items()
            if node.wallet.id in (some[0].sender, some[0].recipient)
        }
        assert own | rest == every
        assert node.hidden >= len(rest)


async def test_going_on_from_a_hub_gives_the_rest_even_where_each_part_gives_up(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (shelves, stored, reading):
        monkeypatch.setattr(module, "HUB_FLOWS", 60)
    flows = 160
    moves = [("hub", f"p{number}", 1 + number % 3) for number in range(flows)]
    moves += [(f"p{number}", "hub", 2) for number in range(40)] + [("hub", "hub", 5)]
    rare = {f"p{number}" for number in range(0, flows, 31)}
    await ledger.write(
        *(
            given.transfer(
                sender, recipient, tx=f"{sender}{recipient}", log=log,
                token=TOKENS[0] if recipient in rare else None,
            )
            for sender, recipient, count in moves
            for log in range(count)
        )
    )  # fmt: skip

    parts = await expanded(ledger.graph, "hub", 70)
    assert len(parts) == len({flow.id for flow in parts}) == flows + 41
    strengths = [(-flow.transfers, flow.id) for flow in parts]
    assert strengths == sorted(strengths)

    monkeypatch.setattr(reading, "HUB_BUDGET", 30)
    monkeypatch.setattr(walks, "_PAGES", (20, 30))
    found = await expanded(ledger.graph, "hub", 4, direction=Direction.OUT, token=TOKENS[0])
    assert {flow.recipient for flow in found} == {wallet(name) for name in rare}
    assert len(found) == len(rare)

    node = (await seen(ledger.graph, "hub", depth=1, per_wallet=5)).nodes[0]
    assert node.hidden == flows + 42 - node.shown.flows
    everything = await behind.behind(ledger.graph, [node])
    assert everything[node].outgoing.wallets is not None
    monkeypatch.setattr(behind, "MOST_FLOWS", 100)
    too_many = (await behind.behind(ledger.graph, [node]))[node]
    assert too_many.outgoing == everything[node].outgoing._replace(wallets=None)


@pytest.mark.parametrize("seed", range(3))
async def test_what_is_shown_and_what_is_folded_add_up_to_everything(
    ledger: Ledger, seed: int
) -> None:
    chance = random.Random(seed)
    here = town(chance)
    await ledger.write(*here.transfers, said("w3", "Kraken", category=Category.EXCHANGE))

    for _ in range(6):
        per_wallet, most = chance.choice((1, 3, 50)), chance.choice((5, 30, 500))
        found = await seen(
            ledger.graph,
            chance.choice(("w0", "w1", "w3")),
            depth=chance.choice((1, 2, 3)),
            direction=chance.choice(list(Direction)),
            per_wallet=per_wallet,
            max_edges=most,
            hub=chance.choice((8, 1_000)),
        )
        shown = {flow.id for flow in found.edges}
        assert len(shown) == len(found.edges) <= most
        assert {flow.id: flow.transfers for flow in found.edges} == {
            id: len(some) for id, some in here.flows().items() if id in shown
        }
        counted = await behind.behind(ledger.graph, found.nodes)
        for node in found.nodes:
            assert counted[node] == here.sides(node.wallet.id, without=shown)
            assert node.hidden == counted[node].flows
        ends = {end for flow in found.edges for end in (flow.sender, flow.recipient)}
        assert ends <= {node.wallet.id for node in found.nodes}


@pytest.mark.parametrize("seed", range(2))
async def test_a_network_of_then_is_what_it_was_then(ledger: Ledger, seed: int) -> None:
    chance = random.Random(seed)
    here = town(chance)
    early = here.transfers[:75]
    await ledger.write(given.token("USD", decimals=1), *early)
    wishes = {
        "depth": 3,
        "per_wallet": 9,
        "max_edges": 40,
        "direction": chance.choice(list(Direction)),
    }
    before = {name: await seen(ledger.graph, name, **wishes) for name in ("w0", "w1")}
    assert len(before["w0"].edges) > 15

    await ledger.write(
        *here.transfers[75:], given.transfer("w1", "w9", tx="?", block=None, at=None)
    )

    for name, was in before.items():
        for past in ({"as_of": moment(NOON + 24 * DAY)}, {"as_of_block": 24}):
            found = await seen(ledger.graph, name, **wishes, **past)
            assert exact(found.edges) == exact(was.edges)
            assert [flow.id for flow in found.edges] == [flow.id for flow in was.edges]
            hops = {node.wallet.id: node.hops for node in was.nodes}
            assert {node.wallet.id: node.hops for node in found.nodes} == hops
            # Of those that were gone on from everything was counted.
            told = await behind.behind(ledger.graph, found.nodes)
            for node, one in zip(was.network.inner, found.network.inner, strict=True):
                assert (node.stop, node.after) == (one.stop, one.after)
                if one.total is not None:
                    assert told[one] == Town(early).sides(
                        one.wallet.id, without={flow.id for flow in found.edges}
                    )
            assert found.network.undated == (name == "w1" or was.network.question.depth > 1)
            chain = (await growing.rests_on(ledger.graph, [found.network]))[found.network]
            assert chain.block == 24
    now = await seen(ledger.graph, "w0", **wishes)
    assert (await growing.rests_on(ledger.graph, [now.network]))[now.network].block == 39
    assert exact(now.edges) != exact(before["w0"].edges)


async def test_what_cannot_be_counted_of_then_says_so(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [given.transfer("busy", f"p{n}", tx=f"{n}", block=n, at=NOON) for n in range(30)]
    await ledger.write(*many, given.transfer("a", "busy", tx="in", block=40, at=NOON + DAY))
    monkeypatch.setattr(then, "THEN_BUDGET", 20)
    monkeypatch.setattr(traces, "_PAGE", 5)

    found = await seen(ledger.graph, "a", depth=3, as_of_block=50)

    busy = next(node for node in found.nodes if node.wallet.id == wallet("busy"))
    assert (busy.stop, busy.total, busy.behind) == (Stop.BUDGET, None, None)
    assert [(flow.sender, flow.recipient) for flow in found.edges] == [
        (wallet("a"), wallet("busy"))
    ]
    assert busy not in await behind.behind(ledger.graph, found.nodes)
    with pytest.raises(BadInput, match="not both"):
        await seen(ledger.graph, "a", as_of_block=1, as_of=NOW)

    # What had ended by then is what it is now, and is gone on with.
    later = [given.transfer("busy", f"p{n}", tx=f"l{n}", at=NOON + 2 * DAY) for n in range(5)]
    await ledger.write(*later)
    limits = {"per_wallet": 10, "as_of": moment(NOON + DAY)}
    busy_then = await seen(ledger.graph, "busy", depth=1, **limits)
    assert busy_then.nodes[0].stop is Stop.BUDGET
    assert all(flow.transfers == 1 for flow in busy_then.edges)
    shown = [flow.recipient for flow in busy_then.edges]
    while (after := busy_then.nodes[0].after) is not None:
        busy_then = await seen(ledger.graph, "busy", depth=1, after=after, **limits)
        shown += [flow.recipient for flow in busy_then.edges]
    assert sorted(shown) == sorted([*(wallet(f"p{n}") for n in range(5, 30)), wallet("busy")])
    await ledger.write(given.transfer("x", "y", tx="untimed", at=None))
    nothing = await seen(ledger.graph, "busy", depth=1, **limits)
    assert (nothing.edges, nothing.nodes[0].stop) == ([], Stop.BUDGET)


async def test_files_without_times_and_blocks_tell_nothing_of_then(ledger: Ledger) -> None:
    await ledger.write(given.transfer("a", "b", block=None, at=None))

    with pytest.raises(BadInput, match="known time"):
        await seen(ledger.graph, "a", as_of=NOW)
    with pytest.raises(BadInput, match="known block"):
        await seen(ledger.graph, "a", as_of_block=1)


async def picture(graph: Graph, found: Seen, *fold: Fold) -> Picture:
    drawn: Picture = (await pictures.pictures(graph, [found.network], fold=fold))[found.network]
    return drawn


async def test_folding_loses_no_transfer(ledger: Ledger) -> None:
    here = town(random.Random(5))
    await ledger.write(
        *here.transfers,
        actor("kraken", type=ActorType.EXCHANGE),
        said("w3", "Kraken 1", category=Category.USER, actor="kraken"),
        said("w4", "Kraken 2", category=Category.USER, actor="kraken"),
        said("w9", "Somebody", category=Category.USER),
    )
    pair = sorted((wallet("w5"), wallet("w6")))
    together = cluster_id(pair[0])
    for name in ("w5", "w6"):
        await ledger.graph.run_alone(
            "MERGE (m:Member {id: $wallet}) SET m.cluster = $cluster "
            "MERGE (c:Cluster {id: $cluster}) SET c.chain = 'eip155:1', c.size = 7, c.run = 'r|1' "
            "WITH c MATCH (w:Wallet {id: $wallet}) MERGE (w)-[:IN_CLUSTER {run: 'r|1'}]->(c)",
            wallet=wallet(name),
            cluster=together,
        )
    found = await seen(ledger.graph, "w0", per_wallet=40, hub=1_000)
    whole = Counter({flow.id: flow.transfers for flow in found.edges})

    plain = await picture(ledger.graph, found)
    assert [node.id for node in plain.nodes] == [node.wallet.id for node in found.nodes]
    assert [edge.flows for edge in plain.edges] == [(flow.id,) for flow in found.edges]
    assert {edge.amount_raw for edge in plain.edges} == {flow.amount_raw for flow in found.edges}
    named = {node.id: node.name for node in plain.nodes}
    assert (named[wallet("w3")], named[wallet("w9")], named[wallet("w1")]) == (
        "Kraken 1", "Somebody", None
    )  # fmt: skip

    by_pair = await picture(ledger.graph, found, Fold.TOKENS)
    pairs = Counter({(flow.sender, flow.recipient): 0 for flow in found.edges})
    for flow in found.edges:
        pairs[flow.sender, flow.recipient] += flow.transfers
    assert {(edge.source, edge.target): edge.transfers for edge in by_pair.edges} == pairs
    several = [edge for edge in by_pair.edges if len(edge.tokens) > 1]
    assert several
    assert all(edge.amount_raw is None for edge in several)

    folded = await picture(ledger.graph, found, Fold.CLUSTERS, Fold.TOKENS)
    nodes = {node.id: node for node in folded.nodes}
    kraken, both = nodes["actor:kraken"], nodes[together]
    assert (kraken.kind, kraken.name) == (NodeKind.ACTOR, "Kraken")
    assert set(kraken.wallets) == {wallet("w3"), wallet("w4")}
    assert (both.kind, both.size, sorted(both.wallets)) == (NodeKind.CLUSTER, 7, pair)
    assert len(folded.nodes) == len(found.nodes) - 2
    assert len({(edge.source, edge.target) for edge in folded.edges}) == len(folded.edges)
    assert {edge.source for edge in folded.edges} <= nodes.keys()
    within = sum(node.transfers_within for node in folded.nodes)
    assert sum(edge.transfers for edge in folded.edges) + within == whole.total()
    inside = [
        flow
        for flow in found.edges
        if {flow.sender, flow.recipient} <= set(kraken.wallets)
    ]  # fmt: skip
    assert kraken.within == len(inside)
    totals = [node for node in found.nodes if node.wallet.id in kraken.wallets]
    assert kraken.behind is not None
    assert kraken.behind.flows == sum(node.hidden for node in totals)


def test_a_node_is_drawn_at_one_place_and_places_are_spread() -> None:
    places = [drawn_at(f"wallet {number}") for number in range(2_000)]
    assert drawn_at("wallet 7") == places[7]
    assert len(set(places)) == len(places)
    assert all(place.x**2 + place.y**2 <= 1.000001 for place in places)
    for x, y in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        quarter = [place for place in places if place.x * x > 0 and place.y * y > 0]
        assert 400 < len(quarter) < 600
    inner = [place for place in places if place.x**2 + place.y**2 < 0.5]
    assert 900 < len(inner) < 1_100
