"""Notices: what destinations are told, and what became of it."""

from datetime import datetime
from typing import Annotated

import strawberry

from graph_api.domain.notices import MAX_TRIES, Notice, NoticeKind, NoticeState
from graph_api.schema.alerts import Alert
from graph_api.schema.changes import RefusalAnswer, change_or_refusal
from graph_api.schema.destinations import DestinationAnswer
from graph_api.schema.paging import Connection, Paging
from graph_api.schema.steps import Argument, batched, extends, root
from graph_api.services import notices
from graph_api.services.notices import Replayed
from graph_api.vault.spreading import MOST_TOGETHER

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


@strawberry.type(description="Dead letters that are tried anew.")
class NoticesReplayed:
    """How many."""

    count: int = strawberry.field(description="How many there were.")

    @classmethod
    def of(cls, found: Replayed) -> "NoticesReplayed":
        """As clients see it."""
        return cls(count=found.count)


NoticeResult = Annotated[
    NoticeAnswer | RefusalAnswer,
    strawberry.union("NoticeResult", description="The notice as it is, or why not."),
]
NoticesReplayedResult = Annotated[
    NoticesReplayed | RefusalAnswer,
    strawberry.union("NoticesReplayedResult", description="How many, or why not."),
]


def _id(id: str) -> str:
    return id


@strawberry.type
class NoticeQuery:
    """What became of notices."""

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
    """Trying notices anew."""

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
        arguments={"destination": "Its `destinationId`."},
        description="Try all dead letters of a destination anew.",
    )
