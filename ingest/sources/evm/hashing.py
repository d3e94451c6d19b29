"""Keccak-256 by the quickest way that is there: blooms want two or three hashes for each log."""

from collections.abc import Callable
from typing import Any, Protocol

from eth_utils.crypto import keccak


class Digest(Protocol):
    """A hash that was computed."""

    def digest(self) -> bytes:
        """Its 32 bytes."""
        ...


class _Slow:
    def __init__(self, data: bytes) -> None:
        self._digest = keccak(data)

    def digest(self) -> bytes:
        return self._digest


def _quickest() -> Callable[[bytes], Digest]:
    try:
        import sha3
    except ImportError:
        # Its wheels are for Linux only; elsewhere the hash is right too, and slower.
        return _Slow
    quick: Any = sha3.keccak_256
    return quick  # type: ignore[no-any-return]


keccak_256 = _quickest()
