"""Keccak-256 by the quickest way that is there: blooms want two or three hashes for each log."""

from collections.abc import Callable

from eth_utils.crypto import keccak


def _quickest() -> Callable[[bytes], bytes]:
    try:
        from sha3 import keccak_256
    except ImportError:
        # Its wheels are for Linux only; elsewhere the hash is right too, and slower.
        return keccak
    return lambda data: bytes(keccak_256(data).digest())


keccak_256 = _quickest()
