"""What an alert rule would have raised."""

from datetime import datetime

import strawberry

from graph_api.domain.alerts import AnyCondition
from graph_api.domain.principals import Principal
from graph_api.schema.alert_conditions import ConditionInput
from graph_api.schema.alerts import AlertFact
from graph_api.schema.context import Context
from graph_api.schema.steps import Argument, root
from graph_api.services import alerts
from graph_api.services.alert_previews import BUDGET, LONGEST, TOLD, Preview
from graph_api.services.alerts import WEEK_S, Policy
from graph_api.vault.judging import Raised
from graph_api.vault.vault import Vault


@strawberry.type(description="Something that a rule would have found.")
class AlertFinding:
    """What an alert would have said."""

    at: datetime = strawberry.field(
        description="When it happened: the block's time, or since when the price held."
    )
    subject: str = strawberry.field(description="What it is about.")
    title: str = strawberry.field(description="What happened, in a sentence.")
    facts: list[AlertFact] = strawberry.field(description="What it is judged by.")

    @classmethod
    def of(cls, found: Raised) -> "AlertFinding":
        """As clients see it."""
        finding = found.finding
        return cls(
            at=found.event_at,
            subject=finding.subject,
            title=finding.title,
            facts=AlertFact.of(finding.facts),
        )


@strawberry.type(description="What an alert rule would have raised, judged by history.")
class AlertPreview:
    """Nothing of it is kept."""

    since: datetime = strawberry.field(description="Where the time that was asked for begins.")
    until: datetime = strawberry.field(description="Where it ends: now.")
    complete_from: datetime = strawberry.field(
        description=(
            "From when on nothing is left out; later than `since` where there was too much to look "
            "at, or what happened is not kept for as long."
        )
    )
    complete: bool = strawberry.field(description="Whether nothing of that time is left out.")
    looked_at: int = strawberry.field(description="Events that were looked at.")
    raised: int = strawberry.field(description="Alerts that there would have been.")
    swallowed: int = strawberry.field(
        description="Findings for which an alert before them would have spoken (cool-down)."
    )
    findings: list[AlertFinding] = strawberry.field(
        description=f"The newest {TOLD} of those that would have been raised, the newest first."
    )

    @classmethod
    def of(cls, found: Preview) -> "AlertPreview":
        """As clients see it."""
        return cls(
            since=found.since,
            until=found.until,
            complete_from=found.complete_from,
            complete=found.is_complete,
            looked_at=found.looked_at,
            raised=found.raised,
            swallowed=found.swallowed,
            findings=[AlertFinding.of(one) for one in found.findings],
        )


async def _preview(
    context: Context,
    *,
    rule: str | None = None,
    condition: AnyCondition | None = None,
    cool_down_s: int | None = None,
    last_s: int = WEEK_S,
    principal: Principal,
    now: datetime,
) -> Preview:
    return await alerts.preview(
        context.graph,
        context.part(Vault),
        context.part_if_any(Policy) or Policy(),
        rule=rule,
        condition=condition,
        cool_down_s=cool_down_s,
        last_s=last_s,
        principal=principal,
        now=now,
    )


@strawberry.type
class AlertPreviewQuery:
    """Trying a rule on history."""

    preview_alert_rule: AlertPreview = root(
        _preview,
        of=AlertPreview.of,
        cost=200,
        arguments={
            "rule": "A rule on record, by its id; else give a condition.",
            "condition": Argument(
                "What a rule would look for; else give a rule.", type=ConditionInput | None
            ),
            "cool_down_s": "Seconds of block time; that of the rule, or none, when not given.",
            "last_s": f"How far back to look, seconds, up to {LONGEST.days} days.",
        },
        description=(
            "What an alert rule would have raised: the transfers of the graph, the prices that are "
            "kept in time and the events that are kept, judged as what happens is judged. It looks "
            f"at the newest {BUDGET:,} of them."
        ),
        fresh=True,
    )
