"""The audit of the desk registry: what is on record, in which order, and what is refused."""

from typing import Any

import pytest

from graph_api.domain.errors import BadInput
from graph_api.domain.principals import LOCAL, Principal
from graph_api.vault import desk_changes
from graph_api.vault.desk_changes import DeskAction, DeskChange, Edit
from graph_api.vault.pages import First
from graph_api.vault.vault import Vault
from tests.vault import given
from tests.vault.given import MINUTE, NOON, WALLET

BEFORE = {"name": "Old desk", "confidence": 0.5}
AFTER = {"name": "Neuer Schalter 🏦", "confidence": 0.9, "sources": ["https://example.org"]}


async def test_a_change_says_who_when_what_and_why(vault: Vault, ann: Principal) -> None:
    edit = Edit(
        action=DeskAction.CORRECT,
        actor_id="desk",
        account_id=WALLET,
        before=BEFORE,
        after=AFTER,
        reason="它的名字变了",
    )
    made = await desk_changes.record(vault, ann, edit, id="1", now=NOON)

    assert made == DeskChange(
        id="1", workspace=ann.workspace, principal="ann", changed_at=NOON, edit=edit
    )
    assert await desk_changes.by_id(vault, ann, "1") == made


async def test_a_repeated_command_is_recorded_once(vault: Vault) -> None:
    first = await given.change(vault, LOCAL, "1")
    again = await given.change(vault, LOCAL, "1", at=NOON + MINUTE)

    assert again == first
    assert (await desk_changes.history(vault, LOCAL)).rows == [first]


async def test_another_edit_cannot_take_the_id(vault: Vault) -> None:
    first = await given.change(vault, LOCAL, "1")

    with pytest.raises(BadInput, match="Another change of the desk registry has the id 1"):
        await given.change(vault, LOCAL, "1", actor="another")

    assert await desk_changes.by_id(vault, LOCAL, "1") == first


async def test_the_history_can_be_of_one_actor_or_account(vault: Vault) -> None:
    other = WALLET.replace("ab", "cd")
    await given.change(vault, LOCAL, "1", actor="desk", account=WALLET)
    await given.change(vault, LOCAL, "2", actor="desk", account=other, at=NOON + MINUTE)
    await given.change(vault, LOCAL, "3", actor="maker", account=WALLET, at=NOON + 2 * MINUTE)
    await given.change(vault, LOCAL, "4", actor="maker", account=None, at=NOON + 3 * MINUTE)

    async def ids(**filters: Any) -> list[str]:
        page = await desk_changes.history(vault, LOCAL, **filters)
        return [change.id for change in page.rows]

    assert await ids() == ["4", "3", "2", "1"]
    assert await ids(actor_id="desk") == ["2", "1"]
    assert await ids(account_id=WALLET) == ["3", "1"]
    assert await ids(actor_id="maker", account_id=WALLET) == ["3"]
    assert await ids(actor_id="nobody") == []


@pytest.mark.parametrize("reason", ["", "  ", "r" * (desk_changes.MAX_REASON + 1)])
async def test_a_change_without_a_readable_reason_is_refused(vault: Vault, reason: str) -> None:
    edit = Edit(action=DeskAction.ADD, actor_id="desk", after=AFTER, reason=reason)

    with pytest.raises(BadInput, match="needs a reason"):
        await desk_changes.record(vault, LOCAL, edit, id="1", now=NOON)


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [
        (DeskAction.ADD, BEFORE, AFTER),
        (DeskAction.ADD, None, None),
        (DeskAction.CORRECT, None, AFTER),
        (DeskAction.CORRECT, BEFORE, None),
        (DeskAction.WITHDRAW, BEFORE, AFTER),
        (DeskAction.WITHDRAW, None, None),
    ],
)
async def test_an_action_and_its_entries_must_agree(
    vault: Vault,
    action: DeskAction,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
) -> None:
    edit = Edit(action=action, actor_id="desk", before=before, after=after, reason="Why not.")

    with pytest.raises(BadInput, match="An addition has an entry after it"):
        await desk_changes.record(vault, LOCAL, edit, id="1", now=NOON)


async def test_a_withdrawal_keeps_what_was_withdrawn(vault: Vault) -> None:
    edit = Edit(action=DeskAction.WITHDRAW, actor_id="desk", before=BEFORE, reason="Closed.")
    await desk_changes.record(vault, LOCAL, edit, id="1", now=NOON)

    page = await desk_changes.history(vault, LOCAL, First(1))

    assert [change.edit for change in page.rows] == [edit]
