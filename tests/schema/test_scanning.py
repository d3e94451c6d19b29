"""How following goes, asked by GraphQL: from the graph alone, and with what followers say."""

from datetime import UTC, datetime
from pathlib import Path

from graph_api.domain.events import News, Topic
from graph_api.live.bus import Bus
from graph_api.live.streams import Streams
from graph_api.schema.context import Context
from graph_api.store.graph import Graph
from graph_api.store.ledger.turn import Turn
from ingest.pipelines.following import Follower
from ingest.pipelines.spanning import backfill
from tests.given import ETHEREUM, NOW
from tests.ingest.chains import FIRST, GivenChain
from tests.real.redis import start_redis
from tests.schema.asking import answer, schema

QUESTION = """{
  scanners {
    chainId block blockTime head lag lagS final reorgs deepestReorg gaps { first last } updatedAt
    toldAt blocksPerS rejected trouble { error againInS remedy } lastTrouble { error at }
    nodes { name state head answers faults fault remedy }
  }
}"""


async def followed(graph: Graph) -> GivenChain:
    chain = GivenChain(ETHEREUM, seed=1)
    chain.grow(20)
    turn = Turn(graph, clock=lambda: NOW)
    follower = Follower(graph, turn, chain, start=FIRST + 10)
    await follower.run(until=chain.height)
    chain.fork(3)
    await follower.run(until=chain.height)
    await backfill(graph, turn, chain, first=FIRST, last=FIRST + 4)
    await turn.give_back()
    return chain


async def test_the_graph_knows_how_far_and_where_the_gaps_are(graph: Graph) -> None:
    chain = await followed(graph)

    found = await answer(graph, QUESTION)

    assert found.errors == []
    assert len(found.statements) == 2
    (scanner,) = found.data["scanners"]
    made = datetime.fromisoformat(scanner.pop("blockTime"))
    ref = await chain.head()
    assert made == datetime.fromtimestamp(ref.time / 1000, UTC)
    assert scanner.pop("lagS") == max(0.0, (NOW - made).total_seconds())
    assert scanner == {
        "chainId": ETHEREUM.id,
        "block": str(chain.height),
        "head": str(chain.height),
        "lag": "0",
        "final": None,
        "reorgs": 1,
        "deepestReorg": 3,
        "gaps": [{"first": str(FIRST + 5), "last": str(FIRST + 9)}],
        "updatedAt": "2026-01-15T12:00:00Z",
        "toldAt": None,
        "blocksPerS": None,
        "rejected": None,
        "trouble": None,
        "lastTrouble": None,
        "nodes": [],
    }


async def test_followers_say_how_fast_and_what_is_wrong(graph: Graph, redis_url: str) -> None:
    await followed(graph)
    bus = await Bus.connect(redis_url)
    async with bus.speaking() as client:
        await client.flushall()
    streams = Streams(bus)
    trouble = {
        "error": "The node is away.",
        "at": NOW.isoformat(),
        "again_in_s": 2.0,
        "remedy": "Start it.",
    }
    rates = {"blocks_per_s": 1.5, "records_per_s": 9.0, "rejected": 2}
    progress = rates | {"trouble": trouble, "last_trouble": trouble}
    node = {"name": "node", "state": "resting", "faults": 3, "fault": "Unreachable", "head": 7}
    for topic, body in (
        (Topic.INGEST_PROGRESS, progress),
        (Topic.PROVIDER_STATUS, {"endpoints": [node]}),
    ):
        await streams.tell(ETHEREUM.id, [News(topic=topic, body=body)], now=NOW, epoch="one")

    context = Context(graph=graph, clock=lambda: NOW, parts=(streams,))
    found = await schema().execute(QUESTION, context_value=context)
    await bus.close()

    assert found.errors is None
    assert found.data is not None
    (scanner,) = found.data["scanners"]
    assert (scanner["toldAt"], scanner["blocksPerS"]) == ("2026-01-15T12:00:00Z", 1.5)
    assert scanner["trouble"] == {
        "error": "The node is away.",
        "againInS": 2.0,
        "remedy": "Start it.",
    }
    assert scanner["lastTrouble"] == {"error": "The node is away.", "at": "2026-01-15T12:00:00Z"}
    assert [(one["name"], one["state"], one["head"]) for one in scanner["nodes"]] == [
        ("node", "resting", "7")
    ]


async def test_a_chain_without_a_block_is_told_of_by_its_follower(
    graph: Graph, redis_url: str
) -> None:
    bus = await Bus.connect(redis_url)
    async with bus.speaking() as client:
        await client.flushall()
    trouble = {"error": "No node answers.", "at": NOW.isoformat(), "again_in_s": 30.0}
    news = News(topic=Topic.INGEST_PROGRESS, body={"trouble": trouble})
    await Streams(bus).tell(ETHEREUM.id, [news], now=NOW, epoch="one")

    context = Context(graph=graph, clock=lambda: NOW, parts=(Streams(bus),))
    found = await schema().execute(QUESTION, context_value=context)
    await bus.close()

    assert found.errors is None
    assert found.data is not None
    (scanner,) = found.data["scanners"]
    assert (scanner["block"], scanner["head"], scanner["lag"]) == (None, None, None)
    assert scanner["trouble"]["error"] == "No node answers."


async def test_a_bus_that_is_away_costs_only_what_followers_say(
    graph: Graph, tmp_path: Path
) -> None:
    await followed(graph)
    async with start_redis(tmp_path) as url:
        bus = await Bus.connect(url, timeout_s=1)

    context = Context(graph=graph, clock=lambda: NOW, parts=(Streams(bus),))
    found = await schema().execute("{ scanners { chainId toldAt } }", context_value=context)
    await bus.close()

    assert found.errors is None
    assert found.data == {"scanners": [{"chainId": ETHEREUM.id, "toldAt": None}]}
