"""Destinations, alerts and notices on record, in a few words."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from graph_api.domain.alerts import Finding, LargeTransfer, Rule, Severity, Size, alert_id
from graph_api.domain.notices import (
    Destination,
    DestinationKind,
    Endpoint,
    Notice,
    NoticeState,
    Outcome,
    Verdict,
)
from graph_api.domain.principals import Principal
from graph_api.vault import alert_rules, destinations, judging, notices, sending, spreading
from graph_api.vault.destinations import closed
from graph_api.vault.judging import Raised, TakenBack
from graph_api.vault.sealing import Seal, new_key
from graph_api.vault.sending import Held
from graph_api.vault.vault import Vault
from tests.vault.given import MINUTE, NOON

SEAL = Seal.of(new_key())
ENDPOINT = Endpoint(url="https://hooks.example/alerts", secret="whsec_AAAA")
PATIENCE = timedelta(days=5)
DONE = Outcome(verdict=Verdict.DELIVERED, status=204)
FAILED = Outcome(verdict=Verdict.AGAIN, status=500, reason="It answers HTTP 500.")


async def rule(vault: Vault, principal: Principal, id: str = "whales", **given: Any) -> Rule:
    """A rule that judges from noon on."""
    return await alert_rules.create(
        vault,
        principal,
        id=id,
        name=f"Rule {id}",
        condition=LargeTransfer(size=Size(min_usd=Decimal(1))),
        severity=given.pop("severity", Severity.WARNING),
        now=NOON,
        **given,
    )


async def raised(vault: Vault, rule: Rule, event: str, *, at: datetime = NOON) -> str:
    """An alert of ``rule``; its id."""
    one = Raised(
        number=1,
        rule=rule,
        finding=Finding(subject="a wallet", title=f"Title of {event}", facts={"usd": "7"}),
        event=event,
        event_at=at,
        cause=event,
    )
    await judging.keep(vault, [one], judged=None, now=at)
    return alert_id(rule.workspace, rule.id, event, "a wallet")


async def taken_back(vault: Vault, event: str, *, at: datetime = NOON + MINUTE) -> None:
    """The chain took the event back."""
    await judging.keep(vault, [TakenBack(number=2, cause=event)], judged=None, now=at)


async def destination(
    vault: Vault, principal: Principal, id: str = "pager", **changes: Any
) -> Destination:
    """A webhook that is told of everything."""
    made = Destination(
        id=id,
        workspace=principal.workspace,
        principal=principal.id,
        name=id,
        kind=DestinationKind.WEBHOOK,
        address="https://hooks.example/alerts",
        created_at=NOON,
        changed_at=NOON,
        secret_at=NOON,
    )
    made = replace(made, **changes)
    return await destinations.create(vault, principal, made, sealed=closed(made, ENDPOINT, SEAL))


async def spread(vault: Vault, *, at: datetime = NOON) -> int:
    """Make the notices of all news."""
    return sum(
        [await spreading.spread(vault, one, now=at) for one in await spreading.behind(vault)]
    )


async def claimed(vault: Vault, *, at: datetime = NOON, worker: str = "worker") -> Held:
    """The notice that is due; there must be one."""
    held = await sending.claim(vault, worker=worker, now=at, lease=MINUTE)
    assert held is not None
    return held


async def settled(
    vault: Vault, held: Held, outcome: Outcome = DONE, *, at: datetime = NOON
) -> Notice:
    """What became of a try, without chance."""
    return await sending.settle(vault, held, outcome, now=at, random=0.0, patience=PATIENCE)


async def of(vault: Vault, principal: Principal, **which: Any) -> list[Notice]:
    """The workspace's notices, the oldest first."""
    return (await notices.history(vault, principal, **which)).rows[::-1]


async def states(vault: Vault, principal: Principal) -> list[NoticeState]:
    """Where they are."""
    return [one.state for one in await of(vault, principal)]
