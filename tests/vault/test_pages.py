"""Pages hold their place: whatever is added while one leafs, each row is seen exactly once."""

import random
from datetime import timedelta

import pytest

from graph_api.domain.errors import BadInput
from graph_api.domain.principals import LOCAL
from graph_api.vault import desk_changes
from graph_api.vault.desk_changes import DeskChange
from graph_api.vault.pages import MAX_ROWS, First, Last, Page, Place
from graph_api.vault.vault import Vault
from tests.vault import given
from tests.vault.given import MINUTE, NOON, SECOND


def place(change: DeskChange) -> Place:
    return Place(change.changed_at, change.id)


def ids(page: Page[DeskChange]) -> list[str]:
    return [change.id for change in page.rows]


@pytest.mark.parametrize("seed", range(4))
async def test_leafing_forward_sees_each_row_once_while_others_write(
    vault: Vault, seed: int
) -> None:
    chance = random.Random(seed)
    # Few distinct moments: most rows share theirs with others, and only the id tells them apart.
    there = [
        await given.change(
            vault, LOCAL, f"{chance.getrandbits(64):016x}", at=NOON + chance.randrange(4) * SECOND
        )
        for _ in range(23)
    ]
    seen: list[DeskChange] = []
    window, more = First(5), True
    while more:
        page = await desk_changes.history(vault, LOCAL, window)
        seen += page.rows
        window, more = First(5, after=place(page.rows[-1])), page.older
        # One where it was already read, one in the midst, one newer than all.
        for at in (NOON + 5 * MINUTE, NOON + chance.randrange(4) * SECOND, NOON + MINUTE):
            await given.change(vault, LOCAL, f"late-{chance.getrandbits(64):016x}", at=at)

    old = [change for change in seen if not change.id.startswith("late-")]
    assert old == sorted(there, key=lambda row: (row.changed_at, row.id), reverse=True)
    assert len({change.id for change in seen}) == len(seen)


async def test_leafing_back_sees_the_same_rows_in_the_same_order(vault: Vault) -> None:
    for n in range(7):
        await given.change(vault, LOCAL, str(n), at=NOON + n // 3 * SECOND)

    oldest = await desk_changes.history(vault, LOCAL, Last(3))
    middle = await desk_changes.history(vault, LOCAL, Last(3, before=place(oldest.rows[0])))
    newest = await desk_changes.history(vault, LOCAL, Last(3, before=place(middle.rows[0])))

    assert (ids(oldest), oldest.newer, oldest.older) == (["2", "1", "0"], True, False)
    assert (ids(middle), middle.newer, middle.older) == (["5", "4", "3"], True, True)
    assert (ids(newest), newest.newer, newest.older) == (["6"], False, True)


async def test_a_page_knows_what_lies_beside_it(vault: Vault) -> None:
    for n in range(4):
        await given.change(vault, LOCAL, str(n), at=NOON + n * SECOND)

    first = await desk_changes.history(vault, LOCAL, First(2))
    second = await desk_changes.history(vault, LOCAL, First(2, after=place(first.rows[-1])))

    assert (ids(first), first.newer, first.older) == (["3", "2"], False, True)
    assert (ids(second), second.newer, second.older) == (["1", "0"], True, False)


async def test_moments_a_microsecond_apart_keep_their_order(vault: Vault) -> None:
    for n, id in enumerate("cab"):
        await given.change(vault, LOCAL, id, at=NOON + timedelta(microseconds=n))

    page = await desk_changes.history(vault, LOCAL)

    assert ids(page) == ["b", "a", "c"]
    assert page.rows[0].changed_at - page.rows[-1].changed_at == timedelta(microseconds=2)


async def test_a_place_may_be_where_no_row_is(vault: Vault) -> None:
    await given.change(vault, LOCAL, "1", at=NOON)
    await given.change(vault, LOCAL, "2", at=NOON + MINUTE)

    page = await desk_changes.history(vault, LOCAL, First(after=Place(NOON + SECOND, "gone")))

    assert ids(page) == ["1"]


@pytest.mark.parametrize("window", [First(0), First(MAX_ROWS + 1), Last(-1)])
async def test_a_page_has_a_ceiling(vault: Vault, window: First | Last) -> None:
    with pytest.raises(BadInput, match="A page has 1 to 500 rows"):
        await desk_changes.history(vault, LOCAL, window)
