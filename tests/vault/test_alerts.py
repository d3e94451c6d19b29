"""Alerts are kept once, numbered without a gap, quiet for a while, and taken back."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from graph_api.domain.alerts import (
    AlertNews,
    Finding,
    LargeTransfer,
    Rule,
    Severity,
    Size,
)
from graph_api.domain.events import Lane, Line
from graph_api.domain.principals import Principal
from graph_api.domain.refusals import Refused
from graph_api.vault import alert_news, alert_rules, alerts, judged, judging
from graph_api.vault.alerts import Wanted
from graph_api.vault.judging import Flowed, Judged, Kept, Raised, TakenBack, Verdict
from graph_api.vault.vault import Vault
from tests.vault.given import MINUTE, NOON

LANE = Lane(Line.TRANSFERS, "eip155:1")
LARGE = LargeTransfer(size=Size(min_usd=Decimal("1000.50"), min_amount_raw=10**30))


async def rule_of(
    vault: Vault, principal: Principal, id: str = "large", *, cool_down_s: int = 0
) -> Rule:
    """A rule of ``principal`` on record."""
    return await alert_rules.create(
        vault,
        principal,
        id=id,
        name=f"Rule {id}",
        condition=LARGE,
        severity=Severity.WARNING,
        cool_down_s=cool_down_s,
        now=NOON,
    )


def raised(
    rule: Rule,
    number: int,
    *,
    at: datetime = NOON,
    subject: str = "whale",
    cause: str | None = None,
    quiet_s: int = 0,
) -> Raised:
    finding = Finding(subject=subject, title=f"Event {number}.", facts={"number": number})
    return Raised(
        number=number,
        rule=rule,
        finding=finding,
        event=f"{LANE}:first:{number}",
        event_at=at,
        cause=cause,
        quiet_s=quiet_s,
    )


async def keep(
    vault: Vault, verdicts: Sequence[Verdict], *, through: int | None = None, now: datetime = NOON
) -> Kept:
    number = max((one.number for one in verdicts), default=0) if through is None else through
    judged = Judged(lane=LANE, epoch="first", number=number)
    return await judging.keep(vault, verdicts, judged=judged, now=now)


async def numbers(vault: Vault, principal: Principal) -> list[tuple[int, int]]:
    """The workspace's alerts: their own numbers, and those of their events."""
    found = await alerts.after(vault, principal, 0)
    return [(one.number, one.facts["number"]) for one in found]


async def test_what_is_judged_again_is_kept_once(vault: Vault, ann: Principal) -> None:
    rule = await rule_of(vault, ann)
    assert await judged.rules(vault) == [rule]

    await keep(vault, [raised(rule, 1), raised(rule, 3)], through=5)
    again = await keep(vault, [raised(rule, 1), raised(rule, 3), raised(rule, 6)])
    more = await judging.keep(vault, [raised(rule, 3), raised(rule, 4)], judged=None, now=NOON)

    assert (again.before, again.raised, more.raised) == (5, 1, 1)
    assert await numbers(vault, ann) == [(1, 1), (2, 3), (3, 6), (4, 4)]
    assert await judging.judged_through(vault, LANE, "first") == 6
    assert await judging.judged_through(vault, LANE, "second") == 0


async def test_numbers_have_no_gap_in_any_workspace_however_many_keep_at_once(
    vault: Vault, ann: Principal, bob: Principal
) -> None:
    rules = [await rule_of(vault, ann), await rule_of(vault, bob)]

    async def lane(number: int) -> None:
        for event in range(1, 6):
            verdicts = [raised(rule, event, subject=f"{number}") for rule in rules]
            # One half counts the workspaces in the other order.
            judged = Judged(lane=Lane(Line.OTC, f"eip155:{number}"), epoch="first", number=event)
            await judging.keep(vault, verdicts[:: -1 if number % 2 else 1], judged=judged, now=NOON)

    await asyncio.gather(*map(lane, range(6)))

    for one in (ann, bob):
        assert [number for number, _ in await numbers(vault, one)] == list(range(1, 31))
    news = await alert_news.after(vault, 0, limit=100)
    assert [one.number for one in news] == list(range(1, 61))
    state = await alert_news.state(vault)
    assert state is not None
    assert state.last == 60


