"""Alerts: what rules raised, and seeing to it."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final

import strawberry

from graph_api.domain.alerts import Alert as AlertRow
from graph_api.domain.alerts import Severity
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId, TransferId
from graph_api.domain.principals import Principal
from graph_api.live.streams import Streams
from graph_api.schema.alert_conditions import RuleKind
from graph_api.schema.alert_rules import AlertRule
from graph_api.schema.changes import RefusalAnswer, change_or_refusal
from graph_api.schema.context import Context
from graph_api.schema.ledger import Transfer, Wallet
from graph_api.schema.paging import Connection
from graph_api.schema.steps import Argument, batched, extends, root
from graph_api.services import alert_rules, alerts
from graph_api.services.alerts import Acknowledged
from graph_api.store import transfers, wallets
from graph_api.vault.alerts import MAX_NOTE, MOST_ACKNOWLEDGED, Wanted

#: How many rules, kinds or subjects one filter may name.
MOST: Final = 500
Names = tuple[Any, ...] | None
_ID: Final = "The alert's `alertId`."


@strawberry.type(description="Something that an alert was judged by.")
class AlertFact:
    """A name and what it was, as text."""

    name: str = strawberry.field(
        description="Such as `usd`, `amountRaw`, `price.usd`, `balanceRaw`, `changeBps`."
    )
    value: str = strawberry.field(
        description="Base units and decimals are exact, moments ISO 8601, dollars US dollars."
    )

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> "list[AlertFact]":
        """All that is known, in the order of their names."""
        return [cls(name=name, value=value) for name, value in sorted(_flat(facts, ""))]


@strawberry.type(description="What a rule raised on something that happened.")
class Alert:
    """One alert; what it was judged by stays as it was then."""

    alert_id: str = strawberry.field(description="Its id, to acknowledge it by.")
    number: int = strawberry.field(
        description="Its place among the workspace's alerts, from 1, without a gap."
    )
    rule_id: str = strawberry.field(description="The rule that raised it.")
    rule_name: str = strawberry.field(description="What the rule was called then.")
    kind: RuleKind = strawberry.field(description="What the rule looked for then, in a word.")
    severity: Severity = strawberry.field(description="How much it matters.")
    subject: str = strawberry.field(
        description=(
            "What it is about: a CAIP-10 account, or such as `up:ethereum` of prices and "
            "`in:eip155:1` of flows. Cool-down counts by it."
        )
    )
    title: str = strawberry.field(description="What happened, in a sentence.")
    facts: list[AlertFact] = strawberry.field(
        description="What it was judged by: amounts, and the price that was used."
    )
    event_at: datetime = strawberry.field(
        description="When it happened: the block's time, or since when the price held."
    )
    raised_at: datetime = strawberry.field(description="When it was raised.")
    acknowledged_at: datetime | None = strawberry.field(
        description="When somebody said to have seen to it; null until then."
    )
    acknowledged_by: str | None = strawberry.field(description="The principal who did.")
    note: str | None = strawberry.field(description="What was noted then.")
    retracted_at: datetime | None = strawberry.field(
        description="When its chain took back what it hangs on; null while that stands."
    )
    account_id: strawberry.Private[AccountId | None]
    transfer_id: strawberry.Private[TransferId | None]

    rule: AlertRule | None = batched(
        alert_rules.by_ids,
        key="rule_id",
        of=AlertRule.of,
        description="The rule as it is now; null once it was deleted.",
    )
    wallet: Wallet | None = batched(
        wallets.by_ids,
        key="account_id",
        of=Wallet.of,
        description="The wallet that it is about; null where it is about none.",
    )
    transfer: Transfer | None = batched(
        transfers.by_ids,
        key="transfer_id",
        of=Transfer.of,
        description="The transfer as it stands now; null for other alerts, and once it is gone.",
    )

    @classmethod
    def of(cls, row: AlertRow) -> "Alert":
        """As clients see it."""
        transfer = row.facts.get("transfer")
        return cls(
            alert_id=row.id,
            number=row.number,
            rule_id=row.rule,
            rule_name=row.rule_name,
            kind=RuleKind(row.kind),
            severity=row.severity,
            subject=row.subject,
            title=row.title,
            facts=AlertFact.of(row.facts),
            event_at=row.event_at,
            raised_at=row.raised_at,
            acknowledged_at=row.acknowledged_at,
            acknowledged_by=row.acknowledged_by,
            note=row.note,
            retracted_at=row.retracted_at,
            account_id=_account(row),
            transfer_id=None if transfer is None else TransferId(transfer),
        )


@extends(AlertRule)
class AlertRuleAlerts:
    """What a rule raised."""

    alerts: Connection[Alert] = batched(
        alerts.of_rules,
        key="rule_id",
        of=Alert.of,
        cost=2,
        order="alerts",
        description="The alerts that it raised, the newest first.",
    )


# Asking


@strawberry.input(
    name="AlertFilter",
    description=f"Which alerts are asked for; all conditions must hold. Lists take up to {MOST}.",
)
class AlertFilterInput:
    """Conditions of a list of alerts."""

    severities: list[Severity] | None = strawberry.field(
        default=None, description="Only of these severities."
    )
    rules: list[str] | None = strawberry.field(
        default=None, description="Only those that these rules raised, by their ids."
    )
    kinds: list[RuleKind] | None = strawberry.field(
        default=None, description="Only those of rules of these kinds."
    )
    subjects: list[str] | None = strawberry.field(
        default=None, description="Only those about these."
    )
    acknowledged: bool | None = strawberry.field(
        default=None, description="Only those that somebody has seen to, or only the others."
    )
    retracted: bool | None = strawberry.field(
        default=None, description="Only those that were taken back, or only the others."
    )
    since: datetime | None = strawberry.field(
        default=None, description="Only those that were raised then or later."
    )
    until: datetime | None = strawberry.field(
        default=None, description="Only those that were raised before then."
    )

    def asked(self) -> Wanted:
        """The conditions. Raises: BadInput."""
        return Wanted(
            severities=checked_names("severities", self.severities),
            rules=checked_names("rules", self.rules),
            kinds=checked_names("kinds", self.kinds),
            subjects=checked_names("subjects", self.subjects),
            acknowledged=self.acknowledged,
            retracted=self.retracted,
            since=self.since,
            until=self.until,
        )


def _alert(id: str) -> str:
    return id


@strawberry.type
class AlertQuery:
    """The workspace's alerts."""

    alert: Alert | None = root(
        alerts.by_ids,
        key=_alert,
        of=Alert.of,
        arguments={"id": _ID},
        description="One alert of the workspace; null where it has none of that id.",
        fresh=True,
    )
    alerts: Connection[Alert] = root(
        alerts.listed,
        of=Alert.of,
        order="alerts",
        arguments={
            "filter": Argument(
                "Conditions that all must hold; all alerts when not given.",
                type=AlertFilterInput | None,
            )
        },
        description="The alerts of the workspace, the newest first.",
        fresh=True,
    )


