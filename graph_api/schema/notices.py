"""Destinations that alerts are told to, and the notices that go there."""

import re
from datetime import datetime, time
from typing import Annotated, Final

import strawberry

from graph_api.domain.alerts import Severity
from graph_api.domain.errors import BadInput
from graph_api.domain.notices import (
    MAX_TRIES,
    Destination,
    DestinationKind,
    Notice,
    NoticeKind,
    NoticeState,
)
from graph_api.domain.principals import Principal
from graph_api.domain.quiet_hours import WEEK, Afterwards, QuietHours, Weekday
from graph_api.schema.alerts import Alert
from graph_api.schema.changes import RefusalAnswer, change_or_refusal
from graph_api.schema.context import Context
from graph_api.schema.jobs import Job
from graph_api.schema.paging import Connection, Paging
from graph_api.schema.scalars import BigInt
from graph_api.schema.steps import Argument, batched, extends, root
from graph_api.services import notices
from graph_api.services.notices import (
    MAX_ADDRESSES,
    MAX_NAME,
    MAX_OVERLAP_H,
    MAX_RULES,
    Made,
    Outlets,
    Replayed,
    Way,
)
from graph_api.vault.destinations import MOST, Counts
from graph_api.vault.spreading import MOST_TOGETHER

_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")

strawberry.enum(
    DestinationKind,
    description="By which way a destination is told: a signed WEBHOOK, SLACK, or EMAIL.",
)
strawberry.enum(
    NoticeKind,
    description=(
        "What a notice tells: an alert was RAISED, or RETRACTED by its chain; what was HELD back "
        "during quiet hours; that another destination was DISABLED; or a TEST. In bodies of "
        "webhooks these are `alert.raised`, `alert.retracted`, `alerts.held`, "
        "`destination.disabled` and `destination.test`."
    ),
)
strawberry.enum(
    NoticeState,
    description=(
        "Where a notice is: WAITING for its time or for another try, SENT, DEAD when it was given "
        "up, or DROPPED when nobody is to be told any more."
    ),
)
strawberry.enum(Weekday, description="A day of the week.")
strawberry.enum(
    Afterwards,
    name="AfterQuietHours",
    description=(
        "How what was held back goes out when quiet hours end: all TOGETHER in one notice, or EACH "
        "in its own."
    ),
)


