"""From alerts to notices: each alert once to whom it concerns, and never to who was not there."""

import asyncio
from datetime import UTC, datetime, time, timedelta

import pytest

from graph_api.domain.alerts import Severity
from graph_api.domain.notices import NoticeKind, NoticeState, Routing
from graph_api.domain.principals import Principal
from graph_api.domain.quiet_hours import Afterwards, QuietHours
from graph_api.vault import alert_rules, alerts, destinations, sending, spreading
from graph_api.vault.vault import Vault
from tests.vault import given_notices as given
from tests.vault.given import MINUTE, NOON

#: Noon is in the middle of them.
QUIET = QuietHours(zone="UTC", begins=time(10), ends=time(14))
END = datetime(2024, 5, 17, 14, tzinfo=UTC)


async def test_each_alert_makes_one_notice_for_each_destination(
    vault: Vault, ann: Principal
) -> None:
    rule = await given.rule(vault, ann)
    await given.destination(vault, ann, "pager")
    await given.destination(vault, ann, "desk")
    first, second = [await given.raised(vault, rule, event) for event in ("e1", "e2")]

    assert await given.spread(vault) == 2
    assert await given.spread(vault) == 0

    found = await given.of(vault, ann)
    assert sorted((one.destination, one.subject) for one in found) == sorted(
        (destination, alert) for destination in ("pager", "desk") for alert in (first, second)
    )
    assert {one.kind for one in found} == {NoticeKind.RAISED}
    assert len({one.id for one in found}) == 4


async def test_many_who_walk_together_make_no_notice_twice(vault: Vault, ann: Principal) -> None:
    rule = await given.rule(vault, ann)
    await given.destination(vault, ann)
    for number in range(20):
        await given.raised(vault, rule, f"e{number}")

    async def walk() -> int:
        count = 0
        while walked := await spreading.spread(vault, ann.workspace, now=NOON, most=3):
            count += walked
        return count

    assert sum(await asyncio.gather(*(walk() for _ in range(4)))) == 20
    assert len(await given.of(vault, ann)) == 20


async def test_a_destination_is_told_of_what_is_raised_after_it_was_made(
    vault: Vault, ann: Principal
) -> None:
    rule = await given.rule(vault, ann)
    await given.raised(vault, rule, "before")
    await given.destination(vault, ann)
    after = await given.raised(vault, rule, "after")
    await given.spread(vault)

    assert [one.subject for one in await given.of(vault, ann)] == [after]


async def test_routing_chooses_by_severity_and_rule(vault: Vault, ann: Principal) -> None:
    info = await given.rule(vault, ann, "info", severity=Severity.INFO)
    worst = await given.rule(vault, ann, "worst", severity=Severity.CRITICAL)
    for id, routing in (
        ("all", Routing()),
        ("severe", Routing(min_severity=Severity.WARNING)),
        ("one", Routing(rules=("info",))),
        ("none", Routing(min_severity=Severity.WARNING, rules=("info",))),
    ):
        await given.destination(vault, ann, id, routing=routing)
    of_info, of_worst = (
        await given.raised(vault, info, "e1"),
        await given.raised(vault, worst, "e2"),
    )
    await given.spread(vault)

    told = {(one.destination, one.subject) for one in await given.of(vault, ann)}
    assert told == {
        ("all", of_info),
        ("all", of_worst),
        ("severe", of_worst),
        ("one", of_info),
    }


async def test_nobody_is_told_what_a_muted_rule_raised(vault: Vault, ann: Principal) -> None:
    rule = await given.rule(vault, ann)
    await given.destination(vault, ann)
    await alert_rules.mute(vault, ann, rule.id, until=NOON + MINUTE, now=NOON)
    await given.raised(vault, rule, "muted")
    heard = await given.raised(vault, rule, "heard", at=NOON + MINUTE)
    await given.taken_back(vault, "muted", at=NOON + 2 * MINUTE)
    await given.spread(vault, at=NOON + 2 * MINUTE)

    assert [one.subject for one in await given.of(vault, ann)] == [heard]


