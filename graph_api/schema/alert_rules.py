"""Alert rules: what a workspace wants to be told, and changing it."""

from datetime import datetime
from typing import Annotated

import strawberry

from graph_api.domain.alerts import Rule, Severity, kind_of
from graph_api.schema.alert_conditions import (
    AlertCondition,
    ConditionInput,
    RuleKind,
    condition_of,
)
from graph_api.schema.changes import RefusalAnswer, change_or_refusal
from graph_api.schema.paging import Connection
from graph_api.schema.steps import Argument, batched, extends, root
from graph_api.schema.watchlists import Watchlist
from graph_api.services import alert_rules
from graph_api.vault.alert_rules import MAX_COOL_DOWN_S, MAX_RULES

strawberry.enum(
    Severity, name="AlertSeverity", description="How much an alert matters, the least first."
)

_ID = "The rule's `ruleId`."
_NAME = "Its name, 1 to 100 characters."
_COOL_DOWN = (
    "After an alert the same rule and subject raise none for so many seconds of block time, 0 to "
    f"{MAX_COOL_DOWN_S:,}."
)


@strawberry.type(description="What a workspace wants to be told.")
class AlertRule:
    """A rule, and from when it judges."""

    rule_id: str = strawberry.field(description="Its id, to change it and to filter by it.")
    name: str = strawberry.field(description="Its name.")
    kind: RuleKind = strawberry.field(description="What it looks for, in a word.")
    condition: AlertCondition = strawberry.field(description="What it looks for.")
    severity: Severity = strawberry.field(description="How much its alerts matter.")
    cool_down_s: int = strawberry.field(description=_COOL_DOWN)
    enabled: bool = strawberry.field(
        description="Whether it judges; what passes while it is off stays unjudged."
    )
    muted_until: datetime | None = strawberry.field(
        description=(
            "Until then its alerts are raised, kept and streamed, but nobody is notified; null "
            "while it is not muted."
        )
    )
    created_at: datetime = strawberry.field(description="When it was made.")
    created_by: str = strawberry.field(description="The principal who made it.")
    changed_at: datetime = strawberry.field(description="When it was changed last.")
    judges_from: datetime = strawberry.field(
        description=(
            "Only what was learned after this is judged: its creation, or when its condition was "
            "changed or it was switched on again."
        )
    )

    @classmethod
    def of(cls, rule: Rule) -> "AlertRule":
        """As clients see it."""
        return cls(
            rule_id=rule.id,
            name=rule.name,
            kind=RuleKind(kind_of(rule.condition)),
            condition=condition_of(rule.condition),
            severity=rule.severity,
            cool_down_s=rule.cool_down_s,
            enabled=rule.enabled,
            muted_until=rule.muted_until,
            created_at=rule.created_at,
            created_by=rule.principal,
            changed_at=rule.changed_at,
            judges_from=rule.judges_from,
        )


@extends(Watchlist)
class WatchlistRules:
    """Which rules use a list."""

    alert_rules: Connection[AlertRule] = batched(
        alert_rules.of_watchlists,
        key="watchlist_id",
        of=AlertRule.of,
        cost=2,
        order="alert_rules",
        description="The alert rules that use it, the newest first.",
    )


@strawberry.type(description="An alert rule that was deleted; its alerts stay.")
class AlertRuleDeleted:
    """What it was."""

    rule_id: str = strawberry.field(description="The id that it had.")
    name: str = strawberry.field(description="The name that it had.")

    @classmethod
    def of(cls, rule: Rule) -> "AlertRuleDeleted":
        """As clients see it."""
        return cls(rule_id=rule.id, name=rule.name)


AlertRuleResult = Annotated[
    AlertRule | RefusalAnswer,
    strawberry.union("AlertRuleResult", description="The rule as it is now, or why not."),
]
DeleteAlertRuleResult = Annotated[
    AlertRuleDeleted | RefusalAnswer,
    strawberry.union("DeleteAlertRuleResult", description="What was deleted, or why not."),
]


def _rule(id: str) -> str:
    return id


@strawberry.type
class AlertRuleQuery:
    """The workspace's alert rules."""

    alert_rule: AlertRule | None = root(
        alert_rules.by_ids,
        key=_rule,
        of=AlertRule.of,
        arguments={"id": _ID},
        description="One alert rule of the workspace; null where it has none of that id.",
    )
    alert_rules: Connection[AlertRule] = root(
        alert_rules.listed,
        of=AlertRule.of,
        order="alert_rules",
        arguments={
            "kinds": Argument("Only of these kinds.", type=list[RuleKind] | None),
            "enabled": "Only those that judge, or only those that do not.",
            "watchlist": "Only those that use the watchlist of this id.",
        },
        description="The alert rules of the workspace, the newest first.",
    )


@strawberry.type
class AlertRuleMutation:
    """Making and changing alert rules."""

    create_alert_rule: AlertRuleResult = change_or_refusal(
        alert_rules.create,
        of=AlertRule.of,
        arguments={
            "name": _NAME,
            "condition": Argument("What it looks for.", type=ConditionInput),
            "severity": "How much its alerts matter.",
            "cool_down_s": _COOL_DOWN,
            "enabled": "Whether it judges from now on.",
        },
        description=(
            f"Make an alert rule, which judges what is learned from now on; a workspace has up to "
            f"{MAX_RULES}."
        ),
    )
    update_alert_rule: AlertRuleResult = change_or_refusal(
        alert_rules.update,
        of=AlertRule.of,
        arguments={
            "id": _ID,
            "name": f"{_NAME} The old one stays when not given.",
            "condition": Argument(
                "What it looks for now; with another condition it judges what is learned from now "
                "on. The old one stays when not given.",
                type=ConditionInput | None,
            ),
            "severity": "How much its alerts matter; stays when not given.",
            "cool_down_s": f"{_COOL_DOWN} Stays when not given.",
        },
        description="Change an alert rule; alerts that it raised stay as they are.",
    )
    enable_alert_rule: AlertRuleResult = change_or_refusal(
        alert_rules.enable,
        of=AlertRule.of,
        arguments={"id": _ID},
        description="Let a rule judge what is learned from now on.",
    )
    disable_alert_rule: AlertRuleResult = change_or_refusal(
        alert_rules.disable,
        of=AlertRule.of,
        arguments={"id": _ID},
        description="Let a rule judge nothing until it is enabled again.",
    )
    mute_alert_rule: AlertRuleResult = change_or_refusal(
        alert_rules.mute,
        of=AlertRule.of,
        arguments={
            "id": _ID,
            "until": "Until when; it is muted no more when not given.",
        },
        description="Let nobody be notified of a rule's alerts for a while; they are raised.",
    )
    delete_alert_rule: DeleteAlertRuleResult = change_or_refusal(
        alert_rules.delete,
        of=AlertRuleDeleted.of,
        arguments={"id": _ID},
        description="Delete an alert rule; the alerts that it raised stay.",
    )
