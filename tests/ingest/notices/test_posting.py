"""One POST to a place that somebody named: what it may reach, and how it ends."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import pytest

from graph_api.domain.notices import Outcome, Verdict
from graph_api.domain.targets import Reach, reach_of
from ingest.providers.posting import Limits, Poster, resolved
from tests.ingest.notices.certificates import Authority
from tests.ingest.notices.receiver import (
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

NOW = datetime(2026, 6, 10, 12, tzinfo=UTC)
HERE = reach_of(["127.0.0.0/8"])
QUICK = Limits(connect_s=2.0, silence_s=0.2, whole_s=0.4, answer_s=0.2)
#: Who answers at once may take its time on a busy machine.
WAITED_FOR = (is_silent, drips_headers)
BODY = b'{"type":"alert.raised"}'


def poster(
    *,
    reach: Reach = HERE,
    resolve: Callable[[str, int], Awaitable[Sequence[str]]] = resolved,
    limits: Limits | None = None,
    authority: Authority | None = None,
) -> Poster:
    return Poster(
        reach,
        clock=lambda: NOW,
        resolve=resolve,
        limits=limits,
        tls=authority.client() if authority else None,
    )


def names(*answers: Sequence[str]) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    """A resolver that answers one after the other, the last one again and again."""
    left = list(answers)

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


async def post(by: Poster, receiver: Receiver, *, path: str = "/alerts?key=1") -> Outcome:
    return await by.post(f"http://127.0.0.1:{receiver.port}{path}", BODY, {"webhook-id": "1"})


async def test_a_call_arrives_as_it_was_meant() -> None:
    async with receiving() as receiver:
        receiver.manners = [answers(200, b"Thank you,\n\0 all.")]
        outcome = await post(poster(), receiver)

    (call,) = receiver.calls
    assert (call.target, call.body) == ("/alerts?key=1", BODY)
    assert call.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert call.headers["content-type"] == "application/json"
    assert call.headers["webhook-id"] == "1"
    assert "cookie" not in call.headers
    assert (outcome.verdict, outcome.status) == (Verdict.DELIVERED, 200)
    assert outcome.answer == "Thank you, all."


@pytest.mark.parametrize(
    ("manner", "verdict", "status", "reason"),
    [
        (answers(500, b"Oops"), Verdict.AGAIN, 500, "answers HTTP 500"),
        (answers(404), Verdict.AGAIN, 404, "answers HTTP 404"),
        (answers(410), Verdict.GONE, 410, "wants no more"),
        (answers(302, location="http://127.0.0.1/elsewhere"), Verdict.AGAIN, 302, "redirects"),
        (is_silent, Verdict.AGAIN, None, "silent for 0.2 s"),
        (drips_headers, Verdict.AGAIN, None, "no answer in 0.4 s"),
        (resets, Verdict.AGAIN, None, "broke the connection off"),
        (babbles, Verdict.AGAIN, None, "broke the connection off"),
        (drips_body, Verdict.DELIVERED, 200, None),
        (floods, Verdict.DELIVERED, 200, None),
    ],
)
async def test_however_a_receiver_behaves_a_call_ends(
    manner: Manner, verdict: Verdict, status: int | None, reason: str | None
) -> None:
    async with receiving() as receiver:
        receiver.otherwise = manner
        limits = QUICK if manner in WAITED_FOR else None
        outcome = await post(poster(limits=limits), receiver)

    assert (outcome.verdict, outcome.status) == (verdict, status)
    assert reason is None or (outcome.reason and reason in outcome.reason)
    assert len(receiver.calls) == 1


async def test_an_endless_answer_is_read_up_to_a_bound() -> None:
    async with receiving() as receiver:
        receiver.otherwise = floods
        outcome = await post(poster(), receiver)

    assert outcome.verdict is Verdict.DELIVERED
    assert outcome.answer is not None
    assert len(outcome.answer) == 500


@pytest.mark.parametrize(
    ("asked", "wait_s"),
    [
        ("120", 120.0),
        (format_datetime(NOW.replace(minute=10), usegmt=True), 600.0),
        (format_datetime(NOW.replace(hour=1), usegmt=True), 0.0),
        ("soon", None),
        ("-5", None),
        ("²", None),
    ],
)
async def test_a_receiver_may_ask_for_time(asked: str, wait_s: float | None) -> None:
    async with receiving() as receiver:
        receiver.manners = [answers(429, retry_after=asked) if asked.isascii() else answers(429)]
        outcome = await post(poster(), receiver)

    assert (outcome.verdict, outcome.status, outcome.wait_s) == (Verdict.AGAIN, 429, wait_s)


async def test_nobody_listens() -> None:
    async with receiving() as receiver:
        pass
    outcome = await post(poster(limits=QUICK), receiver)

    assert outcome.verdict is Verdict.AGAIN
    assert outcome.reason is not None
    assert "cannot be reached" in outcome.reason


async def test_a_name_that_turns_private_after_the_check_reaches_nobody() -> None:
    # Whoever asks twice, once to check and once to connect, is led astray by the second answer.
    async with receiving() as receiver:
        first = reach_of(["127.0.0.2/32"])
        by = poster(reach=first, resolve=names(["127.0.0.2"], ["127.0.0.1"]))
        outcome = await by.post(f"http://rebind.example:{receiver.port}/", BODY, {})

        assert receiver.connections == 0
    assert outcome.verdict is Verdict.AGAIN


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["::ffff:127.0.0.1"],
        ["203.0.114.1", "127.0.0.1"],
        ["169.254.169.254"],
        ["127.0.0.1", "203.0.114.1"],
    ],
)
async def test_a_name_that_stands_for_a_private_address_reaches_nobody(
    addresses: list[str],
) -> None:
    async with receiving() as receiver:
        by = poster(reach=Reach(), resolve=names(addresses))
        outcome = await by.post(f"https://inside.example:{receiver.port}/", BODY, {})

        assert receiver.connections == 0
    assert outcome.verdict is Verdict.AGAIN
    assert outcome.reason is not None
    assert "not a public address" in outcome.reason


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "0.0.0.0"])
async def test_this_machine_is_reached_only_where_its_network_is_named(host: str) -> None:
    async with receiving() as receiver:
        outcome = await poster(reach=Reach()).post(f"https://{host}:{receiver.port}/", BODY, {})

        assert receiver.connections == 0
    assert outcome.verdict is Verdict.AGAIN


async def test_a_name_without_an_address_is_told() -> None:
    async def nobody(_host: str, _port: int) -> Sequence[str]:
        raise OSError("Name or service not known")

    outcome = await poster(resolve=nobody).post("https://nobody.example/", BODY, {})
    empty = await poster(resolve=names([])).post("https://nobody.example/", BODY, {})

    assert outcome.reason == "The name nobody.example cannot be resolved."
    assert empty.reason == "nobody.example stands for no address."


async def test_the_next_address_is_tried_where_one_is_dead() -> None:
    async with receiving() as receiver:
        by = poster(resolve=names(["127.0.0.2", "127.0.0.1"]))
        outcome = await by.post(f"http://two.example:{receiver.port}/", BODY, {})

    assert outcome.verdict is Verdict.DELIVERED
    assert receiver.calls[0].headers["host"] == f"two.example:{receiver.port}"


async def test_the_certificate_is_that_of_the_name_not_of_the_address(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    resolve = names(["127.0.0.1"])
    async with receiving(authority.server("hooks.example")) as receiver:
        by = poster(resolve=resolve, authority=authority)
        right = await by.post(f"https://hooks.example:{receiver.port}/", BODY, {})
        wrong = await by.post(f"https://other.example:{receiver.port}/", BODY, {})
        stranger = await poster(resolve=resolve).post(
            f"https://hooks.example:{receiver.port}/", BODY, {}
        )

    assert right.verdict is Verdict.DELIVERED
    assert receiver.calls[0].headers["host"] == f"hooks.example:{receiver.port}"
    assert len(receiver.calls) == 1
    for refused in (wrong, stranger):
        assert refused.verdict is Verdict.AGAIN
        assert refused.reason is not None
        assert "certificate" in refused.reason.lower()


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving() as proxy, receiving() as receiver:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        await post(poster(), receiver)

    assert (proxy.connections, receiver.connections) == (0, 1)
