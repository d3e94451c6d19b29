"""Alert rules of a workspace; one that was deleted stays for the alerts that it raised."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec.structs import replace
from sqlalchemy import ColumnElement, Row, Select, and_, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from graph_api.domain import alerts
from graph_api.domain.alerts import AnyCondition, Rule, Severity, Subjects
from graph_api.domain.errors import BadInput
from graph_api.domain.principals import Principal
from graph_api.domain.refusals import RefusalReason, Refused
from graph_api.domain.watchlists import checked_name
from graph_api.vault.columns import as_kept
from graph_api.vault.counters import count_up
from graph_api.vault.pages import NEWEST, Page, Window, page
from graph_api.vault.tables import alert_rules, watchlists
from graph_api.vault.vault import Door

MAX_RULES: Final = 500
MAX_COOL_DOWN_S: Final = 30 * 86_400
#: Counts the changes of a workspace's rules.
CHANGES: Final = "alert_rules"


async def create(
    vault: Door,
    principal: Principal,
    *,
    id: str,
    name: str,
    condition: AnyCondition,
    severity: Severity,
    cool_down_s: int = 0,
    enabled: bool = True,
    now: datetime,
) -> Rule:
    """A new rule, which judges what is learned from ``now`` on. Raises: Refused."""
    rule = Rule(
        id=id,
        workspace=principal.workspace,
        principal=principal.id,
        name=name,
        condition=condition,
        severity=severity,
        cool_down_s=cool_down_s,
        enabled=enabled,
        created_at=now,
        changed_at=now,
        judges_from=now,
    )
    async with vault.writing() as connection:
        await count_up(connection, principal, CHANGES)
        count = select(func.count()).select_from(alert_rules).where(_here(principal))
        if (await connection.execute(count)).scalar_one() >= MAX_RULES:
            raise Refused(
                f"A workspace has up to {MAX_RULES} alert rules; delete one that is not used.",
                reason=RefusalReason.TOO_MANY,
            )
        rule = await _checked(connection, rule)
        await connection.execute(insert(alert_rules).values(_values(rule)))
    return rule


async def change(
    vault: Door,
    principal: Principal,
    id: str,
    *,
    name: str | None = None,
    condition: AnyCondition | None = None,
    severity: Severity | None = None,
    cool_down_s: int | None = None,
    now: datetime,
) -> Rule:
    """Another name, condition, severity or cool-down; None leaves it as it is.

    With another condition the rule judges what is learned from ``now`` on. Raises: Refused.
    """
    async with vault.writing() as connection:
        rule = await _locked(connection, principal, id)
        asked = {
            "name": name,
            "condition": condition,
            "severity": severity,
            "cool_down_s": cool_down_s,
        }
        given = {field: value for field, value in asked.items() if value is not None}
        wanted = await _checked(connection, replace(rule, **given))
        if wanted.condition != rule.condition:
            wanted = replace(wanted, judges_from=now)
        return await _put(connection, rule, wanted, now=now)


async def switch_on(vault: Door, principal: Principal, id: str, *, now: datetime) -> Rule:
    """Let a rule judge again, from ``now`` on; one that is on stays as it is. Raises: Refused."""
    async with vault.writing() as connection:
        rule = await _locked(connection, principal, id)
        wanted = rule if rule.enabled else replace(rule, enabled=True, judges_from=now)
        return await _put(connection, rule, wanted, now=now)


async def switch_off(vault: Door, principal: Principal, id: str, *, now: datetime) -> Rule:
    """Let a rule judge nothing until it is switched on. Raises: Refused."""
    async with vault.writing() as connection:
        rule = await _locked(connection, principal, id)
        return await _put(connection, rule, replace(rule, enabled=False), now=now)


async def mute(
    vault: Door, principal: Principal, id: str, *, until: datetime | None, now: datetime
) -> Rule:
    """Let nobody be notified of what a rule raises until then; None unmutes. Raises: Refused."""
    if until is not None and until <= now:
        raise Refused("A rule is muted until a moment that is still to come.")
    async with vault.writing() as connection:
        rule = await _locked(connection, principal, id)
        return await _put(connection, rule, replace(rule, muted_until=until), now=now)


async def remove(vault: Door, principal: Principal, id: str, *, now: datetime) -> Rule:
    """Delete a rule; its alerts stay. Raises: Refused."""
    async with vault.writing() as connection:
        rule = await _locked(connection, principal, id)
        values = {"removed_at": now, "enabled": False}
        await connection.execute(update(alert_rules).where(_is(rule)).values(values))
    return rule


async def by_ids(vault: Door, principal: Principal, ids: Sequence[str]) -> dict[str, Rule]:
    """The workspace's rules with these ids; what is not there, or was deleted, is left out."""
    question = _of(principal).where(alert_rules.c.id.in_(ids))
    async with vault.reading() as connection:
        return {row.id: as_rule(row) for row in await connection.execute(question)}


