"""What notices say, and that nothing in them is read as more than words."""

import json
from email import message_from_bytes, policy
from typing import Any

import pytest

from graph_api.domain.alerts import Severity
from graph_api.domain.notices import NoticeKind
from ingest.pipelines.letters import (
    MOST_IN_WEBHOOK,
    MOST_SHOWN,
    Letter,
    Off,
    mail_message,
    slack_message,
    webhook_body,
)
from tests.ingest.notices.given import NOON, TITLE, alert, letter

HELD = letter(
    NoticeKind.HELD,
    raised=tuple(alert(number, title=f"Alert {number}") for number in range(1, 101)),
    retracted=(alert(200, title="Gone"),),
)
OFF = letter(
    NoticeKind.DISABLED, raised=(), off=Off(id="2", name="Desk's pager", reason="Every try failed.")
)
TEST = letter(NoticeKind.TEST, raised=())
ODD = "<!channel> *x* & <https://evil.example|click>\r\nBcc: all@evil.example\u202e\0"


def slack(one: Letter) -> Any:
    return json.loads(slack_message(one))


def mail(one: Letter) -> Any:
    made = mail_message(one, sender="desk@example.org", recipients=["a@example.org"])
    return message_from_bytes(made.as_bytes(), policy=policy.default)


def test_a_webhook_tells_type_time_and_alert() -> None:
    body = json.loads(webhook_body(letter()))

    assert body == {
        "type": "alert.raised",
        "timestamp": "2026-06-10T12:00:00Z",
        "data": {
            "workspace": "local",
            "alert": {
                "id": "alert-1",
                "number": 1,
                "rule": {"id": "rule-1", "name": "Whales", "kind": "large_transfer"},
                "severity": "warning",
                "subject": "eip155:1:0x" + "ab" * 20,
                "title": TITLE,
                "facts": {"usd": "1000000", "token": {"symbol": "USDC"}},
                "event": "eip155:1:0x01:log:7",
                "eventAt": "2026-06-10T12:00:00Z",
                "raisedAt": "2026-06-10T12:00:00Z",
            },
        },
    }


def test_what_changes_of_an_alert_changes_no_letter() -> None:
    later = alert(acknowledged_at=NOON, acknowledged_by="ann", note="Seen.", retracted_at=NOON)

    assert webhook_body(letter(raised=(later,))) == webhook_body(letter())


def test_what_was_held_back_is_told_with_its_numbers() -> None:
    data = json.loads(webhook_body(HELD))["data"]

    assert (data["raised"], data["retracted"]) == (100, 1)
    assert [one["number"] for one in data["alerts"]] == [*range(1, MOST_IN_WEBHOOK + 1)]
    assert data["retractedAlerts"] == ["alert-200"]
    assert HELD.title == "During quiet hours: 100 raised, 1 taken back"


@pytest.mark.parametrize("one", [letter(), HELD, OFF, TEST])
def test_a_message_keeps_the_limits_of_slack(one: Letter) -> None:
    message = slack(one)

    assert message["text"]
    assert len(message["blocks"]) <= 50
    for block in message["blocks"]:
        texts = [block["text"]] if "text" in block else []
        texts += block.get("fields", []) + block.get("elements", [])
        assert texts
        assert len(block.get("fields", [])) <= 10
        assert all(0 < len(text["text"]) <= 3_000 for text in texts)
    assert len(message["blocks"][0]["text"]["text"]) <= 150


def test_the_worst_comes_first_and_the_rest_is_counted() -> None:
    worst = alert(101, title="The worst", severity=Severity.CRITICAL)
    message = mail(letter(NoticeKind.HELD, raised=(*HELD.raised, worst)))

    lines = message.get_content().splitlines()
    assert lines[2] == "🔴 The worst"
    assert f"… and {101 - MOST_SHOWN} more." in lines
    assert message["Subject"].startswith("[critical] ")


def test_a_retraction_names_what_is_taken_back() -> None:
    taken = letter(NoticeKind.RETRACTED, raised=(), retracted=(alert(),))

    assert json.loads(webhook_body(taken))["data"]["alert"]["id"] == "alert-1"
    assert TITLE in slack(taken)["blocks"][0]["text"]["text"]
    assert mail(taken)["Subject"] == f"[warning] Taken back: {TITLE}"


def test_words_of_strangers_mention_nobody_at_slack() -> None:
    odd = alert(title=ODD, rule_name=ODD, facts={ODD: ODD, "more": [ODD]})

    for one in (
        letter(raised=(odd,)),
        letter(NoticeKind.HELD, raised=(odd, odd)),
        letter(NoticeKind.DISABLED, raised=(), off=Off(id="1", name=ODD, reason=ODD)),
    ):
        message = slack(one)
        marked = [message["text"]]
        for block in message["blocks"]:
            texts = [block.get("text"), *block.get("fields", []), *block.get("elements", [])]
            marked += [text["text"] for text in texts if text and text["type"] == "mrkdwn"]
        assert not [text for text in marked if "<" in text or ">" in text]


def test_words_of_strangers_add_no_header_to_mail() -> None:
    message = mail(letter(raised=(alert(title=ODD, rule_name=ODD, facts={ODD: ODD}),)))

    assert message["Bcc"] is None
    assert "\n" not in message["Subject"]
    assert sorted(message.keys()) == [
        "Auto-Submitted",
        "Content-Transfer-Encoding",
        "Content-Type",
        "Date",
        "From",
        "MIME-Version",
        "Message-ID",
        "Subject",
        "To",
    ]


def test_mail_has_an_id_that_stays() -> None:
    assert mail(letter())["Message-ID"] == mail(letter())["Message-ID"] == "<ntc_1@example.org>"
    assert TITLE in mail(letter()).get_content()
