"""Jobs as subscribers see them: how they stand first, every change, and the end."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import pytest

from graph_api.domain.ids import AccountId
from graph_api.domain.principals import LOCAL, Principal, PrincipalKind
from graph_api.schema.context import Context
from graph_api.services import jobs as asked
from graph_api.store.graph import Graph
from graph_api.vault import jobs
from graph_api.vault.jobs import Job, Note
from graph_api.vault.vault import Vault
from tests.given import NOW
from tests.server.live.serving import Bus, Client, serving

PROGRESS = """subscription ($id: String!) { jobProgress(id: $id) {
  jobId job { state progress done total message error { code } } } }"""
CANCEL = "mutation ($id: String!) { cancelJob(id: $id) { state } }"
LEASE = timedelta(minutes=1)
STRANGER = Principal("stranger", "elsewhere", PrincipalKind.PERSON)


@pytest.fixture
async def job(vault: Vault) -> Job:
    """A wallet was asked for."""
    wallet = AccountId("eip155:1:0x" + "ab" * 20)
    return await asked.request_wallet(vault, wallet=wallet, principal=LOCAL, now=NOW)


def seen_by(bus: Bus, vault: Vault, principal: Principal = LOCAL) -> Callable[..., Any]:
    """What resolvers see of a request of ``principal``; nothing here asks the graph."""

    async def context(_request: object) -> Context:
        return Context(
            graph=cast(Graph, None),
            clock=lambda: NOW,
            principal=principal,
            parts=(vault, bus.streams),
        )

    return context


async def ring(bus: Bus, job: Job) -> None:
    """A worker tells that something has changed."""
    await asked.ring(bus.streams, job, epoch="jobs", now=NOW)


async def claimed(vault: Vault) -> Job:
    held = await jobs.claim(vault, LOCAL, kinds=["wallet"], worker="w", now=NOW, lease=LEASE)
    assert held is not None
    return held


async def follow(client: Client, job: str, *, id: str = "1") -> None:
    """Subscribe to a job."""
    payload = {"query": PROGRESS, "variables": {"id": job}}
    await client.send(type="subscribe", id=id, payload=payload)


async def told(client: Client, *, id: str = "1") -> Any:
    """The job in the next item."""
    message = await client.receive()
    assert (message["type"], message["id"]) == ("next", id), message
    assert "errors" not in message["payload"], message
    return message["payload"]["data"]["jobProgress"]["job"]


async def test_a_job_is_told_as_it_stands_then_as_it_goes_and_then_it_is_complete(
    bus: Bus, vault: Vault, job: Job
) -> None:
    context = seen_by(bus, vault)
    async with serving(bus, context_getter=context) as served, served.client() as client:
        await follow(client, job.id)
        first = await told(client)
        held = await claimed(vault)
        note = Note(done=4, total=8, unit="blocks", message="Reading.")
        held = await jobs.renew(vault, LOCAL, held, progress=0.5, now=NOW, lease=LEASE, note=note)
        await ring(bus, held)
        half = await told(client)
        await ring(bus, await jobs.finish(vault, LOCAL, held, now=NOW))
        last = await told(client)
        end = await client.receive()
        await follow(client, job.id, id="2")
        again = await told(client, id="2")
        at_once = await client.receive()

    assert (first["state"], first["progress"]) == ("QUEUED", 0.0)
    assert (half["state"], half["done"], half["total"]) == ("RUNNING", "4", "8")
    assert (last["state"], last["progress"]) == ("DONE", 1.0)
    assert end == {"id": "1", "type": "complete"}
    assert (again, at_once) == (last, {"id": "2", "type": "complete"})


async def test_who_cancels_a_job_tells_those_who_wait_for_it(
    bus: Bus, vault: Vault, job: Job
) -> None:
    context = seen_by(bus, vault)
    async with (
        serving(bus, context_getter=context) as served,
        served.client() as waiting,
        served.client() as other,
    ):
        await follow(waiting, job.id)
        await told(waiting)
        payload = {"query": CANCEL, "variables": {"id": job.id}}
        await other.send(type="subscribe", id="1", payload=payload)
        assert (await other.receive())["payload"]["data"]["cancelJob"] == {"state": "CANCELLED"}
        last = await told(waiting)
        end = await waiting.receive()

    assert (last["state"], end["type"]) == ("CANCELLED", "complete")


async def test_nobody_is_told_of_the_jobs_of_another_workspace(
    bus: Bus, vault: Vault, job: Job
) -> None:
    context = seen_by(bus, vault, STRANGER)
    async with serving(bus, context_getter=context) as served, served.client() as client:
        await follow(client, job.id)
        refusal = await client.receive()

    assert refusal["type"] == "error"
    assert refusal["payload"][0]["extensions"]["code"] == "NOT_FOUND"
