"""Traces on record: kept once, whole, named by their owner, and his until he publishes them."""

import pytest

from graph_api.domain.errors import BadInput
from graph_api.domain.principals import Principal
from graph_api.domain.refusals import RefusalReason, Refused
from graph_api.vault import traces
from graph_api.vault.pages import First
from graph_api.vault.traces import Kept
from graph_api.vault.vault import Vault
from tests.vault.given import MINUTE, NOON


async def kept(vault: Vault, principal: Principal, id: str, *, body: bytes = b"\x00all") -> Kept:
    """A trace on record."""
    return await traces.save(
        vault, principal, id=id, digest="d", question={"policy": "fifo"}, body=body, now=NOON
    )


async def test_a_trace_is_kept_once_and_never_changes(vault: Vault, ann: Principal) -> None:
    first = await kept(vault, ann, "1")
    again = await kept(vault, ann, "1", body=b"something else")

    assert again == first
    assert await traces.bodies(vault, ann, ["1", "2"]) == {"1": b"\x00all"}
    assert await traces.by_ids(vault, ann, ["1", "2"]) == {"1": first}


async def test_it_does_not_exist_in_another_workspace_published_or_not(
    vault: Vault, ann: Principal, bob: Principal
) -> None:
    await kept(vault, ann, "1")
    for _ in range(2):
        assert await traces.by_ids(vault, bob, ["1"]) == {}
        assert await traces.bodies(vault, bob, ["1"]) == {}
        assert (await traces.history(vault, bob)).rows == []
        with pytest.raises(Refused):
            await traces.remove(vault, bob, "1")
        await traces.publish(vault, ann, "1", now=NOON)


async def test_others_of_the_workspace_see_it_while_it_is_published(
    vault: Vault, ann: Principal
) -> None:
    other = Principal("colleague", ann.workspace, ann.kind)
    mine = await kept(vault, ann, "1")

    async def seen() -> list[Kept]:
        return (await traces.history(vault, other)).rows

    assert await seen() == []
    published = await traces.publish(vault, ann, "1", now=NOON + MINUTE)
    assert await seen() == [published]
    assert (await traces.publish(vault, ann, "1", now=NOON)).published_at == NOON + MINUTE
    for change in (
        traces.call(vault, other, "1", name="Mine now"),
        traces.withdraw(vault, other, "1"),
        traces.remove(vault, other, "1"),
    ):
        with pytest.raises(Refused) as refused:
            await change
        assert refused.value.reason is RefusalReason.NOT_FOUND
    assert await traces.withdraw(vault, ann, "1") == mine
    assert await seen() == []


async def test_a_name_is_one_trace_of_its_owner(vault: Vault, ann: Principal) -> None:
    await kept(vault, ann, "1")
    await kept(vault, ann, "2")

    named = await traces.call(vault, ann, "1", name="  The hundred ")
    assert (named.name, (await traces.call(vault, ann, "1", name="The hundred")).name) == (
        "The hundred",
        "The hundred",
    )
    with pytest.raises(Refused) as taken:
        await traces.call(vault, ann, "2", name="The hundred")
    assert taken.value.reason is RefusalReason.NAME_TAKEN
    for wrong in ("", " ", "a\nb", "x" * 101):
        with pytest.raises(Refused):
            await traces.call(vault, ann, "2", name=wrong)
    await traces.remove(vault, ann, "1")
    assert (await traces.call(vault, ann, "2", name="The hundred")).id == "2"


async def test_a_workspace_keeps_so_many_and_lists_them_in_pages(
    vault: Vault, ann: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces, "MOST", 3)
    for id in ("1", "2", "3"):
        await kept(vault, ann, id)

    page = await traces.history(vault, ann, First(rows=2))
    assert ([one.id for one in page.rows], page.older) == (["3", "2"], True)
    with pytest.raises(BadInput, match="delete some"):
        await kept(vault, ann, "4")
    assert (await kept(vault, ann, "3")).id == "3"
    assert len((await traces.history(vault, ann)).rows) == 3
