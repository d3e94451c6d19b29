"""Mail by one server that the operator names; the rest of its way is that server's business."""

import asyncio
import ssl
from email.message import EmailMessage
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

import aiosmtplib
import msgspec

from graph_api.domain.errors import BadInput
from graph_api.domain.notices import Outcome, Verdict
from ingest.providers.posting import shown

Security = Literal["tls", "starttls", "plain"]

#: What an address begins with: how the connection is kept private, and the usual port.
_SCHEMES: Final[dict[str, tuple[Security, int]]] = {
    "smtps": ("tls", 465),
    "smtp": ("starttls", 587),
    "smtp+plain": ("plain", 25),
}
TIMEOUT_S: Final = 30.0


class MailServer(msgspec.Struct, frozen=True, kw_only=True):
    """Who takes mail from us, and ``sender``, whom it is from."""

    host: str
    port: int
    security: Security
    user: str | None
    password: str | None
    sender: str

    def __repr__(self) -> str:
        return f"MailServer({self.host}:{self.port})"


def mail_server_of(url: str, *, sender: str) -> MailServer:
    """The server of ``smtps://user:password@host:465``. Raises: BadInput.

    ``smtp://`` insists on STARTTLS; ``smtp+plain://`` is for a server on this machine.
    """
    try:
        parts = urlsplit(url)
        security, usual = _SCHEMES[parts.scheme]
        port, host = parts.port or usual, parts.hostname
    except (KeyError, ValueError):
        host = None
    if not host:
        # Without what was given, which has a password in it.
        raise BadInput("The mail server is written as smtps://user:password@host:465.")
    return MailServer(
        host=host,
        port=port,
        security=security,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        sender=sender,
    )


async def send(
    server: MailServer,
    message: EmailMessage,
    *,
    timeout_s: float = TIMEOUT_S,
    tls: ssl.SSLContext | None = None,
) -> Outcome:
    """What becomes of ``message``; what goes wrong is told, not raised."""
    began = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(timeout_s):
            outcome = await _sent(server, message, timeout_s, tls)
    except TimeoutError:
        outcome = _failed(f"The mail server gave no answer in {timeout_s:g} s.")
    took_ms = round((asyncio.get_running_loop().time() - began) * 1000)
    return msgspec.structs.replace(outcome, took_ms=took_ms)


async def _sent(
    server: MailServer, message: EmailMessage, timeout_s: float, tls: ssl.SSLContext | None
) -> Outcome:
    try:
        refused, answer = await aiosmtplib.send(
            message,
            sender=server.sender,
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.security == "tls",
            start_tls=server.security == "starttls",
            tls_context=tls,
            timeout=timeout_s,
        )
    except aiosmtplib.SMTPRecipientsRefused as error:
        return _refused({one.recipient: one.code for one in error.recipients})
    except aiosmtplib.SMTPDataError as error:
        # What it says of this message; of anything else it may think better.
        return _failed(_said(error), status=error.code, hopeless=error.code >= 500)
    except aiosmtplib.SMTPResponseException as error:
        return _failed(_said(error), status=error.code)
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        return _failed(f"The mail server cannot be used: {_why(error)}.")
    if refused:
        return _refused({name: one.code for name, one in refused.items()}, some=True)
    return Outcome(verdict=Verdict.DELIVERED, status=250, answer=shown(answer))


def _refused(codes: dict[str, int], *, some: bool = False) -> Outcome:
    """Who is refused for now is tried again, and so are all; who is for good is left out."""
    names = ", ".join(f"{name} ({code})" for name, code in codes.items())
    reason = f"The mail server refuses {names}."
    if some and all(code >= 500 for code in codes.values()):
        return Outcome(verdict=Verdict.DELIVERED, status=250, answer=reason)
    first = next(iter(codes.values()))
    return _failed(reason, status=first, hopeless=all(code >= 500 for code in codes.values()))


def _failed(reason: str, *, status: int | None = None, hopeless: bool = False) -> Outcome:
    verdict = Verdict.NEVER if hopeless else Verdict.AGAIN
    return Outcome(verdict=verdict, status=status, reason=reason)


def _why(error: Exception) -> str:
    # The library says that it failed, what it was caused by says why.
    told = shown(str(error.__cause__ or error)) or type(error).__name__
    return told.rstrip(".: ")


def _said(error: aiosmtplib.SMTPResponseException) -> str:
    said = shown(error.message) or "no reason"
    return f"The mail server says {error.code}: {said.rstrip('.')}."
