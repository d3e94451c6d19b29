"""Many WebSockets in one process: each subscribes once and notes when its items come.

Items are only counted and pings answered, so that the clients cost little of the machine that the
server is on.
"""

import asyncio
import base64
import os
import time
from collections.abc import Sequence
from typing import Final

import orjson

_NEXT: Final = b'"type":"next"'
_ACK: Final = b'"type":"connection_ack"'
_PING: Final = 0x89
_HEAD: Final = 80  # an item says within so many bytes that it is one
_AT_ONCE: Final = 200


class Subscriber(asyncio.Protocol):
    """One connection."""

    def __init__(self, place: str, message: bytes) -> None:
        self._place, self._message = place, message
        self._transport: asyncio.Transport | None = None
        self._tail = b""
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.items = 0
        self.last_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Shake hands."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET /graphql HTTP/1.1\r\nHost: {self._place}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """Count items; begin to subscribe once the server says that it may."""
        if not self.ready.done():
            self._begin(data)
            return
        data = self._tail + data
        begin = 0
        while (end := _frame_end(data, begin)) is not None:
            if data[begin] == _PING:
                assert self._transport is not None
                self._transport.write(b"\x8a" + masked(data[begin + 2 : end])[1:])
            elif data.find(_NEXT, begin, begin + _HEAD) >= 0:
                self.items += 1
                self.last_at = time.perf_counter()
            begin = end
        self._tail = data[begin:]

    def _begin(self, data: bytes) -> None:
        assert self._transport is not None
        self._tail += data
        if _ACK in self._tail:
            self._transport.write(masked(self._message))
            self._tail = b""
            self.ready.set_result(None)
        elif b"\r\n\r\n" in self._tail and b"101" in self._tail[:20]:
            self._transport.write(masked(b'{"type":"connection_init"}'))
            self._tail = b""

    def connection_lost(self, error: Exception | None) -> None:
        """Say so to who waits."""
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(f"The server closed at once: {error}"))

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()


def subscribe_message(query: str, variables: object) -> bytes:
    """What asks for a subscription."""
    payload = {"query": query, "variables": variables}
    return orjson.dumps({"id": "1", "type": "subscribe", "payload": payload})


async def connected(address: str, messages: Sequence[bytes]) -> list[Subscriber]:
    """One subscriber for each message, all of them subscribed."""
    place = address.removeprefix("http://")
    host, port = place.rsplit(":", 1)
    loop, made = asyncio.get_running_loop(), list[Subscriber]()
    for first in range(0, len(messages), _AT_ONCE):
        some = messages[first : first + _AT_ONCE]
        pairs = await asyncio.gather(
            *(
                loop.create_connection(lambda one=one: Subscriber(place, one), host, int(port))  # type: ignore[misc]
                for one in some
            )
        )
        for _, subscriber in pairs:
            await subscriber.ready
            made.append(subscriber)
    return made


def _frame_end(data: bytes, begin: int) -> int | None:
    """Where the frame ends that begins there; None while it has not come whole."""
    if len(data) < begin + 2:
        return None
    size, body = data[begin + 1], begin + 2
    if size == 126:
        size, body = int.from_bytes(data[begin + 2 : begin + 4], "big"), begin + 4
    return body + size if len(data) >= body + size else None


def masked(text: bytes) -> bytes:
    """A frame as clients send it; the mask of zeros leaves the text as it is."""
    size = len(text)
    head = bytes((0x81, 0x80 | size)) if size < 126 else b"\x81\xfe" + size.to_bytes(2, "big")
    return head + b"\0\0\0\0" + text
