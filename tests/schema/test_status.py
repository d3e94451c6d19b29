"""What is loaded, who is loading, and what an installation says of itself."""

from datetime import timedelta
from typing import Any

from graph_api.domain.ids import ChainId
from graph_api.domain.records import Block
from graph_api.schema.context import Context
from graph_api.schema.limits import DocumentLimits
from graph_api.schema.status import CheckOutcome, Installation
from graph_api.store import leases
from graph_api.store.checkpoints import Progress
from graph_api.store.graph import Graph
from graph_api.store.ledger.turn import Turn
from tests import given
from tests.given import ETHEREUM, NOON, NOW, Ledger
from tests.schema.asking import ask, schema
from tests.store.test_desks import actor
from tests.store.test_labels import said


async def test_statistics_sum_up_chains_and_say_what_is_busiest(ledger: Ledger) -> None:
    usd, eur = given.erc20("USD"), given.erc20("EUR")
    await ledger.write(
        Block(chain=ChainId(ETHEREUM.id), number=100, hash="0x1", time=NOON),
        *[given.transfer("a", "b", tx=f"u{n}", token=usd) for n in range(3)],
        given.transfer("a", "b", tx="e", token=eur),
        given.token("USD"),
        given.token("EUR"),
        given.token("IDLE"),
        actor("desk"),
        said("c", actor="desk", everywhere=True),
    )

    data = await ask(
        ledger.graph,
        """{
          statistics {
            blocks transactions transfers wallets tokens labels actors firstAt lastAt
            chains { slug lastBlock topTokens(first: 2) { symbol transferCount } }
          }
          one: statistics(chain: "polygon") { transfers wallets chains { slug } }
          none: statistics(chain: "bitcoin") { transfers wallets firstAt chains { slug } }
        }""",
    )

    first, *others = data["statistics"].pop("chains")
    assert data["statistics"] == {
        "blocks": "1",
        "transactions": "4",
        "transfers": "4",
        "wallets": "10",
        "tokens": "3",
        "labels": "1",
        "actors": "1",
        "firstAt": "2023-11-14T22:13:20Z",
        "lastAt": "2023-11-14T22:13:20Z",
    }
    assert first == {
        "slug": "ethereum",
        "lastBlock": 100,
        "topTokens": [
            {"symbol": "USD", "transferCount": 3},
            {"symbol": "EUR", "transferCount": 1},
        ],
    }
    assert len(others) == 7
    assert data["one"] == {"transfers": "0", "wallets": "1", "chains": [{"slug": "polygon"}]}
    assert data["none"] == {"transfers": "0", "wallets": "0", "firstAt": None, "chains": []}


async def test_the_busiest_tokens_change_as_transfers_come(ledger: Ledger) -> None:
    for number in range(3):
        await ledger.write(
            given.token("A"),
            given.token("B"),
            given.transfer("a", "b", tx=f"a{number}", token=given.erc20("A")),
            *[
                given.transfer("a", "b", tx=f"b{number}", log=log, token=given.erc20("B"))
                for log in range(2 * number)
            ],
        )

    data = await ask(ledger.graph, '{ chain(id: "eth") { topTokens { symbol transferCount } } }')

    assert data["chain"]["topTokens"] == [
        {"symbol": "B", "transferCount": 6},
        {"symbol": "A", "transferCount": 3},
    ]


async def test_loads_and_writers_are_told_without_where_they_run(graph: Graph) -> None:
    turn = Turn(graph, clock=lambda: NOW)
    progress = Progress(
        id="file.csv:1", source="file.csv", format="transfers", row=7, read=7, rejected=1
    )
    await turn.write([given.transaction("alice", "bob", tx="a")], progress)

    data = await ask(
        graph,
        """{ ingestStatus(loads: 5) {
          totalLoads
          loads { source format row read written known rejected done startedAt }
          writers { chainId writer holdsUntil }
          chains { slug lastBlock }
        } }""",
    )
    status = data["ingestStatus"]
    await turn.give_back()
    after = await ask(graph, "{ ingestStatus { writers { chainId } } }")

    assert status["loads"] == [
        {
            "source": "file.csv",
            "format": "transfers",
            "row": "7",
            "read": "7",
            "written": "1",
            "known": "5",
            "rejected": "1",
            "done": False,
            "startedAt": "2026-01-15T12:00:00Z",
        }
    ]
    assert status["totalLoads"] == 1
    assert {writer["chainId"] for writer in status["writers"]} == {"eip155:1", None}
    assert all(len(writer["writer"]) == 8 for writer in status["writers"])
    assert len({writer["writer"] for writer in status["writers"]}) == 1
    assert status["chains"] == [{"slug": "ethereum", "lastBlock": 100}]
    assert after["ingestStatus"]["writers"] == []


async def test_a_writer_that_died_is_not_told_for_long(graph: Graph) -> None:
    lease = await leases.take(
        graph,
        ETHEREUM.id,
        holder="gone/1:1:abc",
        now=NOW - timedelta(hours=1),
        lasts=timedelta(1 / 48),
    )
    assert lease is not None

    data = await ask(graph, "{ ingestStatus { writers { chainId } } }")

    assert data["ingestStatus"]["writers"] == []


async def installed(graph: Graph, query: str, *outcomes: CheckOutcome) -> Any:
    async def checks() -> tuple[CheckOutcome, ...]:
        return outcomes

    part = Installation(version="1.2.3", limits=DocumentLimits(max_depth=7), checks=checks)
    result = await schema().execute(
        query, context_value=Context(graph=graph, clock=lambda: NOW, parts=(part,))
    )
    assert result.errors is None
    return result.data


async def test_version_and_configuration_are_public_and_nothing_else_is(graph: Graph) -> None:
    data = await installed(
        graph,
        """{
          version { version engine engineVersion migration }
          config { engine limits { maxDepth maxRootFields } chains }
        }""",
    )

    assert data["version"]["version"] == "1.2.3"
    assert data["version"]["engine"] == data["config"]["engine"] == graph.engine.name
    assert data["version"]["migration"] >= 2
    assert data["config"]["limits"] == {"maxDepth": 7, "maxRootFields": 20}
    assert "eip155:1" in data["config"]["chains"]
    for secret in (graph.address.url, graph.address.password):
        assert secret not in str(data)


async def test_health_tells_what_is_wrong_and_what_to_do(graph: Graph) -> None:
    works = CheckOutcome(name="graph", ok=True)
    fails = CheckOutcome(name="bus", ok=False, error="No answer.", remedy="Start the bus.")
    query = "{ health { ready checks { name ok error remedy } } }"

    assert (await installed(graph, query, works))["health"]["ready"] is True
    assert (await installed(graph, query, works, fails))["health"] == {
        "ready": False,
        "checks": [
            {"name": "graph", "ok": True, "error": None, "remedy": None},
            {"name": "bus", "ok": False, "error": "No answer.", "remedy": "Start the bus."},
        ],
    }