@strawberry.type(name="QuietHours", description="When a destination is left alone.")
class QuietHoursAnswer:
    """By the clocks of a place."""

    zone: str = strawberry.field(description="IANA name of its time zone.")
    days: list[Weekday] = strawberry.field(description="The days on which they begin.")
    begins: str = strawberry.field(description="When they begin, such as `22:00`.")
    ends: str = strawberry.field(
        description="When they end, such as `07:00`; on the next day where that is not later."
    )
    critical_passes: bool = strawberry.field(description="Whether critical alerts are sent.")
    afterwards: Afterwards = strawberry.field(description="How what was held back goes out.")

    @classmethod
    def of(cls, hours: QuietHours) -> "QuietHoursAnswer":
        """As clients see them."""
        return cls(
            zone=hours.zone,
            days=list(hours.days),
            begins=f"{hours.begins:%H:%M}",
            ends=f"{hours.ends:%H:%M}",
            critical_passes=hours.critical_passes,
            afterwards=hours.afterwards,
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


@strawberry.type(name="Notice", description="One message to one destination.")
class NoticeAnswer:
    """What it tells, and what became of it."""

    notice_id: str = strawberry.field(
        description="Its id, the same in every try: `webhook-id`, and the start of `Message-ID`."
    )
    kind: NoticeKind = strawberry.field(description="What it tells.")
    state: NoticeState = strawberry.field(description="Where it is.")
    destination_id: str = strawberry.field(description="The id of where it goes.")
    alert_count: int = strawberry.field(description="How many alerts it tells of.")
    attempts: int = strawberry.field(
        description=f"Tries that were begun; after {MAX_TRIES} that fail it is dead."
    )
    due_at: datetime = strawberry.field(description="When it was or is to be tried.")
    made_at: datetime = strawberry.field(description="When it was put on record.")
    tried_at: datetime | None = strawberry.field(description="When it was tried last.")
    finished_at: datetime | None = strawberry.field(
        description="When it was sent, given up or dropped; null while it waits."
    )
    status: int | None = strawberry.field(
        description="What the receiver answered last: a status of HTTP or of SMTP."
    )
    reason: str | None = strawberry.field(description="Why it is not sent, in a sentence.")

    destination: DestinationAnswer | None = batched(
        notices.by_ids,
        key="destination_id",
        of=DestinationAnswer.of,
        description="Where it goes, also when that was deleted since.",
    )
    alerts: list[Alert] = batched(
        notices.alerts_of,
        key="notice_id",
        of=Alert.of,
        cost=2,
        paging=Paging(default=20, ceiling=MOST_TOGETHER),
        description="The alerts that it tells of, in the order of their numbers.",
    )

    @classmethod
    def of(cls, row: Notice) -> "NoticeAnswer":
        """As clients see it."""
        return cls(
            notice_id=row.id,
            kind=row.kind,
            state=row.state,
            destination_id=row.destination,
            alert_count=row.alerts,
            attempts=row.attempts,
            due_at=row.due_at,
            made_at=row.made_at,
            tried_at=row.tried_at,
            finished_at=row.finished_at,
            status=row.status,
            reason=row.reason,
        )


@extends(Alert)
class AlertNotices:
    """Who was told of an alert."""

    notices: list[NoticeAnswer] = batched(
        notices.of_alerts,
        key="alert_id",
        of=NoticeAnswer.of,
        cost=2,
        description="The notices that tell of it, the oldest first.",
    )


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


@strawberry.type(description="Dead letters that are tried anew.")
class NoticesReplayed:
    """How many."""

    count: int = strawberry.field(description="How many there were.")

    @classmethod
    def of(cls, found: Replayed) -> "NoticesReplayed":
        """As clients see it."""
        return cls(count=found.count)


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
NoticeResult = Annotated[
    NoticeAnswer | RefusalAnswer,
    strawberry.union("NoticeResult", description="The notice as it is, or why not."),
]
NoticesReplayedResult = Annotated[
    NoticesReplayed | RefusalAnswer,
    strawberry.union("NoticesReplayedResult", description="How many, or why not."),
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


@strawberry.input(description="When a destination is to be left alone.")
class QuietHoursInput:
    """By the clocks of a place."""

    zone: str = strawberry.field(description="IANA name, such as `Europe/Zurich`.")
    days: list[Weekday] = strawberry.field(
        default_factory=lambda: list(WEEK), description="The days on which they begin."
    )
    begins: str = strawberry.field(description="When they begin, such as `22:00`.")
    ends: str = strawberry.field(
        description="When they end, such as `07:00`; on the next day where that is not later."
    )
    critical_passes: bool = strawberry.field(
        default=True, description="Whether critical alerts are sent all the same."
    )
    afterwards: Afterwards = strawberry.field(
        default=Afterwards.TOGETHER, description="How what was held back goes out."
    )

    def asked(self) -> QuietHours:
        """The hours."""
        return QuietHours(
            zone=self.zone,
            days=tuple(self.days),
            begins=_time(self.begins),
            ends=_time(self.ends),
            critical_passes=self.critical_passes,
            afterwards=self.afterwards,
        )


def _time(text: str) -> time:
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise BadInput(f"{text[:20]!r} is no time of the day; write it as 22:00.")
    return time(int(found[1]), int(found[2]))


def _id(id: str) -> str:
    return id


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


_ID: Final = "Its `destinationId`."
_NAME: Final = f"1 to {MAX_NAME} characters."
_TO: Final = (
    "Where it is: on a machine of the public internet, or of a network that "
    "`DESKGRAPH_NOTICES__PRIVATE_NETWORKS` names."
)
_RULES: Final = f"The `ruleId`s of up to {MAX_RULES} rules; all rules where none is named."


@strawberry.type
class NoticeQuery:
    """Where alerts go, and what became of them."""

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
    notice: NoticeAnswer | None = root(
        notices.notices_by_ids,
        key=_id,
        of=NoticeAnswer.of,
        arguments={"id": "Its `noticeId`."},
        description="One notice of the workspace; null where it has none of that id.",
    )
    notices: Connection[NoticeAnswer] = root(
        notices.history,
        of=NoticeAnswer.of,
        order="notices",
        arguments={
            "states": Argument("Only those in one of these.", type=list[NoticeState] | None),
            "destination": "Only those to the destination of this id.",
            "alert": "Only those that tell of the alert of this id.",
        },
        description="The notices of the workspace, the newest first.",
    )


@strawberry.type
class NoticeMutation:
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
    replay_notice: NoticeResult = change_or_refusal(
        notices.replay,
        of=NoticeAnswer.of,
        arguments={"id": "Its `noticeId`."},
        description=(
            "Try a dead letter anew, under the same id; one that waits is tried at once. Quiet "
            "hours hold for it too."
        ),
    )
    replay_notices: NoticesReplayedResult = change_or_refusal(
        notices.replay_all,
        of=NoticesReplayed.of,
        arguments={"destination": _ID},
        description="Try all dead letters of a destination anew.",
    )
