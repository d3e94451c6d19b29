"""OTC is detected in what is announced: once from each event, in order, and taken back."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from graph_api.analysis.sizes import day_of
from graph_api.domain.assets import Asset
from graph_api.domain.events import Event, Line, News, Topic
from graph_api.domain.ids import AccountId, ChainId
from graph_api.domain.otc import Rules
from graph_api.domain.prices import Price
from graph_api.domain.records import Actor, ActorType, Label
from graph_api.store import otc, outbox, prices
from graph_api.store.graph import Graph, Writing
from graph_api.store.ledger.turn import Turn
from graph_api.store.records import moment
from ingest.pipelines.detecting import Detector
from ingest.pipelines.sizing import recount
from tests.given import DAY, ETHER, ETHEREUM, NOON, NOW, Ledger, transfer, wallet
from tests.ingest.pipelines.test_following import events
from tests.schema.asking import ask
from tests.server.live.serving import event

CHAIN = ETHEREUM.id
RULES = Rules(floor_usd=Decimal(1_000), one_in=10, least=20, days=2)
#: The price of an ether.
USD = Decimal("2000.5")


def detector(graph: Graph, **options: Any) -> Detector:
    return Detector(graph, RULES, clock=lambda: NOW, tolerance=timedelta(days=400), **options)


@pytest.fixture
async def known(ledger: Ledger) -> Graph:
    """A desk's wallet has a label, and ether a price."""
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
    graph = ledger.graph
    await prices.register(graph, [Asset(id="ethereum", symbol="ETH", tokens=(ETHER,))])
    await prices.keep(graph, [Price(asset="ethereum", usd=USD, at=NOON - 10 * DAY, source="a")])
    return graph


async def announce(graph: Graph, *blocks: Sequence[dict[str, Any]], undo: bool = False) -> None:
    """What a writer leaves in the outbox: the transfers of each block by itself."""
    topic = Topic.TRANSFER_RETRACTED if undo else Topic.TRANSFER_SEEN
    for bodies in blocks:
        news = [News(topic=topic, body=body) for body in bodies]

        async def work(writing: Writing, news: list[News] = news) -> None:
            await outbox.append(writing, Line.TRANSFERS, CHAIN, news, now=NOW)

        await graph.write(work)


def body(number: int, *, block: int, at: int = NOON, **rest: Any) -> dict[str, Any]:
    """What is told of the transfer ``number`` of a block."""
    told = event(number).body | {
        "block_number": block,
        "block_hash": f"0x{block}",
        "block_time": at,
        "token": ETHER,
        "amount_raw": str(10**18),
        "amount": 1.0,
    }
    return told | rest


def few(first: int, count: int, *, block: int, at: int) -> list[dict[str, Any]]:
    """Ordinary transfers: a few finneys each."""
    return [
        body(first + at_, block=block, at=at, amount_raw=str(10**15 + at_)) for at_ in range(count)
    ]


def told(some: Sequence[Event]) -> list[tuple[str, int, list[str]]]:
    """Which transfers were told of, and why."""
    return [
        (one.topic.value, int(one.body["id"].split(":")[2], 16), one.body["reasons"])
        for one in some
    ]


async def test_transfers_of_desks_are_told_with_who_deals_and_what_they_were_worth(
    known: Graph,
) -> None:
    there = body(1, block=1, sender=wallet("desk"), transaction="tx")
    back = body(
        2, block=1, recipient=wallet("desk"), sender=wallet("bob"), token=None, transaction="tx"
    )
    await announce(known, [there, body(3, block=1), back])

    assert await detector(known).detect() == 2
    found = await events(known, Line.OTC, ETHEREUM)

    desk = {"actors": ["desk"], "actor_types": ["otc_desk"], "reasons": ["desk", "exchange"]}
    assert [one.topic for one in found] == [Topic.OTC_DETECTED] * 2
    assert found[0].body == there | desk | {"usd": 2000.5, "counter": back["id"]}
    assert found[1].body == back | desk | {"usd": None, "counter": there["id"]}


