"""Alerts and letters in a few words."""

from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from graph_api.domain.alerts import Alert, Severity
from graph_api.domain.notices import NoticeKind
from ingest.pipelines.letters import Letter

NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)
TITLE = "Wallet 0xab… received 1,000,000 USDC"


def alert(number: int = 1, **changes: Any) -> Alert:
    """An alert that was raised at noon."""
    made = Alert(
        id=f"alert-{number}",
        workspace="local",
        principal="local",
        number=number,
        rule="rule-1",
        rule_name="Whales",
        kind="large_transfer",
        severity=Severity.WARNING,
        subject="eip155:1:0x" + "ab" * 20,
        title=TITLE,
        facts={"usd": "1000000", "token": {"symbol": "USDC"}},
        event="eip155:1:0x01:log:7",
        event_at=NOON,
        raised_at=NOON,
    )
    return replace(made, **changes)


def letter(kind: NoticeKind = NoticeKind.RAISED, **changes: Any) -> Letter:
    """A letter of one alert that was raised."""
    made = Letter(id="ntc_1", kind=kind, workspace="local", at=NOON, raised=(alert(),))
    return replace(made, **changes)
