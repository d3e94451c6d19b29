"""The whole way on both engines: from the outbox of the graph to a client of the API."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from graph_api.domain.assets import Asset
from graph_api.domain.events import Line, News, Topic
from graph_api.domain.ids import AccountId
from graph_api.domain.prices import Price
from graph_api.domain.records import Actor, ActorType, Label
from graph_api.live.streams import Streams
from graph_api.server.main import application
from graph_api.settings import PriceSettings, RedisSettings
from graph_api.store import outbox, prices
from graph_api.store.graph import Graph, Writing
from tests.given import ETHER, NOON, NOW, Ledger, address, transfer, wallet
from tests.ingest.pipelines.test_publishing import publisher, publishing
from tests.server.live.serving import (
    CHAIN,
    Bus,
    Served,
    answering,
    event,
    number_of,
    until_subscribed,
)
from tests.server.test_cached import installed

DESKS = """
subscription Desks($after: String) {
  transfers(filter: {actorTypes: [OTC_DESK]}, after: $after) {
    ... on LiveEvent { cursor }
    ... on TransferSeen {
      transfer { transferId sender { transfersOut } recipient { actor { type } } }
    }
  }
}
"""
PRICES = """
subscription ($assets: [String!]) {
  prices(assets: $assets) { assetId symbol usd usdAt source asset { usd } }
}
"""
WORTH = """
subscription Worth($filter: TransferEventFilter) {
  transfers(filter: $filter) { ... on TransferSeen { transfer { transferId usd } } }
}
"""
OTC = """
subscription ($filter: OtcEventFilter) {
  otcEvents(filter: $filter) {
    kind: __typename
    ... on OtcNews {
      reasons counterId counter { transferId }
      dealers { actorId type actor { name } }
      transfer { transferId usd }
    }
  }
}
"""
FREEZES = """
subscription ($filter: FreezeFilter) {
  freezes(filter: $filter) {
    kind retracted walletId tokenId issuer amountRaw transactionId blockNumber blockTime
    wallet { transfersIn } token { symbol }
  }
}
"""
PROVIDERS = """
subscription { providerStatus(chain: "ethereum") { chainId nodes { name state head latencyMs } } }
"""
PROGRESS = """
subscription { ingestProgress(chain: "ethereum") { chainId blocksPerS scanner { chainId lag } } }
"""


@pytest.fixture
async def house(
    ledger: Ledger, bus: Bus, embedded_bus_url: str, tmp_path: Path
) -> AsyncIterator[Served]:
    """The API on a graph in which the desk's wallet has a label."""
    await ledger.write(
        Actor(id="desk", name="A desk", type=ActorType.OTC_DESK),
        Label(
            id="label",
            accounts=(AccountId(wallet("desk")),),
            label="A desk",
            category="otc_desk",
            confidence=0.9,
            source="tests",
            actor="desk",
        ),
        transfer("alice", "desk", tx="first"),
    )
    settings = await installed(ledger.graph, tmp_path)
    redis = RedisSettings(url=SecretStr(embedded_bus_url))
    app = application(settings.model_copy(update={"redis": redis}), clock=lambda: NOW)
    async with answering(app, settings.http.model_copy(update={"port": 0})) as (server, place):
        yield Served(server, place, app.state.channels)


async def announce(graph: Graph, *numbers: int, recipient: str, **body: Any) -> None:
    """What a writer leaves in the outbox."""

    async def work(writing: Writing) -> None:
        bodies = [event(number, recipient=wallet(recipient), **body).body for number in numbers]
        news = [News(topic=Topic.TRANSFER_SEEN, body=body) for body in bodies]
        await outbox.append(writing, Line.TRANSFERS, CHAIN, news, now=NOW)

    await graph.write(work)


async def test_what_a_writer_announces_reaches_those_who_want_it(
    house: Served, graph: Graph, bus: Bus
) -> None:
    async with publishing(publisher(graph, bus.streams)), house.client() as client:
        await client.subscribe(DESKS)
        await until_subscribed(house, 1)
        await announce(graph, 1, recipient="bob")
        await announce(graph, 2, recipient="desk")
        item = await client.item()
        await announce(graph, 3, 4, recipient="desk")
        await client.item()
        await client.subscribe(DESKS, id="again", after=item["cursor"])
        again = {place_of(await client.receive()) for _ in range(3)}

    assert item["transfer"] == {
        "transferId": event(2).body["id"],
        "sender": {"transfersOut": 1},
        "recipient": {"actor": {"type": "OTC_DESK"}},
    }
    assert again == {("1", 4), ("again", 3), ("again", 4)}


