"""From an alert to a receiver: at least once, under one id, signed, however that behaves."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from graph_api.domain.alerts import Rule
from graph_api.domain.notices import (
    DestinationKind,
    Endpoint,
    NoticeKind,
    NoticeState,
    notice_id,
)
from graph_api.domain.principals import LOCAL
from graph_api.domain.signing import new_secret
from graph_api.domain.targets import reach_of
from graph_api.services.notices import request_test
from graph_api.vault import destinations, jobs, notices
from graph_api.vault.destinations import closed
from graph_api.vault.home import default_url
from graph_api.vault.jobs import Job, JobState
from graph_api.vault.pages import First
from graph_api.vault.sealing import Seal, new_key
from graph_api.vault.vault import Vault
from ingest.jobs.noticing import destination_test_worker
from ingest.pipelines.noticing import Noticer, Sender
from ingest.providers.mail import mail_server_of
from ingest.providers.posting import Limits, Poster, Resolve, resolved
from tests.ingest.notices.mailbox import serving
from tests.ingest.notices.receiver import (
    Call,
    Manner,
    Receiver,
    answers,
    babbles,
    drips_body,
    drips_headers,
    floods,
    is_silent,
    receiving,
    resets,
)
from tests.vault import given_notices as given
from tests.vault.given import NOON

SECRET, NEXT = new_secret(b"1" * 32), new_secret(b"2" * 32)
QUICK = Limits(connect_s=2.0, silence_s=0.2, whole_s=0.4, answer_s=0.1)


class Clock:
    """The time of the machine, which tests put forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class House:
    """A vault with a rule, one receiver, and who sends."""

    def __init__(self, vault: Vault, rule: Rule, receiver: Receiver) -> None:
        self.vault, self.rule, self.receiver = vault, rule, receiver
        self.clock, self.seal = Clock(), given.SEAL
        self.rung: list[Job] = []

    def noticer(
        self, *, resolve: Resolve = resolved, mail_port: int = 0, limits: Limits | None = None
    ) -> Noticer:
        """One that reaches this machine."""
        poster = Poster(
            reach_of(["127.0.0.1/32"]), clock=self.clock, resolve=resolve, limits=limits
        )
        server = mail_server_of(f"smtp+plain://localhost:{mail_port or 25}", sender="a@b.example")
        return Noticer(
            self.vault,
            Sender(poster, clock=self.clock, mail_server=server),
            seal=self.seal,
            clock=self.clock,
            random=lambda: 0.0,
        )

    async def test(self) -> Job | None:
        """Work off the test that is asked for."""

        async def ring(job: Job) -> None:
            self.rung.append(job)

        worker = destination_test_worker(self.noticer(), self.vault, clock=self.clock, ring=ring)
        return await worker.once()

    async def destination(
        self, id: str = "pager", *, host: str = "127.0.0.1", path: str = "/", **changes: Any
    ) -> None:
        """A webhook at the receiver, which signs with ``SECRET``."""
        url = f"http://{host}:{self.receiver.port}{path}"
        made = await given.destination(self.vault, LOCAL, id, address=url, **changes)
        endpoint = Endpoint(url=url, secret=SECRET)
        sealed = closed(made, endpoint, self.seal)
        await destinations.seal_anew(self.vault, LOCAL, id, sealed=sealed, now=NOON, changes={})

    async def raised(self, *events: str) -> list[str]:
        """Alerts, one for each event."""
        return [
            await given.raised(self.vault, self.rule, event, at=self.clock()) for event in events
        ]

    async def work(self, noticer: Noticer, *, until_sent: bool = True, rounds: int = 40) -> None:
        """Make and send notices, with time passing, until nothing waits."""
        for _ in range(rounds):
            await noticer.spread()
            await noticer.drain()
            found = (await notices.history(self.vault, LOCAL)).rows
            if not until_sent or all(one.state is not NoticeState.WAITING for one in found):
                return
            self.clock.ahead += timedelta(minutes=6)
        raise AssertionError("Something still waits.")


@pytest.fixture
async def house(vault: Vault) -> Any:
    async with receiving() as receiver:
        yield House(vault, await given.rule(vault, LOCAL), receiver)


