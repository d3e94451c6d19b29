"""Notices are sent at least once, tried again, given up, and played again."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from graph_api.domain.errors import BadInput, NotFound
from graph_api.domain.notices import (
    MAX_TRIES,
    RETRIES,
    Destination,
    NoticeKind,
    NoticeState,
    Outcome,
    Verdict,
)
from graph_api.domain.principals import Principal
from graph_api.vault import destinations, notices, sending
from graph_api.vault.destinations import Counts
from graph_api.vault.sending import Held, HoldLost
from graph_api.vault.vault import Vault
from tests.vault import given_notices as given
from tests.vault.given import MINUTE, NOON, SECOND
from tests.vault.given_notices import FAILED, PATIENCE

DAY = timedelta(days=1)
GONE = Outcome(verdict=Verdict.GONE, status=410, reason="It wants no more notices (HTTP 410).")
NEVER = Outcome(verdict=Verdict.NEVER, status=550, reason="Unknown.")


async def waiting(vault: Vault, ann: Principal, count: int = 1, **changes: Any) -> None:
    """So many notices to one destination."""
    rule = await given.rule(vault, ann)
    await given.destination(vault, ann, **changes)
    for number in range(count):
        await given.raised(vault, rule, f"e{number}")
    await given.spread(vault)


async def pager(vault: Vault, ann: Principal, id: str = "pager") -> Destination:
    return (await destinations.by_ids(vault, ann, [id]))[id]


async def claim(vault: Vault, *, at: Any = NOON) -> Held | None:
    return await sending.claim(vault, worker="other", now=at, lease=MINUTE)


async def test_a_notice_is_held_by_one_and_sent(vault: Vault, ann: Principal) -> None:
    await waiting(vault, ann)
    held = await given.claimed(vault)

    assert await claim(vault) is None
    sent = await given.settled(vault, held)

    assert (sent.state, sent.status, sent.attempts) == (NoticeState.SENT, 204, 1)
    assert await claim(vault, at=NOON + DAY) is None
    after = await pager(vault, ann)
    assert (after.sent, after.failed, after.failing_since) == (1, 0, None)


async def test_many_who_claim_together_get_each_notice_once(vault: Vault, ann: Principal) -> None:
    rule = await given.rule(vault, ann)
    for number in range(8):
        await given.destination(vault, ann, f"d{number}")
    await given.raised(vault, rule, "e1")
    await given.spread(vault)

    held = await asyncio.gather(*(claim(vault) for _ in range(12)))

    ids = [one.notice.id for one in held if one is not None]
    assert len(ids) == len(set(ids)) == 8


async def test_what_a_dead_sender_held_is_sent_by_another_under_the_same_id(
    vault: Vault, ann: Principal
) -> None:
    await waiting(vault, ann)
    late = await given.claimed(vault)
    again = await given.claimed(vault, at=NOON + MINUTE)

    assert again.notice.id == late.notice.id
    assert again.notice.attempts == 2
    with pytest.raises(HoldLost):
        await given.settled(vault, late, FAILED)
    assert (await given.settled(vault, again, at=NOON + MINUTE)).state is NoticeState.SENT
    with pytest.raises(HoldLost):
        await given.settled(vault, again)


async def test_a_sender_that_is_late_but_alone_is_believed(vault: Vault, ann: Principal) -> None:
    await waiting(vault, ann)
    late = await given.claimed(vault)

    assert (await given.settled(vault, late, at=NOON + DAY)).state is NoticeState.SENT


async def test_a_notice_that_fails_is_tried_for_days_and_then_dead(
    vault: Vault, ann: Principal
) -> None:
    await waiting(vault, ann)
    at, waits = NOON, []
    for _ in range(MAX_TRIES):
        held = await given.claimed(vault, at=at)
        notice = await given.settled(vault, held, FAILED, at=at)
        waits.append(notice.due_at - at)
        at = notice.due_at

    assert waits[:-1] == [*RETRIES]
    assert (notice.state, notice.reason) == (NoticeState.DEAD, "It answers HTTP 500.")
    assert await claim(vault, at=at + 30 * DAY) is None
    assert (await pager(vault, ann)).failed == MAX_TRIES


async def test_what_takes_down_its_senders_is_dead_in_the_end(vault: Vault, ann: Principal) -> None:
    await waiting(vault, ann)
    for number in range(MAX_TRIES):
        await given.claimed(vault, at=NOON + number * MINUTE)

    assert await claim(vault, at=NOON + DAY) is None
    (notice,) = await given.of(vault, ann)
    assert notice.state is NoticeState.DEAD
    assert notice.reason == f"{MAX_TRIES} tries began and none came to its end."


async def test_what_is_hopeless_is_dead_at_once(vault: Vault, ann: Principal) -> None:
    await waiting(vault, ann)

    notice = await given.settled(vault, await given.claimed(vault), NEVER)

    assert (notice.state, notice.status) == (NoticeState.DEAD, 550)


async def test_a_destination_that_fails_is_left_alone_and_probed_by_one(
    vault: Vault, ann: Principal
) -> None:
    await waiting(vault, ann, 3)
    await given.settled(vault, await given.claimed(vault), FAILED)

    assert await claim(vault) is None
    probe = await given.claimed(vault, at=NOON + 2 * SECOND)
    assert await claim(vault, at=NOON + 2 * SECOND) is None
    await given.settled(vault, probe, at=NOON + 2 * SECOND)
    assert await claim(vault, at=NOON + 2 * SECOND) is not None


async def test_a_receiver_that_asks_for_time_gets_it(vault: Vault, ann: Principal) -> None:
    await waiting(vault, ann, 2)
    busy = replace(FAILED, status=429, wait_s=600.0)
    notice = await given.settled(vault, await given.claimed(vault), busy)

    assert notice.due_at == NOON + 10 * MINUTE
    assert await claim(vault, at=NOON + 10 * MINUTE - SECOND) is None
    assert await claim(vault, at=NOON + 10 * MINUTE) is not None


async def test_so_many_are_under_way_to_one_destination(vault: Vault, ann: Principal) -> None:
    await waiting(vault, ann, 6)

    held = [await claim(vault) for _ in range(6)]

    assert [one is not None for one in held] == [True] * 4 + [False] * 2


async def test_tries_that_fail_together_count_once_against_the_destination(
    vault: Vault, ann: Principal
) -> None:
    await waiting(vault, ann, 4)
    for held in [await given.claimed(vault) for _ in range(4)]:
        await given.settled(vault, held, FAILED)

    after = await pager(vault, ann)
    assert (after.failures, after.failed) == (1, 4)


async def test_who_wants_no_more_is_switched_off_and_the_others_are_told(
    vault: Vault, ann: Principal
) -> None:
    await waiting(vault, ann, 2)
    await given.destination(vault, ann, "desk")
    await given.settled(vault, await given.claimed(vault), GONE)

    off = await pager(vault, ann)
    assert (off.enabled, off.disabled_at, off.disabled_reason) == (False, NOON, GONE.reason)
    states = {(one.destination, one.kind, one.state) for one in await given.of(vault, ann)}
    assert states == {
        ("pager", NoticeKind.RAISED, NoticeState.DEAD),
        ("desk", NoticeKind.DISABLED, NoticeState.WAITING),
    }
    told = await given.claimed(vault)
    assert (told.destination.id, told.notice.subject) == ("desk", "pager")


async def test_who_only_fails_for_days_is_switched_off(vault: Vault, ann: Principal) -> None:
    await waiting(vault, ann, 2)
    await given.settled(vault, await given.claimed(vault), FAILED)
    almost = NOON + PATIENCE - SECOND
    await given.settled(vault, await given.claimed(vault, at=almost), FAILED, at=almost)
    assert (await pager(vault, ann)).enabled

    at = NOON + PATIENCE + MINUTE
    await given.settled(vault, await given.claimed(vault, at=at), FAILED, at=at)

    off = await pager(vault, ann)
    assert not off.enabled
    assert off.disabled_reason is not None
    assert off.disabled_reason.startswith("Every try has failed since 2024-05-17 12:00 UTC.")
    assert await given.states(vault, ann) == [NoticeState.DEAD] * 2


async def test_a_success_ends_the_count_of_days(vault: Vault, ann: Principal) -> None:
    await waiting(vault, ann, 3)
    await given.settled(vault, await given.claimed(vault), FAILED)
    at = NOON + PATIENCE - MINUTE
    await given.settled(vault, await given.claimed(vault, at=at), at=at)
    at = NOON + PATIENCE + MINUTE
    await given.settled(vault, await given.claimed(vault, at=at), FAILED, at=at)

    after = await pager(vault, ann)
    assert (after.enabled, after.failing_since) == (True, at)


async def test_a_dead_letter_is_played_again_under_its_id(vault: Vault, ann: Principal) -> None:
    await waiting(vault, ann)
    dead = await given.settled(vault, await given.claimed(vault), NEVER)

    await notices.replay(vault, ann, dead.id, now=NOON + MINUTE)
    held = await given.claimed(vault, at=NOON + MINUTE)

    assert (held.notice.id, held.notice.attempts) == (dead.id, 1)
    sent = await given.settled(vault, held, at=NOON + MINUTE)
    with pytest.raises(BadInput, match="is sent; dead letters can be replayed"):
        await notices.replay(vault, ann, sent.id, now=NOON)


async def test_all_dead_letters_of_a_destination_are_played_again(
    vault: Vault, ann: Principal
) -> None:
    await waiting(vault, ann, 3)
    await given.settled(vault, await given.claimed(vault), GONE)

    with pytest.raises(BadInput, match="switch it on first"):
        await notices.replay_all(vault, ann, "pager", now=NOON)
    await destinations.change(vault, ann, "pager", now=NOON, changes={"enabled": True})

    assert await notices.replay_all(vault, ann, "pager", now=NOON) == 3
    assert (await destinations.counts(vault, ann, ["pager"], now=NOON))["pager"].waiting == 3


async def test_switching_off_drops_what_waits(vault: Vault, ann: Principal) -> None:
    await waiting(vault, ann, 2)
    held = await given.claimed(vault)
    await destinations.change(vault, ann, "pager", now=NOON, changes={"enabled": False})

    assert await given.states(vault, ann) == [NoticeState.DROPPED] * 2
    assert await claim(vault) is None
    with pytest.raises(HoldLost):
        await given.settled(vault, held, FAILED)


async def test_one_that_is_removed_loses_its_secrets_and_keeps_its_history(
    vault: Vault, ann: Principal
) -> None:
    await waiting(vault, ann)
    await destinations.remove(vault, ann, "pager", now=NOON)

    with pytest.raises(NotFound, match="no destination pager"):
        await destinations.opened(vault, ann, "pager", seal=given.SEAL)
    assert await destinations.sealed(vault, ann) == {}
    assert (await destinations.history(vault, ann)).rows == []
    assert (await pager(vault, ann)).enabled is False
    assert await given.states(vault, ann) == [NoticeState.DROPPED]


async def test_what_is_secret_is_read_with_the_seal_alone(vault: Vault, ann: Principal) -> None:
    await given.destination(vault, ann)

    found, endpoint = await destinations.opened(vault, ann, "pager", seal=given.SEAL)
    assert (found.address, endpoint) == ("https://hooks.example/alerts", given.ENDPOINT)
    assert "whsec_" not in repr(endpoint)
    for text in (await destinations.sealed(vault, ann)).values():
        assert "hooks.example" not in text


async def test_a_workspace_has_so_many_destinations(
    vault: Vault, ann: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(destinations, "MOST", 2)
    for id in ("one", "two"):
        await given.destination(vault, ann, id)
    with pytest.raises(BadInput, match="up to 2 destinations"):
        await given.destination(vault, ann, "three")
    await destinations.remove(vault, ann, "one", now=NOON)
    await given.destination(vault, ann, "three")


async def test_what_waits_is_counted_and_what_is_held_back_is_not_late(
    vault: Vault, ann: Principal
) -> None:
    await waiting(vault, ann, 3)
    await given.destination(vault, ann, "idle")
    await given.settled(vault, await given.claimed(vault), NEVER)
    found = await destinations.counts(vault, ann, ["pager", "idle"], now=NOON)

    assert found == {"pager": Counts(waiting=2, dead=1, oldest_at=NOON), "idle": Counts()}
    early = await destinations.counts(vault, ann, ["pager"], now=NOON - SECOND)
    assert early["pager"].oldest_at is None


async def test_what_ended_is_forgotten_and_dead_letters_stay(vault: Vault, ann: Principal) -> None:
    await waiting(vault, ann, 3)
    await given.settled(vault, await given.claimed(vault))
    await given.settled(vault, await given.claimed(vault), NEVER)

    assert await notices.forget(vault, before=NOON) == 0
    assert await notices.forget(vault, before=NOON + SECOND) == 1
    assert set(await given.states(vault, ann)) == {NoticeState.WAITING, NoticeState.DEAD}
    await destinations.remove(vault, ann, "pager", now=NOON)
    assert await notices.forget(vault, before=NOON + SECOND) == 2


async def test_notices_are_found_by_state_destination_and_alert(
    vault: Vault, ann: Principal
) -> None:
    await waiting(vault, ann, 2)
    sent = await given.settled(vault, await given.claimed(vault))

    assert [one.id for one in await given.of(vault, ann, states=[NoticeState.SENT])] == [sent.id]
    assert [one.id for one in await given.of(vault, ann, alert=sent.subject)] == [sent.id]
    assert len(await given.of(vault, ann, destination="pager")) == 2
    assert await given.of(vault, ann, destination="other") == []
    assert await notices.alert_ids(vault, ann, [sent.id]) == {sent.id: [sent.subject]}


async def test_nothing_of_it_is_seen_or_touched_from_elsewhere(
    vault: Vault, ann: Principal, bob: Principal
) -> None:
    await waiting(vault, ann)
    dead = await given.settled(vault, await given.claimed(vault), NEVER)

    assert await destinations.by_ids(vault, bob, ["pager"]) == {}
    assert await notices.by_ids(vault, bob, [dead.id]) == {}
    assert await given.of(vault, bob) == []
    assert (await destinations.counts(vault, bob, ["pager"], now=NOON))["pager"] == Counts()
    assert await notices.alert_ids(vault, bob, [dead.id]) == {}
    for attempt in (
        notices.replay(vault, bob, dead.id, now=NOON),
        notices.replay_all(vault, bob, "pager", now=NOON),
        destinations.change(vault, bob, "pager", now=NOON, changes={"enabled": False}),
        destinations.remove(vault, bob, "pager", now=NOON),
        destinations.opened(vault, bob, "pager", seal=given.SEAL),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert (await pager(vault, ann)).enabled
