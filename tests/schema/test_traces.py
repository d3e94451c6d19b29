"""Traces through the API: answered at once, asked for as jobs, kept, and shared on purpose."""

import csv
import json
from hashlib import sha256
from io import StringIO
from typing import Any
from xml.etree import ElementTree

import pytest

from graph_api.domain.categories import Category
from graph_api.domain.principals import LOCAL, Principal, PrincipalKind
from graph_api.store.graph import Graph
from graph_api.vault.vault import Vault
from ingest.jobs.traces import publication_worker, trace_worker
from tests.given import NOW, Ledger, wallet
from tests.schema.asking import answer, ask_as
from tests.services.tracing.test_accounts import USD, id_of, pay
from tests.store.test_labels import said

TRACE = """query ($question: TraceInput!) { trace(question: $question) {
  direction policy ended reading eventsSeen walletsReached uncounted
  asOf { chainId blockNumber at }
  sums { tokenId seedRaw crossedInRaw ends { fate amountRaw } }
  pieces(first: 2) { totalCount pageInfo { hasNextPage }
    nodes { number accountId amountRaw hops parent transferId transfer { amountRaw } } }
  ends(fates: [SERVICE]) { nodes { fate amountRaw confidence wallet { accountId }
    party { label category } path { accountId transferId } } }
} }"""
REQUEST = """mutation ($question: TraceInput!, $key: String) {
  requestTrace(question: $question, idempotencyKey: $key) { jobId kind state } }"""
JOB = """query ($id: String!) { job(id: $id) { state progress message
  result { ... on TraceFinished { traceId digest complete walletsReached pieceCount } } } }"""
STORED = """query ($id: String!) { storedTrace(id: $id) {
  traceId digest citation name owner publishedAt
  trace { ended sums { seedRaw } export(format: JSON) } } }"""
LIST = "query { storedTraces { nodes { traceId name } } }"


@pytest.fixture
async def town(ledger: Ledger) -> Graph:
    """A thief's hundred pass a mule; seventy reach an exchange."""
    await ledger.write(
        pay("bank", "mule", 50, block=1),
        pay("thief", "mule", 100, block=2),
        pay("mule", "shop", 50, block=3),
        pay("mule", "cex", 70, block=4),
        pay("mule", "friend", 30, block=5),
        said("cex", "Kraken 3", category=Category.HOT_WALLET),
    )
    return ledger.graph


def question(**rest: Any) -> dict[str, Any]:
    """What the thief sent."""
    return {"seed": {"transfers": [id_of(2)]}, **rest}


async def test_a_trace_is_answered_with_sums_pieces_exits_and_what_it_rests_on(
    town: Graph,
) -> None:
    found = await answer(town, TRACE, question=question())

    assert found.errors == []
    trace = found.data["trace"]
    assert (trace["direction"], trace["policy"], trace["ended"]) == ("FORWARD", "FIFO", "COMPLETE")
    assert trace["asOf"][0]["blockNumber"] == "5"
    assert trace["sums"] == [
        {
            "tokenId": USD,
            "seedRaw": "100",
            "crossedInRaw": "0",
            "ends": [
                {"fate": "HELD", "amountRaw": "30"},
                {"fate": "SERVICE", "amountRaw": "70"},
            ],
        }
    ]
    assert (trace["pieces"]["totalCount"], trace["pieces"]["pageInfo"]["hasNextPage"]) == (3, True)
    assert trace["pieces"]["nodes"][0] == {
        "number": 0,
        "accountId": wallet("mule"),
        "amountRaw": "100",
        "hops": 0,
        "parent": None,
        "transferId": id_of(2),
        "transfer": {"amountRaw": "100"},
    }
    (exit,) = trace["ends"]["nodes"]
    assert (exit["amountRaw"], exit["confidence"]) == ("70", 1.0)
    assert exit["party"] == {"label": "Kraken 3", "category": "hot_wallet"}
    assert [step["accountId"] for step in exit["path"]] == [wallet("mule"), wallet("cex")]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"seed": {"transfers": [id_of(77)]}}, "NOT_FOUND"),
        ({"seed": {"wallet": wallet("mule")}}, "BAD_INPUT"),
        ({"seed": {"transfers": []}}, "BAD_INPUT"),
        (question(maxHops=0), "BAD_INPUT"),
        (question(minRaw="-1"), "BAD_INPUT"),
    ],
)
async def test_what_cannot_be_traced_is_refused(
    town: Graph, wrong: dict[str, Any], code: str
) -> None:
    found = await answer(town, TRACE, question=wrong)

    assert found.codes == [code]


