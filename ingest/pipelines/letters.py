"""What notices say: as the body of a webhook, as a message for Slack, as an e-mail.

A notice says the same however often it is sent: what may change of an alert is not in it. Titles
and facts may quote what strangers wrote, such as the symbol of a token; nothing of that is read as
mark-up, as a mention or as a header.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Final

import msgspec

from graph_api.domain.alerts import Alert, Severity
from graph_api.domain.notices import NoticeKind, alert_body, severest

#: So many alerts one message shows; the API has them all.
MOST_IN_WEBHOOK: Final = 50
MOST_SHOWN: Final = 20
_MOST_FACTS: Final = 8
_MARKS: Final = {Severity.INFO: "🔵", Severity.WARNING: "🟠", Severity.CRITICAL: "🔴"}
#: Limits of Slack.
_HEADER: Final = 150
_FIELD: Final = 300


class Off(msgspec.Struct, frozen=True, kw_only=True):
    """A destination that switched itself off."""

    id: str
    name: str
    reason: str


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be said: ``id`` stays the same, ``at`` is when it became known.

    ``off`` is there where it is about a destination; ``retracted`` are alerts taken back.
    """

    id: str
    kind: NoticeKind
    workspace: str
    at: datetime
    raised: tuple[Alert, ...] = ()
    retracted: tuple[Alert, ...] = ()
    off: Off | None = None

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """All that it tells of."""
        return (*self.raised, *self.retracted)

    @property
    def title(self) -> str:
        """One line for a person."""
        if self.off is not None:
            return f"Notices to {_line(self.off.name)} are switched off"
        match self.kind:
            case NoticeKind.TEST:
                return "A test: notices arrive here"
            case NoticeKind.RAISED:
                return _line(self.raised[0].title)
            case NoticeKind.RETRACTED:
                return f"Taken back: {_line(self.retracted[0].title)}"
        both = ((self.raised, "raised"), (self.retracted, "taken back"))
        counts = [f"{len(alerts)} {word}" for alerts, word in both if alerts]
        return f"During quiet hours: {', '.join(counts)}"

    @property
    def severity(self) -> Severity:
        """That of the worst alert; a destination that is off is a warning."""
        if self.alerts:
            return severest(self.alerts)
        return Severity.INFO if self.off is None else Severity.WARNING


def webhook_body(letter: Letter) -> bytes:
    """JSON with ``type``, ``timestamp`` and ``data``, as the Standard Webhooks have it."""
    body = {"type": letter.kind.value, "timestamp": letter.at, "data": _data(letter)}
    return msgspec.json.encode(body)


def slack_message(letter: Letter) -> bytes:
    """JSON with blocks, and a text for where these are not shown."""
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": _plain(f"{_mark(letter)} {letter.title}", _HEADER)}
    ]
    if letter.kind in (NoticeKind.RAISED, NoticeKind.RETRACTED):
        pairs = [*_pairs(letter.alerts[0])][:10]
        fields = [_marked(f"*{_escaped(name)}*\n{_escaped(value)}") for name, value in pairs]
        blocks.append({"type": "section", "fields": fields})
    else:
        lines = [*_lines(letter)]
        if lines:
            text = "\n".join(_escaped(_cut(line, 140)) for line in lines)
            blocks.append({"type": "section", "text": _marked(text, 3_000)})
    blocks.append({"type": "context", "elements": [_plain(_footer(letter), _FIELD)]})
    text = _escaped(f"[{letter.severity.value}] {letter.title}")
    return json.dumps({"text": text, "blocks": blocks}, ensure_ascii=False).encode()


def mail_message(letter: Letter, *, sender: str, recipients: Sequence[str]) -> EmailMessage:
    """Plain text; its ``Message-ID`` stays the same however often it is sent."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = ", ".join(recipients)
    message["Subject"] = _cut(f"[{letter.severity.value}] {letter.title}", 200)
    message["Date"] = format_datetime(letter.at)
    message["Message-ID"] = f"<{letter.id}@{Address(addr_spec=sender).domain}>"
    message["Auto-Submitted"] = "auto-generated"
    if letter.kind in (NoticeKind.RAISED, NoticeKind.RETRACTED):
        lines = [f"{name}: {value}" for name, value in _pairs(letter.alerts[0])]
    else:
        lines = [*_lines(letter)]
    message.set_content("\n".join([letter.title, "", *lines, "", _footer(letter), ""]))
    return message


def _data(letter: Letter) -> dict[str, Any]:
    workspace = {"workspace": letter.workspace}
    if letter.off is not None:
        return workspace | {"destination": msgspec.to_builtins(letter.off)}
    match letter.kind:
        case NoticeKind.RAISED | NoticeKind.RETRACTED:
            return workspace | {"alert": alert_body(letter.alerts[0])}
        case NoticeKind.HELD:
            return workspace | {
                "raised": len(letter.raised),
                "retracted": len(letter.retracted),
                "alerts": [alert_body(one) for one in letter.raised[:MOST_IN_WEBHOOK]],
                "retractedAlerts": [one.id for one in letter.retracted[:MOST_IN_WEBHOOK]],
            }
    return workspace


def _pairs(alert: Alert) -> Iterator[tuple[str, str]]:
    """What is said of one alert, by name."""
    yield "Severity", alert.severity.value
    yield "Rule", _cut(_line(alert.rule_name), _FIELD)
    yield "About", _cut(_line(alert.subject), _FIELD)
    yield "Happened", _moment(alert.event_at)
    for name, value in list(alert.facts.items())[:_MOST_FACTS]:
        yield _line(name.replace("_", " ")), _cut(_value(value), _FIELD)


def _lines(letter: Letter) -> Iterator[str]:
    """What is said of several alerts, the worst first, or of none."""
    if letter.off is not None:
        yield _line(letter.off.reason)
        yield "What waited for it is set aside; switch it on and replay that."
    ranks = list(Severity)
    raised = sorted(letter.raised, key=lambda one: -ranks.index(one.severity))
    shown = [f"{_MARKS[one.severity]} {_line(one.title)}" for one in raised]
    shown += [f"Taken back: {_line(one.title)}" for one in letter.retracted]
    yield from shown[:MOST_SHOWN]
    if len(shown) > MOST_SHOWN:
        yield f"… and {len(shown) - MOST_SHOWN} more."


def _footer(letter: Letter) -> str:
    numbers = f"alert {letter.alerts[0].number}, " if len(letter.alerts) == 1 else ""
    return f"deskgraph, {letter.workspace}: {numbers}notice {letter.id}"


def _mark(letter: Letter) -> str:
    if letter.kind is NoticeKind.RETRACTED:
        return "↩️"
    return _MARKS[letter.severity]


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _line(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _plain(text: str, most: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": _cut(text, most), "emoji": False}


def _marked(text: str, most: int = 2_000) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": _cut(text, most), "verbatim": True}


def _escaped(text: str) -> str:
    """Without the three signs by which Slack knows links and mentions."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _line(text: str) -> str:
    """One line of signs that can be shown."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
