"""Signatures of webhooks that go out, as the Standard Webhooks specification has them.

Whoever knows the secret can tell that a call is ours, that nobody changed it, and when it was sent.
While one secret takes over from another, a call carries a signature of each.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Final

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32


def new_secret(entropy: bytes) -> str:
    """A secret as receivers are given it; ``entropy`` is ``os.urandom(SECRET_BYTES)``."""
    if len(entropy) != SECRET_BYTES:
        raise ValueError(f"A secret takes {SECRET_BYTES} random bytes, not {len(entropy)}.")
    return PREFIX + base64.b64encode(entropy).decode()


def headers(id: str, body: bytes, *, at: datetime, secrets: Sequence[str]) -> dict[str, str]:
    """The headers of a call that is sent ``at`` this moment, signed with each of ``secrets``."""
    timestamp = str(int(at.timestamp()))
    return {
        "webhook-id": id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(id, timestamp, body, one) for one in secrets),
    }


def _signature(id: str, timestamp: str, body: bytes, secret: str) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = b".".join((id.encode(), timestamp.encode(), body))
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