async def test_acknowledging_tells_nobody(vault: Vault, ann: Principal) -> None:
    rule = await given.rule(vault, ann)
    await given.destination(vault, ann)
    alert = await given.raised(vault, rule, "e1")
    await alerts.acknowledge(vault, ann, [alert], now=NOON, note="Seen.")

    assert await given.spread(vault) == 2
    assert len(await given.of(vault, ann)) == 1


async def test_other_workspaces_are_told_nothing(
    vault: Vault, ann: Principal, bob: Principal
) -> None:
    rule = await given.rule(vault, ann)
    await given.destination(vault, bob)
    await given.raised(vault, rule, "e1")
    await given.spread(vault)

    assert await given.of(vault, ann) == await given.of(vault, bob) == []
    assert await spreading.behind(vault) == []


async def test_one_that_is_off_is_told_nothing_of_what_passes_meanwhile(
    vault: Vault, ann: Principal
) -> None:
    rule = await given.rule(vault, ann)
    await given.destination(vault, ann)
    await destinations.change(vault, ann, "pager", now=NOON, changes={"enabled": False})
    await given.raised(vault, rule, "e1")
    await given.spread(vault)
    await given.raised(vault, rule, "e2")
    await destinations.change(vault, ann, "pager", now=NOON, changes={"enabled": True})
    await given.spread(vault)

    assert await given.of(vault, ann) == []


async def test_what_is_taken_back_before_it_is_sent_is_told_to_nobody(
    vault: Vault, ann: Principal
) -> None:
    rule = await given.rule(vault, ann)
    await given.destination(vault, ann)
    await given.raised(vault, rule, "e1")
    await given.spread(vault)
    await given.taken_back(vault, "e1")
    await given.spread(vault, at=NOON + MINUTE)

    (notice,) = await given.of(vault, ann)
    assert notice.state is NoticeState.DROPPED
    assert not await sending.is_due(vault, now=NOON + MINUTE)


async def test_who_was_told_is_told_that_it_is_taken_back(vault: Vault, ann: Principal) -> None:
    rule = await given.rule(vault, ann)
    await given.destination(vault, ann)
    alert = await given.raised(vault, rule, "e1")
    await given.spread(vault)
    await given.settled(vault, await given.claimed(vault))
    await given.taken_back(vault, "e1")
    await given.spread(vault, at=NOON + MINUTE)

    held = await given.claimed(vault, at=NOON + MINUTE)
    told = await sending.told(vault, held)
    assert (held.notice.kind, held.notice.subject) == (NoticeKind.RETRACTED, alert)
    assert ([one.id for one in told.retracted], told.raised) == ([alert], [])


async def test_who_may_have_been_told_is_told_that_it_is_taken_back(
    vault: Vault, ann: Principal
) -> None:
    # The try failed, but nobody knows whether the receiver heard of it.
    rule = await given.rule(vault, ann)
    await given.destination(vault, ann)
    await given.raised(vault, rule, "e1")
    await given.spread(vault)
    await given.settled(vault, await given.claimed(vault), given.FAILED)
    await given.taken_back(vault, "e1")
    await given.spread(vault, at=NOON + MINUTE)

    kinds = [(one.kind, one.state) for one in await given.of(vault, ann)]
    assert kinds == [
        (NoticeKind.RAISED, NoticeState.WAITING),
        (NoticeKind.RETRACTED, NoticeState.WAITING),
    ]


async def test_quiet_hours_hold_back_and_tell_together(vault: Vault, ann: Principal) -> None:
    rule = await given.rule(vault, ann)
    await given.destination(vault, ann, quiet=QUIET)
    ids = [await given.raised(vault, rule, f"e{number}") for number in range(3)]
    await given.spread(vault)

    assert not await sending.is_due(vault, now=END - timedelta(microseconds=1))
    held = await given.claimed(vault, at=END)
    told = await sending.told(vault, held)
    assert (held.notice.kind, held.notice.alerts) == (NoticeKind.HELD, 3)
    assert [one.id for one in told.raised] == ids
    assert await sending.claim(vault, worker="w", now=END, lease=MINUTE) is None


