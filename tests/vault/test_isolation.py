"""Nothing crosses from one workspace to another, and nothing can be written that could."""

import inspect
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any, get_type_hints

import pytest

from graph_api.domain.alerts import Severity, Subjects, WatchedMoved
from graph_api.domain.errors import NotFound
from graph_api.domain.principals import Principal, PrincipalKind
from graph_api.domain.refusals import Refused
from graph_api.domain.watchlists import EntryKind, Named
from graph_api.vault import (
    alert_rules,
    alerts,
    counters,
    desk_changes,
    idempotency,
    jobs,
    published_lists,
    replays,
    shelves,
    traces,
    watchlists,
    workspaces,
)
from graph_api.vault.idempotency import Answer
from graph_api.vault.jobs import LeaseLost
from graph_api.vault.tables import metadata
from graph_api.vault.vault import Door, Vault
from graph_api.vault.watchlists import Standing, Wanted
from tests.vault import given
from tests.vault.given import MINUTE, NOON

SUBJECTS = (
    workspaces,
    desk_changes,
    jobs,
    watchlists,
    published_lists,
    alert_rules,
    alerts,
    idempotency,
    traces,
    replays,
)


def questions(subject: ModuleType) -> list[Callable[..., Any]]:
    """The public coroutine functions that the module defines, or has of a shelf."""
    return [
        function
        for name, function in inspect.getmembers(subject, inspect.iscoroutinefunction)
        if not name.startswith("_") and function.__module__ in (subject.__name__, shelves.__name__)
    ]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_question_asks_who_is_asking(subject: ModuleType) -> None:
    found = questions(subject)

    assert found
    for function in found:
        assert list(get_type_hints(function).values())[:2] == [Door, Principal], function


def test_every_row_says_where_it_lives_and_whose_it_is() -> None:
    for table in metadata.sorted_tables:
        assert not table.c.workspace.nullable, table
        assert not table.c.principal.nullable, table
        assert table.primary_key.columns[0] is table.c.workspace, table


async def test_a_workspace_does_not_exist_for_others(
    vault: Vault, ann: Principal, bob: Principal
) -> None:
    assert await workspaces.by_id(vault, bob, ann.workspace) is None
    page = await workspaces.of_principal(vault, bob)
    assert [workspace.id for workspace in page.rows] == [bob.workspace]


async def test_changes_are_not_seen_from_elsewhere(
    vault: Vault, ann: Principal, bob: Principal
) -> None:
    await given.change(vault, ann, "1")

    assert await desk_changes.by_id(vault, bob, "1") is None
    assert (await desk_changes.history(vault, bob)).rows == []
    assert (await desk_changes.history(vault, bob, actor_id="desk")).rows == []
    assert (await desk_changes.history(vault, bob, account_id=given.WALLET)).rows == []


async def test_jobs_are_neither_seen_nor_touched_from_elsewhere(
    vault: Vault, ann: Principal, bob: Principal
) -> None:
    await given.job(vault, ann, "1")
    assert await jobs.by_id(vault, bob, "1") is None
    assert await jobs.by_ids(vault, bob, ["1"]) == {}
    assert (await jobs.history(vault, bob)).rows == []
    assert (
        await jobs.claim(vault, bob, kinds=["backfill"], worker="w", now=NOON, lease=MINUTE) is None
    )
    with pytest.raises(NotFound, match="There is no job 1"):
        await jobs.cancel(vault, bob, "1", now=NOON)

    held = await given.claimed(vault, ann)
    for attempt in _with_a_job_of_another(vault, bob, held):
        with pytest.raises(LeaseLost):
            await attempt

    assert await jobs.by_id(vault, ann, "1") == held


def _with_a_job_of_another(
    vault: Vault, other: Principal, job: jobs.Job
) -> list[Awaitable[jobs.Job]]:
    return [
        jobs.renew(vault, other, job, progress=0.5, now=NOON, lease=MINUTE),
        jobs.finish(vault, other, job, now=NOON),
        jobs.fail(vault, other, job, error="Broken.", now=NOON),
        jobs.give_back(vault, other, job),
    ]


async def test_an_id_means_nothing_outside_its_workspace(
    vault: Vault, ann: Principal, bob: Principal
) -> None:
    of_ann, of_bob = (
        await given.job(vault, ann, "1"),
        await given.job(vault, bob, "1", kind="other"),
    )
    await given.change(vault, ann, "1", actor="desk of ann")
    await given.change(vault, bob, "1", actor="desk of bob")

    assert await jobs.by_id(vault, ann, "1") == of_ann
    assert await jobs.by_id(vault, bob, "1") == of_bob
    change = await desk_changes.by_id(vault, ann, "1")
    assert change is not None
    assert change.edit.actor_id == "desk of ann"


