"""What the reader makes of a server's words, right and wrong ones."""

import asyncio
import logging
from collections import Counter

import pytest
from neo4j.exceptions import AuthError, ClientError, Forbidden, ServiceUnavailable, TransientError

from graph_api.domain.errors import TooCostly, UpstreamUnavailable
from graph_api.store.bolt.faults import NotOurs, Structured, Surprise, Unspoken
from graph_api.store.bolt.framing import framed
from tests.store.bolt.scripted import IGNORED, echo, failure, record, scripted, success

FIELDS = success(fields=["text"])


@pytest.mark.parametrize(
    "greeting", [b"\x00\x00\x04\x04", *(bytes((0, 0, minor, 5)) for minor in range(9))]
)
async def test_every_version_that_is_offered_is_spoken(greeting: bytes) -> None:
    async with scripted(greeting=greeting) as reader:
        assert await reader.read("a", {}) == (("text",), [["a"]])
        assert await reader.read("b", {}) == (("text",), [["b"]])


@pytest.mark.parametrize("greeting", [b"\x00\x00\x00\x00", b"\x00\x00\x00\x06", b"HTTP"])
async def test_another_version_silences_the_reader_for_good(greeting: bytes) -> None:
    async with scripted(greeting=greeting) as reader:
        with pytest.raises(Unspoken):
            await reader.read("a", {})
        reader.tally.clear()
        with pytest.raises(NotOurs):
            await reader.read("b", {})
        assert reader.tally == {"asked": 1, "driver: NotOurs": 1}


async def test_a_refused_login_is_the_drivers_error() -> None:
    refusal = failure("Neo.ClientError.Security.Unauthorized")
    async with scripted(login=refusal + IGNORED) as reader:
        with pytest.raises(AuthError):
            await reader.read("a", {})


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("Neo.ClientError.Statement.SyntaxError", ClientError),
        ("Neo.TransientError.General.OutOfMemoryError", TransientError),
    ],
)
async def test_a_failure_is_the_drivers_error_and_spares_the_connection(
    code: str, kind: type[Exception]
) -> None:
    def answers(text: str) -> bytes | None:
        return failure(code) + IGNORED if text == "bad" else echo(text)

    async with scripted(answers, pool_size=1) as reader:
        with pytest.raises(kind):
            await reader.read("bad", {})
        assert await reader.read("good", {}) == (("text",), [["good"]])


async def test_a_failure_amid_the_rows_gives_no_half_answer() -> None:
    def answers(text: str) -> bytes | None:
        late = FIELDS + record("half") + failure("Neo.DatabaseError.General.UnknownError")
        return late if text == "bad" else echo(text)

    async with scripted(answers, pool_size=1) as reader:
        with pytest.raises(Exception, match="UnknownError"):
            await reader.read("bad", {})
        assert await reader.read("good", {}) == (("text",), [["good"]])


async def test_a_login_that_the_server_forgot_is_renewed() -> None:
    asked: Counter[str] = Counter()

    def answers(text: str) -> bytes | None:
        asked[text] += 1
        forgotten = failure("Neo.ClientError.Security.AuthorizationExpired") + IGNORED
        return forgotten if text == "b" and asked["b"] == 1 else echo(text)

    async with scripted(answers, pool_size=1) as reader:
        for text in ("a", "b", "c"):
            assert await reader.read(text, {}) == (("text",), [[text]])
        assert reader.tally["asked again"] == 1


async def test_what_is_forbidden_is_not_asked_again() -> None:
    refused = failure("Neo.ClientError.Security.Forbidden") + IGNORED
    async with scripted(lambda _: refused) as reader:
        with pytest.raises(Forbidden):
            await reader.read("a", {})
        assert reader.tally["asked again"] == 0


WRONG = {
    "a row before its columns": record("early") + FIELDS + success(),
    "a row of another width": FIELDS + record("one", "two") + success(),
    "a row that is no list": FIELDS + framed(b"\xb1\x71\x81x") + success(),
    "a row with more behind it": FIELDS + framed(b"\xb1\x71\x91\x01\x01") + success(),
    "a row that ends early": FIELDS + framed(b"\xb1\x71\x92\x01") + success(),
    "a row that claims all memory": FIELDS + framed(b"\xb1\x71\x91\xd6\xff\xff\xff\xff"),
    "a text that claims more than came": FIELDS + framed(b"\xb1\x71\x91\xd2\x7f\xff\xff\xff"),
    "an unknown message": FIELDS + framed(b"\xb1\x55\xa0"),
    "an empty structure": FIELDS + framed(b"\xb0"),
    "ignored without a reason": FIELDS + IGNORED,
    "a summary without a map": framed(b"\xb1\x70\x01"),
    "columns that are none": success(fields=5) + success(),
    "rows kept back": FIELDS + success(has_more=True),
    "bytes of nothing": b"\x00\x05\xff\xfe\xfd\xfc\xfb\x00\x00",
}


