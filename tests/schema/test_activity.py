"""What hangs on wallets, tokens and transactions: exact, batched, bounded, and honest."""

from typing import Any

import pytest

from graph_api.domain.ids import ChainId, TransactionId, account_id
from graph_api.domain.records import (
    Approval,
    Block,
    Output,
    Spend,
    Swap,
    UtxoTransaction,
    WalletFact,
    WalletKind,
)
from graph_api.store.graph import Graph
from tests import given
from tests.given import BITCOIN, DAY, ETHER, ETHEREUM, NOON, Ledger, erc20, hash_of, wallet
from tests.schema.asking import answer, ask

USD = erc20("USD")
HUGE = 2**200 + 1
MINERS = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
SHOP = "12c6DSiU4Rq3P4ZxziKxzrL5LmMBrzjrJX"


@pytest.fixture
async def town(ledger: Ledger) -> Graph:
    """Alice deals with a desk in dollars whose symbol is odd, and calls its contract."""
    chain = ChainId(ETHEREUM.id)
    calls = [
        given.transaction(
            "alice",
            "pool",
            tx=f"call{number}",
            value_raw=0,
            method_id="0xa9059cbb" if number else "0x12345678",
            block=110 + number,
            at=NOON + number * DAY,
            status=0 if number == 2 else 1,
            gas_used=21_000,
            gas_price_raw=10**9,
        )
        for number in range(3)
    ]
    await ledger.write(
        given.token("USD", decimals=6, symbol="₮ether 💵"),
        given.transfer("alice", "desk", tx="a", log=1, token=USD, amount_raw=HUGE, at=NOON),
        given.transfer(
            "desk", "alice", tx="b", log=2, token=USD, amount_raw=40, block=200, at=NOON + DAY
        ),
        given.transfer("bob", "desk", tx="b", log=3, token=USD, amount_raw=7, block=200, at=None),
        given.transfer(
            "alice", "alice", tx="b", log=4, token=USD, amount_raw=5, block=200, at=NOON + DAY
        ),
        given.transfer("alice", "carol", tx="c", log=1, token=None, amount_raw=None, block=150),
        given.transaction("alice", "desk", tx="paid", value_raw=3, block=300, at=NOON + 3 * DAY),
        *calls,
        WalletFact(id=wallet("pool"), kind=WalletKind.CONTRACT),
        Approval(
            id=f"{given.transaction_id_of('call1')}:log:9",
            chain=chain,
            transaction=given.transaction_id_of("call1"),
            token=USD,
            owner=wallet("alice"),
            spender=wallet("pool"),
            amount_raw=2**256 - 1,
            block_number=111,
        ),
        Swap(
            id=f"{given.transaction_id_of('call1')}:log:10",
            chain=chain,
            transaction=given.transaction_id_of("call1"),
            protocol="uniswap_v2",
            pool=wallet("pool"),
            sender=wallet("alice"),
            recipient=wallet("alice"),
            amount0_raw=10**30,
            amount1_raw=-5,
            block_number=111,
        ),
    )
    return ledger.graph


async def of_alice(graph: Graph, fields: str, **variables: Any) -> Any:
    query = "query ($id: AccountId!) { wallet(by: {accountId: $id}) {" + fields + "} }"
    return (await ask(graph, query, id=wallet("alice"), **variables))["wallet"]


async def test_transfers_name_everything_around_them_in_one_statement_for_each_level(
    town: Graph,
) -> None:
    found = await answer(
        town,
        """query ($id: AccountId!) { wallet(by: {accountId: $id}) { transfers(first: 10) { nodes {
          transferId amountRaw amount blockNumber blockTime position derived
          sender { accountId } recipient { accountId } token { symbol decimals }
          transaction { hash transfers { nodes { position } } }
        } } } }""",
        id=wallet("alice"),
    )

    assert found.errors == []
    nodes = found.data["wallet"]["transfers"]["nodes"]
    assert [node["blockNumber"] for node in nodes] == [300, 200, 200, 150, 100]
    assert nodes[0]["position"] == "native"
    assert nodes[0]["blockTime"] == "2023-11-17T22:13:20Z"
    assert nodes[3]["token"] is None
    assert nodes[3]["amountRaw"] is None
    last = nodes[4]
    assert last["amountRaw"] == str(HUGE)
    assert last["amount"] == pytest.approx(HUGE / 10**6)
    assert last["token"] == {"symbol": "₮ether 💵", "decimals": 6}
    assert last["sender"] == {"accountId": wallet("alice")}
    of_b = nodes[1]["transaction"]
    assert of_b["hash"] == hash_of("b")
    assert [node["position"] for node in of_b["transfers"]["nodes"]] == ["log:2", "log:3", "log:4"]
    # The wallet, its transfers, all senders and recipients, tokens, transactions, their transfers.
    assert len(found.statements) == 6