async def test_what_is_taken_back_is_taken_back_from_who_was_told(known: Graph) -> None:
    block = [body(1, block=1, sender=wallet("desk")), body(2, block=1)]
    again = [one | {"block_hash": "0xother"} for one in block]
    look = detector(known)
    await announce(known, block)
    await look.detect()
    await announce(known, block[::-1], undo=True)
    await announce(known, again)
    await announce(known, again[::-1], undo=True)
    await announce(known, block)
    await look.detect()
    await announce(known, block[::-1], undo=True)
    await look.detect()

    found = await events(known, Line.OTC, ETHEREUM)
    assert [one.topic.value for one in found] == ["otc.detected", "otc.retracted"] * 3
    assert {one.body["id"] for one in found} == {block[0]["id"]}
    assert all(one.body["reasons"] == ["desk"] for one in found)
    assert found[2].body["block_hash"] == found[3].body["block_hash"] == "0xother"
    rows = await known.run_alone("MATCH (d:Detection) RETURN count(*) AS left")
    sizes = await known.run_alone("MATCH (s:SizeDay) RETURN s.counts AS counts")
    assert rows[0]["left"] == 0
    assert sizes == [{"counts": []}]


async def test_sizes_are_rare_among_those_of_the_days_before(known: Graph) -> None:
    days = [NOON + day * DAY for day in range(5)]
    large = {"amount_raw": str(10**18)}  # $2,000.50
    await announce(
        known,
        # Too few were before: nothing is known to be rare.
        [body(100, block=1, at=days[0], **large), *few(1, 18, block=1, at=days[0])],
        # Nineteen, and still too few; its own day does not count.
        [*few(30, 9, block=2, at=days[1]), body(101, block=2, at=days[1], **large)],
        # Of 29 on two days two were as large, which is rare.
        [body(102, block=3, at=days[2], **large)],
        # Of 11 on the last two days two were: too few again.
        [body(103, block=4, at=days[3], **large), *few(50, 30, block=4, at=days[3])],
        # Two of 32 are rare; below the floor, without a price or as small as the others none is.
        [
            body(104, block=5, at=days[4], **large),
            body(105, block=5, at=days[4], amount_raw=str(4 * 10**17)),
            body(106, block=5, at=days[4], token="eip155:1/erc20:0x" + "a" * 40),
            body(107, block=5, at=days[4], amount_raw=str(10**15)),
        ],
    )

    await detector(known).detect()

    found = await events(known, Line.OTC, ETHEREUM)
    assert told(found) == [("otc.detected", 102, ["large"]), ("otc.detected", 104, ["large"])]