def verified(call: Call, secret: str = SECRET) -> Any:
    """The body of a call, where its signature holds."""

    return Webhook(secret).verify(call.body, call.headers)


async def test_an_alert_arrives_signed_under_the_id_of_its_notice(house: House) -> None:
    await house.destination()
    (alert,) = await house.raised("e1")
    await house.work(house.noticer())

    (call,) = house.receiver.calls
    (notice,) = (await notices.history(house.vault, LOCAL)).rows
    body = verified(call)
    assert (body["type"], body["data"]["alert"]["id"]) == ("alert.raised", alert)
    assert call.headers["webhook-id"] == notice.id
    assert (notice.state, notice.status) == (NoticeState.SENT, 204)


async def test_a_body_that_was_changed_or_of_another_does_not_verify(house: House) -> None:
    await house.destination()
    await house.raised("e1")
    await house.work(house.noticer())

    (call,) = house.receiver.calls
    forged = Call(call.target, call.headers, call.body.replace(b"raised", b"erased"))
    other = Call(call.target, call.headers | {"webhook-id": "ntc_other"}, call.body)
    for wrong, secret in ((forged, SECRET), (other, SECRET), (call, NEXT)):
        with pytest.raises(WebhookVerificationError):
            verified(wrong, secret)


async def test_both_secrets_verify_while_one_takes_over(house: House) -> None:
    await house.destination()
    both = Endpoint(url=f"http://127.0.0.1:{house.receiver.port}/", secret=NEXT, previous=SECRET)
    (made,) = (await destinations.history(house.vault, LOCAL)).rows
    await destinations.seal_anew(
        house.vault,
        LOCAL,
        "pager",
        sealed=closed(made, both, house.seal),
        now=NOON,
        changes={"previous_until": house.clock() + timedelta(minutes=1)},
    )
    await house.raised("e1")
    await house.work(house.noticer())
    house.clock.ahead = timedelta(minutes=2)
    await house.raised("e2")
    await house.work(house.noticer())

    first, second = house.receiver.calls
    assert verified(first, SECRET) == verified(first, NEXT)
    assert verified(second, NEXT)["type"] == "alert.raised"
    with pytest.raises(WebhookVerificationError):
        verified(second, SECRET)


FAULTS: Sequence[Manner] = (
    is_silent,
    drips_headers,
    resets,
    babbles,
    answers(500),
    answers(302, location="http://127.0.0.1/elsewhere"),
    answers(429, retry_after="120"),
    answers(503, retry_after="Wed, 21 Oct 2099 07:28:00 GMT"),
    drips_body,
    floods,
)


async def test_each_notice_arrives_whatever_befalls_it(house: House) -> None:
    await house.destination()
    alerts = await house.raised(*(f"e{number}" for number in range(6)))
    house.receiver.manners = [*FAULTS, *FAULTS]
    noticer = house.noticer(limits=QUICK)
    for _ in range(60):
        await noticer.spread()
        await noticer.drain()
        if not (await notices.history(house.vault, LOCAL, states=[NoticeState.WAITING])).rows:
            break
        house.clock.ahead += timedelta(hours=2)

    found = (await notices.history(house.vault, LOCAL)).rows
    assert {one.state for one in found} == {NoticeState.SENT}
    ids: dict[str, set[str]] = {}
    bodies: dict[str, set[bytes]] = {}
    for call in house.receiver.calls:
        body = json.loads(call.body)
        ids.setdefault(body["data"]["alert"]["id"], set()).add(call.headers["webhook-id"])
        bodies.setdefault(call.headers["webhook-id"], set()).add(call.body)
    assert set(ids) == set(alerts)
    assert {len(one) for one in ids.values()} == {len(one) for one in bodies.values()} == {1}
    assert len(house.receiver.calls) > len(alerts)


async def test_each_try_is_signed_anew(house: House) -> None:
    await house.destination()
    await house.raised("e1")
    house.receiver.manners = [answers(500)]
    noticer = house.noticer()
    await noticer.spread()
    await noticer.drain()
    house.clock.ahead += timedelta(seconds=20)
    await noticer.drain()

    first, second = house.receiver.calls
    assert verified(first) == verified(second)
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) >= 20


