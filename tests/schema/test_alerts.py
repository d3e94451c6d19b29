"""Alerts over GraphQL: each workspace its own, seen to once, and previews of rules."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from graph_api.domain.alerts import Finding, LargeTransfer, Rule, Severity, Size
from graph_api.domain.events import Lane, Line
from graph_api.domain.principals import LOCAL, Principal, PrincipalKind
from graph_api.schema.context import Context
from graph_api.store.graph import Graph
from graph_api.store.records import moment
from graph_api.vault import alert_news, alert_rules, judging, workspaces
from graph_api.vault.judging import Judged, Raised, TakenBack
from graph_api.vault.vault import Vault
from tests import given
from tests.given import DAY, ETHEREUM, NOON, NOW, Ledger, wallet
from tests.schema.asking import ask_vault, asked_in

OTHER = Principal("other", "elsewhere", PrincipalKind.PERSON)
LANE = Lane(Line.TRANSFERS, ETHEREUM.id)
ALERT = """alertId number ruleName kind severity subject title eventAt raisedAt
  facts { name value } acknowledgedAt acknowledgedBy note retractedAt rule { name } """
LIST = f"""query ($filter: AlertFilter, $first: Int, $after: String) {{
  alerts(filter: $filter, first: $first, after: $after) {{
    nodes {{ {ALERT} }} pageInfo {{ hasNextPage endCursor }} }} }}"""
SHOW = f"query ($id: String!) {{ alert(id: $id) {{ {ALERT} }} }}"
OF_RULE = """query ($id: String!) { alertRule(id: $id) { alerts { nodes { number } } } }"""
ACKNOWLEDGE = f"""mutation ($ids: [String!]!, $note: String, $key: String) {{
  acknowledgeAlerts(ids: $ids, note: $note, idempotencyKey: $key) {{
    ... on AlertsAcknowledged {{ alerts {{ {ALERT} }} }}
    ... on Refusal {{ reason message about }} }} }}"""
PREVIEW = """query ($rule: String, $condition: AlertConditionInput, $coolDownS: Int, $lastS: Int) {
  previewAlertRule(rule: $rule, condition: $condition, coolDownS: $coolDownS, lastS: $lastS) {
    complete completeFrom lookedAt raised swallowed findings { at subject title
      facts { name value } } } }"""


async def a_rule(vault: Vault, principal: Principal, *, severity: Severity) -> Rule:
    """A rule on record."""
    return await alert_rules.create(
        vault,
        principal,
        id=f"{severity} rule",
        name=f"A {severity} rule",
        condition=LargeTransfer(size=Size(min_amount=Decimal(5))),
        severity=severity,
        now=NOW - timedelta(days=1),
    )


def found(rule: Rule, number: int, *, cause: str | None = None) -> Raised:
    """What the rule finds in an event."""
    facts: dict[str, Any] = {
        "sender": wallet("alice"),
        "usd": "12.5",
        "price": {"usd": "2000"},
        "note": None,
    }
    return Raised(
        number=number,
        rule=rule,
        finding=Finding(subject=wallet("alice"), title=f"Alert {number}.", facts=facts),
        event=f"event {number}",
        event_at=NOW - timedelta(minutes=9 - number),
        cause=cause,
    )


@pytest.fixture
async def raised(vault: Vault) -> list[str]:
    """Three alerts of this workspace, the third taken back, and one of another; their ids."""
    await workspaces.create(vault, OTHER, id="elsewhere", name="Elsewhere", now=NOW)
    warning = await a_rule(vault, LOCAL, severity=Severity.WARNING)
    critical = await a_rule(vault, LOCAL, severity=Severity.CRITICAL)
    foreign = await a_rule(vault, OTHER, severity=Severity.CRITICAL)
    for number, rule in enumerate((warning, critical, warning, foreign), 1):
        await judging.keep(
            vault,
            [found(rule, number, cause=f"block {number}")],
            judged=Judged(lane=LANE, epoch="e", number=number),
            now=NOW + timedelta(seconds=number),
        )
    gone = TakenBack(number=9, cause="block 3")
    await judging.keep(vault, [gone], judged=None, now=NOW + timedelta(minutes=1))
    return [row.alert for row in await alert_news.after(vault, 0, limit=4)]


async def numbers(vault: Vault, **filter: Any) -> list[int]:
    data, codes = await ask_vault(vault, LIST, filter=filter)
    assert codes == []
    return [node["number"] for node in data["alerts"]["nodes"]]


async def test_alerts_are_listed_newest_first_by_all_that_they_have(
    vault: Vault, raised: list[str]
) -> None:
    data, codes = await ask_vault(vault, LIST, first=1)
    more, _ = await ask_vault(vault, LIST, after=data["alerts"]["pageInfo"]["endCursor"])

    assert codes == []
    (newest,) = data["alerts"]["nodes"]
    assert newest | {"alertId": "", "rule": ""} == {
        "alertId": "",
        "number": 3,
        "ruleName": "A warning rule",
        "kind": "LARGE_TRANSFER",
        "severity": "WARNING",
        "subject": wallet("alice"),
        "title": "Alert 3.",
        "eventAt": "2026-01-15T11:54:00Z",
        "raisedAt": "2026-01-15T12:00:03Z",
        "facts": [
            {"name": "price.usd", "value": "2000"},
            {"name": "sender", "value": wallet("alice")},
            {"name": "usd", "value": "12.5"},
        ],
        "acknowledgedAt": None,
        "acknowledgedBy": None,
        "note": None,
        "retractedAt": "2026-01-15T12:01:00Z",
        "rule": "",
    }
    assert [node["number"] for node in more["alerts"]["nodes"]] == [2, 1]
    assert await numbers(vault, severities=["CRITICAL"]) == [2]
    assert await numbers(vault, retracted=False) == [2, 1]
    assert await numbers(vault, kinds=["PRICE_MOVE"]) == []
    assert await numbers(vault, rules=["warning rule"], subjects=[wallet("alice")]) == [3, 1]
    assert await numbers(vault, since="2026-01-15T12:00:02Z", until="2026-01-15T12:00:03Z") == [2]
    of_rule, _ = await ask_vault(vault, OF_RULE, id="warning rule")
    assert of_rule["alertRule"]["alerts"]["nodes"] == [{"number": 3}, {"number": 1}]


async def test_nobody_sees_or_sees_to_alerts_of_elsewhere(vault: Vault, raised: list[str]) -> None:
    *mine, foreign = raised

    shown, _ = await ask_vault(vault, SHOW, id=foreign)
    done, codes = await ask_vault(vault, ACKNOWLEDGE, ids=[mine[0], foreign])
    theirs, _ = await ask_vault(vault, LIST, by_whom=OTHER)

    assert shown == {"alert": None}
    assert codes == []
    assert done["acknowledgeAlerts"]["reason"] == "NOT_FOUND"
    assert done["acknowledgeAlerts"]["about"] == [foreign]
    assert await numbers(vault, acknowledged=True) == []
    assert [node["number"] for node in theirs["alerts"]["nodes"]] == [1]


async def test_an_alert_is_seen_to_once(vault: Vault, raised: list[str]) -> None:
    first, second, *_ = raised
    ask: dict[str, Any] = {"ids": [first], "note": "Known.", "key": "a key"}

    done, codes = await ask_vault(vault, ACKNOWLEDGE, **ask)
    again, _ = await ask_vault(vault, ACKNOWLEDGE, now=NOW + timedelta(hours=1), **ask)
    more, _ = await ask_vault(
        vault, ACKNOWLEDGE, ids=[first, second], note="Late.", now=NOW + timedelta(hours=2)
    )

    assert codes == []
    (alert,) = done["acknowledgeAlerts"]["alerts"]
    assert (alert["acknowledgedAt"], alert["acknowledgedBy"]) == ("2026-01-15T12:00:00Z", "local")
    assert again == done
    assert [one["note"] for one in more["acknowledgeAlerts"]["alerts"]] == ["Known.", "Late."]
    assert await numbers(vault, acknowledged=False) == [3]


async def test_a_preview_says_what_a_rule_would_have_raised(
    graph: Graph, vault: Vault, ledger: Ledger
) -> None:
    await ledger.write(
        given.token("coins", decimals=18, symbol="COIN"),
        *(
            given.transfer(
                "alice",
                "desk",
                tx=f"{hour}",
                token=given.erc20("coins"),
                amount_raw=hour * 10**18,
                at=NOON + hour * 3_600_000,
                block=100 + hour,
            )
            for hour in range(1, 10)
        ),
        given.transfer(
            "alice", "desk", tx="long ago", amount_raw=10**30, at=NOON - 9 * DAY, block=1
        ),
    )
    rule = await a_rule(vault, LOCAL, severity=Severity.INFO)
    now = moment(NOON + DAY)

    async def preview(**asked: Any) -> tuple[Any, list[str]]:
        context = Context(graph=graph, clock=lambda: now, parts=(vault,))
        data, codes = await asked_in(context, PREVIEW, **asked)
        return (data or {}).get("previewAlertRule"), codes

    seen, codes = await preview(rule=rule.id)
    rare, _ = await preview(rule=rule.id, coolDownS=7_200)
    other, _ = await preview(
        condition={"largeTransfer": {"size": {"minAmount": "9", "tokens": [given.erc20("coins")]}}}
    )

    assert codes == []
    assert (seen["complete"], seen["raised"], seen["swallowed"]) == (True, 5, 0)
    assert [one["facts"][0] for one in seen["findings"]][:2] == [
        {"name": "amount", "value": "9"},
        {"name": "amount", "value": "8"},
    ]
    assert (rare["raised"], rare["swallowed"]) == (3, 2)
    assert other["findings"][0]["title"].endswith(": 9 COIN.")
    assert (other["raised"], other["lookedAt"]) == (1, 9)
    for wrong in ({}, {"rule": "none"}, {"rule": rule.id, "lastS": 10**8}):
        assert (await preview(**wrong))[1] == ["BAD_INPUT"]