async def test_an_alert_speaks_for_what_follows_to_the_end_of_its_cool_down(
    vault: Vault, ann: Principal
) -> None:
    rule = await rule_of(vault, ann, cool_down_s=60)
    last, edge = NOON + MINUTE - timedelta(milliseconds=1), NOON + MINUTE

    kept = await keep(
        vault,
        [
            raised(rule, 1),
            raised(rule, 2, at=last),
            raised(rule, 3, at=last, subject="another"),
            raised(rule, 4, at=edge),
            raised(rule, 5, at=edge + MINUTE, quiet_s=61),
        ],
    )

    assert (kept.raised, kept.swallowed) == (3, 2)
    assert await numbers(vault, ann) == [(1, 1), (2, 3), (3, 4)]


async def test_what_its_chain_takes_back_is_told_and_speaks_for_nothing(
    vault: Vault, ann: Principal, bob: Principal
) -> None:
    rule, other = await rule_of(vault, ann, cool_down_s=600), await rule_of(vault, bob)
    await keep(vault, [raised(rule, 1, at=NOON - 2 * MINUTE, cause="kept")])
    await keep(vault, [raised(rule, 2, at=NOON + 9 * MINUTE, cause="gone")])
    kept = await keep(
        vault,
        [
            raised(other, 3, cause="gone"),
            TakenBack(number=4, cause="gone"),
            raised(rule, 5, at=NOON + 7 * MINUTE),
            raised(rule, 6, at=NOON + 8 * MINUTE, cause="gone"),
        ],
        now=NOON + MINUTE,
    )

    assert (kept.raised, kept.swallowed, kept.retracted) == (2, 1, 2)
    mine = await alerts.after(vault, ann, 0)
    assert [(one.facts["number"], one.retracted_at is None) for one in mine] == [
        (1, True),
        (2, False),
        (6, True),
    ]
    news = [(one.workspace, one.news) for one in await alert_news.after(vault, 2, limit=9)]
    assert news == [
        (bob.workspace, AlertNews.RAISED),
        (ann.workspace, AlertNews.RETRACTED),
        (bob.workspace, AlertNews.RETRACTED),
        (ann.workspace, AlertNews.RAISED),
    ]


async def test_acknowledging_is_for_the_own_workspace_all_or_none_and_once(
    vault: Vault, ann: Principal, bob: Principal
) -> None:
    mine, yours = await rule_of(vault, ann), await rule_of(vault, bob)
    await keep(vault, [raised(mine, 1), raised(mine, 2), raised(yours, 3)])
    first, second = (one.id for one in await alerts.after(vault, ann, 0))
    (foreign,) = await alerts.after(vault, bob, 0)

    with pytest.raises(Refused):
        await alerts.acknowledge(vault, ann, [first, foreign.id], now=NOON)
    assert await alerts.by_ids(vault, ann, [foreign.id]) == {}
    done = await alerts.acknowledge(vault, ann, [first], now=NOON, note=" Seen to. ")
    again = await alerts.acknowledge(vault, ann, [second, first], now=NOON + MINUTE)

    assert (done[0].note, done[0].acknowledged_by) == ("Seen to.", ann.id)
    assert again[1] == done[0]
    assert again[0].acknowledged_at == NOON + MINUTE
    page = await alerts.history(vault, ann, wanted=Wanted(acknowledged=False))
    assert page.rows == []
    told = [one.news for one in await alert_news.after(vault, 0, limit=9)]
    assert told == [AlertNews.RAISED] * 3 + [AlertNews.ACKNOWLEDGED] * 2


async def test_what_flows_through_a_window_is_kept_once_and_taken_back(
    vault: Vault, ann: Principal
) -> None:
    rule = await rule_of(vault, ann)

    def flowed(number: int, at: datetime) -> Flowed:
        return Flowed(
            number=number,
            rule=rule,
            subject="in:eip155:1",
            event=f"event {number}",
            at=at,
            micros=10**12 + number,
            cause=f"cause {number}",
        )

    some = [flowed(number, NOON + number * MINUTE) for number in range(5)]
    await judging.keep(vault, some, judged=None, now=NOON)
    await judging.keep(vault, [*some, TakenBack(number=9, cause="cause 3")], judged=None, now=NOON)

    found = await judging.flows(
        vault, rule, subject="in:eip155:1", after=NOON, until=NOON + 4 * MINUTE
    )
    assert [one.micros - 10**12 for one in found] == [1, 2, 4]
    assert await judging.forget_flows(vault, before=NOON + 2 * MINUTE) == 2