async def test_transfers_of_a_transaction_are_paged_in_their_order(town: Graph) -> None:
    query = """query ($hash: TransactionHash!, $first: Int, $after: String, $last: Int) {
      transaction(by: {chain: "ethereum", hash: $hash}) {
        transfers(first: $first, after: $after, last: $last) {
          edges { cursor node { position } } pageInfo { hasNextPage hasPreviousPage }
        }
      }
    }"""

    async def part(**arguments: Any) -> tuple[list[str], bool, bool, str]:
        data = await ask(town, query, hash=hash_of("b").upper().replace("0X", "0x"), **arguments)
        page = data["transaction"]["transfers"]
        info = page["pageInfo"]
        positions = [edge["node"]["position"] for edge in page["edges"]]
        return positions, info["hasNextPage"], info["hasPreviousPage"], page["edges"][-1]["cursor"]

    positions, more, before, cursor = await part(first=2)
    assert (positions, more, before) == (["log:2", "log:3"], True, False)
    assert (await part(first=2, after=cursor))[:3] == (["log:4"], False, True)
    assert (await part(last=2))[:3] == (["log:3", "log:4"], False, True)


async def test_counterparties_add_both_ways_up(town: Graph) -> None:
    found = await of_alice(
        town,
        """counterparties { accountId tokenId transfers
          sent { transfers amountRaw } received { transfers amountRaw } wallet { kind } }
        out: counterparties(direction: OUT, first: 1) { accountId transfers received { transfers } }
        late: counterparties(since: "2023-11-16T00:00:00Z") { accountId tokenId }""",
    )

    by_pair = {(row["accountId"], row["tokenId"]): row for row in found["counterparties"]}
    assert found["counterparties"][0]["accountId"] == wallet("desk")
    desk = by_pair[wallet("desk"), USD]
    assert desk["transfers"] == 2
    assert desk["sent"] == {"transfers": 1, "amountRaw": str(HUGE)}
    assert desk["received"] == {"transfers": 1, "amountRaw": "40"}
    assert by_pair[wallet("desk"), ETHER]["sent"] == {"transfers": 1, "amountRaw": "3"}
    assert by_pair[wallet("alice"), USD]["transfers"] == 1
    assert by_pair[wallet("carol"), None]["sent"] == {"transfers": 1, "amountRaw": None}
    assert found["out"][0]["transfers"] == 1
    assert found["out"][0]["received"] is None
    assert {row["accountId"] for row in found["late"]} == {wallet("desk")}


async def test_sums_are_exact_and_never_called_a_balance(town: Graph) -> None:
    found = await of_alice(
        town,
        """balances { tokenId receivedRaw sentRaw netChangeRaw balanceRaw transfers
          coverage { complete sinceBlock untilBlock uncounted } token { symbol } }""",
    )

    by_token = {row["tokenId"]: row for row in found["balances"]}
    assert by_token[USD]["netChangeRaw"] == str(40 - HUGE)
    assert (by_token[USD]["receivedRaw"], by_token[USD]["sentRaw"]) == ("45", str(HUGE + 5))
    assert by_token[USD]["balanceRaw"] is None
    assert by_token[USD]["coverage"] == {
        "complete": False,
        "sinceBlock": 100,
        "untilBlock": 300,
        "uncounted": 0,
    }


@pytest.mark.parametrize(
    ("as_of", "net"),
    [
        ("2023-11-14T00:00:00Z", {}),
        ("2023-11-14T22:13:20Z", {USD: -HUGE}),
        ("2023-11-15T23:00:00Z", {USD: 40 - HUGE}),
        ("2023-11-30T00:00:00+01:00", {USD: 40 - HUGE, ETHER: -3}),
    ],
)
async def test_a_portfolio_is_what_had_moved_by_then(
    town: Graph, as_of: str, net: dict[str, int]
) -> None:
    found = await of_alice(
        town,
        f"""portfolio(asOf: "{as_of}") {{ asOf coverage {{ complete undated }}
          holdings {{ tokenId netChangeRaw }} }}""",
    )

    held = {row["tokenId"]: int(row["netChangeRaw"]) for row in found["portfolio"]["holdings"]}
    assert held == net
    assert found["portfolio"]["coverage"] == {"complete": False, "undated": 0}


async def test_holders_are_ranked_and_weighed(town: Graph) -> None:
    found = await answer(
        town,
        """query ($id: TokenId!) { token(by: {tokenId: $id}) { holderCount holders(first: 1) {
          nodes { shareOfSupply holding { netChangeRaw wallet { accountId } } }
          pageInfo { hasNextPage }
        } } }""",
        id=USD,
    )

    assert found.errors == []
    token = found.data["token"]
    assert token["holderCount"] == 1
    assert token["holders"]["pageInfo"]["hasNextPage"] is False
    (holder,) = token["holders"]["nodes"]
    assert holder["holding"]["netChangeRaw"] == str(HUGE + 7 - 40)
    assert holder["holding"]["wallet"]["accountId"] == wallet("desk")
    assert holder["shareOfSupply"] is None


