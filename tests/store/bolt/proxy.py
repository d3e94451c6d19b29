"""A TCP proxy that does to a conversation what networks do: cut, freeze, cut to pieces, corrupt."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import msgspec

from graph_api.store.address import GraphAddress

LOOPBACK = "127.0.0.1"


class Proxy:
    """Stands before the server of ``target``; what is done to it holds until it is undone."""

    def __init__(self, target: GraphAddress, *, tls: ssl.SSLContext | None = None) -> None:
        self.target, self._tls = target, tls
        self._server: asyncio.Server | None = None
        self._port = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        #: Set when something has been held back by ``freeze``.
        self.holds = asyncio.Event()
        #: How many connections were ever made, and how many bytes of the server passed on.
        self.accepted = self.passed = 0
        #: The largest piece in which answers are passed on.
        self.piece: int | None = None
        #: What becomes of the server's bytes on their way.
        self.corrupt: Callable[[bytes], bytes] = bytes

    def address(self, *, scheme: str = "bolt", host: str = LOOPBACK) -> GraphAddress:
        """Where clients find the server through this proxy."""
        return msgspec.structs.replace(self.target, url=f"{scheme}://{host}:{self._port}")

    async def listen(self) -> None:
        """Take connections, on the same port as before."""
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self._port, ssl=self._tls)
        self._port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Take no connections any more, and end those that there are."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await self.cut()

    async def cut(self) -> None:
        """End all connections, as a server does that dies."""
        for writer in list(self._writers):
            writer.transport.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def freeze(self) -> None:
        """Pass nothing on, in neither direction, and keep every connection open."""
        self.holds.clear()
        self._flowing.clear()

    def thaw(self) -> None:
        """Pass on again, what was held back first."""
        self._flowing.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.accepted += 1
        with suppress(asyncio.CancelledError, OSError):
            await self._relay(reader, writer)
        writer.transport.abort()
        self._tasks.discard(task)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server = urlsplit(self.target.url)
        behind, before = await asyncio.open_connection(server.hostname, server.port)
        pair = {writer, before}
        self._writers |= pair
        ways = (
            asyncio.ensure_future(self._pass_on(reader, before, from_server=False)),
            asyncio.ensure_future(self._pass_on(behind, writer, from_server=True)),
        )
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for end in pair:
                end.transport.abort()
            self._writers -= pair

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, from_server: bool
    ) -> None:
        while data := await reader.read(65536):
            if not self._flowing.is_set():
                self.holds.set()
                await self._flowing.wait()
            if from_server:
                data = self.corrupt(data)
                self.passed += len(data)
            size = self.piece if from_server and self.piece else len(data) or 1
            for start in range(0, len(data), size):
                writer.write(data[start : start + size])
                await writer.drain()
                # Lets the reader at the other end see this piece alone.
                await asyncio.sleep(0)


@asynccontextmanager
async def proxied(
    target: GraphAddress, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Proxy]:
    """A proxy before ``target`` while the block lasts."""
    proxy = Proxy(target, tls=tls)
    await proxy.listen()
    try:
        yield proxy
    finally:
        proxy.thaw()
        await proxy.refuse()
