"""Notices: who is told of which alerts, when a try is repeated, and when it is given up.

A notice is one message to one destination; its id stays the same however often it is sent, so that
who gets it twice can tell. Source of the schedule: the Standard Webhooks specification.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from graph_api.domain.alerts import Alert, Severity
from graph_api.domain.quiet_hours import QuietHours

#: How long to wait after each try that failed; after the last one the notice is a dead letter.
RETRIES: Final = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
MAX_TRIES: Final = len(RETRIES) + 1
#: A receiver may ask for a longer wait, up to this one.
LONGEST_WAIT: Final = timedelta(days=1)
#: So much is added to a wait at most, so that what failed together is not tried again together.
JITTER: Final = 0.2
#: A destination that fails is left alone for a while: longer each time, up to the last one.
_PAUSES: Final = tuple(timedelta(seconds=seconds) for seconds in (2, 5, 15, 60, 300))

_RANKS: Final = {severity: rank for rank, severity in enumerate(Severity)}


class DestinationKind(StrEnum):
    """By which way a destination is told."""

    WEBHOOK = "webhook"
    SLACK = "slack"
    EMAIL = "email"


class Routing(msgspec.Struct, frozen=True, kw_only=True):
    """Which alerts a destination is told of: those of ``rules`` (of all where none is named) that
    are at least this severe. Who was told of an alert is told when it is taken back.
    """

    min_severity: Severity = Severity.INFO
    rules: tuple[str, ...] = ()

    def wants(self, alert: Alert) -> bool:
        """Whether it is told of ``alert``."""
        if self.rules and alert.rule not in self.rules:
            return False
        return _RANKS[alert.severity] >= _RANKS[self.min_severity]


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """Somewhere that a workspace's alerts are told to.

    Args:
        address: As it may be shown: a webhook's URL, the host of a Slack webhook and its end, the
            addresses of e-mail separated by commas.
        after: It is told of news of alerts after this number.
        failures: Tries that failed since one last succeeded; ``failing_since`` is the first one.
        pause_until: It is left alone until then, because tries fail or because it asked for it.
        disabled_at, disabled_reason: When and why it was switched off by itself.
        previous_until: How long the secret before the last one still signs.
        sent, failed: Tries that succeeded, and that did not.
    """

    id: str
    workspace: str
    principal: str
    name: str
    kind: DestinationKind
    address: str
    routing: Routing = Routing()
    quiet: QuietHours | None = None
    enabled: bool = True
    created_at: datetime
    changed_at: datetime
    after: int = 0
    secret_at: datetime | None = None
    previous_until: datetime | None = None
    failures: int = 0
    failing_since: datetime | None = None
    pause_until: datetime | None = None
    disabled_at: datetime | None = None
    disabled_reason: str | None = None
    sent: int = 0
    failed: int = 0

    def held_until(self, severity: Severity, now: datetime) -> datetime | None:
        """When quiet hours end that hold something so severe back now; None where nothing does."""
        if self.quiet is None or (severity is Severity.CRITICAL and self.quiet.critical_passes):
            return None
        return self.quiet.end_of(now)


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """What sending needs to know of a destination, and nobody is shown.

    ``url`` is where a webhook or Slack is. ``secret`` signs, and ``previous`` beside it while a new
    one takes over. ``addresses`` are those of e-mail.
    """

    url: str | None = None
    secret: str | None = None
    previous: str | None = None
    addresses: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "Endpoint(…)"


def shown_url(kind: DestinationKind, url: str) -> str:
    """A URL without what may be secret in it: the query, and the path at Slack."""
    parts = urlsplit(url)
    if kind is DestinationKind.SLACK:
        return f"{parts.scheme}://{parts.netloc}/…{parts.path[-4:]}"
    return f"{parts.scheme}://{parts.netloc}{parts.path}" + ("?…" if parts.query else "")


class NoticeKind(StrEnum):
    """What a notice tells; the same word is the ``type`` of its body."""

    RAISED = "alert.raised"
    RETRACTED = "alert.retracted"
    HELD = "alerts.held"
    DISABLED = "destination.disabled"
    TEST = "destination.test"


class NoticeState(StrEnum):
    """Where a notice is; ``dead`` ones were given up and can be replayed."""

    WAITING = "waiting"
    SENT = "sent"
    DEAD = "dead"
    DROPPED = "dropped"


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one destination.

    Args:
        subject: What it is about: an alert's id, when the quiet hours ended, a destination's id.
        alerts: How many alerts it tells of.
        attempts: Tries that were begun since it last waited anew.
        due_at: When it is tried next.
        status: What the receiver answered last: of HTTP, or of SMTP.
        reason: Why it is not sent, in a sentence.
    """

    id: str
    workspace: str
    principal: str
    destination: str
    kind: NoticeKind
    subject: str
    alerts: int = 1
    state: NoticeState = NoticeState.WAITING
    attempts: int = 0
    due_at: datetime
    made_at: datetime
    tried_at: datetime | None = None
    finished_at: datetime | None = None
    status: int | None = None
    reason: str | None = None


class Verdict(StrEnum):
    """What a try came to: worth another one, hopeless, or unwanted for good."""

    DELIVERED = "delivered"
    AGAIN = "again"
    NEVER = "never"
    GONE = "gone"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """A try to send.

    Args:
        status: What the receiver answered: of HTTP, or of SMTP.
        took_ms: How long it took until then, milliseconds.
        answer: The beginning of what it said.
        reason: Why it failed, in a sentence.
        wait_s: How long it asked to be left alone, seconds.
    """

    verdict: Verdict
    status: int | None = None
    took_ms: int = 0
    answer: str | None = None
    reason: str | None = None
    wait_s: float | None = None


def notice_id(workspace: str, destination: str, kind: NoticeKind, subject: str) -> str:
    """The same for the same message to the same destination, whoever makes it."""
    text = "\x1f".join((workspace, destination, kind.value, subject))
    return "ntc_" + blake2b(text.encode(), digest_size=16).hexdigest()


def next_try(
    attempts: int, *, now: datetime, random: float, wait_s: float | None = None
) -> datetime | None:
    """When to try again after ``attempts`` tries; None when it is given up.

    ``random`` is from 0 to 1. The receiver may ask to wait longer, never shorter.
    """
    if attempts > len(RETRIES):
        return None
    return now + max(_jittered(RETRIES[attempts - 1], random), _asked(wait_s))


def pause(failures: int, *, now: datetime, random: float, wait_s: float | None = None) -> datetime:
    """Until when a destination is left alone that failed so often in a row."""
    return now + max(_jittered(_PAUSES[min(failures, len(_PAUSES)) - 1], random), _asked(wait_s))


def severest(alerts: Sequence[Alert]) -> Severity:
    """The severity of the worst of ``alerts``."""
    return max((alert.severity for alert in alerts), key=_RANKS.__getitem__)


def alert_body(alert: Alert) -> dict[str, Any]:
    """An alert as webhooks tell it: what never changes once it is raised."""
    return {
        "id": alert.id,
        "number": alert.number,
        "rule": {"id": alert.rule, "name": alert.rule_name, "kind": alert.kind},
        "severity": alert.severity.value,
        "subject": alert.subject,
        "title": alert.title,
        "facts": alert.facts,
        "event": alert.event,
        "eventAt": alert.event_at,
        "raisedAt": alert.raised_at,
    }


def _jittered(wait: timedelta, random: float) -> timedelta:
    return wait * (1 + JITTER * random)


def _asked(wait_s: float | None) -> timedelta:
    return min(timedelta(seconds=max(0.0, wait_s or 0.0)), LONGEST_WAIT)