async def test_calls_approvals_and_swaps(town: Graph) -> None:
    found = await of_alice(
        town,
        """interactions { transactions complete contracts { accountId calls contract { kind }
            methods { methodId calls failed } } }
        approvals { amountRaw spender { accountId } token { decimals } }
        transactions(first: 2, filter: {methodId: "0xA9059CBB", status: SUCCEEDED}) { nodes {
          valueRaw feeRaw fee status swaps { protocol amount0Raw amount1Raw pool { kind } } } }""",
    )

    assert found["interactions"]["transactions"] == 4
    assert found["interactions"]["complete"] is True
    assert found["interactions"]["contracts"] == [
        {
            "accountId": wallet("pool"),
            "calls": 3,
            "contract": {"kind": "CONTRACT"},
            "methods": [
                {"methodId": "0xa9059cbb", "calls": 2, "failed": 1},
                {"methodId": "0x12345678", "calls": 1, "failed": 0},
            ],
        }
    ]
    assert found["approvals"] == [
        {
            "amountRaw": str(2**256 - 1),
            "spender": {"accountId": wallet("pool")},
            "token": {"decimals": 6},
        }
    ]
    (transaction,) = found["transactions"]["nodes"]
    assert transaction["feeRaw"] == str(21_000 * 10**9)
    assert transaction["swaps"] == [
        {
            "protocol": "uniswap_v2",
            "amount0Raw": str(10**30),
            "amount1Raw": "-5",
            "pool": {"kind": "CONTRACT"},
        }
    ]


async def test_the_newest_of_all_chains(town: Graph) -> None:
    data = await ask(
        town,
        '{ recentTransfers(first: 2) { blockNumber } eth: recentTransfers(chain: "eth") {id} }',
    )

    assert [row["blockNumber"] for row in data["recentTransfers"]] == [300, 200]
    assert len(data["eth"]) == 6


def coins(name: str, **parts: Any) -> UtxoTransaction:
    return UtxoTransaction(
        id=TransactionId(f"{BITCOIN.id}:{hash_of(name)[2:]}"),
        chain=ChainId(BITCOIN.id),
        hash=hash_of(name)[2:],
        **parts,
    )


@pytest.fixture
async def mint(ledger: Ledger) -> Graph:
    """Two blocks of a UTXO chain, whole from its first block on: a reward, and half of it spent."""
    miner, shop = account_id(BITCOIN, MINERS), account_id(BITCOIN, SHOP)
    first, second = (f"{BITCOIN.id}:{hash_of(name)[2:]}" for name in ("reward", "spent"))
    reward = coins(
        "reward",
        block_number=0,
        block_time=NOON,
        index=0,
        coinbase=True,
        inputs=(),
        outputs=(Output(id=f"{first}:0", owner=miner, amount_raw=50 * 10**8),),
    )
    spent = coins(
        "spent",
        block_number=1,
        block_time=NOON + DAY,
        index=1,
        coinbase=False,
        inputs=(Spend(output=f"{first}:0", owner=miner, amount_raw=50 * 10**8),),
        outputs=(
            Output(id=f"{second}:0", owner=shop, amount_raw=20 * 10**8),
            Output(id=f"{second}:1", owner=miner, amount_raw=29 * 10**8),
        ),
    )
    blocks = [
        Block(chain=ChainId(BITCOIN.id), number=number, hash=f"{number}", time=NOON + number * DAY)
        for number in range(2)
    ]
    await ledger.write(*blocks, reward, spent)
    return ledger.graph


async def test_a_whole_utxo_chain_has_balances(mint: Graph) -> None:
    data = await ask(
        mint,
        """query ($id: AccountId!, $hash: TransactionHash!) {
          wallet(by: {accountId: $id}) {
            balances { balanceRaw coverage { complete } }
            before: portfolio(asOf: "2023-11-15T00:00:00Z") { holdings { balanceRaw netChange } }
            after: portfolio { holdings { balanceRaw transfers } }
          }
          transaction(by: {chain: "btc", hash: $hash}) {
            feeRaw inputs { index amountRaw createdBy { coinbase } }
            outputs { index amount owner { address } spent }
          }
        }""",
        id=f"bitcoin:{MINERS}",
        hash=hash_of("spent")[2:],
    )

    assert data["wallet"]["balances"] == [
        {"balanceRaw": str(29 * 10**8), "coverage": {"complete": True}}
    ]
    assert data["wallet"]["before"]["holdings"] == [
        {"balanceRaw": str(50 * 10**8), "netChange": 50.0}
    ]
    assert data["wallet"]["after"]["holdings"] == [{"balanceRaw": str(29 * 10**8), "transfers": 3}]
    assert data["transaction"]["feeRaw"] == str(10**8)
    assert data["transaction"]["inputs"] == [
        {"index": 0, "amountRaw": str(50 * 10**8), "createdBy": {"coinbase": True}}
    ]
    assert data["transaction"]["outputs"] == [
        {"index": 0, "amount": 20.0, "owner": {"address": SHOP}, "spent": False},
        {"index": 1, "amount": 29.0, "owner": {"address": MINERS}, "spent": False},
    ]
