"""WebSockets of the server with a way past it: frames that are built already go to the transport.

A message that goes through the ASGI interface is encoded for each connection and costs a coroutine;
to hand the same bytes to thousands it is written here. Nothing else about the protocol changes.
"""

from collections.abc import Callable
from typing import Any, Final, Protocol

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

#: Where a WebSocket's scope holds its ``Wire``.
EXTENSION: Final = "deskgraph.wire"

_TEXT: Final = 0x81  # a whole message of text
_SHORT: Final = 126
_LONG: Final = 65_536


class Wire(Protocol):
    """A connection that texts are written to at once."""

    on_room: Callable[[], None] | None

    @property
    def has_room(self) -> bool:
        """Whether the client takes what it is given."""
        ...

    def write(self, text: bytes) -> None:
        """Send a message; nothing happens when the connection has ended."""
        ...

    def abort(self) -> None:
        """Cut the connection."""
        ...


class WebSockets(WebSocketsSansIOProtocol):
    """The server's WebSocket, which is a ``Wire`` too."""

    on_room: Callable[[], None] | None = None

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        scope: Any = getattr(self, "scope", None)
        if scope is not None:  # the application's task has not begun yet
            scope["extensions"][EXTENSION] = self

    @property
    def has_room(self) -> bool:
        return self.writable.is_set()

    def write(self, text: bytes) -> None:
        if not (self.close_sent or self.disconnected or self.transport.is_closing()):
            self.transport.write(framed(text))

    def abort(self) -> None:
        self.transport.abort()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.on_room is not None:
            self.on_room()


def framed(text: bytes) -> bytes:
    """One message of text as a server sends it."""
    size = len(text)
    if size < _SHORT:
        return bytes((_TEXT, size)) + text
    if size < _LONG:
        return b"%c\x7e%b%b" % (_TEXT, size.to_bytes(2, "big"), text)
    return b"%c\x7f%b%b" % (_TEXT, size.to_bytes(8, "big"), text)
