"""A real SMTP server that takes mail, or refuses it as it is told."""

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session


class Mailbox:
    """What has come in; ``refusals`` are answers to recipients, ``answer`` that to a message."""

    def __init__(self) -> None:
        self.messages: list[tuple[list[str], EmailMessage]] = []
        self.refusals: dict[str, str] = {}
        self.answer = "250 Taken"
        self.logins: list[tuple[bytes, bytes]] = []
        self.port = 0

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """One recipient."""
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """A whole message."""
        if self.answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            message = message_from_bytes(envelope.content, policy=policy.default)
            self.messages.append((list(envelope.rcpt_tos), message))
        return self.answer

    def log_in(
        self, _server: Any, _session: Any, _envelope: Any, _how: str, given: Any
    ) -> AuthResult:
        """Everybody may who knows the word."""
        self.logins.append((given.login, given.password))
        return AuthResult(success=given.password == b"word", handled=False)


@asynccontextmanager
async def serving(
    tls: ssl.SSLContext | None = None, *, wrapped: bool = False
) -> AsyncIterator[Mailbox]:
    """A server on this machine: plain, with STARTTLS that it insists on, or ``wrapped`` in TLS."""
    mailbox, loop = Mailbox(), asyncio.get_running_loop()
    starts_tls = tls is not None and not wrapped

    def take() -> SMTP:
        with warnings.catch_warnings():
            # It does not know that the connection is wrapped in TLS already.
            warnings.filterwarnings("ignore", "Requiring AUTH while not requiring TLS")
            return SMTP(
                mailbox,
                loop=loop,
                hostname="localhost",
                tls_context=tls if starts_tls else None,
                require_starttls=starts_tls,
                authenticator=mailbox.log_in,
                auth_required=tls is not None,
                auth_require_tls=starts_tls,
            )

    server = await loop.create_server(take, "127.0.0.1", 0, ssl=tls if wrapped else None)
    mailbox.port = server.sockets[0].getsockname()[1]
    try:
        yield mailbox
    finally:
        server.close()
