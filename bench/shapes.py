"""The six read shapes: one question in the words of each server, and how its rows are counted.

For Q3 and Q4 somebody has written statements over our aggregated edges into the peer by hand;
``Q3plain`` and ``Q4plain`` are the same questions to a peer that has transfers alone.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from bench.engines import now
from bench.synthetic import wallet
from graph_api.domain.ids import AccountId
from graph_api.schema.node import global_id
from graph_api.services import paths
from graph_api.services.networks import growing
from graph_api.services.networks.answers import Network
from graph_api.services.networks.questions import NetworkQuestion
from graph_api.services.paths import PathQuestion, PathSearch
from graph_api.services.walks import Stop
from graph_api.store.graph import Graph
from graph_api.store.transfers import Direction

#: Edges that a network has at most, and how many each wallet has in it.
EDGES: Final = 500
_PER_WALLET: Final = 25
_HOPS: Final = 6
#: How far two wallets are apart whose shortest path is looked for.
APART: Final = 3


class Shape(NamedTuple):
    """One question in the words of each server, and how many rows its answer has.

    ``spread`` is how far these numbers may lie apart, a fraction: where as many rows as are wanted
    are cut from equals, another order of equals leads elsewhere.
    """

    about: str
    ours: str
    peers: str
    cypher: str
    parameters: dict[str, Any]
    counted: Callable[[Any], int]
    spread: float = 0.0


class Chosen(NamedTuple):
    """The wallets that are asked about."""

    many: Sequence[str]
    hub: str
    small: str
    centre: str
    start: str
    end: str


async def choose(graph: Graph) -> Chosen:
    """Wallets of a generated graph that suit the shapes."""
    _, rows = await graph.read_values(
        "MATCH (w:Wallet) WHERE w.transfers_out >= 5 AND w.transfers_out <= 60 "
        "RETURN w.id AS id ORDER BY id LIMIT 100",
        {},
    )
    many = [row[0] for row in rows]
    start, end = await _apart(graph, many)
    return Chosen(many, f"eip155:1:{wallet(0)}", many[0], await _centre(graph, many), start, end)


async def _centre(graph: Graph, many: Sequence[str]) -> str:
    """A wallet whose network of two hops has about as many edges as wanted, and passes no hub."""
    _, rows = await graph.read_values(
        "MATCH (w:Wallet) WHERE w.flows_out >= 20 AND w.flows_out <= 500 "
        "RETURN w.id AS id ORDER BY id LIMIT 40",
        {},
    )
    asked = [_network(row[0]) for row in rows] or [_network(many[0])]
    found = await growing.around(graph, asked, now=now())
    sizes: dict[str, int] = {
        question.centre: len(network.edges)
        for question, network in found.items()
        if isinstance(network, Network)
        and not any(node.stop in (Stop.HUB, Stop.BUDGET) for node in network.inner)
    }
    return min(sizes or many[:1], key=lambda one: (abs(sizes.get(one, 0) - EDGES), one))


def _network(centre: str) -> NetworkQuestion:
    return NetworkQuestion(
        centre=AccountId(centre),
        direction=Direction.OUT,
        per_wallet=_PER_WALLET,
        max_edges=4 * EDGES,
    )


async def _apart(graph: Graph, many: Sequence[str]) -> tuple[str, str]:
    """Two wallets that are as many hops apart as two usually are, for everybody's search."""
    best, apart = (many[0], many[-1]), 0
    for start, end in zip(many, reversed(many), strict=True):
        question = PathQuestion(start=AccountId(start), end=AccountId(end), max_hops=APART)
        found = (await paths.shortest(graph, [question], now=now())).get(question)
        if not isinstance(found, PathSearch) or len(found.hops) <= apart:
            continue
        _, rows = await graph.read_values(_PATH, {"from": start, "to": end})
        if rows and len(rows[0][0]) == len(found.wallets):
            best, apart = (start, end), len(found.hops)
        if apart == APART:
            break
    return best


