"""Mail, to a real server: what arrives, what is tried again, and what is hopeless."""

from pathlib import Path

import pytest

from graph_api.domain.errors import BadInput
from graph_api.domain.notices import Outcome, Verdict
from ingest.pipelines.letters import mail_message
from ingest.providers.mail import MailServer, mail_server_of, send
from tests.ingest.notices.certificates import Authority
from tests.ingest.notices.given import letter
from tests.ingest.notices.mailbox import Mailbox, serving

ANN, BOB = "ann@example.org", "bob@example.org"


def server(mailbox: Mailbox, scheme: str = "smtp+plain", *, user: str = "") -> MailServer:
    return mail_server_of(f"{scheme}://{user}localhost:{mailbox.port}", sender="desk@example.org")


async def sent(mailbox: Mailbox) -> Outcome:
    message = mail_message(letter(), sender="desk@example.org", recipients=[ANN, BOB])
    return await send(server(mailbox), message)


async def test_a_message_arrives_whole() -> None:
    async with serving() as mailbox:
        outcome = await sent(mailbox)

    ((recipients, message),) = mailbox.messages
    assert (outcome.verdict, outcome.status) == (Verdict.DELIVERED, 250)
    assert recipients == [ANN, BOB]
    assert message["Subject"].startswith("[warning] Wallet 0xab…")
    assert "Rule: Whales" in message.get_content()


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("451 Later", Verdict.AGAIN),
        ("421 Closing", Verdict.AGAIN),
        ("550 Never", Verdict.NEVER),
        ("554 Spam", Verdict.NEVER),
    ],
)
async def test_what_a_server_says_of_a_message_decides(answer: str, verdict: Verdict) -> None:
    async with serving() as mailbox:
        mailbox.answer = answer
        outcome = await sent(mailbox)

    assert (outcome.verdict, outcome.status) == (verdict, int(answer[:3]))
    assert outcome.reason == f"The mail server says {answer[:3]}: {answer[4:]}."


@pytest.mark.parametrize(
    ("refusals", "verdict"),
    [
        ({ANN: "550 Unknown"}, Verdict.DELIVERED),
        ({ANN: "450 Later"}, Verdict.AGAIN),
        ({ANN: "550 Unknown", BOB: "550 Unknown"}, Verdict.NEVER),
        ({ANN: "550 Unknown", BOB: "450 Later"}, Verdict.AGAIN),
    ],
)
async def test_who_is_refused_for_now_is_written_to_again(
    refusals: dict[str, str], verdict: Verdict
) -> None:
    async with serving() as mailbox:
        mailbox.refusals = refusals
        outcome = await sent(mailbox)

    assert outcome.verdict is verdict
    said = outcome.reason or outcome.answer or ""
    assert all(f"{name} ({code[:3]})" in said for name, code in refusals.items())


@pytest.mark.parametrize("scheme", ["smtps", "smtp"])
async def test_who_logs_in_does_so_in_private(scheme: str, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    message = mail_message(letter(), sender="desk@example.org", recipients=[ANN])
    async with serving(authority.server("localhost"), wrapped=scheme == "smtps") as mailbox:
        right = await send(
            server(mailbox, scheme, user="desk:word@"), message, tls=authority.client()
        )
        wrong = await send(
            server(mailbox, scheme, user="desk:guess@"), message, tls=authority.client()
        )
        stranger = await send(server(mailbox, scheme, user="desk:word@"), message)

    assert right.verdict is Verdict.DELIVERED
    assert set(mailbox.logins) == {(b"desk", b"word"), (b"desk", b"guess")}
    for outcome in (wrong, stranger):
        # The operator may mend it.
        assert outcome.verdict is Verdict.AGAIN
        assert outcome.reason is not None
        assert "guess" not in outcome.reason


async def test_no_message_goes_in_the_clear_where_tls_is_asked_for() -> None:
    async with serving() as mailbox:
        message = mail_message(letter(), sender="desk@example.org", recipients=[ANN])
        outcome = await send(server(mailbox, "smtp"), message)

    assert outcome.verdict is Verdict.AGAIN
    assert mailbox.messages == []


async def test_a_server_that_is_away_is_tried_again() -> None:
    async with serving() as mailbox:
        pass
    outcome = await sent(mailbox)

    assert outcome.verdict is Verdict.AGAIN
    assert outcome.reason is not None
    assert outcome.reason.startswith("The mail server cannot be used: ")


@pytest.mark.parametrize(
    "url", ["", "mail.example", "http://mail.example", "smtps://", "smtp://a:b"]
)
def test_an_address_that_cannot_be_read_is_not_repeated(url: str) -> None:
    with pytest.raises(BadInput, match="smtps://user:password@host:465") as refused:
        mail_server_of(url, sender="desk@example.org")

    assert refused.value.__cause__ is None


def test_passwords_are_read_as_urls_write_them_and_not_shown() -> None:
    given = ":".join(("desk%40a", "w%2Fo"))
    found = mail_server_of(f"smtps://{given}@mail.example", sender="desk@example.org")

    assert (found.host, found.port, found.user, found.password) == (
        "mail.example",
        465,
        "desk@a",
        "w/o",
    )
    assert "w/o" not in repr(found)
