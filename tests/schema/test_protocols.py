"""What wallets use decentralised finance for, by the calls that they made and the labels known."""

import pytest

from graph_api.domain.categories import Category
from graph_api.domain.ids import ChainId
from graph_api.domain.records import Swap
from graph_api.store import swaps
from tests import given
from tests.given import ETHEREUM, NOON, NOW, Ledger, transaction_id_of, wallet
from tests.schema.asking import answer, ask
from tests.store.test_labels import DAY, ms, said

QUERY = """query ($wallet: AccountId!, $day: DateTime, $first: Int) {
  wallet(by: {accountId: $wallet}) {
    usesDefi(asOf: $day)
    protocols(asOf: $day, first: $first) {
      contractId calls failed firstAt label { label category } contract { kind }
    }
    dexSwaps(first: $first) { protocol pool { accountId } amount0Raw blockTime }
  }
}"""


def swap(tx: str, number: int, *, block: int = 100) -> Swap:
    """A swap of the pool in the transaction."""
    return Swap(
        id=f"{transaction_id_of(tx)}:log:{number}",
        chain=ChainId(ETHEREUM.id),
        transaction=transaction_id_of(tx),
        protocol="uniswap_v2",
        pool=wallet("pool"),
        sender=wallet("router"),
        recipient=wallet("alice"),
        amount0_raw=10**30 + number,
        amount1_raw=-5,
        block_number=block,
    )


async def test_protocols_are_labelled_contracts_that_were_called(ledger: Ledger) -> None:
    await ledger.write(
        said("router", "Uniswap V2: Router", category=Category.DEX, learned_at=ms(NOW - 5 * DAY)),
        said("router", "DeFi contract", category=Category.DEFI, confidence=0.1),
        said("lender", "Aave: Pool", category=Category.LENDING),
        said("shop", "A shop", category=Category.PAYMENT),
        given.transaction("alice", "router", tx="t1", method_id="0x38ed1739", block=101),
        given.transaction("alice", "router", tx="t2", method_id="0x38ed1739", block=102, status=0),
        given.transaction("alice", "lender", tx="t3", method_id="0xe8eda9df", value_raw=0),
        given.transaction("alice", "shop", tx="t4", block=103),
        given.transaction("bob", "lender", tx="t5", method_id="0xe8eda9df", status=0),
        swap("t1", 3),
        swap("t1", 4),
        swap("t3", 1),
    )
    graph = ledger.graph

    found = await answer(graph, QUERY, wallet=wallet("alice"))

    assert found.errors == []
    alice = found.data["wallet"]
    assert alice["usesDefi"] is True
    assert [
        (use["contractId"], use["calls"], use["failed"], use["label"]["label"])
        for use in alice["protocols"]
    ] == [
        (wallet("router"), 2, 1, "Uniswap V2: Router"),
        (wallet("lender"), 1, 0, "Aave: Pool"),
    ]
    assert [one["amount0Raw"] for one in alice["dexSwaps"]] == [
        str(10**30 + 3),
        str(10**30 + 4),
        str(10**30 + 1),
    ]
    assert alice["dexSwaps"][0]["pool"] == {"accountId": wallet("pool")}
    assert len(found.statements) <= 10

    bob = (await ask(graph, QUERY, wallet=wallet("bob")))["wallet"]
    assert (bob["usesDefi"], len(bob["protocols"]), bob["dexSwaps"]) == (False, 1, [])
    shop = (await ask(graph, QUERY, wallet=wallet("shop")))["wallet"]
    assert (shop["usesDefi"], shop["protocols"], shop["dexSwaps"]) == (False, [], [])

    before = await ask(
        graph, QUERY, wallet=wallet("alice"), day=(NOW - 9 * DAY).isoformat(), first=1
    )
    assert [use["label"]["label"] for use in before["wallet"]["protocols"]] == ["DeFi contract"]
    assert len(before["wallet"]["dexSwaps"]) == 1


async def test_the_newest_swaps_of_a_busy_wallet_come_first(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of more transactions than are looked at, those that are newest by their blocks."""
    monkeypatch.setattr(swaps, "NEWEST", 100)
    await ledger.write(
        *[
            given.transaction("alice", "router", tx=f"t{n}", block=100 + n, at=NOON + n)
            for n in range(300)
        ],
        *[swap(f"t{n}", 1, block=100 + n) for n in range(0, 300, 25)],
    )

    async def times(first: int) -> list[str]:
        found = await answer(ledger.graph, QUERY, wallet=wallet("alice"), first=first)
        return [one["blockTime"][-5:-1] for one in found.data["wallet"]["dexSwaps"]]

    assert await times(2) == [".275", ".250"]
    assert await times(50) == [".275", ".250", ".225", ".200"]
