"""Ids of new objects: UUIDs of version 7, which sort by the moment they were made."""

import os
from datetime import datetime
from uuid import UUID

ENTROPY_BYTES = 10


def new_id(now: datetime) -> str:
    """The id of something that is made ``now``."""
    return uuid7(now, os.urandom(ENTROPY_BYTES))


def uuid7(now: datetime, entropy: bytes) -> str:
    """The id for ``now``; ``entropy`` is ``os.urandom(ENTROPY_BYTES)`` wherever it matters."""
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError(f"An id takes {ENTROPY_BYTES} random bytes, not {len(entropy)}.")
    random = int.from_bytes(entropy, "big")
    bits = int(now.timestamp() * 1000) << 80
    bits |= 0x7 << 76 | (random >> 62 & 0xFFF) << 64  # version, 12 random bits
    bits |= 0b10 << 62 | random & (1 << 62) - 1  # variant, 62 random bits
    return str(UUID(int=bits))