async def history(
    vault: Door,
    principal: Principal,
    window: Window = NEWEST,
    *,
    kinds: Sequence[str] | None = None,
    enabled: bool | None = None,
    watchlist: str | None = None,
) -> Page[Rule]:
    """The workspace's rules, the newest first; of some kinds, those that are on (or off), or that
    use a watchlist, where these are named.
    """
    question = _of(principal)
    if kinds is not None:
        question = question.where(alert_rules.c.kind.in_(kinds))
    if enabled is not None:
        question = question.where(alert_rules.c.enabled == enabled)
    if watchlist is not None:
        question = question.where(alert_rules.c.watchlist == watchlist)
    order = alert_rules.c.created_at, alert_rules.c.id
    async with vault.reading() as connection:
        return await page(connection, question, window, order=order, of=as_rule)


def watchlist_of(condition: AnyCondition) -> str | None:
    """The watchlist that a condition names, if it does."""
    subjects: Subjects = getattr(condition, "subjects", Subjects())
    return subjects.watchlist


def _here(principal: Principal) -> ColumnElement[bool]:
    return and_(alert_rules.c.workspace == principal.workspace, alert_rules.c.removed_at.is_(None))


def _of(principal: Principal) -> Select[Any]:
    return select(alert_rules).where(_here(principal))


def _is(rule: Rule) -> ColumnElement[bool]:
    return and_(alert_rules.c.workspace == rule.workspace, alert_rules.c.id == rule.id)


async def _locked(connection: AsyncConnection, principal: Principal, id: str) -> Rule:
    # First of all, so that whoever changes rules waits for one another and never in a circle.
    await count_up(connection, principal, CHANGES)
    question = _of(principal).where(alert_rules.c.id == id).with_for_update()
    row = (await connection.execute(question)).one_or_none()
    if row is None:
        raise Refused(f"There is no alert rule {id[:60]}.", reason=RefusalReason.NOT_FOUND)
    return as_rule(row)


async def _checked(connection: AsyncConnection, rule: Rule) -> Rule:
    """The rule with a normal name; what it names is there. Raises: Refused."""
    if not 0 <= rule.cool_down_s <= MAX_COOL_DOWN_S:
        raise Refused(f"A cool-down is 0 to {MAX_COOL_DOWN_S:,} seconds long.")
    try:
        alerts.check(rule.condition)
    except BadInput as error:
        raise Refused(str(error)) from error
    watchlist = watchlist_of(rule.condition)
    if watchlist is not None:
        # Nobody deletes the list until the rule is there.
        question = (
            select(watchlists.c.id)
            .where(watchlists.c.workspace == rule.workspace, watchlists.c.id == watchlist)
            .with_for_update()
        )
        if (await connection.execute(question)).one_or_none() is None:
            raise Refused(
                f"There is no watchlist {watchlist[:60]}.",
                reason=RefusalReason.NOT_FOUND,
                about=[watchlist],
            )
    return replace(rule, name=checked_name(rule.name, of="an alert rule"))


async def _put(connection: AsyncConnection, rule: Rule, wanted: Rule, *, now: datetime) -> Rule:
    if wanted == rule:
        return rule
    wanted = replace(wanted, changed_at=now)
    await connection.execute(update(alert_rules).where(_is(rule)).values(_values(wanted)))
    return wanted


def _values(rule: Rule) -> dict[str, Any]:
    values = {name: getattr(rule, name) for name in Rule.__struct_fields__}
    return values | {
        "kind": alerts.kind_of(rule.condition),
        "condition": as_kept(msgspec.to_builtins(rule.condition)),
        "watchlist": watchlist_of(rule.condition),
    }


def as_rule(row: Row[Any]) -> Rule:
    """A rule as the table keeps it."""
    values = {name: getattr(row, name) for name in Rule.__struct_fields__}
    condition: AnyCondition = msgspec.convert(row.condition, AnyCondition)
    return Rule(**values | {"condition": condition, "severity": Severity(row.severity)})
