"""Hearing of alerts: as they are raised, taken back and acknowledged."""

from typing import Annotated, Final

import strawberry

from graph_api.domain.alerts import Severity
from graph_api.domain.events import Event, Line, Topic
from graph_api.domain.principals import Principal
from graph_api.live.hub import Told
from graph_api.live.interests import Interest
from graph_api.schema.alert_conditions import RuleKind
from graph_api.schema.alerts import MOST, Alert, Names, checked_names
from graph_api.schema.feeds import feed
from graph_api.schema.steps import Argument, batched
from graph_api.schema.subscriptions import LiveEvent
from graph_api.services import alerts


@strawberry.interface(description="Something became of an alert.")
class AlertNews(LiveEvent):
    """Which one, and in whose workspace."""

    alert_id: str = strawberry.field(description="Which alert.")
    alert: Alert | None = batched(
        alerts.by_ids,
        key="alert_id",
        of=Alert.of,
        fresh=True,
        description="The alert as it stands when this is told.",
    )


@strawberry.type(description="A rule raised an alert.")
class AlertRaised(AlertNews):
    """It may be taken back."""


@strawberry.type(description="What an alert hangs on was taken back by its chain.")
class AlertRetracted(AlertNews):
    """The alert stays on record, and says so."""


@strawberry.type(description="Somebody has seen to an alert.")
class AlertAcknowledged(AlertNews):
    """Who it was stands in the alert."""


AlertEvent = Annotated[
    AlertRaised | AlertRetracted | AlertAcknowledged,
    strawberry.union("AlertEvent", description="What became of an alert."),
]

_KINDS: Final[dict[Topic, type[AlertRaised | AlertRetracted | AlertAcknowledged]]] = {
    Topic.ALERT_RAISED: AlertRaised,
    Topic.ALERT_RETRACTED: AlertRetracted,
    Topic.ALERT_ACKNOWLEDGED: AlertAcknowledged,
}


@strawberry.input(
    name="AlertEventFilter",
    description=f"Which alerts are told; all conditions must hold. Lists take up to {MOST}.",
)
class AlertEventFilterInput:
    """Conditions of a subscription to alerts."""

    severities: list[Severity] | None = strawberry.field(
        default=None, description="Only of these severities."
    )
    rules: list[str] | None = strawberry.field(
        default=None, description="Only those of these rules, by their ids."
    )
    kinds: list[RuleKind] | None = strawberry.field(
        default=None, description="Only those of rules of these kinds."
    )

    def asked(self) -> "AlertWish":
        """The conditions. Raises: BadInput."""
        return (
            checked_names("severities", self.severities),
            checked_names("rules", self.rules),
            checked_names("kinds", self.kinds),
        )


AlertWish = tuple[Names, Names, Names]


def alert_event(told: Told) -> AlertRaised | AlertRetracted | AlertAcknowledged:
    """What clients see of it."""
    event = told.event
    return _KINDS[event.topic](cursor=told.cursor_text, at=told.at, alert_id=event.body["alert"])


def _told(*, filter: AlertWish | None = None, principal: Principal) -> Interest:
    asked = zip(("severity", "rule", "kind"), filter or (), strict=False)
    wanted = [(name, {str(one) for one in values}) for name, values in asked if values is not None]

    def test(event: Event) -> bool:
        return all(event.body[name] in values for name, values in wanted)

    return Interest(
        line=Line.ALERTS,
        fields=("workspace",),
        values=frozenset([principal.workspace]),
        test=test if wanted else None,
    )


@strawberry.type
class AlertSubscription:
    """What becomes of alerts."""

    alerts: AlertEvent = feed(
        _told,
        of=alert_event,
        arguments={
            "filter": Argument(
                "Conditions that all must hold; all alerts of the workspace when not given.",
                type=AlertEventFilterInput | None,
            )
        },
        description=(
            "Alerts as they are raised, taken back and acknowledged. A cursor holds for as long as "
            "there are alerts."
        ),
    )
