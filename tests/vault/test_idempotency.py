"""Keys of changes: what was asked under one happens once, whoever comes at the same moment."""

import asyncio
from datetime import datetime
from typing import Any

import pytest

from graph_api.domain.errors import BadInput
from graph_api.domain.principals import LOCAL, Principal
from graph_api.vault import idempotency, watchlists
from graph_api.vault.idempotency import KEPT_FOR, Answer
from graph_api.vault.vault import Vault
from tests.vault.given import MINUTE, NOON


async def keyed(vault: Vault, name: str, *, key: str = "key") -> object:
    """Makes a list under a key; answers what was kept where it was made before."""
    async with vault.together() as door:
        known = await idempotency.begin(
            door, LOCAL, key, mutation="make", fingerprint=name, now=NOON
        )
        if known is not None:
            return known
        made = await watchlists.create(door, LOCAL, id=name, name=name, now=NOON)
        await idempotency.keep(door, LOCAL, key, answer={"id": made.id})
        return made


async def test_a_change_is_made_once_and_its_answer_kept(vault: Vault) -> None:
    await keyed(vault, "desks")

    assert await keyed(vault, "desks") == Answer({"id": "desks"})
    with pytest.raises(BadInput, match="'key' stands for another change"):
        await keyed(vault, "funds")


async def test_of_those_that_come_together_one_makes_the_change(vault: Vault) -> None:
    ends = await asyncio.gather(*(keyed(vault, "desks") for _ in range(5)))

    assert sorted(isinstance(end, Answer) for end in ends) == [False, True, True, True, True]
    assert len((await watchlists.history(vault, LOCAL)).rows) == 1


async def test_a_change_that_fails_leaves_its_key_free(vault: Vault) -> None:
    with pytest.raises(BadInput, match="printable"):
        await keyed(vault, "\a")

    assert not isinstance(await keyed(vault, "desks"), Answer)


async def test_a_key_is_forgotten_after_a_day(vault: Vault) -> None:
    async def begin(at: datetime) -> Answer | None:
        return await idempotency.begin(
            vault, LOCAL, "key", mutation="make", fingerprint="1", now=at
        )

    assert await begin(NOON) is None
    await idempotency.keep(vault, LOCAL, "key", answer=None)
    assert await begin(NOON + KEPT_FOR - MINUTE) == Answer(None)
    assert await begin(NOON + KEPT_FOR) is None


async def test_keys_belong_to_who_uses_them(vault: Vault, ann: Principal) -> None:
    asked: dict[str, Any] = {"mutation": "make", "fingerprint": "1", "now": NOON}
    assert await idempotency.begin(vault, LOCAL, "key", **asked) is None
    assert await idempotency.begin(vault, ann, "key", **asked) is None


@pytest.mark.parametrize("key", ["", "x" * 201, "line\nbreak"])
async def test_a_key_is_short_and_printable(vault: Vault, key: str) -> None:
    with pytest.raises(BadInput, match="1 to 200 printable characters"):
        await keyed(vault, "desks", key=key)
