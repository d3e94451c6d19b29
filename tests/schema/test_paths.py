"""Paths in time through the API: the best ones, what they rest on, and their files."""

import csv
import json
from io import StringIO
from typing import Any
from xml.etree import ElementTree

import pytest

from graph_api.domain.categories import Category
from graph_api.store.graph import Graph
from tests import given
from tests.given import Ledger, wallet
from tests.schema.asking import answer
from tests.services.tracing.test_accounts import USD, id_of, pay
from tests.store.test_labels import said

PATHS = """query ($from: PathEndInput!, $to: PathEndInput!, $by: PathOrder! = HOPS, $k: Int! = 5,
  $token: TokenId, $continuity: Decimal, $maxHops: Int! = 6, $asOfBlock: BigInt,
  $distinct: Boolean! = false) {
  paths(from: $from, to: $to, by: $by, k: $k, token: $token, continuity: $continuity,
    maxHops: $maxHops, asOfBlock: $asOfBlock, distinctRoutes: $distinct) {
    ended searchedHops asOf { blockNumber } fromCount toCount endsCut
    stoppedCount stoppedAt { accountId stop flows wallet { accountId } }
    flowsRead transfersRead walletsSeen uncounted
    paths { hopCount leastRaw seconds departedAt arrivedAt wallets { accountId }
      hops { transferId amountRaw fromId toId tokenId blockNumber
        transfer { transferId } fromWallet { accountId } toWallet { accountId } } }
    json: export(format: JSON) csv: export(format: CSV) graphml: export(format: GRAPHML)
  } }"""
FROM_A = {"from": {"wallet": wallet("a")}, "to": {"wallet": wallet("z")}}


@pytest.fixture
async def town(ledger: Ledger) -> Graph:
    """Two ways from a to z in time, one against it, and one through an exchange."""
    await ledger.write(
        given.token("USD", decimals=6),
        pay("a", "b", 90, block=1),
        pay("b", "z", 70, block=3),
        pay("b", "z", 8, block=4),
        pay("c", "z", 99, block=5),
        pay("a", "c", 99, block=6),
        pay("a", "cex", 50, block=7),
        pay("cex", "z", 50, block=8),
        pay("a", "d", 10, block=9),
        pay("d", "e", 10, block=10),
        pay("e", "z", 10, block=11),
        said("cex", "Kraken 3", category=Category.HOT_WALLET),
    )
    return ledger.graph


async def test_paths_are_answered_with_hops_stops_and_what_they_rest_on(town: Graph) -> None:
    found = await answer(town, PATHS, **FROM_A)

    assert found.errors == []
    paths = found.data["paths"]
    assert (paths["ended"], paths["searchedHops"], paths["asOf"]["blockNumber"]) == (
        "COMPLETE",
        6,
        "11",
    )
    assert (paths["fromCount"], paths["toCount"], paths["endsCut"]) == (1, 1, False)
    assert paths["stoppedAt"] == [
        {
            "accountId": wallet("cex"),
            "stop": "SERVICE",
            "flows": 2,
            "wallet": {"accountId": wallet("cex")},
        }
    ]
    routes = [[one["accountId"] for one in path["wallets"]] for path in paths["paths"]]
    assert routes == [[wallet(name) for name in names] for names in ("abz", "abz", "adez")]
    first = paths["paths"][0]
    assert (first["hopCount"], first["leastRaw"], first["seconds"]) == (2, "70", 2.0)
    assert [hop["transferId"] for hop in first["hops"]] == [id_of(1), id_of(3)]
    assert first["hops"][0] == {
        "transferId": id_of(1),
        "amountRaw": "90",
        "fromId": wallet("a"),
        "toId": wallet("b"),
        "tokenId": USD,
        "blockNumber": "1",
        "transfer": {"transferId": id_of(1)},
        "fromWallet": {"accountId": wallet("a")},
        "toWallet": {"accountId": wallet("b")},
    }


@pytest.mark.parametrize(
    ("wishes", "expected"),
    [
        ({"by": "AMOUNT", "token": USD}, [[1, 3], [9, 10, 11], [1, 4]]),
        ({"by": "LATEST_DEPARTURE"}, [[9, 10, 11], [1, 3], [1, 4]]),
        ({"by": "LATEST_DEPARTURE", "k": 1}, [[9, 10, 11]]),
        ({"by": "FASTEST"}, [[1, 3], [9, 10, 11], [1, 4]]),
        ({"continuity": "0.75"}, [[1, 3], [9, 10, 11]]),
        ({"maxHops": 2, "asOfBlock": 3}, [[1, 3]]),
        ({"distinct": True}, [[1, 3], [9, 10, 11]]),
    ],
)
async def test_wishes_choose_and_order_paths(
    town: Graph, wishes: dict[str, Any], expected: list[list[int]]
) -> None:
    found = await answer(town, PATHS, **FROM_A, **wishes)

    assert found.errors == []
    chosen = [[hop["transferId"] for hop in path["hops"]] for path in found.data["paths"]["paths"]]
    assert chosen == [[id_of(block) for block in path] for path in expected]


async def test_paths_are_written_as_files_that_say_the_same(town: Graph) -> None:
    found = (await answer(town, PATHS, **FROM_A)).data["paths"]

    whole = json.loads(found["json"])
    rows = list(csv.DictReader(StringIO(found["csv"])))
    drawn = ElementTree.fromstring(found["graphml"])
    shown = [[hop["transferId"] for hop in path["hops"]] for path in found["paths"]]
    assert [[hop["transfer"] for hop in path["hops"]] for path in whole["paths"]] == shown
    assert (whole["ended"], whole["as_of"]["block"]) == ("complete", 11)
    by_path: dict[str, list[str]] = {}
    for row in rows:
        by_path.setdefault(row["path"], []).append(row["transfer"])
    assert list(by_path.values()) == shown
    assert {row["as_of_block"] for row in rows} == {"11"}
    space = "{http://graphml.graphdrawing.org/xmlns}"
    edges = drawn.findall(f".//{space}edge")
    assert {edge.get("id") for edge in edges} == {id for path in shown for id in path}
    (twice,) = [edge for edge in edges if edge.get("id") == id_of(1)]
    assert twice.findtext(f"{space}data[@key='edge_paths']") == "1 2"
    assert {node.get("id") for node in drawn.findall(f".//{space}node")} == {
        wallet(name) for name in "abdez"
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"by": "AMOUNT"},
        {"k": 0},
        {"maxHops": 7},
        {"continuity": "1.5"},
        {"to": {"wallet": wallet("a")}},
        {"to": {"wallet": wallet("z", chain="polygon")}},
        {"to": {"cluster": "nonsense"}},
        {"token": "polygon:0x0000000000000000000000000000000000000001"},
    ],
)
async def test_what_cannot_be_a_path_is_refused(town: Graph, wrong: dict[str, Any]) -> None:
    found = await answer(town, PATHS, **FROM_A | wrong)

    assert found.codes == ["BAD_INPUT"]


async def test_there_are_none_from_somebody_who_is_not_loaded(town: Graph) -> None:
    found = await answer(town, PATHS, **FROM_A | {"to": {"wallet": wallet("stranger")}})

    assert (found.errors, found.data) == ([], {"paths": None})
