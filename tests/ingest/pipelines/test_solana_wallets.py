"""Solana's accounts by an index: the same facts as the blocks, within a budget, whatever stops."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from graph_api.domain.chains import chain_of
from graph_api.domain.ids import AccountId, account_id
from graph_api.domain.pages import Page
from graph_api.domain.principals import LOCAL
from graph_api.domain.wallet_loads import Budget, Ended, Loaded, Part
from graph_api.services import jobs as asked
from graph_api.store import histories, transfers
from graph_api.store.graph import Graph
from graph_api.store.ledger.turn import Turn
from graph_api.vault import jobs
from graph_api.vault.vault import Vault
from ingest.jobs.histories import Addresses, history_sources
from ingest.jobs.nodes import nodes
from ingest.pipelines.spanning import backfill
from ingest.pipelines.wallets import load_wallet
from tests.conftest import empty
from tests.given import NOW, difference, snapshot
from tests.ingest.pipelines.test_wallets import worked
from tests.ingest.sources.json_rpc import Front, serving
from tests.ingest.sources.solana.indexed import IndexedNode
from tests.ingest.sources.solana.test_transfers import People, _pay
from tests.ingest.sources.solana.test_wallet_history import lived
from tests.ingest.sources.solana.validator import Validator
from tests.ingest.wallet_child import BUDGET

SOLANA = chain_of("solana")
#: More transactions than are told at once.
PAYMENTS = 110


@pytest.fixture(scope="module")
def people() -> People:
    return People(Validator())


@pytest.fixture(scope="module")
def node(people: People) -> IndexedNode:
    """Bob's life, and many payments of his that follow."""
    node = lived(people)
    for number in range(PAYMENTS):
        done = people.send(_pay(people.b, people.a, number + 1))
        node.blocks.setdefault(node.final + 1 + number // 2, []).append(done)
    node.final = max(node.blocks)
    return node


@pytest.fixture
def front(node: IndexedNode) -> Iterator[Front]:
    with serving(node) as front:
        yield front


async def load(graph: Graph, people: People, url: str, budget: Budget = BUDGET) -> Loaded:
    """Read what bob did."""
    turn = Turn(graph, clock=lambda: NOW)
    addresses = Addresses(nodes={"solana": url})
    async with history_sources(graph, SOLANA, addresses) as sources:
        return await load_wallet(
            graph, turn, sources, bob(people), budget=budget, clock=lambda: 0.0
        )


def bob(people: People) -> AccountId:
    return account_id(SOLANA, str(people.b))


async def fill(graph: Graph, node: IndexedNode, url: str) -> None:
    """Load all blocks, as a follower reads them."""
    async with nodes(graph, SOLANA, url) as opened:
        turn = Turn(graph, clock=lambda: NOW)
        await backfill(graph, turn, opened.source, first=10, last=node.final)
        await turn.give_back()


async def test_an_account_is_read_whole_and_its_blocks_change_nothing(
    graph: Graph, people: People, node: IndexedNode, front: Front
) -> None:
    one = msgspec.structs.replace(BUDGET, requests=1)
    tries = [await load(graph, people, front.url, one)]
    while tries[-1].ended is not Ended.COMPLETE:
        tries.append(await load(graph, people, front.url, one))
    page = Page(size=500)
    found = (await transfers.of_wallets(graph, [bob(people)], page=page))[bob(people)].rows
    (read,) = (await histories.of_wallets(graph, [bob(people)]))[bob(people)]
    again = await load(graph, people, front.url)
    await fill(graph, node, front.url)
    mixed = await snapshot(graph)
    await empty(graph)
    await fill(graph, node, front.url)
    whole = (await transfers.of_wallets(graph, [bob(people)], page=page))[bob(people)].rows

    assert len(tries) > 1
    assert {tell.ended for tell in tries[:-1]} == {Ended.REQUESTS}
    (part,) = tries[-1].parts
    assert (part.part, part.first, part.last) == (Part.EVERYTHING, 0, node.final)
    assert part.unseen is not None
    assert sum(tell.rejected for tell in tries) == 0
    assert [row.id for row in found] == [row.id for row in whole]
    assert (read.done, list(read.accounts)) == (True, [str(people.at_bob)])
    assert (again.ended, again.written) == (Ended.COMPLETE, 0)
    assert difference(mixed, await snapshot(graph)) == ""


async def test_a_worker_that_is_killed_goes_on_where_it_was(
    graph: Graph, vault: Vault, people: People, front: Front, tmp_path: Path
) -> None:
    await load(graph, people, front.url)
    complete = await snapshot(graph)
    await empty(graph)
    job = await asked.request_wallet(vault, wallet=bob(people), principal=LOCAL, now=NOW)

    said = [await worked(graph, tmp_path, front.url, steps, chain="solana") for steps in (6, 10**6)]

    done = await jobs.by_id(vault, LOCAL, job.id)
    assert done is not None
    loaded = msgspec.convert(done.result, Loaded)
    assert (said, loaded.ended) == (["stopped", "done"], Ended.COMPLETE)
    # Slots cost nothing: an index has few entries for many of them.
    assert loaded.spent.blocks == 0
    assert difference(await snapshot(graph), complete) == ""