def shapes(chosen: Chosen) -> dict[str, Shape]:
    """The shapes over wallets that the generated graph has."""
    return {
        "Q1": Shape(
            "one wallet, ten scalars",
            _wallet(
                chosen.small,
                "accountId chainId address kind firstSeenAt lastSeenAt transfersIn"
                " transfersOut flowsIn flowsOut",
            ),
            _peer_wallet(
                chosen.small,
                "id chain address kind first_seen_at last_seen_at transfers_in"
                " transfers_out flows_in flows_out",
            ),
            "MATCH (w:Wallet {id: $id}) RETURN w.id, w.chain, w.address, w.kind, w.first_seen_at,"
            " w.last_seen_at, w.transfers_in, w.transfers_out, w.flows_in, w.flows_out",
            {"id": chosen.small},
            lambda data: len(data.get("wallets") or [data["wallet"]]),
        ),
        "Q2": _newest(chosen.small, "a wallet with its newest 20 transfers, recipient and token"),
        "Q2hub": _newest(chosen.hub, "the same of a hub"),
        "Q3": _counterparts(
            chosen.many,
            peers="busiest(limit: 5) { recipient transfers }",
            cypher="UNWIND $ids AS id MATCH (w:Wallet {id: id})-[r:FLOWED]->() "
            "WITH id, r.id AS flow MATCH (f:Flow {id: flow}) "
            "WITH id, f ORDER BY f.transfers DESC "
            "RETURN id, collect({recipient: f.recipient, transfers: f.transfers})[..5]",
        ),
        "Q3plain": _counterparts(
            chosen.many,
            peers="partners(limit: 5) { recipient transfers }",
            cypher="UNWIND $ids AS id MATCH (w:Wallet {id: id})-[:SENT]->(t:Transfer) "
            "WITH id, t.recipient AS recipient, t.token AS token, count(*) AS transfers "
            "ORDER BY transfers DESC "
            "RETURN id, collect({recipient: recipient, transfers: transfers})[..5]",
        ),
        "Q4": _two_hops(
            chosen.centre,
            peers=f'wallets(where: {{id: {{eq: "{chosen.centre}"}}}}) {{ id '
            f"busiest(limit: {_PER_WALLET}) {{ id sender recipient token transfers amount_raw to "
            f"{{ id busiest(limit: {_PER_WALLET}) "
            "{ id sender recipient token transfers amount_raw } } } }",
            cypher=_TWO_HOPS,
        ),
        "Q4plain": _two_hops(
            chosen.centre,
            peers=f'partnersOfPartners(id: "{chosen.centre}", limit: {_PER_WALLET})'
            " { sender recipient token transfers amount }",
            cypher=_TWO_HOPS_PLAIN,
            spread=0.25,
        ),
        "Q5": Shape(
            f"a shortest path, of {APART} hops where there is one",
            f'{{ shortestPath(from: "{chosen.start}", to: "{chosen.end}", maxHops: {_HOPS}) '
            "{ ending wallets { accountId } } }",
            f'{{ shortestPath(from: "{chosen.start}", to: "{chosen.end}") {{ id }} }}',
            _PATH,
            {"from": chosen.start, "to": chosen.end},
            lambda data: len(_path(data["shortestPath"])),
        ),
        "Q6": Shape(
            "a page of 1,000 transfers, ten fields",
            '{ transfers(chain: "ethereum", first: 1000) { nodes { transferId chainId position'
            " senderId recipientId tokenId amountRaw amount blockNumber blockTime } } }",
            "{ transfers(sort: [{order_key: ASC}], limit: 1000) { id chain position sender"
            " recipient token amount_raw amount block_number block_time } }",
            "MATCH (t:Transfer) WHERE t.order_key >= '' WITH t LIMIT 1000 RETURN t.id, t.chain,"
            " t.position, t.sender, t.recipient, t.token, t.amount_raw, t.amount, t.block_number,"
            " t.block_time",
            {},
            lambda data: len(_list(data["transfers"])),
        ),
    }


_PATH: Final = (
    "MATCH (a:Wallet {id: $from}), (b:Wallet {id: $to}) "
    f"MATCH p = shortestPath((a)-[:FLOWED*..{_HOPS}]->(b)) RETURN [w IN nodes(p) | w.id] AS ids"
)
_BUSIEST: Final = (
    "WITH r.id AS flow MATCH (f:Flow {id: flow}) WITH f ORDER BY f.transfers DESC, f.id LIMIT "
    "$limit RETURN "
)
_TWO_HOPS: Final = (
    "MATCH (w:Wallet {id: $id}) CALL (w) { MATCH (w)-[r:FLOWED]->() "
    f"{_BUSIEST} f AS first }} "
    "MATCH (o:Wallet {id: first.recipient}) CALL (o) { MATCH (o)-[r:FLOWED]->() "
    f"{_BUSIEST} collect([f.id, f.sender, f.recipient, f.token, f.transfers, f.amount_raw]) AS far "
    "} RETURN first.id, first.sender, first.recipient, first.token, first.transfers,"
    " first.amount_raw, far"
)


