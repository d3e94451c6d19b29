"""Jobs and wallets that are asked for: on record at once, one at a time, each workspace its own."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from graph_api.domain.ids import AccountId
from graph_api.domain.principals import LOCAL, Principal, PrincipalKind
from graph_api.domain.wallet_loads import Ended, Loaded, Part, PartRead, Spent
from graph_api.store.graph import Graph
from graph_api.vault import jobs
from graph_api.vault.jobs import Job, Note
from graph_api.vault.vault import Vault
from tests.given import ETHEREUM, NOW, Ledger
from tests.schema.asking import ask_as

ADDRESS = "0x" + "AB" * 20
WALLET = AccountId(f"{ETHEREUM.id}:{ADDRESS.lower()}")
LEASE = timedelta(minutes=1)
STRANGER = Principal("stranger", "elsewhere", PrincipalKind.PERSON)
JOB = """jobId kind state progress done total unit message accountId attempts createdAt finishedAt
  error { message code remedy }
  result { __typename ... on WalletLoaded {
    ended wayOn written known rejected parts { part source fromBlock toBlock }
    cost { blocks records requests seconds } } }
  wallet { accountId transfersIn }"""
REQUEST = f"mutation ($by: WalletLookup!) {{ requestWallet(by: $by) {{ {JOB} }} }}"
CANCEL = f"mutation ($id: String!) {{ cancelJob(id: $id) {{ {JOB} }} }}"
SHOW = f"query ($id: String!) {{ job(id: $id) {{ {JOB} }} }}"
LIST = """query ($first: Int, $after: String, $states: [JobState!], $wallet: AccountId) {
  jobs(first: $first, after: $after, states: $states, wallet: $wallet) {
    nodes { jobId state accountId } pageInfo { hasNextPage endCursor } } }"""
STATUS = """query ($by: WalletLookup!) { walletStatus(by: $by) {
  accountId address state wayOn wallet { accountId } job { jobId state }
  histories { part complete spans { first last } } followed { first last } } }"""


async def request(graph: Graph, vault: Vault, address: str = ADDRESS) -> Any:
    """A wallet is asked for."""
    by = {"account": {"chain": "ethereum", "address": address}}
    data, codes = await ask_as(graph, vault, REQUEST, by=by)
    assert codes == []
    return data["requestWallet"]


async def claimed(vault: Vault) -> Job:
    """The next job about a wallet, in the hands of a worker."""
    job = await jobs.claim(vault, LOCAL, kinds=["wallet"], worker="w", now=NOW, lease=LEASE)
    assert job is not None
    return job


def loaded(ended: Ended | None) -> Any:
    """What a worker says."""
    part = PartRead(part=Part.TOKENS, source="nodes of Ethereum", first=900, last=1_000)
    spent = Spent(blocks=101, records=7, requests=12, seconds=1.5)
    found = Loaded(account=WALLET, parts=(part,), written=5, known=2, spent=spent, ended=ended)
    return msgspec.to_builtins(found)


async def test_a_wallet_that_nobody_has_seen_has_a_way_on(graph: Graph, vault: Vault) -> None:
    by = {"accountId": f"ethereum:{ADDRESS}"}
    before, codes = await ask_as(graph, vault, STATUS, by=by)
    job = await request(graph, vault)
    meanwhile, _ = await ask_as(graph, vault, STATUS, by=by)
    await jobs.finish(vault, LOCAL, await claimed(vault), result=loaded(Ended.COMPLETE), now=NOW)

    assert codes == []
    assert before["walletStatus"] == {
        "accountId": WALLET,
        "address": before["walletStatus"]["address"],
        "state": "UNKNOWN",
        "wayOn": "Its history was not asked for yet; `requestWallet` reads it.",
        "wallet": None,
        "job": None,
        "histories": [],
        "followed": [],
    }
    assert before["walletStatus"]["address"].lower() == ADDRESS.lower()
    assert (job["state"], job["progress"], job["accountId"]) == ("QUEUED", 0.0, WALLET)
    assert (job["result"], job["error"], job["wallet"]) == (None, None, None)
    assert meanwhile["walletStatus"]["state"] == "FETCHING"
    assert meanwhile["walletStatus"]["job"] == {"jobId": job["jobId"], "state": "QUEUED"}
    assert job["jobId"] in meanwhile["walletStatus"]["wayOn"]


async def test_a_wallet_is_read_by_one_job_at_a_time(graph: Graph, vault: Vault) -> None:
    first = await request(graph, vault)
    again = await request(graph, vault, ADDRESS.lower())
    await jobs.finish(vault, LOCAL, await claimed(vault), result=loaded(Ended.BLOCKS), now=NOW)
    later = await request(graph, vault)

    assert again == first
    assert later["jobId"] != first["jobId"]


async def test_a_job_tells_how_it_goes_and_what_it_came_to(ledger: Ledger, vault: Vault) -> None:
    graph = ledger.graph
    asked = await request(graph, vault)
    held = await claimed(vault)
    note = Note(done=101, total=1_001, unit="blocks", message="Reading.", result=loaded(None))
    held = await jobs.renew(vault, LOCAL, held, progress=0.1, now=NOW, lease=LEASE, note=note)
    half, _ = await ask_as(graph, vault, SHOW, id=asked["jobId"])
    await jobs.finish(vault, LOCAL, held, result=loaded(Ended.BLOCKS), now=NOW)
    done, codes = await ask_as(graph, vault, SHOW, id=asked["jobId"])

    assert codes == []
    running = half["job"]
    assert (running["state"], running["progress"], running["message"]) == (
        "RUNNING",
        0.1,
        "Reading.",
    )
    assert (running["done"], running["total"], running["unit"]) == ("101", "1001", "blocks")
    assert (running["result"]["ended"], running["result"]["wayOn"]) == (None, None)
    ended = done["job"]
    assert (ended["state"], ended["progress"], ended["message"]) == ("DONE", 1.0, None)
    assert ended["result"] == {
        "__typename": "WalletLoaded",
        "ended": "BLOCKS",
        "wayOn": "The budget of blocks ended it; `requestWallet` reads on from there. "
        "DESKGRAPH_WALLETS__BLOCKS sets how far one request goes.",
        "written": 5,
        "known": 2,
        "rejected": 0,
        "parts": [
            {
                "part": "TOKENS",
                "source": "nodes of Ethereum",
                "fromBlock": "900",
                "toBlock": "1000",
            }
        ],
        "cost": {"blocks": "101", "records": 7, "requests": 12, "seconds": 1.5},
    }


async def test_a_job_that_failed_says_why_and_what_to_do(graph: Graph, vault: Vault) -> None:
    asked = await request(graph, vault)
    held = await claimed(vault)
    await jobs.fail(
        vault, LOCAL, held, error="None.", code="SOURCE_MISSING", remedy="Name one.", now=NOW
    )
    data, _ = await ask_as(graph, vault, SHOW, id=asked["jobId"])
    status, _ = await ask_as(graph, vault, STATUS, by={"accountId": WALLET})

    assert data["job"]["error"] == {
        "message": "None.",
        "code": "SOURCE_MISSING",
        "remedy": "Name one.",
    }
    assert (status["walletStatus"]["state"], status["walletStatus"]["wayOn"]) == (
        "UNKNOWN",
        "None. Name one.",
    )


async def test_jobs_are_listed_and_cancelled_by_their_workspace_alone(
    graph: Graph, vault: Vault
) -> None:
    ids = [(await request(graph, vault, "0x" + f"{n:040x}"))["jobId"] for n in range(3)]

    first, codes = await ask_as(graph, vault, LIST, first=2)
    info = first["jobs"]["pageInfo"]
    rest, _ = await ask_as(graph, vault, LIST, first=2, after=info["endCursor"])
    cancelled, _ = await ask_as(graph, vault, CANCEL, id=ids[0])
    queued, _ = await ask_as(graph, vault, LIST, states=["QUEUED"])
    about, _ = await ask_as(graph, vault, LIST, wallet=f"{ETHEREUM.id}:0x{1:040x}")
    theirs = [
        await ask_as(graph, vault, query, by_whom=STRANGER, id=ids[1]) for query in (SHOW, CANCEL)
    ]
    other, _ = await ask_as(graph, vault, LIST, by_whom=STRANGER)

    assert codes == []
    listed = [*first["jobs"]["nodes"], *rest["jobs"]["nodes"]]
    assert sorted(node["jobId"] for node in listed) == sorted(ids)
    assert (info["hasNextPage"], rest["jobs"]["pageInfo"]["hasNextPage"]) == (True, False)
    assert cancelled["cancelJob"]["state"] == "CANCELLED"
    assert {node["jobId"] for node in queued["jobs"]["nodes"]} == set(ids[1:])
    assert [node["jobId"] for node in about["jobs"]["nodes"]] == [ids[1]]
    assert (theirs[0][0], theirs[1][1]) == ({"job": None}, ["NOT_FOUND"])
    assert other["jobs"]["nodes"] == []


async def test_too_many_jobs_at_once_are_refused(
    graph: Graph, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graph_api.services.jobs.MOST_ACTIVE", 1)
    await request(graph, vault)

    _, codes = await ask_as(graph, vault, REQUEST, by={"accountId": f"{ETHEREUM.id}:0x{1:040x}"})

    assert codes == ["TOO_COSTLY"]
    assert (await request(graph, vault))["state"] == "QUEUED"
