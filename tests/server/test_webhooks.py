"""The door for calls of others: what is genuine is kept, once; everything else is told why not."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError
from sqlalchemy import text

from graph_api.domain.principals import LOCAL
from graph_api.domain.webhooks import Sender
from graph_api.server.app import create_app
from graph_api.server.webhooks import webhook_route
from graph_api.settings import Settings, WebhookSettings
from graph_api.vault import inbox
from graph_api.vault.inbox import Delivery, DeliveryState
from graph_api.vault.pages import First
from graph_api.vault.vault import Vault
from tests.server.callers import call, encoded, new_secret, proof, test_call
from tests.server.conftest import client_of
from tests.server.served import ROOT
from tests.server.small import small_schema
from tests.vault.conftest import (
    empty_url,
    migrated,
    postgresql,
    server,
    template,
    vault,
    vault_url,
)
from tests.vault.given import MINUTE, NOON

__all__ = ["empty_url", "migrated", "postgresql", "server", "template", "vault", "vault_url"]

EVERY_SENDER = pytest.mark.parametrize("sender", list(Sender))
ALL = tuple(DeliveryState)


class Hook:
    """One hook of each sender, with two live secrets, and a client that calls them."""

    def __init__(self, vault: Vault, **options: object) -> None:
        self.secrets = {sender: (new_secret(), new_secret()) for sender in Sender}
        self.vault, self.now = vault, NOON
        hooks = {sender.value: {"main": ",".join(self.secrets[sender])} for sender in Sender}
        settings = Settings(webhooks=WebhookSettings(**hooks, **options))
        route = webhook_route(settings.webhooks, vault=lambda: vault, clock=self.clock)
        self.app = create_app(small_schema(), settings=settings, routes=[route])

    def clock(self) -> datetime:
        return self.now

    async def post(
        self,
        sender: Sender,
        body: bytes | AsyncIterator[bytes],
        *,
        headers: dict[str, str] | None = None,
        hook: str = "main",
        secret: int = 0,
    ) -> httpx.Response:
        if headers is None:
            assert isinstance(body, bytes)
            headers = proof(sender, body, self.secrets[sender][secret])
        async with client_of(self.app) as client:
            return await client.post(f"/webhooks/{sender}/{hook}", content=body, headers=headers)

    async def kept(self) -> list[Delivery]:
        page = await inbox.history(self.vault, LOCAL, states=ALL)
        return sorted(page.rows, key=lambda one: (one.sender, one.number))


@pytest.fixture
def hook(vault: Vault) -> Hook:
    return Hook(vault)


@EVERY_SENDER
async def test_a_genuine_body_is_on_record_byte_by_byte(hook: Hook, sender: Sender) -> None:
    body = call(sender)

    answer = await hook.post(sender, body)

    assert (answer.status_code, answer.json()) == (200, {"stored": True})
    (one,) = await hook.kept()
    assert (one.sender, one.hook, one.state) == (sender, "main", DeliveryState.WAITING)
    assert await inbox.bodies(hook.vault, LOCAL, [one.id]) == {one.id: body}


@EVERY_SENDER
async def test_both_secrets_hold_while_one_takes_over(hook: Hook, sender: Sender) -> None:
    answers = [await hook.post(sender, call(sender, n), secret=n) for n in (0, 1)]

    assert [answer.json() for answer in answers] == [{"stored": True}] * 2


@EVERY_SENDER
async def test_what_is_not_proven_is_refused_and_leaves_nothing(hook: Hook, sender: Sender) -> None:
    body = call(sender)
    right = proof(sender, body, hook.secrets[sender][0])[sender.header]
    wrong = [{}, {sender.header: ""}, {sender.header: right[:-1]}, {sender.header: right + "0"}]
    wrong += [proof(sender, body, new_secret()), {sender.header: right.swapcase()}]
    wrong += [{sender.header: "é" * 20}]

    answers = [
        await hook.post(sender, body, headers={k: v.encode("latin-1") for k, v in one.items()})  # type: ignore[misc]
        for one in wrong
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert answers[0].json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}
    assert await hook.kept() == []


@pytest.mark.parametrize("sender", [Sender.MORALIS, Sender.ALCHEMY])
async def test_a_proof_is_of_every_byte_of_the_body(hook: Hook, sender: Sender) -> None:
    body = call(sender)
    headers = proof(sender, body, hook.secrets[sender][0])

    answers = [
        await hook.post(sender, tampered, headers=headers)
        for tampered in (body + b" ", body[:-1], body.replace(b"1", b"2", 1), b"")
    ]

    assert [answer.status_code for answer in answers] == [401] * 4
    assert await hook.kept() == []


async def test_a_proof_of_one_sender_is_none_of_another(hook: Hook) -> None:
    body = call(Sender.ALCHEMY)
    headers = proof(Sender.ALCHEMY, body, hook.secrets[Sender.ALCHEMY][0])

    assert (await hook.post(Sender.MORALIS, body, headers=headers)).status_code == 401


@EVERY_SENDER
async def test_a_repeated_delivery_has_no_effect(hook: Hook, sender: Sender) -> None:
    first = await hook.post(sender, call(sender))
    again = await asyncio.gather(*(hook.post(sender, call(sender)) for _ in range(5)))

    assert first.json() == {"stored": True}
    assert {answer.status_code for answer in again} == {200}
    assert [answer.json() for answer in again] == [{"stored": False}] * 5
    assert len(await hook.kept()) == 1


@EVERY_SENDER
async def test_deliveries_that_arrive_together_are_kept_once(hook: Hook, sender: Sender) -> None:
    posts = [hook.post(sender, call(sender, n % 3)) for n in range(12)]

    answers = [answer.json()["stored"] for answer in await asyncio.gather(*posts)]

    kept = await hook.kept()
    assert (answers.count(True), len(kept)) == (3, 3)
    assert len({one.number for one in kept}) == 3


async def test_a_moralis_call_that_is_tried_again_is_the_same_call(hook: Hook) -> None:
    body = call(Sender.MORALIS)

    await hook.post(Sender.MORALIS, body)
    again = await hook.post(Sender.MORALIS, body.replace(b'"retries":0', b'"retries":1'))
    confirmed = await hook.post(
        Sender.MORALIS, body.replace(b'"confirmed":false', b'"confirmed":true')
    )

    assert again.json() == {"stored": False}
    assert confirmed.json() == {"stored": True}


async def test_the_test_call_of_moralis_is_answered_and_not_kept(hook: Hook) -> None:
    answers = [await hook.post(Sender.MORALIS, body) for body in (test_call(), b"")]

    assert [(one.status_code, one.json()) for one in answers] == [(200, {"stored": False})] * 2
    assert await hook.kept() == []
    assert (await hook.post(Sender.MORALIS, test_call(), headers={})).status_code == 401


async def test_an_alchemy_call_of_another_time_is_refused(hook: Hook) -> None:
    body = call(Sender.ALCHEMY, said_at=NOON.isoformat())

    async def at(moment: datetime) -> int:
        hook.now = moment
        return (await hook.post(Sender.ALCHEMY, body)).status_code

    assert await at(NOON + timedelta(hours=24, seconds=1)) == 401
    assert await at(NOON - 6 * MINUTE) == 401
    assert await hook.kept() == []
    assert await at(NOON + timedelta(hours=24)) == 200
    assert await at(NOON - 5 * MINUTE) == 200
    assert len(await hook.kept()) == 1


async def test_an_alchemy_call_is_known_by_its_id(hook: Hook) -> None:
    body = call(Sender.ALCHEMY)
    await hook.post(Sender.ALCHEMY, body)

    other = await hook.post(Sender.ALCHEMY, body.replace(b"ETH_MAINNET", b"BNB_MAINNET"))

    assert other.json() == {"stored": False}


@EVERY_SENDER
@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe\x00", b"null", b"[]", b'"text"', b"[" * 100_000], ids=repr
)
async def test_a_genuine_body_that_cannot_be_read_is_kept_for_a_person(
    hook: Hook, sender: Sender, body: bytes
) -> None:
    body = body or b" " if sender is not Sender.MORALIS else body or b"\x00"

    first, again = await hook.post(sender, body), await hook.post(sender, body)

    assert (first.status_code, first.json()) == (200, {"stored": True})
    assert again.json() == {"stored": False}


@pytest.mark.parametrize(
    "path", ["moralis/other", "moralis/", "nobody/main", "moralis/main/more", "MORALIS/main"]
)
async def test_an_unknown_hook_is_not_found_and_its_body_not_read(hook: Hook, path: str) -> None:
    async def unread() -> AsyncIterator[bytes]:
        raise AssertionError("somebody reads the body")
        yield b""

    async with client_of(hook.app) as client:
        answer = await client.post(f"/webhooks/{path}", content=unread())

    assert answer.status_code == 404


async def test_only_posts_are_calls(hook: Hook) -> None:
    async with client_of(hook.app) as client:
        assert (await client.get("/webhooks/moralis/main")).status_code == 405


@EVERY_SENDER
async def test_a_body_that_is_too_large_is_not_read_to_its_end(
    vault: Vault, sender: Sender
) -> None:
    hook, sent = Hook(vault, max_body_bytes=2_000), 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 500
            yield b" " * 500

    streamed = await hook.post(sender, endless(), headers={})
    declared = await hook.post(sender, b" " * 2_001)
    largest = await hook.post(sender, b" " * 2_000)

    assert (streamed.status_code, declared.status_code) == (413, 413)
    assert sent <= 3_000
    assert streamed.headers["connection"] == "close"
    assert largest.status_code == 200


async def test_a_call_may_be_larger_than_a_query(vault: Vault) -> None:
    hook = Hook(vault)
    body = encoded(["x" * 2_000_000])

    assert (await hook.post(Sender.HELIUS, body)).json() == {"stored": True}
    async with client_of(hook.app) as client:
        assert (await client.post("/graphql", content=body)).status_code == 413


@EVERY_SENDER
async def test_a_body_that_does_not_come_is_not_waited_for(vault: Vault, sender: Sender) -> None:
    hook = Hook(vault, body_timeout_s=0.01)

    async def stuck() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    answer = await hook.post(sender, stuck(), headers={})

    assert answer.status_code == 408
    assert answer.headers["connection"] == "close"
    assert await hook.kept() == []


async def test_a_vault_that_cannot_keep_it_makes_the_sender_try_again(
    vault_url: str, vault: Vault
) -> None:
    async with (
        await Vault.open(vault_url) as other,
        await Vault.open(vault_url, patience_s=0.3) as hurried,
    ):
        hook, body = Hook(hurried, store_timeout_s=0.2), call(Sender.HELIUS)
        async with other.writing() as connection:
            if connection.dialect.name == "postgresql":
                await connection.execute(text("LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE"))
            refused = await hook.post(Sender.HELIUS, body)
        patient = Hook(vault)
        patient.secrets = hook.secrets
        hook = Hook(vault)
        accepted = await hook.post(Sender.HELIUS, body)

    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "5"
    assert accepted.json() == {"stored": True}
    assert len(await hook.kept()) == 1


def test_secrets_are_neither_short_nor_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = new_secret()
    monkeypatch.setenv("DESKGRAPH_WEBHOOKS__HELIUS__MAIN", f"{secret},")
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert secret not in str(refused.value)

    monkeypatch.setenv("DESKGRAPH_WEBHOOKS__HELIUS__MAIN", f"{secret}, Bearer {secret}")
    hooks = Settings().webhooks
    live = [one.get_secret_value() for one in hooks.secrets(Sender.HELIUS, "main")]
    assert live == [secret, f"Bearer {secret}"]
    assert hooks.secrets(Sender.HELIUS, "other") == hooks.secrets(Sender.ALCHEMY, "main") == ()
    assert secret not in repr(hooks)


def test_bodies_are_kept_for_as_long_as_a_call_may_be_played_again() -> None:
    with pytest.raises(ValidationError, match="played again"):
        WebhookSettings(max_age_h=24, kept_h=23)


def started(vault_url: str, log: Path, hooks: dict[str, str]) -> "subprocess.Popen[str]":
    """The door in a process of its own, which says its address first."""
    with log.open("w") as stderr:
        return subprocess.Popen(
            (sys.executable, "-m", "tests.server.webhook_child", vault_url),
            cwd=ROOT,
            env={**os.environ, **hooks, "DESKGRAPH_HTTP__PORT": "0"},
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )


async def test_what_was_accepted_outlives_the_process_that_accepted_it(
    vault_url: str, tmp_path: Path
) -> None:
    secrets = {sender: new_secret() for sender in Sender}
    hooks = {
        f"DESKGRAPH_WEBHOOKS__{sender.value.upper()}__MAIN": secret
        for sender, secret in secrets.items()
    }
    sent: dict[Sender, list[bytes]] = {sender: [] for sender in Sender}
    for life in range(2):
        process = started(vault_url, tmp_path / "log", hooks)
        try:
            assert process.stdout is not None
            address = await asyncio.to_thread(process.stdout.readline)
            assert address, (tmp_path / "log").read_text()
            async with httpx.AsyncClient(base_url=address.strip()) as client:
                for n in range(4):
                    for sender, secret in secrets.items():
                        body = call(sender, 10 * life + n)
                        answer = await client.post(
                            f"/webhooks/{sender}/main",
                            content=body,
                            headers=proof(sender, body, secret),
                        )
                        assert answer.json() == {"stored": True}
                        sent[sender].append(body)
                os.kill(process.pid, signal.SIGKILL)
        finally:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()

    async with await Vault.open(vault_url) as vault:
        page = await inbox.history(vault, LOCAL, First(100), states=ALL)
        held = await inbox.bodies(vault, LOCAL, [one.id for one in page.rows])
        in_order = sorted(page.rows, key=lambda one: one.number)
        for sender, bodies in sent.items():
            assert [held[one.id] for one in in_order if one.sender is sender] == bodies