async def test_watchlists_are_neither_seen_nor_touched_from_elsewhere(
    vault: Vault, ann: Principal, bob: Principal
) -> None:
    wallet = Named(EntryKind.WALLET, given.WALLET)
    made = await watchlists.create(vault, ann, id="1", name="Desks", now=NOON)
    filled = await watchlists.put(vault, ann, made.id, [Wanted(wallet)], now=NOON)

    assert await watchlists.by_ids(vault, bob, ["1"]) == {}
    assert await watchlists.members(vault, bob, ["1"]) == {}
    assert await watchlists.standings(vault, bob, ["1"]) == {"1": Standing()}
    assert await watchlists.naming(vault, bob, EntryKind.WALLET, [wallet.key]) == {}
    assert (await watchlists.history(vault, bob)).rows == []
    assert (await watchlists.entries(vault, bob, "1")).rows == []
    assert await published_lists.wallets(vault, bob, "1") == []
    for attempt in (
        watchlists.rename(vault, bob, "1", name="Mine", now=NOON),
        watchlists.put(vault, bob, "1", [Wanted(wallet)], now=NOON),
        watchlists.take(vault, bob, "1", [wallet], now=NOON),
        published_lists.publish(vault, bob, "1", now=NOON),
        published_lists.unpublish(vault, bob, "1"),
        watchlists.remove(vault, bob, "1"),
    ):
        with pytest.raises(Refused, match="There is no watchlist 1"):
            await attempt

    assert await watchlists.by_ids(vault, ann, ["1"]) == {"1": filled.watchlist}
    # A name that is taken here is free there.
    await watchlists.create(vault, bob, id="1", name="Desks", now=NOON)


async def test_rules_are_neither_seen_nor_touched_from_elsewhere(
    vault: Vault, ann: Principal, bob: Principal
) -> None:
    condition = WatchedMoved(subjects=Subjects(watchlist="1"))
    asked: dict[str, Any] = {"name": "Moves", "severity": Severity.INFO, "now": NOON}
    await watchlists.create(vault, ann, id="1", name="Desks", now=NOON)
    made = await alert_rules.create(vault, ann, id="1", condition=condition, **asked)

    with pytest.raises(Refused, match="There is no watchlist 1"):
        await alert_rules.create(vault, bob, id="2", condition=condition, **asked)
    assert await alert_rules.by_ids(vault, bob, ["1"]) == {}
    assert (await alert_rules.history(vault, bob)).rows == []
    assert (await alert_rules.history(vault, bob, watchlist="1")).rows == []
    for attempt in (
        alert_rules.change(vault, bob, "1", name="Mine", now=NOON),
        alert_rules.switch_off(vault, bob, "1", now=NOON),
        alert_rules.switch_on(vault, bob, "1", now=NOON),
        alert_rules.mute(vault, bob, "1", until=None, now=NOON),
        alert_rules.remove(vault, bob, "1", now=NOON),
    ):
        with pytest.raises(Refused, match="There is no alert rule 1"):
            await attempt

    assert await alert_rules.by_ids(vault, ann, ["1"]) == {"1": made}


async def test_a_key_and_a_count_mean_nothing_elsewhere(
    vault: Vault, ann: Principal, bob: Principal
) -> None:
    asked: dict[str, Any] = {"mutation": "make", "now": NOON}
    await idempotency.begin(vault, ann, "key", fingerprint="1", **asked)
    await idempotency.keep(vault, ann, "key", answer="mine")
    async with vault.writing() as connection:
        await counters.count_up(connection, ann, "things")

    assert await idempotency.begin(vault, bob, "key", fingerprint="2", **asked) is None
    await idempotency.keep(vault, bob, "key", answer="his")
    assert await idempotency.begin(vault, ann, "key", fingerprint="1", **asked) == Answer("mine")
    assert await counters.last(vault, bob, "things") == 0


@pytest.mark.parametrize("workspace", ["ann-desk", "nowhere"])
async def test_whoever_is_not_in_a_workspace_writes_nothing_there(
    vault: Vault, ann: Principal, workspace: str
) -> None:
    stranger = Principal("mallory", workspace, PrincipalKind.PERSON)

    with pytest.raises(NotFound, match="no such principal in this workspace"):
        await given.job(vault, stranger, "1")
    with pytest.raises(NotFound, match="no such principal in this workspace"):
        await given.change(vault, stranger, "1")
    with pytest.raises(NotFound, match="no such principal in this workspace"):
        await watchlists.create(vault, stranger, id="1", name="Mine", now=NOON)
    with pytest.raises(NotFound, match="no such principal in this workspace"):
        await idempotency.begin(vault, stranger, "key", mutation="make", fingerprint="1", now=NOON)

    assert (await watchlists.history(vault, ann)).rows == []
    assert (await jobs.history(vault, ann)).rows == []
