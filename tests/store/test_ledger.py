"""The writer: totals exact, replay harmless, order irrelevant."""

from graph_api.domain.ids import ChainId
from graph_api.domain.records import Block, Receipt, Record
from graph_api.store.graph import Graph
from tests import given
from tests.conftest import empty
from tests.given import ETHER, Ledger, snapshot, wallet


async def rows(graph: Graph, text: str) -> list[dict[str, object]]:
    return await graph.run_alone(text)


async def test_totals_are_exact_beyond_64_bits(ledger: Ledger) -> None:
    huge = 2**200 + 1
    await ledger.write(
        given.transfer("alice", "desk", amount_raw=huge, log=1),
        given.transfer("alice", "desk", amount_raw=2, log=2),
    )
    await ledger.write(given.transfer("alice", "desk", amount_raw=3, log=3))

    flows = await rows(ledger.graph, "MATCH (f:Flow) RETURN f.amount_raw AS sum, f.transfers AS n")
    assert flows == [{"sum": str(huge + 5), "n": 3}]
    holdings = await rows(
        ledger.graph,
        "MATCH (h:Holding) RETURN h.wallet AS wallet, h.net_raw AS net ORDER BY h.rank_key",
    )
    assert holdings == [
        {"wallet": wallet("desk"), "net": str(huge + 5)},
        {"wallet": wallet("alice"), "net": str(-huge - 5)},
    ]


async def test_a_replay_changes_nothing(ledger: Ledger) -> None:
    batch: list[Record] = [
        given.transaction("alice", "desk", tx="a"),
        given.transfer("alice", "desk", tx="a", log=4, token=given.erc20("USD")),
        given.token("USD", decimals=6),
    ]
    first = await ledger.write(*batch)
    before = await snapshot(ledger.graph)

    again = await ledger.write(*batch)

    assert (first.written, first.known) == (3, 0)
    assert (again.written, again.known) == (0, 3)
    assert await snapshot(ledger.graph) == before


async def test_order_of_loading_does_not_matter(ledger: Ledger, graph: Graph) -> None:
    usd = given.erc20("USD")
    facts: list[Record] = [
        given.token("USD", decimals=6),
        Block(chain=ChainId(given.ETHEREUM.id), number=100, hash="0x1", time=given.NOON),
        given.transaction("alice", "desk", tx="paid", at=None, index=3),
        given.transaction("bob", "desk", tx="failed", at=None, index=4),
        Receipt(
            transaction=given.transaction_id_of("failed"),
            chain=ChainId(given.ETHEREUM.id),
            hash=given.hash_of("failed"),
            block_number=100,
            index=4,
            status=0,
            gas_used=21000,
            gas_price_raw=10**9,
        ),
        given.transfer("alice", "desk", tx="paid", log=7, token=usd, amount_raw=5, at=None),
        given.transfer("bob", "desk", tx="other", log=8, token=usd, amount_raw=6, at=None),
    ]
    await ledger.write(*facts)
    together = await snapshot(graph)
    assert "failed" not in str(together["ties"])

    for order in (facts[::-1], facts[3:] + facts[:3], facts[::2] + facts[1::2]):
        await empty(graph)
        async with Ledger.open(graph) as fresh:
            for fact in order:
                await fresh.write(fact)
            await fresh.writer.scale()
        again = await snapshot(graph)
        assert "\n".join(map(str, sorted(set(again["nodes"]) ^ set(together["nodes"])))) == ""
        assert again == together


async def test_ether_is_described_by_its_chain(ledger: Ledger) -> None:
    await ledger.write(given.transaction("alice", "desk", tx="a", value_raw=15 * 10**17))
    found = await rows(
        ledger.graph,
        "MATCH (t:Token)<-[:HOLDS]-(w:Wallet) WITH DISTINCT t "
        "RETURN t.id AS id, t.symbol AS symbol, t.decimals AS decimals, t.holders AS holders",
    )
    assert found == [{"id": ETHER, "symbol": "ETH", "decimals": 18, "holders": 1}]
