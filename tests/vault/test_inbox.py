"""The inbox: bodies kept once, in order, worked off by one at a time, and never lost."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from graph_api.domain.errors import BadInput, NotFound
from graph_api.domain.principals import LOCAL, Principal
from graph_api.domain.webhooks import Call, Sender
from graph_api.vault import inbox
from graph_api.vault.inbox import MAX_ATTEMPTS, Delivery, DeliveryState, Hold, HoldLost, Opened
from graph_api.vault.pages import First, Place
from graph_api.vault.vault import Vault
from tests.vault.given import MINUTE, NOON, SECOND

ALL = tuple(DeliveryState)


async def put(
    vault: Vault,
    principal: Principal,
    id: str,
    *,
    hook: str = "main",
    identity: str | None = None,
    body: bytes = b"body",
    minute: int = 0,
) -> bool:
    return await inbox.accept(
        vault,
        principal,
        body,
        id=id,
        sender=Sender.MORALIS,
        hook=hook,
        call=Call(identity=identity or id),
        now=NOON + minute * MINUTE,
    )


async def claimed(vault: Vault, principal: Principal, *, minute: int = 0) -> Hold:
    hold = await inbox.claim(
        vault, principal, worker="worker", now=NOON + minute * MINUTE, lease=MINUTE
    )
    assert hold is not None
    return hold


async def taken(vault: Vault, hold: Hold) -> Opened:
    opened = await inbox.take(vault, hold, now=NOON, lease=MINUTE)
    assert opened is not None
    return opened


async def buried(vault: Vault, principal: Principal, id: str) -> Delivery:
    await put(vault, principal, id)
    hold = await claimed(vault, principal)
    await inbox.bury(
        vault, hold, (await taken(vault, hold)).delivery, reason="No JSON.\0", now=NOON
    )
    await inbox.release(vault, hold)
    found = await inbox.by_id(vault, principal, id)
    assert found is not None
    return found


async def test_bodies_are_worked_off_in_the_order_of_their_hook(vault: Vault) -> None:
    bodies = {f"{n}": bytes([0, n, 255]) for n in range(5)}
    for id, body in bodies.items():
        assert await put(vault, LOCAL, id, body=body)
    hold, found = await claimed(vault, LOCAL), []
    while (opened := await inbox.take(vault, hold, now=NOON, lease=MINUTE)) is not None:
        found.append((opened.delivery.id, opened.body))
        await inbox.finish(vault, hold, opened.delivery, now=NOON + SECOND)

    assert found == list(bodies.items())
    assert await inbox.claim(vault, LOCAL, worker="w", now=NOON + MINUTE, lease=MINUTE) is None
    page = await inbox.history(vault, LOCAL, states=(DeliveryState.DONE,))
    assert {one.finished_at for one in page.rows} == {NOON + SECOND}


async def test_the_same_call_is_kept_once_whoever_accepts_it(vault_url: str) -> None:
    async with AsyncExitStack() as stack:
        vaults = [await stack.enter_async_context(await Vault.open(vault_url)) for _ in range(6)]
        stored = await asyncio.gather(
            *(put(vault, LOCAL, f"{n}", identity="same") for n, vault in enumerate(vaults))
        )
        other = await put(vaults[0], LOCAL, "7", identity="same", hook="other")

        assert sorted(stored) == [False] * 5 + [True]
        assert other
        numbers = await asyncio.gather(
            *(put(vault, LOCAL, f"more {n}") for n, vault in enumerate(vaults))
        )
        assert all(numbers)
        page = await inbox.history(vaults[0], LOCAL, First(50), states=ALL, hook="main")
        assert len({one.number for one in page.rows}) == 7


async def test_one_worker_at_a_time_has_a_hook(vault: Vault) -> None:
    await put(vault, LOCAL, "1")
    silent = await claimed(vault, LOCAL)
    delivery = (await taken(vault, silent)).delivery
    nobody = await inbox.claim(vault, LOCAL, worker="w", now=NOON + SECOND, lease=MINUTE)

    heir = await claimed(vault, LOCAL, minute=1)

    assert nobody is None
    assert heir.fence > silent.fence
    for late in (
        inbox.renew(vault, silent, now=NOON, lease=MINUTE),
        inbox.take(vault, silent, now=NOON, lease=MINUTE),
        inbox.finish(vault, silent, delivery, now=NOON),
        inbox.bury(vault, silent, delivery, reason="late", now=NOON),
        inbox.put_back(vault, silent, delivery),
    ):
        with pytest.raises(HoldLost):
            await late
    await inbox.release(vault, silent)
    assert (await taken(vault, heir)).delivery.attempts == 2


async def test_the_hook_that_waits_longest_comes_first(vault: Vault) -> None:
    await put(vault, LOCAL, "1", hook="b", minute=1)
    await put(vault, LOCAL, "2", hook="a", minute=2)

    first, second = await claimed(vault, LOCAL, minute=3), await claimed(vault, LOCAL, minute=3)

    assert (first.hook, second.hook) == ("b", "a")


async def test_a_body_over_which_workers_fall_is_set_aside(vault: Vault) -> None:
    await put(vault, LOCAL, "deadly")
    await put(vault, LOCAL, "fine")
    for life in range(MAX_ATTEMPTS):
        hold = await claimed(vault, LOCAL, minute=life * 2)
        assert (await taken(vault, hold)).delivery.id == "deadly"

    hold = await claimed(vault, LOCAL, minute=MAX_ATTEMPTS * 2)

    assert (await taken(vault, hold)).delivery.id == "fine"
    (dead,) = (await inbox.history(vault, LOCAL)).rows
    assert (dead.id, dead.state) == ("deadly", DeliveryState.DEAD)
    assert dead.reason == "5 workers began this body and none came to its end."


async def test_who_was_not_to_blame_does_not_count(vault: Vault) -> None:
    await put(vault, LOCAL, "1")
    hold = await claimed(vault, LOCAL)
    for _ in range(2 * MAX_ATTEMPTS):
        await inbox.put_back(vault, hold, (await taken(vault, hold)).delivery)

    assert (await taken(vault, hold)).delivery.attempts == 1


async def test_a_dead_letter_waits_again_behind_all_others(vault: Vault) -> None:
    dead = await buried(vault, LOCAL, "1")
    await put(vault, LOCAL, "2")

    again = await inbox.replay(vault, LOCAL, "1")

    assert dead.reason == "No JSON. "
    assert (again.state, again.reason, again.attempts) == (DeliveryState.WAITING, None, 0)
    assert await inbox.replay(vault, LOCAL, "1") == again
    hold = await claimed(vault, LOCAL)
    order = []
    while (opened := await inbox.take(vault, hold, now=NOON, lease=MINUTE)) is not None:
        order.append(opened.delivery.id)
        await inbox.finish(vault, hold, opened.delivery, now=NOON)
    assert order == ["2", "1"]


async def test_only_dead_letters_can_be_dropped(vault: Vault) -> None:
    await buried(vault, LOCAL, "1")
    await put(vault, LOCAL, "2")

    dropped = await inbox.drop(vault, LOCAL, "1", now=NOON)

    assert dropped.state is DeliveryState.DROPPED
    assert await inbox.drop(vault, LOCAL, "1", now=NOON + MINUTE) == dropped
    assert not await put(vault, LOCAL, "3", identity="1")
    with pytest.raises(BadInput, match="waiting"):
        await inbox.drop(vault, LOCAL, "2", now=NOON)
    with pytest.raises(NotFound):
        await inbox.drop(vault, LOCAL, "nothing", now=NOON)


async def test_a_workspace_sees_and_does_what_is_its_own(
    vault: Vault, ann: Principal, bob: Principal
) -> None:
    await buried(vault, ann, "1")
    assert await put(vault, bob, "1")

    assert await inbox.bodies(vault, bob, ["1"]) == {"1": b"body"}
    assert (await inbox.history(vault, bob)).rows == []
    assert [one.dead for one in await inbox.hook_states(vault, ann)] == [1]
    assert [(one.waiting, one.dead) for one in await inbox.hook_states(vault, bob)] == [(1, 0)]
    with pytest.raises(BadInput):
        await inbox.drop(vault, bob, "1", now=NOON)
    assert (await claimed(vault, bob)).workspace == bob.workspace
    assert await inbox.claim(vault, ann, worker="w", now=NOON, lease=MINUTE) is None


async def test_what_is_over_is_forgotten_in_time_and_dead_letters_are_not(vault: Vault) -> None:
    await buried(vault, LOCAL, "dead")
    await put(vault, LOCAL, "done")
    hold = await claimed(vault, LOCAL)
    await inbox.finish(vault, hold, (await taken(vault, hold)).delivery, now=NOON)
    await put(vault, LOCAL, "waits")

    early = await inbox.forget(vault, LOCAL, before=NOON)
    late = await inbox.forget(vault, LOCAL, before=NOON + SECOND)

    assert (early, late) == (0, 1)
    page = await inbox.history(vault, LOCAL, states=ALL)
    assert sorted(one.id for one in page.rows) == ["dead", "waits"]


async def test_dead_letters_come_page_by_page(vault: Vault) -> None:
    for n in range(5):
        await buried(vault, LOCAL, f"{n}")
    first = await inbox.history(vault, LOCAL, First(3))
    last = first.rows[-1]
    rest = await inbox.history(vault, LOCAL, First(3, after=Place(last.received_at, last.id)))

    assert [one.id for one in (*first.rows, *rest.rows)] == ["4", "3", "2", "1", "0"]
    assert (first.older, rest.older) == (True, False)


async def test_the_latest_word_on_a_block_that_is_gone_holds(vault: Vault) -> None:
    for minutes in (1, 3, 2):
        await inbox.note_gone(
            vault, LOCAL, "eip155:1", "0xa", said_at=NOON + timedelta(minutes=minutes)
        )

    found = await inbox.gone_at(vault, LOCAL, "eip155:1", ["0xa", "0xb"])

    assert found == {"0xa": NOON + 3 * MINUTE}
    assert await inbox.gone_at(vault, LOCAL, "eip155:56", ["0xa"]) == {}
    await inbox.forget(vault, LOCAL, before=NOON + 4 * MINUTE)
    assert await inbox.gone_at(vault, LOCAL, "eip155:1", ["0xa"]) == {}
