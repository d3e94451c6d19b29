"""An EVM chain read from a real node: all that moves value, through reorgs and restarts."""

import asyncio
from collections import Counter

import pytest

from graph_api.domain.records import (
    Approval,
    Block,
    Token,
    Transaction,
    Transfer,
    WalletFact,
    WalletKind,
)
from ingest.sources.chain import Reorged
from ingest.sources.evm.describing import nothing
from ingest.sources.evm.reading import EvmReading, ReceiptsBy, TracesBy
from tests.ingest.sources.evm_chain import (
    ETHEREUM,
    READING,
    Chain,
    account,
    read,
    records,
    source_of,
)

pytest_plugins = ["tests.ingest.sources.evm_fixtures"]

ALICE = "0x" + "a1" * 20
BOB = "0x" + "b0" * 20
ETHER = 10**18


async def test_blocks_hold_every_transfer_of_a_token_with_its_words_and_units(
    chain: Chain,
) -> None:
    coin = await chain.deploy("Coin", ["string", "string", "uint256"], "Test coin", "TST", 10**15)
    await chain.call(coin, "transfer(address,uint256)", ALICE, 2_500_000)
    await chain.call(coin, "approve(address,uint256)", BOB, 7)
    await chain.call(coin, "scatter(uint160,uint256)", 1 << 100, 300)

    async with source_of(chain.node.url) as source:
        facts = await read(source, 0, await chain.height())

    found = records(facts)
    moved = [record for record in found if isinstance(record, Transfer)]
    token = f"{ETHEREUM.id}/erc20:{coin.lower()}"
    assert len(moved) == 302
    assert {record.token for record in moved} == {token}
    assert (moved[1].sender, moved[1].recipient) == (account(chain.accounts[0]), account(ALICE))
    assert (moved[1].amount_raw, moved[1].amount) == (2_500_000, 2.5)
    assert [record.position for record in moved[2:]] == [f"log:{place}" for place in range(300)]
    (described,) = (record for record in found if isinstance(record, Token))
    assert (described.symbol, described.name, described.decimals) == ("TST", "Test coin", 6)
    assert described.total_supply_raw == 10**15
    (approval,) = (record for record in found if isinstance(record, Approval))
    assert (approval.spender, approval.amount_raw) == (account(BOB), 7)
    assert [one.ref.number for one in facts] == [0, 1, 2, 3, 4]
    assert not any(one.rejects for one in facts)


async def test_accounts_are_told_from_contracts(chain: Chain) -> None:
    purse = await chain.deploy("Purse")
    await chain.pay(purse, 5)
    await chain.pay(ALICE, 6)

    async with source_of(chain.node.url) as source:
        found = records(await read(source, 0, 3))

    kinds = {record.id: record.kind for record in found if isinstance(record, WalletFact)}
    assert kinds[account(purse)] == WalletKind.CONTRACT
    assert kinds[account(ALICE)] == kinds[account(chain.accounts[0])] == WalletKind.EOA


async def test_only_what_the_graph_does_not_know_is_described(chain: Chain) -> None:
    await chain.pay(ALICE, 6)
    await chain.pay(BOB, 6)
    asked: list[set[str]] = []

    async def unknown(ids: object) -> list[str]:
        assert isinstance(ids, set)
        asked.append(ids)
        return [account(BOB)]

    async with source_of(
        chain.node.url, unknown_accounts=unknown, unknown_tokens=nothing
    ) as source:
        found = records(await read(source, 1, 2))

    assert [record.id for record in found if isinstance(record, WalletFact)] == [account(BOB)]
    assert asked == [{account(ALICE), account(BOB), account(chain.accounts[0])}]


@pytest.mark.parametrize("method", [TracesBy.TRACE_BLOCK, TracesBy.DEBUG])
async def test_value_that_contracts_move_is_found_and_what_failed_is_not(
    chain: Chain, method: TracesBy
) -> None:
    purse = await chain.deploy("Purse")
    split = await chain.call(purse, "split(address[])", [ALICE, BOB], value=4)
    await chain.call(purse, "pretend(address)", ALICE, value=8)
    hashed = await chain.call(purse, "hashThenPay(address)", BOB, value=16)
    sewn = await chain.call(purse, "sew()", value=32)
    refused = await chain.call(purse, "refuse()", value=64)
    reading = EvmReading(traces=method, stale_after_s=None)

    async with source_of(chain.node.url, reading=reading) as source:
        found = records(await read(source, 1, 6))

    moved = [record for record in found if isinstance(record, Transfer)]
    assert [(one.id, one.recipient, one.amount_raw) for one in moved[:3]] == [
        (f"{ETHEREUM.id}:{split}:trace:0", account(ALICE), 2),
        (f"{ETHEREUM.id}:{split}:trace:1", account(BOB), 2),
        (f"{ETHEREUM.id}:{hashed}:trace:0", account(BOB), 16),
    ]
    assert (moved[3].id, moved[3].amount_raw) == (f"{ETHEREUM.id}:{sewn}:trace:0", 32)
    assert len(moved) == 4
    made = {record.id for record in found if isinstance(record, WalletFact)}
    assert moved[3].recipient in made
    statuses = {record.hash: record.status for record in found if isinstance(record, Transaction)}
    assert statuses[refused] == 0
    assert Counter(statuses.values()) == {1: 5, 0: 1}


