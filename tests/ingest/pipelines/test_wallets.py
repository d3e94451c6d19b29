"""Histories of single wallets: whole, exact beside blocks that are followed, within a budget."""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from graph_api.domain.chains import chain_of
from graph_api.domain.ids import AccountId
from graph_api.domain.pages import Page
from graph_api.domain.principals import LOCAL
from graph_api.domain.wallet_loads import Ended, Loaded, Part
from graph_api.services import jobs as asked
from graph_api.store import histories, transfers
from graph_api.store.graph import Graph
from graph_api.store.ledger.turn import Turn
from graph_api.vault import jobs
from graph_api.vault.home import default_url
from graph_api.vault.jobs import Job, JobState
from graph_api.vault.vault import Vault
from ingest.jobs.histories import Addresses, history_sources
from ingest.jobs.nodes import nodes
from ingest.jobs.wallets import WalletWork, read_wallet
from ingest.jobs.workers import JobWorker
from ingest.pipelines.spanning import backfill
from ingest.pipelines.wallets import load_wallet
from tests.conftest import empty
from tests.given import NOW, difference, snapshot
from tests.ingest.loading import settings_of
from tests.ingest.providers.serving import served
from tests.ingest.sources.evm_chain import Chain, account
from tests.ingest.wallet_child import BUDGET, SPAN

pytest_plugins = ["tests.ingest.sources.evm_fixtures"]

ETHEREUM = chain_of("ethereum")
FRIENDS = ["0x" + f"{number:02x}" * 20 for number in range(0xA1, 0xA6)]


async def busy(chain: Chain, *, times: int = 6) -> AccountId:
    """The second account moves two tokens about; its chain is deep enough for all to be final."""
    whose = chain.accounts[1]
    coins = [
        await chain.deploy("Coin", ["string", "string", "uint256"], name, name[:3].upper(), 10**9)
        for name in ("First", "Second")
    ]
    for turn in range(times):
        coin = coins[turn % 2]
        await chain.call(coin, "transfer(address,uint256)", whose, 100 + turn)
        await chain.call(coin, "transfer(address,uint256)", FRIENDS[turn % 5], 10 + turn, by=1)
        # Others move tokens too; that is nobody's history here.
        await chain.call(coin, "transfer(address,uint256)", FRIENDS[0], 1)
    await chain.node.call("anvil_mine", hex(80))
    return account(whose)


async def load(graph: Graph, chain: Chain, whose: AccountId, **more: Any) -> Loaded:
    """Read the history of ``whose`` from the node of ``chain``."""
    turn = Turn(graph, clock=lambda: NOW)
    addresses = Addresses(nodes={"ethereum": chain.node.url})
    async with history_sources(graph, ETHEREUM, addresses, span=SPAN) as sources:
        given: dict[str, Any] = {"budget": BUDGET, "clock": lambda: 0.0, **more}
        return await load_wallet(graph, turn, sources, whose, **given)


async def fill(graph: Graph, chain: Chain, first: int, last: int) -> None:
    """Load the blocks ``first..last`` whole, as a follower reads them."""
    async with nodes(graph, ETHEREUM, chain.node.url) as opened:
        turn = Turn(graph, clock=lambda: NOW)
        await backfill(graph, turn, opened.source, first=first, last=last)
        await turn.give_back()


async def test_a_wallet_is_read_whole_and_blocks_that_are_loaded_too_change_nothing(
    graph: Graph, chain: Chain
) -> None:
    whose = await busy(chain)
    height = await chain.height()

    first = await load(graph, chain, whose)
    again = await load(graph, chain, whose)
    page = Page(size=50)
    found = (await transfers.of_wallets(graph, [whose], page=page))[whose].rows
    await fill(graph, chain, 0, height)
    mixed = await snapshot(graph)

    assert (first.ended, first.rejected) == (Ended.COMPLETE, 0)
    (part,) = first.parts
    assert (part.part, part.first, part.last) == (Part.TOKENS, 0, first.total - 1)
    assert sorted(int(row.amount_raw or 0) for row in found) == [*range(10, 16), *range(100, 106)]
    assert all(row.block_time is not None and row.amount is not None for row in found)
    assert (again.ended, again.written, again.total) == (Ended.COMPLETE, 0, 0)
    (read,) = (await histories.of_wallets(graph, [whose]))[whose]
    assert (read.spans, read.done) == ([(0, part.last)], True)

    await empty(graph)
    await fill(graph, chain, 0, height)
    assert difference(mixed, await snapshot(graph)) == ""


async def test_a_budget_ends_a_request_and_the_next_one_goes_on(graph: Graph, chain: Chain) -> None:
    whose = await busy(chain)
    whole = await load(graph, chain, whose)
    complete = await snapshot(graph)
    await empty(graph)

    told: list[Loaded] = []
    by_blocks = await load(
        graph, chain, whose, budget=msgspec.structs.replace(BUDGET, blocks=8), report=told.append
    )
    by_records = await load(graph, chain, whose, budget=msgspec.structs.replace(BUDGET, records=1))
    ticking = iter(range(10**6))
    by_time = await load(
        graph,
        chain,
        whose,
        budget=msgspec.structs.replace(BUDGET, seconds=2),
        clock=lambda: float(next(ticking)),
    )
    by_requests = await load(
        graph, chain, whose, budget=msgspec.structs.replace(BUDGET, requests=1)
    )
    rest = await load(graph, chain, whose)

    ended = [one.ended for one in (by_blocks, by_records, by_time, by_requests, rest)]
    assert ended == [Ended.BLOCKS, Ended.RECORDS, Ended.SECONDS, Ended.REQUESTS, Ended.COMPLETE]
    (newest,) = by_blocks.parts
    assert newest.first is not None
    assert 0 < newest.first <= newest.last - 8 + 1
    assert [one.done for one in told] == sorted(one.done for one in told)
    assert told[-1].total == whole.total
    assert by_blocks.done + by_records.done + by_time.done + by_requests.done + rest.done == (
        whole.total
    )
    assert difference(await snapshot(graph), complete) == ""