async def test_a_redirect_leads_nowhere(house: House) -> None:
    async with receiving() as elsewhere:
        await house.destination()
        await house.raised("e1")
        location = f"http://127.0.0.1:{elsewhere.port}/"
        house.receiver.manners = [answers(code, location=location) for code in (301, 307, 308)]
        await house.work(house.noticer())

        assert elsewhere.connections == 0
    assert len(house.receiver.calls) == 4


async def test_a_name_that_is_bound_anew_leads_nowhere(house: House) -> None:
    # At first it is where it may be; then it stands for another machine inside.
    inside = ["127.0.0.1"]

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return inside

    await house.destination(host="rebind.example")
    noticer = house.noticer(resolve=resolve)
    await house.raised("e1")
    await house.work(noticer)
    inside[0] = "127.0.0.2"
    await house.raised("e2")
    await house.work(noticer, until_sent=False)

    assert len(house.receiver.calls) == 1
    assert house.receiver.calls[0].headers["host"] == f"rebind.example:{house.receiver.port}"
    (late,) = (await notices.history(house.vault, LOCAL, states=[NoticeState.WAITING])).rows
    assert late.reason == "rebind.example stands for 127.0.0.2, which is not a public address."


async def test_who_is_gone_is_switched_off_and_a_replay_arrives_under_the_same_id(
    house: House,
) -> None:
    await house.destination()
    await house.raised("e1", "e2")
    house.receiver.manners = [answers(410)]
    noticer = house.noticer()
    await noticer.spread()
    await noticer.drain()

    assert len(house.receiver.calls) == 1
    dead = (await notices.history(house.vault, LOCAL)).rows
    assert {one.state for one in dead} == {NoticeState.DEAD}
    await destinations.change(
        house.vault, LOCAL, "pager", now=house.clock(), changes={"enabled": True}
    )
    count = await notices.replay_all(house.vault, LOCAL, "pager", now=house.clock())
    await house.work(noticer)

    assert count == 2
    ids = Counter(call.headers["webhook-id"] for call in house.receiver.calls)
    assert sorted(ids) == sorted(one.id for one in dead)
    assert sorted(ids.values()) == [1, 2]


async def test_slack_and_mail_hear_of_the_same_alert(house: House) -> None:
    async with serving() as mailbox:
        await house.destination("slack", path="/services/T/B/x", kind=DestinationKind.SLACK)
        await given.destination(
            house.vault, LOCAL, "mail", kind=DestinationKind.EMAIL, address="ann@example.org"
        )
        await house.raised("e1")
        await house.work(house.noticer(mail_port=mailbox.port))

    (call,) = house.receiver.calls
    ((recipients, message),) = mailbox.messages
    assert call.target == "/services/T/B/x"
    assert "webhook-signature" not in call.headers
    assert json.loads(call.body)["blocks"][0]["text"]["text"] == "🟠 Title of e1"
    assert (recipients, message["Subject"]) == (["ann@example.org"], "[warning] Title of e1")


async def test_a_slow_destination_keeps_no_other_waiting(house: House) -> None:
    async with receiving() as slow:
        slow.otherwise = is_silent
        port, house.receiver.port = house.receiver.port, slow.port
        await house.destination("slow")
        house.receiver.port = port
        await house.destination("quick")
        await house.raised(*(f"e{number}" for number in range(12)))
        running = asyncio.create_task(house.noticer().run())
        try:
            await house.receiver.arrived(12)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    assert {call.headers["webhook-id"] for call in house.receiver.calls} == {
        one.id for one in (await notices.history(house.vault, LOCAL, destination="quick")).rows
    }