async def test_quiet_hours_hold_back_and_tell_each(vault: Vault, ann: Principal) -> None:
    each = QuietHours(zone="UTC", begins=time(10), ends=time(14), afterwards=Afterwards.EACH)
    rule = await given.rule(vault, ann)
    await given.destination(vault, ann, quiet=each)
    for number in range(3):
        await given.raised(vault, rule, f"e{number}")
    await given.spread(vault)

    found = await given.of(vault, ann)
    assert [(one.kind, one.due_at) for one in found] == [(NoticeKind.RAISED, END)] * 3


async def test_what_is_critical_passes_quiet_hours_unless_told_otherwise(
    vault: Vault, ann: Principal
) -> None:
    silent = QuietHours(zone="UTC", begins=time(10), ends=time(14), critical_passes=False)
    rule = await given.rule(vault, ann, severity=Severity.CRITICAL)
    await given.destination(vault, ann, "passes", quiet=QUIET)
    await given.destination(vault, ann, "silent", quiet=silent)
    await given.raised(vault, rule, "e1")
    await given.spread(vault)

    due = {one.destination: one.due_at for one in await given.of(vault, ann)}
    assert due == {"passes": NOON, "silent": END}


async def test_what_is_taken_back_during_quiet_hours_is_left_out(
    vault: Vault, ann: Principal
) -> None:
    rule = await given.rule(vault, ann)
    await given.destination(vault, ann, quiet=QUIET)
    first, second = [await given.raised(vault, rule, event) for event in ("e1", "e2")]
    await given.spread(vault)
    await given.taken_back(vault, "e1")
    await given.spread(vault, at=NOON + MINUTE)
    third = await given.raised(vault, rule, "e3", at=NOON + MINUTE)
    await given.spread(vault, at=NOON + MINUTE)

    held = await given.claimed(vault, at=END)
    told = await sending.told(vault, held)
    assert [one.id for one in told.raised] == [second, third]
    assert (told.retracted, held.notice.alerts) == ([], 2)
    assert first not in {one.id for one in told.raised}


async def test_nothing_is_told_where_all_was_taken_back(vault: Vault, ann: Principal) -> None:
    rule = await given.rule(vault, ann)
    await given.destination(vault, ann, quiet=QUIET)
    await given.raised(vault, rule, "e1")
    await given.taken_back(vault, "e1")
    await given.spread(vault)

    assert await given.states(vault, ann) == [NoticeState.DROPPED]
    assert not await sending.is_due(vault, now=END)


async def test_other_quiet_hours_hold_for_what_waits_already(vault: Vault, ann: Principal) -> None:
    rule = await given.rule(vault, ann)
    await given.destination(vault, ann, quiet=QUIET)
    await given.raised(vault, rule, "e1")
    await given.spread(vault)

    longer = QuietHours(zone="UTC", begins=time(10), ends=time(20))
    await destinations.change(vault, ann, "pager", now=NOON, changes={"quiet": longer})
    assert [one.due_at for one in await given.of(vault, ann)] == [END + timedelta(hours=6)]
    await destinations.change(vault, ann, "pager", now=NOON, changes={"quiet": None})
    assert await sending.is_due(vault, now=NOON)


async def test_a_long_night_is_told_in_several_messages(
    vault: Vault, ann: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spreading, "MOST_TOGETHER", 2)
    rule = await given.rule(vault, ann)
    await given.destination(vault, ann, quiet=QUIET)
    for number in range(5):
        await given.raised(vault, rule, f"e{number}")
    await given.spread(vault)

    found = await given.of(vault, ann)
    assert sorted(one.alerts for one in found) == [1, 2, 2]
    assert len({one.id for one in found}) == 3
