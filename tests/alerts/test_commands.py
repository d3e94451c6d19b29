"""Alerts on the command line: listed, seen to, and previewed."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from deskgraph.watch_commands import alert_line
from graph_api.domain.alerts import Finding, LargeTransfer, Rule, Severity, Size
from graph_api.domain.events import Lane, Line
from graph_api.domain.principals import LOCAL
from graph_api.server.alert_figures import families
from graph_api.services.alerts import figures
from graph_api.store.address import GraphAddress
from graph_api.store.graph import Graph
from graph_api.vault import alert_rules, alerts, judging
from graph_api.vault.judging import Judged, Raised, TakenBack
from graph_api.vault.vault import Vault
from tests import given
from tests.given import ETHEREUM, NOW, Ledger
from tests.ingest.loading import ended

NOWHERE = GraphAddress(url="bolt://127.0.0.1:1", user="u", password="p", database="d")
LANE = Lane(Line.TRANSFERS, ETHEREUM.id)


@pytest.fixture
async def rule(vault: Vault) -> Rule:
    return await alert_rules.create(
        vault,
        LOCAL,
        id="much",
        name="Much moved",
        condition=LargeTransfer(size=Size(min_amount=Decimal(5))),
        severity=Severity.CRITICAL,
        now=NOW,
    )


@pytest.fixture
async def raised(vault: Vault, rule: Rule) -> list[str]:
    """Two alerts, the first of them taken back; their ids."""
    for number in (1, 2):
        found = Raised(
            number=number,
            rule=rule,
            finding=Finding(subject="whale", title=f"Move\x1b {number}.", facts={}),
            event=f"event {number}",
            event_at=NOW,
            cause=f"cause {number}",
        )
        place = Judged(lane=LANE, epoch="e", number=number)
        await judging.keep(vault, [found], judged=place, now=NOW)
    await judging.keep(vault, [TakenBack(number=3, cause="cause 1")], judged=None, now=NOW)
    return [one.id for one in await alerts.after(vault, LOCAL, 0)]


async def said(home: Path, *words: str, address: GraphAddress = NOWHERE) -> str:
    done = await ended(address, home, "alerts", *words)
    assert done.code == 0, done.err
    return done.out


async def test_alerts_are_listed_and_seen_to(
    vault: Vault, raised: list[str], tmp_path: Path
) -> None:
    gone, stands = raised
    listed = (await said(tmp_path, "list", "--json")).splitlines()
    acknowledged = await said(tmp_path, "ack", stands, "--note", "Known.")
    waiting = await said(tmp_path, "list", "--open")
    table = await said(tmp_path, "list", "--severity", "critical")
    rules = await said(tmp_path, "rules")
    wrong = await ended(NOWHERE, tmp_path, "alerts", "ack", "none")

    assert [msgspec.json.decode(line)["number"] for line in listed] == [2, 1]
    assert (acknowledged, waiting) == ("1 acknowledged.\n", "No alert.\n")
    assert "seen to by local" in table
    assert "taken back" in table
    assert gone in table
    assert "\x1b" not in table + rules
    assert "large_transfer" in rules
    assert (wrong.code, wrong.err) == (2, "deskgraph: There is no alert none.\n")


async def test_figures_count_alerts_by_severity(vault: Vault, raised: list[str]) -> None:
    found = await figures(vault, principal=LOCAL)
    samples = {
        (one.name, one.labels.get("severity")): one.value
        for family in families(found, NOW)
        for one in family.samples
    }

    assert samples["deskgraph_alert_rules", None] == 1
    assert samples["deskgraph_alerts_raised_total", "critical"] == 2
    assert samples["deskgraph_alerts_open", "critical"] == 1
    assert samples["deskgraph_alerts_retracted_total", "critical"] == 1
    assert samples["deskgraph_alerts_open", "info"] == 0


@pytest.mark.parametrize("graph_address", ["embedded"], indirect=True)
async def test_a_rule_is_previewed(
    graph: Graph, vault: Vault, rule: Rule, ledger: Ledger, tmp_path: Path
) -> None:
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    at = round(hour_ago.timestamp() * 1000)
    await ledger.write(
        given.token("coins", symbol="COIN"),
        given.transfer("alice", "desk", token=given.erc20("coins"), amount_raw=7 * 10**18, at=at),
    )

    words = await said(tmp_path, "preview", rule.id, address=graph.address)

    first, second = words.splitlines()
    assert first == "1 alerts, 0 more were quiet (cool-down); 1 events looked at."
    assert second.endswith(": 7 COIN.")


def test_a_watched_alert_is_a_line_that_a_terminal_can_show() -> None:
    item: dict[str, Any] = {
        "kind": "AlertRaised",
        "alert": {
            "eventAt": "2026-01-15T12:00:00Z",
            "number": 3,
            "severity": "WARNING",
            "title": "Much\x07 moved.",
            "ruleName": "Large",
            "acknowledgedBy": None,
        },
    }
    assert alert_line(item) == (
        "+ 2026-01-15T12:00:00Z  #3 WARNING  Much\N{REPLACEMENT CHARACTER} moved.  (Large)"
    )