async def test_a_sender_that_is_stopped_lets_another_go_on_at_once(house: House) -> None:
    await house.destination()
    await house.raised("e1")
    house.receiver.manners = [is_silent]
    running = asyncio.create_task(house.noticer().run())
    await house.receiver.arrived(1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    await house.noticer().drain()

    assert len({call.headers["webhook-id"] for call in house.receiver.calls}) == 1
    assert len(house.receiver.calls) == 2


async def test_a_test_says_what_was_answered(house: House) -> None:
    await house.destination()
    await destinations.change(
        house.vault, LOCAL, "pager", now=house.clock(), changes={"enabled": False}
    )
    house.receiver.manners = [answers(404, b"No such thing.")]
    asked = await request_test(house.vault, id="pager", principal=LOCAL, now=house.clock())
    await house.test()
    job = await jobs.by_id(house.vault, LOCAL, asked.id)

    assert job is not None
    assert (job.state, house.rung[-1]) == (JobState.DONE, job)
    assert (job.result["status"], job.result["answer"]) == (404, "No such thing.")
    (call,) = house.receiver.calls
    assert verified(call)["type"] == "destination.test"
    assert call.headers["webhook-id"] == notice_id(
        LOCAL.workspace, "pager", NoticeKind.TEST, asked.id
    )


async def test_a_test_of_what_was_removed_meanwhile_fails(house: House) -> None:
    await house.destination()
    asked = await request_test(house.vault, id="pager", principal=LOCAL, now=house.clock())
    await destinations.remove(house.vault, LOCAL, "pager", now=house.clock())
    await house.test()

    job = await jobs.by_id(house.vault, LOCAL, asked.id)
    assert job is not None
    assert (job.state, job.error) == (JobState.FAILED, "There is no destination pager.")


async def test_a_lost_key_is_told_and_what_waits_is_sent_when_it_is_back(house: House) -> None:
    await house.destination()
    await house.raised("e1")
    right, house.seal = house.seal, Seal.of(new_key())
    await house.work(house.noticer(), until_sent=False)
    (notice,) = (await notices.history(house.vault, LOCAL)).rows
    assert notice.state is NoticeState.WAITING
    assert notice.reason is not None
    assert "has lost the key" in notice.reason

    house.seal = right
    await house.work(house.noticer())
    assert len(house.receiver.calls) == 1


async def test_two_senders_of_which_one_is_killed_again_and_again_lose_nothing(
    tmp_path: Path,
) -> None:
    key = new_key()
    seal, url, began = Seal.of(key), default_url(tmp_path), datetime.now(UTC)
    async with await Vault.open(url) as vault, receiving() as receiver:
        await vault.migrate(now=NOON)
        rule = await given.rule(vault, LOCAL)
        house = House(vault, rule, receiver)
        house.seal = seal
        for id in ("one", "two"):
            await house.destination(id)
        events = [f"e{number}" for number in range(15)]
        steady = await _child(url, key, began)
        try:
            for number in range(5):
                victim = await _child(url, key, began)
                before = len(receiver.calls)
                # Some calls stay without an answer: who waits for it may be killed meanwhile.
                receiver.manners = [is_silent] * (2 if number < 3 else 0)
                await house.raised(*events[number * 3 : number * 3 + 3])
                await receiver.arrived(before + 2)
                victim.kill()
                await victim.wait()
            await _until_all_are_sent(vault, len(events) * 2)
        finally:
            steady.kill()
            await steady.wait()

        found = (await notices.history(vault, LOCAL, First(100))).rows
        assert {one.state for one in found} == {NoticeState.SENT}
        arrived = Counter(call.headers["webhook-id"] for call in receiver.calls)
        assert set(arrived) == {one.id for one in found}
        assert len(found) == len(events) * 2
        for call in receiver.calls:
            verified(call)


async def _child(url: str, key: str, began: datetime) -> Process:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.ingest.notices.sender_child",
        url,
        key,
        began.isoformat(),
        stdout=PIPE,
    )
    assert child.stdout is not None
    assert await child.stdout.readline() == b"ready\n"
    return child


async def _until_all_are_sent(vault: Vault, count: int) -> None:
    async with asyncio.timeout(120):
        while True:
            sent = await notices.history(vault, LOCAL, First(100), states=[NoticeState.SENT])
            if len(sent.rows) == count:
                return
            await asyncio.sleep(0.1)