# Seeing to it


@strawberry.type(description="Alerts that somebody has seen to.")
class AlertsAcknowledged:
    """What they are now."""

    alerts: list[Alert] = strawberry.field(description="The alerts, in the order of their ids.")

    @classmethod
    def of(cls, found: Acknowledged) -> "AlertsAcknowledged":
        """As clients see it."""
        return cls(alerts=[Alert.of(row) for row in found.alerts])


AcknowledgeAlertsResult = Annotated[
    AlertsAcknowledged | RefusalAnswer,
    strawberry.union(
        "AcknowledgeAlertsResult", description="The alerts as they are now, or why not."
    ),
]


async def _acknowledge(
    context: Context,
    *,
    ids: list[str],
    note: str | None = None,
    principal: Principal,
    now: datetime,
) -> Acknowledged:
    done = await alerts.acknowledge(
        context.door, ids=list(ids), note=note, principal=principal, now=now
    )
    context.afterwards.append(partial(alerts.wake, context.part_if_any(Streams)))
    return done


@strawberry.type
class AlertMutation:
    """Seeing to alerts."""

    acknowledge_alerts: AcknowledgeAlertsResult = change_or_refusal(
        _acknowledge,
        of=AlertsAcknowledged.of,
        arguments={
            "ids": f"Their `alertId`s, up to {MOST_ACKNOWLEDGED}.",
            "note": f"What to note with each, up to {MAX_NOTE:,} characters.",
        },
        description=(
            "Say that you have seen to alerts: all of them or, where one is not there, none. Those "
            "that were acknowledged before stay as they are."
        ),
    )


def _flat(facts: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            yield f"{prefix}{name}", ", ".join(map(str, value))
        elif value is not None:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            yield f"{prefix}{name}", text


def _account(row: AlertRow) -> AccountId | None:
    """The wallet that an alert is about: subjects of prices and flows are none."""
    wallets = (row.facts.get(name) for name in ("sender", "recipient", "wallet"))
    return AccountId(row.subject) if row.subject in wallets else None


def checked_names(what: str, names: list[Any] | None) -> Names:
    """Conditions that a filter names, each once. Raises: BadInput where they are too many."""
    if names is not None and len(names) > MOST:
        raise BadInput(f"`{what}` takes up to {MOST}.")
    return None if names is None else tuple(sorted(set(names)))
