"""Watchlists in the graph: labels that follow their list, whoever breaks off in the middle."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from graph_api.domain.ids import AccountId
from graph_api.domain.principals import LOCAL
from graph_api.domain.watchlists import EntryKind, Named, Watchlist
from graph_api.services import watchlists as asked
from graph_api.store import labels
from graph_api.store.graph import Graph
from graph_api.vault import jobs, watchlists
from graph_api.vault.jobs import JobState
from graph_api.vault.vault import Vault
from graph_api.vault.watchlists import Wanted
from ingest.jobs import lists
from ingest.jobs.lists import list_worker
from tests import given
from tests.given import NOW, Ledger
from tests.store.bolt.turns import until

MINUTE = timedelta(minutes=1)
COOKBOOK = Path(__file__).parents[3] / "docs" / "cypher-cookbook.md"
ALICE, BOB, CAROL = (given.wallet(name) for name in ("alice", "bob", "carol"))


def wanted(*wallets: AccountId, note: str | None = None) -> tuple[Wanted, ...]:
    return tuple(Wanted(Named(EntryKind.WALLET, wallet), note) for wallet in wallets)


@pytest.fixture
async def desks(vault: Vault) -> Watchlist:
    """A published list with Alice and Bob on it."""
    made = await asked.create(vault, name="Desks", principal=LOCAL, now=NOW)
    await asked.put(vault, id=made.id, entries=wanted(ALICE, BOB), principal=LOCAL, now=NOW)
    async with vault.together() as door:
        return await asked.publish(door, id=made.id, principal=LOCAL, now=NOW)


async def work_off(graph: Graph, vault: Vault, *, minutes: int = 0) -> jobs.Job:
    """The one job that waits is done."""
    worker = list_worker(graph, vault, clock=lambda: NOW + minutes * MINUTE)
    ended = await worker.once()
    assert ended is not None
    assert ended.state is JobState.DONE, ended.error
    assert await worker.once() is None
    return ended


async def told(graph: Graph, *, minutes: int = 0) -> dict[AccountId, tuple[str, str | None]]:
    """Source and note of the label of each wallet, as the graph has it then."""
    at = NOW + minutes * MINUTE
    found = await labels.of_wallets(graph, [ALICE, BOB, CAROL], now=at, first=10)
    assert all(len(rows) == 1 for rows in found.values())
    return {wallet: (rows[0].source, rows[0].note) for wallet, rows in found.items()}


async def test_labels_follow_their_list(graph: Graph, vault: Vault, desks: Watchlist) -> None:
    await work_off(graph, vault)
    first = await told(graph)
    (found,) = (await watchlists.by_ids(vault, LOCAL, [desks.id])).values()
    await asked.take(
        vault, id=desks.id, items=(Named(EntryKind.WALLET, BOB),), principal=LOCAL, now=NOW
    )
    carol = wanted(CAROL, note="new")
    await asked.put(vault, id=desks.id, entries=carol, principal=LOCAL, now=NOW + MINUTE)
    # Two changes are one job.
    await work_off(graph, vault, minutes=1)
    second = await told(graph, minutes=1)
    await asked.rename(vault, id=desks.id, name="OTC desks", principal=LOCAL, now=NOW)
    await work_off(graph, vault, minutes=2)

    assert first == {ALICE: ("watchlist:Desks", None), BOB: ("watchlist:Desks", None)}
    assert (found.published_at, found.published_revision) == (NOW, found.revision)
    assert second == {ALICE: ("watchlist:Desks", None), CAROL: ("watchlist:Desks", "new")}
    assert await told(graph, minutes=2) == {
        ALICE: ("watchlist:OTC desks", None),
        CAROL: ("watchlist:OTC desks", "new"),
    }
    # What was known stays known as of then.
    assert await told(graph) == first
    assert await told(graph, minutes=1) == second


async def test_what_changes_nothing_asks_for_nothing(
    graph: Graph, vault: Vault, desks: Watchlist
) -> None:
    await work_off(graph, vault)

    await asked.put(vault, id=desks.id, entries=wanted(ALICE), principal=LOCAL, now=NOW)
    await asked.publish(vault, id=desks.id, principal=LOCAL, now=NOW)

    assert await list_worker(graph, vault, clock=lambda: NOW).once() is None


async def test_a_list_that_is_unpublished_or_deleted_is_told_no_more(
    graph: Graph, vault: Vault, desks: Watchlist
) -> None:
    await work_off(graph, vault)
    await asked.unpublish(vault, id=desks.id, principal=LOCAL, now=NOW)
    await work_off(graph, vault, minutes=1)
    assert await told(graph, minutes=1) == {}
    (found,) = (await watchlists.by_ids(vault, LOCAL, [desks.id])).values()
    assert (found.published_at, found.published_revision) == (None, None)

    await asked.publish(vault, id=desks.id, principal=LOCAL, now=NOW + 2 * MINUTE)
    await work_off(graph, vault, minutes=2)
    assert set(await told(graph, minutes=2)) == {ALICE, BOB}
    await asked.delete(vault, id=desks.id, principal=LOCAL, now=NOW)
    await work_off(graph, vault, minutes=3)
    assert await told(graph, minutes=3) == {}


async def test_a_worker_that_breaks_off_is_followed_by_one_that_writes_nothing_twice(
    graph: Graph, vault: Vault, desks: Watchlist, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "_BATCH", 1)
    worker = list_worker(graph, vault, clock=lambda: NOW)
    breaking = asyncio.create_task(worker.once())
    await until(lambda: worker.progress > 0)
    breaking.cancel()
    await asyncio.gather(breaking, return_exceptions=True)
    # A change meanwhile is told by whoever comes next.
    await asked.put(vault, id=desks.id, entries=wanted(CAROL), principal=LOCAL, now=NOW)
    while await list_worker(graph, vault, clock=lambda: NOW).once() is not None:
        pass

    assert set(await told(graph)) == {ALICE, BOB, CAROL}
    (found,) = (await watchlists.by_ids(vault, LOCAL, [desks.id])).values()
    assert found.published_revision == found.revision


async def test_the_statement_of_the_cookbook_joins_a_list(
    graph: Graph, vault: Vault, desks: Watchlist
) -> None:
    async with Ledger.open(graph) as ledger:
        await ledger.write(
            given.transfer("alice", "bob", tx="1"),
            given.transfer("carol", "alice", tx="2"),
            given.transfer("carol", "alice", tx="3"),
            given.transfer("carol", "dave", tx="4"),
        )
    await work_off(graph, vault)
    section = COOKBOOK.read_text(encoding="utf-8").partition("## Watchlists")[2]
    found = re.search(r"```cypher\n(.*?)```", section, re.DOTALL)
    assert found is not None
    statement = found.group(1)
    bounds: dict[str, Any] = {
        name: re.sub("[0-9a-f-]{36}", desks.id, value)
        for name, value in re.findall(r"// \$(\w+) +(\S+)", statement)
    }

    rows = await graph.run_alone(statement, **bounds)

    assert [
        (row["wallet"], row["did"], row["counterparty"], row["also_listed"], row["transfers"])
        for row in rows
    ] == [
        *sorted([(ALICE, "paid", BOB, True, 1), (BOB, "was paid", ALICE, True, 1)]),
        (ALICE, "was paid", CAROL, False, 2),
    ]
