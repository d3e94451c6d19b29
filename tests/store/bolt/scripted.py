"""A server that logs anyone in and then says, byte for byte, what a test wants it to say."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from graph_api.store.bolt.framing import Messages, framed
from graph_api.store.bolt.packstream import pack_plainly, unpack_carefully
from graph_api.store.bolt.reader import Reader

HELLO, LOGON, RUN, PULL, RESET = 0x01, 0x6A, 0x10, 0x3F, 0x0F

#: A statement's text in; out what is sent for its RUN and PULL together, None to hang up.
Answers = Callable[[str], bytes | None]


def success(**metadata: Any) -> bytes:
    """A SUCCESS on the wire."""
    return framed(b"\xb1\x70" + pack_plainly(metadata))


def failure(code: str, message: str = "No.") -> bytes:
    """A FAILURE on the wire."""
    return framed(b"\xb1\x7f" + pack_plainly({"code": code, "message": message}))


def record(*values: Any) -> bytes:
    """A RECORD on the wire."""
    return framed(b"\xb1\x71" + pack_plainly(list(values)))


IGNORED = framed(b"\xb0\x7e")


def echo(text: str) -> bytes | None:
    """One row with the statement's own text."""
    return success(fields=["text"]) + record(text) + success()


@asynccontextmanager
async def scripted(
    answers: Answers = echo,
    *,
    greeting: bytes = b"\x00\x00\x04\x05",
    login: bytes | None = None,
    reset: bytes | None = None,
    **limits: Any,
) -> AsyncIterator[Reader]:
    """A reader of such a server; ``login`` and ``reset`` replace what is said to those."""

    def reply(message: bytearray, start: int, stop: int) -> bytes | None:
        signature = message[start + 1]
        if signature == RUN:
            text, _ = unpack_carefully(message, start + 2, stop)
            return answers(text)
        if signature in (HELLO, LOGON):
            return success() if login is None else login
        if signature == RESET:
            return success() if reset is None else reset
        return b""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def take(message: bytearray, start: int, stop: int) -> None:
            said = reply(message, start, stop)
            if said is None:
                writer.transport.abort()
            elif said and not writer.is_closing():
                writer.write(said)

        messages = Messages(take, max_bytes=2**20)
        with suppress(OSError, asyncio.IncompleteReadError):
            await reader.readexactly(20)
            writer.write(greeting)
            while data := await reader.read(65536):
                messages.feed(data)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    limits = {"pool_size": 2, "query_timeout_s": 30.0} | limits
    asked = Reader(f"bolt://127.0.0.1:{port}", "reader", password="", database="graph", **limits)
    try:
        yield asked
    finally:
        await asked.close()
        server.close()
