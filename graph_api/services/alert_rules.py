"""Alert rules of a workspace: made, changed, muted, listed, deleted."""

from datetime import datetime

from graph_api.domain.alerts import AnyCondition, Rule, Severity
from graph_api.domain.pages import Page, Slice
from graph_api.domain.principals import Principal
from graph_api.services.places import placed, window
from graph_api.vault import alert_rules
from graph_api.vault.ids import new_id
from graph_api.vault.pages import Page as Found
from graph_api.vault.vault import Door


async def create(
    vault: Door,
    *,
    name: str,
    condition: AnyCondition,
    severity: Severity,
    cool_down_s: int = 0,
    enabled: bool = True,
    principal: Principal,
    now: datetime,
) -> Rule:
    """A new rule. Raises: Refused."""
    return await alert_rules.create(
        vault,
        principal,
        id=new_id(now),
        name=name,
        condition=condition,
        severity=severity,
        cool_down_s=cool_down_s,
        enabled=enabled,
        now=now,
    )


async def update(
    vault: Door,
    *,
    id: str,
    name: str | None = None,
    condition: AnyCondition | None = None,
    severity: Severity | None = None,
    cool_down_s: int | None = None,
    principal: Principal,
    now: datetime,
) -> Rule:
    """Another name, condition, severity or cool-down. Raises: Refused."""
    return await alert_rules.change(
        vault,
        principal,
        id,
        name=name,
        condition=condition,
        severity=severity,
        cool_down_s=cool_down_s,
        now=now,
    )


async def enable(vault: Door, *, id: str, principal: Principal, now: datetime) -> Rule:
    """Let a rule judge from ``now`` on. Raises: Refused."""
    return await alert_rules.switch_on(vault, principal, id, now=now)


async def disable(vault: Door, *, id: str, principal: Principal, now: datetime) -> Rule:
    """Let a rule judge nothing. Raises: Refused."""
    return await alert_rules.switch_off(vault, principal, id, now=now)


async def mute(
    vault: Door, *, id: str, until: datetime | None = None, principal: Principal, now: datetime
) -> Rule:
    """Let nobody be notified until then; None unmutes. Raises: Refused."""
    return await alert_rules.mute(vault, principal, id, until=until, now=now)


async def delete(vault: Door, *, id: str, principal: Principal, now: datetime) -> Rule:
    """Delete a rule, which answers as it was. Raises: Refused."""
    return await alert_rules.remove(vault, principal, id, now=now)


async def by_ids(vault: Door, ids: list[str], *, principal: Principal) -> dict[str, Rule]:
    """The workspace's rules with these ids."""
    return await alert_rules.by_ids(vault, principal, ids)


async def listed(
    vault: Door,
    *,
    page: Page,
    principal: Principal,
    kinds: tuple[str, ...] | None = None,
    enabled: bool | None = None,
    watchlist: str | None = None,
) -> Slice[Rule]:
    """The workspace's rules, the newest first; of some kinds, those that are on or off, or those
    that use a watchlist, where these are named.
    """
    found = await alert_rules.history(
        vault, principal, window(page), kinds=kinds, enabled=enabled, watchlist=watchlist
    )
    return _slice(found)


async def of_watchlists(
    vault: Door, ids: list[str], *, page: Page, principal: Principal
) -> dict[str, Slice[Rule]]:
    """The rules that use each watchlist, the newest first."""
    return {
        id: _slice(await alert_rules.history(vault, principal, window(page), watchlist=id))
        for id in ids
    }


def _slice(found: Found[Rule]) -> Slice[Rule]:
    return placed(found, lambda rule: (rule.created_at, rule.id))
