"""A receiver of webhooks that behaves as it is told: it answers, is silent, drips, resets …"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import msgspec


class Call(msgspec.Struct, frozen=True):
    """What came in; header names are in lower case."""

    target: str
    headers: dict[str, str]
    body: bytes


#: Answers one call; whatever it does not write is not answered.
Manner = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Receiver:
    """Takes calls; each is answered in the next of ``manners``, and in ``otherwise`` after them."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.connections = 0
        self.manners: list[Manner] = []
        self.otherwise: Manner = answers(204)
        self.port = 0
        self._arrived = asyncio.Condition()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._take(await _read(reader), writer)
        finally:
            writer.close()
            with suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()

    async def _take(self, call: Call, writer: asyncio.StreamWriter) -> None:
        async with self._arrived:
            self.calls.append(call)
            self._arrived.notify_all()
        manner = self.manners.pop(0) if self.manners else self.otherwise
        await manner(writer)

    async def arrived(self, count: int) -> None:
        """Wait until so many calls have come in all."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.calls) >= count)


@asynccontextmanager
async def receiving(tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """A receiver on a port of this machine, over TLS with ``tls``."""
    receiver = Receiver()
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(receiver.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def answers(status: int, body: bytes = b"", **headers: str) -> Manner:
    """A whole answer; underscores of header names are hyphens."""

    async def manner(writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await writer.drain()

    return manner


async def is_silent(writer: asyncio.StreamWriter) -> None:
    """Takes the call and says nothing."""
    await _for_ever()


async def resets(writer: asyncio.StreamWriter) -> None:
    """Breaks the connection off."""
    writer.transport.abort()


async def drips_headers(writer: asyncio.StreamWriter) -> None:
    """Says a little, again and again, and never an end."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    with suppress(ConnectionError):
        while True:
            writer.write(b"X-More: again\r\n")
            await writer.drain()
            await asyncio.sleep(0.02)


async def drips_body(writer: asyncio.StreamWriter) -> None:
    """Accepts, and then goes on for ever."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    with suppress(ConnectionError):
        while True:
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.02)


async def floods(writer: asyncio.StreamWriter) -> None:
    """Accepts, with as much to say as anybody will take."""
    writer.write(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 10000000000\r\n\r\n"
    )
    with suppress(ConnectionError):
        while True:
            writer.write(b"flood" * 10_000)
            await writer.drain()


async def babbles(writer: asyncio.StreamWriter) -> None:
    """Speaks another protocol."""
    writer.write(b"220 mail.example ESMTP\r\n")
    await writer.drain()


async def _read(reader: asyncio.StreamReader) -> Call:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = [line.partition(":") for line in head[1:] if line]
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Call(head[0].split(" ")[1], headers, body)


async def _for_ever() -> None:
    await asyncio.get_running_loop().create_future()