async def test_progress_begins_with_what_was_said_last(house: Served, bus: Bus) -> None:
    async def say(blocks_per_s: float) -> None:
        body = {"blocks_per_s": blocks_per_s, "records_per_s": 1.0, "rejected": 0}
        news = News(topic=Topic.INGEST_PROGRESS, body=body)
        await Streams(bus.streams.bus).tell(CHAIN, [news], now=NOW, epoch="said")

    await say(1.0)
    await say(2.0)
    async with house.client() as client:
        await client.subscribe(PROGRESS)
        first = (await client.receive())["payload"]["data"]["ingestProgress"]
        await say(3.0)
        second = (await client.receive())["payload"]["data"]["ingestProgress"]

    assert first == {
        "chainId": CHAIN,
        "blocksPerS": 2.0,
        "scanner": {"chainId": CHAIN, "lag": None},
    }
    assert second["blocksPerS"] == 3.0


async def test_prices_are_told_as_they_change(house: Served, graph: Graph, bus: Bus) -> None:
    some = [
        Asset(id=id, symbol=name, tokens=()) for id, name in (("ethereum", "ETH"), ("b", "BTC"))
    ]
    await prices.register(graph, some)

    async def tick(asset: str, usd: str) -> None:
        price = Price(asset=asset, usd=Decimal(usd), at=NOON, source="kraken")
        await graph.write(lambda writing: prices.tick(writing, [price], kept=[], now=NOW))

    async with (
        publishing(publisher(graph, bus.streams)),
        house.client() as client,
        watching(house, "prices", "btc") as lines,
    ):
        await client.subscribe(PRICES, assets=["ETH"])
        await until_subscribed(house, 2)
        await tick("b", "60000")
        await tick("ethereum", "2500.10")
        async with asyncio.timeout(30):
            line = (await lines.readline()).decode()
        told = (await client.receive())["payload"]["data"]["prices"]
        await client.subscribe(PRICES, id="2", assets=["DOGE"])
        refused = await client.receive()

    assert line == "2023-11-14T22:13:20Z  BTC  $60000  kraken  b\n"
    assert told == {
        "assetId": "ethereum",
        "symbol": "ETH",
        "usd": "2500.10",
        "usdAt": "2023-11-14T22:13:20Z",
        "source": "kraken",
        "asset": {"usd": "2500.10"},
    }
    assert (refused["type"], refused["id"]) == ("error", "2")
    assert "No asset is called 'DOGE'" in refused["payload"][0]["message"]


async def test_transfers_are_told_by_what_they_were_worth_in_the_time_of_their_block(
    house: Served, graph: Graph, bus: Bus
) -> None:
    ether = Asset(id="ethereum", symbol="ETH", tokens=(ETHER,))
    await prices.register(graph, [ether])
    price = Price(asset="ethereum", usd=Decimal("2000.5"), at=NOON, source="kraken")
    await prices.keep(graph, [price])
    tolerance = round(PriceSettings().tolerance_s * 1000)
    least = 15 * 10**17
    async with publishing(publisher(graph, bus.streams)), house.client() as client:
        await client.subscribe(WORTH, filter={"assets": ["eth"], "minUsd": "3000.75"})
        await client.subscribe(WORTH, id="all")
        await until_subscribed(house, 2)
        for number, (amount, time) in enumerate(
            [
                (least, NOON),
                (least - 10**9, NOON),
                (least, NOON - 1),
                (least, NOON + tolerance),
                (least, NOON + tolerance + 1),
                (None, NOON),
                (0, NOON),
            ],
            start=1,
        ):
            raw = None if amount is None else str(amount)
            await announce(graph, number, recipient="bob", amount_raw=raw, block_time=time)
        heard: dict[object, dict[int, float | None]] = {"1": {}, "all": {}}
        while 7 not in heard["all"] or 4 not in heard["1"]:
            message = await client.receive()
            (item,) = message["payload"]["data"].values()
            heard[message["id"]][number_of(item)] = item["transfer"]["usd"]
        await client.subscribe(WORTH, id="2", filter={"assets": ["DOGE"]})
        refused = await client.receive()

    assert heard["1"] == {1: 3000.75, 4: 3000.75}
    assert heard["all"] == {
        1: 3000.75,
        2: 3000.749998,
        3: None,
        4: 3000.75,
        5: None,
        6: None,
        7: 0.0,
    }
    assert refused["type"] == "error"