async def test_both_ways_of_reading_receipts_give_the_same(chain: Chain) -> None:
    coin = await chain.deploy("Coin", ["string", "string", "uint256"], "Test coin", "TST", 10**9)
    for index in range(12):
        await chain.call(coin, "scatter(uint160,uint256)", 1 << 90 | index << 40, index)
    by_logs = EvmReading(receipts=ReceiptsBy.LOGS, stale_after_s=None, log_window=5)

    async with source_of(chain.node.url) as one, source_of(chain.node.url, reading=by_logs) as two:
        assert await read(one, 0, 13) == await read(two, 0, 13)


async def test_what_looks_like_a_transfer_and_is_none_is_told_with_its_reason(
    chain: Chain,
) -> None:
    odd = await chain.deploy("Odd")
    await chain.call(odd, "emitAll(address)", ALICE)

    async with source_of(chain.node.url) as source:
        (facts,) = await read(source, 2, 2)

    (moved,) = (record for record in facts.records if isinstance(record, Transfer))
    (token,) = (record for record in facts.records if isinstance(record, Token))
    assert (moved.position, moved.amount_raw, moved.amount) == ("log:6", 7, None)
    assert (token.name, token.symbol, token.decimals) == ("Odd coin", None, None)
    assert token.total_supply_raw is None
    assert [(reject.line, reject.reason) for reject in facts.rejects] == [
        (0, "The transfer indexes 0 values, and an ERC-20 indexes two."),
        (1, "The transfer has no whole words of data, and an amount is one."),
        (2, "The transfer has 2 words of data, and an amount is one."),
        (3, "The transfer names an account that is wider than an address."),
    ]
    assert all(odd.lower() in reject.row for reject in facts.rejects)


async def test_heads_and_places_follow_a_reorg(chain: Chain) -> None:
    for _ in range(5):
        await chain.pay(ALICE, 1)

    async with source_of(chain.node.url) as source:
        before = await source.head()
        assert before == await source.ref(5)
        assert await source.ref(6) is None
        await chain.node.call("anvil_reorg", 3, [])
        after = await source.head()
        below = await source.ref(2)

    assert after.number == before.number
    assert after.hash != before.hash
    assert below is not None


async def test_a_chain_that_changes_between_windows_is_not_joined(chain: Chain) -> None:
    for _ in range(6):
        await chain.pay(ALICE, 1)
    reading = EvmReading(window=2, largest_window=2, ahead=0, stale_after_s=None)

    async with source_of(chain.node.url, reading=reading) as source:
        blocks = source.blocks(1, 6)
        got = [await anext(blocks), await anext(blocks)]
        await chain.node.call("anvil_reorg", 5, [])
        with pytest.raises(Reorged, match="Block 3 changed"):
            await anext(blocks)

    assert [facts.ref.number for facts in got] == [1, 2]


async def test_a_restarted_node_is_read_on_by_the_same_source(chain: Chain) -> None:
    await chain.pay(ALICE, 1)
    async with source_of(chain.node.url) as source:
        before = await read(source, 0, 1)
        await chain.node.restart()
        await chain.pay(ALICE, 2)
        after = await read(source, 0, 2)

    assert after[:2] == before
    assert sum(isinstance(record, Block) for record in records(after)) == 3


@pytest.mark.parametrize("tells", [True, False])
async def test_heads_come_as_they_are_mined_with_and_without_a_websocket(
    chain: Chain, tells: bool
) -> None:
    websocket = chain.node.websocket if tells else None
    async with source_of(chain.node.url, reading=READING, websocket=websocket) as source:
        heads = source.heads()
        seen = [(await anext(heads)).number]
        for _ in range(3):
            await chain.pay(ALICE, 1)
            seen.append((await asyncio.wait_for(anext(heads), 30)).number)
        await heads.aclose()  # type: ignore[attr-defined]

    assert seen == [0, 1, 2, 3]


async def test_the_transfers_of_one_account_are_found_without_its_blocks(chain: Chain) -> None:
    coin = await chain.deploy("Coin", ["string", "string", "uint256"], "Test coin", "TST", 10**9)
    await chain.call(coin, "transfer(address,uint256)", ALICE, 1)
    await chain.call(coin, "transfer(address,uint256)", chain.accounts[1], 2)
    await chain.call(coin, "transfer(address,uint256)", chain.accounts[1], 1, by=1)
    reading = EvmReading(stale_after_s=None, log_window=2)

    async with source_of(chain.node.url, reading=reading) as source:
        whose = account(chain.accounts[1])
        found = [facts async for facts in source.transfers_of(whose, 0, await chain.height())]
        whole = await read(source, 3, 4)

    assert [facts.ref for facts in found] == [whole[1].ref, whole[0].ref]
    moved = [record for record in records(found) if isinstance(record, Transfer)]
    assert [(one.amount_raw, one.recipient) for one in moved] == [(1, whose), (2, whose)]
    assert {one.id for one in moved} == {
        record.id for record in records(whole) if isinstance(record, Transfer)
    }
