"""Destinations that alerts are told to."""

from datetime import datetime
from typing import Annotated, Final

import strawberry

from graph_api.domain.alerts import Severity
from graph_api.domain.errors import BadInput
from graph_api.domain.notices import Destination, DestinationKind
from graph_api.domain.principals import Principal
from graph_api.domain.quiet_hours import QuietHours
from graph_api.schema.changes import RefusalAnswer, change_or_refusal
from graph_api.schema.context import Context
from graph_api.schema.jobs import Job
from graph_api.schema.paging import Connection
from graph_api.schema.quiet_hours import QuietHoursAnswer, QuietHoursInput
from graph_api.schema.scalars import BigInt
from graph_api.schema.steps import Argument, batched, root
from graph_api.services import notices
from graph_api.services.notices import (
    MAX_ADDRESSES,
    MAX_NAME,
    MAX_OVERLAP_H,
    MAX_RULES,
    Made,
    Outlets,
    Way,
)
from graph_api.vault.destinations import MOST, Counts

_ID: Final = "Its `destinationId`."
_NAME: Final = f"1 to {MAX_NAME} characters."
_TO: Final = (
    "Where it is: on a machine of the public internet, or of a network that "
    "`DESKGRAPH_NOTICES__PRIVATE_NETWORKS` names."
)
_RULES: Final = f"The `ruleId`s of up to {MAX_RULES} rules; all rules where none is named."

strawberry.enum(
    DestinationKind,
    description="By which way a destination is told: a signed WEBHOOK, SLACK, or EMAIL.",
)


@strawberry.type(description="What a destination has on record that was not sent.")
class DestinationBacklog:
    """How well it goes."""

    waiting: int = strawberry.field(description="Notices that wait, held back ones among them.")
    dead: int = strawberry.field(description="Notices that were given up and can be replayed.")
    oldest_at: datetime | None = strawberry.field(
        description="When the oldest was made that should have been sent; null where all were."
    )

    @classmethod
    def of(cls, found: Counts) -> "DestinationBacklog":
        """As clients see it."""
        return cls(waiting=found.waiting, dead=found.dead, oldest_at=found.oldest_at)


@strawberry.type(name="Destination", description="Somewhere that a workspace's alerts are told to.")
class DestinationAnswer:
    """How it is told, and how well that goes."""

    destination_id: str = strawberry.field(description="Its id.")
    name: str = strawberry.field(description="Its name.")
    kind: DestinationKind = strawberry.field(description="By which way it is told.")
    address: str = strawberry.field(
        description="Where it is, without what may be secret: a query, the path at Slack."
    )
    min_severity: Severity = strawberry.field(description="It is told of alerts from this one on.")
    rule_ids: list[str] = strawberry.field(
        description="It is told of alerts of these rules; of all where the list is empty."
    )
    quiet_hours: QuietHoursAnswer | None = strawberry.field(
        description="When it is left alone; null where never."
    )
    enabled: bool = strawberry.field(description="Whether it is told of anything.")
    disabled_at: datetime | None = strawberry.field(
        description="When it was switched off by itself; null unless it was."
    )
    disabled_reason: str | None = strawberry.field(
        description="Why it was switched off by itself, in a sentence; null unless it was."
    )
    failing_since: datetime | None = strawberry.field(
        description="When the first try failed since one last succeeded; null while none does."
    )
    paused_until: datetime | None = strawberry.field(
        description="It is left alone until then, since tries fail or it asked for that."
    )
    sent: BigInt = strawberry.field(description="Tries that succeeded.")
    failed: BigInt = strawberry.field(description="Tries that failed.")
    secret_at: datetime | None = strawberry.field(
        description="When its secret was made; null where nothing is signed."
    )
    previous_secret_until: datetime | None = strawberry.field(
        description="Until when the secret before signs beside it; null where none does."
    )
    created_at: datetime = strawberry.field(description="When it was made.")
    created_by: str = strawberry.field(description="The principal who made it.")
    changed_at: datetime = strawberry.field(description="When somebody changed it last.")

    backlog: DestinationBacklog = batched(
        notices.counts,
        key="destination_id",
        of=DestinationBacklog.of,
        cost=2,
        description="What was not sent.",
    )

    @classmethod
    def of(cls, row: Destination) -> "DestinationAnswer":
        """As clients see it."""
        return cls(
            destination_id=row.id,
            name=row.name,
            kind=row.kind,
            address=row.address,
            min_severity=row.routing.min_severity,
            rule_ids=list(row.routing.rules),
            quiet_hours=None if row.quiet is None else QuietHoursAnswer.of(row.quiet),
            enabled=row.enabled,
            disabled_at=row.disabled_at,
            disabled_reason=row.disabled_reason,
            failing_since=row.failing_since,
            paused_until=row.pause_until,
            sent=BigInt(row.sent),
            failed=BigInt(row.failed),
            secret_at=row.secret_at,
            previous_secret_until=row.previous_until,
            created_at=row.created_at,
            created_by=row.principal,
            changed_at=row.changed_at,
        )


