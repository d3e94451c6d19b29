"""What issuers do to wallets: labels in the same block, told, and taken back with it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

import msgspec

from graph_api.domain.events import Line, Topic
from graph_api.domain.ids import token_id
from graph_api.domain.issuers import Issuance, label_id_of
from graph_api.domain.records import Freeze, FreezeKind, Label, Record
from graph_api.services import attribution
from graph_api.store import holdings, labels
from graph_api.store.graph import Graph
from graph_api.store.ledger.turn import Turn
from graph_api.store.records import moment
from graph_api.store.search import search
from ingest.pipelines.following import Follower
from tests.conftest import empty
from tests.given import ETHEREUM, NOW, Ledger, difference, snapshot, wallet
from tests.ingest.chains import FreezingChain, GivenChain, act
from tests.ingest.pipelines.test_following import events, follow, fresh
from tests.ingest.sources.evm_chain import Chain, account, source_of

pytest_plugins = ["tests.ingest.sources.evm_fixtures"]

#: Nodes of tests count time as the machine does.
LATER: Final = datetime(2100, 1, 1, tzinfo=UTC)


async def test_reorgs_leave_the_labels_of_the_chain_as_it_stands(graph: Graph) -> None:
    given = FreezingChain(ETHEREUM, seed=11)
    given.grow(20)
    await follow(graph, given)
    for depth in (1, 4, 20):
        given.fork(depth)
        await follow(graph, given)
    followed = await snapshot(graph)
    told = await events(graph, Line.WALLETS, ETHEREUM)

    assert difference(await fresh(graph, given), followed) == ""
    assert any(label == "Label" for label, _ in followed["nodes"])
    stands: dict[str, str] = {}
    for event in told:
        id_ = event.body["id"]
        if event.topic is Topic.WALLET_RETRACTED:
            assert stands.pop(id_) == event.body["was"]
        else:
            assert id_ not in stands, "told twice"
            stands[id_] = event.topic.value
    assert stands == {
        one.id: f"wallet.{one.kind}" for one in given.records if isinstance(one, Freeze)
    }


async def test_blocks_that_come_in_another_order_end_in_the_same_labels(graph: Graph) -> None:
    given = FreezingChain(ETHEREUM, seed=12)
    given.grow(12)
    blocks = [facts.records async for facts in given.blocks(given.first, given.height)]

    async def loaded(*batches: Sequence[Record]) -> dict[str, Sequence[Any]]:
        await empty(graph)
        turn = Turn(graph, clock=lambda: NOW)
        for batch in batches:
            await turn.write(batch)
        # Decimals may have come after transfers.
        await turn.scale()
        await turn.give_back()
        return await snapshot(graph)

    forward = await loaded(*blocks)

    assert difference(await loaded(*reversed(blocks), blocks[3], *blocks), forward) == ""
    assert difference(await loaded([one for some in blocks for one in some]), forward) == ""


async def test_a_freeze_says_who_froze_what_and_hides_nobodys_name(graph: Graph) -> None:
    given = GivenChain(ETHEREUM)
    given.grow()
    ref = await given.head()
    frozen = msgspec.structs.replace(
        act(ref, Random(0), 1), kind=FreezeKind.FROZEN, wallet=wallet("eve"), amount_raw=None
    )
    named = Label(
        id="label:eve",
        accounts=(wallet("eve"),),
        label="Eve's shop",
        category="service",
        confidence=0.5,
        source="tests",
    )
    at = moment(ref.time)
    async with Ledger.open(graph) as ledger:
        await ledger.write(frozen)
        nameless = await attribution.labels_that_win(graph, [wallet("eve")], now=at)
        await ledger.write(named)
    known = await attribution.labels_that_win(graph, [wallet("eve")], now=at)
    hits = await search(graph, query="token frozen", first=5, now=at)
    before = await labels.of_wallets(
        graph, [wallet("eve")], now=at - timedelta(milliseconds=1), first=5
    )

    assert nameless[wallet("eve")].label == "TOKEN frozen by Issuer"
    assert known[wallet("eve")].label == "Eve's shop"
    assert [hit.id for hit in hits] == [label_id_of(frozen.id)]
    assert [row.label for row in before[wallet("eve")]] == ["Eve's shop"]


async def test_logs_of_a_node_freeze_free_and_destroy_in_their_own_block(
    graph: Graph, chain: Chain
) -> None:
    coin = await chain.deploy("Issuer", ["uint256"], 10**12)
    stranger = await chain.deploy("Issuer", ["uint256"], 10**12)
    who = chain.accounts[3]
    for contract in (stranger, coin):
        await chain.call(contract, "transfer(address,uint256)", who, 700)
        await chain.call(contract, "freeze(address)", who)
    block = await chain.node.call("eth_getBlockByNumber", "latest", False)
    token = token_id(ETHEREUM, coin.lower())

    async def catch_up() -> None:
        issued = {token: Issuance("Issuer", "ISS")}
        async with source_of(chain.node.url, issuances=issued) as source:
            turn = Turn(graph, clock=lambda: NOW)
            follower = Follower(graph, turn, source, start=1)
            await follower.run(until=await chain.height())

    async def frozen_since() -> dict[str, int | None]:
        """By token."""
        said = await labels.of_wallets(graph, [account(who)], now=LATER, first=9)
        times = {row.source: row.valid_from for row in said.get(account(who), [])}
        return {key: None if at is None else round(at.timestamp()) for key, at in times.items()}

    async def held() -> tuple[str, str]:
        rows = await holdings.of_wallets(graph, [account(who)], first=1, tokens=(token,))
        ((row,),) = rows.values()
        return row.received_raw, row.sent_raw

    await catch_up()
    frozen = {token: int(block["timestamp"], 16)}
    assert await frozen_since() == frozen

    await chain.call(coin, "blacklist(address)", who)
    await chain.call(coin, "destroy(address,uint256)", who, 700)
    await chain.call(coin, "unBlacklist(address)", who)
    await catch_up()
    assert await frozen_since() == {}
    assert await held() == ("700", "700")

    await chain.node.call("anvil_reorg", 2, [])
    await chain.node.call("anvil_mine", 1)
    await catch_up()
    assert await frozen_since() == frozen
    assert await held() == ("700", "0")
    told = await events(graph, Line.WALLETS, ETHEREUM)
    assert {one.body["wallet"] for one in told} == {account(who)}
    assert [(one.topic.value, one.body["amount_raw"], one.body.get("was")) for one in told] == [
        ("wallet.frozen", None, None),
        ("wallet.frozen", None, None),
        ("wallet.seized", "700", None),
        ("wallet.freed", None, None),
        ("wallet.retracted", None, "wallet.freed"),
        ("wallet.retracted", "700", "wallet.seized"),
    ]
