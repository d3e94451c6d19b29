"""Workspaces: made, found, renamed by those who are in them."""

import pytest

from graph_api.domain.errors import BadInput, NotFound
from graph_api.domain.principals import LOCAL, Principal, PrincipalKind
from graph_api.vault import workspaces
from graph_api.vault.pages import First
from graph_api.vault.vault import Vault
from tests.vault.given import MINUTE, NOON


async def test_who_makes_a_workspace_is_in_it(vault: Vault) -> None:
    made = await workspaces.create(vault, LOCAL, id="second", name=" Zweites 🦊 ", now=NOON)

    assert made.name == "Zweites 🦊"
    assert await workspaces.by_id(vault, LOCAL, "second") == made


async def test_ones_workspaces_are_listed_newest_first(vault: Vault) -> None:
    for n, name in enumerate("abc"):
        await workspaces.create(vault, LOCAL, id=name, name=name, now=NOON + (n + 1) * MINUTE)

    page = await workspaces.of_principal(vault, LOCAL, First(3))

    assert [workspace.id for workspace in page.rows] == ["c", "b", "a"]
    assert page.older


async def test_a_workspace_is_renamed_by_who_acts_in_it(vault: Vault, ann: Principal) -> None:
    renamed = await workspaces.rename(vault, ann, name="OTC desk")

    assert renamed.name == "OTC desk"
    assert await workspaces.by_id(vault, ann, ann.workspace) == renamed
    local = await workspaces.by_id(vault, LOCAL, LOCAL.workspace)
    assert local is not None
    assert local.name == "Local"


async def test_a_stranger_renames_nothing(vault: Vault, ann: Principal) -> None:
    stranger = Principal("mallory", ann.workspace, PrincipalKind.PERSON)

    with pytest.raises(NotFound, match="no such principal"):
        await workspaces.rename(vault, stranger, name="Mine")

    workspace = await workspaces.by_id(vault, ann, ann.workspace)
    assert workspace is not None
    assert workspace.name == "Desk of ann"


async def test_an_id_is_given_once(vault: Vault, ann: Principal) -> None:
    with pytest.raises(BadInput, match="another object with this id"):
        await workspaces.create(vault, LOCAL, id=ann.workspace, name="Mine", now=NOON)

    assert await workspaces.by_id(vault, LOCAL, ann.workspace) is None


@pytest.mark.parametrize("name", ["", "  \n ", "n" * (workspaces.MAX_NAME + 1)])
async def test_a_name_is_neither_empty_nor_endless(vault: Vault, name: str) -> None:
    with pytest.raises(BadInput, match="name has 1 to 200"):
        await workspaces.create(vault, LOCAL, id="new", name=name, now=NOON)