def _id(id: str) -> str:
    return id


@strawberry.type
class DestinationQuery:
    """Where alerts go."""

    destination: DestinationAnswer | None = root(
        notices.by_ids,
        key=_id,
        of=DestinationAnswer.of,
        arguments={"id": _ID},
        description="One destination of the workspace; null where it has none of that id.",
    )
    destinations: Connection[DestinationAnswer] = root(
        notices.listed,
        of=DestinationAnswer.of,
        order="destinations",
        description="The destinations of the workspace, the newest first.",
    )


# Saying where alerts go


@strawberry.type(description="A destination, and the secret that it has from now on.")
class DestinationMade:
    """The only time that the secret is shown."""

    destination: DestinationAnswer = strawberry.field(description="As it is now.")
    secret: str | None = strawberry.field(
        description=(
            "What proves that webhooks are ours, in the form of Standard Webhooks (`whsec_…`). It "
            "is never shown again, also not to the same idempotency key; null where nothing is "
            "signed."
        )
    )

    @classmethod
    def of(cls, made: Made) -> "DestinationMade":
        """As clients see it."""
        return cls(destination=DestinationAnswer.of(made.destination), secret=made.secret)


DestinationMadeResult = Annotated[
    DestinationMade | RefusalAnswer,
    strawberry.union("DestinationMadeResult", description="The destination, or why not."),
]
DestinationResult = Annotated[
    DestinationAnswer | RefusalAnswer,
    strawberry.union("DestinationResult", description="The destination as it is, or why not."),
]
TestDestinationResult = Annotated[
    Job | RefusalAnswer,
    strawberry.union("TestDestinationResult", description="The job that tries it, or why not."),
]


@strawberry.input(one_of=True, description="Where a destination is.")
class DestinationTarget:
    """Exactly one of its fields is given."""

    webhook_url: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="An https address that takes signed POSTs, as Standard Webhooks has it.",
    )
    slack_url: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="An incoming webhook of Slack, or of who understands its messages.",
    )
    email: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description=f"1 to {MAX_ADDRESSES} addresses."
    )

    def asked(self) -> Way:
        """The way there."""
        if self.webhook_url:
            return Way(kind=DestinationKind.WEBHOOK, url=self.webhook_url)
        if self.slack_url:
            return Way(kind=DestinationKind.SLACK, url=self.slack_url)
        if self.email:
            return Way(kind=DestinationKind.EMAIL, addresses=tuple(self.email))
        raise BadInput("Say where: webhookUrl, slackUrl or email.")