@pytest.mark.parametrize("words", WRONG.values(), ids=WRONG.keys())
async def test_wrong_words_are_the_drivers_to_judge_and_cost_the_connection(words: bytes) -> None:
    def answers(text: str) -> bytes | None:
        return words if text == "bad" else echo(text)

    async with scripted(answers, pool_size=1) as reader:
        with pytest.raises(Surprise):
            await reader.read("bad", {})
        assert await reader.read("good", {}) == (("text",), [["good"]])
        assert reader.tally["driver: Surprise"] == 1


async def test_words_nobody_asked_for_cost_the_connection_and_no_answer() -> None:
    def answers(text: str) -> bytes | None:
        return (echo(text) or b"") + record("and another")

    async with scripted(answers, pool_size=1) as reader:
        for text in ("a", "b", "c"):
            assert await reader.read(text, {}) == (("text",), [[text]])


async def test_a_structure_goes_to_the_driver_and_is_remembered() -> None:
    asked: Counter[str] = Counter()

    def answers(text: str) -> bytes | None:
        asked[text] += 1
        moment = framed(b"\xb1\x71\x91\xb1\x44\x01")
        return FIELDS + moment * 3 + success() if text == "date" else echo(text)

    async with scripted(answers, pool_size=1) as reader:
        with pytest.raises(Structured):
            await reader.read("date", {})
        assert await reader.read("plain", {}) == (("text",), [["plain"]])
        with pytest.raises(NotOurs):
            await reader.read("date", {})
    assert asked == {"date": 1, "plain": 1}


async def test_what_cannot_be_packed_is_never_sent() -> None:
    asked: list[str] = []

    def answers(text: str) -> bytes | None:
        asked.append(text)
        return echo(text)

    async with scripted(answers) as reader:
        for value in (object(), 2**63, {1: 2}, "\ud800"):
            with pytest.raises(NotOurs):
                await reader.read("a", {"value": value})
        assert asked == []
        assert await reader.read("a", {"value": 1}) == (("text",), [["a"]])


async def test_an_answer_has_a_size_that_it_may_not_pass() -> None:
    def answers(text: str) -> bytes | None:
        return FIELDS + record("x" * 1000) * 3000 + success() if text == "big" else echo(text)

    async with scripted(answers, pool_size=1, max_answer_bytes=2**20) as reader:
        with pytest.raises(TooCostly, match="larger than 1 MiB"):
            await reader.read("big", {})
        for text in ("a", "b"):
            assert await reader.read(text, {}) == (("text",), [[text]])


async def test_a_death_is_made_good_once_and_then_reported() -> None:
    asked: Counter[str] = Counter()

    def answers(text: str) -> bytes | None:
        asked[text] += 1
        return echo(text) if text == "once" and asked[text] > 1 else None

    async with scripted(answers) as reader:
        assert await reader.read("once", {}) == (("text",), [["once"]])
        with pytest.raises(ServiceUnavailable):
            await reader.read("always", {})
    assert asked == {"once": 2, "always": 2}


async def test_silence_has_an_end_and_frees_its_place() -> None:
    def answers(text: str) -> bytes | None:
        return b"" if text == "silence" else echo(text)

    async with scripted(answers, pool_size=1, query_timeout_s=0.05) as reader:
        with pytest.raises(UpstreamUnavailable):
            await reader.read("silence", {})
    async with scripted(answers, reset=b"", pool_size=2, query_timeout_s=0.05) as reader:
        with pytest.raises(UpstreamUnavailable):
            await reader.read("silence", {})
        assert await reader.read("sound", {}) == (("text",), [["sound"]])


async def test_a_slow_statement_is_too_costly_when_the_server_lives() -> None:
    def answers(text: str) -> bytes | None:
        return FIELDS if text == "slow" else echo(text)

    async with scripted(answers, query_timeout_s=0.05) as reader:
        with pytest.raises(TooCostly, match="out of time"):
            await reader.read("slow", {})


async def test_a_known_failure_is_told_even_when_the_connection_does_not_recover() -> None:
    async with scripted(
        lambda _: failure("Neo.ClientError.Statement.SyntaxError") + IGNORED,
        reset=b"",
        query_timeout_s=0.05,
    ) as reader:
        with pytest.raises(ClientError, match="SyntaxError"):
            await reader.read("bad", {})


async def test_a_connection_that_is_not_clean_is_not_used_again() -> None:
    refused = IGNORED + failure("Neo.ClientError.Request.Invalid")
    begun = asyncio.Event()

    def answers(text: str) -> bytes | None:
        begun.set()
        return FIELDS + record("late") if text == "slow" else echo(text)

    async with scripted(answers, reset=refused, pool_size=1) as reader:
        slow = asyncio.create_task(reader.read("slow", {}))
        await begun.wait()
        slow.cancel()
        assert await reader.read("next", {}) == (("text",), [["next"]])


async def test_statements_and_parameters_are_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with scripted(lambda _: b"\x00\x07garbage\x00\x00") as reader:
        with pytest.raises(NotOurs) as caught:
            await reader.read("MATCH (secret)", {"name": "whisper"})
    for said in (caplog.text, str(caught.value), repr(caught.value.__cause__)):
        assert "secret" not in said
        assert "whisper" not in said
