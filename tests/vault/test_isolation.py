"""Nothing crosses from one workspace to another, and nothing can be written that could."""

import inspect
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any, get_type_hints

import pytest

from graph_api.domain.errors import NotFound
from graph_api.domain.principals import Principal, PrincipalKind
from graph_api.vault import desk_changes, jobs, workspaces
from graph_api.vault.jobs import LeaseLost
from graph_api.vault.tables import metadata
from graph_api.vault.vault import Door, Vault
from tests.vault import given
from tests.vault.given import MINUTE, NOON

SUBJECTS = (workspaces, desk_changes, jobs)


def questions(subject: ModuleType) -> list[Callable[..., Any]]:
    """The public coroutine functions that the module defines."""
    return [
        function
        for name, function in inspect.getmembers(subject, inspect.iscoroutinefunction)
        if not name.startswith("_") and function.__module__ == subject.__name__
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


@pytest.mark.parametrize("workspace", ["ann-desk", "nowhere"])
async def test_whoever_is_not_in_a_workspace_writes_nothing_there(
    vault: Vault, ann: Principal, workspace: str
) -> None:
    stranger = Principal("mallory", workspace, PrincipalKind.PERSON)

    with pytest.raises(NotFound, match="no such principal in this workspace"):
        await given.job(vault, stranger, "1")
    with pytest.raises(NotFound, match="no such principal in this workspace"):
        await given.change(vault, stranger, "1")

    assert (await jobs.history(vault, ann)).rows == []