async def _create(
    context: Context,
    *,
    name: str,
    to: Way,
    min_severity: Severity = Severity.INFO,
    rule_ids: tuple[str, ...] = (),
    quiet_hours: QuietHours | None = None,
    principal: Principal,
    now: datetime,
) -> Made:
    return await notices.create(
        context.door,
        context.part(Outlets),
        name=name,
        to=to,
        min_severity=min_severity,
        rules=rule_ids,
        quiet=quiet_hours,
        principal=principal,
        now=now,
    )


async def _update(
    context: Context,
    *,
    id: str,
    name: str | None = None,
    to: Way | None = None,
    min_severity: Severity | None = None,
    rule_ids: tuple[str, ...] | None = None,
    quiet_hours: QuietHours | None = None,
    no_quiet_hours: bool = False,
    principal: Principal,
    now: datetime,
) -> Destination:
    return await notices.update(
        context.door,
        context.part(Outlets),
        id=id,
        name=name,
        to=to,
        min_severity=min_severity,
        rules=rule_ids,
        quiet=quiet_hours,
        no_quiet=no_quiet_hours,
        principal=principal,
        now=now,
    )


async def _rotate(
    context: Context, *, id: str, overlap_h: int = 24, principal: Principal, now: datetime
) -> Made:
    return await notices.rotate(
        context.door,
        context.part(Outlets),
        id=id,
        overlap_h=overlap_h,
        principal=principal,
        now=now,
    )


@strawberry.type
class DestinationMutation:
    """Saying where alerts go."""

    create_destination: DestinationMadeResult = change_or_refusal(
        _create,
        of=DestinationMade.of,
        shown_once=("secret",),
        arguments={
            "name": _NAME,
            "to": Argument(_TO, type=DestinationTarget),
            "min_severity": "It is told of alerts from this one on.",
            "rule_ids": _RULES,
            "quiet_hours": Argument("When it is left alone.", type=QuietHoursInput | None),
        },
        description=(
            "Tell alerts that are raised from now on to a webhook, to Slack or by e-mail; a "
            f"workspace has up to {MOST} destinations."
        ),
    )
    update_destination: DestinationResult = change_or_refusal(
        _update,
        of=DestinationAnswer.of,
        arguments={
            "id": _ID,
            "name": _NAME,
            "to": Argument(f"{_TO} Its kind stays.", type=DestinationTarget | None),
            "min_severity": "It is told of alerts from this one on.",
            "rule_ids": _RULES,
            "quiet_hours": Argument(
                "When it is left alone; what is held back already waits for their end.",
                type=QuietHoursInput | None,
            ),
            "no_quiet_hours": "Whether it is never left alone any more.",
        },
        description="Change a destination; what is not given stays.",
    )
    enable_destination: DestinationResult = change_or_refusal(
        notices.switch_on,
        of=DestinationAnswer.of,
        arguments={"id": _ID},
        description="Tell a destination of what happens from now on.",
    )
    disable_destination: DestinationResult = change_or_refusal(
        notices.switch_off,
        of=DestinationAnswer.of,
        arguments={"id": _ID},
        description="Tell a destination nothing; what waits for it is dropped.",
    )
    rotate_destination_secret: DestinationMadeResult = change_or_refusal(
        _rotate,
        of=DestinationMade.of,
        shown_once=("secret",),
        arguments={
            "id": _ID,
            "overlap_h": (
                "How long the secret before signs beside the new one, so that receivers can change "
                f"over: hours, 0 to {MAX_OVERLAP_H}."
            ),
        },
        description="Give a webhook a new secret.",
    )
    delete_destination: DestinationResult = change_or_refusal(
        notices.remove,
        of=DestinationAnswer.of,
        arguments={"id": _ID},
        description=(
            "Delete a destination and its secrets; what waits for it is dropped, and its notices "
            "stay for a while."
        ),
    )
    test_destination: TestDestinationResult = change_or_refusal(
        notices.request_test,
        of=Job.of,
        arguments={"id": _ID},
        description=(
            "Send a test to a destination, also to one that is switched off; what came of it is "
            "the job's result. Asked again while it is under way it answers the same job."
        ),
    )
