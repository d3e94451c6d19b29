"""What judging keeps, for all workspaces at once: verdicts, how far it is, and flows.

All that is concluded from a batch of events is kept in one transaction with how far its lane is
judged. So a batch that is judged twice, by whoever, leaves what it left the first time.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import and_, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from graph_api.domain.alerts import (
    AlertNews,
    Finding,
    Rule,
    alert_id,
    kind_of,
    speaks_for,
)
from graph_api.domain.events import Lane
from graph_api.domain.principals import LOCAL
from graph_api.vault.alert_news import hold_news, tell
from graph_api.vault.counters import hold, move, next_number
from graph_api.vault.counters import last as last_number
from graph_api.vault.tables import (
    add,
    alert_flows,
    alerts,
    cool_downs,
)
from graph_api.vault.vault import Door

#: The counter of an alert's number in its workspace.
ALERTS: Final = "alerts"


class Raised(msgspec.Struct, frozen=True, kw_only=True):
    """A rule found something in an event.

    Args:
        number: The event's, on its lane.
        cause: What the alert hangs on: its chain may take that back.
        quiet_s: How long the finding speaks for those that follow, beside the rule's cool-down.
    """

    number: int
    rule: Rule
    finding: Finding
    event: str
    event_at: datetime
    cause: str | None
    quiet_s: int = 0


class Flowed(msgspec.Struct, frozen=True, kw_only=True):
    """An event counts for the window of a rule."""

    number: int
    rule: Rule
    subject: str
    event: str
    at: datetime
    micros: int
    cause: str


class TakenBack(msgspec.Struct, frozen=True, kw_only=True):
    """A chain took back what alerts hang on."""

    number: int
    cause: str


Verdict = Raised | Flowed | TakenBack


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """Up to which number a lane is judged."""

    lane: Lane
    epoch: str
    number: int


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What became of verdicts: how many alerts are new, were swallowed, or taken back.

    ``before`` is how far the lane had been judged.
    """

    before: int = 0
    raised: int = 0
    swallowed: int = 0
    retracted: int = 0


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """One part of what flows through a window."""

    event: str
    at: datetime
    micros: int
    cause: str


# How far it is


async def judged_through(vault: Door, lane: Lane, epoch: str) -> int:
    """Up to which number a lane is judged; 0 where not at all."""
    return await last_number(vault, LOCAL, _of_lane(lane, epoch))


# Keeping


async def keep(
    vault: Door,
    verdicts: Sequence[Verdict],
    *,
    judged: Judged | None,
    now: datetime,
) -> Kept:
    """Keep what was concluded, in the order of events, and how far the lane is judged with it.

    What belongs to events that were judged before is left out. Without ``judged`` the events are
    judged once more, out of their order, and only what is new is kept.
    """
    async with vault.writing() as connection:
        before = 0
        if judged is not None:
            name = _of_lane(judged.lane, judged.epoch)
            before = await hold(connection, LOCAL, name)
        new = [one for one in verdicts if judged is None or one.number > before]
        if any(not isinstance(one, Flowed) for one in new):
            await hold_news(connection)
        tally = {"raised": 0, "swallowed": 0, "retracted": 0}
        for one in new:
            if isinstance(one, Flowed):
                await _flow(connection, one)
            elif isinstance(one, Raised):
                outcome = await _raise(connection, one, now)
                if outcome is not None:
                    tally["raised" if outcome else "swallowed"] += 1
            else:
                tally["retracted"] += await _take_back(connection, one, now)
        if judged is not None and judged.number > before:
            await move(connection, LOCAL, name, to=judged.number)
        return Kept(before=before, **tally)


async def flows(
    vault: Door, rule: Rule, *, subject: str, after: datetime, until: datetime
) -> list[Flow]:
    """What counted for a rule after a moment and until another, the oldest first."""
    flow = alert_flows.c
    question = (
        select(flow.event, flow.at, flow.micros, flow.cause)
        .where(
            flow.workspace == rule.workspace,
            flow.rule == rule.id,
            flow.subject == subject,
            flow.at > after,
            flow.at <= until,
        )
        .order_by(flow.at, flow.event)
    )
    async with vault.reading() as connection:
        return [Flow(**row._mapping) for row in await connection.execute(question)]


async def forget_flows(vault: Door, *, before: datetime) -> int:
    """Forget what no window reaches any more; how many."""
    async with vault.writing() as connection:
        done = await connection.execute(delete(alert_flows).where(alert_flows.c.at < before))
        return done.rowcount


