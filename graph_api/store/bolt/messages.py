"""The few messages of Bolt that reading needs, for versions 4.4 and 5.0 to 5.8."""

import platform
from typing import Any, Final

from graph_api.store.bolt.faults import Unspoken
from graph_api.store.bolt.framing import framed
from graph_api.store.bolt.packstream import Codec

SUCCESS: Final = 0x70
RECORD: Final = 0x71
IGNORED: Final = 0x7E
FAILURE: Final = 0x7F

_AGENT: Final = "deskgraph-reader/1"
#: The magic word, then up to four offers: a version and how many before it are spoken too.
GREETING: Final = bytes.fromhex("6060b017 00080805 00000404 00000000 00000000")

PULL_ALL: Final = framed(b"\xb1\x3f\xa1\x81n\xff")
RESET: Final = framed(b"\xb0\x0f")
GOODBYE: Final = framed(b"\xb0\x02")


def agreed(answer: bytes) -> tuple[int, int]:
    """The version that the server chose of what ``GREETING`` offers.

    Raises: Unspoken when it speaks none of them, or no Bolt at all.
    """
    version = answer[3], answer[2]
    if answer[:2] != b"\x00\x00" or not (version == (4, 4) or (5, 0) <= version <= (5, 8)):
        raise Unspoken("The server speaks no version of Bolt that the reader knows.")
    return version


def log_in(
    version: tuple[int, int], user: str, *, password: str, codec: Codec
) -> tuple[bytes, int]:
    """What logs in, and how many answers it gets. No routing, no notifications."""
    hello: dict[str, Any] = {"user_agent": _AGENT}
    login = {"scheme": "basic", "principal": user, "credentials": password}
    if version >= (5, 2):
        hello["notifications_minimum_severity"] = "OFF"
    if version >= (5, 3):
        hello["bolt_agent"] = {"product": _AGENT, "platform": platform.system()}
    if version < (5, 1):
        return framed(b"\xb1\x01" + codec.pack(hello | login)), 1
    return (
        framed(b"\xb1\x01" + codec.pack(hello)) + framed(b"\xb1\x6a" + codec.pack(login)),
        2,
    )


class Questions:
    """Packs reading statements for one database; what never changes is packed once."""

    def __init__(self, codec: Codec, *, database: str, timeout_s: float) -> None:
        self._pack = codec.pack
        extra = {"mode": "r", "db": database, "tx_timeout": max(1, round(timeout_s * 1000))}
        self._extra = codec.pack(extra)

    def packed(self, text: str, parameters: dict[str, Any]) -> bytes:
        """RUN and PULL as they are written to the socket.

        Raises: ValueError, TypeError or OverflowError when a parameter is no plain value.
        """
        pack = self._pack
        return framed(b"\xb3\x10" + pack(text) + pack(parameters) + self._extra) + PULL_ALL