async def test_a_worker_that_is_killed_between_any_two_steps_costs_nothing(
    graph: Graph, vault: Vault, chain: Chain, tmp_path: Path
) -> None:
    whose = await busy(chain)
    await load(graph, chain, whose)
    complete = await snapshot(graph)
    await empty(graph)
    job = await asked.request_wallet(vault, wallet=whose, principal=LOCAL, now=NOW)

    said = [await worked(graph, tmp_path, chain.node.url, steps) for steps in (1, 4, 7)]
    last = await worked(graph, tmp_path, chain.node.url, 10**6)

    assert (said, last) == (["stopped"] * 3, "done")
    done = await jobs.by_id(vault, LOCAL, job.id)
    assert done is not None
    assert (done.state, done.attempts) == (JobState.DONE, 4)
    loaded = msgspec.convert(done.result, Loaded)
    assert loaded.ended is Ended.COMPLETE
    assert difference(await snapshot(graph), complete) == ""


async def worked(graph: Graph, home: Path, url: str, steps: int, *, chain: str = "ethereum") -> str:
    """What a worker says that is killed after so many looks at its watch."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.ingest.wallet_child", default_url(home), url, str(steps), chain),
        env=os.environ | settings_of(graph.address, home),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    said = (await process.stdout.readline()).decode().strip()
    if process.returncode is None:
        process.kill()
    await process.communicate()
    return said


def worker(graph: Graph, vault: Vault, *urls: str, **more: Any) -> JobWorker:
    """One that asks the nodes at ``urls``."""
    nodes = {"ethereum": " ".join(urls)} if urls else {}
    work = WalletWork(addresses=Addresses(nodes=nodes), budget=BUDGET)
    given: dict[str, Any] = {"clock": lambda: NOW, "tell_every_s": 0.01, **more}
    return work.worker(graph, vault, span=SPAN, **given)


async def test_a_job_is_called_off_while_it_is_worked_off(
    graph: Graph, vault: Vault, chain: Chain
) -> None:
    whose = await busy(chain, times=1)
    rung: list[Job] = []

    async def ring(job: Job) -> None:
        rung.append(job)
        if job.state is JobState.RUNNING:
            await asked.cancel(vault, id=job.id, principal=LOCAL, now=NOW)

    endless = worker(graph, vault, chain.node.url, ring=ring)
    ended = await read_wallet(endless, whose, now=NOW)
    left = await endless.once()

    assert (ended.state, left) == (JobState.CANCELLED, None)
    assert rung[-1].state is JobState.CANCELLED


async def test_a_worker_that_is_told_to_stop_leaves_its_job_to_the_next(
    graph: Graph, vault: Vault, chain: Chain
) -> None:
    whose = await busy(chain, times=1)
    running, answers = asyncio.Event(), asyncio.Event()

    async def stuck(method: str, params: Sequence[Any]) -> Any:
        await answers.wait()

    async def ring(job: Job) -> None:
        running.set()

    async with served(stuck) as node:
        reader = worker(graph, vault, node.url, ring=ring)
        stopped = asyncio.create_task(read_wallet(reader, whose, now=NOW))
        await running.wait()
        stopped.cancel()
        await asyncio.gather(stopped, return_exceptions=True)
        answers.set()
    (left,) = (await jobs.history(vault, LOCAL)).rows
    ended = await worker(graph, vault, chain.node.url).once()

    assert (left.state, left.attempts) == (JobState.QUEUED, 0)
    assert ended is not None
    assert (ended.id, ended.state) == (left.id, JobState.DONE)


async def test_what_keeps_a_job_from_its_end_is_told_with_what_to_do(
    graph: Graph, vault: Vault, chain: Chain
) -> None:
    whose = await busy(chain, times=1)
    later = [NOW]
    missing = await read_wallet(worker(graph, vault), whose, now=NOW)
    async with served(nothing) as node:
        node.status = 401, {}
        away = worker(graph, vault, node.url, clock=lambda: later[0])
        first = await read_wallet(away, whose, now=NOW)
        tries = [first]
        while tries[-1].state is JobState.QUEUED:
            assert await away.once() is None
            assert tries[-1].not_before is not None
            later[0] = tries[-1].not_before
            job = await away.once()
            assert job is not None
            tries.append(job)
    reader = worker(graph, vault, chain.node.url, clock=lambda: later[0])
    again = await read_wallet(reader, whose, now=later[0])

    assert (missing.state, missing.code) == (JobState.FAILED, "SOURCE_MISSING")
    assert missing.remedy is not None
    assert "DESKGRAPH_NODES__ETHEREUM" in missing.remedy
    assert (first.state, first.attempts) == (JobState.QUEUED, 1)
    assert first.message is not None
    assert "tried again in 5 s" in first.message
    assert (tries[-1].state, tries[-1].attempts) == (JobState.FAILED, 5)
    assert (tries[-1].code, tries[-1].remedy is None) == ("UPSTREAM_UNAVAILABLE", False)
    assert again.state is JobState.DONE


async def nothing(method: str, params: Sequence[Any]) -> Any:
    """A node that refuses whatever it is asked needs no answers."""