async def test_what_is_taken_for_otc_is_told_to_those_who_want_it(
    house: Served, graph: Graph, bus: Bus
) -> None:
    def body(number: int, **rest: Any) -> dict[str, Any]:
        why = {"reasons": ["large"], "actors": [], "actor_types": [], "usd": 5.0, "counter": None}
        return event(number, recipient=wallet("desk")).body | why | rest

    of_desk = {
        "reasons": ["desk", "exchange"],
        "actors": ["desk"],
        "actor_types": ["otc_desk"],
        "usd": 2_000_000.5,
        "counter": transfer("alice", "desk", tx="first").id,
    }
    news = [
        News(topic=Topic.OTC_DETECTED, body=body(1)),
        News(topic=Topic.OTC_DETECTED, body=body(2, **of_desk)),
        News(topic=Topic.OTC_DETECTED, body=body(3, **of_desk | {"usd": 2_000_000.0})),
        News(topic=Topic.OTC_DETECTED, body=body(4, **of_desk | {"usd": None})),
        News(topic=Topic.OTC_RETRACTED, body=body(2, **of_desk)),
        News(topic=Topic.OTC_DETECTED, body=body(5)),
    ]
    wish = {"actors": ["desk"], "reasons": ["EXCHANGE"], "minUsd": "2000000.5"}

    async def work(writing: Writing) -> None:
        await outbox.append(writing, Line.OTC, CHAIN, news, now=NOW)

    async with (
        publishing(publisher(graph, bus.streams)),
        house.client() as client,
        watching(house, "otc", "--actor", "desk", "--min-usd", "2000000.5") as lines,
    ):
        await client.subscribe(OTC, filter=wish)
        await client.subscribe(OTC, id="all")
        await until_subscribed(house, 3)
        await graph.write(work)
        heard: dict[object, list[Any]] = {"1": [], "all": []}
        while len(heard["all"]) < len(news) or len(heard["1"]) < 2:
            message = await client.receive()
            heard[message["id"]].append(message["payload"]["data"]["otcEvents"])
        async with asyncio.timeout(30):
            line = (await lines.readline()).decode()

    assert [(one["kind"], number_of(one)) for one in heard["1"]] == [
        ("OtcDetected", 2),
        ("OtcRetracted", 2),
    ]
    assert heard["1"][0] == {
        "kind": "OtcDetected",
        "reasons": ["DESK", "EXCHANGE"],
        "counterId": of_desk["counter"],
        "counter": {"transferId": of_desk["counter"]},
        "dealers": [{"actorId": "desk", "type": "OTC_DESK", "actor": {"name": "A desk"}}],
        "transfer": {"transferId": event(2).body["id"], "usd": 2_000_000.5},
    }
    assert [number_of(one) for one in heard["all"]] == [1, 2, 3, 4, 2, 5]
    assert heard["all"][0]["dealers"] == []
    assert line.startswith("+ ")
    assert line.endswith("  desk exchange  by A desk\n")


async def test_what_issuers_do_is_told_with_what_a_chain_takes_back(
    house: Served, graph: Graph, bus: Bus
) -> None:
    coin = "eip155:1/erc20:0x" + "c" * 40
    frozen = {
        "id": "eip155:1:0x1:log:1",
        "wallet": wallet("desk"),
        "token": coin,
        "issuer": "Issuer",
        "amount_raw": None,
        "transaction": "eip155:1:0x1",
        "position": "log:1",
        "block_number": 7,
        "block_hash": "0x7",
        "block_time": NOON,
    }
    seized = frozen | {"amount_raw": str(10**30)}
    news = [
        News(topic=Topic.WALLET_FROZEN, body=frozen | {"wallet": wallet("nobody")}),
        News(topic=Topic.WALLET_FROZEN, body=frozen),
        News(topic=Topic.WALLET_SEIZED, body=seized),
        News(topic=Topic.WALLET_RETRACTED, body=seized | {"was": "wallet.seized"}),
        News(topic=Topic.WALLET_FREED, body=frozen),
    ]

    async def work(writing: Writing) -> None:
        await outbox.append(writing, Line.WALLETS, CHAIN, news, now=NOW)

    async with (
        publishing(publisher(graph, bus.streams)),
        house.client() as client,
        watching(house, "freezes", "--chain", "ethereum") as lines,
    ):
        await client.subscribe(FREEZES, filter={"wallets": [wallet("desk")], "tokens": [coin]})
        await until_subscribed(house, 2)
        await graph.write(work)
        heard = [(await client.receive())["payload"]["data"]["freezes"] for _ in range(4)]
        async with asyncio.timeout(30):
            line = (await lines.readline()).decode()

    assert [(one["kind"], one["retracted"], one["amountRaw"]) for one in heard] == [
        ("FROZEN", False, None),
        ("SEIZED", False, str(10**30)),
        ("SEIZED", True, str(10**30)),
        ("FREED", False, None),
    ]
    assert heard[0]["wallet"] == {"transfersIn": 1}
    assert (heard[0]["token"], heard[0]["blockTime"]) == (None, "2023-11-14T22:13:20Z")
    assert f"#7  Issuer frozen {wallet('nobody')}  {coin}" in line


