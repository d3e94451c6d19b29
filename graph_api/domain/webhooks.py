"""Calls of webhooks: who may send them, whether one is genuine, and which call it is.

A call is judged by its raw bytes; nothing is parsed before its signature holds. Sources: Moralis
Streams (``x-signature``: keccak-256 of body and secret), Alchemy Notify (``x-alchemy-signature``:
HMAC-SHA256 of the body), Helius (the ``Authorization`` value that its owner chose).
"""

import hashlib
import hmac
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec
from eth_utils.crypto import keccak

from graph_api.domain.errors import GraphApiError

#: What a sender says to prove itself, by the header that it says it in.
HEADERS: Final = {
    "moralis": "x-signature",
    "alchemy": "x-alchemy-signature",
    "helius": "authorization",
}
#: Clocks of others may be ahead of ours.
AHEAD: Final = timedelta(minutes=5)


class Sender(StrEnum):
    """Whose calls are understood."""

    MORALIS = "moralis"
    ALCHEMY = "alchemy"
    HELIUS = "helius"

    @property
    def header(self) -> str:
        """The header that proves a call."""
        return HEADERS[self.value]


class Stale(GraphApiError):
    """A genuine call of another time: someone plays it again."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """Which call it is: ``identity`` is the same for every delivery of it.

    ``test`` marks one that only asks whether somebody listens. ``said_at`` is when the sender made
    it, where it says so.
    """

    identity: str
    test: bool = False
    said_at: datetime | None = None


def is_genuine(sender: Sender, body: bytes, proof: bytes, secrets: Collection[str]) -> bool:
    """Whether ``proof`` shows that ``body`` is from whoever knows one of ``secrets``.

    Every secret is tried, so that the time it takes tells none of them.
    """
    expect, held = _PROOFS[sender], False
    for secret in secrets:
        held |= hmac.compare_digest(expect(body, secret.encode()), proof.strip())
    return held


def call_of(sender: Sender, body: bytes) -> Call:
    """Which call a genuine ``body`` is; one that cannot be read is known by its digest."""
    try:
        return _CALLS[sender](body)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return _by_digest(body)


def require_fresh(call: Call, *, now: datetime, window: timedelta) -> None:
    """Raise Stale unless the call was made within ``window`` of ``now``, as far as it says."""
    if call.said_at is None:
        return
    if not now - window <= call.said_at <= now + AHEAD:
        raise Stale(f"The call was made at {call.said_at:%Y-%m-%d %H:%M} UTC, outside of the time.")


# Proofs


def _moralis_proof(body: bytes, secret: bytes) -> bytes:
    return b"0x" + keccak(body + secret).hex().encode()


def _alchemy_proof(body: bytes, secret: bytes) -> bytes:
    return hmac.new(secret, body, hashlib.sha256).hexdigest().encode()


def _helius_proof(_body: bytes, secret: bytes) -> bytes:
    return secret


_PROOFS: Final[Mapping[Sender, Callable[[bytes, bytes], bytes]]] = {
    Sender.MORALIS: _moralis_proof,
    Sender.ALCHEMY: _alchemy_proof,
    Sender.HELIUS: _helius_proof,
}

# Identities

#: What a call of Moralis consists of when it tells of nothing.
_NOTHING: Final = (b"[]", b"{}", b'""', b"null")
_FACTS: Final = ("chainId", "txs", "logs", "txsInternal", "erc20Transfers", "nftTransfers")
_parts: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


class _Alchemy(msgspec.Struct, rename="camel"):
    id: str
    created_at: str


def _moralis_call(body: bytes) -> Call:
    if not body.strip():
        return msgspec.structs.replace(_by_digest(body), test=True)
    parts = {name: bytes(part) for name, part in _parts.decode(body).items()}
    # A delivery that is tried again counts how often, and is the same call.
    parts.pop("retries", None)
    digest = hashlib.sha256()
    for name in sorted(parts):
        for piece in (name.encode(), parts[name]):
            digest.update(len(piece).to_bytes(8) + piece)
    test = "chainId" in parts and all(
        b"".join(parts.get(name, b"[]").split()) in _NOTHING for name in _FACTS
    )
    return Call(identity=f"sha256:{digest.hexdigest()}", test=test)


def _alchemy_call(body: bytes) -> Call:
    told = msgspec.json.decode(body, type=_Alchemy)
    said_at = datetime.fromisoformat(told.created_at)
    said_at = said_at if said_at.tzinfo else said_at.replace(tzinfo=UTC)
    return Call(identity=f"id:{_short(told.id)}", said_at=said_at)


def _by_digest(body: bytes) -> Call:
    return Call(identity=f"sha256:{hashlib.sha256(body).hexdigest()}")


def _short(told: str) -> str:
    """An id as it is told; a digest of it where it is long or odd."""
    plain = 0 < len(told) <= 100 and told.isascii() and told.isprintable()
    return told if plain else hashlib.sha256(told.encode(errors="replace")).hexdigest()


_CALLS: Final[Mapping[Sender, Callable[[bytes], Call]]] = {
    Sender.MORALIS: _moralis_call,
    Sender.ALCHEMY: _alchemy_call,
    Sender.HELIUS: _by_digest,
}
