"""Alerts of a workspace: listed, acknowledged, and previewed before there are any."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import msgspec

from graph_api.domain.alerts import Alert, AnyCondition
from graph_api.domain.errors import BadInput, UpstreamUnavailable
from graph_api.domain.pages import Page, Slice
from graph_api.domain.principals import Principal
from graph_api.live.streams import Streams
from graph_api.services import alert_previews
from graph_api.services.alert_previews import Preview
from graph_api.services.alerting import PRICE_TOLERANCE
from graph_api.services.places import placed, window
from graph_api.store.graph import Graph
from graph_api.vault import alert_rules, alerts
from graph_api.vault.alerts import Tally, Wanted
from graph_api.vault.pages import MAX_ROWS, First
from graph_api.vault.vault import Door, Vault

#: How far back a preview looks when nothing is said.
WEEK_S: Final = 604_800


class Acknowledged(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts that somebody has seen to."""

    alerts: list[Alert]


class AlertFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A workspace's alerts in figures: ``rules`` are those that judge."""

    rules: int
    tallies: list[Tally]


async def figures(vault: Vault, *, principal: Principal) -> list[AlertFigures]:
    """What is known of the workspace's alerts."""
    rules = await alert_rules.history(vault, principal, First(MAX_ROWS), enabled=True)
    return [AlertFigures(rules=len(rules.rows), tallies=await alerts.tallies(vault, principal))]


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How those who judge take things: how much older than a transfer its price may be."""

    tolerance: timedelta = PRICE_TOLERANCE


async def by_ids(vault: Door, ids: list[str], *, principal: Principal) -> dict[str, Alert]:
    """The workspace's alerts with these ids."""
    return await alerts.by_ids(vault, principal, ids)


async def listed(
    vault: Door, *, page: Page, principal: Principal, filter: Wanted | None = None
) -> Slice[Alert]:
    """The workspace's alerts, the newest first."""
    found = await alerts.history(vault, principal, window(page), wanted=filter)
    return placed(found, lambda alert: (alert.raised_at, alert.id))


async def of_rules(
    vault: Door, ids: list[str], *, page: Page, principal: Principal
) -> dict[str, Slice[Alert]]:
    """The alerts of each rule, the newest first."""
    return {
        id: await listed(vault, page=page, principal=principal, filter=Wanted(rules=(id,)))
        for id in ids
    }


async def acknowledge(
    vault: Door, *, ids: list[str], note: str | None = None, principal: Principal, now: datetime
) -> Acknowledged:
    """Say that somebody has seen to alerts, all of them or none. Raises: Refused."""
    return Acknowledged(alerts=await alerts.acknowledge(vault, principal, ids, now=now, note=note))


async def wake(streams: Streams | None) -> None:
    """Have told what became of alerts at once; a bus that is away hears of it later."""
    if streams is not None:
        with suppress(UpstreamUnavailable):
            await streams.wake()


async def preview(
    graph: Graph,
    vault: Vault,
    policy: Policy,
    *,
    rule: str | None = None,
    condition: AnyCondition | None = None,
    cool_down_s: int | None = None,
    last_s: int = WEEK_S,
    principal: Principal,
    now: datetime,
) -> Preview:
    """What a rule on record, or one of ``condition``, would have raised within ``last_s``.

    Raises: BadInput, TooCostly.
    """
    if (rule is None) == (condition is None):
        raise BadInput("Give the id of a rule or a condition, and not both.")
    if rule is not None:
        known = (await alert_rules.by_ids(vault, principal, [rule])).get(rule)
        if known is None:
            raise BadInput(f"There is no alert rule {rule[:60]}.")
        condition = known.condition
        cool_down_s = known.cool_down_s if cool_down_s is None else cool_down_s
    assert condition is not None
    return await alert_previews.preview(
        graph,
        vault,
        condition=condition,
        cool_down_s=cool_down_s or 0,
        last=timedelta(seconds=last_s),
        principal=principal,
        now=now,
        tolerance=policy.tolerance,
    )