async def test_nodes_are_told_of_as_they_were_last_and_as_they_change(
    house: Served, bus: Bus
) -> None:
    async def say(state: str) -> None:
        endpoints = [{"name": "one", "state": state, "head": 2**53 + 1, "latency_ms": 4.5}]
        news = News(topic=Topic.PROVIDER_STATUS, body={"endpoints": endpoints})
        progress = News(topic=Topic.INGEST_PROGRESS, body={})
        for one in (progress, news):
            await Streams(bus.streams.bus).tell(CHAIN, [one], now=NOW, epoch="said")

    await say("resting")
    await say("healthy")
    async with house.client() as client, watching(house, "providers") as lines:
        await client.subscribe(PROVIDERS)
        first = (await client.receive())["payload"]["data"]["providerStatus"]
        await say("quarantined")
        second = (await client.receive())["payload"]["data"]["providerStatus"]
        async with asyncio.timeout(30):
            line = (await lines.readline()).decode()

    node = {"name": "one", "state": "healthy", "head": str(2**53 + 1), "latencyMs": 4.5}
    assert first == {"chainId": CHAIN, "nodes": [node]}
    assert second["nodes"] == [node | {"state": "quarantined"}]
    assert line.startswith("2026-01-15T12:00:00Z  eip155:1  one  ")


async def test_metrics_count_subscribers_and_how_late_they_hear(house: Served, bus: Bus) -> None:
    async with house.client() as one, house.client() as other:
        for client in (one, other):
            await client.subscribe()
        await until_subscribed(house, 2)
        await bus.tell(event(1))
        await asyncio.gather(one.item(), other.item())
        async with httpx.AsyncClient(base_url=house.address) as asking:
            page = (await asking.get("/metrics")).text

    for line in (
        "deskgraph_live_connections 2.0",
        "deskgraph_live_subscribers 2.0",
        "deskgraph_live_distinct 1.0",
        "deskgraph_live_delivered_total 2.0",
        "deskgraph_live_lag_seconds_count 1.0",
    ):
        assert line in page


def place_of(message: dict[str, object]) -> tuple[object, int]:
    """Which subscription an item is for, and the number of its transfer."""
    payload = message["payload"]
    assert isinstance(payload, dict)
    transfer_id: str = payload["data"]["transfers"]["transfer"]["transferId"]
    return message["id"], int(transfer_id.split(":")[2], 16)


async def test_each_question_on_a_socket_is_answered_anew(house: Served, ledger: Ledger) -> None:
    query = "query ($of: AccountId!) { wallet(by: {accountId: $of}) { transfersOut } }"
    async with house.client() as client:
        found = []
        for number in (2, 3):
            await client.subscribe(query, of=wallet("alice"))
            found.append((await client.receive())["payload"]["data"]["wallet"]["transfersOut"])
            assert (await client.receive())["type"] == "complete"
            await ledger.write(transfer("alice", "bob", tx=f"tx {number}"))

    assert found == [1, 2]


async def test_a_terminal_watches(house: Served, graph: Graph, bus: Bus) -> None:
    async with (
        publishing(publisher(graph, bus.streams)),
        watching(house, "transfers", "--actor-type", "otc_desk", "--chain", "ethereum") as lines,
        watching(
            house, "transfers", "--json", "--wallet", f"ethereum:{address('desk')}"
        ) as objects,
    ):
        await until_subscribed(house, 2)
        await announce(graph, 1, recipient="bob")
        await announce(graph, 2, recipient="desk")
        async with asyncio.timeout(30):
            line, item = await lines.readline(), json.loads(await objects.readline())

    assert line.decode().startswith("+ ")
    assert f"{wallet('alice')} -> {wallet('desk')}" in line.decode()
    assert (item["kind"], number_of(item)) == ("TransferSeen", 2)
    async with watching(house, "transfers", "--json", "--after", "nonsense") as refused:
        assert await refused.read() == b""


@asynccontextmanager
async def watching(house: Served, what: str, *options: str) -> AsyncIterator[asyncio.StreamReader]:
    """What ``deskgraph watch`` prints."""
    command = (sys.executable, "-m", "deskgraph", "watch", what, "--url", house.address, *options)
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