# What happens to one


async def _raise(connection: AsyncConnection, one: Raised, now: datetime) -> bool | None:
    """True where the alert is new, False where it is swallowed, None where it was there."""
    rule, finding = one.rule, one.finding
    id = alert_id(rule.workspace, rule.id, one.event, finding.subject)
    here = and_(alerts.c.workspace == rule.workspace, alerts.c.id == id)
    if (await connection.execute(select(alerts.c.id).where(here))).first() is not None:
        return None
    if not await _speaks(connection, one):
        return False
    row = {
        "workspace": rule.workspace,
        "id": id,
        "principal": rule.principal,
        "number": await next_number(connection, rule.workspace, ALERTS, principal=rule.principal),
        "rule": rule.id,
        "rule_name": rule.name,
        "kind": kind_of(rule.condition),
        "severity": rule.severity.value,
        "subject": finding.subject,
        "title": finding.title,
        "facts": finding.facts,
        "event": one.event,
        "event_at": one.event_at,
        "raised_at": now,
        "cause": one.cause,
    }
    await connection.execute(insert(alerts).values(row))
    await tell(connection, rule.workspace, rule.principal, alert=id, news=AlertNews.RAISED, now=now)
    return True


async def _speaks(connection: AsyncConnection, one: Raised) -> bool:
    """Whether no alert of the same rule and subject speaks for this one; it does from now on."""
    rule, subject = one.rule, one.finding.subject
    key = {"workspace": rule.workspace, "rule": rule.id, "subject": subject}
    here = and_(*(cool_downs.c[name] == value for name, value in key.items()))
    last = await connection.scalar(select(cool_downs.c.last_at).where(here).with_for_update())
    if last is None:
        row = {**key, "principal": rule.principal, "last_at": one.event_at}
        await add(connection, cool_downs, row)
        return True
    quiet = timedelta(seconds=max(rule.cool_down_s, one.quiet_s))
    if speaks_for(last, one.event_at, quiet=quiet):
        return False
    if one.event_at > last:
        await connection.execute(update(cool_downs).where(here).values(last_at=one.event_at))
    return True


async def _take_back(connection: AsyncConnection, one: TakenBack, now: datetime) -> int:
    await connection.execute(delete(alert_flows).where(alert_flows.c.cause == one.cause))
    standing = and_(alerts.c.cause == one.cause, alerts.c.retracted_at.is_(None))
    found = (
        await connection.execute(
            select(
                alerts.c.workspace, alerts.c.id, alerts.c.principal, alerts.c.rule, alerts.c.subject
            )
            .where(standing)
            .order_by(alerts.c.workspace, alerts.c.number)
        )
    ).all()
    for row in found:
        here = and_(alerts.c.workspace == row.workspace, alerts.c.id == row.id)
        await connection.execute(update(alerts).where(here).values(retracted_at=now))
        await tell(
            connection,
            row.workspace,
            row.principal,
            alert=row.id,
            news=AlertNews.RETRACTED,
            now=now,
        )
        await _speak_again(connection, row)
    return len(found)


async def _speak_again(connection: AsyncConnection, row: Any) -> None:
    """What was taken back speaks for nothing: the alert before it does, if there is one."""
    of_rule = and_(
        alerts.c.workspace == row.workspace,
        alerts.c.rule == row.rule,
        alerts.c.subject == row.subject,
        alerts.c.retracted_at.is_(None),
    )
    last = await connection.scalar(select(func.max(alerts.c.event_at)).where(of_rule))
    here = and_(
        cool_downs.c.workspace == row.workspace,
        cool_downs.c.rule == row.rule,
        cool_downs.c.subject == row.subject,
    )
    if last is None:
        await connection.execute(delete(cool_downs).where(here))
    else:
        await connection.execute(update(cool_downs).where(here).values(last_at=last))


async def _flow(connection: AsyncConnection, one: Flowed) -> None:
    row = {
        "workspace": one.rule.workspace,
        "rule": one.rule.id,
        "event": one.event,
        "principal": one.rule.principal,
        "subject": one.subject,
        "at": one.at,
        "micros": one.micros,
        "cause": one.cause,
    }
    await add(connection, alert_flows, row)


def _of_lane(lane: Lane, epoch: str) -> str:
    return f"judged:{lane}:{epoch}"
