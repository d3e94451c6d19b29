"""Answers on record: kept once, whole, named by their owner, and theirs until they publish them."""

from types import ModuleType

import pytest

from graph_api.domain.errors import BadInput
from graph_api.domain.principals import Principal
from graph_api.domain.refusals import RefusalReason, Refused
from graph_api.vault import replays, shelves, traces
from graph_api.vault.pages import First
from graph_api.vault.shelves import Kept
from graph_api.vault.vault import Vault
from tests.vault.given import MINUTE, NOON


@pytest.fixture(params=[traces, replays], ids=["traces", "replays"])
def shelf(request: pytest.FixtureRequest) -> ModuleType:
    """Each kind of answers."""
    found: ModuleType = request.param
    return found


async def kept(
    shelf: ModuleType, vault: Vault, principal: Principal, id: str, *, body: bytes = b"\x00all"
) -> Kept:
    """A trace on record."""
    found: Kept = await shelf.save(
        vault, principal, id=id, digest="d", question={"policy": "fifo"}, body=body, now=NOON
    )
    return found


async def test_a_trace_is_kept_once_and_never_changes(
    shelf: ModuleType, vault: Vault, ann: Principal
) -> None:
    first = await kept(shelf, vault, ann, "1")
    again = await kept(shelf, vault, ann, "1", body=b"something else")

    assert again == first
    assert await shelf.bodies(vault, ann, ["1", "2"]) == {"1": b"\x00all"}
    assert await shelf.by_ids(vault, ann, ["1", "2"]) == {"1": first}


async def test_it_does_not_exist_in_another_workspace_published_or_not(
    shelf: ModuleType, vault: Vault, ann: Principal, bob: Principal
) -> None:
    await kept(shelf, vault, ann, "1")
    for _ in range(2):
        assert await shelf.by_ids(vault, bob, ["1"]) == {}
        assert await shelf.bodies(vault, bob, ["1"]) == {}
        assert (await shelf.history(vault, bob)).rows == []
        with pytest.raises(Refused):
            await shelf.remove(vault, bob, "1")
        await shelf.publish(vault, ann, "1", now=NOON)


async def test_others_of_the_workspace_see_it_while_it_is_published(
    shelf: ModuleType, vault: Vault, ann: Principal
) -> None:
    other = Principal("colleague", ann.workspace, ann.kind)
    mine = await kept(shelf, vault, ann, "1")

    async def seen() -> list[Kept]:
        rows: list[Kept] = (await shelf.history(vault, other)).rows
        return rows

    assert await seen() == []
    published = await shelf.publish(vault, ann, "1", now=NOON + MINUTE)
    assert await seen() == [published]
    assert (await shelf.publish(vault, ann, "1", now=NOON)).published_at == NOON + MINUTE
    for change in (
        shelf.call(vault, other, "1", name="Mine now"),
        shelf.withdraw(vault, other, "1"),
        shelf.remove(vault, other, "1"),
    ):
        with pytest.raises(Refused) as refused:
            await change
        assert refused.value.reason is RefusalReason.NOT_FOUND
    assert await shelf.withdraw(vault, ann, "1") == mine
    assert await seen() == []


async def test_a_name_is_one_trace_of_its_owner(
    shelf: ModuleType, vault: Vault, ann: Principal
) -> None:
    await kept(shelf, vault, ann, "1")
    await kept(shelf, vault, ann, "2")

    named = await shelf.call(vault, ann, "1", name="  The hundred ")
    assert (named.name, (await shelf.call(vault, ann, "1", name="The hundred")).name) == (
        "The hundred",
        "The hundred",
    )
    with pytest.raises(Refused) as taken:
        await shelf.call(vault, ann, "2", name="The hundred")
    assert taken.value.reason is RefusalReason.NAME_TAKEN
    for wrong in ("", " ", "a\nb", "x" * 101):
        with pytest.raises(Refused):
            await shelf.call(vault, ann, "2", name=wrong)
    await shelf.remove(vault, ann, "1")
    assert (await shelf.call(vault, ann, "2", name="The hundred")).id == "2"


async def test_a_workspace_keeps_so_many_and_lists_them_in_pages(
    shelf: ModuleType, vault: Vault, ann: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelves, "MOST", 3)
    for id in ("1", "2", "3"):
        await kept(shelf, vault, ann, id)

    page = await shelf.history(vault, ann, First(rows=2))
    assert ([one.id for one in page.rows], page.older) == (["3", "2"], True)
    with pytest.raises(BadInput, match="delete some"):
        await kept(shelf, vault, ann, "4")
    assert (await kept(shelf, vault, ann, "3")).id == "3"
    assert len((await shelf.history(vault, ann)).rows) == 3