async def test_a_trace_is_a_job_whose_answer_is_kept_and_can_be_cited(
    town: Graph, vault: Vault
) -> None:
    asked, codes = await ask_as(town, vault, REQUEST, question=question(), key="once")
    again, _ = await ask_as(town, vault, REQUEST, question=question(), key="once")
    same, _ = await ask_as(town, vault, REQUEST, question=question())
    job = asked["requestTrace"]
    done = await trace_worker(town, vault, clock=lambda: NOW).once()
    told, _ = await ask_as(town, vault, JOB, id=job["jobId"])
    stored, errors = await ask_as(town, vault, STORED, id=job["jobId"])

    assert (codes, errors) == ([], [])
    assert (job["kind"], job["state"]) == ("trace", "QUEUED")
    assert again["requestTrace"]["jobId"] == same["requestTrace"]["jobId"] == job["jobId"]
    assert done is not None
    assert told["job"]["state"] == "DONE"
    result = told["job"]["result"]
    assert (result["complete"], result["walletsReached"], result["pieceCount"]) == (True, 3, 3)
    kept = stored["storedTrace"]
    assert kept["digest"] == result["digest"]
    assert kept["digest"] in kept["citation"]
    assert kept["trace"]["sums"] == [{"seedRaw": "100"}]
    text = kept["trace"]["export"]
    assert sha256(text.encode()).hexdigest() == kept["digest"]
    assert json.loads(text)["ended"] == "complete"


async def test_a_kept_trace_is_its_owners_until_it_is_published(town: Graph, vault: Vault) -> None:
    other = Principal("other", LOCAL.workspace, PrincipalKind.PERSON)
    asked, _ = await ask_as(town, vault, REQUEST, question=question())
    id = asked["requestTrace"]["jobId"]
    await trace_worker(town, vault, clock=lambda: NOW).once()

    async def change(what: str, by_whom: Principal = LOCAL, **rest: Any) -> Any:
        more = "".join(f', {key}: "{value}"' for key, value in rest.items())
        query = f"""mutation ($id: String!) {{ {what}(id: $id{more}) {{
          ... on StoredTrace {{ name publishedAt }} ... on Refusal {{ reason }} }} }}"""
        data, codes = await ask_as(town, vault, query, by_whom=by_whom, id=id)
        assert codes == []
        return data[what]

    async def seen(by_whom: Principal) -> bool:
        one, _ = await ask_as(town, vault, STORED, by_whom=by_whom, id=id)
        listed, _ = await ask_as(town, vault, LIST, by_whom=by_whom)
        nodes = listed["storedTraces"]["nodes"]
        assert (one["storedTrace"] is not None) == (len(nodes) == 1)
        return bool(nodes)

    async def joined() -> list[tuple[str, str, str]]:
        rows = await town.run_alone(
            "MATCH (t:Trace {name: 'The hundred'})-[r:TRACED]->(w:Wallet) "
            "MATCH (t)-[:FOLLOWED]->(:Transfer)<-[:SENT]-(:Wallet {id: $mule}) "
            "WITH DISTINCT w, r WHERE r.fates <> '' "
            "RETURN w.id AS wallet, r.reached_raw AS raw, r.fates AS fates ORDER BY raw DESC",
            mule=wallet("mule"),
        )
        return [(row["wallet"], row["raw"], row["fates"]) for row in rows]

    named = await change("nameTrace", name="The hundred")
    assert (named["name"], await seen(LOCAL), await seen(other)) == ("The hundred", True, False)
    assert await change("publishTrace", other) == {"reason": "NOT_FOUND"}
    published = await change("publishTrace")
    assert (published["publishedAt"] is not None, await seen(other)) == (True, True)
    await publication_worker(town, vault, clock=lambda: NOW).once()
    assert await joined() == [(wallet("cex"), "70", "service"), (wallet("friend"), "30", "held")]
    assert await change("deleteTrace", other) == {"reason": "NOT_FOUND"}
    assert (await change("withdrawTrace"))["publishedAt"] is None
    assert not await seen(other)
    await publication_worker(town, vault, clock=lambda: NOW).once()
    assert await joined() == []
    await change("deleteTrace")
    assert not await seen(LOCAL)


async def test_a_trace_is_written_as_a_table_and_as_a_graph(town: Graph) -> None:
    found = await answer(
        town,
        """query ($question: TraceInput!) { trace(question: $question) {
          table: export(format: CSV) graph: export(format: GRAPHML) } }""",
        question=question(),
    )

    assert found.errors == []
    rows = list(csv.DictReader(StringIO(found.data["trace"]["table"])))
    assert [(row["wallet"], row["amount_raw"], row["ends"]) for row in rows] == [
        (wallet("mule"), "100", ""),
        (wallet("cex"), "70", "service 70"),
        (wallet("friend"), "30", "held 30"),
    ]
    assert rows[1]["party"] == "Kraken 3"
    space = "{http://graphml.graphdrawing.org/xmlns}"
    graph = ElementTree.fromstring(found.data["trace"]["graph"])
    nodes = {node.get("id") for node in graph.iter(f"{space}node")}
    edges = [(edge.get("source"), edge.get("target")) for edge in graph.iter(f"{space}edge")]
    assert nodes == {wallet("mule"), wallet("cex"), wallet("friend")}
    assert edges == [(wallet("mule"), wallet("cex")), (wallet("mule"), wallet("friend"))]