async def test_batches_and_restarts_change_nothing(known: Graph) -> None:
    blocks = [
        [
            *few(100 * number, 12, block=number, at=NOON + number * DAY // 2),
            body(100 * number + 50, block=number, at=NOON + number * DAY // 2),
            body(100 * number + 51, block=number, sender=wallet("desk"), transaction="tx"),
            body(
                100 * number + 52,
                block=number,
                sender=wallet("bob"),
                recipient=wallet("desk"),
                token=None,
                transaction="tx",
            ),
        ]
        for number in range(1, 9)
    ]
    await announce(known, *blocks[:3])
    await announce(known, blocks[2][::-1], undo=True)
    await announce(known, *blocks[3:])
    await looked(known)
    whole = await state(known)
    for label in ("Detector", "Detection", "SizeDay"):
        await known.run_alone(f"MATCH (n:{label}) DETACH DELETE n")
    for label in ("Line", "Outbox"):
        await known.run_alone(f"MATCH (n:{label}) WHERE n.line = 'otc' DETACH DELETE n")

    await looked(known, events=4)

    assert await state(known) == whole
    assert len(whole["told"]) > 16


async def looked(graph: Graph, **options: Any) -> None:
    """Look at everything, and leave."""
    look = detector(graph, **options)
    await look.detect()
    await look.leave()


async def state(graph: Graph) -> dict[str, Any]:
    """What was concluded."""
    sizes = await graph.run_alone(
        "MATCH (s:SizeDay) RETURN s.id AS id, s.buckets AS buckets, s.counts AS counts"
    )
    return {
        "told": told(await events(graph, Line.OTC, ETHEREUM)),
        "sizes": sorted((row["id"], row["buckets"], row["counts"]) for row in sizes),
    }


async def test_of_two_who_look_at_once_each_event_is_concluded_from_once(known: Graph) -> None:
    def start() -> asyncio.Task[None]:
        return asyncio.create_task(detector(known, poll_s=0.01).run())

    running = [start(), start()]
    try:
        for number in range(1, 31):
            await announce(known, [body(number, block=number, sender=wallet("desk"))])
            if number % 5 == 0:
                # One of them goes at any moment, and another one comes.
                running[0].cancel()
                await asyncio.wait(running[:1])
                running = [*running[1:], start()]
        async with asyncio.timeout(60):
            while (await otc.places(known)).get(ChainId(CHAIN)) != 30:  # noqa: ASYNC110
                await asyncio.sleep(0)
    finally:
        for one in running:
            one.cancel()
        await asyncio.wait(running)

    found = await events(known, Line.OTC, ETHEREUM)
    assert [number for _, number, _ in told(found)] == list(range(1, 31))


async def test_what_was_detected_is_asked_for_newest_first(known: Graph) -> None:
    blocks = [
        [
            body(2 * block, block=block, sender=wallet("desk"), amount_raw=str(block * 10**18)),
            body(2 * block + 1, block=block),
        ]
        for block in range(1, 8)
    ]
    rest = body(99, block=9, sender=wallet("desk"), token=None)
    await announce(known, *blocks, [rest])
    await looked(known)

    found = await ask(
        known,
        """query ($least: Decimal!) {
          all: otcTransfers(chain: "ethereum", first: 3) { ...Page }
          of: otcTransfers(chain: "ethereum", filter: {minUsd: $least, actor: "desk"}) { ...Page }
          last: otcTransfers(chain: "ethereum", last: 2, filter: {reason: DESK}) { ...Page }
          none: otcTransfers(chain: "ethereum", filter: {reason: EXCHANGE}) { ...Page }
          elsewhere: otcTransfers(chain: "bsc") { ...Page }
        }
        fragment Page on OtcTransferConnection {
          pageInfo { hasNextPage }
          nodes { transferId usd reasons dealers { actor { name } } transfer { amount } counterId }
        }""",
        least=str(5 * USD),
    )

    assert [numbers(one) for one in found.values()] == [[99, 14, 12], [14, 12, 10], [4, 2], [], []]
    assert found["all"]["pageInfo"] == {"hasNextPage": True}
    assert found["all"]["nodes"][1] == {
        "transferId": blocks[6][0]["id"],
        "usd": float(7 * USD),
        "reasons": ["DESK"],
        "dealers": [{"actor": {"name": "A desk"}}],
        "transfer": None,
        "counterId": None,
    }


def numbers(page: dict[str, Any]) -> list[int]:
    """Which transfers are on a page."""
    return [int(node["transferId"].split(":")[2], 16) for node in page["nodes"]]


async def test_sizes_are_counted_anew_from_what_is_loaded(known: Graph) -> None:
    async with Ledger.open(known) as ledger:
        times = [NOON + at * DAY // 7 for at in range(-7, 36)]
        moved = [
            transfer("alice", "bob", tx=f"{at}", block=200 + at, at=time, amount_raw=10**15 + at)
            for at, time in enumerate(times)
        ]
        await ledger.write(*moved)
    bodies = [
        body(at, block=200 + at, at=one.block_time or 0, amount_raw=str(one.amount_raw), id=one.id)
        for at, one in enumerate(moved)
    ]
    # What was loaded before is not announced, and the newest day is not over.
    await announce(known, *([one] for one in bodies[14:]))
    await looked(known)
    kept = (await state(known))["sizes"]
    (counted,) = await recount(
        known, Turn(known, clock=lambda: NOW), days=30, now=moment(times[-1])
    )

    sizes = {id: sum(counts) for id, _, counts in (await state(known))["sizes"]}
    first = day_of(NOON)
    assert counted.transfers == sum(sizes[f"{ETHER}|{day}"] for day in range(first - 1, first + 5))
    assert [sizes[f"{ETHER}|{day}"] for day in (first - 2, first + 5)] == [0, kept[-1][2][0]]
    again = (await state(known))["sizes"]
    assert [one for one in again if one in kept[1:]] == kept[1:]


async def test_who_looks_late_goes_on_where_events_begin(known: Graph) -> None:
    await announce(known, *([body(one, block=one, sender=wallet("desk"))] for one in range(1, 6)))
    await outbox.trim(known, Line.TRANSFERS, CHAIN, through=2)

    await detector(known).detect()

    assert [number for _, number, _ in told(await events(known, Line.OTC, ETHEREUM))] == [3, 4, 5]
