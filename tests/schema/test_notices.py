"""Destinations and notices over GraphQL: made, changed, tried, mended, and never shown too much."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from graph_api.domain.notices import DestinationKind, Outcome, Verdict
from graph_api.domain.principals import LOCAL, Principal, PrincipalKind
from graph_api.domain.targets import reach_of
from graph_api.services.notices import TEST, Outlets
from graph_api.vault import destinations, jobs, sending
from graph_api.vault.vault import Vault
from tests.given import NOW
from tests.schema.asking import ask_vault
from tests.vault import given_notices as given
from tests.vault.given import MINUTE, NOON

STRANGER = Principal("stranger", "elsewhere", PrincipalKind.PERSON)
OUTLETS = Outlets(seal=given.SEAL, mail=True, mail_domains=("desk.example",))
HOOK = {"webhookUrl": "https://hooks.example/alerts?key=word"}
SLACK = {"slackUrl": "https://hooks.slack.example/services/T1/B2/wxyz"}
MAIL = {"email": ["ann@desk.example", "bob@desk.example"]}
NIGHT = {"zone": "Europe/Zurich", "begins": "22:00", "ends": "07:00", "days": ["MONDAY"]}

HOURS = "quietHours { zone days begins ends criticalPasses afterwards }"
SHOWN = f"""destinationId name kind address minSeverity ruleIds {HOURS} enabled disabledAt
  disabledReason failingSince pausedUntil sent failed secretAt previousSecretUntil createdAt
  createdBy changedAt backlog {{ waiting dead oldestAt }}"""
REFUSED = "... on Refusal { reason message }"
CREATE = f"""mutation ($to: DestinationTarget!, $name: String! = "Pager", $rules: [String!],
    $quiet: QuietHoursInput, $key: String) {{
  createDestination(name: $name, to: $to, ruleIds: $rules, quietHours: $quiet,
    idempotencyKey: $key) {{
    ... on DestinationMade {{ secret destination {{ {SHOWN} }} }} {REFUSED} }} }}"""
UPDATE = f"""mutation ($id: String!, $name: String, $to: DestinationTarget, $none: Boolean! = false,
    $severity: AlertSeverity, $rules: [String!], $quiet: QuietHoursInput) {{
  updateDestination(id: $id, name: $name, to: $to, minSeverity: $severity, ruleIds: $rules,
    quietHours: $quiet, noQuietHours: $none) {{ ... on Destination {{ {SHOWN} }} {REFUSED} }} }}"""
ROTATE = f"""mutation ($id: String!, $hours: Int! = 24) {{
  rotateDestinationSecret(id: $id, overlapH: $hours) {{
    ... on DestinationMade {{ secret destination {{ previousSecretUntil }} }} {REFUSED} }} }}"""
LIST = f"{{ destinations {{ nodes {{ {SHOWN} }} }} }}"
TRY = f"""mutation ($id: String!) {{ testDestination(id: $id) {{
  ... on Job {{ jobId kind state accountId }} {REFUSED} }} }}"""
RESULT = """query ($id: String!) { job(id: $id) { state result { __typename
  ... on DestinationTested { delivered status tookMs answer reason } } } }"""
NOTICES = """query ($states: [NoticeState!], $alert: String) {
  notices(states: $states, alert: $alert) { nodes {
    noticeId kind state alertCount alerts { alertId notices { noticeId } } attempts status reason
    destination { name } } } }"""
REPLAY = f"""mutation ($id: String!) {{ replayNotice(id: $id) {{
  ... on Notice {{ noticeId state attempts }} {REFUSED} }} }}"""


def by_id(name: str) -> str:
    return f"""mutation ($id: String!) {{ {name}(id: $id) {{
      ... on Destination {{ destinationId enabled }} {REFUSED} }} }}"""


async def ask(vault: Vault, query: str, *, outlets: Outlets = OUTLETS, **variables: Any) -> Any:
    """The one field of an answer without errors."""
    data, codes = await ask_vault(vault, query, parts=(outlets,), **variables)
    assert codes == []
    (found,) = data.values()
    return found


async def made(vault: Vault, to: Any = None, **variables: Any) -> Any:
    found = await ask(vault, CREATE, to=to or HOOK, **variables)
    assert "destination" in found, found
    return found


async def refusal(vault: Vault, query: str, **variables: Any) -> str:
    found = await ask(vault, query, **variables)
    assert "reason" in found, found
    return f"{found['reason']}: {found['message']}"


async def test_a_webhook_shows_its_secret_once(vault: Vault) -> None:
    first = await made(vault, key="once")
    again = await made(vault, key="once")
    listed = await ask(vault, LIST)

    assert first["secret"].startswith("whsec_")
    assert again == {**first, "secret": None}
    assert listed["nodes"] == [first["destination"]]
    assert first["destination"]["address"] == "https://hooks.example/alerts?…"
    for text in (json.dumps(listed), json.dumps(again)):
        assert "whsec_" not in text
        assert "word" not in text


async def test_nothing_secret_rests_in_the_vault_as_it_is(vault: Vault, tmp_path: Path) -> None:
    secrets = [(await made(vault, key="k"))["secret"], "word", "T1/B2"]
    await made(vault, SLACK)
    async with vault.reading() as connection:
        for table in ("destinations", "idempotency"):
            rows = await connection.exec_driver_sql(f"SELECT * FROM {table}")
            kept = repr(rows.all())
            assert [one for one in secrets if one in kept] == []


@pytest.mark.parametrize(
    ("to", "kind", "address"),
    [
        (SLACK, "SLACK", "https://hooks.slack.example/…wxyz"),
        (MAIL, "EMAIL", "ann@desk.example, bob@desk.example"),
    ],
)
async def test_slack_and_mail_have_no_secret_to_show(
    vault: Vault, to: Any, kind: str, address: str
) -> None:
    found = await made(vault, to)

    assert found["secret"] is None
    shown = found["destination"]
    assert (shown["kind"], shown["address"], shown["secretAt"]) == (kind, address, None)


@pytest.mark.parametrize(
    ("to", "message"),
    [
        ({"webhookUrl": "http://hooks.example/"}, "begins with https://"),
        ({"webhookUrl": "https://127.0.0.1/"}, "not a public address"),
        ({"webhookUrl": "https://[::ffff:10.0.0.1]/"}, "not a public address"),
        ({"webhookUrl": "https://localhost/"}, "not a public address"),
        ({"slackUrl": "https://a:b@hooks.example/"}, "no user, password"),
        ({"email": ["nobody"]}, "no address of e-mail"),
        ({"email": ["a@desk.example\r\nBcc: b@desk.example"]}, "no address of e-mail"),
        ({"email": ["a@elsewhere.example"]}, "desk.example alone"),
        ({"email": [f"a{n}@desk.example" for n in range(11)]}, "1 to 10 addresses"),
    ],
)
async def test_where_nothing_can_be_sent_is_refused(vault: Vault, to: Any, message: str) -> None:
    assert message in await refusal(vault, CREATE, to=to)


async def test_a_private_network_that_was_named_can_be_written_to(vault: Vault) -> None:
    inside = replace(OUTLETS, reach=reach_of(["10.1.0.0/16"]))
    found = await ask(vault, CREATE, to={"webhookUrl": "http://10.1.2.3/"}, outlets=inside)

    assert found["destination"]["address"] == "http://10.1.2.3/"


async def test_what_the_installation_lacks_is_said(vault: Vault) -> None:
    bare = Outlets()

    assert "DESKGRAPH_NOTICES__SMTP_URL" in await refusal(vault, CREATE, to=MAIL, outlets=bare)
    assert "DESKGRAPH_VAULT__KEYS" in await refusal(vault, CREATE, to=HOOK, outlets=bare)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": " "}, "1 to 100 printable"),
        ({"rules": ["nothing"]}, "no alert rule nothing"),
        ({"quiet": {**NIGHT, "zone": "Nowhere"}}, "no time zone"),
        ({"quiet": {**NIGHT, "days": []}}, "need days"),
    ],
)
async def test_what_cannot_be_is_refused(vault: Vault, given: Any, message: str) -> None:
    assert message in await refusal(vault, CREATE, to=HOOK, **given)


async def test_a_time_that_is_none_is_an_error(vault: Vault) -> None:
    _, codes = await ask_vault(
        vault, CREATE, parts=(OUTLETS,), to=HOOK, quiet={**NIGHT, "begins": "25:00"}
    )

    assert codes == ["BAD_INPUT"]


async def test_what_is_given_changes_and_the_rest_stays(vault: Vault) -> None:
    rule = await given.rule(vault, LOCAL)
    first = (await made(vault, quiet=NIGHT))["destination"]
    id = first["destinationId"]

    named = await ask(vault, UPDATE, id=id, name="Desk")
    routed = await ask(vault, UPDATE, id=id, severity="WARNING", rules=[rule.id])
    moved = await ask(vault, UPDATE, id=id, to={"webhookUrl": "https://other.example/"})
    loud = await ask(vault, UPDATE, id=id, none=True, rules=[])

    assert {**named, "name": "Pager"} == {**first, "changedAt": named["changedAt"]}
    assert (routed["minSeverity"], routed["ruleIds"]) == ("WARNING", [rule.id])
    assert routed["quietHours"] == {
        "zone": "Europe/Zurich",
        "days": ["MONDAY"],
        "begins": "22:00",
        "ends": "07:00",
        "criticalPasses": True,
        "afterwards": "TOGETHER",
    }
    assert moved["address"] == "https://other.example/"
    assert (loud["quietHours"], loud["ruleIds"], loud["minSeverity"]) == (None, [], "WARNING")
    _, endpoint = await destinations.opened(vault, LOCAL, id, seal=given.SEAL)
    assert endpoint.url == "https://other.example/"
    assert endpoint.secret is not None
    assert "stays what it is: webhook" in await refusal(vault, UPDATE, id=id, to=SLACK)


async def test_a_secret_takes_over_from_the_one_before(vault: Vault) -> None:
    first = await made(vault)
    id = first["destination"]["destinationId"]
    second = await ask(vault, ROTATE, id=id)
    _, both = await destinations.opened(vault, LOCAL, id, seal=given.SEAL)
    third = await ask(vault, ROTATE, id=id, hours=0)
    _, alone = await destinations.opened(vault, LOCAL, id, seal=given.SEAL)

    assert len({one["secret"] for one in (first, second, third)}) == 3
    assert (both.secret, both.previous) == (second["secret"], first["secret"])
    assert (alone.secret, alone.previous) == (third["secret"], None)
    until = datetime.fromisoformat(second["destination"]["previousSecretUntil"])
    assert until == NOW + timedelta(hours=24)
    assert third["destination"]["previousSecretUntil"] is None
    assert "0 to 168 hours" in await refusal(vault, ROTATE, id=id, hours=169)
    slack = (await made(vault, SLACK))["destination"]["destinationId"]
    assert "Only webhooks" in await refusal(vault, ROTATE, id=slack)


async def test_one_is_switched_off_and_on_and_deleted(vault: Vault) -> None:
    id = (await made(vault))["destination"]["destinationId"]

    assert not (await ask(vault, by_id("disableDestination"), id=id))["enabled"]
    assert (await ask(vault, by_id("enableDestination"), id=id))["enabled"]
    assert not (await ask(vault, by_id("deleteDestination"), id=id))["enabled"]
    assert (await ask(vault, LIST))["nodes"] == []
    assert "NOT_FOUND" in await refusal(vault, by_id("enableDestination"), id=id)


async def test_a_test_is_a_job_whose_result_says_what_came_of_it(vault: Vault) -> None:
    id = (await made(vault))["destination"]["destinationId"]
    asked = await ask(vault, TRY, id=id)
    again = await ask(vault, TRY, id=id)

    job = await jobs.claim(
        vault, LOCAL, kinds=[TEST], worker="w", now=NOW, lease=MINUTE, id=asked["jobId"]
    )
    assert job is not None
    assert job.arguments == {"destination": id}
    failed = Outcome(verdict=Verdict.AGAIN, status=500, took_ms=12, answer="Oops", reason="No.")
    result = {"verdict": failed.verdict.value, "status": 500, "took_ms": 12, "answer": "Oops"}
    await jobs.finish(vault, LOCAL, job, result={**result, "reason": "No."}, now=NOW)

    assert again == asked == {**asked, "kind": TEST, "state": "QUEUED", "accountId": None}
    assert await ask(vault, RESULT, id=asked["jobId"]) == {
        "state": "DONE",
        "result": {
            "__typename": "DestinationTested",
            "delivered": False,
            "status": 500,
            "tookMs": 12,
            "answer": "Oops",
            "reason": "No.",
        },
    }
    assert "NOT_FOUND" in await refusal(vault, TRY, id="nothing")


async def test_notices_are_listed_and_dead_ones_played_again(vault: Vault) -> None:
    rule = await given.rule(vault, LOCAL)
    await given.destination(vault, LOCAL)
    alerts = [await given.raised(vault, rule, event) for event in ("e1", "e2")]
    await given.spread(vault)
    hopeless = Outcome(verdict=Verdict.NEVER, status=550, reason="Unknown.")
    dead = await given.settled(vault, await given.claimed(vault), hopeless)

    everything = (await ask(vault, NOTICES))["nodes"]
    (one,) = (await ask(vault, NOTICES, states=["DEAD"]))["nodes"]

    assert sorted(each["alerts"][0]["alertId"] for each in everything) == sorted(alerts)
    assert one == {
        "noticeId": dead.id,
        "kind": "RAISED",
        "state": "DEAD",
        "alertCount": 1,
        "alerts": [{"alertId": dead.subject, "notices": [{"noticeId": dead.id}]}],
        "attempts": 1,
        "status": 550,
        "reason": "Unknown.",
        "destination": {"name": "pager"},
    }
    assert (await ask(vault, NOTICES, alert=dead.subject))["nodes"] == [one]
    replayed = await ask(vault, REPLAY, id=dead.id)
    assert replayed == {"noticeId": dead.id, "state": "WAITING", "attempts": 0}
    count = await ask(
        vault,
        'mutation { replayNotices(destination: "pager") { ... on NoticesReplayed { count } } }',
    )
    assert count == {"count": 0}


async def test_nobody_meets_what_belongs_to_another_workspace(vault: Vault) -> None:
    rule = await given.rule(vault, LOCAL)
    await given.destination(vault, LOCAL, kind=DestinationKind.WEBHOOK)
    await given.raised(vault, rule, "e1")
    await given.spread(vault)
    (notice,) = await given.of(vault, LOCAL)

    for query in (LIST, NOTICES):
        assert (await ask(vault, query, by_whom=STRANGER))["nodes"] == []
    for name in ("enableDestination", "disableDestination", "deleteDestination"):
        assert "NOT_FOUND" in await refusal(vault, by_id(name), id="pager", by_whom=STRANGER)
    for query in (UPDATE, ROTATE, TRY):
        assert "NOT_FOUND" in await refusal(vault, query, id="pager", by_whom=STRANGER)
    assert "NOT_FOUND" in await refusal(vault, REPLAY, id=notice.id, by_whom=STRANGER)
    assert await sending.is_due(vault, now=NOON)