_PARTNERS: Final = (
    "[:SENT]->(t:Transfer) WITH t.sender AS sender, t.recipient AS recipient, t.token AS token,"
    " count(*) AS transfers, sum(t.amount) AS amount ORDER BY transfers DESC LIMIT $limit "
)
_TWO_HOPS_PLAIN: Final = (
    f"MATCH (:Wallet {{id: $id}})-{_PARTNERS}"
    "WITH recipient AS id, sender, token, transfers, amount "
    f"CALL (id) {{ MATCH (:Wallet {{id: id}})-{_PARTNERS}"
    "RETURN collect([sender, recipient, token, transfers, amount]) AS far "
    "} RETURN sender, id, token, transfers, amount, far"
)


def _counterparts(many: Sequence[str], *, peers: str, cypher: str) -> Shape:
    ids, nodes = json.dumps(list(many)), json.dumps([_node_id(one) for one in many])
    return Shape(
        f"{len(many)} wallets with their 5 busiest counterparties",
        f"{{ nodes(ids: {nodes}) {{ ... on Wallet "
        "{ accountId counterparties(direction: OUT, first: 5) { accountId transfers } } } }",
        f"{{ wallets(where: {{id: {{in: {ids}}}}}) {{ id {peers} }} }}",
        cypher,
        {"ids": list(many)},
        _counterparties,
    )


def _two_hops(centre: str, *, peers: str, cypher: str, spread: float = 0.0) -> Shape:
    return Shape(
        f"a network of two hops, about {EDGES} edges, the strongest of each wallet",
        f'{{ network(centre: "{centre}", direction: OUT, perWallet: {_PER_WALLET},'
        f" maxEdges: {4 * EDGES})"
        " { edges { flowId senderId recipientId tokenId transfers amountRaw } } }",
        f"{{ {peers} }}",
        cypher,
        {"id": centre, "limit": _PER_WALLET},
        _edges,
        spread,
    )


def _newest(account: str, about: str) -> Shape:
    return Shape(
        about,
        _wallet(
            account,
            "accountId transfers(filter: {direction: OUT}, first: 20) { nodes {"
            " transferId amountRaw blockTime recipient { accountId kind }"
            " token { symbol decimals } } }",
        ),
        _peer_wallet(
            account,
            "id newest(limit: 20) { id amount_raw block_time"
            " reached { id kind } asset { symbol decimals } }",
        ),
        "MATCH (w:Wallet {id: $id})-[:SENT]->(t:Transfer) WITH t ORDER BY t.sender_key LIMIT 20 "
        "MATCH (t)-[:REACHED]->(r:Wallet) MATCH (k:Token {id: t.token}) "
        "RETURN t.id, t.amount_raw, t.block_time, r.id, r.kind, k.symbol, k.decimals",
        {"id": account},
        _transfers,
    )


def _wallet(account: str, fields: str) -> str:
    return f'{{ wallet(by: {{accountId: "{account}"}}) {{ {fields} }} }}'


def _peer_wallet(account: str, fields: str) -> str:
    return f'{{ wallets(where: {{id: {{eq: "{account}"}}}}) {{ {fields} }} }}'


def _node_id(account: str) -> str:
    return global_id("Wallet", account)


def _list(value: Any) -> list[Any]:
    rows: list[Any] = value["nodes"] if isinstance(value, dict) else value
    return rows


def _transfers(data: Any) -> int:
    one = data["wallet"] if "wallet" in data else data["wallets"][0]
    return len(_list(one.get("transfers") or one.get("newest")))


def _counterparties(data: Any) -> int:
    wallets = data["wallets"] if "wallets" in data else data["nodes"]
    names = ("busiest", "partners", "counterparties")
    return sum(len(one.get(name) or ()) for one in wallets for name in names)


def _edges(data: Any) -> int:
    """Different flows; the peer names one again for each road that leads to it."""
    if "network" in data:
        return len({edge["flowId"] for edge in data["network"]["edges"]})
    if "partnersOfPartners" in data:
        return len(data["partnersOfPartners"])
    first = data["wallets"][0]["busiest"]
    return len({flow["id"] for one in first for flow in (one, *one["to"]["busiest"])})


def _path(value: Any) -> list[Any]:
    wallets: list[Any] = value["wallets"] if isinstance(value, dict) else value
    return wallets
